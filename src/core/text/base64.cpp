// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: as for base32, with six bits a digit.

#include "core/text/base64.hpp"

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

namespace nats::text {

namespace {

constexpr std::uint8_t no_digit = 64;

constexpr std::array<std::uint8_t, 256> values = [] {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::array<std::uint8_t, 256> out{};
    out.fill(no_digit);
    for (std::size_t i = 0; i < digits.size(); ++i)
        out[static_cast<unsigned char>(digits[i])] = static_cast<std::uint8_t>(i);
    return out;
}();

} // namespace

void encode_base64url(std::span<const unsigned char> in, std::span<char> out) noexcept {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::uint32_t bits = 0;
    unsigned held = 0;
    std::size_t at = 0;
    for (const unsigned char byte : in) {
        bits = bits << 8U | byte;
        held += 8;
        while (held >= 6) {
            held -= 6;
            out[at++] = digits[bits >> held & 63U];
        }
    }
    if (held != 0) out[at] = digits[bits << (6 - held) & 63U];
}

bool decode_base64(std::string_view in, std::string& out) {
    if (in.size() % 4 != 0) return false;
    std::size_t padding = 0;
    while (padding < 2 && in.ends_with('=')) {
        in.remove_suffix(1);
        ++padding;
    }
    std::string bytes;
    bytes.reserve(in.size() / 4 * 3 + 2);
    std::uint32_t bits = 0;
    unsigned held = 0;
    for (const char c : in) {
        const std::uint8_t value = values[static_cast<unsigned char>(c)];
        if (value == no_digit) return false;
        bits = bits << 6U | value;
        held += 6;
        if (held < 8) continue;
        held -= 8;
        bytes.push_back(static_cast<char>(bits >> held & 255U));
    }
    if (held >= 6 || (bits & ((1U << held) - 1)) != 0) return false; // bits that belong to no byte
    out = std::move(bytes);
    return true;
}

} // namespace nats::text

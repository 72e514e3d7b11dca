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

constexpr std::string_view common_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::uint8_t no_digit = 64;

constexpr std::array<std::uint8_t, 256> digit_values = [] {
    std::array<std::uint8_t, 256> out{};
    out.fill(no_digit);
    for (std::size_t i = 0; i < common_digits.size(); ++i)
        out[static_cast<unsigned char>(common_digits[i])] = static_cast<std::uint8_t>(i);
    return out;
}();

void encode(std::span<const unsigned char> in, std::string_view digits,
            std::span<char> out) noexcept {
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

} // namespace

void encode_base64url(std::span<const unsigned char> in, std::span<char> out) noexcept {
    encode(in, url_digits, out);
}

std::string encode_base64url_padded(std::span<const unsigned char> in) {
    std::string out((in.size() + 2) / 3 * 4, '=');
    encode(in, url_digits, out);
    return out;
}

std::string encode_base64url_padded(std::string_view in) {
    return encode_base64url_padded({reinterpret_cast<const unsigned char*>(in.data()), in.size()});
}

std::string encode_base64(std::string_view in) {
    std::string out((in.size() + 2) / 3 * 4, '=');
    encode({reinterpret_cast<const unsigned char*>(in.data()), in.size()}, common_digits, out);
    return out;
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
        const std::uint8_t value = digit_values[static_cast<unsigned char>(c)];
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

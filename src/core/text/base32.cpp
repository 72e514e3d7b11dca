// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: an accumulator takes bits from one side and gives them to the other. Digits
// are computed and not looked up, so that seeds index no table.

#include "core/text/base32.hpp"

#include <cstdint>

namespace nats::text {

namespace {

constexpr char digit(unsigned value) noexcept {
    return static_cast<char>(value < 26 ? 'A' + value : '2' + (value - 26));
}

/// 32 for a character that is no digit.
constexpr unsigned value_of(char c) noexcept {
    if (c >= 'A' && c <= 'Z') return static_cast<unsigned>(c - 'A');
    if (c >= '2' && c <= '7') return static_cast<unsigned>(c - '2') + 26;
    return 32;
}

} // namespace

void encode_base32(std::span<const unsigned char> in, std::span<char> out) noexcept {
    std::uint32_t bits = 0;
    unsigned held = 0;
    std::size_t at = 0;
    for (const unsigned char byte : in) {
        bits = bits << 8U | byte;
        held += 8;
        while (held >= 5) {
            held -= 5;
            out[at++] = digit(bits >> held & 31U);
        }
    }
    if (held != 0) out[at] = digit(bits << (5 - held) & 31U);
}

bool decode_base32(std::string_view in, std::span<unsigned char> out) noexcept {
    if (in.size() != base32_size(out.size())) return false;
    std::uint32_t bits = 0;
    unsigned held = 0;
    std::size_t at = 0;
    for (const char c : in) {
        const unsigned value = value_of(c);
        if (value == 32) return false;
        bits = bits << 5U | value;
        held += 5;
        if (held >= 8) {
            held -= 8;
            out[at++] = static_cast<unsigned char>(bits >> held & 0xffU);
        }
    }
    return (bits & ((1U << held) - 1)) == 0;
}

} // namespace nats::text

// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: as for base32, with six bits a digit.

#include "core/text/base64.hpp"

#include <cstdint>
#include <string_view>

namespace nats::text {

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

} // namespace nats::text

// SPDX-License-Identifier: Apache-2.0
//
// Base32 of RFC 4648 without padding, as NKEYs use it. Strict, so that a text is the only one of
// its bytes.

#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace nats::text {

[[nodiscard]] constexpr std::size_t base32_size(std::size_t bytes) noexcept {
    return (bytes * 8 + 4) / 5;
}

/// Fills `out`, which has `base32_size(in.size())` characters.
void encode_base32(std::span<const unsigned char> in, std::span<char> out) noexcept;

/// Fills `out`. False for another length than `base32_size(out.size())`, for characters that are
/// not of the alphabet (capitals and 2 to 7), and for bits behind the last byte that are not 0.
[[nodiscard]] bool decode_base32(std::string_view in, std::span<unsigned char> out) noexcept;

} // namespace nats::text

// SPDX-License-Identifier: Apache-2.0
//
// Base64 for URLs (RFC 4648, section 5) without padding, as CONNECT wants signatures.

#pragma once

#include <cstddef>
#include <span>

namespace nats::text {

[[nodiscard]] constexpr std::size_t base64url_size(std::size_t bytes) noexcept {
    return (bytes * 8 + 5) / 6;
}

/// Fills `out`, which has `base64url_size(in.size())` characters.
void encode_base64url(std::span<const unsigned char> in, std::span<char> out) noexcept;

} // namespace nats::text

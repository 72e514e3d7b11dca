// SPDX-License-Identifier: Apache-2.0
//
// Base64 (RFC 4648): for URLs (section 5) without padding, as CONNECT wants signatures, and with
// it, as the object store writes names and digests; and the common one (section 4) with padding, as
// JetStream sends stored messages.

#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace nats::text {

[[nodiscard]] constexpr std::size_t base64url_size(std::size_t bytes) noexcept {
    return (bytes * 8 + 5) / 6;
}

/// Fills `out`, which has `base64url_size(in.size())` characters.
void encode_base64url(std::span<const unsigned char> in, std::span<char> out) noexcept;

/// The alphabet for URLs, with padding.
[[nodiscard]] std::string encode_base64url_padded(std::span<const unsigned char> in);
[[nodiscard]] std::string encode_base64url_padded(std::string_view in);

/// The common alphabet, with padding.
[[nodiscard]] std::string encode_base64(std::string_view in);
/// The same back. False, and `out` unchanged, for what is none.
[[nodiscard]] bool decode_base64(std::string_view in, std::string& out);

} // namespace nats::text

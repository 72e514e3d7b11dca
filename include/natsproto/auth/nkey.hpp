// SPDX-License-Identifier: Apache-2.0
//
// NKEYs: Ed25519 keys as text with a kind and a checksum (specification 2.6; ADR-14 for their use).
// A public key starts with the letter of its kind, a seed with S and that letter.

#pragma once

#include <natsproto/crypto.hpp>
#include <natsproto/random.hpp>
#include <natsproto/result.hpp>
#include <natsproto/secret.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace nats {

enum class nkey_kind : std::uint8_t { user, account, server, cluster, operator_, curve };

/// The public half, decoded.
struct nkey_public {
    nkey_kind kind = nkey_kind::user;
    ed25519_public_key key{};
};

/// A public key as text, 56 characters.
[[nodiscard]] std::string encode_nkey(const nkey_public& key);
/// Errors: `invalid_nkey`, which says what is wrong (never the text).
[[nodiscard]] result<nkey_public> decode_nkey(std::string_view text);

/// A key pair. The seed is wiped with it.
class nkey_pair {
public:
    /// From the text of a seed, 58 characters; blanks and line ends around it are ignored. Errors:
    /// `invalid_nkey`, which says what is wrong (never the text).
    [[nodiscard]] static result<nkey_pair> from_seed(std::string_view text);
    /// `random` must be fit for secrets.
    [[nodiscard]] static nkey_pair create(nkey_kind kind, random_source& random);

    nkey_pair(nkey_pair&&) noexcept;
    nkey_pair& operator=(nkey_pair&&) noexcept;
    nkey_pair(const nkey_pair&) = delete;
    nkey_pair& operator=(const nkey_pair&) = delete;
    ~nkey_pair();

    [[nodiscard]] nkey_kind kind() const noexcept { return kind_; }
    /// The seed as text.
    [[nodiscard]] secret seed() const;
    /// Curve keys (X25519) are text only: for them, this and `sign` fail with `invalid_nkey`.
    [[nodiscard]] result<nkey_public> public_key(const crypto_provider& crypto) const;
    [[nodiscard]] result<ed25519_signature> sign(std::string_view message,
                                                 const crypto_provider& crypto) const;

private:
    nkey_pair() noexcept = default;
    nkey_kind kind_ = nkey_kind::user;
    std::array<unsigned char, 32> seed_{};
};

/// Whether the key's owner signed the message; false for curve keys.
[[nodiscard]] bool verify(const nkey_public& key, std::string_view message,
                          const ed25519_signature& signature, const crypto_provider& crypto);
/// As CONNECT wants it: base64 for URLs, without padding.
[[nodiscard]] std::string encode_signature(const ed25519_signature& signature);

} // namespace nats

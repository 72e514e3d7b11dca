// SPDX-License-Identifier: Apache-2.0
//
// What the core needs of a cryptographic library: Ed25519 for NKEYs, SHA-256 for the object store,
// and TLS as a link. OpenSSL's is in <natsproto/openssl/provider.hpp>; another library can stand
// in.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/link/link.hpp>
#include <natsproto/result.hpp>
#include <natsproto/tls_options.hpp>

#include <array>
#include <memory>
#include <span>
#include <string_view>

namespace nats {

using ed25519_seed = std::span<const unsigned char, 32>;
using ed25519_public_key = std::array<unsigned char, 32>;
using ed25519_signature = std::array<unsigned char, 64>;
using sha256_digest = std::array<unsigned char, 32>;

/// What one TLS connection is made of: `tls_options` with its files read. Views live during the
/// call.
struct tls_parameters {
    std::string_view server_name; ///< what the certificate must be for; sent as SNI unless an IP
    std::string_view ca;          ///< PEM; empty: none of the user's
    bool system_roots = true;
    std::string_view certificate; ///< PEM; empty: none
    std::string_view key;
    std::string_view key_password;
    std::string_view ciphers;
    std::string_view cipher_suites;
    tls_version minimum = tls_version::v1_2;
    bool accept_any_certificate = false;
    tls_verifier verify = nullptr;
    void* verify_context = nullptr;
};

/// What the server's side of TLS is made of. Views live during the call.
struct tls_server_parameters {
    std::string_view certificate; ///< PEM, with its chain
    std::string_view key;         ///< PEM
    std::string_view key_password;
    std::string_view ca; ///< PEM: authorities of client certificates; empty: none is asked for
    bool require_client_certificate = false;
    std::string_view ciphers;
    std::string_view cipher_suites;
    tls_version minimum = tls_version::v1_2;
};

/// One configuration of a TLS server, for any number of connections. They may outlive it.
class tls_acceptor {
public:
    tls_acceptor() = default;
    tls_acceptor(const tls_acceptor&) = delete;
    tls_acceptor& operator=(const tls_acceptor&) = delete;
    virtual ~tls_acceptor() = default;
    /// The server's side of a new connection. Errors: `crypto_failed`.
    [[nodiscard]] virtual result<std::unique_ptr<link>> accept() const = 0;
};

/// SHA-256 of something that comes in pieces.
class sha256_hash {
public:
    sha256_hash() = default;
    sha256_hash(const sha256_hash&) = delete;
    sha256_hash& operator=(const sha256_hash&) = delete;
    virtual ~sha256_hash() = default;
    /// Errors: `crypto_failed`.
    virtual result<void> update(bytes piece) = 0;
    /// Of all pieces. The last call.
    [[nodiscard]] virtual result<sha256_digest> finish() = 0;
};

class crypto_provider {
public:
    crypto_provider() = default;
    crypto_provider(const crypto_provider&) = delete;
    crypto_provider& operator=(const crypto_provider&) = delete;
    virtual ~crypto_provider() = default;

    /// Errors: `crypto_failed`.
    [[nodiscard]] virtual result<ed25519_public_key> public_key(ed25519_seed seed) const = 0;
    [[nodiscard]] virtual result<ed25519_signature> sign(ed25519_seed seed,
                                                         std::string_view message) const = 0;
    [[nodiscard]] virtual bool verify(const ed25519_public_key& key, std::string_view message,
                                      const ed25519_signature& signature) const = 0;

    /// A hash without any piece yet. Errors: `crypto_failed`; `crypto_unavailable` for a provider
    /// that has none, as this default says.
    [[nodiscard]] virtual result<std::unique_ptr<sha256_hash>> sha256() const;

    /// The client's side of a TLS connection. Errors: `tls_configuration`, with what is wrong.
    [[nodiscard]] virtual result<std::unique_ptr<link>> tls_client(
        const tls_parameters& p) const = 0;
    /// The server's side. Errors: `tls_configuration`, with what is wrong; `tls_unavailable` for a
    /// provider that has only the client's, as this default says.
    [[nodiscard]] virtual result<std::unique_ptr<tls_acceptor>> tls_server(
        const tls_server_parameters& p) const;
};

} // namespace nats

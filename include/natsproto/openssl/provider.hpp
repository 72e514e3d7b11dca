// SPDX-License-Identifier: Apache-2.0
//
// OpenSSL 3 as the crypto provider: Ed25519, SHA-256, and TLS as a link without I/O. The system's
// roots, if they are wanted, are read by OpenSSL itself (SSL_CERT_FILE and SSL_CERT_DIR apply), and
// it is OpenSSL that looks at the clock when it checks whether a certificate has expired.

#pragma once

#include <natsproto/crypto.hpp>

namespace nats::openssl {

/// Has no state: one may serve all sessions of a process, in all threads.
class provider final : public crypto_provider {
public:
    [[nodiscard]] result<ed25519_public_key> public_key(ed25519_seed seed) const override;
    [[nodiscard]] result<ed25519_signature> sign(ed25519_seed seed,
                                                 std::string_view message) const override;
    [[nodiscard]] bool verify(const ed25519_public_key& key, std::string_view message,
                              const ed25519_signature& signature) const override;
    [[nodiscard]] result<std::unique_ptr<sha256_hash>> sha256() const override;
    [[nodiscard]] result<std::unique_ptr<link>> tls_client(const tls_parameters& p) const override;
    /// Remembers no sessions and gives no tickets: each connection makes a whole handshake.
    [[nodiscard]] result<std::unique_ptr<tls_acceptor>> tls_server(
        const tls_server_parameters& p) const override;
};

} // namespace nats::openssl

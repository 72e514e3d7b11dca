// SPDX-License-Identifier: Apache-2.0
//
// Whether the peer's certificate is taken: OpenSSL's verification, and then the user's word.

#pragma once

#include <natsproto/crypto.hpp>
#include <natsproto/error.hpp>

#include "openssl/handles.hpp"

#include <optional>
#include <string>

namespace nats::openssl {

/// Serves one connection. It has to stay where it is while the SSL lives.
class certificate_check {
public:
    /// Of the client's side.
    explicit certificate_check(const tls_parameters& p);
    /// Of the server's side: nobody's word but OpenSSL's.
    certificate_check() = default;
    certificate_check(const certificate_check&) = delete;
    certificate_check& operator=(const certificate_check&) = delete;

    /// Connections of `context` ask the check that is attached to them; `mode` is OpenSSL's. A
    /// certificate in a connection without one is refused.
    static void install(SSL_CTX* context, int mode) noexcept;
    void attach(SSL* ssl);

    /// Why the certificate was refused, if it was.
    [[nodiscard]] const std::optional<error>& refusal() const noexcept { return refusal_; }

private:
    static int on_certificate(X509_STORE_CTX* verification, void* unused) noexcept;
    [[nodiscard]] bool accepts(X509_STORE_CTX* verification);
    [[nodiscard]] bool user_accepts(X509* leaf, const error* problem);

    std::string name_;
    bool accept_any_ = false;
    tls_verifier verify_ = nullptr;
    void* verify_context_ = nullptr;
    std::optional<error> refusal_;
};

} // namespace nats::openssl

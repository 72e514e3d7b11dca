// SPDX-License-Identifier: Apache-2.0
//
// Whether the server's certificate is taken: OpenSSL's verification, and then the user's word.

#pragma once

#include <natsproto/crypto.hpp>
#include <natsproto/error.hpp>

#include "openssl/handles.hpp"

#include <optional>
#include <string>

namespace nats::openssl {

/// Serves one connection. It has to stay where it is while the SSL_CTX lives.
class certificate_check {
public:
    explicit certificate_check(const tls_parameters& p);
    certificate_check(const certificate_check&) = delete;
    certificate_check& operator=(const certificate_check&) = delete;

    /// Makes it the one that decides in connections of `context`.
    void install(SSL_CTX* context) noexcept;

    /// Why the certificate was refused, if it was.
    [[nodiscard]] const std::optional<error>& refusal() const noexcept { return refusal_; }

private:
    static int on_certificate(X509_STORE_CTX* verification, void* self) noexcept;
    [[nodiscard]] bool accepts(X509_STORE_CTX* verification);
    [[nodiscard]] bool user_accepts(X509* leaf, const error* problem);

    std::string name_;
    bool accept_any_;
    tls_verifier verify_;
    void* verify_context_;
    std::optional<error> refusal_;
};

} // namespace nats::openssl

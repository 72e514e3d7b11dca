// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// OpenSSL lets a callback stand in for its verification. This one runs that verification, which
// includes the name, and remembers what was wrong; a verifier of the user hears of it and has the
// last word. The number of the error that was found stays in the verification: OpenSSL chooses the
// alert for the server by it. The callback is called from C: nothing is thrown out of it, and when
// in doubt, the certificate is refused. A server's connections share their context, so the check is
// found by way of the connection.

#include "openssl/certificate_check.hpp"
#include "openssl/tls_errors.hpp"

#include <new>
#include <string_view>

namespace nats::openssl {

certificate_check::certificate_check(const tls_parameters& p)
    : name_(p.server_name),
      accept_any_(p.accept_any_certificate),
      verify_(p.verify),
      verify_context_(p.verify_context) {}

void certificate_check::install(SSL_CTX* context, int mode) noexcept {
    SSL_CTX_set_verify(context, mode, nullptr);
    SSL_CTX_set_cert_verify_callback(context, on_certificate, nullptr);
}

void certificate_check::attach(SSL* ssl) {
    if (SSL_set_app_data(ssl, this) != 1) throw std::bad_alloc();
}

int certificate_check::on_certificate(X509_STORE_CTX* verification, void* /*unused*/) noexcept {
    const auto* const ssl = static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
    void* const attached = ssl != nullptr ? SSL_get_app_data(ssl) : nullptr;
    if (attached == nullptr) return 0;
    auto& check = *static_cast<certificate_check*>(attached);
    try {
        return check.accepts(verification) ? 1 : 0;
    } catch (...) { // lack of memory
        check.refusal_.emplace(errc::tls_failed);
        X509_STORE_CTX_set_error(verification, X509_V_ERR_OUT_OF_MEM);
        return 0;
    }
}

bool certificate_check::accepts(X509_STORE_CTX* verification) {
    if (verify_ == nullptr && accept_any_) return true;
    std::optional<error> problem;
    if (X509_verify_cert(verification) != 1) problem = certificate_failure(verification, name_);

    if (verify_ == nullptr) {
        refusal_ = std::move(problem);
        return !refusal_;
    }
    X509* const leaf = X509_STORE_CTX_get0_cert(verification);
    return user_accepts(leaf, problem ? &*problem : nullptr);
}

bool certificate_check::user_accepts(X509* leaf, const error* problem) {
    unsigned char* der = nullptr;
    const int size = i2d_X509(leaf, &der);
    const std::unique_ptr<unsigned char, freed_by<[](void* p) { OPENSSL_free(p); }>> owner(der);
    if (size <= 0) {
        refusal_.emplace(errc::tls_failed, "the certificate cannot be encoded");
        return false;
    }
    const tls_peer peer{
        {reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)}, name_, problem};
    try {
        if (verify_(verify_context_, peer)) return true;
    } catch (...) {
        refusal_.emplace(errc::tls_rejected_by_verifier, "it threw an exception");
        return false;
    }
    std::string detail;
    if (problem != nullptr) detail = problem->message();
    refusal_.emplace(errc::tls_rejected_by_verifier, std::move(detail));
    return false;
}

} // namespace nats::openssl

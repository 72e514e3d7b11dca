// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// OpenSSL has one number for each of its refusals, and puts alerts of the peer among them. They are
// grouped by what a user can do about it. Servers are not precise: with TLS 1.2, and with Go, a
// missing client certificate is answered by an alert that says something else. It is known whether
// the server has asked for one and whether there was one, so that is told apart here.

#include "openssl/tls_errors.hpp"

namespace nats::openssl {

namespace {

std::string words_of_alert(int alert, const failure_context& at) {
    const std::string says = at.server ? "the client says: " : "the server says: ";
    const std::string_view words = SSL_alert_desc_string_long(alert);
    const std::string number = std::to_string(alert);
    if (alert == SSL_AD_CERTIFICATE_REQUIRED) return says + "certificate required";
    if (words == "unknown") return says + "alert " + number;
    return says + std::string(words);
}

bool is_about_our_certificate(int alert) noexcept {
    switch (alert) {
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED: return true;
    default: return false;
    }
}

errc code_of_alert(int alert, const failure_context& at) noexcept {
    if (alert == SSL_AD_PROTOCOL_VERSION || alert == SSL_AD_INSUFFICIENT_SECURITY)
        return errc::tls_protocol;
    if (at.server) return errc::tls_failed; // the other codes are about a server's alerts
    // RFC 5246, 7.4.6: a client without a certificate may be answered by handshake_failure. Go
    // answers by bad_certificate.
    const bool withheld = at.certificate_wanted && !at.certificate_given;
    if (alert == SSL_AD_CERTIFICATE_REQUIRED) return errc::tls_certificate_required;
    if (withheld && (alert == SSL_AD_HANDSHAKE_FAILURE || is_about_our_certificate(alert)))
        return errc::tls_certificate_required;
    if (is_about_our_certificate(alert)) return errc::tls_certificate_refused;
    // Before its hello the server has seen nothing of us but versions, ciphers and groups.
    if (alert == SSL_AD_HANDSHAKE_FAILURE && !at.answered) return errc::tls_protocol;
    return errc::tls_failed;
}

errc code_of_refusal(int reason, const failure_context& at) noexcept {
    if (at.open) return errc::tls_truncated;
    if (!at.answered) return errc::tls_protocol;
    switch (reason) {
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC: return errc::tls_truncated;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return errc::tls_certificate_required;
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_WRONG_CIPHER_RETURNED:
    case SSL_R_UNKNOWN_CIPHER_RETURNED:
    case SSL_R_NO_SHARED_CIPHER: return errc::tls_protocol;
    default: return errc::tls_failed;
    }
}

std::string words_of(unsigned long code) {
    const char* const words = ERR_reason_error_string(code);
    return words != nullptr ? words : "error " + std::to_string(ERR_GET_REASON(code));
}

std::string words_of(const X509_NAME* name) {
    return printed([&](BIO* out) { X509_NAME_print_ex(out, name, 0, XN_FLAG_ONELINE); });
}

std::string words_of(const ASN1_TIME* time) {
    return printed([&](BIO* out) { ASN1_TIME_print(out, time); });
}

/// The names that a certificate is for, as far as a line has room for them.
std::string names_of(const X509* certificate) {
    const general_names_ptr names(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    if (names == nullptr) return "it has no alternative names";
    const std::string list = printed([&](BIO* out) {
        for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
            if (i != 0) BIO_puts(out, ", ");
            GENERAL_NAME_print(out, sk_GENERAL_NAME_value(names.get(), i));
        }
    });
    return "it is for " + list;
}

std::string words_of_dates(const X509* certificate, int problem) {
    if (problem == X509_V_ERR_CERT_HAS_EXPIRED)
        return "it ended " + words_of(X509_get0_notAfter(certificate));
    return "it begins " + words_of(X509_get0_notBefore(certificate));
}

} // namespace

error tls_failure(unsigned long code, const failure_context& at) {
    const int reason = ERR_GET_REASON(code);
    if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET) {
        const int alert = reason - SSL_AD_REASON_OFFSET;
        return {code_of_alert(alert, at), words_of_alert(alert, at)};
    }
    return {code_of_refusal(reason, at), words_of(code)};
}

error certificate_failure(X509_STORE_CTX* verification, std::string_view name) {
    const int problem = X509_STORE_CTX_get_error(verification);
    const X509* at_fault = X509_STORE_CTX_get_current_cert(verification);
    const X509* const leaf = X509_STORE_CTX_get0_cert(verification);
    if (at_fault == nullptr) at_fault = leaf;
    const std::string words = X509_verify_cert_error_string(problem);
    switch (problem) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID: {
        std::string detail = words_of_dates(at_fault, problem);
        if (X509_STORE_CTX_get_error_depth(verification) > 0)
            detail += ", the one of " + words_of(X509_get_subject_name(at_fault));
        return {errc::tls_certificate_expired, std::move(detail)};
    }
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return {errc::tls_wrong_name, std::string(name) + " is wanted, " + names_of(leaf)};
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_INVALID_CA:
        return {errc::tls_unknown_authority,
                words + ", issued by " + words_of(X509_get_issuer_name(at_fault))};
    default: return {errc::tls_failed, words};
    }
}

std::string openssl_reason() {
    return words_of(ERR_peek_last_error());
}

} // namespace nats::openssl

// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// A client's context serves one connection: certificates may have changed on disk since the last
// one, and with nothing shared there is no session to be resumed under other settings than it was
// made with. A server's serves many, but remembers no sessions and gives no tickets: TLS 1.3 would
// send them behind the handshake without being asked, to clients that may close before they have
// read them, which on TCP can destroy what is on its way to them.
// OpenSSL passes over much that it does not know, such as the unknown names in a list of ciphers.
// Here each of them is an error, since a typo must not quietly mean something weaker.

#include "openssl/certificate_check.hpp"
#include "openssl/pem.hpp"
#include "openssl/tls_context.hpp"
#include "openssl/tls_errors.hpp"

#include <algorithm>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace nats::openssl {

namespace {

error unusable(std::string_view option, std::string_view why) {
    return {errc::tls_configuration, std::string(option) + ": " + std::string(why)};
}

/// OpenSSL takes texts up to their first NUL, which may not be what was meant.
bool has_nul(std::string_view text) noexcept {
    return text.find('\0') != std::string_view::npos;
}

std::vector<std::string> split(std::string_view list, std::string_view separators) {
    std::vector<std::string> out;
    while (!list.empty()) {
        const std::size_t end = std::min(list.find_first_of(separators), list.size());
        if (end != 0) out.emplace_back(list.substr(0, end));
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return out;
}

ssl_ctx_ptr new_context(const SSL_METHOD* side, tls_version minimum) {
    ssl_ctx_ptr context(SSL_CTX_new(side));
    if (context == nullptr) throw std::bad_alloc();
    SSL_CTX* const c = context.get();
    SSL_CTX_set_min_proto_version(c,
                                  minimum == tls_version::v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(c, 0); // the option above is about TLS 1.2
    SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return context;
}

/// Whether a word of a cipher list adds ciphers, rather than to take some away or to reorder.
bool adds_ciphers(const std::string& word) noexcept {
    return std::string_view("!-+@").find(word.front()) == std::string_view::npos;
}

result<void> set_ciphers(SSL_CTX* context, std::string_view list) {
    if (list.empty()) return {};
    if (has_nul(list)) return unusable("ciphers", "a NUL is in it");
    for (const std::string& word : split(list, ":,; ")) {
        if (adds_ciphers(word) && SSL_CTX_set_cipher_list(context, word.c_str()) != 1)
            return unusable("ciphers", "unknown: " + word);
    }
    // Ciphers that prove nothing or hide nothing are no TLS.
    const std::string safe = std::string(list) + ":!aNULL:!eNULL";
    if (SSL_CTX_set_cipher_list(context, safe.c_str()) != 1)
        return unusable("ciphers", openssl_reason());
    return {};
}

bool has_cipher(const SSL_CTX* context, std::string_view name) noexcept {
    const STACK_OF(SSL_CIPHER)* all = SSL_CTX_get_ciphers(context);
    for (int i = 0; i < sk_SSL_CIPHER_num(all); ++i) {
        if (name == SSL_CIPHER_get_name(sk_SSL_CIPHER_value(all, i))) return true;
    }
    return false;
}

result<void> set_cipher_suites(SSL_CTX* context, std::string_view list) {
    if (list.empty()) return {};
    if (has_nul(list)) return unusable("cipher_suites", "a NUL is in it");
    const std::vector<std::string> words = split(list, ":");
    if (words.empty()) return unusable("cipher_suites", "no name is in it");
    // One by one: some versions of OpenSSL pass over unknown names, others do not say which it is.
    for (const std::string& word : words) {
        const bool known = word.starts_with("TLS_") &&
                           SSL_CTX_set_ciphersuites(context, word.c_str()) == 1 &&
                           has_cipher(context, word);
        if (!known) return unusable("cipher_suites", "unknown: " + word);
    }
    if (SSL_CTX_set_ciphersuites(context, std::string(list).c_str()) != 1)
        return unusable("cipher_suites", openssl_reason());
    return {};
}

result<std::vector<x509_ptr>> add_authorities(SSL_CTX* context, std::string_view pem) {
    X509_STORE* const store = SSL_CTX_get_cert_store(context);
    // Who trusts an intermediate authority need not trust its root.
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    if (pem.empty()) return std::vector<x509_ptr>();
    result<std::vector<x509_ptr>> all = certificates_of(pem, "ca");
    if (!all) return all.error();
    for (const x509_ptr& each : *all) {
        if (X509_STORE_add_cert(store, each.get()) != 1) return unusable("ca", openssl_reason());
    }
    return all;
}

result<void> set_authorities(SSL_CTX* context, const tls_parameters& p) {
    if (p.system_roots) {
        if (SSL_CTX_set_default_verify_paths(context) != 1)
            return unusable("system_roots", openssl_reason());
    }
    if (p.ca.empty()) {
        const bool decided_elsewhere = p.accept_any_certificate || p.verify != nullptr;
        if (!p.system_roots && !decided_elsewhere)
            return unusable("ca", "there is none, and system_roots is not set");
    }
    if (const auto added = add_authorities(context, p.ca); !added) return added.error();
    certificate_check::install(context, SSL_VERIFY_PEER);
    return {};
}

/// The authorities are named to clients, who choose their certificate by that.
result<void> set_client_authorities(SSL_CTX* context, const tls_server_parameters& p) {
    if (p.ca.empty()) {
        if (!p.require_client_certificate) return {};
        return unusable("ca", "there is none, and client certificates are required");
    }
    const auto added = add_authorities(context, p.ca);
    if (!added) return added.error();
    for (const x509_ptr& each : *added) {
        if (SSL_CTX_add_client_CA(context, each.get()) != 1) throw std::bad_alloc();
    }
    const int demand = p.require_client_certificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    certificate_check::install(context, SSL_VERIFY_PEER | demand);
    return {};
}

template <class Parameters> // of either side
result<void> set_certificate(SSL_CTX* context, const Parameters& p) {
    if (p.certificate.empty() && p.key.empty()) return {};
    if (p.key.empty()) return unusable("key", "there is none for the certificate");
    if (p.certificate.empty()) return unusable("certificate", "there is none for the key");

    result<std::vector<x509_ptr>> chain = certificates_of(p.certificate, "certificate");
    if (!chain) return chain.error();
    const result<key_ptr> key = private_key_of(p.key, p.key_password);
    if (!key) return key.error();

    if (SSL_CTX_use_certificate(context, chain->front().get()) != 1)
        return unusable("certificate", openssl_reason());
    for (std::size_t i = 1; i < chain->size(); ++i) {
        if (SSL_CTX_add1_chain_cert(context, (*chain)[i].get()) != 1)
            return unusable("certificate", openssl_reason());
    }
    // Looked at first: OpenSSL takes a certificate away again to make room for a key of another.
    if (X509_check_private_key(chain->front().get(), key->get()) != 1)
        return unusable("key", "it is not the key of the certificate");
    if (SSL_CTX_use_PrivateKey(context, key->get()) != 1) return unusable("key", openssl_reason());
    return {};
}

/// A zone (fe80::1%eth0) says how to get there; it is no part of the address in a certificate.
octets_ptr address_of(std::string_view name) {
    const bool v6 = name.find(':') != std::string_view::npos;
    const std::string address(v6 ? name.substr(0, name.find('%')) : name);
    return octets_ptr(a2i_IPADDRESS(address.c_str()));
}

} // namespace

result<ssl_ctx_ptr> make_client_context(const tls_parameters& p) {
    const clean_error_queue clean;
    ssl_ctx_ptr context = new_context(TLS_client_method(), p.minimum);
    if (auto r = set_ciphers(context.get(), p.ciphers); !r) return r.error();
    if (auto r = set_cipher_suites(context.get(), p.cipher_suites); !r) return r.error();
    if (auto r = set_authorities(context.get(), p); !r) return r.error();
    if (auto r = set_certificate(context.get(), p); !r) return r.error();
    return context;
}

result<ssl_ctx_ptr> make_server_context(const tls_server_parameters& p) {
    const clean_error_queue clean;
    if (p.certificate.empty() && p.key.empty()) return unusable("certificate", "there is none");
    ssl_ctx_ptr context = new_context(TLS_server_method(), p.minimum);
    if (auto r = set_ciphers(context.get(), p.ciphers); !r) return r.error();
    if (auto r = set_cipher_suites(context.get(), p.cipher_suites); !r) return r.error();
    if (auto r = set_client_authorities(context.get(), p); !r) return r.error();
    if (auto r = set_certificate(context.get(), p); !r) return r.error();
    return context;
}

result<void> set_server_name(SSL* ssl, const tls_parameters& p) {
    const clean_error_queue clean;
    std::string name(p.server_name);
    if (name.ends_with('.')) name.pop_back(); // of DNS; certificates and SNI have none
    if (name.empty()) {
        if (p.accept_any_certificate) return {};
        return unusable("server_name", "there is none");
    }
    // OpenSSL takes ".example.com" for all names below it.
    if (name.starts_with('.') || has_nul(name))
        return unusable("server_name", "it is no name of a host");

    X509_VERIFY_PARAM* const wanted = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(
        wanted, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (const octets_ptr address = address_of(name)) {
        const auto size = static_cast<std::size_t>(ASN1_STRING_length(address.get()));
        if (X509_VERIFY_PARAM_set1_ip(wanted, ASN1_STRING_get0_data(address.get()), size) != 1)
            return unusable("server_name", openssl_reason());
        return {};
    }
    if (X509_VERIFY_PARAM_set1_host(wanted, name.data(), name.size()) != 1 ||
        SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) != 1)
        return unusable("server_name", openssl_reason());
    return {};
}

} // namespace nats::openssl

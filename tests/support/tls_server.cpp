// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: an SSL object between two memory BIOs. After each piece of input the
// handshake is driven on, and then everything is read.

#include "support/tls_server.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

namespace nats::test {

struct tls_server::impl {
    SSL_CTX* context = nullptr;
    SSL* ssl = nullptr;
    BIO* input = nullptr; // both belong to ssl
    BIO* output = nullptr;
    std::string plain;
    std::string problem;
    bool client_closed = false;

    impl() = default;
    impl(const impl&) = delete;
    impl& operator=(const impl&) = delete;
    ~impl() {
        SSL_free(ssl);
        SSL_CTX_free(context);
    }

    void note_problem() {
        std::array<char, 256> words{};
        ERR_error_string_n(ERR_peek_last_error(), words.data(), words.size());
        problem = words.data();
        ERR_clear_error();
    }

    /// False: no more is to be had now.
    bool went_well(int outcome) {
        if (outcome > 0) return true;
        switch (SSL_get_error(ssl, outcome)) {
        case SSL_ERROR_WANT_READ: break;
        case SSL_ERROR_ZERO_RETURN: client_closed = true; break;
        default: note_problem();
        }
        return false;
    }

    void work() {
        if (!problem.empty() || client_closed) return;
        ERR_clear_error();
        if (!SSL_is_init_finished(ssl) && !went_well(SSL_do_handshake(ssl))) return;
        for (;;) {
            std::array<char, 16384> block; // NOLINT(*-member-init): filled by SSL_read
            const int n = SSL_read(ssl, block.data(), static_cast<int>(block.size()));
            if (!went_well(n)) return;
            plain.append(block.data(), static_cast<std::size_t>(n));
        }
    }
};

namespace {

void require(bool done, const char* what) {
    if (!done) throw std::runtime_error(std::string("tls_server: ") + what);
}

BIO* text_bio(const std::string& text) {
    return BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
}

void use_identity(SSL_CTX* context, const identity& self) {
    BIO* const text = text_bio(self.certificate);
    X509* leaf = PEM_read_bio_X509(text, nullptr, nullptr, nullptr);
    require(leaf != nullptr && SSL_CTX_use_certificate(context, leaf) == 1, "certificate");
    X509_free(leaf);
    while (X509* next = PEM_read_bio_X509(text, nullptr, nullptr, nullptr))
        SSL_CTX_add0_chain_cert(context, next);
    BIO_free(text);
    BIO* const key_text = text_bio(self.key);
    EVP_PKEY* key = PEM_read_bio_PrivateKey(key_text, nullptr, nullptr, nullptr);
    require(key != nullptr && SSL_CTX_use_PrivateKey(context, key) == 1, "key");
    EVP_PKEY_free(key);
    BIO_free(key_text);
}

void check_clients(SSL_CTX* context, const tls_server_options& options) {
    if (options.clients == client_certificate::unwanted) return;
    int mode = SSL_VERIFY_PEER;
    if (options.clients == client_certificate::required) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(context, mode, nullptr);
    BIO* const text = text_bio(options.client_ca);
    X509* ca = PEM_read_bio_X509(text, nullptr, nullptr, nullptr);
    require(ca != nullptr && X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca) == 1,
            "client_ca");
    X509_free(ca);
    BIO_free(text);
}

void set_versions(SSL_CTX* context, tls_range versions) {
    int low = TLS1_2_VERSION;
    int high = TLS1_3_VERSION;
    if (versions == tls_range::only_1_2) high = TLS1_2_VERSION;
    if (versions == tls_range::only_1_3) low = TLS1_3_VERSION;
    if (versions == tls_range::only_1_1) {
        low = high = TLS1_1_VERSION;
        SSL_CTX_set_security_level(context, 0);
    }
    SSL_CTX_set_min_proto_version(context, low);
    SSL_CTX_set_max_proto_version(context, high);
}

} // namespace

tls_server::tls_server(const tls_server_options& options) : impl_(std::make_unique<impl>()) {
    impl& i = *impl_;
    i.context = SSL_CTX_new(TLS_server_method());
    require(i.context != nullptr, "context");
    set_versions(i.context, options.versions);
    if (!options.self.certificate.empty()) use_identity(i.context, options.self);
    check_clients(i.context, options);
    if (!options.ciphers.empty())
        require(SSL_CTX_set_cipher_list(i.context, options.ciphers.c_str()) == 1, "ciphers");
    if (!options.cipher_suites.empty())
        require(SSL_CTX_set_ciphersuites(i.context, options.cipher_suites.c_str()) == 1, "suites");
    i.ssl = SSL_new(i.context);
    i.input = BIO_new(BIO_s_mem());
    i.output = BIO_new(BIO_s_mem());
    require(i.ssl != nullptr && i.input != nullptr && i.output != nullptr, "connection");
    SSL_set_bio(i.ssl, i.input, i.output);
    SSL_set_accept_state(i.ssl);
    ERR_clear_error();
}

tls_server::~tls_server() = default;

void tls_server::receive(std::string_view wire) {
    if (!wire.empty()) BIO_write(impl_->input, wire.data(), static_cast<int>(wire.size()));
    impl_->work();
}

std::string tls_server::take_output(std::size_t limit) {
    std::string out(std::min(limit, BIO_ctrl_pending(impl_->output)), '\0');
    if (!out.empty()) BIO_read(impl_->output, out.data(), static_cast<int>(out.size()));
    return out;
}

std::string tls_server::take_plain() {
    return std::exchange(impl_->plain, {});
}

void tls_server::send(std::string_view plain) {
    ERR_clear_error();
    if (SSL_write(impl_->ssl, plain.data(), static_cast<int>(plain.size())) <= 0)
        impl_->note_problem();
}

void tls_server::close() {
    ERR_clear_error();
    SSL_shutdown(impl_->ssl);
    ERR_clear_error();
}

void tls_server::update_keys() {
    require(SSL_key_update(impl_->ssl, SSL_KEY_UPDATE_REQUESTED) == 1, "update_keys");
    impl_->went_well(SSL_do_handshake(impl_->ssl));
}

void tls_server::renegotiate() {
    require(SSL_renegotiate(impl_->ssl) == 1, "renegotiate");
    impl_->went_well(SSL_do_handshake(impl_->ssl));
}

bool tls_server::open() const noexcept {
    return impl_->problem.empty() && SSL_is_init_finished(impl_->ssl) == 1;
}

bool tls_server::client_closed() const noexcept {
    return impl_->client_closed;
}

const std::string& tls_server::problem() const noexcept {
    return impl_->problem;
}

std::string tls_server::sni() const {
    const char* const name = SSL_get_servername(impl_->ssl, TLSEXT_NAMETYPE_host_name);
    return name != nullptr ? name : "";
}

std::string tls_server::version() const {
    return SSL_get_version(impl_->ssl);
}

std::string tls_server::cipher() const {
    return SSL_get_cipher_name(impl_->ssl);
}

std::string tls_server::client_name() const {
    X509* const certificate = SSL_get0_peer_certificate(impl_->ssl);
    if (certificate == nullptr) return {};
    std::array<char, 128> name{};
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(),
                              static_cast<int>(name.size()));
    return name.data();
}

int tls_server::client_chain() const {
    // OpenSSL leaves the leaf out of this list on the server's side.
    const STACK_OF(X509)* rest = SSL_get_peer_cert_chain(impl_->ssl);
    return SSL_get0_peer_certificate(impl_->ssl) != nullptr ? 1 + (rest ? sk_X509_num(rest) : 0)
                                                            : 0;
}

} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// The client's side of a TLS connection for tests, on OpenSSL's memory BIOs: it shares no code with
// the links, and does what ours never would. It trusts any server.

#pragma once

#include "support/certificates.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

namespace nats::test {

/// OpenSSL's client in memory.
struct foreign_client {
    struct wish {
        int version = 0; ///< the only one
        identity self{};
        SSL_SESSION* resume = nullptr;
    };
    explicit foreign_client(const wish& w) : context(SSL_CTX_new(TLS_client_method())) {
        if (w.version != 0) {
            SSL_CTX_set_min_proto_version(context, w.version);
            SSL_CTX_set_max_proto_version(context, w.version);
            SSL_CTX_set_security_level(context, 0);
        }
        ssl = SSL_new(context);
        if (w.resume != nullptr) SSL_set_session(ssl, w.resume);
        if (!w.self.certificate.empty()) use(w.self);
        input = BIO_new(BIO_s_mem());
        output = BIO_new(BIO_s_mem());
        SSL_set_bio(ssl, input, output);
        SSL_set_connect_state(ssl);
        work();
    }
    foreign_client(const foreign_client&) = delete;
    foreign_client& operator=(const foreign_client&) = delete;
    ~foreign_client() {
        SSL_free(ssl);
        SSL_CTX_free(context);
    }

    void use(const identity& self) {
        BIO* const text =
            BIO_new_mem_buf(self.certificate.data(), static_cast<int>(self.certificate.size()));
        X509* const leaf = PEM_read_bio_X509(text, nullptr, nullptr, nullptr);
        BIO* const key_text = BIO_new_mem_buf(self.key.data(), static_cast<int>(self.key.size()));
        EVP_PKEY* const key = PEM_read_bio_PrivateKey(key_text, nullptr, nullptr, nullptr);
        EXPECT_EQ(SSL_use_certificate(ssl, leaf), 1);
        EXPECT_EQ(SSL_use_PrivateKey(ssl, key), 1);
        X509_free(leaf);
        EVP_PKEY_free(key);
        BIO_free(text);
        BIO_free(key_text);
    }
    void work() {
        std::array<char, 4096> block{};
        while (problem.empty()) {
            ERR_clear_error();
            const int n = SSL_read(ssl, block.data(), static_cast<int>(block.size()));
            if (n > 0) {
                plain.append(block.data(), static_cast<std::size_t>(n));
                continue;
            }
            if (SSL_get_error(ssl, n) == SSL_ERROR_SSL) {
                const char* const words = ERR_reason_error_string(ERR_peek_last_error());
                problem = words != nullptr ? words : "unknown";
            }
            break;
        }
        ERR_clear_error();
    }
    void send(std::string_view text) {
        EXPECT_EQ(SSL_write(ssl, text.data(), static_cast<int>(text.size())),
                  static_cast<int>(text.size()));
    }
    std::string take() {
        std::string out(BIO_ctrl_pending(output), '\0');
        if (!out.empty()) BIO_read(output, out.data(), static_cast<int>(out.size()));
        return out;
    }
    void give(std::string_view wire) {
        if (!wire.empty()) BIO_write(input, wire.data(), static_cast<int>(wire.size()));
        work();
    }
    [[nodiscard]] bool open() const { return problem.empty() && SSL_is_init_finished(ssl) == 1; }

    SSL_CTX* context;
    SSL* ssl = nullptr;
    BIO* input = nullptr; // both belong to ssl
    BIO* output = nullptr;
    std::string plain;
    std::string problem; ///< in OpenSSL's words
};

} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// OpenSSL's objects as owners, its error queue kept clean, and its texts as strings.

#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace nats::openssl {

template <auto Free>
struct freed_by {
    template <class T>
    void operator()(T* p) const noexcept {
        Free(p);
    }
};

using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using ssl_ctx_ptr = std::unique_ptr<SSL_CTX, freed_by<SSL_CTX_free>>;
using ssl_ptr = std::unique_ptr<SSL, freed_by<SSL_free>>;
using x509_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using general_names_ptr = std::unique_ptr<GENERAL_NAMES, freed_by<GENERAL_NAMES_free>>;
using octets_ptr = std::unique_ptr<ASN1_OCTET_STRING, freed_by<ASN1_OCTET_STRING_free>>;

/// OpenSSL keeps a queue of errors for each thread, and looks into it to find out how its own call
/// ended. So what others have left there goes before, and what we cause goes after.
class clean_error_queue {
public:
    clean_error_queue() noexcept { ERR_clear_error(); }
    ~clean_error_queue() { ERR_clear_error(); }
    clean_error_queue(const clean_error_queue&) = delete;
    clean_error_queue& operator=(const clean_error_queue&) = delete;
};

/// What `print(BIO*)` prints, at most `limit` characters of it: peers have a say in such texts.
template <class Print>
[[nodiscard]] std::string printed(Print print, std::size_t limit = 200) {
    const bio_ptr memory(BIO_new(BIO_s_mem()));
    if (memory == nullptr) return {};
    print(memory.get());
    std::string text(limit, '\0');
    std::size_t n = 0;
    if (BIO_read_ex(memory.get(), text.data(), text.size(), &n) != 1) n = 0;
    text.resize(n);
    return text;
}

} // namespace nats::openssl

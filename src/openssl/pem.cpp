// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: OpenSSL's readers of PEM on a view of the text, so that no copy of a key
// stays behind. Text between the blocks is a comment; a block that is cut off or damaged is an
// error.

#include <openssl/pem.h>

#include "openssl/pem.hpp"
#include "openssl/tls_errors.hpp"

#include <climits>
#include <cstring>
#include <string>

namespace nats::openssl {

namespace {

error unusable(std::string_view option, std::string_view why) {
    return {errc::tls_configuration, std::string(option) + ": " + std::string(why)};
}

bio_ptr view_of(std::string_view text) noexcept {
    if (text.size() > INT_MAX) return nullptr;
    return bio_ptr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// The blocks have come to their end, as opposed to: this one is damaged.
bool no_more_blocks() noexcept {
    const unsigned long code = ERR_peek_last_error();
    return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

struct password_source {
    std::string_view password;
    bool asked = false;
};

int give_password(char* out, int size, int /*for_writing*/, void* source) noexcept {
    auto& from = *static_cast<password_source*>(source);
    from.asked = true;
    if (from.password.empty() || from.password.size() > static_cast<std::size_t>(size)) return -1;
    std::memcpy(out, from.password.data(), from.password.size());
    return static_cast<int>(from.password.size());
}

} // namespace

result<std::vector<x509_ptr>> certificates_of(std::string_view pem, std::string_view option) {
    const clean_error_queue clean;
    const bio_ptr text = view_of(pem);
    if (text == nullptr) return unusable(option, "it is too large");
    std::vector<x509_ptr> out;
    while (x509_ptr next{PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)})
        out.push_back(std::move(next));
    if (!no_more_blocks()) return unusable(option, openssl_reason());
    if (out.empty()) return unusable(option, "no certificate is in it");
    return out;
}

result<key_ptr> private_key_of(std::string_view pem, std::string_view password) {
    const clean_error_queue clean;
    const bio_ptr text = view_of(pem);
    if (text == nullptr) return unusable("key", "it is too large");
    password_source source{password};
    key_ptr key(PEM_read_bio_PrivateKey(text.get(), nullptr, give_password, &source));
    if (key != nullptr) return key;
    if (source.asked && password.empty()) return unusable("key", "it needs a key_password");
    if (source.asked) return unusable("key_password", "it does not open the key");
    // OpenSSL's own words for that are "unsupported".
    if (pem.find("PRIVATE KEY-----") == std::string_view::npos)
        return unusable("key", "no private key is in it");
    return unusable("key", openssl_reason());
}

} // namespace nats::openssl

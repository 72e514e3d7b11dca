// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a key object for each call, since keys are kept nowhere; OpenSSL wipes its
// copy of the seed when the object is freed. Ed25519 hashes the message itself, so that signing and
// verifying are the one-shot calls without a digest.

#include <natsproto/openssl/provider.hpp>

#include <memory>
#include <string>

#include <openssl/err.h>
#include <openssl/evp.h>

namespace nats::openssl {

namespace {

struct free_key {
    void operator()(EVP_PKEY* k) const noexcept { EVP_PKEY_free(k); }
};
struct free_context {
    void operator()(EVP_MD_CTX* c) const noexcept { EVP_MD_CTX_free(c); }
};
using key_ptr = std::unique_ptr<EVP_PKEY, free_key>;
using context_ptr = std::unique_ptr<EVP_MD_CTX, free_context>;

/// Takes what OpenSSL says from the thread's queue, and leaves that empty for others.
error failed(std::string what) {
    if (const unsigned long code = ERR_peek_error(); code != 0) {
        if (const char* reason = ERR_reason_error_string(code)) (what += ": ") += reason;
    }
    ERR_clear_error();
    return {errc::crypto_failed, std::move(what)};
}

const unsigned char* bytes_of(std::string_view s) noexcept {
    return reinterpret_cast<const unsigned char*>(s.data());
}

key_ptr private_key(ed25519_seed seed) noexcept {
    return key_ptr(
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()));
}

} // namespace

result<ed25519_public_key> provider::public_key(ed25519_seed seed) const {
    const key_ptr key = private_key(seed);
    ed25519_public_key out{};
    std::size_t size = out.size();
    if (!key || EVP_PKEY_get_raw_public_key(key.get(), out.data(), &size) != 1 ||
        size != out.size())
        return failed("cannot derive an Ed25519 key");
    return out;
}

result<ed25519_signature> provider::sign(ed25519_seed seed, std::string_view message) const {
    const key_ptr key = private_key(seed);
    const context_ptr context(EVP_MD_CTX_new());
    ed25519_signature out{};
    std::size_t size = out.size();
    if (!key || !context ||
        EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
        EVP_DigestSign(context.get(), out.data(), &size, bytes_of(message), message.size()) != 1 ||
        size != out.size())
        return failed("cannot sign with Ed25519");
    return out;
}

bool provider::verify(const ed25519_public_key& key, std::string_view message,
                      const ed25519_signature& signature) const {
    const key_ptr known(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size()));
    const context_ptr context(EVP_MD_CTX_new());
    const bool good =
        known && context &&
        EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, known.get()) == 1 &&
        EVP_DigestVerify(context.get(), signature.data(), signature.size(), bytes_of(message),
                         message.size()) == 1;
    if (!good) ERR_clear_error();
    return good;
}

} // namespace nats::openssl

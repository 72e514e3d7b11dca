// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: one context of OpenSSL for each hash, which is moved on piece by piece.

#include <natsproto/openssl/provider.hpp>

#include <memory>
#include <string>

#include <openssl/err.h>
#include <openssl/evp.h>

namespace nats::openssl {

namespace {

struct free_hash {
    void operator()(EVP_MD_CTX* c) const noexcept { EVP_MD_CTX_free(c); }
};
using hash_ptr = std::unique_ptr<EVP_MD_CTX, free_hash>;

error hash_failed() {
    ERR_clear_error();
    return {errc::crypto_failed, "cannot compute a SHA-256"};
}

class evp_sha256 final : public sha256_hash {
public:
    explicit evp_sha256(hash_ptr c) noexcept : context_(std::move(c)) {}

    result<void> update(bytes piece) override {
        if (EVP_DigestUpdate(context_.get(), piece.data(), piece.size()) != 1) return hash_failed();
        return {};
    }
    result<sha256_digest> finish() override {
        sha256_digest out{};
        unsigned size = 0;
        if (EVP_DigestFinal_ex(context_.get(), out.data(), &size) != 1 || size != out.size())
            return hash_failed();
        return out;
    }

private:
    hash_ptr context_;
};

} // namespace

result<std::unique_ptr<sha256_hash>> provider::sha256() const {
    hash_ptr context(EVP_MD_CTX_new());
    if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1)
        return hash_failed();
    return std::unique_ptr<sha256_hash>(std::make_unique<evp_sha256>(std::move(context)));
}

} // namespace nats::openssl

// SPDX-License-Identifier: Apache-2.0
//
// A crypto provider whose keys and signatures show what it was asked for.

#pragma once

#include <natsproto/crypto.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>

namespace nats::test {

/// Not SHA-256, but as many bytes, and others for other text.
class fake_hash final : public sha256_hash {
public:
    result<void> update(bytes piece) override {
        for (const char c : piece.text()) {
            sum_ = (sum_ ^ static_cast<unsigned char>(c)) * 1099511628211U;
            at_ = (at_ + 1) % digest_.size();
            digest_[at_] = static_cast<unsigned char>(sum_ >> 32U);
        }
        return {};
    }
    [[nodiscard]] result<sha256_digest> finish() override { return digest_; }

private:
    std::uint64_t sum_ = 14695981039346656037U;
    std::size_t at_ = 0;
    sha256_digest digest_{};
};

class fake_crypto final : public crypto_provider {
public:
    bool no_keys = false;       ///< `public_key` fails
    bool no_signatures = false; ///< `sign` fails

    /// The seed itself.
    [[nodiscard]] result<ed25519_public_key> public_key(ed25519_seed seed) const override {
        if (no_keys) return error{errc::crypto_failed, "no luck"};
        ed25519_public_key out{};
        std::ranges::copy(seed, out.begin());
        return out;
    }
    /// The seed, then up to 32 bytes of the message.
    [[nodiscard]] result<ed25519_signature> sign(ed25519_seed seed,
                                                 std::string_view message) const override {
        if (no_signatures) return error{errc::crypto_failed, "no luck"};
        ed25519_signature out{};
        std::ranges::copy(seed, out.begin());
        std::ranges::copy(message.substr(0, 32), out.begin() + 32);
        return out;
    }
    [[nodiscard]] bool verify(const ed25519_public_key& key, std::string_view message,
                              const ed25519_signature& signature) const override {
        const result<ed25519_signature> right = sign(key, message);
        return right && *right == signature;
    }
    [[nodiscard]] result<std::unique_ptr<sha256_hash>> sha256() const override {
        return std::unique_ptr<sha256_hash>(std::make_unique<fake_hash>());
    }
    [[nodiscard]] result<std::unique_ptr<link>> tls_client(
        const tls_parameters& /*p*/) const override {
        return error{errc::tls_unavailable};
    }
};

} // namespace nats::test

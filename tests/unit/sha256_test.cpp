// SPDX-License-Identifier: Apache-2.0
//
// SHA-256 of the OpenSSL provider: the vectors of FIPS 180-4's examples, whatever pieces they come
// in; and what a provider says that has none.

#include <natsproto/openssl/provider.hpp>

#include "support/fake_crypto.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace nats::test {

namespace {

std::string hex_of(const sha256_digest& d) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (const unsigned char byte : d) {
        out += digits[byte >> 4U];
        out += digits[byte & 15U];
    }
    return out;
}

std::string sum_of(std::string_view text, std::size_t piece) {
    const openssl::provider crypto;
    const auto hash = crypto.sha256().value();
    while (!text.empty()) {
        EXPECT_TRUE(hash->update(text.substr(0, piece)));
        text.remove_prefix(std::min(piece, text.size()));
    }
    return hex_of(hash->finish().value());
}

} // namespace

TEST(sha256, known_answers_in_any_pieces) {
    constexpr std::string_view two_blocks =
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    for (const std::size_t piece : {1U, 7U, 64U, 1000U}) {
        EXPECT_EQ(sum_of("", piece),
                  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        EXPECT_EQ(sum_of("abc", piece),
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        EXPECT_EQ(sum_of(two_blocks, piece),
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    }
    EXPECT_EQ(sum_of(std::string(1'000'000, 'a'), 4096),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(sha256, a_provider_without_one) {
    const fake_crypto crypto;
    EXPECT_EQ(crypto.crypto_provider::sha256().error(), errc::crypto_unavailable);
}

} // namespace nats::test

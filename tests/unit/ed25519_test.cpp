// SPDX-License-Identifier: Apache-2.0
//
// Ed25519 of the OpenSSL provider: the vectors of RFC 8032, section 7.1, and keys and a signature
// that the NATS project and its users have published.

#include <natsproto/auth/nkey.hpp>
#include <natsproto/openssl/provider.hpp>

#include "core/auth/authenticator.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include <openssl/err.h>

namespace nats::test {

namespace {

const openssl::provider crypto;

template <std::size_t N>
std::array<unsigned char, N> unhex(std::string_view hex) {
    EXPECT_EQ(hex.size(), 2 * N);
    std::array<unsigned char, N> out{};
    for (std::size_t i = 0; i < N && 2 * i < hex.size(); ++i)
        out[i] =
            static_cast<unsigned char>(std::stoi(std::string(hex.substr(2 * i, 2)), nullptr, 16));
    return out;
}

struct rfc_vector {
    const char* seed;
    const char* public_key;
    std::string_view message;
    const char* signature;
};
const rfc_vector rfc_8032[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
     "b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "r",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
     "1d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "\xaf\x82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
     "c6594a7c15e9716ed28dc027beceea1ec40a"},
};

TEST(ed25519, known_answers) {
    for (const rfc_vector& v : rfc_8032) {
        const auto seed = unhex<32>(v.seed);
        const result<ed25519_public_key> key = crypto.public_key(seed);
        ASSERT_TRUE(key);
        EXPECT_EQ(*key, unhex<32>(v.public_key));
        const result<ed25519_signature> signature = crypto.sign(seed, v.message);
        ASSERT_TRUE(signature);
        EXPECT_EQ(*signature, unhex<64>(v.signature));
        EXPECT_TRUE(crypto.verify(*key, v.message, *signature));
    }
}

TEST(ed25519, refuses_what_was_not_signed) {
    const rfc_vector& v = rfc_8032[2];
    const auto key = unhex<32>(v.public_key);
    const auto good = unhex<64>(v.signature);
    EXPECT_FALSE(crypto.verify(key, "\xaf\x83", good));
    EXPECT_FALSE(crypto.verify(key, "", good));
    EXPECT_FALSE(crypto.verify(unhex<32>(rfc_8032[1].public_key), v.message, good));
    for (std::size_t i = 0; i < good.size(); ++i) {
        ed25519_signature bad = good;
        bad[i] ^= 1U;
        EXPECT_FALSE(crypto.verify(key, v.message, bad)) << i;
    }
    ed25519_public_key no_point{};
    no_point.fill(0xff);
    EXPECT_FALSE(crypto.verify(no_point, v.message, good));
}

TEST(ed25519, leaves_no_error_behind_in_the_thread) {
    ERR_clear_error();
    ed25519_public_key no_point{};
    no_point.fill(0xff);
    EXPECT_FALSE(crypto.verify(no_point, "x", ed25519_signature{}));
    EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(ed25519, signs_long_messages) {
    const auto seed = unhex<32>(rfc_8032[0].seed);
    const std::string nonce(1'000'000, 'n');
    const result<ed25519_signature> signature = crypto.sign(seed, nonce);
    ASSERT_TRUE(signature);
    EXPECT_TRUE(crypto.verify(crypto.public_key(seed).value(), nonce, *signature));
}

TEST(ed25519, published_nkeys) {
    // From the documentation of NATS, and from the tests of nats-server and nats.go.
    const char* const pairs[][2] = {{"SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY",
                                     "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"},
                                    {"SOAL7GTNI66CTVVNXBNQMG6V2HTDRWC3HGEP7D2OUTWNWSNYZDXWFOX4SU",
                                     "OD2W2I4MVRA5TGZLZ2AG6ZHGVL3OTKFWQJFIX4TNBER23E6P46S345YY"},
                                    {"SAAASUPRY3ONU4GJR7J5RUVYRUFZXG56F4WEXELLLORQ65AEPSMIFTOJGE",
                                     "AAPQJQUPKVXGW5CZH5G2HFJULYSKDELAZRVWJA26VDZO7WSBUNIYRFNQ"}};
    for (const auto& [seed, key] : pairs) {
        const result<nkey_pair> pair = nkey_pair::from_seed(seed);
        ASSERT_TRUE(pair) << key;
        const result<nkey_public> derived = pair->public_key(crypto);
        ASSERT_TRUE(derived) << key;
        EXPECT_EQ(encode_nkey(*derived), key);
    }
}

TEST(ed25519, published_signature_of_a_nonce) { // AUT-18
    const nkey_pair pair =
        nkey_pair::from_seed("SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY").value();
    const result<ed25519_signature> signature = pair.sign("DhXdTMAeiHhLDig", crypto);
    ASSERT_TRUE(signature);
    EXPECT_EQ(encode_signature(*signature),
              "WosANJXgeyxerXFo0twRiMG-_ZjYp1K_46bFeFax705yFTCTjM18jWl0"
              "1gGYk4KKbadiHd-hP3WgUQ2iLZUAAA");
    EXPECT_TRUE(verify(pair.public_key(crypto).value(), "DhXdTMAeiHhLDig", *signature, crypto));
}

TEST(ed25519, signs_a_login) {
    const authenticator a(
        {.nkey_seed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"});
    ASSERT_TRUE(a.check(&crypto, nullptr));
    server_info info;
    info.nonce = "DhXdTMAeiHhLDig";
    std::vector<std::string> exposed;
    const result<login> l = a.log_in({}, info, &crypto, nullptr, exposed);
    ASSERT_TRUE(l);
    EXPECT_EQ(l->nkey.view(), "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4");
    EXPECT_EQ(
        l->signature.view(),
        "WosANJXgeyxerXFo0twRiMG-_ZjYp1K_46bFeFax705yFTCTjM18jWl01gGYk4KKbadiHd-hP3WgUQ2iLZUAAA");
}

} // namespace

} // namespace nats::test

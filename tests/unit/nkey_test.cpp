// SPDX-License-Identifier: Apache-2.0
//
// NKEYs as text: keys and seeds of every kind against texts that were made with another
// implementation of base32 and CRC-16, and every way in which a text can be wrong. What needs
// Ed25519 is in ed25519_test.cpp.

#include <natsproto/auth/nkey.hpp>

#include "core/text/base32.hpp"
#include "core/text/base64.hpp"
#include "support/fake_crypto.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

using namespace std::string_literals;

namespace nats::test {

namespace {

/// The bytes from `first` on, upwards.
std::array<unsigned char, 32> counting_from(unsigned char first) {
    std::array<unsigned char, 32> out{};
    std::iota(out.begin(), out.end(), first);
    return out;
}

class counting_random final : public random_source {
public:
    void fill(std::span<std::byte> out) noexcept override {
        for (std::byte& b : out) b = std::byte{next_++};
    }

private:
    unsigned char next_ = 0;
};

struct vector_of_kind {
    nkey_kind kind;
    const char* seed;       ///< of the bytes 0 to 31
    const char* public_key; ///< of the bytes 32 to 63
};
constexpr vector_of_kind vectors[] = {
    {nkey_kind::user, "SUAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776Y",
     "UAQCCIRDEQSSMJZIFEVCWLBNFYXTAMJSGM2DKNRXHA4TUOZ4HU7D7DP2"},
    {nkey_kind::account, "SAAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4HYMHI",
     "AAQCCIRDEQSSMJZIFEVCWLBNFYXTAMJSGM2DKNRXHA4TUOZ4HU7D6H4F"},
    {nkey_kind::server, "SNAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H2D5U",
     "NAQCCIRDEQSSMJZIFEVCWLBNFYXTAMJSGM2DKNRXHA4TUOZ4HU7D72TR"},
    {nkey_kind::cluster, "SCAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4HYO7Q",
     "CAQCCIRDEQSSMJZIFEVCWLBNFYXTAMJSGM2DKNRXHA4TUOZ4HU7D7V6Z"},
    {nkey_kind::operator_, "SOAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H2AJA",
     "OAQCCIRDEQSSMJZIFEVCWLBNFYXTAMJSGM2DKNRXHA4TUOZ4HU7D6RQD"},
    {nkey_kind::curve, "SXAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H74KM",
     "XAQCCIRDEQSSMJZIFEVCWLBNFYXTAMJSGM2DKNRXHA4TUOZ4HU7D6IMI"},
};
constexpr std::string_view user_seed = vectors[0].seed;
constexpr std::string_view user_key = vectors[0].public_key;

/// The seed's 32 bytes, seen through a provider.
std::array<unsigned char, 32> bytes_of(const nkey_pair& pair) {
    return pair.public_key(fake_crypto()).value().key;
}

/// The error must say what is wrong, and must not show the text.
template <class T>
void expect_refused(const result<T>& r, std::string_view text, std::string_view why) {
    ASSERT_FALSE(r) << why;
    EXPECT_EQ(r.error(), errc::invalid_nkey);
    EXPECT_EQ(r.error().detail(), why);
    if (text.size() > 3) {
        EXPECT_EQ(r.error().message().find(text.substr(0, 4)), std::string::npos);
    }
}
void expect_no_key(std::string_view text, std::string_view why) {
    expect_refused(decode_nkey(text), text, why);
}
void expect_no_seed(std::string_view text, std::string_view why) {
    expect_refused(nkey_pair::from_seed(text), text, why);
}

/// `bytes` with their checksum, as base32.
std::string sealed(std::vector<unsigned char> bytes) {
    unsigned crc = 0;
    for (const unsigned char b : bytes) {
        for (int i = 7; i >= 0; --i) {
            const unsigned bit = (crc >> 15U & 1U) ^ (static_cast<unsigned>(b) >> i & 1U);
            crc = (crc << 1U & 0xffffU) ^ (bit * 0x1021U);
        }
    }
    bytes.push_back(static_cast<unsigned char>(crc & 0xffU));
    bytes.push_back(static_cast<unsigned char>(crc >> 8U));
    std::string out(text::base32_size(bytes.size()), '\0');
    text::encode_base32(bytes, out);
    return out;
}
std::string sealed_key(unsigned char prefix) {
    std::vector<unsigned char> bytes(33, 7);
    bytes[0] = prefix;
    return sealed(bytes);
}
std::string sealed_seed(unsigned char first, unsigned char second) {
    std::vector<unsigned char> bytes(34, 7);
    bytes[0] = first;
    bytes[1] = second;
    return sealed(bytes);
}

std::string replaced(std::string_view text, std::size_t at, char c) {
    std::string out(text);
    out.at(at) = c;
    return out;
}

// --- base32 and base64

TEST(base32, known_answers) { // RFC 4648, section 10
    const char* const known[][2] = {
        {"f", "MY"},           {"fo", "MZXQ"}, {"foo", "MZXW6"},        {"foob", "MZXW6YQ"},
        {"fooba", "MZXW6YTB"}, {"", ""},       {"foobar", "MZXW6YTBOI"}};
    for (const auto& [plain, encoded] : known) {
        const std::vector<unsigned char> in(plain, plain + std::char_traits<char>::length(plain));
        std::string out(text::base32_size(in.size()), '\0');
        text::encode_base32(in, out);
        EXPECT_EQ(out, encoded);
        std::vector<unsigned char> back(in.size());
        EXPECT_TRUE(text::decode_base32(out, back));
        EXPECT_EQ(back, in);
    }
}

TEST(base32, decoding_is_strict) {
    std::vector<unsigned char> out(4);
    EXPECT_TRUE(text::decode_base32("MZXW6YQ", out));
    for (const char* bad : {"MZXW6YR", "MZXW6YS", "MZXW6YU", // bits behind the last byte
                            "MZXW6Y", "MZXW6YQA", "MZXW6YQ=", "", "mzxw6yq", "MZXW6Y1", "MZXW0YQ",
                            "MZXW8YQ", "MZXW9YQ", "MZXW YQ", "MZX\xc3\xa9YQ", "MZXW[YQ", "MZXW@YQ"})
        EXPECT_FALSE(text::decode_base32(bad, out)) << bad;
    EXPECT_FALSE(text::decode_base32("MZXW\0YQ"s, out));
}

TEST(base64, known_answers) { // RFC 4648, section 10, and the two digits of its own
    const char* const known[][2] = {{"f", "Zg"},         {"fo", "Zm8"},         {"foo", "Zm9v"},
                                    {"foob", "Zm9vYg"},  {"fooba", "Zm9vYmE"},  {"", ""},
                                    {"\xfb\xff", "-_8"}, {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, encoded] : known) {
        const std::vector<unsigned char> in(plain, plain + std::char_traits<char>::length(plain));
        std::string out(text::base64url_size(in.size()), '\0');
        text::encode_base64url(in, out);
        EXPECT_EQ(out, encoded);
    }
}

// --- public keys

TEST(nkey, public_keys_of_every_kind) {
    for (const vector_of_kind& v : vectors) {
        EXPECT_EQ(encode_nkey({v.kind, counting_from(32)}), v.public_key);
        const result<nkey_public> key = decode_nkey(v.public_key);
        ASSERT_TRUE(key) << v.public_key;
        EXPECT_EQ(key->kind, v.kind);
        EXPECT_EQ(key->key, counting_from(32));
    }
}

TEST(nkey, public_keys_of_another_length) {
    for (std::size_t size = 0; size < user_key.size(); ++size)
        expect_no_key(user_key.substr(0, size), "a public key has 56 characters");
    expect_no_key(std::string(user_key) + 'A', "a public key has 56 characters");
    expect_no_key(std::string(user_key) + '\n', "a public key has 56 characters");
    expect_no_key(' ' + std::string(user_key), "a public key has 56 characters");
    expect_no_key(std::string(1'000'000, 'U'), "a public key has 56 characters");
}

TEST(nkey, public_keys_with_a_wrong_character) {
    for (std::size_t i = 0; i < user_key.size(); ++i) {
        expect_no_key(replaced(user_key, i, '1'), "a character that is not base32");
        expect_no_key(replaced(user_key, i, 'a'), "a character that is not base32");
        expect_no_key(replaced(user_key, i, '\0'), "a character that is not base32");
        expect_no_key(replaced(user_key, i, user_key[i] == 'Q' ? 'R' : 'Q'), "wrong checksum");
    }
}

TEST(nkey, public_keys_of_unknown_kinds) {
    const auto known = [](unsigned prefix) {
        return std::ranges::any_of(vectors, [prefix](const vector_of_kind& v) {
            const char letter = v.public_key[0]; // five bits of the prefix
            return prefix == static_cast<unsigned>(letter - 'A') << 3U;
        });
    };
    int good = 0;
    for (unsigned prefix = 0; prefix < 256; ++prefix) {
        const std::string text = sealed_key(static_cast<unsigned char>(prefix));
        if (known(prefix)) {
            EXPECT_TRUE(decode_nkey(text));
            ++good;
        } else {
            expect_refused(decode_nkey(text), text, "not a public key, or of an unknown kind");
        }
    }
    EXPECT_EQ(good, 6);
}

TEST(nkey, a_seed_is_no_public_key) {
    expect_no_key(user_seed, "a seed instead of a public key");
}

// --- seeds

TEST(nkey, seeds_of_every_kind) {
    for (const vector_of_kind& v : vectors) {
        result<nkey_pair> pair = nkey_pair::from_seed(v.seed);
        ASSERT_TRUE(pair) << v.seed;
        EXPECT_EQ(pair->kind(), v.kind);
        EXPECT_EQ(pair->seed().view(), v.seed);
        if (v.kind != nkey_kind::curve) {
            EXPECT_EQ(bytes_of(*pair), counting_from(0));
        }
    }
}

TEST(nkey, blanks_and_line_ends_around_a_seed) {
    for (const std::string& text :
         {std::string(user_seed) + '\n', std::string(user_seed) + "\r\n",
          " \t" + std::string(user_seed) + " \n\n", "\r\n" + std::string(user_seed)}) {
        result<nkey_pair> pair = nkey_pair::from_seed(text);
        ASSERT_TRUE(pair);
        EXPECT_EQ(pair->seed().view(), user_seed);
    }
    std::string inside(user_seed);
    inside[30] = ' ';
    expect_no_seed(inside, "not the base32 of a seed");
}

TEST(nkey, seeds_of_another_length) {
    for (std::size_t size = 0; size < user_seed.size(); ++size)
        expect_no_seed(user_seed.substr(0, size), "a seed has 58 characters");
    expect_no_seed(std::string(user_seed) + 'A', "a seed has 58 characters");
    expect_no_seed("", "a seed has 58 characters");
    expect_no_seed(std::string(1'000'000, 'S'), "a seed has 58 characters");
}

TEST(nkey, seeds_with_a_wrong_character) {
    for (std::size_t i = 0; i < user_seed.size(); ++i) {
        expect_no_seed(replaced(user_seed, i, '1'), "not the base32 of a seed");
        expect_no_seed(replaced(user_seed, i, 'u'), "not the base32 of a seed");
        const char other = user_seed[i] == 'Q' ? 'I' : 'Q'; // their last two bits are 0
        expect_no_seed(replaced(user_seed, i, other), "wrong checksum");
    }
}

TEST(nkey, a_seed_has_one_text_only) {
    ASSERT_EQ(user_seed.back(), 'Y'); // 24: three more texts have the same bytes
    for (const char c : {'Z', '2', '3'})
        expect_no_seed(replaced(user_seed, user_seed.size() - 1, c), "not the base32 of a seed");
}

TEST(nkey, seeds_of_unknown_kinds) {
    int good = 0;
    for (unsigned first = 0; first < 256; ++first) {
        for (unsigned second = 0; second < 256; ++second) {
            const std::string text =
                sealed_seed(static_cast<unsigned char>(first), static_cast<unsigned char>(second));
            const result<nkey_pair> pair = nkey_pair::from_seed(text);
            if (pair) {
                ++good;
                EXPECT_EQ(text.front(), 'S');
            } else {
                ASSERT_EQ(pair.error(), errc::invalid_nkey);
            }
        }
    }
    EXPECT_EQ(good, 6);
    expect_refused(nkey_pair::from_seed(sealed_seed(0x95, 1)), "", // U, with a bit behind it
                   "not a seed, or of an unknown kind");
}

TEST(nkey, a_public_key_is_no_seed) {
    expect_no_seed(user_key, "a public key instead of a seed");
}

// --- pairs

TEST(nkey, creates_pairs_from_random_bytes) {
    counting_random random;
    for (const vector_of_kind& v : vectors) {
        counting_random first;
        EXPECT_EQ(nkey_pair::create(v.kind, first).seed().view(), v.seed);
        const nkey_pair a = nkey_pair::create(v.kind, random);
        const nkey_pair b = nkey_pair::create(v.kind, random);
        EXPECT_NE(a.seed().view(), b.seed().view());
    }
}

TEST(nkey, moved_pairs_leave_nothing) {
    nkey_pair a = nkey_pair::from_seed(user_seed).value();
    nkey_pair b = std::move(a);
    // NOLINTBEGIN(bugprone-use-after-move): what is left is what is tested
    EXPECT_EQ(bytes_of(a), (std::array<unsigned char, 32>{}));
    EXPECT_EQ(b.seed().view(), user_seed);
    nkey_pair account = nkey_pair::from_seed(vectors[1].seed).value();
    account = std::move(b);
    EXPECT_EQ(bytes_of(b), (std::array<unsigned char, 32>{}));
    // NOLINTEND(bugprone-use-after-move)
    EXPECT_EQ(account.kind(), nkey_kind::user);
    nkey_pair& self = account;
    account = std::move(self);
    EXPECT_EQ(account.seed().view(), user_seed);
}

TEST(nkey, a_pair_is_wiped_at_its_end) {
    alignas(nkey_pair) std::array<unsigned char, sizeof(nkey_pair)> memory{};
    auto* pair = ::new (memory.data()) nkey_pair(nkey_pair::from_seed(user_seed).value());
    pair->~nkey_pair();
    // Read through a pointer that the compiler knows nothing of: the lifetime is over.
    const volatile unsigned char* left = memory.data();
    std::size_t kept = 0;
    for (std::size_t i = sizeof(nkey_kind); i < memory.size(); ++i) kept += left[i] != 0 ? 1U : 0U;
    EXPECT_EQ(kept, 0U);
}

TEST(nkey, asks_the_provider_with_the_seed_and_the_message) {
    const nkey_pair pair = nkey_pair::from_seed(user_seed).value();
    fake_crypto crypto;
    const result<nkey_public> key = pair.public_key(crypto);
    ASSERT_TRUE(key);
    EXPECT_EQ(key->kind, nkey_kind::user);
    const result<ed25519_signature> signature = pair.sign("nonce", crypto);
    ASSERT_TRUE(signature);
    EXPECT_TRUE(std::equal(signature->begin(), signature->begin() + 32, counting_from(0).begin()));
    EXPECT_EQ(std::string(signature->begin() + 32, signature->begin() + 37), "nonce");
    EXPECT_TRUE(verify(*key, "nonce", *signature, crypto));
    crypto.no_keys = crypto.no_signatures = true;
    EXPECT_EQ(pair.public_key(crypto).error(), errc::crypto_failed);
    EXPECT_EQ(pair.sign("nonce", crypto).error(), errc::crypto_failed);
}

TEST(nkey, curve_keys_do_not_sign) {
    const nkey_pair pair = nkey_pair::from_seed(vectors[5].seed).value();
    const fake_crypto crypto;
    expect_refused(pair.public_key(crypto), "", "curve keys encrypt, they do not sign");
    expect_refused(pair.sign("nonce", crypto), "", "curve keys encrypt, they do not sign");
    ed25519_signature signature{};
    std::ranges::copy(counting_from(0), signature.begin());
    EXPECT_TRUE(verify({nkey_kind::user, counting_from(0)}, "", signature, crypto));
    EXPECT_FALSE(verify({nkey_kind::curve, counting_from(0)}, "", signature, crypto));
}

TEST(nkey, signatures_as_text) {
    ed25519_signature signature{};
    EXPECT_EQ(encode_signature(signature), std::string(86, 'A'));
    signature.fill(0xff);
    EXPECT_EQ(encode_signature(signature), std::string(85, '_') + 'w');
}

// --- robustness

TEST(nkey, mutated_texts_are_refused_or_right) {
    seeded_random random(42);
    int accepted = 0;
    for (int round = 0; round < 20'000; ++round) {
        const vector_of_kind& v = vectors[random.below(std::size(vectors))];
        const bool seed = random.below(2) == 0;
        std::string text = seed ? v.seed : v.public_key;
        for (std::uint64_t n = random.below(3); n-- > 0 && !text.empty();) {
            const std::size_t at = random.below(text.size());
            switch (random.below(3)) {
            case 0: text[at] = static_cast<char>(random.below(256)); break;
            case 1: text.erase(at, 1 + random.below(3)); break;
            default: text.insert(at, 1, static_cast<char>(random.below(256))); break;
            }
        }
        // What is accepted is exactly what would be written, but for blanks around a seed.
        if (const result<nkey_public> key = decode_nkey(text)) {
            ++accepted;
            EXPECT_EQ(encode_nkey(*key), text);
        }
        if (const result<nkey_pair> pair = nkey_pair::from_seed(text)) {
            ++accepted;
            EXPECT_NE(text.find(pair->seed().view()), std::string::npos);
        }
    }
    EXPECT_GT(accepted, 5000); // a third is not mutated
}

} // namespace

} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the bytes of a public key are a prefix that says its kind, the key and a
// checksum; those of a seed begin with two bytes instead, in which the prefix of seeds and that of
// the kind lie one behind the other, five bits each. The prefixes are chosen so that the base32 of
// both begins with the letters. A prefix is compared whole, so that none of its bits is ignored.
//
// Memory that a seed went through is wiped on every way out.

#include <natsproto/auth/nkey.hpp>

#include "core/text/ascii.hpp"
#include "core/text/base32.hpp"
#include "core/text/base64.hpp"

#include <algorithm>
#include <cstddef>
#include <span>

namespace nats {

namespace {

struct kind_prefix {
    nkey_kind kind;
    unsigned char byte;
};
constexpr kind_prefix kinds[] = {
    {nkey_kind::user, 20U << 3U},      // U
    {nkey_kind::account, 0},           // A
    {nkey_kind::server, 13U << 3U},    // N
    {nkey_kind::cluster, 2U << 3U},    // C
    {nkey_kind::operator_, 14U << 3U}, // O
    {nkey_kind::curve, 23U << 3U},     // X
};
constexpr unsigned char seed_prefix = 18U << 3U; // S

constexpr std::size_t key_size = 32;
constexpr std::size_t checksum_size = 2;
using public_bytes = std::array<unsigned char, 1 + key_size + checksum_size>;
using seed_bytes = std::array<unsigned char, 2 + key_size + checksum_size>;
constexpr std::size_t public_text_size = text::base32_size(public_bytes().size());
constexpr std::size_t seed_text_size = text::base32_size(seed_bytes().size());
static_assert(public_text_size == 56 && seed_text_size == 58);

constexpr unsigned char prefix_of(nkey_kind kind) noexcept {
    for (const kind_prefix& k : kinds) {
        if (k.kind == kind) return k.byte;
    }
    return 0;
}

constexpr std::array<unsigned char, 2> seed_prefix_of(unsigned char kind) noexcept {
    return {static_cast<unsigned char>(seed_prefix | kind >> 5U),
            static_cast<unsigned char>((kind & 31U) << 3U)};
}

/// CRC-16/XMODEM.
std::uint16_t checksum(std::span<const unsigned char> data) noexcept {
    unsigned crc = 0;
    for (const unsigned char byte : data) {
        crc ^= static_cast<unsigned>(byte) << 8U;
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc << 1U ^ ((crc & 0x8000U) != 0 ? 0x1021U : 0U)) & 0xffffU;
    }
    return static_cast<std::uint16_t>(crc);
}

/// The checksum of all but the last two bytes goes there, its low byte first.
void seal(std::span<unsigned char> data) noexcept {
    const std::uint16_t crc = checksum(data.first(data.size() - checksum_size));
    data[data.size() - 2] = static_cast<unsigned char>(crc & 0xffU);
    data[data.size() - 1] = static_cast<unsigned char>(crc >> 8U);
}

bool is_sealed(std::span<const unsigned char> data) noexcept {
    const std::uint16_t crc = checksum(data.first(data.size() - checksum_size));
    return data[data.size() - 2] == (crc & 0xffU) && data[data.size() - 1] == crc >> 8U;
}

/// Wipes what it refers to at the end of its scope.
class wiped_at_end {
public:
    explicit wiped_at_end(std::span<unsigned char> memory) noexcept : memory_(memory) {}
    wiped_at_end(const wiped_at_end&) = delete;
    wiped_at_end& operator=(const wiped_at_end&) = delete;
    ~wiped_at_end() { wipe(memory_); }

private:
    std::span<unsigned char> memory_;
};

error not_an_nkey(const char* why) {
    return {errc::invalid_nkey, why};
}

error no_signatures() {
    return not_an_nkey("curve keys encrypt, they do not sign");
}

} // namespace

std::string encode_nkey(const nkey_public& key) {
    public_bytes bytes{};
    bytes[0] = prefix_of(key.kind);
    std::ranges::copy(key.key, bytes.begin() + 1);
    seal(bytes);
    std::string out(public_text_size, '\0');
    text::encode_base32(bytes, out);
    return out;
}

result<nkey_public> decode_nkey(std::string_view text) {
    if (text.size() == seed_text_size && text.front() == 'S')
        return not_an_nkey("a seed instead of a public key");
    if (text.size() != public_text_size) return not_an_nkey("a public key has 56 characters");
    public_bytes bytes{};
    if (!text::decode_base32(text, bytes)) return not_an_nkey("a character that is not base32");
    if (!is_sealed(bytes)) return not_an_nkey("wrong checksum");
    for (const kind_prefix& k : kinds) {
        if (k.byte != bytes[0]) continue;
        nkey_public key;
        key.kind = k.kind;
        std::copy_n(bytes.begin() + 1, key_size, key.key.begin());
        return key;
    }
    return not_an_nkey("not a public key, or of an unknown kind");
}

// --- key pairs

result<nkey_pair> nkey_pair::from_seed(std::string_view text) {
    text = text::trim_space(text);
    if (text.size() == public_text_size && text.front() != 'S')
        return not_an_nkey("a public key instead of a seed");
    if (text.size() != seed_text_size) return not_an_nkey("a seed has 58 characters");
    seed_bytes bytes{};
    const wiped_at_end wiped(bytes);
    if (!text::decode_base32(text, bytes)) return not_an_nkey("not the base32 of a seed");
    if (!is_sealed(bytes)) return not_an_nkey("wrong checksum");
    for (const kind_prefix& k : kinds) {
        const std::array<unsigned char, 2> prefix = seed_prefix_of(k.byte);
        if (bytes[0] != prefix[0] || bytes[1] != prefix[1]) continue;
        nkey_pair pair;
        pair.kind_ = k.kind;
        std::copy_n(bytes.begin() + 2, key_size, pair.seed_.begin());
        return pair;
    }
    return not_an_nkey("not a seed, or of an unknown kind");
}

nkey_pair nkey_pair::create(nkey_kind kind, random_source& random) {
    nkey_pair pair;
    pair.kind_ = kind;
    random.fill(std::as_writable_bytes(std::span(pair.seed_)));
    return pair;
}

nkey_pair::nkey_pair(nkey_pair&& other) noexcept : kind_(other.kind_), seed_(other.seed_) {
    wipe(other.seed_);
}

nkey_pair& nkey_pair::operator=(nkey_pair&& other) noexcept {
    if (this == &other) return *this;
    kind_ = other.kind_;
    seed_ = other.seed_;
    wipe(other.seed_);
    return *this;
}

nkey_pair::~nkey_pair() {
    wipe(seed_);
}

secret nkey_pair::seed() const {
    seed_bytes bytes{};
    const wiped_at_end wiped(bytes);
    std::ranges::copy(seed_prefix_of(prefix_of(kind_)), bytes.begin());
    std::ranges::copy(seed_, bytes.begin() + 2);
    seal(bytes);
    secret out;
    text::encode_base32(bytes, out.resize(seed_text_size));
    return out;
}

result<nkey_public> nkey_pair::public_key(const crypto_provider& crypto) const {
    if (kind_ == nkey_kind::curve) return no_signatures();
    result<ed25519_public_key> key = crypto.public_key(seed_);
    if (!key) return std::move(key).error();
    return nkey_public{kind_, *key};
}

result<ed25519_signature> nkey_pair::sign(std::string_view message,
                                          const crypto_provider& crypto) const {
    if (kind_ == nkey_kind::curve) return no_signatures();
    return crypto.sign(seed_, message);
}

// --- signatures

bool verify(const nkey_public& key, std::string_view message, const ed25519_signature& signature,
            const crypto_provider& crypto) {
    return key.kind != nkey_kind::curve && crypto.verify(key.key, message, signature);
}

std::string encode_signature(const ed25519_signature& signature) {
    std::string out(text::base64url_size(signature.size()), '\0');
    text::encode_base64url(signature, out);
    return out;
}

} // namespace nats

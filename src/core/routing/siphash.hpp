// SPDX-License-Identifier: Apache-2.0
//
// SipHash (Aumasson and Bernstein, 2012): a hash that strangers cannot steer without its key. One
// round for each word and three at the end are what hash tables use; the paper's own is 2 and 4.

#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace nats::routing {

struct siphash_key {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
};

/// The number that stands in memory in little endian order.
template <class Number>
[[nodiscard]] inline std::uint64_t load_little(const char* p) noexcept {
    static_assert(std::endian::native == std::endian::little ||
                  std::endian::native == std::endian::big);
    Number n{};
    std::memcpy(&n, p, sizeof n);
    if constexpr (std::endian::native == std::endian::little) return n;
    std::uint64_t turned = 0;
    for (std::size_t i = 0; i < sizeof n; ++i)
        turned |= ((std::uint64_t{n} >> (8 * i)) & 0xffU) << (8 * (sizeof n - 1 - i));
    return turned;
}

template <int Rounds = 1, int LastRounds = 3>
class siphash {
public:
    explicit siphash(const siphash_key& key) noexcept
        : v0_(key.low ^ 0x736f6d6570736575U),
          v1_(key.high ^ 0x646f72616e646f6dU),
          v2_(key.low ^ 0x6c7967656e657261U),
          v3_(key.high ^ 0x7465646279746573U) {}

    /// Eight bytes in front of the text; any number of times.
    void word(std::uint64_t w) noexcept {
        size_ += 8;
        absorb(w);
    }
    /// The rest of what is hashed, and its hash.
    [[nodiscard]] std::uint64_t finish(std::string_view text) noexcept {
        const char* p = text.data();
        std::size_t left = text.size();
        for (; left >= 8; left -= 8, p += 8) absorb(load_little<std::uint64_t>(p));
        size_ += text.size();
        absorb(size_ << 56U | last_bytes(p, left));
        v2_ ^= 0xffU;
        for (int i = 0; i < LastRounds; ++i) round();
        return v0_ ^ v1_ ^ v2_ ^ v3_;
    }

private:
    /// 0 to 7 bytes without a loop.
    static std::uint64_t last_bytes(const char* p, std::size_t n) noexcept {
        if (n >= 4)
            return load_little<std::uint32_t>(p) | load_little<std::uint32_t>(p + n - 4)
                                                       << (8 * (n - 4));
        if (n == 0) return 0;
        return load_little<std::uint8_t>(p) |
               load_little<std::uint8_t>(p + n / 2) << (8 * (n / 2)) |
               load_little<std::uint8_t>(p + n - 1) << (8 * (n - 1));
    }
    void absorb(std::uint64_t w) noexcept {
        v3_ ^= w;
        for (int i = 0; i < Rounds; ++i) round();
        v0_ ^= w;
    }
    void round() noexcept {
        v0_ += v1_;
        v2_ += v3_;
        v1_ = std::rotl(v1_, 13) ^ v0_;
        v3_ = std::rotl(v3_, 16) ^ v2_;
        v0_ = std::rotl(v0_, 32) + v3_;
        v2_ += v1_;
        v3_ = std::rotl(v3_, 21) ^ v0_;
        v1_ = std::rotl(v1_, 17) ^ v2_;
        v2_ = std::rotl(v2_, 32);
    }

    std::uint64_t v0_;
    std::uint64_t v1_;
    std::uint64_t v2_;
    std::uint64_t v3_;
    std::uint64_t size_ = 0;
};

} // namespace nats::routing

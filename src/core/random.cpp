// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: numbers below a bound by rejection, so that none is favoured; xoshiro256**
// as published by Blackman and Vigna for the seeded source.

#include <natsproto/random.hpp>

#include <bit>
#include <cstring>
#include <limits>

namespace nats {

std::uint64_t random_source::below(std::uint64_t bound) noexcept {
    constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    const std::uint64_t accepted = most - most % bound;
    std::uint64_t value = 0;
    do {
        fill(std::as_writable_bytes(std::span(&value, 1)));
    } while (value >= accepted);
    return value % bound;
}

seeded_random::seeded_random(std::uint64_t seed) noexcept {
    for (std::uint64_t& s : state_) { // splitmix64
        seed += 0x9e3779b97f4a7c15U;
        std::uint64_t z = seed;
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
        s = z ^ (z >> 31U);
    }
}

std::uint64_t seeded_random::next() noexcept {
    const std::uint64_t out = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return out;
}

void seeded_random::fill(std::span<std::byte> out) noexcept {
    while (!out.empty()) {
        const std::uint64_t value = next();
        const std::size_t n = out.size() < sizeof value ? out.size() : sizeof value;
        std::memcpy(out.data(), &value, n);
        out = out.subspan(n);
    }
}

} // namespace nats

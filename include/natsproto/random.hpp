// SPDX-License-Identifier: Apache-2.0
//
// Randomness goes in through this interface: the operating system's in production, a seeded engine
// in tests. There is no global state.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nats {

class random_source {
public:
    random_source() = default;
    random_source(const random_source&) = delete;
    random_source& operator=(const random_source&) = delete;
    virtual ~random_source() = default;

    /// Fills `out` with uniformly distributed bytes. Must not fail.
    virtual void fill(std::span<std::byte> out) noexcept = 0;

    /// A uniform number in [0, bound); `bound` must not be 0.
    [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept;
};

/// A small deterministic engine (xoshiro256**, seeded through splitmix64) for tests and
/// simulations. Not for secrets.
class seeded_random final : public random_source {
public:
    explicit seeded_random(std::uint64_t seed) noexcept;
    void fill(std::span<std::byte> out) noexcept override;

private:
    std::uint64_t next() noexcept;
    std::uint64_t state_[4]{};
};

} // namespace nats

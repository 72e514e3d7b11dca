// SPDX-License-Identifier: Apache-2.0
//
// NUID: 22 base62 characters, 12 random and 10 of a sequence that grows by a random step, as every
// NATS client makes them.

#pragma once

#include <natsproto/random.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace nats {

class nuid {
public:
    static constexpr std::size_t size = 22;
    using text = std::array<char, size>;

    explicit nuid(random_source& random) noexcept : random_(&random) { reseed(); }

    /// The next identifier. Unique within this generator, and unlikely to repeat anywhere else.
    [[nodiscard]] text next() noexcept;

private:
    void reseed() noexcept;

    random_source* random_;
    std::array<char, 12> prefix_{};
    std::uint64_t sequence_ = 0;
    std::uint64_t step_ = 1;
};

/// Writes `value` in base62, most significant digit first, into exactly `width` characters.
void write_base62(char* out, std::size_t width, std::uint64_t value) noexcept;

/// Reads `width` base62 characters; false when one is not a digit of base62.
[[nodiscard]] bool read_base62(const char* in, std::size_t width, std::uint64_t& value) noexcept;

} // namespace nats

// SPDX-License-Identifier: Apache-2.0
//
// The operating system's randomness.

#pragma once

#include <natsproto/random.hpp>

#include <array>
#include <cstddef>

namespace nats::blocking {

/// getrandom(2), a block at a time. Terminates the program if the system has none, which current
/// kernels rule out.
class os_random final : public random_source {
public:
    void fill(std::span<std::byte> out) noexcept override;

private:
    std::array<std::byte, 256> block_{};
    std::size_t left_ = 0;
};

} // namespace nats::blocking

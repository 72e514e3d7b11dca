// SPDX-License-Identifier: Apache-2.0
//
// Memory for coroutine frames: freed ones are kept by size and used again.

#pragma once

#include <array>
#include <cstddef>

namespace nats::detail {

class frame_pool {
public:
    frame_pool() noexcept = default;
    frame_pool(const frame_pool&) = delete;
    frame_pool& operator=(const frame_pool&) = delete;
    ~frame_pool();

    [[nodiscard]] void* allocate(std::size_t size);
    static void deallocate(void* frame, std::size_t size) noexcept;

    /// Frames that are in use.
    [[nodiscard]] std::size_t in_use() const noexcept { return in_use_; }

private:
    struct header;
    static constexpr std::size_t step = 128;
    static constexpr std::size_t classes = 16;
    static constexpr std::size_t kept_of_a_class = 64;

    std::array<header*, classes> free_{};
    std::array<std::size_t, classes> kept_{};
    std::size_t in_use_ = 0;
};

} // namespace nats::detail

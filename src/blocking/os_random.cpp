// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a block of random bytes is fetched at once and handed out in pieces, each
// used one time.

#include <natsproto/blocking/os_random.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>

#include <sys/random.h>

namespace nats::blocking {

void os_random::fill(std::span<std::byte> out) noexcept {
    while (!out.empty()) {
        if (left_ == 0) {
            const ssize_t n = ::getrandom(block_.data(), block_.size(), 0);
            if (n < 0 && errno != EINTR) std::terminate();
            if (n <= 0) continue;
            left_ = static_cast<std::size_t>(n);
        }
        const std::size_t n = std::min(out.size(), left_);
        std::byte* const from = block_.data() + left_ - n;
        std::memcpy(out.data(), from, n);
        std::fill_n(from, n, std::byte{});
        left_ -= n;
        out = out.subspan(n);
    }
}

} // namespace nats::blocking

// SPDX-License-Identifier: Apache-2.0
//
// Keeps a publisher in one process at most a window ahead of a subscriber in another one, so that
// the server between them drops nobody as a slow consumer: the subscriber puts a byte into a pipe
// for each quarter of the window that it has seen. That is a system call in some thousand messages,
// the same for all contenders.

#pragma once

#include "harness.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include <unistd.h>

namespace nats::bench {

class pacing {
public:
    /// Before the processes part.
    explicit pacing(std::size_t window)
        : quarter_(std::max<std::size_t>(1, window / 4)), allowed_(4 * quarter_), next_(quarter_) {
        if (::pipe(ends_.data()) != 0) die("pipe");
    }
    pacing(const pacing&) = delete;
    pacing& operator=(const pacing&) = delete;
    ~pacing() {
        for (const int fd : ends_) ::close(fd);
    }

    // --- the publisher
    /// Whether the next message has to wait.
    [[nodiscard]] bool ahead(std::size_t sent) const noexcept { return sent >= allowed_; }
    void wait() {
        char byte = 0;
        if (::read(ends_[0], &byte, 1) != 1) die("pacing");
        granted();
    }
    /// For those who wait otherwise: a byte was read from here.
    [[nodiscard]] int readable() const noexcept { return ends_[0]; }
    void granted() noexcept { allowed_ += quarter_; }

    // --- the subscriber
    void seen(std::size_t messages) {
        if (messages >= next_) tell(messages);
    }

private:
    void tell(std::size_t messages) {
        for (; messages >= next_; next_ += quarter_) {
            if (::write(ends_[1], "", 1) != 1) die("pacing");
        }
    }

    std::array<int, 2> ends_{};
    std::size_t quarter_;
    std::size_t allowed_;
    std::size_t next_;
};

} // namespace nats::bench

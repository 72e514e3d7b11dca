// SPDX-License-Identifier: Apache-2.0
//
// One non-blocking TCP socket and the event that interrupts waiting. All system calls of the
// blocking client are here.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/result.hpp>
#include <natsproto/server_url.hpp>
#include <natsproto/time.hpp>

#include <cstddef>
#include <span>
#include <system_error>

namespace nats::blocking {

class transport {
public:
    transport();
    ~transport();
    transport(const transport&) = delete;
    transport& operator=(const transport&) = delete;

    /// Resolves the host and tries each of its addresses until one accepts, or the deadline has
    /// come. `interrupted` when the event was set meanwhile.
    [[nodiscard]] result<void> open(const endpoint& to, time_point deadline);
    void close() noexcept;
    /// Sends FIN, then reads and drops until the peer has done the same or the deadline has come:
    /// closing with unread input would make the kernel cut off what the peer has not read yet.
    void close_gently(time_point deadline) noexcept;
    [[nodiscard]] int fd() const noexcept { return socket_; }

    enum class outcome : std::uint8_t { done, would_block, eof, failed };
    struct moved {
        outcome how = outcome::would_block;
        std::size_t bytes = 0;
        std::error_code why;
    };
    [[nodiscard]] moved read(std::span<char> into) const noexcept;
    [[nodiscard]] moved write(std::span<const const_buffer> pieces) noexcept;

    struct ready {
        bool readable = false;
        bool writable = false;
        bool interrupted = false;
    };
    /// Waits until the socket is readable, or writable if `for_write`, the event is set, or the
    /// deadline has come.
    [[nodiscard]] ready wait(bool for_write, time_point deadline) noexcept;

    /// Sets the event. Any thread, also a signal handler.
    void interrupt() const noexcept;
    /// Whether the event was set; clears it.
    [[nodiscard]] bool take_interrupt() const noexcept;

private:
    [[nodiscard]] result<void> open_one(const void* address, time_point deadline);

    int socket_ = -1;
    int event_ = -1;
};

} // namespace nats::blocking

// SPDX-License-Identifier: Apache-2.0
//
// One non-blocking TCP socket and the event that interrupts waiting. All system calls of the
// blocking client on sockets are here and in addresses.cpp.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/result.hpp>
#include <natsproto/server_url.hpp>
#include <natsproto/time.hpp>

#include "blocking/addresses.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <system_error>
#include <vector>

namespace nats::blocking {

class transport {
public:
    transport();
    ~transport();
    transport(const transport&) = delete;
    transport& operator=(const transport&) = delete;

    /// Begins to connect to the first of the addresses; the others follow as each fails, or has
    /// used up its share of the time. `name` is for errors.
    void begin(std::string name, std::vector<address> to, const local_end& from,
               time_point deadline);
    /// Takes a socket that is connected already, and owns it.
    void adopt(int fd) noexcept;
    enum class progress : std::uint8_t { pending, connected, failed };
    /// After waiting: whether there is a connection now. `failure` says why not.
    [[nodiscard]] progress go_on(time_point now);
    [[nodiscard]] const error& failure() const noexcept { return failure_; }
    [[nodiscard]] bool connecting() const noexcept { return connecting_; }
    /// When the address that is tried now has used up its time.
    [[nodiscard]] time_point next_deadline() const noexcept {
        return connecting_ ? share_ : no_deadline;
    }

    void close() noexcept;
    /// Sends FIN, then reads and drops until the peer has done the same or the deadline has come:
    /// closing with unread input would make the kernel cut off what the peer has not read yet.
    void close_gently(time_point deadline) noexcept;
    [[nodiscard]] int fd() const noexcept { return socket_; }
    /// `address:port` of this end; empty without a connection.
    [[nodiscard]] std::string local_address() const;

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
    /// deadline has come. While connecting, until that goes on.
    [[nodiscard]] ready wait(bool for_write, time_point deadline) noexcept;
    /// Waits for that alone; false if it was not.
    [[nodiscard]] bool wait_writable(time_point deadline) const noexcept;

    /// Sets the event. Any thread, also a signal handler.
    void interrupt() const noexcept;
    /// Whether the event was set; clears it.
    [[nodiscard]] bool take_interrupt() const noexcept;

private:
    void try_address(time_point now);
    void address_failed(error why, time_point now);

    int socket_ = -1;
    int event_ = -1;
    bool connecting_ = false;
    bool connected_at_once_ = false;
    std::string name_;
    std::vector<address> to_; ///< the front is the one that is tried
    std::size_t at_ = 0;
    local_end from_;
    time_point deadline_{};
    time_point share_{};
    error failure_;
};

} // namespace nats::blocking

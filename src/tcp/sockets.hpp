// SPDX-License-Identifier: Apache-2.0
//
// The system calls of the broker's driver on sockets, and what owns a descriptor.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/result.hpp>

#include "blocking/addresses.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace nats::tcp {

class descriptor {
public:
    descriptor() noexcept = default;
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        descriptor taken(std::move(other));
        std::swap(fd_, taken.fd_);
        return *this;
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor();

    [[nodiscard]] int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }

private:
    int fd_ = -1;
};

/// `errno` as an error that says what could not be done.
[[nodiscard]] error failure(const std::string& what);

/// A socket that listens. Errors: `invalid_argument` for the host; `io_error`.
[[nodiscard]] result<descriptor> listen_on(const std::string& host, std::uint16_t port,
                                           int backlog);
/// The port that it has got.
[[nodiscard]] std::uint16_t port_of(const descriptor& listener) noexcept;

enum class outcome : std::uint8_t {
    done,
    would_block,
    ended,     ///< the peer has closed its side, or the connection is broken
    exhausted, ///< of `accept_one`: no descriptor or no memory is left
};

[[nodiscard]] outcome accept_one(const descriptor& listener, descriptor& taken,
                                 blocking::address& from) noexcept;
struct moved {
    outcome how = outcome::would_block;
    std::size_t bytes = 0;
};
[[nodiscard]] moved read_some(const descriptor& from, std::span<char> into) noexcept;
/// At most 64 pieces.
[[nodiscard]] moved write_some(const descriptor& to, std::span<const const_buffer> pieces) noexcept;
/// Tells the peer that nothing more will come.
void end_writing(const descriptor& to) noexcept;
/// The same, and reading comes to an end too, behind what was received already.
void end_both(const descriptor& of) noexcept;

} // namespace nats::tcp

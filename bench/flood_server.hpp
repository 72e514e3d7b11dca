// SPDX-License-Identifier: Apache-2.0
//
// A child process that floods one subscription of a connection and meanwhile serves others of the
// same connection: "tick" gets a message with the time of day every quarter of a millisecond of the
// server's clock, and requests are answered.
//
// By the clock and not by bytes, so that a slow reader and a fast one get as many ticks a second. A
// quarter of a millisecond, so that a second has enough of them for p99.9, and they are no load.
//
// The buffers of the sockets are kept small, on both sides. By default they hold megabytes, and how
// long these take would be all that is measured. What is left is at most a third of a megabyte in
// front of a message, for all contenders alike.

#pragma once

#include "child_server.hpp"
#include "harness.hpp"
#include "loopback_server.hpp"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include <poll.h>
#include <sys/socket.h>

namespace nats::bench {

inline constexpr auto tick_interval = std::chrono::microseconds(250);
inline constexpr std::size_t flood_payload = 128;

[[nodiscard]] inline std::uint64_t nanoseconds_now() {
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

/// What a tick says, in 16 hexadecimal digits each.
struct tick {
    std::uint64_t sent;   ///< nanoseconds of the steady clock, which all processes share
    std::uint64_t number; ///< from 0 in each connection

    [[nodiscard]] std::string text() const {
        char out[33];
        std::snprintf(out, sizeof out, "%016llx%016llx", static_cast<unsigned long long>(sent),
                      static_cast<unsigned long long>(number));
        return out;
    }
    [[nodiscard]] static tick of(std::string_view text) {
        tick t{};
        const char* const p = text.data();
        if (text.size() != 32 || std::from_chars(p, p + 16, t.sent, 16).ptr != p + 16 ||
            std::from_chars(p + 16, p + 32, t.number, 16).ptr != p + 32)
            die("a tick that is none");
        return t;
    }
};

/// The server's side of one connection, after the handshake.
class flood_connection {
public:
    explicit flood_connection(int fd) : fd_(fd) {
        const int small = 64 * 1024;
        ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
        const int on = 1; // as all servers; else a delayed ACK would be 40 ms in p99.9
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }

    void serve() {
        while (true) {
            pollfd p{fd_, POLLIN, 0};
            if (!flood_.empty() || !out_.empty() || !urgent_.empty()) p.events |= POLLOUT;
            if (::poll(&p, 1, -1) < 0) return;
            if ((p.revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !read()) return;
            if ((p.revents & POLLOUT) != 0 && !write()) return;
        }
    }

private:
    [[nodiscard]] bool read() {
        char buffer[4096];
        const ssize_t n = ::recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
        if (n <= 0) return false;
        in_.append(buffer, static_cast<std::size_t>(n));
        while (const std::size_t used = take_line(in_)) in_.erase(0, used);
        return true;
    }

    /// How long the whole operation at the front is; 0: it is not there.
    std::size_t take_line(std::string_view in) {
        const std::size_t end = in.find("\r\n");
        if (end == std::string_view::npos) return 0;
        const std::string_view line = in.substr(0, end);
        if (line == "PING") urgent_ += "PONG\r\n";
        if (line.starts_with("SUB ")) subscribed(line);
        if (!line.starts_with("PUB ")) return end + 2;
        const std::size_t last = line.rfind(' ');
        const std::size_t before = line.rfind(' ', last - 1);
        const std::size_t size = static_cast<std::size_t>(std::atoi(line.data() + last)) + 2;
        if (in.size() < end + 2 + size) return 0;
        urgent_ += "MSG " + std::string(line.substr(before + 1, last - before - 1)) + ' ' +
                   replies_ + std::string(line.substr(last)) + "\r\n";
        urgent_ += in.substr(end + 2, size);
        return end + 2 + size;
    }

    void subscribed(std::string_view line) {
        const std::string sid(line.substr(line.rfind(' ') + 1));
        if (line.starts_with("SUB tick ")) ticks_ = sid;
        if (line.starts_with("SUB _INBOX.")) replies_ = sid;
        if (!line.starts_with("SUB flood ")) return;
        const std::string one = "MSG flood " + sid + ' ' + std::to_string(flood_payload) + "\r\n" +
                                std::string(flood_payload, 'x') + "\r\n";
        while (flood_.size() < 16 * 1024) flood_ += one;
    }

    /// What is urgent comes before the next block of the flood, and behind what the socket has.
    [[nodiscard]] bool write() {
        if (out_.empty()) {
            out_.swap(urgent_);
            const auto now = nanoseconds_now();
            if (!ticks_.empty() && now >= next_tick_) {
                next_tick_ = now + std::chrono::nanoseconds(tick_interval).count();
                out_ += "MSG tick " + ticks_ + " 32\r\n" + tick{now, number_++}.text() + "\r\n";
            }
            out_ += flood_;
        }
        const ssize_t n = ::send(fd_, out_.data(), out_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0) return errno == EAGAIN;
        out_.erase(0, static_cast<std::size_t>(n));
        return true;
    }

    int fd_;
    std::string in_;
    std::string out_;    ///< partly sent
    std::string urgent_; ///< whole operations that come next
    std::string flood_;  ///< a block of it, once somebody has subscribed
    std::string ticks_;  ///< its sid
    std::string replies_;
    std::uint64_t next_tick_ = 0;
    std::uint64_t number_ = 0;
};

class flood_server : public child_server {
public:
    flood_server()
        : child_server([](int listener) {
              accept_each(listener, [](int fd) {
                  greet(fd);
                  flood_connection(fd).serve();
              });
          }) {}

    /// Keeps small what the kernel holds for the client, whatever library has the socket. To be
    /// called when it is connected and has not subscribed.
    void narrow() const {
        for (int fd = 3; fd < 1024; ++fd) {
            sockaddr_in peer{};
            socklen_t size = sizeof peer;
            if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
            if (peer.sin_family != AF_INET || ntohs(peer.sin_port) != port()) continue;
            const int small = 128 * 1024;
            if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small) == 0) return;
        }
        die("no socket to the server");
    }
};

} // namespace nats::bench

// SPDX-License-Identifier: Apache-2.0
//
// Sessions in one epoll loop, as docs/drivers.md has it: a driver of one's own that is a guest of a
// loop. Deadlines of all connections are in one table, so that the loop sleeps until the nearest.
// There is no more of it than connections on loopback need that nobody breaks.

#pragma once

#include <natsproto/blocking/os_random.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/session.hpp>

#include "harness.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <system_error>
#include <variant>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace nats::bench {

class session_loop {
public:
    class connection;

    session_loop() {
        if (epoll_ < 0) die("epoll_create1");
    }
    session_loop(const session_loop&) = delete;
    session_loop& operator=(const session_loop&) = delete;
    ~session_loop() { ::close(epoll_); }

    /// Until something has happened, or the time is over.
    void run_once(time_point until);
    void run_until(time_point until) {
        while (clock::now() < until) run_once(until);
    }

private:
    using deadlines = std::multimap<time_point, connection*>;

    int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    deadlines deadlines_;
    blocking::os_random random_;
};

class session_loop::connection {
public:
    connection(session_loop& loop, const options& o)
        : loop_(&loop), session_(o, {&loop.random_, nullptr, nullptr}) {
        session_.start(clock::now()).value();
        go_on();
    }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    ~connection() {
        set_deadline(no_deadline);
        if (socket_ >= 0) ::close(socket_);
    }

    [[nodiscard]] session& of() noexcept { return session_; }

private:
    friend class session_loop;

    void go_on() {
        runtime_.advance(clock::now());
        do {
            while (runtime_.dispatch_next()) {
            }
        } while (!do_actions());
        write_some();
        if (little_ && session_.untransmitted() == 0) session_.shrink();
        set_deadline(runtime_.poll_timeout().value_or(no_deadline));
    }

    void on_socket() {
        const std::span<char> space = session_.prepare();
        const ssize_t n = ::recv(socket_, space.data(), space.size(), MSG_DONTWAIT);
        const time_point now = clock::now();
        runtime_.advance(now);
        little_ = n > 0 && n < 1024; // there is hardly more to come at once
        if (n > 0)
            session_.commit(static_cast<std::size_t>(n), now);
        else if (n == 0)
            session_.handle_eof(attempt_, now);
        else if (errno != EAGAIN && errno != EINTR)
            session_.handle_io_error(attempt_, {errno, std::system_category()}, now);
        go_on();
    }

    void on_deadline() {
        runtime_.handle_timeout(clock::now());
        go_on();
    }

    /// False: that was an input.
    bool do_actions() {
        while (const std::optional<session_action> a = session_.poll_action()) {
            if (const auto* end = std::get_if<action::close>(&*a)) {
                if (socket_ >= 0) ::close(socket_);
                socket_ = -1;
                session_.handle_closed(end->id, clock::now());
                return false;
            }
            if (const auto* c = std::get_if<action::connect>(&*a)) {
                connect(*c);
                return false;
            }
        }
        return true;
    }

    /// On loopback it does not have to be waited for.
    void connect(const action::connect& c) {
        attempt_ = c.id;
        sockaddr_in a{};
        a.sin_family = AF_INET;
        a.sin_port = htons(c.to->port);
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::connect(socket_, reinterpret_cast<sockaddr*>(&a), sizeof a) != 0) die("connect");
        epoll_event e{};
        e.events = EPOLLIN;
        e.data.ptr = this;
        if (::epoll_ctl(loop_->epoll_, EPOLL_CTL_ADD, socket_, &e) != 0) die("epoll_ctl");
        session_.handle_connected(attempt_, clock::now());
    }

    /// So little that the kernel always has room.
    void write_some() {
        std::array<const_buffer, 1> piece;
        while (socket_ >= 0 && session_.poll_transmit(piece) != 0) {
            const ssize_t n = ::send(socket_, piece[0].data, piece[0].size, MSG_NOSIGNAL);
            if (n < 0) return; // reading tells why
            runtime_.transmitted(static_cast<std::size_t>(n));
        }
    }

    void set_deadline(time_point t) {
        deadlines& all = loop_->deadlines_;
        if (timed_ && place_->first == t) return;
        if (timed_) all.erase(place_);
        timed_ = t != no_deadline;
        if (timed_) place_ = all.emplace(t, this);
    }

    session_loop* loop_;
    session session_;
    runtime runtime_{session_, loop_->random_};
    attempt_id attempt_{};
    bool little_ = false; ///< the last read brought little
    int socket_ = -1;
    bool timed_ = false;
    deadlines::iterator place_{};
};

inline void session_loop::run_once(time_point until) {
    if (!deadlines_.empty()) until = std::min(until, deadlines_.begin()->first);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now()).count();
    std::array<epoll_event, 64> ready{};
    const int n = ::epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()),
                               static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000)));
    for (int i = 0; i < n; ++i)
        static_cast<connection*>(ready[static_cast<std::size_t>(i)].data.ptr)->on_socket();
    while (!deadlines_.empty() && deadlines_.begin()->first <= clock::now())
        deadlines_.begin()->second->on_deadline();
}

} // namespace nats::bench

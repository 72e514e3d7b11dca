// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the socket never blocks; waiting is ppoll(2) on it and on an eventfd, whose
// write(2) is all that interrupt() does, so it is safe in signal handlers. EINTR is no result of
// its own: waits go on until their deadline.

#include "blocking/transport.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <memory>
#include <string>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace nats::blocking {

namespace {

std::error_code last_error() noexcept {
    return {errno, std::system_category()};
}

timespec until(time_point deadline) noexcept {
    const duration left = std::max(deadline - clock::now(), duration::zero());
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    return {static_cast<time_t>(seconds.count()),
            static_cast<long>(
                std::chrono::duration_cast<std::chrono::nanoseconds>(left - seconds).count())};
}

/// ppoll that goes on after signals.
int poll_until(std::span<pollfd> fds, time_point deadline) noexcept {
    while (true) {
        timespec timeout{};
        if (deadline != no_deadline) timeout = until(deadline);
        const int n =
            ::ppoll(fds.data(), fds.size(), deadline == no_deadline ? nullptr : &timeout, nullptr);
        if (n >= 0 || errno != EINTR) return n;
    }
}

struct free_addresses {
    void operator()(addrinfo* a) const noexcept { ::freeaddrinfo(a); }
};
using addresses = std::unique_ptr<addrinfo, free_addresses>;

result<addresses> resolve(const endpoint& to) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    int failed = ::getaddrinfo(to.host.c_str(), std::to_string(to.port).c_str(), &hints, &found);
    if (failed == EAI_NONAME || failed == EAI_ADDRFAMILY) {
        hints.ai_flags =
            AI_NUMERICSERV; // a machine with only loopback addresses has none "configured"
        failed = ::getaddrinfo(to.host.c_str(), std::to_string(to.port).c_str(), &hints, &found);
    }
    if (failed != 0) {
        return error{errc::resolve_failed,
                     to.text() + ": " +
                         (failed == EAI_SYSTEM ? last_error().message() : ::gai_strerror(failed))};
    }
    return addresses(found);
}

} // namespace

transport::transport() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (event_ < 0) throw std::system_error(last_error(), "eventfd");
}

transport::~transport() {
    close();
    ::close(event_);
}

void transport::close() noexcept {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

void transport::close_gently(time_point deadline) noexcept {
    if (socket_ < 0) return;
    std::array<char, 4096> dropped{};
    if (::shutdown(socket_, SHUT_WR) == 0) {
        while (clock::now() < deadline) {
            const moved m = read(dropped);
            if (m.how == outcome::done) continue;
            if (m.how != outcome::would_block) break;
            pollfd fd{socket_, POLLIN, 0};
            if (poll_until({&fd, 1}, deadline) <= 0) break;
        }
    }
    close();
}

result<void> transport::open(const endpoint& to, time_point deadline) {
    close();
    result<addresses> found = resolve(to);
    if (!found) return found.error();
    std::size_t left = 0;
    for (const addrinfo* a = found->get(); a != nullptr; a = a->ai_next) ++left;
    error last = errc::connect_failed;
    for (const addrinfo* a = found->get(); a != nullptr; a = a->ai_next, --left) {
        // Each address gets its share of the time, so that one that never answers leaves some for
        // the rest.
        const time_point now = clock::now();
        const time_point share =
            deadline == no_deadline
                ? deadline
                : now + std::max(deadline - now, duration::zero()) / static_cast<long>(left);
        result<void> opened = open_one(a, share);
        if (opened || opened.error() == errc::interrupted) return opened;
        last = error{opened.error().code(), to.text() + ": " + opened.error().detail()};
    }
    return last;
}

result<void> transport::open_one(const void* address, time_point deadline) {
    const addrinfo& a = *static_cast<const addrinfo*>(address);
    socket_ = ::socket(a.ai_family, a.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a.ai_protocol);
    if (socket_ < 0) return error{errc::connect_failed, last_error().message()};
    const int on = 1;
    (void)::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(socket_, a.ai_addr, a.ai_addrlen) == 0) return {};
    std::error_code why = last_error();
    if (errno == EINPROGRESS) {
        const ready r = wait(true, deadline);
        if (r.interrupted) {
            close();
            return errc::interrupted;
        }
        if (!r.writable) {
            close();
            return error{errc::timeout, "no answer"};
        }
        int status = 0;
        socklen_t size = sizeof status;
        if (::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &status, &size) == 0 && status == 0)
            return {};
        why = {status, std::system_category()};
    }
    close();
    return error{errc::connect_failed, why.message()};
}

transport::moved transport::read(std::span<char> into) const noexcept {
    while (true) {
        const ssize_t n = ::recv(socket_, into.data(), into.size(), 0);
        if (n > 0) return {outcome::done, static_cast<std::size_t>(n), {}};
        if (n == 0) return {outcome::eof, 0, {}};
        if (errno == EINTR) continue;
        if (errno == EAGAIN) return {outcome::would_block, 0, {}};
        return {outcome::failed, 0, last_error()};
    }
}

transport::moved transport::write(std::span<const const_buffer> pieces) noexcept {
    std::array<iovec, 64> iov{};
    const std::size_t count = std::min(pieces.size(), iov.size());
    for (std::size_t i = 0; i < count; ++i) {
        iov[i] = {const_cast<char*>(pieces[i].data), pieces[i].size}; // NOLINT: sendmsg only reads
    }
    msghdr message{};
    message.msg_iov = iov.data();
    message.msg_iovlen = count;
    while (true) {
        const ssize_t n = ::sendmsg(socket_, &message, MSG_NOSIGNAL);
        if (n >= 0) return {outcome::done, static_cast<std::size_t>(n), {}};
        if (errno == EINTR) continue;
        if (errno == EAGAIN) return {outcome::would_block, 0, {}};
        return {outcome::failed, 0, last_error()};
    }
}

transport::ready transport::wait(bool for_write, time_point deadline) noexcept {
    std::array<pollfd, 2> fds{};
    fds[0] = {event_, POLLIN, 0};
    fds[1] = {socket_, static_cast<short>(for_write ? POLLIN | POLLOUT : POLLIN),
              0}; // a negative fd is skipped
    (void)poll_until(fds, deadline);
    ready r;
    r.readable = (fds[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
    r.writable = (fds[1].revents & (POLLOUT | POLLHUP | POLLERR)) != 0;
    r.interrupted = (fds[0].revents & POLLIN) != 0;
    return r;
}

void transport::interrupt() const noexcept {
    const int before = errno; // a signal handler must leave it alone
    const std::uint64_t one = 1;
    (void)!::write(event_, &one, sizeof one);
    errno = before;
}

bool transport::take_interrupt() const noexcept {
    std::uint64_t count = 0;
    return ::read(event_, &count, sizeof count) == static_cast<ssize_t>(sizeof count);
}

} // namespace nats::blocking

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
#include <string>
#include <utility>

#include <fcntl.h>
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

} // namespace

transport::transport() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (event_ < 0) throw std::system_error(last_error(), "eventfd");
}

transport::~transport() {
    close();
    ::close(event_);
}

void transport::close() noexcept {
    connecting_ = connected_at_once_ = false;
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

// --- connecting

void transport::begin(std::string name, std::vector<address> to, const local_end& from,
                      time_point deadline) {
    close();
    name_ = std::move(name);
    to_ = std::move(to);
    at_ = 0;
    from_ = from;
    deadline_ = deadline;
    connecting_ = true;
    failure_ = error{errc::connect_failed, name_ + ": no address"};
    try_address(clock::now());
}

void transport::adopt(int fd) noexcept {
    close();
    socket_ = fd;
    connecting_ = connected_at_once_ = true;
    share_ = no_deadline;
    const int flags = ::fcntl(fd, F_GETFL);
    (void)::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
    const int on = 1;
    (void)::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/// Each address gets its share of the time, so that one that never answers leaves some for the
/// rest.
void transport::try_address(time_point now) {
    connected_at_once_ = false;
    if (at_ >= to_.size()) return;
    const auto left = static_cast<long>(to_.size() - at_);
    share_ = deadline_ == no_deadline ? no_deadline
                                      : now + std::max(deadline_ - now, duration::zero()) / left;
    const address& a = to_[at_];
    socket_ = ::socket(a.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_ < 0)
        return address_failed(error{errc::connect_failed, last_error().message()}, now);
    const int on = 1;
    (void)::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const address& from = a.family() == AF_INET6 ? from_.v6 : from_.v4;
    const bool bind = from_.v4.size != 0 || from_.v6.size != 0;
    if (bind && (from.size == 0 || ::bind(socket_, from.get(), from.size) != 0)) {
        const std::string why =
            from.size == 0 ? "the local address is of another family" : last_error().message();
        return address_failed(error{errc::connect_failed, "cannot bind: " + why}, now);
    }
    if (::connect(socket_, a.get(), a.size) == 0)
        connected_at_once_ = true;
    else if (errno != EINPROGRESS)
        address_failed(error{errc::connect_failed, last_error().message()}, now);
}

void transport::address_failed(error why, time_point now) {
    failure_ = error{why.code(), name_ + ": " + why.detail()};
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
    ++at_;
    try_address(now); // as deep as there are addresses, which the resolver bounds
}

transport::progress transport::go_on(time_point now) {
    while (connecting_ && socket_ >= 0) {
        pollfd fd{socket_, POLLOUT, 0};
        if (!connected_at_once_ && ::poll(&fd, 1, 0) <= 0) {
            if (now < share_) return progress::pending;
            address_failed(error{errc::timeout, "no answer"}, now);
            continue;
        }
        int status = 0;
        socklen_t size = sizeof status;
        if (!connected_at_once_ &&
            (::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &status, &size) != 0 || status != 0)) {
            const std::error_code why(status, std::system_category());
            address_failed(error{errc::connect_failed, why.message()}, now);
            continue;
        }
        connecting_ = false;
        return progress::connected;
    }
    connecting_ = false;
    return progress::failed;
}

std::string transport::local_address() const {
    address a;
    a.size = sizeof a.where;
    if (socket_ < 0 || ::getsockname(socket_, reinterpret_cast<sockaddr*>(&a.where), &a.size) != 0)
        return {};
    return text_of(a);
}

// --- moving bytes

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
    if (connecting_) {
        // A connection that is there already, or cannot be, is to be looked at now.
        if (connected_at_once_ || socket_ < 0) deadline = time_point{};
        deadline = std::min(deadline, share_);
        for_write = true;
    }
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

bool transport::wait_writable(time_point deadline) const noexcept {
    pollfd fd{socket_, POLLOUT, 0};
    return socket_ >= 0 && poll_until({&fd, 1}, deadline) > 0 && (fd.revents & POLLOUT) != 0;
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

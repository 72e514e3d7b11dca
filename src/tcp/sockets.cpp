// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: no socket ever blocks, none reaches a child process, and none raises
// SIGPIPE.

#include "tcp/sockets.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace nats::tcp {

descriptor::~descriptor() {
    if (fd_ >= 0) (void)::close(fd_);
}

error failure(const std::string& what) {
    return {errc::io_error, what + ": " + std::error_code(errno, std::system_category()).message()};
}

result<descriptor> listen_on(const std::string& host, std::uint16_t port, int backlog) {
    const result<blocking::local_end> parsed = blocking::parse_local_end(host);
    if (!parsed || (parsed->v4.size == 0 && parsed->v6.size == 0))
        return error{errc::invalid_argument, "host: \"" + printable(host) + "\" is no IP address"};
    blocking::address at = parsed->v4.size != 0 ? parsed->v4 : parsed->v6;
    if (at.family() == AF_INET6)
        reinterpret_cast<sockaddr_in6&>(at.where).sin6_port = htons(port);
    else
        reinterpret_cast<sockaddr_in&>(at.where).sin_port = htons(port);
    const std::string what = "cannot listen on " + blocking::text_of(at);
    descriptor fd(::socket(at.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return failure(what);
    const int on = 1; // connections of a broker before this one may still be waiting to end
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(fd.get(), at.get(), at.size) != 0 || ::listen(fd.get(), backlog) != 0)
        return failure(what);
    return fd;
}

std::uint16_t port_of(const descriptor& listener) noexcept {
    blocking::address at;
    at.size = sizeof at.where;
    if (::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&at.where), &at.size) != 0)
        return 0;
    return ntohs(at.family() == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(at.where).sin6_port
                                         : reinterpret_cast<sockaddr_in&>(at.where).sin_port);
}

outcome accept_one(const descriptor& listener, descriptor& taken,
                   blocking::address& from) noexcept {
    while (true) {
        from.size = sizeof from.where;
        const int fd = ::accept4(listener.get(), reinterpret_cast<sockaddr*>(&from.where),
                                 &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            taken = descriptor(fd);
            const int on = 1;
            (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            return outcome::done;
        }
        switch (errno) {
        case EAGAIN: return outcome::would_block;
        case EINTR:
        case ECONNABORTED: // it has gone again; so for the errors of its network, see accept(2)
        case EPROTO:
        case EPERM:
        case ENETDOWN:
        case ENOPROTOOPT:
        case EHOSTDOWN:
        case ENONET:
        case EHOSTUNREACH:
        case EOPNOTSUPP:
        case ENETUNREACH:
        case ETIMEDOUT: break;
        default: return outcome::exhausted; // EMFILE, ENFILE, ENOBUFS, ENOMEM
        }
    }
}

moved read_some(const descriptor& from, std::span<char> into) noexcept {
    while (true) {
        const ssize_t n = ::recv(from.get(), into.data(), into.size(), 0);
        if (n > 0) return {outcome::done, static_cast<std::size_t>(n)};
        if (n < 0 && errno == EINTR) continue;
        return {n < 0 && errno == EAGAIN ? outcome::would_block : outcome::ended, 0};
    }
}

moved write_some(const descriptor& to, std::span<const const_buffer> pieces) noexcept {
    std::array<iovec, 64> iov; // NOLINT: only the first `count` are used
    const std::size_t count = std::min(pieces.size(), iov.size());
    for (std::size_t i = 0; i < count; ++i)
        iov[i] = {const_cast<char*>(pieces[i].data), pieces[i].size}; // NOLINT: sendmsg only reads
    msghdr message{};
    message.msg_iov = iov.data();
    message.msg_iovlen = count;
    while (true) {
        const ssize_t n = ::sendmsg(to.get(), &message, MSG_NOSIGNAL);
        if (n >= 0) return {outcome::done, static_cast<std::size_t>(n)};
        if (errno == EINTR) continue;
        return {errno == EAGAIN ? outcome::would_block : outcome::ended, 0};
    }
}

void end_writing(const descriptor& to) noexcept {
    (void)::shutdown(to.get(), SHUT_WR);
}

void end_both(const descriptor& of) noexcept {
    (void)::shutdown(of.get(), SHUT_RDWR);
}

} // namespace nats::tcp

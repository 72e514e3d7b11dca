// SPDX-License-Identifier: Apache-2.0
//
// An address of this machine where nobody answers: a listener whose queue is full.

#pragma once

#include <cstdint>
#include <stdexcept>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace nats::test {

class silent_address {
public:
    silent_address() {
        const int listener = take(::socket(AF_INET, SOCK_STREAM, 0));
        sockaddr_in where{};
        where.sin_family = AF_INET;
        where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof where;
        if (::bind(listener, generic(where), size) != 0 || ::listen(listener, 0) != 0 ||
            ::getsockname(listener, generic(where), &size) != 0)
            throw std::runtime_error("no listener");
        port_ = ntohs(where.sin_port);
        while (connects(where)) {
        }
    }
    silent_address(const silent_address&) = delete;
    silent_address& operator=(const silent_address&) = delete;
    ~silent_address() { close_all(); }

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

private:
    static sockaddr* generic(sockaddr_in& a) { return reinterpret_cast<sockaddr*>(&a); }

    int take(int fd) {
        if (fd < 0 || fds_.size() > 100) {
            close_all();
            throw std::runtime_error("its queue does not fill");
        }
        fds_.push_back(fd);
        return fd;
    }
    /// Whether there was room for one more.
    bool connects(sockaddr_in& to) {
        const int fd = take(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
        if (::connect(fd, generic(to), sizeof to) == 0) return true;
        pollfd p{fd, POLLOUT, 0};
        return ::poll(&p, 1, 100) > 0;
    }
    void close_all() {
        for (const int fd : fds_) ::close(fd);
        fds_.clear();
    }

    std::uint16_t port_ = 0;
    std::vector<int> fds_;
};

} // namespace nats::test

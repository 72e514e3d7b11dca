// SPDX-License-Identifier: Apache-2.0
//
// A listening socket on loopback and a child process that serves it, so that the CPU time and the
// memory of this process are the client's own.

#pragma once

#include "forked.hpp"
#include "harness.hpp"

#include <cstdint>
#include <optional>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace nats::bench {

class child_server {
public:
    /// `serve(listener)` is all that the child does.
    template <class Serve>
    explicit child_server(Serve serve, int backlog = 8) {
        const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
        if (listener < 0) die("socket");
        sockaddr_in a{};
        a.sin_family = AF_INET;
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof a;
        if (::bind(listener, reinterpret_cast<sockaddr*>(&a), size) != 0 ||
            ::listen(listener, backlog) != 0)
            die("listen");
        ::getsockname(listener, reinterpret_cast<sockaddr*>(&a), &size);
        port_ = ntohs(a.sin_port);
        child_.emplace([&] { serve(listener); });
        ::close(listener);
    }

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] std::string url() const { return "nats://127.0.0.1:" + std::to_string(port_); }

private:
    std::uint16_t port_ = 0;
    std::optional<forked> child_;
};

/// Serves one connection after another.
template <class ServeOne>
void accept_each(int listener, ServeOne serve_one) {
    while (true) {
        const int fd = ::accept(listener, nullptr, nullptr);
        if (fd < 0) return;
        serve_one(fd);
        ::close(fd);
    }
}

} // namespace nats::bench

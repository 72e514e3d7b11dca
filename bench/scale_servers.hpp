// SPDX-License-Identifier: Apache-2.0
//
// Child processes for many: one that floods all subscriptions of a connection in turn, and one that
// accepts any number of connections and lets them be.

#pragma once

#include "child_server.hpp"
#include "flood_server.hpp"
#include "harness.hpp"
#include "loopback_server.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace nats::bench {

/// Remembers all subscriptions of a connection. After the first PUB it sends a message to each of
/// them, in an order that no cache can guess, and then again.
class cycling_server : public child_server {
public:
    cycling_server()
        : child_server([](int listener) {
              accept_each(listener, [](int fd) {
                  greet(fd);
                  serve(fd);
              });
          }) {}

private:
    static void serve(int fd) {
        std::vector<std::string> subscriptions; // their subjects and sids
        std::vector<char> buffer(256 * 1024);
        std::string in;
        while (true) {
            const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
            if (n <= 0) return;
            in.append(buffer.data(), static_cast<std::size_t>(n));
            std::string_view rest = in;
            for (std::size_t end = 0; (end = rest.find("\r\n")) != std::string_view::npos;) {
                const std::string_view line = rest.substr(0, end);
                rest.remove_prefix(end + 2);
                if (line.starts_with("SUB ")) subscriptions.emplace_back(line.substr(4));
                if (line == "PING") send_all(fd, "PONG\r\n");
                if (line.starts_with("PUB ")) return cycle(fd, subscriptions);
            }
            in.erase(0, in.size() - rest.size());
        }
    }

    static void cycle(int fd, std::vector<std::string>& subscriptions) {
        std::shuffle(subscriptions.begin(), subscriptions.end(), std::minstd_rand(1));
        std::string all;
        for (const std::string& s : subscriptions)
            all += "MSG " + s + " 16\r\nxxxxxxxxxxxxxxxx\r\n";
        const std::string once = all;
        while (all.size() < block) all += once;
        while (::send(fd, all.data(), all.size(), MSG_NOSIGNAL) > 0) {
        }
    }
};

/// Does the handshake with everybody and answers PINGs.
class idle_server : public child_server {
public:
    idle_server() : child_server(serve, 4096) {}

private:
    static void serve(int listener) {
        const int loop = ::epoll_create1(0);
        const auto watch = [&](int fd) {
            epoll_event e{};
            e.events = EPOLLIN;
            e.data.fd = fd;
            if (::epoll_ctl(loop, EPOLL_CTL_ADD, fd, &e) != 0) die("epoll_ctl");
        };
        watch(listener);
        std::array<epoll_event, 64> ready{};
        while (true) {
            const int n = ::epoll_wait(loop, ready.data(), 64, -1);
            for (int i = 0; i < n; ++i) {
                const int fd = ready[static_cast<std::size_t>(i)].data.fd;
                if (fd != listener) {
                    answer(fd);
                    continue;
                }
                const int made = ::accept(listener, nullptr, nullptr);
                if (made < 0) die("accept");
                send_all(made, info);
                watch(made);
            }
        }
    }

    /// Whole operations in one read: clients here say no more than CONNECT and PING.
    static void answer(int fd) {
        std::array<char, 4096> buffer{};
        const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (n <= 0) {
            ::close(fd);
            return;
        }
        const std::string_view in(buffer.data(), static_cast<std::size_t>(n));
        for (std::size_t at = 0; (at = in.find("PING\r\n", at)) != std::string_view::npos; at += 6)
            send_all(fd, "PONG\r\n");
    }
};

} // namespace nats::bench

// SPDX-License-Identifier: Apache-2.0
//
// The blocking client in somebody else's loop: here epoll(7), with a timer of the program's own
// beside it. Nothing in the loop waits but epoll_wait. Usage: 05_own_loop [nats://host:port]

#include <natsproto/blocking/client.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <iostream>
#include <optional>
#include <string>
#include <system_error>

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace {

struct descriptor {
    explicit descriptor(int n) : fd(n) {
        if (n < 0) throw std::system_error(errno, std::system_category());
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor() { close(fd); }
    int fd;
};

/// A timer that fires every 20 ms.
int make_ticker() {
    const int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    const itimerspec every{{0, 20'000'000}, {0, 20'000'000}};
    timerfd_settime(fd, 0, &every, nullptr);
    return fd;
}

// [watch]
/// Has epoll watch what the client wants watched. Level-triggered: one `poll(0)` need not read all.
void watch(int epoll, int operation, const nats::client& nc) {
    epoll_event e{};
    e.events = EPOLLIN;
    if (nc.wants_write()) e.events |= EPOLLOUT;
    e.data.fd = nc.fd();
    epoll_ctl(epoll, operation, nc.fd(), &e);
}

/// Milliseconds until the client wants to be called, rounded up; -1: there is no deadline.
int milliseconds_left(const nats::client& nc) {
    const std::optional<nats::time_point> deadline = nc.next_deadline();
    if (!deadline) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(*deadline - nats::clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}
// [watch]

} // namespace

int main(int argc, char** argv) {
    const char* url = argc > 1 ? argv[1] : "nats://127.0.0.1:4222";
    nats::client nc = nats::client::connect(url).value();
    int seen = 0;
    const nats::subscription sub = nc.subscribe("ticks", [&seen](const nats::message_view& m) {
                                         std::cout << "tick " << m.payload << '\n';
                                         ++seen;
                                     }).value();

    const descriptor ticker(make_ticker());
    const descriptor epoll(epoll_create1(0));
    epoll_event tick{};
    tick.events = EPOLLIN;
    tick.data.fd = ticker.fd;
    epoll_ctl(epoll.fd, EPOLL_CTL_ADD, ticker.fd, &tick);

    // [loop]
    watch(epoll.fd, EPOLL_CTL_ADD, nc);
    int sent = 0;
    while (seen < 5) {
        std::array<epoll_event, 8> ready{};
        const int n = epoll_wait(epoll.fd, ready.data(), static_cast<int>(ready.size()),
                                 milliseconds_left(nc));
        for (std::size_t i = 0; i < static_cast<std::size_t>(std::max(n, 0)); ++i) {
            std::uint64_t expirations = 0;
            if (ready[i].data.fd == ticker.fd && read(ticker.fd, &expirations, 8) == 8)
                nc.publish("ticks", std::to_string(++sent)).value();
        }
        // Readable, writable, a deadline, or after other calls: always the same, and never a wait.
        if (const nats::result<std::size_t> handled = nc.poll(0s); !handled) {
            std::cerr << handled.error().message() << '\n';
            return 1;
        }
        watch(epoll.fd, EPOLL_CTL_MOD, nc); // what it wants may have changed
    }
    // [loop]
    std::cout << "seen " << seen << " ticks\n";
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
//
// The embedded broker (`natsproto serve`) beside nats-server 2.10, both as child processes on
// loopback: messages a second by the clock, CPU time of the server for each message, and the memory
// of an idle connection. The clients are one thread on raw sockets, the same for both, so that what
// differs is the server. Each measurement has a server of its own.

#include "cli/server.hpp"
#include "harness.hpp"
#include "limits.hpp"
#include "loopback_server.hpp"
#include "nats_server.hpp"
#include "process_stat.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace nats::bench; // NOLINT(google-build-using-namespace): all of it is used
using nats::test::program;

// --- the two servers

/// Where one is.
struct broker {
    std::uint16_t port;
    pid_t pid;
};

/// `natsproto serve`, on a free port, whose URL is its first line.
struct own_server {
    own_server() { process.wait_for("\n"); }
    [[nodiscard]] broker where() const {
        const std::string url = process.out().substr(0, process.out().find('\n'));
        return {port_of(url), process.pid()};
    }
    program process{{NATSPROTO_CLI_PATH, "serve", "--port", "0"}};
};

struct their_server {
    [[nodiscard]] broker where() const { return {port_of(process.url()), process.pid()}; }
    nats::test::server process = nats_server();
};

// --- clients

class socket_client {
public:
    explicit socket_client(const broker& to, const std::string& first = {})
        : fd_(connect_raw_to(to.port)) {
        send(first);
        wait_for_pong(fd_);
    }
    socket_client(const socket_client&) = delete;
    socket_client& operator=(const socket_client&) = delete;
    ~socket_client() { ::close(fd_); }

    [[nodiscard]] int fd() const noexcept { return fd_; }
    void send(std::string_view bytes) const { send_all(fd_, bytes); }
    void expect(std::string_view bytes) const {
        std::array<char, 4096> part{};
        std::size_t seen = 0;
        while (seen != bytes.size()) {
            const std::size_t most = std::min(bytes.size() - seen, part.size());
            const ssize_t got = ::recv(fd_, part.data(), most, 0);
            if (got <= 0) die("recv");
            const std::string_view in(part.data(), static_cast<std::size_t>(got));
            if (in != bytes.substr(seen, in.size())) die("other bytes");
            seen += in.size();
        }
    }

private:
    int fd_;
};

template <class Work>
figures measure(const broker& of, std::size_t messages, Work work) {
    const double cpu = cpu_seconds_of(of.pid);
    const auto begin = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    const auto n = static_cast<double>(messages);
    return {{"server CPU", "ns", (cpu_seconds_of(of.pid) - cpu) / n * 1e9},
            {"rate", "1/s", n / took.count()}};
}

/// One publisher, `readers` subscribers. The publisher is never far ahead, so that nobody is a slow
/// consumer.
figures stream(const broker& to, std::size_t payload, std::size_t messages, std::size_t readers) {
    constexpr std::size_t window = 4 * 1024 * 1024;
    const std::string body = std::to_string(payload) + "\r\n" + std::string(payload, 'x') + "\r\n";
    const std::size_t one = ("MSG bench 1 " + body).size();
    const std::string frame = "PUB bench " + body;
    const std::size_t in_block = std::max<std::size_t>(1, 64 * 1024 / frame.size());
    std::string block;
    for (std::size_t i = 0; i < in_block; ++i) block += frame;
    messages -= messages % in_block;

    const socket_client publisher(to);
    std::vector<std::unique_ptr<socket_client>> subscribers;
    std::vector<pollfd> fds{{publisher.fd(), POLLOUT, 0}};
    for (std::size_t i = 0; i < readers; ++i) {
        subscribers.push_back(std::make_unique<socket_client>(to, "SUB bench 1\r\n"));
        fds.push_back({subscribers.back()->fd(), POLLIN, 0});
    }
    std::vector<char> buffer(256 * 1024);
    std::vector<std::size_t> got(readers);
    return measure(to, messages * readers, [&] {
        const std::size_t to_send = messages * frame.size();
        std::size_t sent = 0;
        while (true) {
            const std::size_t least = *std::min_element(got.begin(), got.end());
            if (least == messages * one) return;
            const bool may_send = sent < to_send && sent < least / one * frame.size() + window;
            fds[0].events = static_cast<short>(may_send ? POLLOUT : 0);
            if (::poll(fds.data(), fds.size(), -1) < 0) die("poll");
            if ((fds[0].revents & POLLOUT) != 0) {
                const std::string_view rest = std::string_view(block).substr(sent % block.size());
                const ssize_t n =
                    ::send(publisher.fd(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
                if (n > 0) sent += static_cast<std::size_t>(n);
            }
            for (std::size_t i = 0; i < readers; ++i) {
                if (fds[i + 1].revents == 0) continue;
                const ssize_t n = ::recv(fds[i + 1].fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
                if (n == 0) die("cut off");
                if (n > 0) got[i] += static_cast<std::size_t>(n);
            }
        }
    });
}

/// One request after the other; a message is a request or its reply.
figures requests(const broker& to, std::size_t count) {
    const socket_client asker(to, "SUB inbox.1 1\r\n");
    const socket_client service(to, "SUB ask 1\r\n");
    const std::string_view request = "MSG ask 1 inbox.1 4\r\nping\r\n";
    const std::string_view reply = "MSG inbox.1 1 4\r\npong\r\n";
    return measure(to, 2 * count, [&] {
        for (std::size_t i = 0; i < count; ++i) {
            asker.send("PUB ask inbox.1 4\r\nping\r\n");
            service.expect(request);
            service.send("PUB inbox.1 4\r\npong\r\n");
            asker.expect(reply);
        }
    });
}

/// Of each of many idle connections.
figures idle_memory(const broker& fresh, std::size_t count) {
    std::vector<std::unique_ptr<socket_client>> all;
    all.push_back(std::make_unique<socket_client>(fresh, "SUB a.1 1\r\n"));
    const double before = memory_of(fresh.pid);
    for (std::size_t i = 0; i < count; ++i)
        all.push_back(std::make_unique<socket_client>(fresh, "SUB a.1 1\r\n"));
    const double each = (memory_of(fresh.pid) - before) / static_cast<double>(count);
    return {{"memory", "B", each}};
}

void add(suite& all, const char* measure, const std::function<figures(const broker&)>& run) {
    all.add(measure, "natsproto serve", [run] { return run(own_server().where()); });
    all.add(measure, "nats-server", [run] { return run(their_server().where()); });
}

} // namespace

int main(int argc, char** argv) {
    return run_suite(argc, argv, [](suite& all) {
        const auto streamed = [&](const char* measure, std::size_t payload, std::size_t messages,
                                  std::size_t readers) {
            const std::size_t n = all.scaled(messages);
            add(all, measure, [=](const broker& b) { return stream(b, payload, n, readers); });
        };
        streamed("server, 1 to 1, 16 B", 16, 2'000'000, 1);
        streamed("server, 1 to 1, 1 KiB", 1024, 400'000, 1);
        streamed("server, 1 to 10, 16 B", 16, 400'000, 10);
        const std::size_t asked = all.scaled(10'000);
        add(all, "server, request and reply", [=](const broker& b) { return requests(b, asked); });
        const std::size_t idle = all.scaled(1'000);
        add(all, "server, idle connection", [=](const broker& b) { return idle_memory(b, idle); });
    });
}

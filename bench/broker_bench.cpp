// SPDX-License-Identifier: Apache-2.0
//
// The embedded broker (`natsproto serve`) beside nats-server 2.10, both as child processes on
// loopback, in one run: messages a second by the clock, CPU time of the server (user and system)
// for each message, and memory of an idle connection. The clients are one thread on raw sockets,
// the same for both, so that what differs is the server. Rounds are interleaved; the table shows
// the median of each and the ratio. Needs what scripts/servers fetches.
//
//   broker_bench [rounds]        default 5

#include "cli/server.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using nats::test::program;

[[noreturn]] void die(const char* what) {
    std::perror(what);
    std::exit(1);
}

// --- the two servers

/// `natsproto serve` or nats-server, on a free port.
class contender {
public:
    explicit contender(bool ours) {
        std::string url;
        if (ours) {
            own_ = std::make_unique<program>(
                program::arguments{NATSPROTO_CLI_PATH, "serve", "--port", "0"});
            own_->wait_for("\n");
            url = own_->out().substr(0, own_->out().find('\n'));
        } else {
            const auto binary = nats::test::find_server({"v2_10", 10, 14});
            if (!binary) throw std::runtime_error("no nats-server 2.10: run scripts/servers");
            theirs_ = std::make_unique<nats::test::server>(*binary, "");
            url = theirs_->url();
        }
        port_ = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
    }
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

    /// User and system time so far.
    [[nodiscard]] double cpu_seconds() const {
        std::string text = read("stat");
        text.erase(0, text.rfind(')') + 2); // its name may hold anything
        unsigned long user = 0;
        unsigned long system = 0;
        if (std::sscanf(text.c_str(), "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                        &system) != 2)
            die("stat");
        return static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    }
    /// Resident memory.
    [[nodiscard]] double memory() const {
        unsigned long pages = 0;
        if (std::sscanf(read("statm").c_str(), "%*u %lu", &pages) != 1) die("statm");
        return static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE));
    }

private:
    [[nodiscard]] std::string read(const char* what) const {
        const pid_t pid = own_ ? own_->pid() : theirs_->pid();
        std::ifstream in("/proc/" + std::to_string(pid) + '/' + what);
        std::string line;
        std::getline(in, line);
        return line;
    }

    std::unique_ptr<program> own_;
    std::unique_ptr<nats::test::server> theirs_;
    std::uint16_t port_ = 0;
};

// --- clients

class socket_client {
public:
    explicit socket_client(const contender& to, const std::string& first = {})
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in a{};
        a.sin_family = AF_INET;
        a.sin_port = htons(to.port());
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (fd_ < 0 || ::connect(fd_, reinterpret_cast<sockaddr*>(&a), sizeof a) != 0)
            die("connect");
        const int on = 1;
        (void)::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        send("CONNECT {\"verbose\":false}\r\n" + first + "PING\r\n");
        read_until("PONG\r\n");
    }
    socket_client(const socket_client&) = delete;
    socket_client& operator=(const socket_client&) = delete;
    ~socket_client() { ::close(fd_); }

    [[nodiscard]] int fd() const noexcept { return fd_; }
    void send(std::string_view bytes) const {
        while (!bytes.empty()) {
            const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (n <= 0) die("send");
            bytes.remove_prefix(static_cast<std::size_t>(n));
        }
    }
    void read_until(std::string_view end) const {
        std::array<char, 4096> part{};
        std::string in;
        while (!in.ends_with(end)) {
            const ssize_t n = ::recv(fd_, part.data(), part.size(), 0);
            if (n <= 0) die("recv");
            in.append(part.data(), static_cast<std::size_t>(n));
        }
    }
    void read_exactly(std::size_t n) const {
        std::array<char, 4096> part{};
        while (n != 0) {
            const ssize_t got = ::recv(fd_, part.data(), std::min(n, part.size()), 0);
            if (got <= 0) die("recv");
            n -= static_cast<std::size_t>(got);
        }
    }

private:
    int fd_;
};

struct measured {
    double per_second = 0; ///< messages, by the clock
    double cpu = 0;        ///< of the server, nanoseconds a message
};

template <class Work>
measured measure(const contender& of, std::size_t messages, Work&& work) {
    const double cpu = of.cpu_seconds();
    const auto begin = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    const auto n = static_cast<double>(messages);
    return {n / took.count(), (of.cpu_seconds() - cpu) / n * 1e9};
}

/// One publisher, `readers` subscribers. The publisher is never far ahead, so that nobody is a slow
/// consumer.
measured stream(const contender& to, std::size_t payload, std::size_t messages,
                std::size_t readers) {
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
measured requests(const contender& to, std::size_t count) {
    const socket_client asker(to, "SUB inbox.1 1\r\n");
    const socket_client service(to, "SUB ask 1\r\n");
    const std::string_view request = "MSG ask 1 inbox.1 4\r\nping\r\n";
    const std::string_view reply = "MSG inbox.1 1 4\r\npong\r\n";
    return measure(to, 2 * count, [&] {
        for (std::size_t i = 0; i < count; ++i) {
            asker.send("PUB ask inbox.1 4\r\nping\r\n");
            service.read_exactly(request.size());
            service.send("PUB inbox.1 4\r\npong\r\n");
            asker.read_exactly(reply.size());
        }
    });
}

/// Bytes of memory that each of 1,000 idle connections takes.
double idle_memory(bool ours) {
    constexpr std::size_t count = 1000;
    const contender fresh(ours);
    std::vector<std::unique_ptr<socket_client>> all;
    all.push_back(std::make_unique<socket_client>(fresh, "SUB a.1 1\r\n"));
    const double before = fresh.memory();
    for (std::size_t i = 0; i < count; ++i)
        all.push_back(std::make_unique<socket_client>(fresh, "SUB a.1 1\r\n"));
    return (fresh.memory() - before) / static_cast<double>(count);
}

double median(std::vector<double> v) {
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
}

// --- the table

struct row {
    const char* name;
    measured (*run)(const contender&);
};

constexpr row rows[] = {
    {"1 to 1, 16 B", [](const contender& c) { return stream(c, 16, 1'000'000, 1); }},
    {"1 to 1, 1 KiB", [](const contender& c) { return stream(c, 1024, 300'000, 1); }},
    {"1 to 10, 16 B", [](const contender& c) { return stream(c, 16, 200'000, 10); }},
    {"request/reply", [](const contender& c) { return requests(c, 10'000); }},
};

} // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
    try {
        const contender ours(true);
        const contender theirs(false);
        std::printf("natsproto serve beside nats-server 2.10, median of %d interleaved rounds\n\n",
                    rounds);
        std::printf("%-14s | %10s %10s %6s | %10s %10s %6s\n", "", "serve", "nats-server", "ratio",
                    "serve", "nats-server", "ratio");
        for (const row& r : rows) {
            std::array<std::vector<double>, 4> got;
            for (int i = 0; i < rounds; ++i) {
                const measured a = r.run(ours);
                const measured b = r.run(theirs);
                got[0].push_back(a.per_second);
                got[1].push_back(b.per_second);
                got[2].push_back(a.cpu);
                got[3].push_back(b.cpu);
            }
            std::array<double, 4> m{};
            std::transform(got.begin(), got.end(), m.begin(), median);
            std::printf("%-14s | %8.0f/s %8.0f/s %6.2f | %7.0f ns %7.0f ns %6.2f\n", r.name, m[0],
                        m[1], m[0] / m[1], m[2], m[3], m[2] / m[3]);
            std::fflush(stdout);
        }
        const double a = idle_memory(true);
        const double b = idle_memory(false);
        std::printf("\nmemory of an idle connection: %.0f bytes, %.0f bytes, ratio %.2f\n", a, b,
                    a / b);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "broker_bench: %s\n", e.what());
        return 1;
    }
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
//
// Publishing to a server that discards and subscribing from a server that floods, over loopback,
// beside raw sockets that move the same bytes in the same run. The server is a child process, so
// that what is measured is the client's own CPU time (user and system). Rounds are interleaved; the
// table shows the median of each and its ratio to the raw socket.
//
//   loopback_bench [rounds]        default 5

#include <natsproto/blocking/client.hpp>
#include <natsproto/wire/encoder.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr std::string_view info =
    R"(INFO {"server_id":"B","version":"2.10.27","proto":1,"headers":true,"max_payload":1048576})"
    "\r\n";
constexpr std::string_view two_headers =
    "NATS/1.0\r\nTrace-Id: 4bf92f3577b34da6\r\nKind: order\r\n\r\n";
constexpr std::size_t block = 64 * 1024;

[[noreturn]] void die(const char* what) {
    std::perror(what);
    std::exit(1);
}

double cpu_seconds() {
    rusage u{};
    ::getrusage(RUSAGE_SELF, &u);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(u.ru_utime) + seconds(u.ru_stime);
}

void send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) return; // the client has gone
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

std::string text_of(nats::wire::output_queue& queue) {
    std::string out;
    std::array<nats::const_buffer, 64> pieces;
    while (const std::size_t n = queue.gather(pieces)) {
        std::size_t size = 0;
        for (std::size_t i = 0; i < n; ++i) {
            out.append(pieces[i].data, pieces[i].size);
            size += pieces[i].size;
        }
        queue.transmitted(size);
    }
    return out;
}

/// A block of whole frames of one kind.
std::string frames(bool publish, std::string_view header, std::size_t payload, std::size_t& count) {
    nats::wire::output_queue queue;
    const std::string body(payload, 'x');
    count = std::max<std::size_t>(1, block / (payload + header.size() + 32));
    for (std::size_t i = 0; i < count; ++i) {
        if (publish)
            nats::wire::encode_pub(queue, "bench.subject", {}, header, body);
        else
            nats::wire::encode_msg(queue, "bench.subject", "1", {}, header, body);
    }
    return text_of(queue);
}

/// A listening socket and a child process that serves one connection after another.
class server {
public:
    enum class role { discard, flood };

    server(role r, const std::string& flood_block) : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
        if (listener_ < 0) die("socket");
        sockaddr_in a{};
        a.sin_family = AF_INET;
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof a;
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&a), size) != 0 ||
            ::listen(listener_, 8) != 0)
            die("listen");
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&a), &size);
        port_ = ntohs(a.sin_port);
        child_ = ::fork();
        if (child_ < 0) die("fork");
        if (child_ == 0) serve(r, flood_block);
        ::close(listener_);
    }
    server(const server&) = delete;
    server& operator=(const server&) = delete;
    ~server() {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }
    [[nodiscard]] std::string url() const { return "nats://127.0.0.1:" + std::to_string(port_); }

    /// A raw connection after the handshake.
    [[nodiscard]] int connect_raw() const {
        const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
        if (fd < 0) die("socket");
        sockaddr_in a{};
        a.sin_family = AF_INET;
        a.sin_port = htons(port_);
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) != 0) die("connect");
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        std::string in;
        read_until(fd, in, "\r\n");
        send_all(fd, "CONNECT {}\r\nPING\r\n");
        read_until(fd, in, "PONG\r\n");
        return fd;
    }

    static void read_until(int fd, std::string& in, std::string_view what) {
        std::array<char, 4096> buffer{};
        while (in.find(what) == std::string::npos) {
            const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
            if (n <= 0) return;
            in.append(buffer.data(), static_cast<std::size_t>(n));
        }
    }

private:
    [[noreturn]] void serve(role r, const std::string& flood_block) const {
        ::signal(SIGPIPE, SIG_IGN);
        std::vector<char> buffer(1024 * 1024);
        while (true) {
            const int fd = ::accept(listener_, nullptr, nullptr);
            if (fd < 0) std::_Exit(1);
            send_all(fd, info);
            std::string in;
            read_until(fd, in, "PING\r\n");
            send_all(fd, "PONG\r\n");
            if (r == role::discard) {
                // The last frame of a round is a PING: answering it says that everything was read.
                while (true) {
                    const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
                    if (n <= 0) break;
                    if (std::string_view(buffer.data(), static_cast<std::size_t>(n))
                            .ends_with("PING\r\n")) {
                        send_all(fd, "PONG\r\n");
                    }
                }
            } else {
                in.clear();
                read_until(fd, in, "SUB");
                while (::send(fd, flood_block.data(), flood_block.size(), MSG_NOSIGNAL) > 0) {
                }
            }
            ::close(fd);
        }
    }

    int listener_;
    std::uint16_t port_ = 0;
    pid_t child_ = -1;
};

struct shape {
    std::size_t payload;
    bool headers;
    std::size_t messages;
};

double raw_publish(const server& to, const shape& s) {
    std::size_t count = 0;
    const std::string bytes = frames(true, s.headers ? two_headers : "", s.payload, count);
    const int fd = to.connect_raw();
    const double before = cpu_seconds();
    std::size_t sent = 0;
    for (; sent < s.messages; sent += count) send_all(fd, bytes);
    send_all(fd, "PING\r\n");
    std::string in;
    server::read_until(fd, in, "PONG\r\n");
    const double used = cpu_seconds() - before;
    ::close(fd);
    return used / static_cast<double>(sent) * 1e9;
}

double our_publish(const server& to, const shape& s) {
    const std::string body(s.payload, 'x');
    nats::client nc = nats::client::connect(to.url()).value();
    const nats::publish_options o{.reply = {},
                                  .headers = nats::header_view(s.headers ? two_headers : "")};
    const double before = cpu_seconds();
    {
        const auto burst = nc.burst();
        for (std::size_t i = 0; i < s.messages; ++i) nc.publish("bench.subject", body, o).value();
    }
    nc.flush(std::chrono::seconds(60)).value();
    return (cpu_seconds() - before) / static_cast<double>(s.messages) * 1e9;
}

double raw_subscribe(const server& from, const shape& s) {
    std::size_t count = 0;
    const std::size_t one =
        frames(false, s.headers ? two_headers : "", s.payload, count).size() / count;
    const int fd = from.connect_raw();
    std::vector<char> buffer(block);
    const double before = cpu_seconds();
    send_all(fd, "SUB bench.subject 1\r\n");
    for (std::size_t got = 0; got < s.messages * one;) {
        const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (n <= 0) die("recv");
        got += static_cast<std::size_t>(n);
    }
    const double used = cpu_seconds() - before;
    ::close(fd);
    return used / static_cast<double>(s.messages) * 1e9;
}

template <bool Owning>
double our_subscribe(const server& from, const shape& s) {
    nats::client nc =
        nats::client::connect(from.url(), {.write_timeout = std::chrono::milliseconds(1)}).value();
    const double before = cpu_seconds();
    nats::subscription sub = nc.subscribe("bench.subject").value();
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < s.messages; ++i) {
        if constexpr (Owning)
            bytes += sub.next(std::chrono::seconds(10)).value().payload().size();
        else
            bytes += sub.next_view(std::chrono::seconds(10)).value().payload.size();
    }
    const double used = cpu_seconds() - before;
    if (bytes != s.messages * s.payload) die("wrong bytes");
    return used / static_cast<double>(s.messages) * 1e9;
}

double our_handler(const server& from, const shape& s) {
    nats::client nc =
        nats::client::connect(from.url(), {.write_timeout = std::chrono::milliseconds(1)}).value();
    std::size_t seen = 0;
    const double before = cpu_seconds();
    nats::subscription sub =
        nc.subscribe("bench.subject", [&](const nats::message_view&) { ++seen; }).value();
    while (seen < s.messages) (void)nc.poll(std::chrono::seconds(10)).value();
    return (cpu_seconds() - before) / static_cast<double>(seen) * 1e9;
}

double median(std::vector<double> v) {
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
}

} // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
    constexpr shape shapes[] = {{16, false, 2'000'000},
                                {16, true, 1'000'000},
                                {128, false, 1'000'000},
                                {1024, false, 400'000},
                                {16384, false, 40'000}};
    std::printf("client CPU per message over loopback, median of %d interleaved rounds\n\n",
                rounds);
    std::printf("%8s %8s | %10s %10s %6s | %10s %10s %10s %10s %6s\n", "payload", "headers",
                "raw send", "publish", "ratio", "raw recv", "views", "owning", "handler", "ratio");
    for (const shape& s : shapes) {
        std::size_t count = 0;
        const std::string flood = frames(false, s.headers ? two_headers : "", s.payload, count);
        const server sink(server::role::discard, {});
        const server source(server::role::flood, flood);
        std::map<std::string, std::vector<double>> got;
        for (int i = 0; i < rounds; ++i) {
            got["raw send"].push_back(raw_publish(sink, s));
            got["publish"].push_back(our_publish(sink, s));
            got["raw recv"].push_back(raw_subscribe(source, s));
            got["views"].push_back(our_subscribe<false>(source, s));
            got["owning"].push_back(our_subscribe<true>(source, s));
            got["handler"].push_back(our_handler(source, s));
        }
        const auto m = [&got](const char* name) { return median(got[name]); };
        std::printf(
            "%8zu %8s | %7.1f ns %7.1f ns %6.2f | %7.1f ns %7.1f ns %7.1f ns %7.1f ns %6.2f\n",
            s.payload, s.headers ? "two" : "none", m("raw send"), m("publish"),
            m("publish") / m("raw send"), m("raw recv"), m("views"), m("owning"), m("handler"),
            m("views") / m("raw recv"));
        std::fflush(stdout);
    }
    return 0;
}

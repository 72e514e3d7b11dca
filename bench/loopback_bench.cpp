// SPDX-License-Identifier: Apache-2.0
//
// Publishing to a server that discards and subscribing from a server that floods, over loopback,
// beside raw sockets that move the same bytes in the same run. The server is a child process, so
// that what is measured is the client's own CPU time (user and system). Rounds are interleaved; the
// table shows the median of each and its ratio to the raw socket.
//
//   loopback_bench [rounds]        default 5

#include <natsproto/blocking/client.hpp>

#include "blocking_contender.hpp"
#include "loopback_server.hpp"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace nats::bench; // NOLINT(google-build-using-namespace): all of it is used

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
            got["publish"].push_back(blocking_publish(sink, s));
            got["raw recv"].push_back(raw_subscribe(source, s));
            got["views"].push_back(blocking_receive<false>(source, s));
            got["owning"].push_back(blocking_receive<true>(source, s));
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

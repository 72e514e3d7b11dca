// SPDX-License-Identifier: Apache-2.0
//
// The Asio client beside the blocking client, nats.c, raw sockets, and coroutines on Asio's own
// sockets, which are its limit, in one run over loopback. The server is a child process.
//
// First the time of a request and its reply, one after the other, by the clock: `request_into` in a
// coroutine on the client's executor, with a strand and without (`serial`). Then the client's CPU
// time (user and system, all threads) for each message published and received.
//
//   asio_bench [rounds]        default 5

#include <natsproto/asio/client.hpp>
#include <natsproto/blocking/client.hpp>

#include "blocking_contender.hpp"
#include "loopback_server.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nats/nats.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

namespace asio = boost::asio;
using namespace nats::bench; // NOLINT(google-build-using-namespace): all of it is used
using times = std::vector<double>;

/// Microseconds by the clock.
class watch {
public:
    [[nodiscard]] double lap() {
        const auto now = std::chrono::steady_clock::now();
        const double us = std::chrono::duration<double, std::micro>(now - last_).count();
        last_ = now;
        return us;
    }

private:
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

void rethrow(const std::exception_ptr& e) {
    if (e) std::rethrow_exception(e);
}

void check(natsStatus s, const char* what) {
    if (s == NATS_OK) return;
    std::fprintf(stderr, "%s: %s\n", what, natsStatus_GetText(s));
    std::exit(1);
}

// --- requests

const std::string ask = "PUB bench.subject _INBOX.raw 16\r\nxxxxxxxxxxxxxxxx\r\n";
const std::string answer_end = "xxxxxxxxxxxxxxxx\r\n";
const std::string body16(16, 'x');

times raw_requests(const server& to, int n) {
    const int fd = to.connect_raw();
    send_all(fd, "SUB _INBOX.raw 1\r\nPING\r\n");
    std::string in;
    server::read_until(fd, in, "PONG\r\n");
    times out;
    watch w;
    for (int i = 0; i < n; ++i) {
        send_all(fd, ask);
        in.clear();
        server::read_until(fd, in, answer_end);
        out.push_back(w.lap());
    }
    ::close(fd);
    return out;
}

asio::awaitable<void> asio_ping_pong(int fd, int n, times& out) {
    asio::ip::tcp::socket s(co_await asio::this_coro::executor, asio::ip::tcp::v4(), fd);
    std::array<char, 4096> buffer{};
    watch w;
    for (int i = 0; i < n; ++i) {
        co_await asio::async_write(s, asio::buffer(ask), asio::use_awaitable);
        std::string in;
        while (!in.ends_with(answer_end)) {
            const std::size_t got =
                co_await s.async_read_some(asio::buffer(buffer), asio::use_awaitable);
            in.append(buffer.data(), got);
        }
        out.push_back(w.lap());
    }
}

times asio_socket_requests(const server& to, int n) {
    asio::io_context context(1);
    times out;
    asio::co_spawn(context, asio_ping_pong(to.connect_raw(), n, out), rethrow);
    context.run();
    return out;
}

times blocking_requests(const server& to, int n) {
    nats::client nc = nats::client::connect(to.url()).value();
    times out;
    watch w;
    for (int i = 0; i < n; ++i) {
        (void)nc.request_view("bench.subject", body16).value();
        out.push_back(w.lap());
    }
    return out;
}

asio::awaitable<void> ask_often(nats::aio::client& nc, std::string url, int n, times& out) {
    co_await nc.connect(url);
    nats::message reply;
    watch w;
    for (int i = 0; i < n; ++i) {
        co_await nc.request_into(reply, "bench.subject", body16);
        out.push_back(w.lap());
    }
    co_await nc.close();
}

times asio_requests(const server& to, int n, bool serial) {
    asio::io_context context(1);
    nats::aio::client nc(context, {.serial = serial});
    times out;
    asio::co_spawn(nc.get_executor(), ask_often(nc, to.url(), n, out), rethrow);
    context.run();
    return out;
}

times libnats_requests(const server& to, int n) {
    natsConnection* nc = nullptr;
    check(natsConnection_ConnectTo(&nc, to.url().c_str()), "connect");
    times out;
    watch w;
    for (int i = 0; i < n; ++i) {
        natsMsg* reply = nullptr;
        check(natsConnection_Request(&reply, nc, "bench.subject", body16.data(), 16, 5000),
              "request");
        natsMsg_Destroy(reply);
        out.push_back(w.lap());
    }
    natsConnection_Destroy(nc);
    return out;
}

void show_requests(int rounds) {
    const server to(server::role::echo, {});
    constexpr int n = 20'000;
    const std::vector<std::pair<const char*, std::function<times()>>> contenders = {
        {"raw socket", [&] { return raw_requests(to, n); }},
        {"socket of Asio", [&] { return asio_socket_requests(to, n); }},
        {"blocking client", [&] { return blocking_requests(to, n); }},
        {"Asio client", [&] { return asio_requests(to, n, false); }},
        {"Asio client, serial", [&] { return asio_requests(to, n, true); }},
        {"nats.c", [&] { return libnats_requests(to, n); }}};
    std::map<std::string, times> p50, p99;
    for (int i = 0; i < rounds; ++i) {
        for (const auto& [name, run] : contenders) {
            const times t = run();
            p50[name].push_back(median(t));
            p99[name].push_back(quantile(t, 0.99));
        }
    }
    std::printf("a request and its reply, 16 B, one after the other, median of %d rounds\n\n",
                rounds);
    std::printf("%-20s %10s %10s %10s\n", "", "p50", "p99", "p50 ratio");
    for (const auto& [name, run] : contenders) {
        std::printf("%-20s %7.1f us %7.1f us %10.2f\n", name, median(p50[name]), median(p99[name]),
                    median(p50[name]) / median(p50["raw socket"]));
    }
}

// --- publishing: nanoseconds of CPU a message

/// As programs do that have much to publish: in blocks, between which the network gets its turn.
asio::awaitable<void> publish_all(nats::aio::client& nc, std::string url, const shape& s,
                                  double& used) {
    co_await nc.connect(url);
    const std::string body(s.payload, 'x');
    const std::size_t in_a_row = std::max<std::size_t>(1, block / (s.payload + 32));
    const double before = cpu_seconds();
    for (std::size_t sent = 1; sent <= s.messages; ++sent) {
        const bool wait = sent % in_a_row == 0 || sent == s.messages;
        if (wait || !nc.publish("bench.subject", body)) // the server may be slow to read
            co_await nc.publish_when_room("bench.subject", body);
    }
    co_await nc.flush({.timeout = std::chrono::seconds(60)});
    used = cpu_seconds() - before;
    co_await nc.close();
}

double asio_publish(const server& to, const shape& s) {
    asio::io_context context(1);
    nats::aio::client nc(context);
    double used = 0;
    asio::co_spawn(nc.get_executor(), publish_all(nc, to.url(), s, used), rethrow);
    context.run();
    return used / static_cast<double>(s.messages) * 1e9;
}

double libnats_publish(const server& to, const shape& s) {
    const std::string body(s.payload, 'x');
    natsConnection* nc = nullptr;
    check(natsConnection_ConnectTo(&nc, to.url().c_str()), "connect");
    const double before = cpu_seconds();
    for (std::size_t i = 0; i < s.messages; ++i) {
        check(
            natsConnection_Publish(nc, "bench.subject", body.data(), static_cast<int>(body.size())),
            "publish");
    }
    check(natsConnection_FlushTimeout(nc, 60'000), "flush");
    const double used = cpu_seconds() - before;
    natsConnection_Destroy(nc);
    return used / static_cast<double>(s.messages) * 1e9;
}

// --- receiving

asio::awaitable<void> read_all(nats::aio::client& nc, std::string url, const shape& s,
                               double& used) {
    co_await nc.connect(url);
    const double before = cpu_seconds();
    nats::aio::subscription sub = nc.subscribe("bench.subject").value();
    nats::message m;
    for (std::size_t i = 0; i < s.messages; ++i) co_await sub.next_into(m);
    used = cpu_seconds() - before;
    nc = nats::aio::client(nc.get_executor()); // the server would go on for ever
}

double asio_receive(const server& from, const shape& s) {
    asio::io_context context(1);
    nats::aio::client nc(context);
    double used = 0;
    asio::co_spawn(nc.get_executor(), read_all(nc, from.url(), s, used), rethrow);
    context.run();
    return used / static_cast<double>(s.messages) * 1e9;
}

asio::awaitable<void> handle_all(nats::aio::client& nc, std::string url, const shape& s,
                                 double& used) {
    co_await nc.connect(url);
    const double before = cpu_seconds();
    std::size_t seen = 0;
    nats::aio::subscription sub;
    sub = nc.subscribe("bench.subject", [&](const nats::message_view&) {
                if (++seen != s.messages) return;
                used = cpu_seconds() - before;
                nc = nats::aio::client(nc.get_executor());
            }).value();
    const auto [ec, rtt] =
        co_await nc.flush({.timeout = std::chrono::hours(1)}, asio::as_tuple(asio::use_awaitable));
    (void)ec; // ended by the end of the client
    (void)rtt;
}

double asio_handler(const server& from, const shape& s) {
    asio::io_context context(1);
    nats::aio::client nc(context);
    double used = 0;
    asio::co_spawn(nc.get_executor(), handle_all(nc, from.url(), s, used), rethrow);
    context.run();
    return used / static_cast<double>(s.messages) * 1e9;
}

double libnats_receive(const server& from, const shape& s) {
    natsConnection* nc = nullptr;
    natsSubscription* sub = nullptr;
    check(natsConnection_ConnectTo(&nc, from.url().c_str()), "connect");
    const double before = cpu_seconds();
    check(natsConnection_SubscribeSync(&sub, nc, "bench.subject"), "subscribe");
    check(natsSubscription_SetPendingLimits(sub, -1, -1), "limits");
    for (std::size_t i = 0; i < s.messages; ++i) {
        natsMsg* m = nullptr;
        check(natsSubscription_NextMsg(&m, sub, 10'000), "next");
        natsMsg_Destroy(m);
    }
    const double used = cpu_seconds() - before;
    natsConnection_Close(nc); // first: its threads use the subscription while messages come
    natsSubscription_Destroy(sub);
    natsConnection_Destroy(nc);
    return used / static_cast<double>(s.messages) * 1e9;
}

void show_messages(int rounds) {
    std::printf("\nclient CPU for a message (ns), median of %d rounds; ratio: Asio to blocking\n\n",
                rounds);
    std::printf("%8s | %9s %9s %9s %6s | %9s %9s %9s %9s %6s\n", "payload", "blocking", "Asio",
                "nats.c", "ratio", "blocking", "next_into", "handler", "nats.c", "ratio");
    constexpr shape shapes[] = {
        {16, false, 1'000'000}, {128, false, 500'000}, {1024, false, 200'000}};
    for (const shape& s : shapes) {
        std::size_t count = 0;
        const std::string flood = frames(false, {}, s.payload, count);
        const server sink(server::role::discard, {});
        const server source(server::role::flood, flood);
        std::map<std::string, times> got;
        for (int i = 0; i < rounds; ++i) {
            got["blocking publish"].push_back(blocking_publish(sink, s));
            got["asio publish"].push_back(asio_publish(sink, s));
            got["nats.c publish"].push_back(libnats_publish(sink, s));
            got["blocking receive"].push_back(blocking_receive<false>(source, s));
            got["asio receive"].push_back(asio_receive(source, s));
            got["asio handler"].push_back(asio_handler(source, s));
            got["nats.c receive"].push_back(libnats_receive(source, s));
        }
        const auto m = [&got](const char* name) { return median(got[name]); };
        std::printf("%8zu | %9.1f %9.1f %9.1f %6.2f | %9.1f %9.1f %9.1f %9.1f %6.2f\n", s.payload,
                    m("blocking publish"), m("asio publish"), m("nats.c publish"),
                    m("asio publish") / m("blocking publish"), m("blocking receive"),
                    m("asio receive"), m("asio handler"), m("nats.c receive"),
                    m("asio receive") / m("blocking receive"));
        std::fflush(stdout);
    }
}

} // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
    show_requests(rounds);
    show_messages(rounds);
    nats_Close();
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
//
// From a publisher through nats-server 2.10 to a subscriber, each a process of its own: what each
// of the three takes of CPU for a message, and how many a second get through. The machine is shared
// by all of them, so the rate is mostly the server's; the CPU of both clients together is what they
// differ in. Both run the same library, paced by pacing.hpp, and all messages must arrive.

#include <natsproto/blocking/client.hpp>

#include "asio_contender.hpp"
#include "child.hpp"
#include "harness.hpp"
#include "libnats_contender.hpp"
#include "limits.hpp"
#include "loopback_server.hpp"
#include "nats_server.hpp"
#include "pacing.hpp"
#include "process_stat.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read.hpp>

#include <array>
#include <chrono>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

namespace {

namespace asio = boost::asio;
using namespace nats::bench; // NOLINT(google-build-using-namespace): all of it is used
using std::chrono::seconds;

/// What a client is given.
struct course {
    std::string url;
    shape s;
    race& start;
    pacing& pace;
};
using client_work = std::function<void(const course&)>;

// --- raw sockets

void raw_publisher(const course& c) {
    std::size_t count = 0;
    const std::string bytes = frames(true, {}, c.s.payload, count);
    const std::size_t one = bytes.size() / count;
    const int fd = connect_raw_to(port_of(c.url));
    c.start.begin();
    for (std::size_t sent = 0; sent < c.s.messages;) {
        while (c.pace.ahead(sent + count - 1)) c.pace.wait();
        const std::size_t n = std::min(count, c.s.messages - sent);
        send_all(fd, std::string_view(bytes).substr(0, n * one));
        sent += n;
    }
    wait_for_pong(fd);
    c.start.end(c.s.messages, c.s.messages * c.s.payload);
}

int raw_subscription(const course& c) {
    const int fd = connect_raw_to(port_of(c.url));
    send_all(fd, "SUB bench.subject 1\r\n");
    wait_for_pong(fd);
    return fd;
}

void raw_subscriber(const course& c) {
    std::size_t count = 0;
    const std::size_t one = frames(false, {}, c.s.payload, count).size() / count;
    const int fd = raw_subscription(c);
    std::vector<char> buffer(block);
    c.start.begin();
    std::size_t got = 0;
    while (got < c.s.messages * one) {
        const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (n <= 0) die("recv");
        got += static_cast<std::size_t>(n);
        c.pace.seen(got / one);
    }
    if (got != c.s.messages * one) die("wrong bytes");
    c.start.end(got / one, got / one * c.s.payload);
}

void protocol_publisher(const course& c) {
    const std::string body(c.s.payload, 'x');
    std::vector<char> buffer(block + c.s.payload + 256);
    const int fd = connect_raw_to(port_of(c.url));
    c.start.begin();
    char* p = buffer.data();
    const auto write = [&] {
        send_all(fd, {buffer.data(), p});
        p = buffer.data();
    };
    for (std::size_t sent = 0; sent < c.s.messages; ++sent) {
        if (c.pace.ahead(sent)) {
            write();
            c.pace.wait();
        }
        p = format_publish(p, c.s, body);
        if (static_cast<std::size_t>(p - buffer.data()) >= block) write();
    }
    write();
    wait_for_pong(fd);
    c.start.end(c.s.messages, c.s.messages * c.s.payload);
}

void protocol_subscriber(const course& c) {
    const int fd = raw_subscription(c);
    std::vector<char> buffer(block + c.s.payload + 256);
    c.start.begin();
    std::size_t held = 0;
    std::size_t seen = 0;
    std::size_t bytes = 0;
    while (seen < c.s.messages) {
        const ssize_t n = ::recv(fd, buffer.data() + held, buffer.size() - held, 0);
        if (n <= 0) die("recv");
        held += static_cast<std::size_t>(n);
        take_frames(buffer, held, [&](std::string_view frame) {
            bytes += frame.size() - frame.find('\n') - 3;
            ++seen;
            return true;
        });
        c.pace.seen(seen);
    }
    c.start.end(seen, bytes);
}

// --- the blocking client

void blocking_publisher(const course& c) {
    nats::client nc = nats::client::connect(c.url).value();
    const std::string body(c.s.payload, 'x');
    c.start.begin();
    {
        const auto burst = nc.burst();
        for (std::size_t sent = 0; sent < c.s.messages; ++sent) {
            if (c.pace.ahead(sent)) {
                nc.write().value();
                c.pace.wait();
            }
            nc.publish("bench.subject", body).value();
        }
    }
    nc.flush(seconds(60)).value();
    c.start.end(c.s.messages, c.s.messages * c.s.payload);
}

void blocking_subscriber(const course& c) {
    nats::client nc = nats::client::connect(c.url).value();
    nats::subscription sub = nc.subscribe("bench.subject").value();
    nc.flush().value();
    c.start.begin();
    std::size_t bytes = 0;
    for (std::size_t seen = 0; seen < c.s.messages; c.pace.seen(++seen))
        bytes += sub.next_view(seconds(10)).value().payload.size();
    c.start.end(c.s.messages, bytes);
}

// --- the Asio client

asio::awaitable<void> publish_paced(nats::aio::client& nc, const course& c) {
    co_await nc.connect(c.url);
    const std::string body(c.s.payload, 'x');
    const std::size_t in_a_row = std::max<std::size_t>(1, block / (c.s.payload + 32));
    asio::posix::stream_descriptor turns(nc.get_executor(), ::dup(c.pace.readable()));
    c.start.begin();
    for (std::size_t sent = 0; sent < c.s.messages; ++sent) {
        if (c.pace.ahead(sent)) {
            std::array<char, 1> turn{};
            co_await asio::async_read(turns, asio::buffer(turn), asio::use_awaitable);
            c.pace.granted();
        }
        if (sent % in_a_row == in_a_row - 1 || !nc.publish("bench.subject", body))
            co_await nc.publish_when_room("bench.subject", body);
    }
    co_await nc.flush({.timeout = seconds(60)});
    c.start.end(c.s.messages, c.s.messages * c.s.payload);
    co_await nc.close();
}

void asio_publisher(const course& c) {
    (void)on_asio({}, [&](auto& nc, figures&) { return publish_paced(nc, c); });
}

/// A handler: what a program does that need not wait while it deals with a message.
struct asio_reader {
    asio::awaitable<void> run(nats::aio::client& nc) {
        co_await nc.connect(c.url);
        sub = nc.subscribe("bench.subject", [this, &nc](const nats::message_view& m) {
                    take(nc, m);
                }).value();
        co_await nc.flush();
        c.start.begin();
    }
    void take(nats::aio::client& nc, const nats::message_view& m) {
        bytes += m.payload.size();
        c.pace.seen(++seen);
        if (seen != c.s.messages) return;
        c.start.end(seen, bytes);
        nc = nats::aio::client(nc.get_executor());
    }

    const course& c;
    nats::aio::subscription sub{};
    std::size_t seen = 0;
    std::size_t bytes = 0;
};

void asio_subscriber(const course& c) {
    asio_reader reader{c};
    (void)on_asio({}, [&](auto& nc, figures&) { return reader.run(nc); });
}

// --- nats.c

void libnats_publisher(const course& c) {
    const libnats_connection nc(c.url);
    const std::string body(c.s.payload, 'x');
    const int size = static_cast<int>(body.size());
    c.start.begin();
    for (std::size_t sent = 0; sent < c.s.messages; ++sent) {
        if (c.pace.ahead(sent)) c.pace.wait(); // its own thread flushes
        check(natsConnection_Publish(nc.get(), "bench.subject", body.data(), size), "publish");
    }
    check(natsConnection_FlushTimeout(nc.get(), 60'000), "flush");
    c.start.end(c.s.messages, c.s.messages * c.s.payload);
}

/// Its callbacks cost more: messages go to them through a queue and a thread, too.
void libnats_subscriber(const course& c) {
    const libnats_connection nc(c.url);
    natsSubscription* sub = nullptr;
    check(natsConnection_SubscribeSync(&sub, nc.get(), "bench.subject"), "subscribe");
    check(natsSubscription_SetPendingLimits(sub, -1, -1), "limits");
    check(natsConnection_Flush(nc.get()), "flush");
    c.start.begin();
    std::size_t bytes = 0;
    for (std::size_t seen = 0; seen < c.s.messages; c.pace.seen(++seen)) {
        natsMsg* one = nullptr;
        check(natsSubscription_NextMsg(&one, sub, 10'000), "next");
        bytes += static_cast<std::size_t>(natsMsg_GetDataLength(one));
        natsMsg_Destroy(one);
    }
    c.start.end(c.s.messages, bytes);
    natsConnection_Close(nc.get());
    natsSubscription_Destroy(sub);
}

// --- the course

figures run(const shape& s, const client_work& publisher, const client_work& subscriber) {
    constexpr std::size_t window_bytes = 4 * 1024 * 1024; // the server would take 64 MiB
    const nats::test::server nats = nats_server();
    pacing pace(window_bytes / (s.payload + 32));
    const auto as_child = [&](const client_work& work) {
        return [&](race& start) { work({nats.url(), s, start, pace}); };
    };
    const child reader(as_child(subscriber));
    const child writer(as_child(publisher));
    const double server_cpu = cpu_seconds_of(nats.pid());
    const auto begin = std::chrono::steady_clock::now();
    reader.start();
    writer.start();
    const report got = reader.result();
    const std::chrono::duration<double> clock = std::chrono::steady_clock::now() - begin;
    const report sent = writer.result();
    const double server_took = cpu_seconds_of(nats.pid()) - server_cpu;
    if (got.messages != s.messages || got.bytes != s.messages * s.payload)
        throw std::runtime_error("not every message has come");
    const auto n = static_cast<double>(s.messages);
    const auto each = [n](double total) { return total / n * 1e9; };
    return {{"CPU", "ns", each(sent.cpu + got.cpu)},
            {"publisher CPU", "ns", each(sent.cpu)},
            {"subscriber CPU", "ns", each(got.cpu)},
            {"server CPU", "ns", each(server_took)},
            {"rate", "1/s", n / clock.count()}};
}

void add(suite& all, const std::string& name, const shape& s) {
    const auto each = [&](const char* who, const client_work& publisher,
                          const client_work& subscriber) {
        all.add(name, who, [=] { return run(s, publisher, subscriber); });
    };
    each("raw", raw_publisher, raw_subscriber);
    each("raw, protocol", protocol_publisher, protocol_subscriber);
    each("blocking", blocking_publisher, blocking_subscriber);
    each("Asio", asio_publisher, asio_subscriber);
    each("nats.c", libnats_publisher, libnats_subscriber);
}

} // namespace

int main(int argc, char** argv) {
    return run_suite(argc, argv, [](suite& all) {
        add(all, "publish to subscribe, 16 B", {16, false, all.scaled(2'000'000)});
        add(all, "publish to subscribe, 1 KiB", {1024, false, all.scaled(600'000)});
    });
}

// SPDX-License-Identifier: Apache-2.0
//
// Many of what programs have few of: subscriptions on one connection, connections in one process;
// and how long one takes from nothing to being ready, which is a connect, INFO, CONNECT and a PONG.
//
// Memory is what malloc has given out, for each subscription beside its subject, for each
// connection with all that belongs to it; threads and address space are those that have come with
// all of them. Idle connections are watched for a second: how often a thread of the process wakes.
// Once is when the second is over.

#include "asio_contender.hpp"
#include "blocking_contender.hpp"
#include "harness.hpp"
#include "libnats_contender.hpp"
#include "limits.hpp"
#include "nats_server.hpp"
#include "process_usage.hpp"
#include "read_frames.hpp"
#include "scale_servers.hpp"
#include "session_loop.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <nats/nats.h>
#include <unistd.h>

namespace {

namespace asio = boost::asio;
using namespace nats::bench; // NOLINT(google-build-using-namespace): all of it is used
using namespace std::chrono_literals;

void append(figures& to, figures more) {
    for (figure& f : more) to.push_back(std::move(f));
}

// --- from nothing to ready

figures raw_connects(const std::string& url, std::size_t n) {
    lap_times times(n);
    for (std::size_t i = 0; i < n; ++i) {
        times.begin();
        const int fd = connect_raw_to(port_of(url));
        times.lap();
        ::close(fd);
    }
    return times.quantiles();
}

figures blocking_connects(const std::string& url, std::size_t n) {
    lap_times times(n);
    for (std::size_t i = 0; i < n; ++i) {
        times.begin();
        const nats::client nc = nats::client::connect(url).value();
        times.lap();
    }
    return times.quantiles();
}

asio::awaitable<void> connect_often(const std::string& url, std::size_t n, figures& out) {
    lap_times times(n);
    for (std::size_t i = 0; i < n; ++i) {
        times.begin();
        nats::aio::client nc(co_await asio::this_coro::executor);
        co_await nc.connect(url);
        times.lap();
        co_await nc.close();
    }
    out = times.quantiles();
}

figures asio_connects(const std::string& url, std::size_t n) {
    asio::io_context context(1);
    figures out;
    asio::co_spawn(context, connect_often(url, n, out), rethrow);
    context.run();
    return out;
}

figures libnats_connects(const std::string& url, std::size_t n) {
    const libnats_library library;
    lap_times times(n);
    for (std::size_t i = 0; i < n; ++i) {
        times.begin();
        const libnats_connection c(url);
        times.lap();
    }
    return times.quantiles();
}

void add_connects(suite& all, std::size_t n) {
    const auto each = [&](const char* who, figures (*run)(const std::string&, std::size_t)) {
        all.add("connect to nats-server", who, [=] {
            const nats::test::server to = nats_server();
            return run(to.url(), n);
        });
    };
    each("raw", raw_connects);
    each("blocking", blocking_connects);
    each("Asio", asio_connects);
    each("nats.c", libnats_connects);
}

// --- many subscriptions

std::string subject_of(std::size_t i) {
    const std::string digits = std::to_string(i);
    return "bench.subscription." + std::string(6 - digits.size(), '0') + digits;
}
const std::size_t subject_size = subject_of(0).size();

/// What the handlers of many subscriptions count.
class tally {
public:
    explicit tally(std::size_t subscriptions) : each_(subscriptions) {}

    /// For a handler of subscription `i`.
    [[nodiscard]] std::uint32_t& of(std::size_t i) { return each_[i]; }
    void seen(std::uint32_t& one) {
        ++one;
        total_.store(total() + 1, std::memory_order_relaxed);
    }
    /// When several threads have handlers.
    void seen_by_any(std::uint32_t& one) {
        ++one;
        total_.fetch_add(1, std::memory_order_relaxed);
    }
    [[nodiscard]] std::size_t total() const { return total_.load(std::memory_order_relaxed); }
    /// The server goes round, so nobody is left out.
    void check_all_seen() const {
        if (std::find(each_.begin(), each_.end(), 0) != each_.end())
            die("a subscription without a message");
    }

private:
    std::vector<std::uint32_t> each_;
    std::atomic<std::size_t> total_ = 0;
};

/// What one subscription costs; one alone is lost among buffers.
void append_memory(figures& out, const process_usage& before, const process_usage& with,
                   std::size_t n) {
    if (n > 1) append(out, with.since(before, n, subject_size));
}

/// The least: a number, and something of the subscription's own that is touched.
figures protocol_subscriptions(const cycling_server& from, std::size_t n, std::size_t messages) {
    const int fd = connect_raw_to(from.port());
    std::string all;
    for (std::size_t i = 0; i < n; ++i)
        all += "SUB " + subject_of(i) + ' ' + std::to_string(i) + "\r\n";
    send_all(fd, all);
    wait_for_pong(fd);
    tally seen(n);
    const meter m;
    send_all(fd, "PUB go 1\r\nx\r\n");
    const std::size_t sid_at = std::string_view("MSG ").size() + subject_size + 1;
    read_frames(fd, [&](std::string_view frame) {
        std::size_t sid = n;
        std::from_chars(frame.data() + sid_at, frame.data() + frame.size(), sid);
        if (sid >= n) die("a wrong frame");
        seen.seen(seen.of(sid));
        return seen.total() < messages;
    });
    figures out = m.cpu_and_rate(seen.total());
    ::close(fd);
    seen.check_all_seen();
    return out;
}

figures blocking_subscriptions(const std::string& url, std::size_t n, std::size_t messages) {
    nats::client nc = nats::client::connect(url, {.write_timeout = at_once}).value();
    tally seen(n);
    std::vector<nats::subscription> subs;
    subs.reserve(n);
    const process_usage before = process_usage::now();
    {
        const auto burst = nc.burst();
        for (std::size_t i = 0; i < n; ++i) {
            const auto handler = [&seen, one = &seen.of(i)](const nats::message_view&) {
                seen.seen(*one);
            };
            subs.push_back(nc.subscribe(subject_of(i), handler).value());
        }
    }
    (void)nc.flush(60s).value();
    const process_usage with = process_usage::now();
    nc.publish("go", "x").value();
    const meter m;
    while (seen.total() < messages) {
        if (nc.poll(10s).value() == 0) die("nothing comes");
    }
    figures out = m.cpu_and_rate(seen.total());
    seen.check_all_seen();
    append_memory(out, before, with, n);
    return out;
}

asio::awaitable<void> asio_subscriptions(nats::aio::client& nc, std::string url, std::size_t n,
                                         std::size_t messages, figures& out) {
    co_await nc.connect(url);
    tally seen(n);
    std::vector<nats::aio::subscription> subs;
    subs.reserve(n);
    std::optional<meter> m;
    const auto on_message = [&](std::uint32_t& one) {
        seen.seen(one);
        if (seen.total() != messages) return;
        out = m->cpu_and_rate(messages);
        nc = nats::aio::client(nc.get_executor()); // the server would go on for ever
    };
    const process_usage before = process_usage::now();
    for (std::size_t i = 0; i < n; ++i) {
        const auto handler = [&on_message, one = &seen.of(i)](const nats::message_view&) {
            on_message(*one);
        };
        subs.push_back(nc.subscribe(subject_of(i), handler).value());
    }
    co_await nc.flush({.timeout = 60s});
    const process_usage with = process_usage::now();
    m.emplace();
    nc.publish("go", "x").value();
    const auto ended = co_await nc.flush({.timeout = 60s}, asio::as_tuple(asio::use_awaitable));
    if (std::get<0>(ended) != asio::error::operation_aborted) die("the client was not given up");
    seen.check_all_seen();
    append_memory(out, before, with, n);
}

/// What a callback of nats.c gets.
struct libnats_closure {
    tally* all;
    std::uint32_t* one;
};

void libnats_on_message(natsConnection*, natsSubscription*, natsMsg* m, void* closure) {
    const auto& c = *static_cast<libnats_closure*>(closure);
    c.all->seen_by_any(*c.one);
    natsMsg_Destroy(m);
}

natsOptions* libnats_options(bool pool) {
    natsOptions* o = nullptr;
    check(natsOptions_Create(&o), "options");
    check(natsOptions_UseGlobalMessageDelivery(o, pool), "pool");
    return o;
}

figures libnats_subscriptions(const std::string& url, std::size_t n, std::size_t messages,
                              bool pool) {
    tally seen(n);
    const libnats_library library;
    std::vector<libnats_closure> closures(n);
    std::vector<natsSubscription*> subs(n);
    natsOptions* const o = libnats_options(pool);
    const libnats_connection c(url, o);
    natsOptions_Destroy(o);
    const process_usage before = process_usage::now();
    for (std::size_t i = 0; i < n; ++i) {
        closures[i] = {&seen, &seen.of(i)};
        check(natsConnection_Subscribe(&subs[i], c.get(), subject_of(i).c_str(), libnats_on_message,
                                       &closures[i]),
              "subscribe");
        check(natsSubscription_SetPendingLimits(subs[i], -1, -1), "limits");
    }
    check(natsConnection_FlushTimeout(c.get(), 60'000), "flush");
    const process_usage with = process_usage::now();
    check(natsConnection_PublishString(c.get(), "go", "x"), "publish");
    const meter m;
    const auto give_up = std::chrono::steady_clock::now() + 60s;
    while (seen.total() < messages) {
        if (std::chrono::steady_clock::now() > give_up) die("nothing comes");
        std::this_thread::sleep_for(1ms);
    }
    figures out = m.cpu_and_rate(seen.total());
    seen.check_all_seen();
    append_memory(out, before, with, n);
    natsConnection_Close(c.get()); // its threads use the subscriptions while messages come
    for (natsSubscription* s : subs) natsSubscription_Destroy(s);
    return out;
}

/// nats.c by default starts a thread for each subscription: more than a thousand is no use.
constexpr std::size_t most_threads = 1'000;

void add_subscriptions(suite& all, const char* name, std::size_t n) {
    const std::size_t messages = std::max(all.scaled(500'000), 4 * n);
    all.add(name, "raw, protocol",
            [=] { return protocol_subscriptions(cycling_server(), n, messages); });
    all.add(name, "blocking",
            [=] { return blocking_subscriptions(cycling_server().url(), n, messages); });
    all.add(name, "Asio", [=] {
        const cycling_server from;
        return on_asio({}, [&](auto& nc, figures& out) {
            return asio_subscriptions(nc, from.url(), n, messages, out);
        });
    });
    for (const bool pool : {false, true}) {
        if (!pool && n > most_threads) continue;
        // Each message wakes another of the threads, so fewer are enough, and take long.
        const std::size_t fewer = pool || n == 1 ? messages : messages / 8;
        all.add(name, pool ? "nats.c, pool" : "nats.c", [=] {
            const cycling_server from;
            return libnats_subscriptions(from.url(), n, fewer, pool);
        });
    }
}

// --- many connections

/// Until everything that follows the handshakes has happened.
constexpr auto rest = 300ms;
/// Short, so that a timer of the connect that nobody has stopped fires while it is rested.
constexpr auto connect_timeout = 250ms;

struct idle_run {
    std::size_t connections;
    std::chrono::milliseconds watched;
};

/// Memory, and then how often something wakes while `wait(duration)` waits.
template <class Wait>
figures idle_figures(const process_usage& before, const idle_run& r, Wait wait) {
    wait(rest);
    figures out = process_usage::now().since(before, r.connections);
    const wakeup_meter m;
    wait(r.watched);
    out.push_back(m.per_second());
    return out;
}

void expect_connected(bool all) {
    if (!all) die("not all are connected");
}

asio::awaitable<void> connect_all(asio::io_context& context, std::vector<nats::aio::client>& all,
                                  const std::string& url, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
        nats::aio::client& nc = all.emplace_back(context);
        co_await nc.connect({.servers = url, .connect_timeout = connect_timeout});
    }
}

figures asio_idle(const std::string& url, const idle_run& r) {
    asio::io_context context(1);
    std::vector<nats::aio::client> all;
    all.reserve(r.connections);
    const process_usage before = process_usage::now();
    bool done = false;
    asio::co_spawn(context, connect_all(context, all, url, r.connections),
                   [&](const std::exception_ptr& e) {
                       rethrow(e);
                       done = true;
                   });
    while (!done) context.run_one();
    figures out = idle_figures(before, r, [&](auto t) { context.run_for(t); });
    expect_connected(std::all_of(all.begin(), all.end(), [](const auto& nc) {
        return nc.status() == nats::session_status::connected;
    }));
    return out;
}

figures sessions_idle(const std::string& url, const idle_run& r) {
    session_loop loop;
    std::vector<std::unique_ptr<session_loop::connection>> all;
    all.reserve(r.connections);
    const process_usage before = process_usage::now();
    const auto up = [](const auto& c) {
        return c->of().status() == nats::session_status::connected;
    };
    const nats::time_point give_up = nats::clock::now() + 30s;
    for (std::size_t i = 0; i < r.connections; ++i) {
        all.push_back(std::make_unique<session_loop::connection>(
            loop, nats::options{.servers = url, .connect_timeout = connect_timeout}));
        while (!up(all.back()) && nats::clock::now() < give_up) loop.run_once(give_up);
    }
    figures out = idle_figures(before, r, [&](auto t) { loop.run_until(nats::clock::now() + t); });
    expect_connected(std::all_of(all.begin(), all.end(), up));
    return out;
}

/// Has two threads for each. They wait by themselves.
figures libnats_idle(const std::string& url, const idle_run& r) {
    const libnats_library library;
    std::deque<libnats_connection> all;
    const process_usage before = process_usage::now();
    for (std::size_t i = 0; i < r.connections; ++i) all.emplace_back(url);
    figures out = idle_figures(before, r, [](auto t) { std::this_thread::sleep_for(t); });
    expect_connected(std::all_of(all.begin(), all.end(), [](const auto& c) {
        return natsConnection_Status(c.get()) == NATS_CONN_STATUS_CONNECTED;
    }));
    return out;
}

void add_idle(suite& all, const char* name, const idle_run& r) {
    const auto each = [&](const char* who, figures (*run)(const std::string&, const idle_run&)) {
        all.add(name, who, [=] { return run(idle_server().url(), r); });
    };
    each("session in an epoll loop", sessions_idle);
    each("Asio", asio_idle);
    if (r.connections <= most_threads) each("nats.c", libnats_idle);
}

} // namespace

int main(int argc, char** argv) {
    const std::size_t files = raise_file_limit(12'000);
    return run_suite(argc, argv, [=](suite& all) {
        const bool quick = all.scaled(100) != 100;
        add_connects(all, all.scaled(1'000));
        add_subscriptions(all, "subscribe, 1 subscription", 1);
        add_subscriptions(all, "subscribe, 1,000 subscriptions", 1'000);
        add_subscriptions(all, "subscribe, 10,000 subscriptions", 10'000);
        add_subscriptions(all, "subscribe, 100,000 subscriptions", 100'000);
        const std::chrono::milliseconds watched(quick ? 100 : 1'000);
        if (!quick) add_idle(all, "1 connection, idle", {1, watched});
        add_idle(all, "100 connections, idle", {100, watched});
        add_idle(all, "1,000 connections, idle", {1'000, watched});
        if (files < 10'100)
            std::fprintf(stderr, "no 10,000 connections: only %zu files may be open\n", files);
        else if (!quick)
            add_idle(all, "10,000 connections, idle", {10'000, watched});
    });
}

// SPDX-License-Identifier: Apache-2.0
//
// Whether a subscription that is flooded delays others of the same connection: how long a message
// of a second one takes from the server's clock to its reader, and a request from its call to its
// reply. What the flood's own bytes in the sockets cost is in "raw, protocol"; what comes on top is
// the client's. A row tells too how much of the flood was taken meanwhile, and what was dropped, so
// that nobody is quick with the one for the price of the other.
//
// "In turns" reads one message of each subscription after the other, as one would who does not know
// that looking for a message of one subscription reads on past those of the other; the other way is
// to take what is queued before reading on. "Flood unread" has a bounded queue that nobody reads.

#include "asio_contender.hpp"
#include "blocking_contender.hpp"
#include "fairness_libnats.hpp"
#include "fairness_log.hpp"
#include "flood_server.hpp"
#include "harness.hpp"
#include "limits.hpp"
#include "read_frames.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>

#include <unistd.h>

namespace {

namespace asio = boost::asio;
using namespace nats::bench; // NOLINT(google-build-using-namespace): all of it is used
using namespace std::chrono_literals;

constexpr std::int64_t unread_limit = 10'000;

// --- without a library

figures protocol_ticks(const flood_server& from, std::size_t n) {
    const int fd = connect_raw_to(from.port());
    from.narrow();
    fairness_log log(n);
    send_all(fd, "SUB tick 1\r\nSUB flood 2\r\n");
    read_frames(fd, [&](std::string_view frame) {
        if (frame.starts_with("MSG tick"))
            log.on_tick(frame.substr(frame.size() - 34, 32));
        else
            log.on_flood();
        return !log.done();
    });
    ::close(fd);
    return log.result(0);
}

figures protocol_requests(const flood_server& from, std::size_t n) {
    const int fd = connect_raw_to(from.port());
    from.narrow();
    fairness_log log(n);
    send_all(fd, "SUB _INBOX.raw 1\r\nSUB flood 2\r\n");
    const auto ask = [&] {
        log.begin();
        send_all(fd, "PUB ask _INBOX.raw 16\r\nxxxxxxxxxxxxxxxx\r\n");
    };
    ask();
    read_frames(fd, [&](std::string_view frame) {
        if (frame.starts_with("MSG flood")) {
            log.on_flood();
            return true;
        }
        log.on_reply();
        if (!log.done()) ask();
        return !log.done();
    });
    ::close(fd);
    return log.result(0);
}

// --- the blocking client

nats::client connect_to(const flood_server& from) {
    nats::client nc = nats::client::connect(from.url(), {.write_timeout = at_once}).value();
    from.narrow();
    return nc;
}

void poll_something(nats::client& nc) {
    if (nc.poll(10s).value() == 0) die("nothing comes");
}

/// Everything that was read is somewhere: given to its reader, queued or dropped.
void check_sum(const nats::statistics& stats, const fairness_log& log, const nats::mailbox& flood) {
    const std::uint64_t known =
        log.singles() + flood.delivered() + flood.pending_messages() + flood.dropped();
    if (stats.in_messages != known) die("messages are missing");
}

figures blocking_ticks(const flood_server& from, std::size_t n) {
    nats::client nc = connect_to(from);
    fairness_log log(n);
    const nats::subscription flood =
        nc.subscribe("flood", [&](const nats::message_view&) { log.on_flood(); }).value();
    const nats::subscription ticks =
        nc.subscribe("tick", [&](const nats::message_view& m) { log.on_tick(m.payload); }).value();
    while (!log.done()) poll_something(nc);
    check_sum(nc.stats(), log, flood.queue());
    return log.result(flood.queue().dropped());
}

/// A message of the flood, if one can be had without waiting. What was dropped before it is told.
bool take_flood(nats::subscription& flood, fairness_log& log) {
    const nats::result<nats::message_view> m = flood.next_view(0s);
    if (m) log.on_flood();
    if (!m && m.error() != nats::errc::timeout && m.error() != nats::errc::slow_consumer)
        throw nats::exception(m.error());
    return m.has_value();
}

bool take_tick(nats::subscription& ticks, fairness_log& log, nats::duration wait) {
    const nats::result<nats::message_view> m = ticks.next_view(wait);
    if (m) log.on_tick(m->payload);
    if (!m && m.error() != nats::errc::timeout) throw nats::exception(m.error());
    return m.has_value();
}

enum class order : std::uint8_t { queued_first, in_turns };

figures blocking_views(const flood_server& from, std::size_t n, order how) {
    nats::client nc = connect_to(from);
    fairness_log log(n);
    nats::subscription flood = nc.subscribe("flood").value();
    nats::subscription ticks = nc.subscribe("tick").value();
    while (!log.done()) {
        bool something = take_tick(ticks, log, 0s);
        if (how == order::in_turns) {
            something |= take_flood(flood, log);
        } else {
            something |= flood.queue().pending_messages() != 0;
            while (flood.queue().pending_messages() != 0) take_flood(flood, log);
        }
        if (!something) poll_something(nc);
    }
    check_sum(nc.stats(), log, flood.queue());
    return log.result(flood.queue().dropped());
}

/// The queue of a subscription that nobody reads has filled, and the rest was dropped; all of that
/// is told once.
void check_unread(const nats::mailbox& flood, int told, bool slow) {
    if (told != 1) die("slow_consumer was not told once");
    if (flood.pending_messages() != unread_limit || flood.dropped() == 0) die("a wrong queue");
    if (!slow) die("the reader was not told of what was dropped");
}

const nats::subscribe_options unread_options{
    .pending = nats::pending_limits{.messages = unread_limit, .bytes = -1}};

figures blocking_unread(const flood_server& from, std::size_t n) {
    nats::client nc = connect_to(from);
    int told = 0;
    nc.on_event(
        [&](const nats::event& e) { told += std::holds_alternative<nats::ev::slow_consumer>(e); });
    fairness_log log(n);
    nats::subscription flood = nc.subscribe("flood", unread_options).value();
    nats::subscription ticks = nc.subscribe("tick").value();
    while (!log.done()) {
        if (!take_tick(ticks, log, 10s)) die("no tick");
    }
    check_sum(nc.stats(), log, flood.queue());
    const std::uint64_t dropped = flood.queue().dropped();
    log.flooded(unread_limit);
    figures out = log.result(dropped);
    const nats::result<nats::message_view> first = flood.next_view(0s);
    check_unread(flood.queue(), told, !first && first.error() == nats::errc::slow_consumer);
    if (!flood.next_view(0s)) die("what is queued cannot be read");
    return out;
}

figures blocking_requests(const flood_server& from, std::size_t n, bool handler) {
    nats::client nc = connect_to(from);
    fairness_log log(n);
    nats::subscription flood =
        handler ? nc.subscribe("flood", [&](const nats::message_view&) { log.on_flood(); }).value()
                : nc.subscribe("flood").value();
    while (!log.done()) {
        log.begin();
        (void)nc.request_view("ask", "xxxxxxxxxxxxxxxx", 10s).value();
        log.on_reply();
        while (flood.queue().pending_messages() != 0) take_flood(flood, log);
    }
    check_sum(nc.stats(), log, flood.queue());
    return log.result(flood.queue().dropped());
}

figures blocking_unread_requests(const flood_server& from, std::size_t n) {
    nats::client nc = connect_to(from);
    fairness_log log(n);
    const nats::subscription flood = nc.subscribe("flood", unread_options).value();
    while (!log.done()) {
        log.begin();
        (void)nc.request_view("ask", "xxxxxxxxxxxxxxxx", 10s).value();
        log.on_reply();
    }
    check_sum(nc.stats(), log, flood.queue());
    log.flooded(flood.queue().pending_messages());
    return log.result(flood.queue().dropped());
}

figures idle_requests(const flood_server& from, std::size_t n) {
    nats::client nc = connect_to(from);
    fairness_log log(n);
    while (!log.done()) {
        log.begin();
        (void)nc.request_view("ask", "xxxxxxxxxxxxxxxx", 10s).value();
        log.on_reply();
    }
    return log.result(0);
}

// --- the Asio client

/// Reads until the client has gone.
asio::awaitable<void> read_flood(nats::aio::subscription& flood, fairness_log& log) {
    nats::message one;
    while (true) {
        const auto [ec] = co_await flood.next_into(one, {}, asio::as_tuple(asio::use_awaitable));
        if (!ec)
            log.on_flood();
        else if (ec != nats::errc::slow_consumer)
            co_return;
    }
}

enum class reader : std::uint8_t { handler, coroutine, none };

/// Subscribes to the flood in one of three ways.
nats::aio::subscription subscribe_flood(nats::aio::client& nc, reader how, fairness_log& log) {
    if (how == reader::handler)
        return nc.subscribe("flood", [&](const nats::message_view&) { log.on_flood(); }).value();
    return nc.subscribe("flood", how == reader::none ? unread_options : nats::subscribe_options{})
        .value();
}

asio::awaitable<void> asio_ticks(nats::aio::client& nc, const flood_server& from, std::size_t n,
                                 reader how, figures& out) {
    co_await nc.connect(from.url());
    from.narrow();
    int told = 0;
    nc.on_event(
        [&](const nats::event& e) { told += std::holds_alternative<nats::ev::slow_consumer>(e); });
    fairness_log log(n);
    nats::aio::subscription flood = subscribe_flood(nc, how, log);
    nats::aio::subscription ticks = nc.subscribe("tick").value();
    if (how == reader::coroutine)
        asio::co_spawn(nc.get_executor(), read_flood(flood, log), rethrow);
    nats::message one;
    while (!log.done()) {
        co_await ticks.next_into(one, {.timeout = 10s});
        log.on_tick(one.payload());
    }
    const std::uint64_t dropped = flood.queue().dropped();
    check_sum(nc.stats(), log, flood.queue());
    if (how == reader::none) log.flooded(unread_limit);
    out = log.result(dropped);
    if (how == reader::none) {
        const auto [ec] = co_await flood.next_into(one, {}, asio::as_tuple(asio::use_awaitable));
        check_unread(flood.queue(), told, ec == nats::errc::slow_consumer);
    }
    nc = nats::aio::client(nc.get_executor()); // the server would go on for ever
    if (how == reader::coroutine) co_await asio::post(asio::use_awaitable); // its reader ends
}

/// Both by handlers: nothing waits but for the end.
asio::awaitable<void> asio_tick_handlers(nats::aio::client& nc, const flood_server& from,
                                         std::size_t n, figures& out) {
    co_await nc.connect(from.url());
    from.narrow();
    fairness_log log(n);
    const nats::aio::subscription flood = subscribe_flood(nc, reader::handler, log);
    const auto on_tick = [&](const nats::message_view& m) { log.on_tick(m.payload); };
    const nats::aio::subscription ticks = nc.subscribe("tick", on_tick).value();
    asio::steady_timer pause(nc.get_executor());
    while (!log.done()) {
        pause.expires_after(1ms);
        co_await pause.async_wait(asio::use_awaitable);
    }
    check_sum(nc.stats(), log, flood.queue());
    out = log.result(flood.queue().dropped());
    nc = nats::aio::client(nc.get_executor());
}

asio::awaitable<void> asio_requests(nats::aio::client& nc, const flood_server& from, std::size_t n,
                                    reader how, figures& out) {
    co_await nc.connect(from.url());
    from.narrow();
    fairness_log log(n);
    nats::aio::subscription flood = subscribe_flood(nc, how, log);
    if (how == reader::coroutine)
        asio::co_spawn(nc.get_executor(), read_flood(flood, log), rethrow);
    nats::message reply;
    while (!log.done()) {
        log.begin();
        co_await nc.request_into(reply, "ask", "xxxxxxxxxxxxxxxx", {.timeout = 10s});
        log.on_reply();
    }
    check_sum(nc.stats(), log, flood.queue());
    const std::uint64_t dropped = flood.queue().dropped();
    if (how == reader::none) log.flooded(flood.queue().pending_messages());
    out = log.result(dropped);
    nc = nats::aio::client(nc.get_executor());
    if (how == reader::coroutine) co_await asio::post(asio::use_awaitable);
}

// --- all of it

void add_ticks(suite& all, std::size_t n) {
    const auto each = [&](const char* who, const std::function<figures(const flood_server&)>& run) {
        all.add("a message beside a flood", who, [run] { return run(flood_server()); });
    };
    const auto by_asio = [&](const char* who, reader how) {
        each(who, [=](const flood_server& from) {
            return on_asio(
                {}, [&](auto& nc, figures& out) { return asio_ticks(nc, from, n, how, out); });
        });
    };
    each("raw, protocol", [=](const auto& from) { return protocol_ticks(from, n); });
    each("blocking, handlers", [=](const auto& from) { return blocking_ticks(from, n); });
    each("blocking, views",
         [=](const auto& from) { return blocking_views(from, n, order::queued_first); });
    each("blocking, views in turns",
         [=](const auto& from) { return blocking_views(from, n, order::in_turns); });
    each("blocking, flood unread", [=](const auto& from) { return blocking_unread(from, n); });
    each("Asio, handlers", [=](const flood_server& from) {
        return on_asio(
            {}, [&](auto& nc, figures& out) { return asio_tick_handlers(nc, from, n, out); });
    });
    by_asio("Asio, coroutines", reader::coroutine);
    by_asio("Asio, flood unread", reader::none);
    each("nats.c, callbacks", [=](const auto& from) { return libnats_tick_callbacks(from, n); });
    each("nats.c, NextMsg", [=](const auto& from) { return libnats_tick_threads(from, n); });
}

void add_requests(suite& all, std::size_t n) {
    const auto each = [&](const char* who, const std::function<figures(const flood_server&)>& run) {
        all.add("request beside a flood", who, [run] { return run(flood_server()); });
    };
    const auto by_asio = [&](const char* who, reader how) {
        each(who, [=](const flood_server& from) {
            return on_asio(
                {}, [&](auto& nc, figures& out) { return asio_requests(nc, from, n, how, out); });
        });
    };
    each("raw, protocol", [=](const auto& from) { return protocol_requests(from, n); });
    each("blocking, idle", [=](const auto& from) { return idle_requests(from, n); });
    each("blocking, handlers", [=](const auto& from) { return blocking_requests(from, n, true); });
    each("blocking, views", [=](const auto& from) { return blocking_requests(from, n, false); });
    each("blocking, flood unread",
         [=](const auto& from) { return blocking_unread_requests(from, n); });
    by_asio("Asio, handlers", reader::handler);
    by_asio("Asio, coroutines", reader::coroutine);
    by_asio("Asio, flood unread", reader::none);
    each("nats.c, callbacks", [=](const auto& from) { return libnats_flooded_requests(from, n); });
}

} // namespace

int main(int argc, char** argv) {
    return run_suite(argc, argv, [](suite& all) {
        add_ticks(all, all.scaled(6'000));
        add_requests(all, all.scaled(2'000));
    });
}

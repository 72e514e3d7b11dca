// SPDX-License-Identifier: Apache-2.0
//
// The Asio client against the servers of loopback_server.hpp.

#pragma once

#include <natsproto/asio/client.hpp>

#include "harness.hpp"
#include "loopback_server.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <string>
#include <utility>

namespace nats::bench {

inline void rethrow(const std::exception_ptr& e) {
    if (e) std::rethrow_exception(e);
}

/// Runs a coroutine `work(client, figures&)` on a context of its own until all is done.
template <class Work>
figures on_asio(const aio::client_options& o, Work work) {
    boost::asio::io_context context(1);
    aio::client nc(context, o);
    figures out;
    boost::asio::co_spawn(nc.get_executor(), work(nc, out), rethrow);
    context.run();
    return out;
}

/// As programs do that have much to publish: in blocks, between which the network gets its turn.
inline boost::asio::awaitable<void> publish_all(aio::client& nc, std::string url, const shape& s,
                                                figures& out) {
    co_await nc.connect(url);
    const std::string body(s.payload, 'x');
    const publish_options o{.reply = {}, .headers = header_view(s.header())};
    const std::size_t in_a_row = std::max<std::size_t>(1, block / (s.payload + 32));
    const meter m;
    for (std::size_t sent = 1; sent <= s.messages; ++sent) {
        const bool wait = sent % in_a_row == 0 || sent == s.messages;
        if (wait || !nc.publish("bench.subject", body, o)) // the server may be slow to read
            co_await nc.publish_when_room("bench.subject", body, o);
    }
    co_await nc.flush({.timeout = std::chrono::seconds(60)});
    out = m.cpu_and_rate(s.messages);
    co_await nc.close();
}

inline boost::asio::awaitable<void> read_all(aio::client& nc, std::string url, const shape& s,
                                             figures& out) {
    co_await nc.connect(url);
    const meter m;
    aio::subscription sub = nc.subscribe("bench.subject").value();
    message one;
    for (std::size_t i = 0; i < s.messages; ++i) co_await sub.next_into(one);
    out = m.cpu_and_rate(s.messages);
    nc = aio::client(nc.get_executor()); // the server would go on for ever
}

inline boost::asio::awaitable<void> handle_all(aio::client& nc, std::string url, const shape& s,
                                               figures& out) {
    co_await nc.connect(url);
    const meter m;
    std::size_t seen = 0;
    aio::subscription sub;
    sub = nc.subscribe("bench.subject", [&](const message_view&) {
                if (++seen != s.messages) return;
                out = m.cpu_and_rate(s.messages);
                nc = aio::client(nc.get_executor());
            }).value();
    const auto [ec, rtt] = co_await nc.flush({.timeout = std::chrono::hours(1)},
                                             boost::asio::as_tuple(boost::asio::use_awaitable));
    (void)ec; // ended by the end of the client
    (void)rtt;
}

inline boost::asio::awaitable<void> request_all(aio::client& nc, std::string url, std::size_t n,
                                                figures& out, bool inside_tls = false) {
    co_await nc.connect(url);
    if (nc.secure() != inside_tls) die("a connection that is not as it should be");
    message reply;
    lap_times times(n);
    const meter m;
    times.begin();
    for (std::size_t i = 0; i < n; ++i) {
        co_await nc.request_into(reply, "bench.subject", request_body);
        times.lap();
    }
    out = joined(times.quantiles(), m.cpu(n));
    co_await nc.close();
}

} // namespace nats::bench

// SPDX-License-Identifier: Apache-2.0
//
// Every operation of the Asio client, and a client on which each of them succeeds: for tests of
// what all of them have in common.

#pragma once

#include <natsproto/asio/client.hpp>

#include "asio/asio_world.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace nats::test::every_operation {

inline op<result<int>> seven(runtime&) {
    co_return 7;
}

/// A client, and what its operations need so that each of them succeeds.
struct stage {
    asio_world w;
    tcp_broker& broker = w.serve();
    std::string url = broker.url();
    aio::client nc;
    aio::subscription echo, sub, empty;
    aio::replies many;
    message into;

    explicit stage(const aio::client_options& o = {}) : nc(w.io, o) {}

    void connect() {
        EXPECT_FALSE(w.outcome(nc.connect(url)));
        echo = nc.subscribe("echo", [this](const message_view& m) {
                     EXPECT_TRUE(nc.respond(m, m.payload));
                 }).value();
        sub = nc.subscribe("s").value();
        empty = nc.subscribe("empty").value();
    }
    /// A message in the queue of `sub`, and a reply that comes.
    void fill() {
        EXPECT_TRUE(nc.publish("s", "queued"));
        many = nc.request_many("echo", "one", {.max_messages = 1}).value();
        EXPECT_FALSE(w.outcome(nc.flush()));
    }
    /// Whether the client still does what it is for.
    void expect_usable() {
        EXPECT_EQ(w.value<message>(nc.request("echo", "still")).payload(), "still");
    }
};

/// A handler for every operation, whatever its result: one type, so that each of them is compiled
/// for it once and not for each test.
class told {
public:
    explicit told(std::function<void(boost::system::error_code)> f) : f_(std::move(f)) {}
    template <class... Values>
    void operator()(boost::system::error_code ec, const Values&... /*of the result*/) const {
        f_(ec);
    }

private:
    std::function<void(boost::system::error_code)> f_;
};

/// Calls `f(name, connects, launch)` for every operation; `launch(stage&, token)` starts it.
template <class F>
void each_operation(F f) {
    constexpr bool connecting = true, connected = false;
#define NATSPROTO_CALL(what, ...)                                                       \
    [](stage& s, auto&& token) {                                                        \
        return s.what(__VA_ARGS__ __VA_OPT__(, ) std::forward<decltype(token)>(token)); \
    }
    f("connect", connecting, NATSPROTO_CALL(nc.connect, s.url));
    f("connect with options", connecting, NATSPROTO_CALL(nc.connect, options{.servers = s.url}));
    f("publish_when_room", connected,
      NATSPROTO_CALL(nc.publish_when_room, "other", "x", publish_options()));
    f("flush", connected, NATSPROTO_CALL(nc.flush, aio::wait_options()));
    f("rtt", connected, NATSPROTO_CALL(nc.rtt, aio::wait_options()));
    f("wait_connected", connected, NATSPROTO_CALL(nc.wait_connected, aio::wait_options()));
    f("barrier", connected, NATSPROTO_CALL(nc.barrier, aio::wait_options()));
    f("request", connected, NATSPROTO_CALL(nc.request, "echo", "x", aio::request_options()));
    f("request_into", connected,
      NATSPROTO_CALL(nc.request_into, s.into, "echo", "x", aio::request_options()));
    f("request_by_inbox", connected,
      NATSPROTO_CALL(nc.request_by_inbox, "echo", "x", aio::request_options()));
    f("drain", connected, NATSPROTO_CALL(nc.drain, nullptr));
    f("close", connected, NATSPROTO_CALL(nc.close));
    f("run", connected, NATSPROTO_CALL(nc.run, seven(*s.nc.rt())));
    f("next", connected, NATSPROTO_CALL(sub.next, aio::next_options()));
    f("next_into", connected, NATSPROTO_CALL(sub.next_into, s.into, aio::next_options()));
    f("range.next", connected, NATSPROTO_CALL(sub.messages().next, aio::next_options()));
    f("replies.next", connected, NATSPROTO_CALL(many.next, nullptr));
#undef NATSPROTO_CALL
}

/// Drain and barrier wait for the reader of `sub`, so they get an empty queue.
inline bool waits_for_readers(std::string_view name) {
    return name == "drain" || name == "barrier";
}

/// Calls `f(stage&, launch)` for every operation, each on a stage of its own.
template <class F>
void on_stages(F f, const aio::client_options& o = {}) {
    each_operation([&](const char* name, bool connects, auto launch) {
        const testing::ScopedTrace trace(__FILE__, __LINE__, name);
        stage s(o);
        if (!connects) {
            s.connect();
            if (!waits_for_readers(name)) s.fill();
        }
        f(s, launch);
    });
}

} // namespace nats::test::every_operation

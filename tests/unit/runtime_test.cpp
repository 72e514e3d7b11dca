// SPDX-License-Identifier: Apache-2.0
//
// Proves the waits of the runtime that are not requests or messages: flush matched in order,
// sleeping, waiting for the connection and for room, and that the end of the session wakes all of
// them with its reason.

#include <natsproto/runtime.hpp>

#include <natsproto/client/ops.hpp>

#include "support/sim.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace nats::test {
namespace {

/// Sleeps until `t` and appends `name` when it wakes.
op<result<void>> note_at(runtime& rt, time_point t, std::string& log, char name) {
    result<void> slept = co_await rt.sleep_until(t);
    log += name;
    co_return std::move(slept);
}

op<result<void>> wait_connected_until(runtime& rt, time_point deadline) {
    result<void> up = co_await rt.connected(deadline);
    co_return std::move(up);
}

// --- flush

TEST(runtime_flush, returns_the_round_trip_time) {
    connected_sim net({}, {.latency = 7ms});
    EXPECT_EQ(net.run(ops::flush(net.runtime(), net.now() + 1s)).value(), 14ms);
}

TEST(runtime_flush, everything_before_it_was_processed) {
    connected_sim net;
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(net.session().publish("a", "x"));
    ASSERT_TRUE(net.run(ops::flush(net.runtime(), no_deadline)));
    EXPECT_EQ(net.server().count("PUB a "), 100U);
}

TEST(runtime_flush, several_end_in_their_order) {
    connected_sim net;
    net.server().rules.answer_ping = false;
    std::vector<op<result<duration>>> flushes;
    for (int i = 0; i < 5; ++i) {
        flushes.push_back(ops::flush(net.runtime(), no_deadline));
        flushes.back().start();
    }
    net.settle();
    for (std::size_t answered = 1; answered <= 5; ++answered) {
        net.server().send("PONG\r\n");
        net.settle();
        for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(flushes[i].done(), i < answered);
    }
}

TEST(runtime_flush, a_late_pong_belongs_to_the_flush_that_gave_up) {
    connected_sim net;
    net.server().rules.answer_ping = false;
    const result<duration> given_up = net.run(ops::flush(net.runtime(), net.now() + 100ms));
    EXPECT_EQ(given_up.error(), errc::timeout);
    op<result<duration>> second = ops::flush(net.runtime(), no_deadline);
    second.start();
    net.settle();
    net.server().send("PONG\r\n");
    net.settle();
    EXPECT_FALSE(second.done()) << "that was the answer to the first PING";
    net.advance(10ms);
    net.server().send("PONG\r\n");
    net.settle();
    ASSERT_TRUE(second.done());
    EXPECT_EQ(second.take().value(), 13ms);
}

TEST(runtime_flush, a_destroyed_one_takes_its_pong_with_it) {
    connected_sim net;
    net.server().rules.answer_ping = false;
    {
        op<result<duration>> dropped = ops::flush(net.runtime(), net.now() + 1s);
        dropped.start();
        net.settle();
    }
    op<result<duration>> second = ops::flush(net.runtime(), no_deadline);
    second.start();
    net.settle();
    net.server().send("PONG\r\n");
    net.settle();
    EXPECT_FALSE(second.done());
    net.server().send("PONG\r\n");
    net.settle();
    EXPECT_TRUE(second.done());
}

TEST(runtime_flush, pings_of_the_session_and_of_the_user_do_not_disturb_it) {
    connected_sim net({.ping_interval = 1s});
    net.server().rules.answer_ping = false;
    (void)net.session().ping(net.now());
    op<result<duration>> flush = ops::flush(net.runtime(), no_deadline);
    flush.start();
    net.advance(1100ms); // a PING of the session follows
    EXPECT_EQ(net.server().count("PING"), 4U) << "with that of the handshake";
    net.server().send("PONG\r\n");
    net.settle();
    EXPECT_FALSE(flush.done());
    net.server().send("PONG\r\n");
    net.settle();
    EXPECT_TRUE(flush.done());
    net.server().send("PONG\r\n");
    net.settle();
    EXPECT_EQ(net.count("pong"), 2U) << "the third was the session's own";
}

TEST(runtime_flush, waits_for_a_connection) {
    sim net;
    op<result<duration>> first = ops::flush(net.runtime(), net.now() + 1h);
    first.start();
    EXPECT_FALSE(first.done());
    ASSERT_TRUE(net.connect());
    net.until([&first] { return first.done(); });
    EXPECT_EQ(first.take().value(), 2ms);
}

TEST(runtime_flush, waits_until_its_deadline) {
    sim net;
    net.set_reach("127.0.0.1:4222", reach::silent);
    ASSERT_TRUE(net.session().start(net.now()));
    EXPECT_EQ(net.run(ops::flush(net.runtime(), net.now() + 1s)).error(), errc::timeout);
}

TEST(runtime_flush, measuring_fails_at_once_without_a_connection) {
    sim net;
    const time_point never = no_deadline;
    EXPECT_EQ(net.run(ops::measure_rtt(net.runtime(), never)).error(), errc::not_connected);
    net.session().close(net.now());
    net.settle();
    EXPECT_EQ(net.run(ops::measure_rtt(net.runtime(), never)).error(), errc::connection_closed);
    EXPECT_EQ(net.run(ops::flush(net.runtime(), never)).error(), errc::connection_closed);
}

// --- sleep

TEST(runtime_sleep, wakes_exactly_then_and_it_is_no_error) {
    connected_sim net;
    const time_point wake = net.now() + 1234ms;
    std::string log;
    EXPECT_TRUE(net.run(note_at(net.runtime(), wake, log, 'a')));
    EXPECT_EQ(net.now(), wake);
    EXPECT_EQ(net.runtime().now(), wake);
}

TEST(runtime_sleep, until_a_time_that_has_passed_ends_at_the_next_look) {
    connected_sim net;
    std::string log;
    op<result<void>> past = note_at(net.runtime(), net.now() - 1s, log, 'a');
    past.start();
    EXPECT_FALSE(past.done());
    EXPECT_LE(*net.runtime().poll_timeout(), net.now());
    net.advance(0s);
    EXPECT_TRUE(past.done());
}

TEST(runtime_sleep, ends_early_when_the_session_does) {
    connected_sim net;
    std::string log;
    op<result<void>> sleeping = note_at(net.runtime(), no_deadline, log, 'a');
    sleeping.start();
    net.session().close(net.now());
    net.settle();
    ASSERT_TRUE(sleeping.done());
    EXPECT_EQ(sleeping.take().error(), errc::connection_closed);
    EXPECT_EQ(net.run(note_at(net.runtime(), net.now() + 1s, log, 'b')).error(),
              errc::connection_closed);
}

// --- connected

TEST(runtime_connected, ends_when_the_handshake_is_done) {
    sim net;
    op<result<void>> first = ops::wait_connected(net.runtime());
    op<result<void>> second = ops::wait_connected(net.runtime());
    first.start();
    second.start();
    ASSERT_TRUE(net.connect());
    ASSERT_TRUE(first.done());
    ASSERT_TRUE(second.done());
    EXPECT_TRUE(first.take());
    EXPECT_TRUE(second.take());
    EXPECT_TRUE(net.run(ops::wait_connected(net.runtime()))) << "it is already";
}

TEST(runtime_connected, fails_with_the_reason_of_the_session) {
    sim net({.servers = "h"});
    net.set_reach("h:4222", reach::refused);
    op<result<void>> waiting = ops::wait_connected(net.runtime());
    waiting.start();
    EXPECT_FALSE(net.connect());
    ASSERT_TRUE(waiting.done());
    EXPECT_EQ(waiting.take().error(), (error{errc::connect_failed, "h:4222"}));
    EXPECT_EQ(net.run(ops::wait_connected(net.runtime())).error(), errc::connect_failed);
}

TEST(runtime_connected, may_have_a_deadline_of_its_own) {
    sim net({.servers = "h", .connect_timeout = 2s});
    net.set_reach("h:4222", reach::silent);
    ASSERT_TRUE(net.session().start(net.now()));
    EXPECT_EQ(net.run(wait_connected_until(net.runtime(), net.now() + 1s)).error(), errc::timeout);
    EXPECT_EQ(net.now() - start_of_time, 1s);
    EXPECT_EQ(net.session().status(), session_status::connecting);
}

TEST(runtime_connected, an_op_may_go_on_at_once) {
    sim net;
    struct steps {
        static op<result<duration>> connect_and_flush(runtime& rt) {
            result<void> up = co_await rt.connected(no_deadline);
            if (!up) co_return up.error();
            result<duration> rtt = co_await rt.flush(no_deadline);
            co_return std::move(rtt);
        }
    };
    ASSERT_TRUE(net.session().start(net.now()));
    EXPECT_TRUE(net.run(steps::connect_and_flush(net.runtime())));
}

// --- room

options small_output() {
    options o;
    o.bounds.max_output_bytes = 1000;
    return o;
}

TEST(runtime_room, is_there_when_less_than_half_waits) {
    connected_sim net(small_output());
    EXPECT_TRUE(net.run(ops::wait_room(net.runtime(), no_deadline)));
    net.block_writes(true);
    while (net.session().publish("a", std::string(100, 'x')).has_value()) {
    }
    op<result<void>> room = ops::wait_room(net.runtime(), no_deadline);
    room.start();
    net.settle();
    EXPECT_FALSE(room.done());
    while (net.session().untransmitted() > 500) {
        EXPECT_FALSE(room.done());
        net.runtime().transmitted(1);
    }
    EXPECT_TRUE(room.done());
}

TEST(runtime_room, a_deadline_ends_the_wait) {
    connected_sim net(small_output());
    net.block_writes(true);
    while (net.session().publish("a", std::string(100, 'x')).has_value()) {
    }
    EXPECT_EQ(net.run(ops::wait_room(net.runtime(), net.now() + 1s)).error(), errc::timeout);
}

op<result<int>> publish_all(runtime& rt, int count) {
    int waits = 0;
    const std::string payload(100, 'x');
    for (int i = 0; i < count;) {
        const result<void> sent = rt.connection().publish("a", payload);
        if (sent) {
            ++i;
            continue;
        }
        if (sent.error() != errc::output_full) co_return sent.error();
        ++waits;
        result<void> room = co_await rt.room(no_deadline);
        if (!room) co_return room.error();
    }
    co_return waits;
}

TEST(runtime_room, back_pressure_loses_nothing) {
    for (const cut how : {cut::whole, cut::random, cut::bytes}) {
        connected_sim net(small_output(), {.output = how});
        EXPECT_GE(net.run(publish_all(net.runtime(), 200)).value(), 20);
        net.settle();
        EXPECT_EQ(net.server().count("PUB a 100 x"), 200U);
    }
}

TEST(runtime_room, several_that_wait_take_turns) {
    connected_sim net(small_output());
    std::vector<op<result<int>>> publishers;
    for (int i = 0; i < 4; ++i) {
        publishers.push_back(publish_all(net.runtime(), 50));
        publishers.back().start();
    }
    net.settle();
    for (auto& p : publishers) ASSERT_TRUE(p.done());
    EXPECT_EQ(net.server().count("PUB a 100 x"), 200U);
}

// --- the end

TEST(runtime_end, wakes_everything_with_its_reason) {
    connected_sim net(small_output());
    net.server().rules.answer_ping = false;
    net.server().rules.routing = false;
    mailbox box;
    ASSERT_TRUE(net.runtime().subscribe(box, "a"));
    op<result<duration>> flush = ops::flush(net.runtime(), no_deadline);
    op<result<message_view>> request = ops::request(net.runtime(), "r", "", {}, no_deadline);
    op<result<message_view>> next = ops::next(net.runtime(), box, no_deadline);
    std::string log;
    op<result<void>> sleep = note_at(net.runtime(), no_deadline, log, 's');
    flush.start();
    request.start();
    next.start();
    sleep.start();
    net.settle();
    net.block_writes(true);
    while (net.session().publish("a", std::string(100, 'x')).has_value()) {
    }
    op<result<void>> room = ops::wait_room(net.runtime(), no_deadline);
    room.start();
    net.server().send("-ERR 'Stale Connection'\r\n");
    net.server().hang_up();
    net.settle();
    const error why{errc::stale_connection, "Stale Connection"};
    ASSERT_TRUE(flush.done() && request.done() && next.done() && sleep.done() && room.done());
    EXPECT_EQ(flush.take().error(), why);
    EXPECT_EQ(request.take().error(), why);
    EXPECT_EQ(next.take().error(), why);
    EXPECT_EQ(sleep.take().error(), why);
    EXPECT_EQ(room.take().error(), why);
    EXPECT_EQ(net.runtime().waiting_requests(), 0U);
    EXPECT_FALSE(box.active());
    EXPECT_EQ(net.runtime().poll_timeout(), std::nullopt);
}

op<int> keep_trying(runtime& rt, int times) {
    int failed = 0;
    for (int i = 0; i < times; ++i) {
        result<duration> flushed = co_await rt.flush(no_deadline);
        if (!flushed) ++failed;
        result<message_view> reply = co_await rt.request("a", "", {}, no_deadline);
        if (!reply) ++failed;
        result<void> slept = co_await rt.sleep_until(no_deadline);
        if (!slept) ++failed;
    }
    co_return failed;
}

TEST(runtime_end, an_op_that_does_not_give_up_cannot_wait_any_more) {
    connected_sim net;
    net.server().rules.answer_ping = false;
    op<int> stubborn = keep_trying(net.runtime(), 1000);
    stubborn.start();
    net.session().close(net.now());
    net.settle();
    ASSERT_TRUE(stubborn.done());
    EXPECT_EQ(stubborn.take(), 3000);
}

// --- around it

TEST(runtime, the_observer_sees_every_event_but_messages_before_ops_do) {
    sim net;
    op<result<void>> up = ops::wait_connected(net.runtime());
    up.start();
    std::vector<std::string> seen;
    net.observer = [&](const event& e) {
        seen.push_back(line_of(e));
        EXPECT_FALSE(std::holds_alternative<ev::message>(e));
        if (std::holds_alternative<ev::connected>(e)) {
            EXPECT_FALSE(up.done());
            EXPECT_TRUE(net.session().publish("hello", "from the observer"));
        }
    };
    ASSERT_TRUE(net.connect());
    net.server().send("INFO {\"max_payload\":9}\r\n-ERR 'Invalid Subject'\r\n");
    net.settle();
    net.session().close(net.now());
    net.settle();
    ASSERT_EQ(seen.size(), 4U);
    EXPECT_EQ(seen[0], "connected 127.0.0.1:4222");
    EXPECT_EQ(seen[1], "info max_payload 9");
    EXPECT_TRUE(seen[2].starts_with("server_error"));
    EXPECT_TRUE(seen[3].starts_with("closed"));
    EXPECT_EQ(net.server().count("PUB hello"), 1U);
}

TEST(runtime, messages_of_subscriptions_that_are_not_its_own_are_left_alone) {
    connected_sim net;
    ASSERT_TRUE(net.session().subscribe("direct").has_value()); // without a mailbox
    net.settle();
    EXPECT_EQ(net.server().publish("direct", "x"), 1U);
    net.settle();
    EXPECT_EQ(net.events().back(), "message 1 direct \"x\"");
}

TEST(runtime, inbox_names) {
    connected_sim net;
    const std::string first = net.runtime().new_inbox();
    const std::string second = net.runtime().new_inbox();
    EXPECT_EQ(first.size(), std::string("_INBOX.").size() + 22);
    EXPECT_TRUE(first.starts_with("_INBOX."));
    EXPECT_NE(first, second);
    connected_sim other({.inbox_prefix = "my.own"}, {.seed = 9});
    EXPECT_TRUE(other.runtime().new_inbox().starts_with("my.own."));
}

} // namespace
} // namespace nats::test

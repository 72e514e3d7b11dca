// SPDX-License-Identifier: Apache-2.0
//
// Ends: drains with their order and deadlines, close at every stage, who is woken with which
// reason, and that nothing comes behind the end.

#include <natsproto/client/ops.hpp>
#include <natsproto/mailbox.hpp>

#include "support/net_client.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace nats::test {
namespace {

using namespace std::chrono_literals;
using lines = std::vector<std::string>;

options exact() {
    options o;
    o.servers = "nats://a:1";
    o.reconnect_wait = 10ms;
    o.reconnect_jitter = {};
    return o;
}

TEST(close, a_drained_connection_in_its_order) {
    network net;
    net_client c(net, exact());
    ASSERT_TRUE(c.connect());
    ASSERT_TRUE(c.session().subscribe("s").has_value());
    c.settle();
    for (int i = 0; i < 3; ++i)
        (void)net.cluster().route({0, "s", {}, {}, std::to_string(i)}); // on their way
    std::vector<session_status> seen;
    c.observer = [&](const event& e) {
        if (!std::holds_alternative<ev::message>(e)) return;
        seen.push_back(c.status());
        EXPECT_TRUE(c.session().publish("reply", "from phase one").has_value());
    };
    c.forget_log();
    ASSERT_TRUE(c.session().drain(net.now()).has_value());
    EXPECT_TRUE(c.session().drain(net.now()).has_value()) << "idempotent";
    EXPECT_EQ(c.session().subscribe("late").error(), errc::draining);
    c.until([&c] { return c.status() == session_status::draining_pubs; });
    EXPECT_EQ(c.session().publish("late", "x").error(), errc::draining);
    c.settle();
    EXPECT_EQ(c.events(), (lines{"message 1 s \"0\"", "message 1 s \"1\"", "message 1 s \"2\"",
                                 "drained 1", "all drained", "closed: connection closed"}));
    EXPECT_EQ(seen, std::vector<session_status>(3, session_status::draining_subs));
    EXPECT_EQ(net.server("a:1").published().size(), 3U) << "flushed before the end";
    const lines& got = net.server("a:1").lines();
    EXPECT_EQ(got[3], "UNSUB 1");
    EXPECT_EQ(got[4], "PING");
    EXPECT_EQ(got.back(), "PING") << "the flush is the last thing";
}

TEST(close, a_drained_subscription_gets_what_is_on_its_way) {
    network net;
    net_client c(net, exact());
    ASSERT_TRUE(c.connect());
    mailbox box;
    ASSERT_TRUE(c.runtime().subscribe(box, "s").has_value());
    c.settle();
    (void)net.cluster().route({0, "s", {}, {}, "1"});
    ASSERT_TRUE(c.runtime().drain(box).has_value());
    ASSERT_TRUE(c.runtime().drain(box).has_value());
    EXPECT_EQ(box.status(), subscription_status::draining);
    c.settle();
    EXPECT_EQ(box.status(), subscription_status::ended);
    EXPECT_EQ(c.run(ops::next(c.runtime(), box, no_deadline)).value().payload, "1");
    EXPECT_EQ(c.run(ops::next(c.runtime(), box, no_deadline)).error(), errc::drained);
    EXPECT_EQ(net.server("a:1").peer().table().size(), 0U);
    EXPECT_EQ(c.status(), session_status::connected);
}

TEST(close, a_drained_subscription_does_not_come_back) {
    network net;
    net_client c(net, exact());
    ASSERT_TRUE(c.connect());
    const auto id = c.session().subscribe("s");
    c.settle();
    net.server("a:1").rules.answer_ping = false;
    ASSERT_TRUE(c.session().drain(*id, net.now()).has_value());
    c.advance(5ms);
    net.break_all("a:1", fault::eof);
    net.server("a:1").rules.answer_ping = true;
    c.until([&c] { return c.count("reconnected") == 1; });
    c.settle();
    EXPECT_EQ(c.count("drained 1"), 1U);
    EXPECT_EQ(net.server("a:1").count("SUB"), 1U);
}

TEST(close, a_drain_that_is_not_answered_ends_at_its_timeout) {
    network net;
    options o = exact();
    o.drain_timeout = 400ms;
    net_client c(net, o);
    ASSERT_TRUE(c.connect());
    c.settle();
    net.server("a:1").rules.answer_ping = false;
    const duration begin = c.since_start();
    ASSERT_TRUE(c.session().drain(net.now()).has_value());
    c.until([&c] { return c.status() == session_status::closed; });
    EXPECT_EQ(c.since_start() - begin, 400ms);
    c.settle();
    EXPECT_EQ(c.session().close_reason(), errc::drain_timeout);
    EXPECT_EQ(c.count("warning: "), 1U);
    EXPECT_EQ(c.count("closed: "), 1U);
}

TEST(close, the_flush_at_the_end_of_a_drain_has_five_seconds) {
    network net;
    net_client c(net, exact()); // drain_timeout is 30 s
    ASSERT_TRUE(c.connect());
    c.settle();
    ASSERT_TRUE(c.session().drain(net.now()).has_value());
    c.until([&c] { return c.status() == session_status::draining_pubs; });
    net.server("a:1").rules.answer_ping = false;
    const duration begin = c.since_start();
    c.until([&c] { return c.status() == session_status::closed; });
    EXPECT_EQ(c.since_start() - begin, 5s);
}

TEST(close, a_disconnect_during_a_drain_is_the_end) {
    network net;
    net_client c(net, exact());
    ASSERT_TRUE(c.connect());
    net.server("a:1").rules.answer_ping = false;
    ASSERT_TRUE(c.session().drain(net.now()).has_value());
    net.break_all("a:1", fault::io_error);
    c.advance(1min);
    EXPECT_EQ(c.status(), session_status::closed);
    EXPECT_EQ(net.at("a:1").attempts, 1);
    EXPECT_TRUE(c.events()[c.events().size() - 2].starts_with("disconnected: "));
}

TEST(close, a_drain_without_a_connection_closes_at_once) {
    network net;
    net_client c(net, exact());
    ASSERT_TRUE(c.connect());
    net.take_down("a:1");
    c.until([&c] { return c.status() == session_status::reconnecting; });
    EXPECT_EQ(c.session().drain(net.now()).error(), errc::not_connected);
    EXPECT_EQ(c.status(), session_status::closed);
}

TEST(close, a_drain_waits_for_the_reader_if_asked_to) {
    network net;
    net_client c(net, exact());
    ASSERT_TRUE(c.connect());
    mailbox box;
    ASSERT_TRUE(c.runtime().subscribe(box, "s").has_value());
    c.settle();
    for (const char* p : {"1", "2"}) (void)net.cluster().route({0, "s", {}, {}, p});
    ASSERT_TRUE(c.runtime().drain_connection(true).has_value());
    c.advance(1s);
    EXPECT_EQ(c.status(), session_status::draining_subs);
    EXPECT_EQ(c.run(ops::next(c.runtime(), box, no_deadline)).value().payload, "1");
    EXPECT_EQ(c.run(ops::next(c.runtime(), box, no_deadline)).value().payload, "2");
    c.advance(1s);
    EXPECT_EQ(c.status(), session_status::draining_subs) << "it has the last one, and may answer";
    EXPECT_EQ(c.run(ops::next(c.runtime(), box, no_deadline)).error(), errc::drained);
    c.advance(1s);
    EXPECT_EQ(c.status(), session_status::closed);
}

TEST(close, everybody_is_woken_with_the_reason) {
    network net;
    options o = exact();
    o.bounds.max_output_bytes = 100;
    net_client c(net, o);
    ASSERT_TRUE(c.connect());
    mailbox box;
    ASSERT_TRUE(c.runtime().subscribe(box, "s").has_value());
    c.settle();
    net.at("a:1").reads = false;
    net.at("a:1").window = 1;
    auto request = ops::request(c.runtime(), "svc", "?", {}, no_deadline);
    auto next = ops::next(c.runtime(), box, no_deadline);
    auto flush = ops::flush(c.runtime(), no_deadline);
    request.start();
    next.start();
    flush.start();
    while (c.session().publish("s", "12345678901234567890")) {
    }
    auto room = ops::wait_room(c.runtime(), no_deadline);
    room.start();
    c.advance(1s);
    EXPECT_FALSE(request.done() || next.done() || room.done());
    c.session().close(net.now());
    c.session().close(net.now()); // idempotent
    const duration begin = c.since_start();
    c.until([&] { return c.count("closed: ") == 1 && room.done(); });
    EXPECT_EQ(c.since_start(), begin) << "at once";
    EXPECT_EQ(request.take().error(), errc::connection_closed);
    EXPECT_EQ(next.take().error(), errc::connection_closed);
    EXPECT_EQ(room.take().error(), errc::connection_closed);
    ASSERT_TRUE(flush.done());
    EXPECT_FALSE(flush.take().has_value());
    EXPECT_EQ(c.run(ops::flush(c.runtime(), no_deadline)).error(), errc::connection_closed);
    c.advance(1h);
    EXPECT_EQ(c.count("closed: "), 1U);
    EXPECT_FALSE(c.session().poll_timeout().has_value());
}

TEST(close, works_at_every_stage_and_nothing_follows) {
    // After each step of a life with a reconnect in it.
    for (int steps = 0; steps < 60; ++steps) {
        for (const bool proactor : {false, true}) {
            network net;
            net_client c(net, exact(), {.proactor = proactor, .close_takes = 5ms});
            ASSERT_TRUE(c.session().start(net.now()).has_value());
            for (int i = 0; i < steps; ++i) {
                (void)c.step();
                if (i == 20) net.break_all("a:1", fault::eof);
            }
            c.session().close(net.now());
            const std::size_t before = c.count("try");
            c.advance(1h);
            EXPECT_EQ(c.count("closed: "), 1U) << steps;
            // One that the session had asked for already is opened and closed again.
            EXPECT_LE(c.count("try"), before + 1) << steps;
            EXPECT_EQ(c.count("connected"), c.count("connected a:1")) << steps;
            EXPECT_EQ(net.server("a:1").peers().size(), 0U) << "the transport is closed";
        }
    }
}

TEST(close, status_at_each_point) {
    network net;
    net_client c(net, exact());
    EXPECT_EQ(c.status(), session_status::idle);
    ASSERT_TRUE(c.session().start(net.now()).has_value());
    EXPECT_EQ(c.status(), session_status::connecting);
    std::vector<std::string> at;
    c.observer = [&](const event& e) {
        at.push_back(line_of(e).substr(0, 9) + ' ' + std::string(name_of(c.status())));
    };
    c.until([&c] { return c.status() == session_status::connected; });
    net.break_all("a:1", fault::eof);
    c.until([&c] { return c.count("reconnected") == 1; });
    c.session().close(net.now());
    c.settle();
    EXPECT_EQ(at, (lines{"connected connected", "disconnec reconnecting", "reconnect connected",
                         "closed: c closed"}));
}

TEST(close, no_events_after_close_is_a_choice) {
    network net;
    options o = exact();
    o.no_events_after_close = true;
    net_client c(net, o);
    ASSERT_TRUE(c.connect());
    c.session().close(net.now());
    c.settle();
    EXPECT_EQ(c.count("closed"), 0U);
    EXPECT_EQ(c.status(), session_status::closed);
}

} // namespace
} // namespace nats::test

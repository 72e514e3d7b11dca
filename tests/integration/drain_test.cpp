// SPDX-License-Identifier: Apache-2.0
//
// Proves that draining loses nothing that a real server has sent, waits for slow handlers, lets
// responders answer to the end, and ends: by itself, by its timeout, or at once without a server.

#include "integration/event_log.hpp"
#include "integration/server_test.hpp"

#include <string>
#include <thread>

namespace nats::test {
namespace {

class draining : public server_test {};
NATSPROTO_ON_EVERY_SERVER(draining);

TEST_P(draining, a_subscription_gives_all_that_was_sent_and_ends) {
    client nc = connect();
    client other = connect();
    subscription sub = subscribed(nc, "d");
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(other.publish("d", std::to_string(i)));
    ASSERT_TRUE(other.flush());
    ASSERT_TRUE(sub.drain());
    ASSERT_TRUE(sub.drain());
    EXPECT_EQ(sub.status(), subscription_status::draining);
    for (int i = 0; i < 500; ++i) ASSERT_EQ(next_payload(sub), std::to_string(i));
    EXPECT_EQ(code_of(sub.next(long_enough)), errc::drained);
    EXPECT_EQ(sub.status(), subscription_status::ended);
    EXPECT_FALSE(sub.drain());
    EXPECT_EQ(nc.status(), session_status::connected);
}

TEST_P(draining, one_of_a_group_loses_nothing_of_the_group) {
    client nc = connect();
    client other = connect();
    int a = 0;
    int b = 0;
    subscription leaves =
        nc.subscribe("g", [&a](const message_view&) { ++a; }, {.queue = "q"}).value();
    const subscription stays =
        nc.subscribe("g", [&b](const message_view&) { ++b; }, {.queue = "q"}).value();
    ASSERT_TRUE(nc.flush());
    for (int i = 0; i < 300; ++i) ASSERT_TRUE(other.publish("g"));
    ASSERT_TRUE(other.flush());
    ASSERT_TRUE(leaves.drain());
    ASSERT_TRUE(nc.flush()); // or the server may hear of it later than of what follows
    for (int i = 0; i < 300; ++i) ASSERT_TRUE(other.publish("g"));
    ASSERT_TRUE(other.flush());
    ASSERT_TRUE(nc.flush());
    EXPECT_EQ(a + b, 600);
    EXPECT_GE(b, 300);
    EXPECT_EQ(leaves.status(), subscription_status::ended);
}

TEST_P(draining, a_connection_waits_for_handlers_that_may_still_answer) {
    client nc = connect();
    client other = connect();
    subscription answers = subscribed(other, "answers");
    int handled = 0;
    const subscription service = nc.subscribe("ask", [&](const message_view& m) {
                                       std::this_thread::sleep_for(1ms); // a slow one
                                       ++handled;
                                       ASSERT_TRUE(nc.respond(m, m.payload));
                                   }).value();
    ASSERT_TRUE(nc.flush());
    for (int i = 0; i < 50; ++i)
        ASSERT_TRUE(other.publish("ask", std::to_string(i), {.reply = "answers", .headers = {}}));
    ASSERT_TRUE(other.flush());
    event_log log(nc);
    ASSERT_TRUE(nc.drain());
    EXPECT_EQ(nc.status(), session_status::closed);
    EXPECT_EQ(handled, 50);
    EXPECT_EQ(log.story(), "closed");
    EXPECT_EQ(log.reason("closed"), errc::connection_closed);
    for (int i = 0; i < 50; ++i) ASSERT_EQ(next_payload(answers), std::to_string(i));
    EXPECT_EQ(code_of(nc.drain()), errc::connection_closed);
}

TEST_P(draining, nothing_new_begins_and_readers_read_to_the_end) {
    client nc = connect();
    subscription sub = subscribed(nc, "r");
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(nc.publish("r", std::to_string(i)));
    ASSERT_TRUE(nc.start_drain());
    EXPECT_EQ(nc.status(), session_status::draining_subs);
    EXPECT_EQ(code_of(nc.subscribe("new")), errc::draining);
    EXPECT_EQ(code_of(nc.request("new")), errc::draining);
    EXPECT_EQ(code_of(nc.force_reconnect()), errc::draining);
    EXPECT_TRUE(nc.publish("elsewhere"));
    for (int i = 0; i < 10; ++i) ASSERT_EQ(next_payload(sub), std::to_string(i));
    EXPECT_EQ(code_of(sub.next(long_enough)), errc::drained);
    EXPECT_TRUE(work_until(nc, [&] { return nc.status() == session_status::closed; }, long_enough));
}

TEST_P(draining, ends_by_its_timeout_when_the_server_hangs) {
    nats_server& server = start();
    client nc = connect({.drain_timeout = 100ms});
    event_log log(nc);
    const subscription sub = subscribed(nc, "t");
    server.suspend();
    const stopwatch watch;
    EXPECT_EQ(code_of(nc.drain()), errc::drain_timeout);
    EXPECT_GE(watch.elapsed(), 100ms);
    EXPECT_LT(watch.elapsed(), at_once);
    EXPECT_EQ(nc.status(), session_status::closed);
    EXPECT_EQ(log.count("closed"), 1U);
}

TEST_P(draining, without_a_connection_closes_at_once) {
    nats_server& server = start();
    client nc = connect({.reconnect_wait = long_enough});
    server.stop();
    ASSERT_TRUE(
        work_until(nc, [&] { return nc.status() == session_status::reconnecting; }, long_enough));
    const stopwatch watch;
    EXPECT_EQ(code_of(nc.drain()), errc::not_connected);
    EXPECT_LT(watch.elapsed(), at_once);
    EXPECT_EQ(nc.status(), session_status::closed);
}

TEST_P(draining, a_drained_subscription_is_not_restored) {
    nats_server& server = start();
    client nc = connect({.reconnect_wait = 10ms, .reconnect_jitter = {}});
    subscription drained = subscribed(nc, "d");
    const subscription stays = subscribed(nc, "s");
    ASSERT_TRUE(drained.drain());
    EXPECT_EQ(code_of(drained.next(long_enough)), errc::drained);
    server.restart();
    client other = connect();
    ASSERT_TRUE(work_until(nc, [&] { return nc.stats().reconnects == 1; }, long_enough));
    ASSERT_TRUE(nc.flush());
    EXPECT_EQ(code_of(other.request("d", {}, long_enough)), errc::no_responders);
    EXPECT_EQ(code_of(other.request("s", {}, 50ms)), errc::timeout); // somebody listens
}

} // namespace
} // namespace nats::test

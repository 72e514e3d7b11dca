// SPDX-License-Identifier: Apache-2.0
//
// Proves the limits of a subscription's queue: what is dropped, counted and told when its reader is
// too slow, and that nobody else notices; and what comes out when the server cuts a slow reader.

#include "integration/server_test.hpp"

#include <string_view>
#include <vector>

namespace nats::test {
namespace {

class pending : public server_test {
protected:
    static void publish_numbers(client& nc, std::string_view subject, int from, int to) {
        for (int i = from; i < to; ++i) (void)nc.publish(subject, std::to_string(i)).value();
        (void)nc.flush().value(); // all of them have come back by now
    }
};
NATSPROTO_ON_EVERY_SERVER(pending);

TEST_P(pending, the_newest_are_dropped_and_told_once_an_episode) {
    client nc = connect();
    std::vector<std::uint64_t> told;
    nc.on_event([&told](const event& e) {
        if (const auto* slow = std::get_if<ev::slow_consumer>(&e)) {
            EXPECT_EQ(slow->subject, "slow");
            told.push_back(slow->dropped);
        }
    });
    subscription sub =
        subscribed(nc, "slow", {.queue = {}, .pending = pending_limits{.messages = 3}});
    publish_numbers(nc, "slow", 0, 10);
    EXPECT_EQ(sub.queue().dropped(), 7U);
    EXPECT_EQ(code_of(sub.next(0s)), errc::slow_consumer); // once, then it goes on
    for (const char* n : {"0", "1", "2"}) EXPECT_EQ(next_payload(sub), n);
    EXPECT_EQ(code_of(sub.next(0s)), errc::timeout);
    publish_numbers(nc, "slow", 10, 14);
    EXPECT_EQ(code_of(sub.next(0s)), errc::slow_consumer);
    EXPECT_EQ(next_payload(sub), "10");
    EXPECT_EQ(told, (std::vector<std::uint64_t>{1, 8}));
    EXPECT_EQ(sub.queue().dropped(), 8U);
}

TEST_P(pending, counters_are_exact) {
    client nc = connect();
    subscription sub = subscribed(nc, "c");
    publish_numbers(nc, "c", 0, 20); // 10 of one digit, 10 of two
    const mailbox& q = sub.queue();
    EXPECT_EQ(q.pending_messages(), 20U);
    EXPECT_EQ(q.pending_bytes(), 30U);
    for (int i = 0; i < 15; ++i) (void)next_payload(sub);
    EXPECT_EQ(q.pending_messages(), 5U);
    EXPECT_EQ(q.pending_bytes(), 10U);
    EXPECT_EQ(q.max_pending_messages(), 20U);
    EXPECT_EQ(q.max_pending_bytes(), 30U);
    EXPECT_EQ(q.delivered(), 15U);
    EXPECT_EQ(q.dropped(), 0U);
    sub.clear_max_pending();
    EXPECT_EQ(q.max_pending_messages(), 5U);
    EXPECT_EQ(q.max_pending_bytes(), 10U);
}

TEST_P(pending, bytes_are_limited_with_headers) {
    client nc = connect();
    subscription sub =
        subscribed(nc, "b", {.queue = {}, .pending = pending_limits{.messages = -1, .bytes = 100}});
    headers h;
    ASSERT_TRUE(h.set("Name", "value")); // 12 + 13 bytes
    ASSERT_EQ(h.view().raw().size(), 25U);
    const std::string payload(25, 'p');
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(nc.publish("b", payload, {.reply = {}, .headers = h}));
    ASSERT_TRUE(nc.flush());
    EXPECT_EQ(sub.queue().pending_messages(), 2U); // exactly 100 bytes
    EXPECT_EQ(sub.queue().dropped(), 1U);
}

TEST_P(pending, limits_come_from_the_options_and_can_be_changed) {
    options o;
    o.pending.messages = 2;
    client nc = connect(o);
    subscription sub = subscribed(nc, "l");
    EXPECT_EQ(sub.queue().limits().messages, 2);
    EXPECT_EQ(code_of(sub.set_pending_limits({.messages = 0})), errc::invalid_argument);
    EXPECT_EQ(code_of(sub.set_pending_limits({.bytes = 0})), errc::invalid_argument);
    EXPECT_EQ(code_of(nc.subscribe("l", {.queue = {}, .pending = pending_limits{.messages = 0}})),
              errc::invalid_argument);
    ASSERT_TRUE(sub.set_pending_limits({.messages = -1, .bytes = -1}));
    publish_numbers(nc, "l", 0, 1000);
    EXPECT_EQ(sub.queue().pending_messages(), 1000U);
    o.pending.messages = 0;
    EXPECT_EQ(code_of(client::connect(o)), errc::invalid_argument);
}

TEST_P(pending, a_slow_one_does_not_hold_up_the_others) {
    client nc = connect();
    subscription slow =
        subscribed(nc, "both", {.queue = {}, .pending = pending_limits{.messages = 1}});
    subscription good = subscribed(nc, "both");
    publish_numbers(nc, "both", 0, 500);
    for (int i = 0; i < 500; ++i) ASSERT_EQ(next_payload(good), std::to_string(i));
    EXPECT_EQ(slow.queue().dropped(), 499U);
    EXPECT_EQ(nc.status(), session_status::connected);
}

#ifndef NATSPROTO_TEST_ON_ASIO // that client reads all that comes

TEST_P(pending, a_reader_that_keeps_up_is_never_limited) {
    client nc = connect();
    subscription sub = subscribed(nc, "k", {.queue = {}, .pending = pending_limits{.messages = 1}});
    const client::burst_scope burst = nc.burst();
    for (int i = 0; i < 2000; ++i) ASSERT_TRUE(nc.publish("k", std::to_string(i)));
    // What is not asked for stays in the socket, so next() sees them all.
    for (int i = 0; i < 2000; ++i) ASSERT_EQ(next_payload(sub), std::to_string(i));
    EXPECT_EQ(sub.queue().dropped(), 0U);
}

#endif

/// Whether a server's list of connections shows one with bytes that are not written yet.
bool waits_for_a_client(std::string_view connections) {
    constexpr std::string_view name = "\"pending_bytes\": ";
    for (std::size_t at = 0; (at = connections.find(name, at)) != std::string_view::npos;) {
        at += name.size();
        if (connections.substr(at, 2) != "0,") return true;
    }
    return false;
}

TEST_P(pending, a_reader_that_the_server_cuts_gets_what_was_sent_and_then_the_end) {
    const nats_server& server =
        start("max_pending: 100000\nmax_payload: 50000\nwrite_deadline: \"200ms\"");
    client reader = connect({.reconnect = false});
    client publisher = connect();
    subscription sub = subscribed(reader, "flood");
    const std::string payload(40'000, 'f');
    // First a few that the server gets rid of one by one: it may be slow to write, and cut at once.
    for (int i = 0; i < 12; ++i) {
        (void)publisher.publish("flood", payload).value();
        (void)publisher.flush(long_enough).value();
        const auto written = [&] { return !waits_for_a_client(server.monitor("/connz")); };
        ASSERT_TRUE(wait_until(written, long_enough));
    }
    // Nobody reads: socket buffers, then the server's own fill up, and it closes.
    const auto cut = [&] {
        for (int i = 0; i < 50; ++i) (void)publisher.publish("flood", payload).value();
        (void)publisher.flush(long_enough).value();
        return server.monitor("/connz").find("\"num_connections\": 1,") != std::string::npos;
    };
    ASSERT_TRUE(wait_until(cut, long_enough));
    std::size_t got = 0;
    subscription::range all = sub.messages(long_enough);
    for (const message& m : all) {
        EXPECT_EQ(m.payload(), payload);
        ++got;
    }
    EXPECT_GT(got, 10U);
    EXPECT_TRUE(all.why()->code() == errc::eof || all.why()->code() == errc::io_error)
        << all.why()->message();
    EXPECT_EQ(reader.status(), session_status::closed);
    EXPECT_TRUE(publisher.flush());
}

} // namespace
} // namespace nats::test

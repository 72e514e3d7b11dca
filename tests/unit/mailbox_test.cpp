// SPDX-License-Identifier: Apache-2.0
//
// Proves mailboxes: order and exact counters, reading with and without waiting, what unsubscribing
// and the end of the session leave readable, and that a mailbox may go at any time.

#include <natsproto/mailbox.hpp>

#include <natsproto/client/ops.hpp>
#include <natsproto/runtime.hpp>

#include "support/sim.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace nats::test {
namespace {

/// A connected session with one mailbox on "a".
struct boxed : connected_sim {
    explicit boxed(const options& o = {}) : connected_sim(o) {
        EXPECT_TRUE(runtime().subscribe(box, "a"));
        settle();
    }
    void send(std::string_view payload, std::string_view subject = "a") {
        EXPECT_GE(server().publish(subject, payload), 1U);
    }
    /// The next queued payload, `none`, or the error's sentence.
    std::string take(mailbox& from) {
        const result<std::optional<message_view>> m = runtime().try_next(from);
        if (!m) return std::string(describe(m.error().code()));
        return *m ? std::string((*m)->payload) : "none";
    }
    std::string take() { return take(box); }
    mailbox box;
};

op<std::string> next_payload(runtime& rt, mailbox& box, time_point deadline) {
    result<message_view> m = co_await rt.next(box, deadline);
    co_return m ? std::string(m->payload) : std::string(describe(m.error().code()));
}

// --- reading

TEST(mailbox, keeps_messages_in_order_and_counts) {
    boxed net;
    for (const char* p : {"one", "two", "three"}) net.send(p);
    net.settle();
    EXPECT_EQ(net.box.pending_messages(), 3U);
    EXPECT_EQ(net.box.pending_bytes(), 11U);
    EXPECT_EQ(net.box.delivered(), 0U);
    EXPECT_EQ(net.take(), "one");
    EXPECT_EQ(net.box.pending_messages(), 2U);
    EXPECT_EQ(net.box.pending_bytes(), 8U);
    EXPECT_EQ(net.take(), "two");
    EXPECT_EQ(net.take(), "three");
    EXPECT_EQ(net.take(), "none");
    EXPECT_EQ(net.box.delivered(), 3U);
    EXPECT_EQ(net.box.dropped(), 0U);
    EXPECT_EQ(net.box.max_pending_messages(), 3U);
    EXPECT_EQ(net.box.max_pending_bytes(), 11U);
    net.box.clear_max_pending();
    EXPECT_EQ(net.box.max_pending_messages(), 0U);
    EXPECT_EQ(net.box.max_pending_bytes(), 0U);
}

TEST(mailbox, queued_messages_are_whole) {
    boxed net;
    net.server().publish("a", "body", "reply.to", "NATS/1.0\r\nk: v\r\n\r\n");
    net.settle();
    EXPECT_EQ(net.box.pending_bytes(), 4 + 18U) << "headers count";
    const auto m = net.runtime().try_next(net.box);
    ASSERT_TRUE(m && *m);
    net.send("other");
    net.settle(); // the view from the queue is not one of the input
    EXPECT_EQ((*m)->subject, "a");
    EXPECT_EQ((*m)->reply, "reply.to");
    EXPECT_EQ((*m)->headers.get("k"), "v");
    EXPECT_EQ((*m)->payload, "body");
}

TEST(mailbox, next_takes_what_waits_or_waits_for_it) {
    boxed net;
    net.send("queued");
    net.settle();
    EXPECT_EQ(net.run(next_payload(net.runtime(), net.box, no_deadline)), "queued");
    op<std::string> waiting = next_payload(net.runtime(), net.box, no_deadline);
    waiting.start();
    EXPECT_FALSE(waiting.done());
    net.send("awaited");
    net.send("queued again");
    net.settle();
    EXPECT_EQ(waiting.take(), "awaited");
    EXPECT_EQ(net.box.pending_messages(), 1U);
    EXPECT_EQ(net.box.delivered(), 2U);
    EXPECT_EQ(net.box.max_pending_messages(), 1U) << "what was awaited was never queued";
}

TEST(mailbox, a_wait_ends_at_its_deadline_and_loses_nothing) {
    boxed net;
    EXPECT_EQ(net.run(next_payload(net.runtime(), net.box, net.now() + 50ms)), "timeout");
    net.send("later");
    net.settle();
    EXPECT_EQ(net.take(), "later");
    EXPECT_EQ(net.run(next_payload(net.runtime(), net.box, net.now() - 1s)), "timeout");
}

TEST(mailbox, one_reader_at_a_time) {
    boxed net;
    op<std::string> first = next_payload(net.runtime(), net.box, no_deadline);
    first.start();
    EXPECT_EQ(net.run(next_payload(net.runtime(), net.box, no_deadline)), describe(errc::in_use));
    net.send("x");
    net.settle();
    EXPECT_EQ(first.take(), "x");
}

TEST(mailbox, a_destroyed_wait_makes_place_for_the_next) {
    boxed net;
    {
        op<std::string> gone = next_payload(net.runtime(), net.box, net.now() + 1s);
        gone.start();
    }
    op<std::string> second = next_payload(net.runtime(), net.box, no_deadline);
    second.start();
    net.send("x");
    net.settle();
    EXPECT_EQ(second.take(), "x");
}

op<int> read_all(runtime& rt, mailbox& box, std::string& log) {
    int n = 0;
    while (true) {
        result<message_view> m = co_await rt.next(box, no_deadline);
        if (!m) {
            log += describe(m.error().code());
            co_return n;
        }
        log += m->payload;
        log += ' ';
        ++n;
    }
}

TEST(mailbox, a_reader_that_loops_gets_each_message_once) {
    boxed net;
    std::string log;
    op<int> reader = read_all(net.runtime(), net.box, log);
    net.send("1");
    net.settle();
    reader.start();
    for (const char* p : {"2", "3", "4"}) net.send(p);
    net.settle();
    ASSERT_TRUE(net.runtime().unsubscribe(net.box, 5));
    net.settle();
    net.send("5");
    net.settle();
    ASSERT_TRUE(reader.done());
    EXPECT_EQ(log, "1 2 3 4 5 " + std::string(describe(errc::max_messages_reached)));
    EXPECT_EQ(reader.take(), 5);
}

// --- subscribing

TEST(mailbox, subscribing_says_what_is_wrong_and_leaves_it_free) {
    connected_sim net;
    mailbox box;
    EXPECT_FALSE(box.active());
    EXPECT_EQ(net.runtime().try_next(box).error(), errc::invalid_subscription);
    EXPECT_EQ(net.runtime().unsubscribe(box).error(), errc::invalid_subscription);
    EXPECT_EQ(net.runtime().subscribe(box, "a..b").error(), errc::invalid_subject);
    EXPECT_EQ(net.runtime().subscribe(box, "a", {.queue = ""}).error(), errc::invalid_queue_group);
    EXPECT_EQ(net.runtime().subscribe(box, "a", {.pending = pending_limits{0, 1}}).error(),
              errc::invalid_argument);
    EXPECT_FALSE(box.active());
    ASSERT_TRUE(net.runtime().subscribe(box, "a", {.queue = "q"}));
    EXPECT_TRUE(box.active());
    EXPECT_EQ(net.runtime().subscribe(box, "b").error(), errc::in_use);
    net.settle();
    EXPECT_EQ(net.server().lines().back(), "SUB a q 1");
}

TEST(mailbox, limits_of_the_options_or_its_own) {
    options o;
    o.pending = {7, 70};
    connected_sim net(o);
    mailbox first;
    mailbox second;
    ASSERT_TRUE(net.runtime().subscribe(first, "a"));
    ASSERT_TRUE(net.runtime().subscribe(second, "a", {.pending = pending_limits{-1, 5}}));
    EXPECT_EQ(first.limits().messages, 7);
    EXPECT_EQ(first.limits().bytes, 70);
    EXPECT_EQ(second.limits().messages, -1);
    EXPECT_EQ(second.limits().bytes, 5);
}

TEST(mailbox, can_be_used_for_another_subscription_afterwards) {
    boxed net;
    ASSERT_TRUE(net.runtime().unsubscribe(net.box));
    ASSERT_TRUE(net.runtime().subscribe(net.box, "b"));
    net.settle();
    net.send("x", "b");
    net.settle();
    EXPECT_EQ(net.take(), "x");
}

// --- the end of a subscription

TEST(mailbox, unsubscribing_discards_what_is_queued) {
    boxed net;
    net.send("1");
    net.settle();
    net.send("on the way");
    ASSERT_TRUE(net.runtime().unsubscribe(net.box));
    EXPECT_FALSE(net.box.active());
    EXPECT_EQ(net.box.pending_messages(), 0U);
    EXPECT_EQ(net.box.pending_bytes(), 0U);
    net.settle();
    EXPECT_EQ(net.take(), describe(errc::invalid_subscription));
    EXPECT_EQ(net.runtime().unsubscribe(net.box).error(), errc::invalid_subscription);
    EXPECT_EQ(net.server().count("UNSUB"), 1U);
}

TEST(mailbox, unsubscribing_ends_a_wait) {
    boxed net;
    op<std::string> waiting = next_payload(net.runtime(), net.box, no_deadline);
    waiting.start();
    ASSERT_TRUE(net.runtime().unsubscribe(net.box));
    ASSERT_TRUE(waiting.done());
    EXPECT_EQ(waiting.take(), describe(errc::invalid_subscription));
}

TEST(mailbox, a_maximum_keeps_what_is_queued_readable) {
    boxed net;
    ASSERT_TRUE(net.runtime().unsubscribe(net.box, 3));
    net.settle();
    for (const char* p : {"1", "2", "3"}) net.send(p);
    net.server().send_message("a", 1, "4"); // more than was asked for
    net.settle();
    EXPECT_FALSE(net.box.active());
    EXPECT_EQ(net.take(), "1");
    EXPECT_EQ(net.take(), "2");
    EXPECT_EQ(net.take(), "3");
    EXPECT_EQ(net.take(), describe(errc::max_messages_reached));
}

TEST(mailbox, a_maximum_that_is_reached_already) {
    boxed net;
    net.send("1");
    net.send("2");
    net.settle();
    ASSERT_TRUE(net.runtime().unsubscribe(net.box, 2));
    EXPECT_FALSE(net.box.active());
    EXPECT_EQ(net.take(), "1");
    EXPECT_EQ(net.take(), "2");
    EXPECT_EQ(net.take(), describe(errc::max_messages_reached));
    net.settle();
    EXPECT_EQ(net.server().lines().back(), "UNSUB 1");
}

TEST(mailbox, after_the_maximum_nothing_more_is_sent) {
    boxed net;
    ASSERT_TRUE(net.runtime().unsubscribe(net.box, 1));
    net.settle();
    net.send("1");
    net.settle();
    EXPECT_EQ(net.runtime().unsubscribe(net.box).error(), errc::invalid_subscription);
    auto other = std::make_unique<mailbox>();
    ASSERT_TRUE(net.runtime().subscribe(*other, "b"));
    ASSERT_TRUE(net.runtime().unsubscribe(*other, 1));
    net.settle();
    net.send("1", "b");
    net.settle();
    other.reset();
    net.settle();
    EXPECT_EQ(net.server().count("UNSUB"), 2U);
}

TEST(mailbox, the_end_of_the_session_leaves_the_queue_readable) {
    boxed net;
    net.send("1");
    net.send("2");
    net.settle();
    net.server().hang_up();
    net.settle();
    EXPECT_FALSE(net.box.active());
    EXPECT_EQ(net.take(), "1");
    EXPECT_EQ(net.take(), "2");
    EXPECT_EQ(net.take(), describe(errc::eof)) << "and then the reason";
    mailbox late;
    EXPECT_EQ(net.runtime().subscribe(late, "a").error(), errc::connection_closed);
}

// --- the end of a mailbox

TEST(mailbox, destroying_it_unsubscribes_and_frees_the_queue) {
    boxed net;
    auto other = std::make_unique<mailbox>();
    ASSERT_TRUE(net.runtime().subscribe(*other, "a"));
    net.settle();
    net.send("x");
    net.settle();
    net.send("on the way");
    other.reset();
    net.settle();
    EXPECT_EQ(net.server().lines().back(), "UNSUB 2");
    EXPECT_EQ(net.box.pending_messages(), 2U) << "the other one is not affected";
}

TEST(mailbox, destroying_it_ends_a_wait) {
    boxed net;
    auto other = std::make_unique<mailbox>();
    ASSERT_TRUE(net.runtime().subscribe(*other, "b"));
    op<std::string> waiting = next_payload(net.runtime(), *other, net.now() + 1s);
    waiting.start();
    other.reset();
    ASSERT_TRUE(waiting.done());
    EXPECT_EQ(waiting.take(), describe(errc::invalid_subscription));
    net.advance(2s);
}

TEST(mailbox, may_outlive_its_runtime) {
    mailbox box;
    {
        connected_sim net;
        ASSERT_TRUE(net.runtime().subscribe(box, "a"));
        net.settle();
        net.server().publish("a", "x");
        net.settle();
    }
    EXPECT_FALSE(box.active());
    EXPECT_EQ(box.pending_messages(), 1U);
}

} // namespace
} // namespace nats::test

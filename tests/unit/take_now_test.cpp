// SPDX-License-Identifier: Apache-2.0
//
// Proves runtime::take_now, by which a driver gives a reader what is there without an op, and
// dispatch_next: nothing is passed over, lost or given twice, whatever comes in between.

#include <natsproto/client/ops.hpp>
#include <natsproto/runtime.hpp>

#include "support/unparsed.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

namespace nats::test {
namespace {

struct take_now_net : unparsed {
    /// The payload, or `none`.
    std::string take(mailbox& from, bool parse = true) {
        const message_view* const m = runtime().take_now(from, parse);
        return m != nullptr ? std::string(m->payload) : "none";
    }
    std::string take() { return take(*box); }
    void dispatch_all() {
        while (runtime().dispatch_next()) {
        }
    }
};

/// Short enough to be cut into two reads, and long enough for the short way of the parser.
constexpr std::string_view for_a = "MSG a 1 26\r\nabcdefghijklmnopqrstuvwxyz\r\n";
constexpr std::string_view for_b = "MSG b 2 26\r\nABCDEFGHIJKLMNOPQRSTUVWXYZ\r\n";
constexpr std::string_view lower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

TEST(take_now, what_comes_next_is_not_queued) {
    take_now_net net;
    net.arrive(std::string(for_a) + std::string(for_a));
    EXPECT_EQ(net.take(), lower);
    EXPECT_EQ(net.take(), lower);
    EXPECT_EQ(net.take(), "none");
    EXPECT_EQ(net.box->delivered(), 2U);
    EXPECT_EQ(net.box->max_pending_messages(), 0U);
}

TEST(take_now, does_not_parse_unless_it_may) {
    take_now_net net;
    net.arrive(for_a);
    EXPECT_EQ(net.take(*net.box, false), "none");
    EXPECT_EQ(net.take(), lower);
}

TEST(take_now, what_is_queued_comes_first) {
    take_now_net net;
    net.server().publish("a", "queued");
    net.settle();
    net.arrive(for_a);
    EXPECT_EQ(net.take(*net.box, false), "queued");
    EXPECT_EQ(net.take(), lower);
}

TEST(take_now, somebody_elses_message_is_put_off_and_stays_in_order) {
    take_now_net net;
    net.arrive(std::string(for_b) + std::string(for_a));
    EXPECT_EQ(net.take(), "none");
    EXPECT_TRUE(net.runtime().is_behind());
    EXPECT_EQ(net.take(), "none") << "what comes behind it does not pass it";
    EXPECT_EQ(net.take(*net.other), "none");
    EXPECT_TRUE(net.runtime().dispatch_next());
    EXPECT_FALSE(net.runtime().is_behind());
    EXPECT_EQ(net.take(), lower);
    EXPECT_EQ(net.take(*net.other), upper);
}

TEST(take_now, what_was_put_off_comes_before_an_event_dispatched_by_hand) {
    take_now_net net;
    net.arrive(std::string(for_b) + "MSG b 2 1\r\n2\r\n");
    EXPECT_EQ(net.take(), "none");
    event e;
    ASSERT_TRUE(net.session().next(e));
    net.runtime().dispatch(e);
    EXPECT_EQ(net.take(*net.other, false), upper);
    EXPECT_EQ(net.take(*net.other, false), "2");
}

TEST(take_now, what_was_put_off_outlives_the_input) {
    take_now_net net;
    net.arrive(for_b);
    EXPECT_EQ(net.take(), "none");
    net.arrive(for_a); // the input is overwritten
    net.session().close(net.now());
    net.dispatch_all();
    EXPECT_EQ(net.take(*net.other, false), upper);
}

TEST(take_now, a_box_that_goes_takes_what_was_put_off_along) {
    take_now_net net;
    net.arrive(for_b);
    EXPECT_EQ(net.take(), "none");
    net.other.reset();
    net.dispatch_all();
    EXPECT_FALSE(net.runtime().is_behind());
}

TEST(take_now, unsubscribing_drops_what_was_put_off_but_a_limit_does_not) {
    for (const bool at_once : {true, false}) {
        take_now_net net;
        net.arrive(for_b);
        EXPECT_EQ(net.take(), "none");
        const std::optional<std::uint64_t> after =
            at_once ? std::nullopt : std::optional<std::uint64_t>(1);
        ASSERT_TRUE(net.runtime().unsubscribe(*net.other, after));
        net.dispatch_all();
        EXPECT_EQ(net.take(*net.other, false), at_once ? "none" : upper);
    }
}

TEST(take_now, the_last_message_ends_the_subscription) {
    take_now_net net;
    std::string told;
    net.box->on_end(
        [](void* text, const error& why) {
            *static_cast<std::string*>(text) = describe(why.code());
        },
        &told);
    ASSERT_TRUE(net.runtime().unsubscribe(*net.box, 1));
    net.arrive(for_a);
    EXPECT_EQ(net.take(), lower);
    EXPECT_FALSE(net.box->active());
    EXPECT_TRUE(net.runtime().is_behind());
    net.runtime().settle();
    EXPECT_EQ(told, describe(errc::max_messages_reached));
}

TEST(take_now, leaves_trouble_to_next) {
    take_now_net net;
    ASSERT_TRUE(net.box->set_limits({.messages = 1, .bytes = -1}));
    net.server().publish("a", "1");
    net.server().publish("a", "2");
    net.settle();
    EXPECT_EQ(net.take(), "none") << "a message was dropped, which an error has to tell first";
    EXPECT_EQ(net.runtime().try_next(*net.box).error(), errc::slow_consumer);
    EXPECT_EQ(net.take(), "1");
}

TEST(take_now, an_op_that_waits_is_served_first) {
    take_now_net net;
    op<result<message_view>> waiting = ops::next(net.runtime(), *net.box, no_deadline);
    waiting.start();
    net.arrive(for_a);
    EXPECT_EQ(net.take(), "none");
    net.dispatch_all();
    EXPECT_TRUE(waiting.done());
}

TEST(take_now, not_in_a_handler) {
    take_now_net net;
    const reading_handler<take_now_net> handled(net, [](take_now_net& n) { return n.take(); });
    net.arrive("MSG c 3 1\r\n1\r\n" + std::string(for_a));
    net.dispatch_all();
    EXPECT_EQ(handled.read, "none");
    EXPECT_EQ(net.take(), lower);
}

/// Takes what it can whenever it runs.
op<result<void>> collect(runtime& rt, mailbox& from, std::string& out, std::size_t n) {
    while (out.size() < n) {
        const message_view* m = rt.take_now(from, rt.in_dispatch());
        if (m != nullptr) {
            out += m->payload.substr(0, 1);
            continue;
        }
        result<message_view> next = co_await rt.next(from, no_deadline);
        if (!next) co_return next.error();
        out += next->payload.substr(0, 1);
        out += '.';
    }
    co_return result<void>();
}

TEST(take_now, an_op_goes_on_in_the_event_that_resumed_it) {
    for (const bool by_hand : {true, false}) {
        take_now_net net;
        std::string got;
        op<result<void>> running = collect(net.runtime(), *net.box, got, 5);
        running.start();
        EXPECT_FALSE(net.runtime().in_dispatch());
        net.arrive(std::string(for_a) + std::string(for_a) + std::string(for_b) +
                   std::string(for_a) + std::string(for_b));
        if (by_hand) { // as drivers do that know nothing of it
            event e;
            while (net.session().next(e)) net.runtime().dispatch(e);
        } else {
            net.dispatch_all();
        }
        EXPECT_EQ(got, "a.aa.");
        EXPECT_TRUE(running.done());
        EXPECT_EQ(net.other->pending_messages(), 2U);
        EXPECT_FALSE(net.runtime().is_behind());
    }
}

TEST(take_now, what_an_op_put_off_is_next_for_its_reader) {
    take_now_net net;
    std::string got;
    op<result<void>> running = collect(net.runtime(), *net.other, got, 100);
    running.start();
    net.arrive(std::string(for_b) + std::string(for_a) + "MSG a 1 1\r\n2\r\n");
    for (const std::string_view expected : {lower, std::string_view("2")}) {
        const result<const message_view*> m = net.runtime().next_for(*net.box);
        ASSERT_TRUE(m && *m != nullptr);
        EXPECT_EQ((*m)->payload, expected);
    }
}

TEST(dispatch_next, messages_and_other_events_in_their_order) {
    take_now_net net;
    net.arrive(std::string(for_a) + "INFO {\"max_payload\":3}\r\n" + std::string(for_b));
    EXPECT_TRUE(net.runtime().dispatch_next());
    EXPECT_EQ(net.box->pending_messages(), 1U);
    EXPECT_EQ(net.session().info().max_payload, 1048576);
    EXPECT_TRUE(net.runtime().dispatch_next());
    EXPECT_EQ(net.session().info().max_payload, 3);
    EXPECT_EQ(net.other->pending_messages(), 0U);
    EXPECT_TRUE(net.runtime().dispatch_next());
    EXPECT_EQ(net.other->pending_messages(), 1U);
    EXPECT_FALSE(net.runtime().dispatch_next());
}

} // namespace
} // namespace nats::test

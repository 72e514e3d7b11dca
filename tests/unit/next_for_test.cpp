// SPDX-License-Identifier: Apache-2.0
//
// Proves runtime::next_for, the short way to one subscription's next message: it is returned
// without being queued, everything else goes where it belongs meanwhile, and the mailbox may end or
// go in the middle of it.

#include <natsproto/client/ops.hpp>
#include <natsproto/runtime.hpp>

#include "support/unparsed.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

namespace nats::test {
namespace {

struct next_for_net : unparsed {
    /// The payload, `none`, or the error's sentence.
    std::string take() {
        const result<const message_view*> m = runtime().next_for(*box);
        if (!m) return std::string(describe(m.error().code()));
        return *m ? std::string((*m)->payload) : "none";
    }
};

TEST(next_for, returns_messages_without_queueing_them) {
    next_for_net net;
    net.arrive("MSG a 1 1\r\nx\r\nMSG a 1 1\r\ny\r\n");
    EXPECT_EQ(net.take(), "x");
    EXPECT_EQ(net.take(), "y");
    EXPECT_EQ(net.take(), "none");
    EXPECT_EQ(net.box->delivered(), 2U);
    EXPECT_EQ(net.box->max_pending_messages(), 0U);
}

TEST(next_for, parses_no_further_than_it_must) {
    next_for_net net;
    net.arrive("MSG a 1 1\r\nx\r\nMSG b 2 1\r\ny\r\n");
    EXPECT_EQ(net.take(), "x");
    EXPECT_EQ(net.other->pending_messages(), 0U);
    EXPECT_EQ(net.take(), "none");
    EXPECT_EQ(net.other->pending_messages(), 1U);
}

TEST(next_for, what_is_queued_comes_first) {
    next_for_net net;
    net.server().publish("a", "queued");
    net.settle();
    net.arrive("MSG a 1 5\r\nlater\r\n");
    EXPECT_EQ(net.take(), "queued");
    EXPECT_EQ(net.take(), "later");
}

TEST(next_for, gives_everything_else_to_whom_it_concerns) {
    next_for_net net;
    net.server().rules.answer_ping = false;
    op<result<duration>> flush = ops::flush(net.runtime(), no_deadline);
    flush.start();
    net.arrive(
        "MSG b 2 1\r\n1\r\nINFO {\"max_payload\":3}\r\nPONG\r\nMSG b 2 1\r\n2\r\nMSG a 1 "
        "1\r\nx\r\n");
    EXPECT_EQ(net.take(), "x");
    EXPECT_TRUE(flush.done());
    EXPECT_EQ(net.other->pending_messages(), 2U);
    EXPECT_EQ(net.count("info max_payload 3"), 1U);
}

TEST(next_for, the_last_message_and_then_the_end) {
    next_for_net net;
    ASSERT_TRUE(net.runtime().unsubscribe(*net.box, 2));
    net.arrive("MSG a 1 1\r\nx\r\nMSG a 1 1\r\ny\r\nMSG a 1 1\r\nz\r\n");
    EXPECT_EQ(net.take(), "x");
    EXPECT_TRUE(net.box->active());
    EXPECT_EQ(net.take(), "y");
    EXPECT_FALSE(net.box->active());
    EXPECT_EQ(net.take(), describe(errc::max_messages_reached));
}

TEST(next_for, the_end_of_the_session_in_the_middle) {
    next_for_net net;
    net.arrive("MSG b 2 1\r\n1\r\nnonsense\r\n");
    EXPECT_EQ(net.take(), describe(errc::unknown_operation));
    EXPECT_EQ(net.count("closed"), 1U);
    EXPECT_EQ(net.take(), describe(errc::unknown_operation));
    EXPECT_EQ(net.other->pending_messages(), 1U);
}

TEST(next_for, a_box_that_is_not_subscribed) {
    next_for_net net;
    ASSERT_TRUE(net.runtime().unsubscribe(*net.box));
    net.arrive("MSG a 1 1\r\nx\r\n");
    EXPECT_EQ(net.take(), describe(errc::invalid_subscription));
}

TEST(next_for, a_handler_may_destroy_the_box_meanwhile) {
    next_for_net net;
    mailbox handled;
    ASSERT_TRUE(net.runtime().subscribe(
        handled, "c", {},
        [](void* self, const message_view&) { static_cast<next_for_net*>(self)->box.reset(); },
        &net));
    net.arrive("MSG c 3 1\r\n1\r\nMSG b 2 1\r\n1\r\n");
    mailbox& gone = *net.box;
    const result<const message_view*> m = net.runtime().next_for(gone);
    EXPECT_EQ(m.error(), errc::invalid_subscription);
    net.settle();
    EXPECT_EQ(net.other->pending_messages(), 1U);
    EXPECT_EQ(net.server().lines().back(), "UNSUB 1");
}

TEST(next_for, a_handler_may_unsubscribe_the_box_meanwhile) {
    next_for_net net;
    mailbox handled;
    ASSERT_TRUE(net.runtime().subscribe(
        handled, "c", {},
        [](void* self, const message_view&) {
            auto& u = *static_cast<next_for_net*>(self);
            EXPECT_TRUE(u.runtime().unsubscribe(*u.box));
        },
        &net));
    net.arrive("MSG c 3 1\r\n1\r\nMSG a 1 1\r\nx\r\n");
    EXPECT_EQ(net.take(), describe(errc::invalid_subscription));
}

TEST(next_for, a_handler_may_use_next_for_on_the_same_box) {
    next_for_net net;
    const reading_handler<next_for_net> handled(net, [](next_for_net& n) { return n.take(); });
    net.arrive("MSG c 3 1\r\n1\r\nMSG a 1 1\r\nx\r\nMSG a 1 1\r\ny\r\n");
    EXPECT_EQ(net.take(), "y");
    EXPECT_EQ(handled.read, "x");
}

TEST(next_for, an_op_that_waits_on_the_box_gets_its_message) {
    next_for_net net;
    op<result<message_view>> waiting = ops::next(net.runtime(), *net.box, no_deadline);
    waiting.start();
    net.arrive("MSG a 1 1\r\nx\r\nMSG a 1 1\r\ny\r\n");
    EXPECT_EQ(net.take(), "y") << "who waited first is served first";
    EXPECT_TRUE(waiting.done());
}

} // namespace
} // namespace nats::test

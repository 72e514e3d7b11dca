// SPDX-License-Identifier: Apache-2.0
//
// Proves the limits of a mailbox: by messages and by bytes, the newest are dropped and counted, one
// event an episode, told to the reader once, and nobody else is disturbed.

#include <natsproto/mailbox.hpp>
#include <natsproto/runtime.hpp>

#include "support/sim.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace nats::test {
namespace {

struct limited : connected_sim {
    explicit limited(const pending_limits& l) {
        EXPECT_TRUE(runtime().subscribe(box, "a.*", {.pending = l}));
        EXPECT_TRUE(runtime().subscribe(other, "a.*"));
        settle();
    }
    void send(int count, std::size_t size = 1) {
        for (int i = 0; i < count; ++i) {
            (void)server().publish("a.b", std::string(size, static_cast<char>('a' + sent_ % 26)));
            ++sent_;
        }
        settle();
    }
    std::string take() {
        const result<std::optional<message_view>> m = runtime().try_next(box);
        if (!m) return m.error().message();
        return *m ? std::string((*m)->payload) : "none";
    }
    std::size_t episodes() const { return count("slow_consumer"); }
    mailbox box;
    mailbox other; ///< on the same subject, without narrow limits

private:
    int sent_ = 0;
};

std::string slow(int dropped) {
    return std::string(describe(errc::slow_consumer)) + ": " + std::to_string(dropped) +
           " dropped so far";
}

TEST(slow_consumer, the_limit_of_messages_is_exact_and_drops_the_newest) {
    limited net({3, -1});
    net.send(3);
    EXPECT_EQ(net.episodes(), 0U);
    EXPECT_EQ(net.box.dropped(), 0U);
    net.send(2); // d and e
    EXPECT_EQ(net.box.dropped(), 2U);
    EXPECT_EQ(net.box.pending_messages(), 3U);
    EXPECT_EQ(net.events().back(), "message 2 a.b \"e\"");
    EXPECT_EQ(net.take(), slow(2));
    EXPECT_EQ(net.take(), "a");
    EXPECT_EQ(net.take(), "b");
    EXPECT_EQ(net.take(), "c");
    EXPECT_EQ(net.take(), "none");
}

TEST(slow_consumer, one_event_an_episode_with_what_it_is_about) {
    limited net({1, -1});
    net.send(1);
    net.send(10);
    EXPECT_EQ(net.episodes(), 1U);
    EXPECT_EQ(net.count("slow_consumer 1 a.* dropped 1"), 1U) << "at the first drop";
    net.send(10);
    EXPECT_EQ(net.episodes(), 1U) << "still the same one";
    EXPECT_EQ(net.box.dropped(), 20U);
}

TEST(slow_consumer, is_armed_again_when_a_message_is_accepted) {
    limited net({1, -1});
    net.send(3);
    EXPECT_EQ(net.take(), slow(2));
    EXPECT_EQ(net.take(), "a");
    EXPECT_EQ(net.episodes(), 1U);
    net.send(1); // accepted: the episode is over
    EXPECT_EQ(net.episodes(), 1U);
    net.send(2);
    EXPECT_EQ(net.episodes(), 2U);
    EXPECT_EQ(net.count("slow_consumer 1 a.* dropped 3"), 1U);
    EXPECT_EQ(net.take(), slow(4));
    EXPECT_EQ(net.take(), "d");
}

TEST(slow_consumer, the_reader_is_told_once_an_episode) {
    limited net({2, -1});
    net.send(5);
    EXPECT_EQ(net.take(), slow(3));
    EXPECT_EQ(net.take(), "a");
    net.send(2); // one is accepted, one dropped: a new episode
    EXPECT_EQ(net.take(), slow(4));
    EXPECT_EQ(net.take(), "b");
    EXPECT_EQ(net.take(), "f");
    EXPECT_EQ(net.take(), "none");
}

TEST(slow_consumer, the_limit_of_bytes_is_exact) {
    limited net({-1, 100});
    net.send(4, 25);
    EXPECT_EQ(net.box.pending_bytes(), 100U);
    EXPECT_EQ(net.episodes(), 0U);
    net.send(1, 1);
    EXPECT_EQ(net.box.dropped(), 1U);
    EXPECT_EQ(net.take(), slow(1));
    EXPECT_EQ(net.take().size(), 25U);
    net.send(1, 26);
    EXPECT_EQ(net.box.dropped(), 2U) << "75 and 26 is too much";
    net.send(1, 25);
    EXPECT_EQ(net.box.dropped(), 2U);
    EXPECT_EQ(net.box.pending_bytes(), 100U);
    EXPECT_EQ(net.box.max_pending_bytes(), 100U);
}

TEST(slow_consumer, headers_count) {
    limited net({-1, 18 + 4});
    (void)net.server().publish("a.b", "fits", {}, "NATS/1.0\r\nk: v\r\n\r\n");
    net.settle();
    EXPECT_EQ(net.box.pending_bytes(), 22U);
    EXPECT_EQ(net.take(), "fits");
    (void)net.server().publish("a.b", "not so", {}, "NATS/1.0\r\nk: v\r\n\r\n");
    net.settle();
    EXPECT_EQ(net.box.dropped(), 1U);
}

TEST(slow_consumer, a_message_over_the_limit_of_bytes_alone_is_dropped) {
    limited net({-1, 10});
    net.send(1, 11);
    EXPECT_EQ(net.box.dropped(), 1U);
    EXPECT_EQ(net.box.pending_messages(), 0U);
    net.send(1, 10);
    EXPECT_EQ(net.box.pending_messages(), 1U);
}

TEST(slow_consumer, negative_limits_are_none) {
    limited net({-1, -1});
    net.send(2000, 100);
    EXPECT_EQ(net.box.pending_messages(), 2000U);
    EXPECT_EQ(net.episodes(), 0U);
}

TEST(slow_consumer, limits_can_change_while_messages_wait) {
    limited net({2, -1});
    EXPECT_EQ(net.box.set_limits({0, 5}).error(), errc::invalid_argument);
    EXPECT_EQ(net.box.set_limits({5, 0}).error(), errc::invalid_argument);
    EXPECT_EQ(net.box.limits().messages, 2);
    net.send(3);
    ASSERT_TRUE(net.box.set_limits({5, -1}));
    net.send(3);
    EXPECT_EQ(net.box.pending_messages(), 5U);
    ASSERT_TRUE(net.box.set_limits({1, -1}));
    EXPECT_EQ(net.box.pending_messages(), 5U) << "what was accepted stays";
    net.send(1);
    EXPECT_EQ(net.box.dropped(), 2U);
}

TEST(slow_consumer, nobody_else_is_disturbed) {
    limited net({1, -1});
    net.send(100);
    EXPECT_EQ(net.box.dropped(), 99U);
    EXPECT_EQ(net.other.pending_messages(), 100U);
    EXPECT_EQ(net.other.dropped(), 0U);
    EXPECT_EQ(net.session().status(), session_status::connected);
}

TEST(slow_consumer, the_last_message_of_a_maximum_can_be_the_one_that_is_dropped) {
    limited net({2, -1});
    ASSERT_TRUE(net.runtime().unsubscribe(net.box, 3));
    net.settle();
    net.send(3);
    EXPECT_EQ(net.count("slow_consumer 1 "), 1U) << "the event still names the subscription";
    EXPECT_EQ(net.take(), slow(1));
    EXPECT_EQ(net.take(), "a");
    EXPECT_EQ(net.take(), "b");
    EXPECT_EQ(net.take(), describe(errc::max_messages_reached));
}

TEST(slow_consumer, a_waiting_reader_is_told_too) {
    limited net({1, -1});
    net.send(3);
    const result<message_view> first = net.next(net.box);
    EXPECT_EQ(first.error(), errc::slow_consumer);
    const result<message_view> second = net.next(net.box);
    ASSERT_TRUE(second.has_value());
    EXPECT_EQ(second->payload, "a");
}

} // namespace
} // namespace nats::test

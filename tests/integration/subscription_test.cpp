// SPDX-License-Identifier: Apache-2.0
//
// Proves the reading side: next, views, iteration, queue groups and all ways to unsubscribe, at
// the client and, through its monitoring, at the server.

#include "integration/server_test.hpp"

#include <array>
#include <vector>

namespace nats::test {
namespace {

class subscriptions : public server_test {
protected:
    /// How many subscriptions the server has of this client.
    [[nodiscard]] static std::string known_to(const nats_server& server, client& nc) {
        (void)nc.flush().value();
        const std::string page =
            server.monitor("/connz?cid=" + std::to_string(nc.info().client_id));
        constexpr std::string_view key = "\"subscriptions\": ";
        const std::size_t at = page.find(key);
        if (at == std::string::npos) return "not in " + page;
        return page.substr(at + key.size(), page.find(',', at) - at - key.size());
    }
};
NATSPROTO_ON_EVERY_SERVER(subscriptions);

TEST_P(subscriptions, next_waits_for_its_timeout_and_no_longer) {
    client nc = connect();
    subscription sub = subscribed(nc, "quiet");
    const stopwatch watch;
    EXPECT_EQ(code_of(sub.next(50ms)), errc::timeout);
    EXPECT_GE(watch.elapsed(), 50ms);
    EXPECT_LT(watch.elapsed(), at_once);
    EXPECT_EQ(code_of(sub.next(0s)), errc::timeout);
    EXPECT_EQ(code_of(sub.next(-1s)), errc::timeout);
    ASSERT_TRUE(nc.publish("quiet", "now"));
    EXPECT_EQ(std::string(sub.next(duration::max()).value().payload()), "now");
}

TEST_P(subscriptions, next_of_nothing_takes_what_is_there) {
    client nc = connect();
    subscription sub = subscribed(nc, "there");
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(nc.publish("there", std::to_string(i)));
    ASSERT_TRUE(nc.flush());
    for (int i = 0; i < 3; ++i) EXPECT_EQ(sub.next(0s).value().payload(), std::to_string(i));
    EXPECT_EQ(code_of(sub.next(0s)), errc::timeout);
}

TEST_P(subscriptions, a_view_outlives_publishes_and_an_owner_everything) {
    std::optional<client> nc = connect();
    std::optional<subscription> sub = subscribed(*nc, "v");
    ASSERT_TRUE(nc->publish("v", "view", {.reply = "r", .headers = {}}));
    const message_view view = sub->next_view(long_enough).value();
    const message own(view);
    const std::string large(300'000, 'x');
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(nc->publish("elsewhere", large));
    EXPECT_EQ(view.payload, "view");
    EXPECT_EQ(view.reply, "r");
    message moved = own.clone();
    sub.reset();
    nc.reset();
    EXPECT_EQ(own.payload(), "view");
    EXPECT_EQ(moved.subject(), "v");
}

TEST_P(subscriptions, iteration_ends_with_the_reason) {
    client nc = connect();
    subscription sub = subscribed(nc, "it");
    ASSERT_TRUE(sub.unsubscribe(4));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(nc.publish("it", std::to_string(i)));
    std::string seen;
    subscription::range three = sub.messages(200ms);
    for (const message& m : three) {
        EXPECT_FALSE(three.why());
        seen += m.payload();
    }
    EXPECT_EQ(three.why()->code(), errc::timeout);
    ASSERT_TRUE(nc.publish("it", "last"));
    subscription::range rest = sub.messages();
    for (const message& m : rest) seen += m.payload();
    EXPECT_EQ(seen, "012last");
    EXPECT_EQ(rest.why()->code(), errc::max_messages_reached);
}

TEST_P(subscriptions, a_queue_group_shares_and_a_plain_one_gets_all) {
    client a = connect();
    client b = connect();
    std::array<subscription, 3> members{subscribed(a, "work", {.queue = "group"}),
                                        subscribed(a, "work", {.queue = "group"}),
                                        subscribed(b, "work", {.queue = "group"})};
    subscription other = subscribed(b, "work", {.queue = "other"});
    subscription plain = subscribed(b, "work");
    client publisher = connect();
    constexpr std::size_t count = 600;
    for (std::size_t i = 0; i < count; ++i)
        ASSERT_TRUE(publisher.publish("work", std::to_string(i)));
    ASSERT_TRUE(publisher.flush());
    ASSERT_TRUE(a.flush());
    ASSERT_TRUE(b.flush());
    std::vector<int> seen(count);
    for (subscription& member : members) {
        std::size_t last = 0;
        std::size_t got = 0;
        for (const message& m : member.messages(0s)) {
            const std::size_t i = std::stoul(std::string(m.payload()));
            EXPECT_TRUE(got == 0 || i > last); // in order
            last = i;
            ++seen.at(i);
            ++got;
        }
        EXPECT_GT(got, 0U);
    }
    EXPECT_EQ(seen, std::vector<int>(count, 1));
    for (subscription* all : {&plain, &other}) {
        for (std::size_t i = 0; i < count; ++i)
            ASSERT_EQ(all->next(0s).value().payload(), std::to_string(i));
    }
}

TEST_P(subscriptions, unsubscribe_ends_it_now) {
    const nats_server& server = start();
    client nc = connect();
    subscription sub = subscribed(nc, "u");
    EXPECT_EQ(known_to(server, nc), "1");
    ASSERT_TRUE(nc.publish("u", "queued"));
    ASSERT_TRUE(nc.flush());
    EXPECT_EQ(sub.queue().pending_messages(), 1U);
    ASSERT_TRUE(nc.publish("u", "on its way"));
    EXPECT_TRUE(sub.valid());
    EXPECT_TRUE(sub.unsubscribe());
    EXPECT_FALSE(sub.valid());
    EXPECT_EQ(known_to(server, nc), "0");
    EXPECT_EQ(code_of(sub.next(0s)), errc::invalid_subscription);
    EXPECT_EQ(code_of(sub.unsubscribe()), errc::invalid_subscription);
    EXPECT_EQ(code_of(sub.unsubscribe(3)), errc::invalid_subscription);
}

TEST_P(subscriptions, destroying_one_unsubscribes_at_once) {
    const nats_server& server = start();
    client nc = connect();
    {
        const subscription sub = subscribed(nc, "d");
        EXPECT_EQ(known_to(server, nc), "1");
    }
    // No call is needed for the UNSUB to leave.
    client other = connect();
    const auto gone = [&] { return code_of(other.request("d", {}, 1s)) == errc::no_responders; };
    EXPECT_TRUE(wait_until(gone, long_enough));
    EXPECT_EQ(known_to(server, nc), "0");
}

TEST_P(subscriptions, unsubscribe_after_a_maximum) {
    const nats_server& server = start();
    client nc = connect();
    subscription sub = subscribed(nc, "max");
    ASSERT_TRUE(sub.unsubscribe(3));
    for (int i = 0; i < 5; ++i)
        ASSERT_TRUE(nc.publish("max", std::to_string(i), {.reply = "r", .headers = {}}));
    EXPECT_EQ(next_payload(sub), "0");
    EXPECT_TRUE(sub.valid() || through_asio); // which reads all that comes
    EXPECT_EQ(next_payload(sub), "1");
    const message last = sub.next(long_enough).value();
    EXPECT_EQ(last.payload(), "2");
    EXPECT_FALSE(sub.valid());
    EXPECT_EQ(code_of(sub.next(long_enough)), errc::max_messages_reached);
    EXPECT_EQ(code_of(sub.unsubscribe()), errc::invalid_subscription);
    EXPECT_TRUE(nc.respond(last, "still possible"));
    EXPECT_EQ(known_to(server, nc), "0");
}

TEST_P(subscriptions, a_maximum_that_was_reached_before_ends_it_at_once) {
    const nats_server& server = start();
    client nc = connect();
    subscription sub = subscribed(nc, "late");
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(nc.publish("late", std::to_string(i)));
    ASSERT_TRUE(nc.flush()); // all four are in the queue
    EXPECT_EQ(next_payload(sub), "0");
    EXPECT_EQ(next_payload(sub), "1");
    EXPECT_EQ(code_of(sub.unsubscribe(0)), errc::invalid_argument);
    ASSERT_TRUE(sub.unsubscribe(3));
    EXPECT_FALSE(sub.valid());
    EXPECT_EQ(known_to(server, nc), "0");
    EXPECT_EQ(next_payload(sub), "2"); // what had come can still be read
    EXPECT_EQ(next_payload(sub), "3");
    EXPECT_EQ(code_of(sub.next(0s)), errc::max_messages_reached);
}

TEST_P(subscriptions, the_maximum_can_be_changed) {
    client nc = connect();
    subscription sub = subscribed(nc, "change");
    ASSERT_TRUE(sub.unsubscribe(100));
    ASSERT_TRUE(sub.unsubscribe(2));
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(nc.publish("change", std::to_string(i)));
    EXPECT_EQ(next_payload(sub), "0");
    EXPECT_EQ(next_payload(sub), "1");
    EXPECT_EQ(code_of(sub.next(long_enough)), errc::max_messages_reached);
}

} // namespace
} // namespace nats::test

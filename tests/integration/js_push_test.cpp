// SPDX-License-Identifier: Apache-2.0
//
// Proves push consumers of real servers: everything is delivered over flow control, queue groups
// share, heartbeats that do not come are told, and nothing stays behind.

#include "integration/js_server_test.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace nats::test {
namespace {

class js_push : public js_server_test {
protected:
    static js::consumer_config pushed() {
        js::consumer_config c;
        c.flow_control = true;
        c.idle_heartbeat = 200ms;
        return c;
    }
};
NATSPROTO_ON_NATS_SERVERS(js_push);

TEST_P(js_push, messages) {
    client nc = connect();
    make_stream(nc, 3);
    jetstream js(nc);
    auto flow = js.push_consumer("S", pushed()).messages().value();
    for (int i = 1; i <= 3; ++i) {
        std::optional<js::message> m = flow.next(long_enough).value();
        ASSERT_TRUE(m);
        EXPECT_EQ(m->payload(), std::to_string(i));
        EXPECT_TRUE(js.ack_confirmed(*m, long_enough));
    }
    EXPECT_EQ(flow.next(1s).error(), errc::timeout) << "heartbeats are not for the user";
    EXPECT_FALSE(flow.ended());
    ASSERT_EQ(js.consumer_names("S").value().size(), 1U);
    flow.drain();
    EXPECT_FALSE(flow.next(long_enough).value());
    EXPECT_EQ(flow.why().value(), errc::consumption_stopped);
    EXPECT_TRUE(wait_until([&] { return js.consumer_names("S").value().empty(); }, long_enough));
}

/// It is listened to where it pushes, and stays when nobody listens any more.
TEST_P(js_push, of_one_that_is_there) {
    client nc = connect();
    make_stream(nc, 3);
    jetstream js(nc);
    js::consumer_config c;
    c.name = "there";
    c.deliver_subject = "deliver.there";
    c.deliver_group = "workers";
    c.idle_heartbeat = 200ms;
    c.inactive_threshold = 1h; // ephemeral
    const js::consumer_info made = js.create_consumer("S", c).value();
    {
        auto flow = js.push_consumer(made).messages().value();
        for (int i = 1; i <= 3; ++i) {
            std::optional<js::message> m = flow.next(long_enough).value();
            ASSERT_TRUE(m);
            EXPECT_EQ(m->payload(), std::to_string(i));
            EXPECT_TRUE(js.ack_confirmed(*m, long_enough));
        }
        EXPECT_TRUE(js.consumer_info("S", "there").value().push_bound);
    }
    (void)nc.flush().value();
    EXPECT_EQ(js.consumer_names("S").value(), std::vector<std::string>{"there"});
    auto flow = js.push_consumer(made).messages().value();
    ASSERT_TRUE(js.delete_consumer("S", "there"));
    EXPECT_FALSE(flow.next(long_enough).value());
    EXPECT_EQ(flow.why().value(), errc::consumer_deleted);

    const js::consumer_info pulls = js.create_consumer("S", js::consumer_config("pulls")).value();
    EXPECT_EQ(code_of(js.push_consumer(pulls).messages()), errc::invalid_argument);
}

TEST_P(js_push, more_than_flow_control_lets_through_at_once) {
    client nc = connect();
    make_stream(nc, 0);
    jetstream js(nc);
    const std::string large(100'000, 'x');
    constexpr int count = 400; // 40 MB, over the 32 MB that may be on their way
    for (int i = 0; i < count; ++i) ASSERT_TRUE(nc.publish("s.x", large));
    (void)nc.flush().value();
    js::consumer_config c = pushed();
    c.ack_policy = js::ack_policy::none;
    int n = 0;
    auto flow = js.push_consumer("S", c).consume([&](js::message_view&) { ++n; }).value();
    poll_until(nc, [&] { return n == count; });
    EXPECT_FALSE(flow.ended());
}

TEST_P(js_push, a_durable_one_of_a_group) {
    client nc = connect();
    make_stream(nc, 200);
    jetstream js(nc);
    js::consumer_config c("D");
    c.deliver_subject = "deliver.d";
    c.deliver_group = "workers";
    std::multiset<std::string> got;
    int of_first = 0;
    auto push = js.push_consumer("S", c);
    auto first = push.consume([&](js::message_view& m) {
                         ++of_first;
                         got.insert(std::string(m.payload()));
                         EXPECT_TRUE(js.ack(m));
                     })
                     .value();
    auto second = push.consume([&](js::message_view& m) {
                          got.insert(std::string(m.payload()));
                          EXPECT_TRUE(js.ack(m));
                      })
                      .value();
    poll_until(nc, [&] { return got.size() >= 200; });
    EXPECT_EQ(std::set<std::string>(got.begin(), got.end()).size(), 200U);
    first.stop();
    second.stop();
    (void)nc.flush().value();
    EXPECT_EQ(js.consumer_names("S").value(), std::vector<std::string>{"D"}) << "it stays";
}

TEST_P(js_push, a_consumer_that_is_deleted) {
    client nc = connect();
    make_stream(nc, 1);
    jetstream js(nc);
    js::consumer_config c = pushed();
    c.name = "mine";
    std::vector<error> warnings;
    std::optional<error> end;
    int n = 0;
    auto flow = js.push_consumer("S", c).consume([&](js::message_view&) { ++n; }).value();
    flow.on_warning([&](const error& w) { warnings.push_back(w); });
    flow.on_end([&](const error& why) { end = why; });
    poll_until(nc, [&] { return n == 1; });
    ASSERT_TRUE(js.delete_consumer("S", "mine"));
    poll_until(nc, [&] { return end.has_value(); });
    EXPECT_EQ(*end, errc::consumer_deleted);
}

TEST_P(js_push, over_a_restart) {
    client nc = connect(patient());
    make_stream(nc, 2);
    jetstream js(nc);
    js::consumer_config c = pushed();
    c.durable_name = "D";
    c.deliver_subject = "deliver.d";
    auto flow = js.push_consumer("S", c).messages().value();
    for (int i = 0; i < 2; ++i) {
        std::optional<js::message> m = flow.next(long_enough).value();
        ASSERT_TRUE(m);
        EXPECT_TRUE(js.ack_confirmed(*m, long_enough));
    }
    server().stop();
    server().restart();
    poll_until(nc, [&] { return nc.stats().reconnects == 1; });
    publish(nc, 3, 3);
    EXPECT_EQ(flow.next(long_enough).value()->payload(), "3");
}

TEST_P(js_push, what_cannot_be_made) {
    client nc = connect();
    make_stream(nc, 1);
    jetstream js(nc);
    auto flow = js.push_consumer("T", pushed()).messages().value();
    EXPECT_FALSE(flow.next(long_enough).value());
    EXPECT_EQ(flow.why()->api_code(), 10059);
    EXPECT_EQ(js.push_consumer("a.b").messages().error(), errc::invalid_name);
    js::consumer_config c;
    c.deliver_subject = "a b";
    EXPECT_EQ(js.push_consumer("S", c).messages().error(), errc::invalid_subject);
}

} // namespace
} // namespace nats::test

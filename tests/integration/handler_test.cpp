// SPDX-License-Identifier: Apache-2.0
//
// Proves that handlers get each message once and in order, during any waiting call, and may do
// there what they like: throw, end their own subscription, change its maximum.

#include "integration/server_test.hpp"

#include <optional>
#include <stdexcept>
#include <vector>

namespace nats::test {
namespace {

class handlers : public server_test {
protected:
    using handler = std::function<void(const message_view&)>;

    [[nodiscard]] static subscription handled(client& nc, std::string_view subject, handler h) {
        subscription sub = nc.subscribe(subject, std::move(h)).value();
        (void)nc.flush().value();
        return sub;
    }
};
NATSPROTO_ON_EVERY_SERVER(handlers);

TEST_P(handlers, run_in_order_during_any_waiting_call) {
    client nc = connect();
    std::string seen;
    const subscription sub =
        handled(nc, "h", [&seen](const message_view& m) { seen += m.payload; });
    subscription other = subscribed(nc, "other");
    const auto publish = [&nc](std::string_view text) { ASSERT_TRUE(nc.publish("h", text)); };
    publish("flush,");
    ASSERT_TRUE(nc.flush());
    publish("next,");
    ASSERT_TRUE(nc.publish("other"));
    (void)next_payload(other);
    publish("request,");
    EXPECT_EQ(code_of(nc.request("nobody")), errc::no_responders);
    EXPECT_EQ(seen, "flush,next,request,");
    publish("poll,");
    EXPECT_EQ(nc.poll(long_enough).value(), 1U);
    publish("run_for");
    ASSERT_TRUE(nc.run_for(100ms));
    EXPECT_EQ(seen, "flush,next,request,poll,run_for");
    EXPECT_EQ(sub.queue().delivered(), 5U);
}

TEST_P(handlers, a_subscription_has_either_a_handler_or_a_reader) {
    client nc = connect();
    subscription sub = handled(nc, "h", [](const message_view&) {});
    EXPECT_EQ(code_of(sub.next(0s)), errc::invalid_argument);
    EXPECT_EQ(code_of(nc.subscribe("h", handler())), errc::invalid_argument);
}

TEST_P(handlers, may_end_their_own_subscription) {
    client nc = connect();
    std::optional<subscription> self;
    int calls = 0;
    self = handled(nc, "h", [&](const message_view& m) {
        ++calls;
        self.reset();
        EXPECT_EQ(m.payload, "first"); // the view outlives the subscription
    });
    ASSERT_TRUE(nc.publish("h", "first"));
    ASSERT_TRUE(nc.publish("h", "second"));
    ASSERT_TRUE(nc.flush());
    EXPECT_EQ(calls, 1);
}

TEST_P(handlers, may_set_a_maximum_from_inside) {
    client nc = connect();
    std::optional<subscription> self;
    int calls = 0;
    self = handled(nc, "h", [&](const message_view&) {
        ++calls;
        EXPECT_TRUE(calls != 1 || self->unsubscribe(2));
    });
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(nc.publish("h"));
    ASSERT_TRUE(nc.flush());
    EXPECT_EQ(calls, 2);
    EXPECT_FALSE(self->valid());
}

TEST_P(handlers, what_they_throw_comes_out_of_the_waiting_call) {
    client nc = connect();
    std::string seen;
    const subscription sub = handled(nc, "h", [&](const message_view& m) {
        seen += m.payload;
        if (m.payload == "bad") throw std::runtime_error("from the handler");
    });
    subscription read = subscribed(nc, "read");
    for (const char* text : {"bad", "1", "bad", "2"}) ASSERT_TRUE(nc.publish("h", text));
    ASSERT_TRUE(nc.publish("read", "r"));
    EXPECT_THROW((void)nc.flush(), std::runtime_error);
    EXPECT_THROW((void)read.next(long_enough), std::runtime_error);
    EXPECT_EQ(next_payload(read), "r");
    EXPECT_EQ(seen, "bad1bad2");
    ASSERT_TRUE(nc.flush()); // the PONG of the flush that was left is not taken for this one's
}

TEST_P(handlers, an_observer_is_told_of_everything_but_messages) {
    client nc = connect();
    int pongs = 0;
    int others = 0;
    nc.on_event([&](const event& e) {
        if (std::holds_alternative<ev::pong>(e))
            ++pongs;
        else if (!std::holds_alternative<ev::info>(e)) // servers since 2.12 send a second INFO
            ++others;
    });
    const subscription sub = handled(nc, "h", [](const message_view&) {});
    ASSERT_TRUE(nc.publish("h"));
    ASSERT_TRUE(nc.flush());
    EXPECT_EQ(pongs, 2);
    EXPECT_EQ(others, 0);
}

TEST_P(handlers, an_observer_in_the_options_also_sees_how_connecting_went) {
    const std::string servers = "nats://127.0.0.1:1," + start().url();
    options o;
    o.servers = servers;
    o.randomize = false;
    std::string seen;
    blocking_options b;
    b.on_event_context = &seen;
    b.on_event = [](void* text, const event& e) {
        auto& out = *static_cast<std::string*>(text);
        if (const auto* f = std::get_if<ev::connect_failed>(&e))
            out += "failed " + f->server->text() + ',';
        if (std::holds_alternative<ev::connected>(e)) out += "connected,";
        if (std::holds_alternative<ev::closed>(e)) out += "closed";
    };
    client nc = client::connect(o, b).value();
    EXPECT_EQ(seen, "failed 127.0.0.1:1,connected,");
    nc.close();
    EXPECT_EQ(seen, "failed 127.0.0.1:1,connected,closed");
}

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Proves that handlers of the blocking client may make waiting calls: messages for handlers are
// then queued, none is entered twice, and nothing is left behind when one throws.

#include "integration/server_test.hpp"

#include <functional>
#include <stdexcept>
#include <string>

namespace nats::test {
namespace {

class waiting_handlers : public server_test {
protected:
    [[nodiscard]] static subscription handled(client& nc, std::string_view subject,
                                              std::function<void(const message_view&)> h) {
        subscription sub = nc.subscribe(subject, std::move(h)).value();
        (void)nc.flush().value();
        return sub;
    }
};
NATSPROTO_ON_EVERY_SERVER(waiting_handlers);

TEST_P(waiting_handlers, may_wait_themselves) {
    client nc = connect();
    std::string order;
    subscription service = handled(nc, "service", [&](const message_view& m) {
        ASSERT_TRUE(nc.respond(m, "served " + std::string(m.payload)));
    });
    subscription read = subscribed(nc, "read");
    const subscription outer = handled(nc, "outer", [&](const message_view& m) {
        order += '<' + std::string(m.payload);
        EXPECT_TRUE(nc.flush(long_enough));
        EXPECT_TRUE(nc.publish("read", "for the reader"));
        EXPECT_EQ(next_payload(read), "for the reader");
        order += '>';
    });
    for (const char* n : {"1", "2", "3"}) ASSERT_TRUE(nc.publish("outer", n));
    ASSERT_TRUE(nc.flush());
    EXPECT_EQ(order, "<1><2><3>"); // one at a time
    EXPECT_EQ(outer.queue().delivered(), 3U);
    EXPECT_EQ(std::string(nc.request("service", "you").value().payload()), "served you");
}

TEST_P(waiting_handlers, messages_for_others_wait_until_the_handler_returns) {
    client nc = connect();
    std::string order;
    const subscription b = handled(nc, "b", [&](const message_view& m) { order += m.payload; });
    const subscription a = handled(nc, "a", [&](const message_view&) {
        order += "[";
        EXPECT_TRUE(nc.publish("b", "b1"));
        EXPECT_TRUE(nc.publish("b", "b2"));
        EXPECT_TRUE(nc.flush()); // they have come by now
        order += "]";
    });
    ASSERT_TRUE(nc.publish("a"));
    ASSERT_TRUE(nc.flush());
    EXPECT_EQ(order, "[]b1b2");
}

TEST_P(waiting_handlers, one_that_waits_and_throws_leaves_nothing_undelivered) {
    client nc = connect();
    std::string seen;
    bool thrown = false;
    const subscription sub = handled(nc, "h", [&](const message_view& m) {
        seen += m.payload;
        if (thrown) return;
        EXPECT_TRUE(nc.flush()); // "2" and "3" are queued behind this one
        thrown = true;
        throw std::runtime_error("from the handler");
    });
    for (const char* text : {"1", "2", "3"}) ASSERT_TRUE(nc.publish("h", text));
    EXPECT_THROW((void)nc.flush(), std::runtime_error);
    EXPECT_EQ(seen, "1");
    ASSERT_TRUE(nc.flush());
    EXPECT_EQ(seen, "123");
}

TEST_P(waiting_handlers, that_request_get_their_own_replies) {
    client nc = connect();
    const subscription echo = handled(nc, "echo", [&nc](const message_view& m) {
        ASSERT_TRUE(nc.respond(m, m.payload, m.headers));
    });
    client backend = connect();
    subscription work = subscribed(backend, "backend");
    const subscription front =
        nc.subscribe("front", [&](const message_view& m) {
              // No handler runs inside of this one, so the backend cannot be a handler of this
              // connection.
              const std::string reply(m.reply);
              ASSERT_TRUE(nc.publish("backend", m.payload, {.reply = "back", .headers = {}}));
              ASSERT_TRUE(nc.flush());
              ASSERT_TRUE(backend.respond(work.next(long_enough).value(), "inner"));
              ASSERT_TRUE(backend.flush());
              EXPECT_EQ(code_of(nc.request("nobody")), errc::no_responders);
              ASSERT_TRUE(nc.publish(reply, "outer"));
          }).value();
    subscription back = subscribed(nc, "back");
    EXPECT_EQ(nc.request("front", "x", long_enough).value().payload(), "outer");
    EXPECT_EQ(next_payload(back), "inner");
}

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Proves that what a server refuses by -ERR arrives as the error that it is: with its code, its
// text, the subscription it is about, and an end of the connection only where the server ends it.

#include "integration/server_test.hpp"

#include <optional>
#include <string>
#include <vector>

namespace nats::test {
namespace {

/// A copy of ev::server_error.
struct refusal {
    errc code{};
    std::string text;
    std::string subject;
    std::string queue;
    std::optional<sub_id> sub;
};

class server_errors : public server_test {
protected:
    static constexpr std::string_view permissions = R"(
        authorization {
          users: [ { user: joe, password: joe, permissions: {
            publish: { deny: ["secret.>"] }
            subscribe: { deny: ["closed.>", "work bad"] } } } ]
        })";

    void watch(client& nc) {
        nc.on_event([this](const event& e) {
            const auto* error = std::get_if<ev::server_error>(&e);
            if (error == nullptr) return;
            refused.push_back({error->what.code, std::string(error->text),
                               std::string(error->what.subject), std::string(error->what.queue),
                               error->sub});
        });
    }
    [[nodiscard]] client joe() { return connect({.user = "joe", .password = "joe"}); }

    std::vector<refusal> refused;
};
NATSPROTO_ON_EVERY_SERVER(server_errors);

TEST_P(server_errors, publishing_without_permission) {
    start(permissions);
    client nc = joe();
    watch(nc);
    ASSERT_TRUE(nc.publish("secret.plan", "x"));
    ASSERT_TRUE(nc.flush());
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].code, errc::permissions_violation);
    EXPECT_EQ(refused[0].subject, "secret.plan");
    EXPECT_NE(refused[0].text.find("Permissions Violation for Publish"), std::string::npos);
    EXPECT_FALSE(refused[0].sub);
    ASSERT_TRUE(nc.publish("open", "x"));
    ASSERT_TRUE(nc.flush());
    EXPECT_EQ(refused.size(), 1U);
    EXPECT_EQ(nc.status(), session_status::connected);
}

TEST_P(server_errors, subscribing_without_permission_names_the_subscription) {
    start(permissions);
    client nc = joe();
    watch(nc);
    subscription good = subscribed(nc, "open");
    const subscription bad = subscribed(nc, "closed.door");
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].code, errc::permissions_violation);
    EXPECT_EQ(refused[0].subject, "closed.door");
    EXPECT_EQ(refused[0].sub, bad.id());
    ASSERT_TRUE(nc.publish("open", "goes on"));
    EXPECT_EQ(next_payload(good), "goes on");
}

TEST_P(server_errors, the_queue_group_decides_which_subscription_it_was) {
    start(permissions);
    client nc = joe();
    watch(nc);
    const subscription plain = subscribed(nc, "work");
    const subscription good = subscribed(nc, "work", {.queue = "good"});
    EXPECT_TRUE(refused.empty());
    const subscription bad = subscribed(nc, "work", {.queue = "bad"});
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].queue, "bad");
    EXPECT_EQ(refused[0].sub, bad.id());
}

TEST_P(server_errors, a_request_without_permission_is_no_missing_responder) {
    start(permissions);
    client nc = joe();
    watch(nc);
    EXPECT_EQ(code_of(nc.request("secret.plan", {}, 100ms)), errc::timeout);
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].subject, "secret.plan");
}

TEST_P(server_errors, too_many_connections) {
    const nats_server& server = start("max_connections: 1");
    client first = connect();
    const stopwatch watch;
    const result<client> second = client::connect(server.url());
    EXPECT_EQ(code_of(second), errc::max_connections_exceeded);
    EXPECT_NE(second.error().detail().find("maximum connections exceeded"), std::string::npos);
    EXPECT_LT(watch.elapsed(), at_once);
    EXPECT_TRUE(first.flush());
    first.close();
    EXPECT_TRUE(wait_until([&] { return client::connect(server.url()).has_value(); }, long_enough));
}

TEST_P(server_errors, too_many_subscriptions) {
    start("max_subscriptions: 2");
    client nc = connect();
    watch(nc);
    subscription a = subscribed(nc, "a");
    const subscription b = subscribed(nc, "b");
    EXPECT_TRUE(refused.empty());
    const subscription c = subscribed(nc, "c");
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].code, errc::max_subscriptions_exceeded);
    ASSERT_TRUE(nc.publish("a", "goes on"));
    EXPECT_EQ(next_payload(a), "goes on");
}

TEST_P(server_errors, a_control_line_that_only_the_server_finds_too_long) {
    start("max_control_line: 512"); // INFO does not tell
    client nc = connect({.reconnect = false});
    watch(nc);
    ASSERT_TRUE(nc.publish(std::string(600, 's'), "x"));
    const result<duration> flushed = nc.flush(long_enough);
    EXPECT_EQ(code_of(flushed), errc::server_max_control_line);
    EXPECT_EQ(nc.status(), session_status::closed);
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].code, errc::server_max_control_line);
    EXPECT_EQ(code_of(nc.publish("x")), errc::connection_closed);
}

} // namespace
} // namespace nats::test

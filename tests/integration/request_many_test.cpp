// SPDX-License-Identifier: Apache-2.0
//
// Proves every rule that ends a request for many replies, against responders of a real server, and
// that nothing stays subscribed when it has ended.

#include "integration/server_test.hpp"

#include <optional>
#include <vector>

namespace nats::test {
namespace {

class many_replies : public server_test {
protected:
    /// Answers "list" with the payloads given, in this order.
    void serve(client& nc, std::vector<std::string> answers) {
        service_ = nc.subscribe("list", [&nc, answers = std::move(answers)](const message_view& m) {
                         for (const std::string& a : answers) ASSERT_TRUE(nc.respond(m, a));
                     }).value();
        (void)nc.flush().value();
    }
    /// All replies with a comma behind each, then how it ended.
    [[nodiscard]] static std::string collect(replies& r) {
        std::string out;
        while (true) {
            const result<std::optional<message>> next = r.next();
            if (!next) return out + std::string(describe(next.error().code()));
            if (!*next) return out + "end";
            out += std::string((*next)->payload()) + ',';
        }
    }
    [[nodiscard]] static std::string collect(client& nc, const request_many_options& o) {
        replies r = nc.request_many("list", "all", o).value();
        return collect(r);
    }
    [[nodiscard]] static std::string subscriptions(const nats_server& server, client& nc) {
        (void)nc.flush().value();
        const std::string page = server.monitor("/connz");
        const std::size_t at = page.find("\"subscriptions\": ");
        return at == std::string::npos ? page : page.substr(at, page.find(',', at) - at);
    }

private:
    std::optional<subscription> service_;
};
NATSPROTO_ON_EVERY_SERVER(many_replies);

TEST_P(many_replies, end_after_the_timeout) {
    client nc = connect();
    serve(nc, {"a", "b", "c"});
    const stopwatch watch;
    EXPECT_EQ(collect(nc, {.timeout = 150ms}), "a,b,c,end");
    EXPECT_GE(watch.elapsed(), 150ms);
    EXPECT_LT(watch.elapsed(), at_once);
}

TEST_P(many_replies, end_when_they_stall) {
    client nc = connect();
    serve(nc, {"a", "b", "c"});
    const stopwatch watch;
    EXPECT_EQ(collect(nc, {.timeout = long_enough, .stall = 100ms}), "a,b,c,end");
    EXPECT_GE(watch.elapsed(), 100ms);
    EXPECT_LT(watch.elapsed(), at_once);
}

TEST_P(many_replies, end_after_so_many) {
    const nats_server& server = start();
    client nc = connect();
    serve(nc, {"a", "b", "c"});
    const stopwatch watch;
    replies r = nc.request_many("list", "all", {.timeout = long_enough, .max_messages = 2}).value();
    EXPECT_EQ(collect(r), "a,b,end");
    EXPECT_LT(watch.elapsed(), at_once);
    EXPECT_EQ(collect(r), "end"); // and stays ended
    EXPECT_EQ(subscriptions(server, nc), "\"subscriptions\": 1");
}

TEST_P(many_replies, end_at_an_empty_one) {
    client nc = connect();
    serve(nc, {"a", "", "c"});
    EXPECT_EQ(collect(nc, {.timeout = long_enough, .until_empty = true}), "a,end");
    EXPECT_EQ(collect(nc, {.timeout = long_enough, .max_messages = 3}), "a,,c,end");
}

TEST_P(many_replies, end_at_one_that_the_caller_knows) {
    client nc = connect();
    serve(nc, {"a", "b", "stop", "c"});
    const auto last = [](const message_view& m) { return m.payload == "stop"; };
    EXPECT_EQ(collect(nc, {.timeout = long_enough, .until = last}), "a,b,end");
}

TEST_P(many_replies, end_at_once_without_a_responder) {
    const nats_server& server = start();
    client nc = connect();
    const stopwatch watch;
    EXPECT_EQ(collect(nc, {.timeout = long_enough}), describe(errc::no_responders));
    EXPECT_LT(watch.elapsed(), at_once);
    EXPECT_EQ(subscriptions(server, nc), "\"subscriptions\": 0");
}

TEST_P(many_replies, end_at_any_other_status) {
    client nc = connect();
    const header_view status("NATS/1.0 404 No Such Thing\r\n\r\n");
    const subscription service = nc.subscribe("list", [&](const message_view& m) {
                                       ASSERT_TRUE(nc.respond(m, "a"));
                                       ASSERT_TRUE(nc.respond(m, {}, status));
                                   }).value();
    replies r = nc.request_many("list", {}, {.timeout = long_enough}).value();
    EXPECT_EQ(r.next().value()->payload(), "a");
    const result<std::optional<message>> end = r.next();
    EXPECT_EQ(code_of(end), errc::server_error);
    EXPECT_EQ(end.error().status(), 404);
    EXPECT_EQ(end.error().detail(), "No Such Thing");
}

TEST_P(many_replies, bad_options_are_refused) {
    client nc = connect();
    EXPECT_EQ(code_of(nc.request_many("list", {}, {.timeout = 0s})), errc::invalid_argument);
    EXPECT_EQ(code_of(nc.request_many("list", {}, {.stall = 0s})), errc::invalid_argument);
    EXPECT_EQ(code_of(nc.request_many("list", {}, {.max_messages = 0})), errc::invalid_argument);
}

TEST_P(many_replies, leaving_early_unsubscribes) {
    const nats_server& server = start();
    client nc = connect();
    serve(nc, {"a", "b", "c"});
    {
        replies r = nc.request_many("list", "all", {.timeout = long_enough}).value();
        EXPECT_EQ(r.next_view().value()->payload, "a");
        EXPECT_EQ(subscriptions(server, nc), "\"subscriptions\": 2");
    }
    EXPECT_EQ(subscriptions(server, nc), "\"subscriptions\": 1");
}

#ifndef NATSPROTO_TEST_ON_ASIO // there is nothing to interrupt

TEST_P(many_replies, an_interrupt_does_not_end_them) {
    client nc = connect();
    std::string inbox;
    const subscription service = nc.subscribe("list", [&](const message_view& m) {
                                       inbox = m.reply;
                                       for (const char* a : {"a", "b"})
                                           ASSERT_TRUE(nc.respond(m, a));
                                   }).value();
    replies r = nc.request_many("list", "all", {.timeout = long_enough, .max_messages = 3}).value();
    EXPECT_EQ(r.next().value()->payload(), "a");
    EXPECT_EQ(r.next().value()->payload(), "b");
    nc.interrupt();
    EXPECT_EQ(code_of(r.next()), errc::interrupted);
    ASSERT_TRUE(nc.publish(inbox, "late"));
    EXPECT_EQ(collect(r), "late,end");
}

#endif

TEST_P(many_replies, may_come_from_several_connections) {
    client nc = connect();
    std::vector<client> services;
    std::vector<subscription> asked;
    for (int i = 0; i < 4; ++i) {
        services.push_back(connect());
        asked.push_back(subscribed(services.back(), "census"));
    }
    replies r = nc.request_many("census", {}, {.timeout = long_enough, .max_messages = 4}).value();
    for (std::size_t i = 0; i < 4; ++i) {
        const message m = asked[i].next(long_enough).value();
        ASSERT_TRUE(services[i].respond(m, std::to_string(i)));
        ASSERT_TRUE(services[i].flush()); // so the order is known
    }
    EXPECT_EQ(collect(r), "0,1,2,3,end");
}

} // namespace
} // namespace nats::test

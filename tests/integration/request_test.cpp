// SPDX-License-Identifier: Apache-2.0
//
// Proves that each request gets its own reply, once: or "no responders" at once, or a timeout, or
// the reason why it was not sent.

#include "integration/server_test.hpp"

#include <vector>

namespace nats::test {
namespace {

class requests : public server_test {
protected:
    /// A request that others of its kind run beside of.
    [[nodiscard]] static op<std::string> ask(runtime& rt, std::string payload,
                                             time_point deadline) {
        const result<message_view> reply = co_await rt.request("ask", payload, {}, deadline);
        co_return reply ? std::string(reply->payload) : reply.error().message();
    }
    /// Answers "echo" with what it got.
    [[nodiscard]] static subscription echo_service(client& nc) {
        subscription sub = nc.subscribe("echo", [&nc](const message_view& m) {
                                 ASSERT_TRUE(nc.respond(m, m.payload, m.headers));
                             }).value();
        (void)nc.flush().value();
        return sub;
    }
};
NATSPROTO_ON_EVERY_SERVER(requests);

TEST_P(requests, get_their_reply) {
    client nc = connect();
    const subscription service = echo_service(nc);
    headers h;
    ASSERT_TRUE(h.add("K", "1"));
    ASSERT_TRUE(h.add("K", "2"));
    const message reply = nc.request("echo", "hello", long_enough, h).value();
    EXPECT_EQ(reply.payload(), "hello");
    EXPECT_EQ(reply.headers().values("K"), (std::vector<std::string_view>{"1", "2"}));
    EXPECT_EQ(nc.request("echo").value().payload(), "");
    const message_view view = nc.request_view("echo", "a view").value();
    EXPECT_EQ(view.payload, "a view");
}

TEST_P(requests, share_one_inbox_under_the_prefix) {
    const nats_server& server = start();
    client nc = connect({.inbox_prefix = "_BOX.of.mine"});
    std::vector<std::string> replies;
    const subscription service = nc.subscribe("s", [&](const message_view& m) {
                                       replies.emplace_back(m.reply);
                                       ASSERT_TRUE(nc.respond(m));
                                   }).value();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(nc.request("s"));
    ASSERT_EQ(replies.size(), 3U);
    const std::string inbox = replies[0].substr(0, replies[0].rfind('.'));
    EXPECT_TRUE(inbox.starts_with("_BOX.of.mine."));
    EXPECT_EQ(inbox.size(), std::string("_BOX.of.mine.").size() + 22);
    for (const std::string& r : replies) EXPECT_EQ(r.substr(0, r.rfind('.')), inbox);
    EXPECT_NE(replies[0], replies[1]);
    EXPECT_NE(replies[1], replies[2]);
    const std::string page = server.monitor("/connz");
    EXPECT_NE(page.find("\"subscriptions\": 2"), std::string::npos) << page;
}

TEST_P(requests, bad_inbox_prefixes_are_refused_before_connecting) {
    const nats_server& server = start();
    const std::string url = server.url();
    for (const std::string_view prefix : {"", "a.", ".a", "a..b", "a.*", "a.>", "a b", "a\r\nb"}) {
        EXPECT_EQ(code_of(client::connect({.servers = url, .inbox_prefix = prefix})),
                  errc::invalid_inbox_prefix)
            << printable(prefix);
    }
}

TEST_P(requests, without_a_responder_fail_at_once) {
    client nc = connect();
    const stopwatch watch;
    const result<message> reply = nc.request("nobody.here", "hello?", long_enough);
    EXPECT_EQ(code_of(reply), errc::no_responders);
    EXPECT_EQ(reply.error().status(), 503);
    EXPECT_NE(reply.error().detail().find("nobody.here"), std::string::npos);
    EXPECT_LT(watch.elapsed(), at_once);
}

TEST_P(requests, a_status_503_with_a_payload_is_a_reply) {
    client nc = connect();
    const header_view forged("NATS/1.0 503\r\n\r\n");
    const subscription service = nc.subscribe("forger", [&](const message_view& m) {
                                       ASSERT_TRUE(nc.respond(m, "not what it seems", forged));
                                   }).value();
    const message reply = nc.request("forger").value();
    EXPECT_EQ(reply.payload(), "not what it seems");
    EXPECT_EQ(reply.status(), 503);
}

TEST_P(requests, time_out_and_a_late_reply_is_dropped) {
    client nc = connect();
    subscription silent = subscribed(nc, "silent");
    const stopwatch watch;
    const result<message> reply = nc.request("silent", "1", 50ms);
    EXPECT_EQ(code_of(reply), errc::timeout);
    EXPECT_NE(reply.error().detail().find("silent"), std::string::npos);
    EXPECT_GE(watch.elapsed(), 50ms);
    EXPECT_LT(watch.elapsed(), at_once);
    const subscription service = echo_service(nc);
    ASSERT_TRUE(nc.respond(silent.next(0s).value(), "late"));
    EXPECT_EQ(nc.request("echo", "mine").value().payload(), "mine");
    for (const duration bad : {duration(0s), duration(-1s)})
        EXPECT_EQ(code_of(nc.request("echo", {}, bad)), errc::invalid_argument);
}

TEST_P(requests, the_first_of_several_replies_wins) {
    client nc = connect();
    const subscription service = nc.subscribe("twice", [&](const message_view& m) {
                                       for (const char* n : {"1", "2", "3"})
                                           ASSERT_TRUE(nc.respond(m, n));
                                   }).value();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(nc.request("twice").value().payload(), "1");
}

TEST_P(requests, many_in_a_row) {
    client nc = connect();
    const subscription service = echo_service(nc);
    for (int i = 0; i < 1000; ++i) {
        const std::string n = std::to_string(i);
        ASSERT_EQ(nc.request("echo", n).value().payload(), n);
    }
    EXPECT_EQ(nc.rt().waiting_requests(), 0U);
}

#ifndef NATSPROTO_TEST_ON_ASIO // ops are started by `run` only

TEST_P(requests, simultaneous_ones_get_their_own_replies) {
    client nc = connect();
    client other = connect();
    subscription asked = subscribed(other, "ask");
    std::vector<op<std::string>> running;
    const time_point deadline = clock::now() + long_enough;
    for (int i = 0; i < 100; ++i) {
        running.push_back(ask(nc.rt(), std::to_string(i), deadline));
        running.back().start();
    }
    EXPECT_EQ(nc.rt().waiting_requests(), 100U);
    ASSERT_TRUE(nc.write());
    std::vector<message> open;
    for (int i = 0; i < 100; ++i) open.push_back(asked.next(long_enough).value());
    for (std::size_t i = open.size(); i-- > 0;) // the other way round
        ASSERT_TRUE(other.respond(open[i], "re " + std::string(open[i].payload())));
    ASSERT_TRUE(other.flush());
    ASSERT_TRUE(nc.flush());
    for (std::size_t i = 0; i < running.size(); ++i) {
        ASSERT_TRUE(running[i].done());
        EXPECT_EQ(running[i].take(), "re " + std::to_string(i));
    }
}

#endif

TEST_P(requests, of_the_largest_size) {
    client nc = connect();
    const subscription service = echo_service(nc);
    std::string large(1024 * 1024, ' ');
    for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 31 + i / 997);
    EXPECT_EQ(nc.request("echo", large, long_enough).value().payload(), large);
}

TEST_P(requests, on_a_closed_connection) {
    client nc = connect();
    nc.close();
    EXPECT_EQ(code_of(nc.request("echo")), errc::connection_closed);
    EXPECT_EQ(code_of(nc.request_many("echo")), errc::connection_closed);
}

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// What a new connection gets: subscriptions with what is left of their maxima, then the publishes
// that were kept, in order, within their limits; and what becomes of requests that wait.

#include <natsproto/client/ops.hpp>
#include <natsproto/headers.hpp>

#include "support/net_client.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace nats::test {
namespace {

using namespace std::chrono_literals;
using lines = std::vector<std::string>;

options exact() {
    options o;
    o.servers = "nats://a:1";
    o.reconnect_wait = 10ms;
    o.reconnect_jitter = {};
    return o;
}

class restore : public testing::Test {
protected:
    void begin(const options& o = exact(), const client_settings& s = {}) {
        client.emplace(net, o, s);
        ASSERT_TRUE(client->connect());
        client->settle();
    }
    void lose() {
        net.break_all("a:1", fault::io_error);
        client->until([this] { return client->status() == session_status::reconnecting; });
    }
    void come_back() {
        client->until([this] { return client->status() == session_status::connected; });
        client->settle();
    }
    nats::session& session() { return client->session(); }
    model_server& server() { return net.server("a:1"); }
    void from_outside(const char* subject, int n) {
        for (int i = 0; i < n; ++i)
            (void)net.cluster().route({0, subject, {}, {}, std::to_string(i)});
        client->settle();
    }

    network net;
    std::optional<net_client> client;
};

TEST_F(restore, order_is_connect_ping_subscriptions_kept_publishes) {
    begin();
    ASSERT_TRUE(session().subscribe("one").has_value());
    ASSERT_TRUE(session().subscribe("two", "q").has_value());
    client->settle();
    lose();
    for (const char* p : {"1", "2", "3"}) ASSERT_TRUE(session().publish("out", p).has_value());
    come_back();
    const lines& got = server().peer().lines();
    ASSERT_GE(got.size(), 7U);
    EXPECT_TRUE(got[0].starts_with("CONNECT "));
    EXPECT_EQ(
        lines(got.begin() + 1, got.begin() + 7),
        (lines{"PING", "SUB one 1", "SUB two q 2", "PUB out 1 1", "PUB out 1 2", "PUB out 1 3"}));
}

TEST_F(restore, removed_and_added_while_disconnected) {
    begin();
    const auto one = session().subscribe("one");
    ASSERT_TRUE(session().subscribe("two").has_value());
    client->settle();
    lose();
    ASSERT_TRUE(session().unsubscribe(*one).has_value());
    ASSERT_TRUE(session().subscribe("three").has_value());
    come_back();
    lines subjects;
    for (const auto& s : server().peer().table()) subjects.push_back(s.subject);
    std::sort(subjects.begin(), subjects.end());
    EXPECT_EQ(subjects, (lines{"three", "two"}));
}

TEST_F(restore, maxima_are_what_is_left) {
    begin();
    const auto id = session().subscribe("s");
    ASSERT_TRUE(session().unsubscribe(*id, 5).has_value());
    client->settle();
    from_outside("s", 2);
    lose();
    come_back();
    ASSERT_EQ(server().peer().table().size(), 1U);
    EXPECT_EQ(server().peer().table()[0].max, 3U);
    from_outside("s", 9);
    EXPECT_EQ(client->count("message"), 5U);
    EXPECT_EQ(server().peer().table().size(), 0U);
}

TEST_F(restore, a_maximum_given_after_a_reconnect_counts_from_the_beginning) {
    begin();
    const auto id = session().subscribe("s", "q");
    client->settle();
    from_outside("s", 4);
    lose();
    come_back();
    ASSERT_TRUE(session().unsubscribe(*id, 6).has_value());
    client->settle();
    // The server has to stop after two more, or it goes on giving this member the group's messages.
    EXPECT_EQ(server().lines().back(), "UNSUB 1 2");
    from_outside("s", 2);
    EXPECT_EQ(client->count("message"), 6U);
    EXPECT_EQ(server().peer().table().size(), 0U);
}

TEST_F(restore, the_buffer_has_a_limit_and_can_be_off) {
    options o = exact();
    o.reconnect_buffer = 2 * 14; // PUB s 3\r\nabc\r\n
    begin(o);
    lose();
    EXPECT_TRUE(session().publish("s", "abc").has_value());
    EXPECT_TRUE(session().publish("s", "abc").has_value());
    EXPECT_EQ(session().kept(), 28U);
    EXPECT_EQ(session().publish("s", "abc").error(), errc::reconnect_buffer_full);
    EXPECT_EQ(session().kept(), 28U);
    come_back();
    EXPECT_EQ(server().published().size(), 2U);
    EXPECT_EQ(session().kept(), 0U) << "their PONG has come";
}

TEST_F(restore, no_buffer_refuses_at_once) {
    options o = exact();
    o.reconnect_buffer = -1;
    begin(o);
    lose();
    EXPECT_EQ(session().publish("s", "abc").error(), errc::reconnect_buffer_full);
    EXPECT_EQ(session().kept(), 0U);
}

TEST_F(restore, kept_ones_stay_kept_until_they_have_arrived) {
    begin();
    lose();
    ASSERT_TRUE(session().publish("s", "abc").has_value());
    // The next connection takes them and dies with them.
    const std::size_t handshake =
        static_cast<std::size_t>(session().stats().socket_out); // CONNECT and PING
    net.at("a:1").breaks.push_back({handshake + 5, sim_socket::never, fault::eof});
    client->until([this] { return session().stats().reconnects == 2; });
    client->settle();
    EXPECT_EQ(server().published_lines(), (lines{"s abc"}));
    EXPECT_EQ(session().kept(), 0U);
}

TEST_F(restore, what_is_published_while_a_transport_closes_is_not_taken_for_sent) {
    options o = exact();
    o.keep_unsent = true;
    begin(o, {.close_takes = 5ms});
    lose();
    ASSERT_TRUE(session().publish("s", "1").has_value());
    const auto handshake = static_cast<std::size_t>(session().stats().socket_out);
    net.at("a:1").breaks.push_back({handshake, sim_socket::never, fault::silence}); // no more
    client->until([this] { return client->count("reconnected") == 1; });
    ASSERT_TRUE(session().force_reconnect(net.now()).has_value());
    ASSERT_TRUE(session().publish("s", "2").has_value()); // the transport is still being closed
    come_back();
    EXPECT_EQ(server().published_lines(), (lines{"s 1", "s 2"})) << "each once";
}

TEST_F(restore, unsent_ones_are_dropped_or_kept_by_choice) {
    for (const bool keep : {false, true}) {
        network own;
        own.default_window = 10; // the socket takes hardly anything
        options o = exact();
        o.keep_unsent = keep;
        net_client c(own, o);
        ASSERT_TRUE(c.connect());
        c.settle();
        own.at("a:1").reads = false;
        for (const char* p : {"1", "2", "3"}) ASSERT_TRUE(c.session().publish("s", p).has_value());
        c.advance(1ms);
        own.break_all("a:1", fault::io_error);
        c.until([&c] { return c.count("disconnected") == 1; });
        own.at("a:1").reads = true;
        own.at("a:1").window = 1000;
        c.until([&c] { return c.count("reconnected") == 1; });
        c.settle();
        const lines all{"s 1", "s 2", "s 3"};
        EXPECT_EQ(own.server("a:1").published_lines(), keep ? all : lines{}) << keep;
    }
}

TEST_F(restore, new_limits_drop_what_does_not_fit_and_say_so) {
    begin();
    lose();
    ASSERT_TRUE(session().publish("s", "small").has_value());
    ASSERT_TRUE(session().publish("s", std::string(600, 'x')).has_value());
    ASSERT_TRUE(session().publish("s", "last").has_value());
    server().rules.info.max_payload = 100;
    come_back();
    EXPECT_EQ(server().published_lines(), (lines{"s small", "s last"}));
    EXPECT_EQ(client->count("warning: "), 1U);
    EXPECT_EQ(session().publish("s", std::string(101, 'x')).error(), errc::payload_too_large);
}

// --- requests in flight

TEST_F(restore, a_request_keeps_waiting) {
    begin();
    net.cluster().serve("svc", [](const publication&) { return "answer"; });
    net.at("a:1").reads = false;
    auto request = ops::request(client->runtime(), "svc", "question", {}, net.now() + 1s);
    request.start();
    client->advance(5ms);
    ASSERT_EQ(server().count("PUB svc"), 0U);
    lose(); // and with it the question
    net.at("a:1").reads = true;
    come_back();
    EXPECT_FALSE(request.done()) << "a reply could still come";
    client->until([&] { return request.done(); });
    EXPECT_EQ(request.take().error(), errc::timeout);
}

TEST_F(restore, or_fails_at_once_by_choice) {
    options o = exact();
    o.fail_requests_on_disconnect = true;
    begin(o);
    net.at("a:1").reads = false;
    auto request = ops::request(client->runtime(), "svc", "question", {}, net.now() + 1h);
    request.start();
    client->advance(5ms);
    net.break_all("a:1", fault::eof);
    client->until([&] { return request.done(); });
    EXPECT_EQ(request.take().error(), errc::eof);
    EXPECT_LT(client->since_start(), 100ms);
}

TEST_F(restore, flushes_fail_with_the_reason_of_the_disconnect) {
    begin();
    server().rules.answer_ping = false;
    auto flush = ops::flush(client->runtime(), no_deadline);
    flush.start();
    client->advance(5ms);
    EXPECT_FALSE(flush.done());
    net.break_all("a:1", fault::io_error);
    client->until([&] { return flush.done(); });
    EXPECT_EQ(flush.take().error(), errc::io_error);
}

TEST_F(restore, statistics_count_over_all_connections) {
    begin();
    ASSERT_TRUE(session().subscribe("s").has_value());
    client->settle();
    headers h;
    ASSERT_TRUE(h.add("A", "b").has_value());
    ASSERT_TRUE(session().publish("s", "12345").has_value());
    client->settle();
    lose();
    ASSERT_TRUE(session().publish("s", "678", {}, h).has_value());
    come_back();
    const statistics& s = session().stats();
    const std::size_t header = std::string_view("NATS/1.0\r\nA: b\r\n\r\n").size();
    EXPECT_EQ(s.out_messages, 2U);
    EXPECT_EQ(s.out_bytes, 5 + 3 + header);
    EXPECT_EQ(s.in_messages, 2U);
    EXPECT_EQ(s.in_bytes, 5 + 3 + header);
    EXPECT_EQ(s.reconnects, 1U);
    EXPECT_GT(s.socket_in, s.in_bytes);
    EXPECT_GT(s.socket_out, s.out_bytes);
}

} // namespace
} // namespace nats::test

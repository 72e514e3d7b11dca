// SPDX-License-Identifier: Apache-2.0
//
// What one client can make a server hold: the limit of messages, also when it changes; PINGs
// without reading; sizes that are only announced; and memory that goes back when a connection is
// idle.

#include <natsproto/wire/encoder.hpp>
#include <natsproto/wire/server_connection.hpp>

#include "support/server_transcript.hpp"

#include <gtest/gtest.h>

namespace nats::test {

namespace {

using wire::connection_state;
using wire::server_connection;

const std::string too_much = "-ERR 'Maximum Payload Violation'\r\n";

std::string say(server_connection& c, std::string_view bytes) {
    c.feed(bytes);
    return drain_events(c);
}

server_info with_max_payload(std::int64_t n) {
    server_info i = plain_server();
    i.max_payload = n;
    return i;
}

/// Open to a client without answers and checks.
server_connection opened(std::int64_t max_payload = 100,
                         const wire::server_connection_options& o = {}) {
    server_connection c(o);
    EXPECT_TRUE(c.start(with_max_payload(max_payload), {}));
    (void)say(c, "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true}\r\n");
    (void)drain_output(c);
    EXPECT_EQ(c.state(), connection_state::open);
    return c;
}

std::string pub_of(std::size_t size) {
    return "PUB a " + std::to_string(size) + "\r\n" + std::string(size, 'x') + "\r\n";
}

} // namespace

TEST(server_connection_limits, max_payload_is_judged_by_the_control_line) {
    server_connection c = opened(100);
    EXPECT_TRUE(say(c, pub_of(100)).starts_with("pub"));
    EXPECT_TRUE(say(c, "HPUB a 50 100\r\n" + std::string(100, 'x') + "\r\n").starts_with("pub"));
    EXPECT_EQ(say(c, "PUB a 101\r"), "");
    EXPECT_EQ(say(c, "\n"), failed(errc::message_too_large));
    EXPECT_EQ(drain_output(c), too_much);
}

TEST(server_connection_limits, no_max_payload_is_64_mib) {
    for (const std::int64_t n : {std::int64_t{0}, std::int64_t{64 * 1024 * 1024}}) {
        server_connection c = opened(n);
        EXPECT_EQ(say(c, "PUB a 67108864\r\n"), "");
        server_connection d = opened(n);
        EXPECT_EQ(say(d, "PUB a 67108865\r\n"), failed(errc::message_too_large));
    }
    server_connection largest = opened(INT64_MAX);
    EXPECT_EQ(say(largest, "PUB a 999999999\r\n"), "");
}

TEST(server_connection_limits, max_payload_follows_info) {
    server_connection c = opened(10);
    ASSERT_TRUE(c.send_info(with_max_payload(20)));
    EXPECT_TRUE(say(c, pub_of(20)).starts_with("pub"));
    ASSERT_TRUE(c.send_info(with_max_payload(5)));
    (void)drain_output(c);
    EXPECT_TRUE(say(c, pub_of(5)).starts_with("pub"));
    EXPECT_EQ(say(c, "PUB some.longer.subject.of.a.message 6\r\n123456\r\n"),
              failed(errc::message_too_large));
    EXPECT_EQ(drain_output(c), too_much);
}

TEST(server_connection_limits, a_message_that_was_let_in_stays_in) {
    for (const std::string_view next : {"PUB a 6\r\n123456\r\n", "PUB a 6\r\n"}) {
        server_connection c = opened(10);
        EXPECT_EQ(say(c, "PUB a 10\r\n12345"), "");
        ASSERT_TRUE(c.send_info(with_max_payload(5)));
        (void)drain_output(c);
        EXPECT_TRUE(say(c, "67890\r\n").starts_with("pub"));
        EXPECT_TRUE(say(c, "PUB a 5\r\n12345\r\n").starts_with("pub"));
        EXPECT_EQ(say(c, next), failed(errc::message_too_large)) << "the next is judged anew";
        EXPECT_EQ(drain_output(c), too_much);
    }
}

TEST(server_connection_limits, pings_of_a_client_that_reads_nothing) {
    wire::server_connection_options o;
    o.max_pong_bytes = 60;
    server_connection c = opened(100, o);
    std::size_t pings = 0;
    for (int i = 0; i < 100; ++i) {
        const std::string events = say(c, "PING\r\nPING\r\nPING\r\nPING\r\nPING\r\n");
        pings += events.size() / std::string_view("ping\n").size();
    }
    EXPECT_EQ(pings, 500U);
    EXPECT_EQ(c.untransmitted(), 60U);
    std::size_t sent = 0;
    while (c.untransmitted() != 0) {
        const std::size_t n = std::min<std::size_t>(c.untransmitted(), 7);
        c.transmitted(n);
        sent += n;
        ASSERT_LE(c.untransmitted(), 60U);
    }
    EXPECT_EQ(sent, 500U * 6) << "all are answered in the end";
    o.max_pong_bytes = 0;
    server_connection one = opened(100, o);
    (void)say(one, "PING\r\nPING\r\n");
    EXPECT_EQ(drain_output(one), "PONG\r\nPONG\r\n");
    (void)say(one, "PING\r\nPING\r\n");
    EXPECT_EQ(one.untransmitted(), 6U) << "one at a time";
    one.fail("x");
    EXPECT_EQ(drain_output(one), "PONG\r\n-ERR 'x'\r\n") << "none behind the end";
}

TEST(server_connection_limits, memory_follows_what_was_received) {
    server_connection c = opened(0);
    EXPECT_EQ(say(c, "PUB a 60000000\r\n"), "");
    for (int i = 0; i < 100; ++i) (void)say(c, std::string(1000, 'x'));
    EXPECT_LE(c.prepare().size(), 300'000U) << "not what was announced";
    c.commit(0);
    EXPECT_EQ(drain_events(c), "");
}

TEST(server_connection_limits, an_end_wants_no_more_input) {
    server_connection c = opened(10);
    EXPECT_EQ(say(c, "BAD\r\n" + std::string(100'000, 'x')), failed(errc::unknown_operation));
    for (int i = 0; i < 10; ++i) (void)say(c, std::string(100'000, 'x'));
    EXPECT_EQ(c.unparsed(), 0U);
    EXPECT_EQ(drain_events(c), "");
}

TEST(server_connection_limits, answers_are_less_than_four_times_what_was_received) {
    for (const std::string_view line : {"SUB .a 1\n", "UNSUB 1\n", "PUB . 0\n\r\n", "PUB a 0\n\r\n",
                                        "PING\n", "CONNECT{}\n", "SUB a 1\n"}) {
        server_connection c;
        ASSERT_TRUE(c.start(with_max_payload(10), {}));
        const std::size_t info = c.untransmitted();
        std::string input;
        for (int i = 0; i < 100; ++i) input += line;
        (void)say(c, input);
        wire::server_connection_event none;
        EXPECT_FALSE(c.next(none)) << "the last +OK is sent";
        EXPECT_EQ(c.state(), connection_state::open);
        EXPECT_LT(c.untransmitted() - info, 4 * input.size()) << line;
    }
}

TEST(server_connection_limits, an_idle_connection_gives_its_buffers_back) {
    server_connection c = opened(0);
    EXPECT_TRUE(say(c, pub_of(200'000)).starts_with("pub"));
    ASSERT_TRUE(c.deliver("a", "1", {}, {}, "x"));
    c.shrink();
    EXPECT_EQ(drain_output(c), "MSG a 1 1\r\nx\r\n") << "what waits is kept";
    c.shrink();
    EXPECT_LE(c.prepare().size(), wire::input_buffer::initial_size) << "a new, small buffer";
    c.commit(0);
    EXPECT_EQ(say(c, "PUB a 5\r\nhe"), "");
    c.shrink();
    EXPECT_EQ(say(c, "llo\r\n"), "pub \"a\" reply \"\" header \"\" payload \"hello\"\n")
        << "what waits is kept";
    ASSERT_TRUE(c.deliver("a", "1", {}, {}, "y"));
    EXPECT_EQ(drain_output(c), "MSG a 1 1\r\ny\r\n");
    c.shrink();
    c.shrink();
    EXPECT_EQ(say(c, "PING\r\n"), "ping\n");
    EXPECT_EQ(drain_output(c), "PONG\r\n");
}

TEST(server_connection_limits, no_limits_do_not_wrap) {
    wire::server_connection_options o;
    o.max_control_line = static_cast<std::size_t>(-1);
    o.max_pong_bytes = static_cast<std::size_t>(-1);
    o.auth_timeout = duration::max();
    server_connection c(o);
    ASSERT_TRUE(c.start(login_server(), time_point{} + std::chrono::hours(1)));
    EXPECT_EQ(c.poll_timeout(), no_deadline);
    const std::string name(100'000, 'n');
    EXPECT_TRUE(say(c, "CONNECT {\"user\":\"u\",\"pass\":\"p\",\"name\":\"" + name + "\"}\r\n")
                    .starts_with("connect"));
    EXPECT_EQ(c.request().name.size(), name.size());
    EXPECT_EQ(c.state(), connection_state::open);
}

} // namespace nats::test

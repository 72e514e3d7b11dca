// SPDX-License-Identifier: Apache-2.0
//
// Proves PING and PONG: answers to the server, the session's own at its interval, when a connection
// is stale, and that each PONG goes to the PING that it answers, with the time between them.

#include <natsproto/session.hpp>

#include "support/session_steps.hpp"

#include <gtest/gtest.h>

#include <string>

namespace nats::test {
namespace {

using namespace std::chrono_literals;

struct open_session : stepper {
    explicit open_session(const options& o = {}) : stepper(o) { EXPECT_TRUE(open()); }
    std::uint64_t ping() { return static_cast<std::uint64_t>(s.ping(now).value()); }
};

const std::string ping_sent = "> PING\\r\\n\n";

TEST(session_keep_alive, pings_of_the_server_are_answered_one_by_one) {
    open_session c;
    EXPECT_EQ(c.receive("PING\r\n"), "> PONG\\r\\n\n");
    EXPECT_EQ(c.receive("PING\r\nPING\r\nPING\r\n"), "> PONG\\r\\nPONG\\r\\nPONG\\r\\n\n");
    EXPECT_EQ(c.receive("pInG\r\n"), "> PONG\\r\\n\n");
}

TEST(session_keep_alive, a_ping_flood_does_not_grow_the_output) {
    options o;
    o.bounds.max_pong_bytes = 60;
    open_session c(o);
    std::string flood;
    for (int i = 0; i < 5000; ++i) flood += "PING\r\n";
    while (!flood.empty()) {
        const std::span<char> space = c.s.prepare();
        const std::size_t n = std::min(space.size(), flood.size());
        std::copy_n(flood.begin(), n, space.begin());
        c.s.commit(n, c.now);
        flood.erase(0, n);
        event e;
        EXPECT_FALSE(c.s.next(e));
        EXPECT_LE(c.s.untransmitted(), 66U) << "the peer does not read";
    }
    const std::string out = c.drain();
    std::size_t pongs = 0;
    for (std::size_t at = 0; (at = out.find("PONG", at)) != std::string::npos; ++at) ++pongs;
    EXPECT_EQ(pongs, 5000U) << "all are answered in the end";
}

TEST(session_keep_alive, a_ping_at_each_interval) {
    open_session c({.ping_interval = 10s});
    EXPECT_EQ(c.s.poll_timeout(), c.now + 10s);
    EXPECT_EQ(c.wait(9999ms), "");
    EXPECT_EQ(c.wait(1ms), ping_sent);
    EXPECT_EQ(c.s.poll_timeout(), c.now + 10s);
    EXPECT_EQ(c.receive("PONG\r\n"), "") << "it is the session's own business";
    EXPECT_EQ(c.wait(10s), ping_sent);
    EXPECT_EQ(c.wait(0s), "");
}

TEST(session_keep_alive, stale_at_the_third_tick_without_an_answer) {
    open_session c({.ping_interval = 10s, .max_pings_out = 2});
    EXPECT_EQ(c.wait(10s), ping_sent);
    EXPECT_EQ(c.wait(10s), ping_sent);
    const std::string why =
        std::string(describe(errc::stale_connection)) + ": PINGs were not answered";
    EXPECT_EQ(c.wait(10s), "disconnected: " + why + "\nclosed: " + why + "\nclose 1\n");
}

TEST(session_keep_alive, the_allowance_is_exact) {
    for (int allowed = 1; allowed <= 5; ++allowed) {
        open_session c({.ping_interval = 1s, .max_pings_out = allowed});
        for (int i = 0; i < allowed; ++i) EXPECT_EQ(c.wait(1s), ping_sent) << allowed << ' ' << i;
        EXPECT_NE(c.wait(1s), ping_sent);
        EXPECT_EQ(c.s.close_reason(), errc::stale_connection);
    }
}

TEST(session_keep_alive, data_that_flows_does_not_hide_missing_answers) {
    open_session c({.ping_interval = 1s});
    ASSERT_TRUE(c.s.subscribe("a").has_value());
    (void)c.drain();
    for (int i = 0; i < 29; ++i) {
        EXPECT_EQ(c.receive("MSG a 1 1\r\nx\r\nPING\r\n"), "message 1 a \"x\"\n> PONG\\r\\n\n");
        (void)c.wait(100ms);
        ASSERT_EQ(c.s.status(), session_status::connected) << i;
    }
    (void)c.wait(100ms);
    EXPECT_EQ(c.s.close_reason(), errc::stale_connection);
}

TEST(session_keep_alive, any_pong_shows_that_the_server_is_there) {
    open_session c({.ping_interval = 1s});
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(c.wait(1s), ping_sent);
        EXPECT_EQ(c.wait(1s), ping_sent);
        EXPECT_EQ(c.receive("PONG\r\n"), "") << "one answer for two PINGs";
    }
    EXPECT_EQ(c.s.status(), session_status::connected);
}

TEST(session_keep_alive, a_late_tick_is_one_tick) {
    open_session c({.ping_interval = 1s});
    EXPECT_EQ(c.wait(60s), ping_sent) << "the driver slept for a minute";
    EXPECT_EQ(c.s.status(), session_status::connected);
    EXPECT_EQ(c.s.poll_timeout(), c.now + 1s);
}

TEST(session_keep_alive, a_peer_that_does_not_read_is_stale_too) {
    options o;
    o.ping_interval = 1s;
    o.bounds.max_output_bytes = 10;
    open_session c(o);
    ASSERT_TRUE(c.s.publish("a", "0123456789")); // and nothing is transmitted
    for (int i = 0; i < 2; ++i) {
        c.now += 1s;
        c.s.handle_timeout(c.now);
        EXPECT_EQ(c.s.status(), session_status::connected);
    }
    c.now += 1s;
    c.s.handle_timeout(c.now);
    EXPECT_EQ(c.s.close_reason(), errc::stale_connection);
}

// --- PINGs of the user

TEST(session_keep_alive, answers_in_the_order_of_the_pings_with_their_times) {
    open_session c;
    EXPECT_EQ(c.ping(), 1U);
    c.now += 5ms;
    EXPECT_EQ(c.ping(), 2U);
    EXPECT_EQ(c.drain(), "> PING\\r\\nPING\\r\\n\n");
    c.now += 10ms;
    EXPECT_EQ(c.receive("PONG\r\n"), "pong 1 after 15ms\n");
    c.now += 1ms;
    EXPECT_EQ(c.receive("PONG\r\n"), "pong 2 after 11ms\n");
    EXPECT_EQ(c.receive("PONG\r\n"), "") << "nobody asked";
}

TEST(session_keep_alive, own_pings_between_those_of_the_user) {
    open_session c({.ping_interval = 1s});
    (void)c.ping();
    (void)c.wait(1s);
    (void)c.ping();
    (void)c.drain();
    EXPECT_EQ(c.receive("PONG\r\n"), "pong 1 after 1000ms\n");
    EXPECT_EQ(c.receive("PONG\r\n"), "");
    EXPECT_EQ(c.receive("PONG\r\n"), "pong 2 after 0ms\n");
}

TEST(session_keep_alive, pings_of_the_user_are_not_counted_against_the_peer) {
    open_session c({.ping_interval = 1s});
    for (int i = 0; i < 10; ++i) (void)c.ping();
    EXPECT_TRUE(c.wait(1s).starts_with("> PING")); // the first tick
    EXPECT_EQ(c.wait(1s), ping_sent);
    EXPECT_EQ(c.s.status(), session_status::connected);
}

TEST(session_keep_alive, waiting_pings_are_limited) {
    options o;
    o.bounds.max_pings = 3;
    open_session c(o);
    for (int i = 0; i < 3; ++i) (void)c.ping();
    (void)c.drain();
    EXPECT_EQ(c.s.ping(c.now).error(), errc::too_many_requests);
    EXPECT_EQ(c.drain(), "") << "nothing was sent";
    (void)c.receive("PONG\r\n");
    EXPECT_EQ(c.ping(), 4U);
}

TEST(session_keep_alive, the_pong_of_the_handshake_answers_no_user) {
    open_session c;
    EXPECT_EQ(c.ping(), 1U);
    (void)c.drain();
    EXPECT_EQ(c.receive("PONG\r\n"), "pong 1 after 0ms\n");
}

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Peers that are slow, silent, full or gone without saying so: each deadline at its millisecond,
// and the pressure that a peer which does not read puts on the user.

#include <natsproto/client/ops.hpp>

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

TEST(liveness, silence_is_found_by_unanswered_pings) {
    network net;
    options o = exact();
    o.ping_interval = 100ms;
    o.max_pings_out = 2;
    net_client c(net, o);
    ASSERT_TRUE(c.connect());
    c.settle();
    net.break_all("a:1", fault::silence);
    c.advance(1s);
    // Connected at 3 ms; PINGs at 103 and 203 are allowed to be unanswered, at 303 it is stale.
    EXPECT_EQ(c.log()[2], "303 disconnected: the connection went stale: PINGs were not answered");
    EXPECT_EQ(c.log()[4], "316 reconnected a:1 number 1");
    EXPECT_EQ(c.status(), session_status::connected);
}

TEST(liveness, pings_do_not_care_about_traffic) {
    network net;
    options o = exact();
    o.ping_interval = 100ms;
    net_client c(net, o);
    ASSERT_TRUE(c.connect());
    ASSERT_TRUE(c.session().subscribe("s").has_value());
    net.server("a:1").rules.answer_ping = false;
    for (int i = 0; i < 29; ++i) { // data flows all the time, and PONGs do not (PNG-06)
        (void)net.cluster().route({0, "s", {}, {}, "x"});
        c.advance(10ms);
    }
    EXPECT_EQ(c.status(), session_status::connected);
    c.advance(20ms);
    EXPECT_EQ(c.count("disconnected: the connection went stale"), 1U);
}

TEST(liveness, answered_pings_keep_it_for_days_without_an_event) {
    network net;
    net_client c(net, exact());
    ASSERT_TRUE(c.connect());
    c.advance(48h);
    EXPECT_EQ(c.events(), (lines{"try a:1", "connected a:1"}));
    EXPECT_EQ(net.server("a:1").count("PING"), 48U * 30) << "every two minutes";
}

TEST(liveness, a_server_that_accepts_and_says_nothing) {
    network net;
    net.rules.say_info = false;
    options o = exact();
    o.connect_timeout = 250ms;
    net_client c(net, o);
    EXPECT_FALSE(c.connect());
    EXPECT_EQ(c.log(),
              (lines{"0 try a:1", "250 connect_failed a:1: timeout: no INFO from a:1 within 250 ms",
                     "250 closed: timeout: no INFO from a:1 within 250 ms"}));
}

TEST(liveness, one_deadline_covers_the_whole_handshake) {
    network net;
    net.rules.answer_ping = false;
    place& a = net.at("a:1");
    a.latency = 60ms;
    options o = exact();
    o.connect_timeout = 200ms;
    net_client c(net, o);
    EXPECT_FALSE(c.connect());
    // 60 to connect, INFO at 120, CONNECT sent: none of the steps starts the time anew (PNG-07).
    EXPECT_EQ(c.log()[1], "200 connect_failed a:1: timeout: no PONG from a:1 within 200 ms");
}

TEST(liveness, a_stalled_write_is_given_up) {
    network net;
    options o = exact();
    o.write_timeout = 300ms;
    net_client c(net, o);
    net.at("a:1").window = 1000;
    ASSERT_TRUE(c.connect());
    c.settle();
    net.at("a:1").reads = false;
    ASSERT_TRUE(c.session().publish("s", std::string(5000, 'x')).has_value());
    const duration begin = c.since_start();
    c.until([&c] { return c.count("disconnected") == 1; });
    EXPECT_EQ(c.since_start() - begin, 300ms);
    EXPECT_EQ(c.events()[2], "disconnected: the peer reads nothing: a:1");
}

TEST(liveness, a_slow_reader_that_goes_on_is_not_stalled) {
    network net;
    options o = exact();
    o.write_timeout = 300ms;
    net_client c(net, o);
    net.at("a:1").window = 500;
    ASSERT_TRUE(c.connect());
    c.settle();
    net.at("a:1").latency = 200ms; // 500 bytes each 200 ms
    ASSERT_TRUE(c.session().publish("s", std::string(5000, 'x')).has_value());
    c.advance(5s);
    EXPECT_EQ(c.count("disconnected"), 0U);
    EXPECT_EQ(net.server("a:1").published().size(), 1U);
}

TEST(liveness, a_full_output_refuses_and_tells_when_there_is_room) {
    network net;
    options o = exact();
    o.bounds.max_output_bytes = 2000;
    net_client c(net, o);
    net.at("a:1").window = 300;
    ASSERT_TRUE(c.connect());
    c.settle();
    net.at("a:1").reads = false;
    int accepted = 0;
    result<void> last;
    while ((last = c.session().publish("s", std::string(400, 'x')))) {
        ++accepted;
        c.advance(1ms);
        ASSERT_LT(accepted, 20);
    }
    EXPECT_EQ(last.error(), errc::output_full);
    EXPECT_LE(c.session().untransmitted(), 2000U + 420U);
    auto room = ops::wait_room(c.runtime(), no_deadline);
    room.start();
    c.advance(50ms);
    EXPECT_FALSE(room.done());
    EXPECT_EQ(c.count("room"), 0U);
    net.at("a:1").reads = true;
    c.until([&] { return room.done() && c.count("room") == 1; });
    EXPECT_TRUE(room.take().has_value());
    EXPECT_LT(c.session().untransmitted(), 1001U);
    EXPECT_TRUE(c.session().publish("s", "again").has_value());
    c.settle();
    EXPECT_EQ(net.server("a:1").published().size(), static_cast<std::size_t>(accepted) + 1);
    EXPECT_EQ(c.count("room"), 1U) << "once";
}

TEST(liveness, an_unknown_error_is_an_event_and_not_the_end) {
    network net;
    net_client c(net, exact());
    ASSERT_TRUE(c.connect());
    net.server("a:1").peer().refuse("Something New", false);
    net.server("a:1").peer().refuse("Permissions Violation for Publish to \"x\"", false);
    net.server("a:1").peer().refuse("Invalid Subject", false);
    c.advance(1s);
    EXPECT_EQ(c.count("server_error"), 3U);
    EXPECT_EQ(c.status(), session_status::connected);
}

TEST(liveness, errors_that_close_are_the_reason_of_the_disconnect) {
    const struct {
        const char* text;
        errc code;
    } all[] = {{"Stale Connection", errc::stale_connection},
               {"Maximum Payload Violation", errc::server_max_payload},
               {"maximum control line exceeded", errc::server_max_control_line},
               {"Unknown Protocol Operation", errc::server_protocol_error},
               {"User Authentication Revoked", errc::authentication_revoked},
               {"Authentication Timeout", errc::authentication_timeout},
               {"maximum connections exceeded", errc::max_connections_exceeded},
               {"Connection throttling is active", errc::connection_throttled}};
    for (const auto& e : all) {
        network net;
        net_client c(net, exact());
        errc seen{};
        c.observer = [&seen](const event& x) {
            if (const auto* d = std::get_if<ev::disconnected>(&x)) seen = d->why->code();
        };
        ASSERT_TRUE(c.connect());
        net.server("a:1").peer().refuse(e.text, true);
        c.advance(1s);
        EXPECT_EQ(seen, e.code) << e.text;
        EXPECT_EQ(c.count("reconnected"), 1U) << e.text;
    }
}

TEST(liveness, a_servers_ping_is_answered_in_the_same_turn) {
    network net;
    net_client c(net, exact());
    ASSERT_TRUE(c.connect());
    c.settle();
    const duration begin = c.since_start();
    net.server("a:1").peer().send("PING\r\n");
    c.until([&net] { return net.server("a:1").count("PONG") == 1; });
    EXPECT_EQ(c.since_start() - begin, 2ms);
}

} // namespace
} // namespace nats::test

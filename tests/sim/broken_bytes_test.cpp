// SPDX-License-Identifier: Apache-2.0
//
// The connection breaks at every single byte of the handshake, of a publish and of a delivery, in
// both directions, by each kind of end. Each time the same must hold: it comes back by itself, the
// server never saw half of a command in front of another one, nothing comes twice, and what was to
// be kept arrives. What a break at a byte means is exact: the socket takes that many bytes and no
// more, or delivers that many and no more.

#include <natsproto/headers.hpp>

#include "support/net_client.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace nats::test {
namespace {

using namespace std::chrono_literals;

constexpr fault all_faults[] = {fault::eof, fault::io_error, fault::silence};

options quick() {
    options o;
    o.servers = "nats://a:1";
    o.reconnect_wait = 10ms;
    o.reconnect_jitter = {};
    o.ping_interval = 200ms; // what finds a silence
    o.connect_timeout = 300ms;
    o.write_timeout = 500ms;
    o.retry_on_failed_connect = true;
    return o;
}

std::string where(const char* what, std::size_t at, fault how, bool proactor) {
    return std::string(what) + " byte " + std::to_string(at) + " fault " +
           std::to_string(static_cast<int>(how)) + (proactor ? " proactor" : " reactor");
}

/// Two handshakes' worth of bytes, as they are without a break.
std::size_t handshake_bytes(bool up) {
    network net;
    net_client c(net, quick());
    std::size_t n = 0;
    c.connect();
    n = up ? static_cast<std::size_t>(c.session().stats().socket_out)
           : static_cast<std::size_t>(c.session().stats().socket_in);
    return n;
}

void break_handshake(bool up, std::size_t at, fault how, bool proactor) {
    SCOPED_TRACE(where(up ? "up" : "down", at, how, proactor));
    network net;
    place& a = net.at("a:1");
    sim_socket::breaking b;
    b.how = how;
    (up ? b.after_up : b.after_down) = at;
    a.breaks.push_back(b);
    net_client c(net, quick(), {.proactor = proactor, .close_takes = proactor ? 3ms : 0ms});
    (void)c.session().start(net.now());
    ASSERT_TRUE(c.session().subscribe("s").has_value());
    for (int i = 0; i < 3; ++i) (void)c.session().publish("s", "kept " + std::to_string(i));
    c.advance(5s);
    ASSERT_EQ(c.status(), session_status::connected);
    EXPECT_EQ(c.count("connected a:1"), 1U);
    // The whole of the handshake may have got through before it broke.
    EXPECT_LE(c.count("reconnected"), 1U);
    EXPECT_EQ(net.server("a:1").peers().size(), 1U);
    ASSERT_EQ(net.server("a:1").peer().table().size(), 1U);
    EXPECT_EQ(net.server("a:1").peer().lines()[1], "PING");
}

TEST(broken_bytes, of_the_handshake_in_both_directions) {
    for (const bool up : {true, false}) {
        const std::size_t last = handshake_bytes(up);
        ASSERT_GT(last, 50U);
        for (std::size_t at = 0; at <= last; ++at) {
            for (const fault how : all_faults) {
                for (const bool proactor : {false, true}) break_handshake(up, at, how, proactor);
            }
        }
    }
}

// --- a publish

struct publish_case {
    const char* name;
    bool headers;
    std::size_t payload;
    bool borrowed;
};

/// Three publishes; the connection breaks `at` bytes after the handshake. The server's record of
/// all connections.
void break_publish(const publish_case& p, std::size_t handshake, std::size_t at, fault how,
                   bool keep, bool proactor) {
    SCOPED_TRACE(where(p.name, at, how, proactor) + (keep ? " kept" : ""));
    network net;
    net.default_window = 1 << 20;
    net.at("a:1").breaks.push_back({handshake + at, sim_socket::never, how});
    options o = quick();
    o.keep_unsent = keep;
    net_client c(net, o, {.proactor = proactor, .close_takes = proactor ? 3ms : 0ms});
    ASSERT_TRUE(c.connect());
    headers h;
    if (p.headers) {
        ASSERT_TRUE(h.add("Name", "value").has_value());
    }
    std::vector<std::string> payloads;
    for (const char letter : {'a', 'b', 'c'}) payloads.emplace_back(p.payload, letter);
    std::vector<std::size_t> ends; // of each, in bytes since the handshake
    for (const std::string& payload : payloads) {
        const result<void> ok = p.borrowed ? c.session().publish_borrowed("s.t", payload, {}, h)
                                           : c.session().publish("s.t", payload, {}, h);
        ASSERT_TRUE(ok.has_value());
        ends.push_back(c.session().untransmitted());
    }
    c.advance(5s);
    ASSERT_EQ(c.status(), session_status::connected);
    std::string got;
    for (const publication& m : net.server("a:1").published()) {
        EXPECT_EQ(m.payload, std::string(p.payload, m.payload.empty() ? '?' : m.payload[0]));
        EXPECT_EQ(m.header.empty(), !p.headers);
        got += m.payload[0];
    }
    std::string expected;
    for (std::size_t i = 0; i < 3; ++i) {
        if (keep || at >= ends[i]) expected += static_cast<char>('a' + i);
    }
    // Exactly those that went out whole, and with keep_unsent all of them, once and in order.
    EXPECT_EQ(got, expected);
    EXPECT_EQ(c.count("disconnected"), 1U);
}

void break_publishes(const publish_case& p, std::size_t stride) {
    const std::size_t handshake = handshake_bytes(true);
    const std::size_t size = 3 * (p.payload + (p.headers ? 60 : 20));
    for (std::size_t at = 1; at < size; at += stride) {
        for (const fault how : all_faults) {
            for (const bool keep : {false, true})
                break_publish(p, handshake, at, how, keep, at % 2 == 0);
        }
    }
}

TEST(broken_bytes, of_a_publish) {
    break_publishes({"plain", false, 5, false}, 1);
}

TEST(broken_bytes, of_a_publish_with_headers) {
    break_publishes({"headers", true, 5, false}, 1);
}

TEST(broken_bytes, of_a_large_lent_publish) {
    // Every byte around the edges of the pieces, and some in the middle of the payloads.
    const publish_case p{"lent", false, 5000, true};
    const std::size_t handshake = handshake_bytes(true);
    for (std::size_t at = 1; at < 3 * 5024; ++at) {
        const std::size_t in_frame =
            at % 5018; // PUB s.t 5000\r\n, 5000, \r\n: within 20 of an edge
        if (in_frame > 40 && in_frame < 4980 && at % 499 != 0) continue;
        for (const fault how : {fault::eof, fault::io_error})
            for (const bool keep : {false, true})
                break_publish(p, handshake, at, how, keep, at % 2 == 0);
    }
}

// --- a delivery

void break_delivery(std::size_t handshake, std::size_t at, fault how, bool proactor) {
    SCOPED_TRACE(where("delivery", at, how, proactor));
    network net;
    net.at("a:1").breaks.push_back({sim_socket::never, handshake + at, how});
    net_client c(net, quick(), {.proactor = proactor, .close_takes = proactor ? 3ms : 0ms});
    ASSERT_TRUE(c.connect());
    const auto id = c.session().subscribe("s");
    ASSERT_TRUE(id.has_value());
    ASSERT_TRUE(c.session().unsubscribe(*id, 10).has_value());
    c.advance(10ms);
    for (const char* payload : {"one", "two", "three"})
        (void)net.cluster().route({0, "s", {}, {}, payload});
    c.advance(5s);
    ASSERT_EQ(c.status(), session_status::connected);
    (void)net.cluster().route({0, "s", {}, {}, "four"});
    c.advance(10ms);
    const std::size_t sizes[] = {16, 32, 50}; // MSG s 1 3\r\none\r\n is 16, and so on
    std::size_t whole = 0;
    for (const std::size_t end : sizes) whole += at >= end ? 1 : 0;
    EXPECT_EQ(c.count("message 1 s \"one\""), at >= sizes[0] ? 1U : 0U);
    EXPECT_EQ(c.count("message 1 s \"two\""), at >= sizes[1] ? 1U : 0U);
    EXPECT_EQ(c.count("message 1 s \"three\""), at >= sizes[2] ? 1U : 0U);
    EXPECT_EQ(c.count("message 1 s \"four\""), 1U);
    // The maximum that is left is what the new server was told.
    const auto& table = net.server("a:1").peer().table();
    ASSERT_EQ(table.size(), 1U);
    EXPECT_EQ(table[0].max, 10 - whole);
}

TEST(broken_bytes, of_a_delivery) {
    const std::size_t handshake = handshake_bytes(false);
    for (std::size_t at = 1; at <= 50; ++at) {
        for (const fault how : all_faults)
            for (const bool proactor : {false, true}) break_delivery(handshake, at, how, proactor);
    }
}

} // namespace
} // namespace nats::test

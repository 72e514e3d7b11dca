// SPDX-License-Identifier: Apache-2.0
//
// The limits of a connection in both directions, reached exactly and exceeded by one; and a peer
// that floods or does not read costs bounded memory.

#include <natsproto/headers.hpp>
#include <natsproto/wire/client_connection.hpp>

#include "support/transcript.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace nats::test {

namespace {

using wire::client_connection;

client_connection opened(const limits& bounds = {}, std::string_view info = info_line) {
    client_connection c(bounds);
    EXPECT_TRUE(open(c, {}, info));
    return c;
}

std::string say(client_connection& c, std::string_view bytes) {
    c.feed(bytes);
    return drain_events(c);
}

std::size_t count(std::string_view text, std::string_view part) {
    std::size_t n = 0;
    for (std::size_t at = text.find(part); at != std::string_view::npos;
         at = text.find(part, at + part.size()))
        ++n;
    return n;
}

/// How long the arguments of the last command on the wire were.
std::size_t arguments_sent(client_connection& c) {
    const std::string bytes = drain_output(c);
    return bytes.find('\r') - bytes.find(' ') - 1;
}

} // namespace

TEST(client_connection_limits, payload_and_headers_up_to_max_payload) {
    client_connection c = opened({}, "INFO {\"headers\":true,\"max_payload\":100}\r\n");
    headers h;
    ASSERT_TRUE(h.set("A", "b"));
    const std::size_t block = h.view().raw().size();
    EXPECT_TRUE(c.publish("a", std::string(100, 'x')));
    EXPECT_TRUE(c.publish("a", std::string(100 - block, 'x'), {}, h));
    EXPECT_TRUE(c.publish_borrowed("a", std::string(100, 'x')));
    (void)drain_output(c);
    EXPECT_EQ(c.publish("a", std::string(101, 'x')).error(), errc::payload_too_large);
    EXPECT_EQ(c.publish_borrowed("a", std::string(101, 'x')).error(), errc::payload_too_large);
    EXPECT_EQ(c.publish("a", std::string(101 - block, 'x'), {}, h).error(),
              errc::payload_too_large);
    EXPECT_EQ(c.publish("a", std::string(101, 'x')).error().detail(),
              "101 bytes, max_payload is 100");
    EXPECT_EQ(c.untransmitted(), 0U);
    EXPECT_TRUE(c.publish("a", "still good"));
}

TEST(client_connection_limits, no_max_payload_is_no_limit) {
    for (const char* info : {"INFO {}\r\n", "INFO {\"max_payload\":0}\r\n"}) {
        client_connection c = opened({}, info);
        EXPECT_TRUE(c.publish("a", std::string(3000000, 'x')));
    }
}

TEST(client_connection_limits, a_published_control_line) {
    limits l;
    l.max_control_line = 200;
    // A max_payload that those with headers reach exactly.
    client_connection c = opened(l, "INFO {\"headers\":true,\"max_payload\":28}\r\n");
    headers h;
    ASSERT_TRUE(h.set("A", "b"));
    const std::string payload(10, 'x');
    struct {
        std::size_t subject = 0;
        std::size_t reply = 0;
        header_view header;
    } const most[] = {{197, 0, {}}, {100, 96, {}}, {1, 195, {}}, {194, 0, h}, {100, 93, h}};
    for (const auto& x : most) {
        const std::string reply(x.reply, 'r');
        EXPECT_TRUE(c.publish(std::string(x.subject, 's'), payload, reply, x.header)) << x.subject;
        EXPECT_EQ(arguments_sent(c), 200U);
        EXPECT_EQ(c.publish(std::string(x.subject + 1, 's'), payload, reply, x.header).error(),
                  errc::control_line_too_long);
        EXPECT_EQ(
            c.publish_borrowed(std::string(x.subject + 1, 's'), payload, reply, x.header).error(),
            errc::control_line_too_long);
        EXPECT_EQ(c.untransmitted(), 0U);
    }
    client_connection other = opened(l);
    EXPECT_EQ(other.publish(std::string(197, 's'), std::string(100, 'x')).error(),
              errc::control_line_too_long); // 3 digits
}

TEST(client_connection_limits, a_subscription_control_line) {
    limits l;
    l.max_control_line = 200;
    client_connection c = opened(l);
    EXPECT_TRUE(c.subscribe(std::string(198, 's'), std::nullopt, 9));
    EXPECT_EQ(arguments_sent(c), 200U);
    EXPECT_TRUE(c.subscribe(std::string(97, 's'), std::string(100, 'q'), 9));
    EXPECT_EQ(arguments_sent(c), 200U);
    EXPECT_EQ(c.subscribe(std::string(199, 's'), std::nullopt, 9).error(),
              errc::control_line_too_long);
    EXPECT_EQ(c.subscribe(std::string(198, 's'), std::nullopt, 10).error(),
              errc::control_line_too_long);
    EXPECT_EQ(c.subscribe(std::string(97, 's'), std::string(101, 'q'), 9).error(),
              errc::control_line_too_long);
    EXPECT_EQ(c.check_subscribe(std::string(199, 's'), std::nullopt, 9).error(),
              errc::control_line_too_long);
    EXPECT_EQ(c.untransmitted(), 0U);
}

TEST(client_connection_limits, output_that_nobody_reads_is_bounded) {
    limits l;
    l.max_output_bytes = 1000;
    client_connection c = opened(l);
    std::size_t accepted = 0;
    while (accepted < 1000 && c.publish("a", std::string(90, 'x'))) ++accepted;
    EXPECT_EQ(accepted, 10U); // 102 bytes each: the tenth is the one that reaches the limit
    EXPECT_EQ(c.untransmitted(), 1020U);
    EXPECT_EQ(c.publish("a", "x").error(), errc::output_full);
    EXPECT_EQ(c.publish_borrowed("a", "x").error(), errc::output_full);
    EXPECT_EQ(c.subscribe("a", std::nullopt, 1).error(), errc::output_full);
    EXPECT_EQ(c.ping().error(), errc::output_full);
    EXPECT_EQ(c.unsubscribe(1, 5).error(), errc::output_full);
    EXPECT_TRUE(c.unsubscribe(1)); // an end is always possible
    c.transmitted(30);
    EXPECT_EQ(c.untransmitted(), 999U);
    EXPECT_TRUE(c.publish("a", "x"));
}

TEST(client_connection_limits, a_ping_flood_without_a_reader_is_bounded) {
    constexpr std::size_t pings = 5000;
    client_connection c = opened();
    std::string flood;
    for (std::size_t i = 0; i < 100; ++i) flood += "PING\r\n";
    for (std::size_t i = 0; i < pings / 100; ++i) {
        EXPECT_EQ(say(c, flood), "");
        EXPECT_LE(c.untransmitted(), limits{}.max_pong_bytes);
    }
    EXPECT_EQ(c.unparsed(), 0U);
    EXPECT_EQ(count(drain_output(c, 7), "PONG\r\n"), pings); // all of them, as the peer reads
    EXPECT_EQ(c.untransmitted(), 0U);
    (void)say(c, "PING\r\n");
    EXPECT_EQ(drain_output(c), "PONG\r\n");
}

TEST(client_connection_limits, a_ping_flood_among_other_output_is_bounded) {
    limits l;
    l.max_pong_bytes = 60;
    client_connection c = opened(l);
    std::string sent;
    for (int i = 0; i < 200; ++i) {
        (void)say(c, "PING\r\nPING\r\n");
        ASSERT_TRUE(c.publish("a", "x"));
        const_buffer piece[1];
        ASSERT_EQ(c.poll_transmit(piece), 1U);
        sent.append(piece[0].data, 1); // the peer reads far less than is written
        c.transmitted(1);
        EXPECT_LE(c.untransmitted(), 60U + 12U * static_cast<std::size_t>(i + 1));
    }
    sent += drain_output(c);
    EXPECT_EQ(count(sent, "PONG\r\n"), 400U);
    EXPECT_EQ(count(sent, "PUB a 1\r\nx\r\n"), 200U);
    EXPECT_EQ(sent.size(), 400U * 6 + 200U * 12); // whole commands, one behind the other
}

TEST(client_connection_limits, a_ping_flood_before_connect_is_bounded) {
    client_connection c;
    (void)say(c, info_line);
    for (int i = 0; i < 2000; ++i) EXPECT_EQ(say(c, "PING\r\n"), "");
    EXPECT_EQ(c.untransmitted(), 0U);
    ASSERT_TRUE(c.connect({}));
    EXPECT_LE(c.untransmitted(), limits{}.max_pong_bytes + 300);
    EXPECT_EQ(count(drain_output(c), "PONG\r\n"), 2000U);
}

TEST(client_connection_limits, a_pong_is_sent_even_when_the_output_is_full) {
    limits l;
    l.max_output_bytes = 100;
    l.max_pong_bytes = 0; // one at a time
    client_connection c = opened(l);
    ASSERT_TRUE(c.publish("a", std::string(200, 'x')));
    (void)say(c, "PING\r\nPING\r\nPING\r\n");
    EXPECT_EQ(count(drain_output(c), "PONG\r\n"), 3U);
}

TEST(client_connection_limits, what_a_peer_announces_ends_the_connection_at_once) {
    const struct {
        const char* bytes;
        errc why;
    } cases[] = {
        {"MSG a 1 67108865\r\n", errc::message_too_large},
        {"MSG a 1 4294967301\r\n", errc::message_too_large},
        {"MSG a 1 9223372036854775807\r\n", errc::message_too_large},
        {"MSG a 1 18446744073709551621\r\n", errc::bad_number},
        {"MSG a 1 -1\r\n", errc::bad_number},
        {"HMSG a 1 67108865 67108865\r\n", errc::message_too_large},
        {"HMSG a 1 6 5\r\n", errc::bad_number},
    };
    for (const auto& x : cases) {
        client_connection c = opened();
        EXPECT_EQ(say(c, x.bytes), failed(x.why)) << x.bytes;
    }
}

TEST(client_connection_limits, an_announced_size_takes_no_memory) { // D4
    client_connection c = opened();
    (void)say(c, "MSG a 1 67108864\r\nx");
    EXPECT_LT(c.prepare().size(), 200000U);
    EXPECT_EQ(c.unparsed(), 19U);
}

TEST(client_connection_limits, endless_lines_end_at_the_limit) {
    const struct {
        std::string start;
        std::size_t limit;
        errc why;
    } cases[] = {
        {"INFO {", limits{}.max_info, errc::info_too_large},
        {"-ERR '", limits{}.max_line, errc::line_too_long},
        {"MSG a", limits{}.max_line, errc::line_too_long},
        {"PING", limits{}.max_line, errc::line_too_long},
    };
    for (const auto& x : cases) {
        client_connection c = opened();
        std::string events = say(c, x.start);
        std::size_t fed = x.start.size();
        const std::string more(1000, 'x');
        while (events.empty() && fed < 3 * limits{}.max_info) {
            events += say(c, more);
            fed += more.size();
        }
        EXPECT_EQ(events, failed(x.why)) << x.start;
        EXPECT_LE(fed, x.limit + 2000) << x.start;
        EXPECT_LT(c.close_reason().message().size(), 200U);
    }
}

TEST(client_connection_limits, a_first_info_of_a_megabyte) {
    const std::string head = R"({"server_id":"S","x":")";
    const std::size_t room = limits{}.max_info - head.size() - 2;
    client_connection most;
    EXPECT_EQ(say(most, "INFO " + head + std::string(room, 'x') + "\"}\r\n"),
              "connect_requested \"S\"\n");
    client_connection over;
    EXPECT_EQ(say(over, "INFO " + head + std::string(room + 1, 'x') + "\"}\r\n"),
              failed(errc::info_too_large));
}

TEST(client_connection_limits, deep_json_in_the_first_info) {
    const std::size_t depth = limits{}.max_json_depth;
    const auto info = [](std::size_t n) {
        return R"(INFO {"server_id":"S","x":)" + std::string(n, '[') + std::string(n, ']') +
               "}\r\n";
    };
    client_connection most;
    EXPECT_EQ(say(most, info(depth - 1)), "connect_requested \"S\"\n"); // and the object itself
    client_connection over;
    EXPECT_EQ(say(over, info(depth)), failed(errc::bad_info));
    client_connection far;
    EXPECT_EQ(say(far, info(500000)), failed(errc::bad_info));
}

} // namespace nats::test

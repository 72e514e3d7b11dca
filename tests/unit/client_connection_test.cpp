// SPDX-License-Identifier: Apache-2.0
//
// One transport's conversation, step by step with exact bytes: the handshake and every way in which
// it ends, what is answered, what is reported, and that nothing follows the end.

#include <natsproto/wire/client_connection.hpp>

#include <natsproto/version.hpp>

#include "support/feed.hpp"

#include <gtest/gtest.h>

#include <cstring>

using namespace std::string_literals;

namespace nats::test {

namespace {

using wire::client_connection;
using wire::connection_state;

const std::string connect_bytes =
    R"(CONNECT {"verbose":false,"pedantic":false,"tls_required":false,"echo":true,)"
    R"("headers":true,"no_responders":true,"protocol":1,"lang":"cpp","version":")" +
    std::string(nats::version) + "\"}\r\nPING\r\n";

/// Feeds and reports what follows.
std::string say(client_connection& c, std::string_view bytes) {
    c.feed(bytes);
    return drain_events(c);
}

std::string end(client_connection& c) {
    c.handle_eof();
    return drain_events(c);
}

client_connection opened() {
    client_connection c;
    EXPECT_TRUE(open(c));
    return c;
}

client_connection in_state(connection_state s) {
    client_connection c;
    if (s == connection_state::open) return opened();
    if (s == connection_state::awaiting_info) return c;
    (void)say(c, info_line);
    if (s == connection_state::handshaking) {
        EXPECT_TRUE(c.connect({}));
    }
    if (s == connection_state::closed) (void)end(c);
    (void)drain_output(c);
    EXPECT_EQ(c.state(), s);
    return c;
}

} // namespace

TEST(client_connection, starts_with_nothing_to_say) {
    client_connection c;
    EXPECT_EQ(c.state(), connection_state::awaiting_info);
    EXPECT_EQ(drain_events(c), "");
    EXPECT_EQ(c.untransmitted(), 0U);
    EXPECT_EQ(c.unparsed(), 0U);
    EXPECT_FALSE(c.headers_enabled());
    EXPECT_EQ(c.info().max_payload, 0);
}

TEST(client_connection, the_handshake_step_by_step) {
    client_connection c;
    EXPECT_EQ(say(c, info_line), "connect_requested \"S\"\n");
    EXPECT_EQ(c.state(), connection_state::awaiting_connect);
    EXPECT_EQ(c.info().version, "2.10.27");
    EXPECT_EQ(c.untransmitted(), 0U);
    ASSERT_TRUE(c.connect({}));
    EXPECT_EQ(c.state(), connection_state::handshaking);
    EXPECT_EQ(drain_output(c), connect_bytes);
    EXPECT_EQ(drain_events(c), "");
    EXPECT_EQ(say(c, "PONG\r\n"), "connected \"S\"\n");
    EXPECT_EQ(c.state(), connection_state::open);
    EXPECT_TRUE(c.headers_enabled());
    EXPECT_EQ(c.untransmitted(), 0U);
}

TEST(client_connection, a_verbose_server_says_ok_first) {
    client_connection c;
    (void)say(c, info_line);
    wire::connect_fields fields;
    fields.verbose = true;
    ASSERT_TRUE(c.connect(fields));
    EXPECT_EQ(say(c, "+OK\r\n"), "");
    EXPECT_EQ(c.state(), connection_state::handshaking);
    EXPECT_EQ(say(c, "PONG\r\n"), "connected \"S\"\n");
    EXPECT_EQ(say(c, "+OK\r\nMSG a 1 1\r\nx\r\n+OK\r\n"),
              "message 1 \"a\" reply \"\" header \"\" payload \"x\"\n");
}

TEST(client_connection, an_info_behind_the_first_pong_in_one_read) {
    client_connection c = in_state(connection_state::handshaking);
    EXPECT_EQ(say(c, "PONG\r\nINFO {\"server_id\":\"S2\",\"max_payload\":5}\r\nMSG a 1 0\r\n\r\n"),
              "connected \"S\"\ninfo \"S2\" max_payload 5\nmessage 1 \"a\" reply \"\" header \"\" "
              "payload \"\"\n");
}

TEST(client_connection, pings_are_answered_after_connect) {
    client_connection c = in_state(connection_state::awaiting_connect);
    EXPECT_EQ(say(c, "PING\r\nPING\r\n"), "");
    EXPECT_EQ(drain_output(c), ""); // a PONG before CONNECT would be taken for a missing login
    ASSERT_TRUE(c.connect({}));
    EXPECT_EQ(drain_output(c), connect_bytes + "PONG\r\nPONG\r\n");
    EXPECT_EQ(say(c, "PING\r\n"), "");
    EXPECT_EQ(drain_output(c), "PONG\r\n");
    EXPECT_EQ(say(c, "PING\r\nPONG\r\nPING\r\n"), "connected \"S\"\n");
    EXPECT_EQ(drain_output(c), "PONG\r\nPONG\r\n");
}

TEST(client_connection, an_open_connection_in_every_cut) {
    expect_events("PING\r\n", "", "PONG\r\n");
    expect_events("ping\nPINGX\r\n", "", "PONG\r\nPONG\r\n");
    expect_events("PONG\r\nPONG\r\n", "pong\npong\n");
    expect_events("+OK\r\n+OK\r\n", "");
    expect_events("-ERR 'Invalid Subject'\r\n", "server_error \"Invalid Subject\"\n");
    expect_events("-ERR\r\n", "server_error \"\"\n");
    expect_events("INFO {\"server_id\":\"T\"} \r\n", "info \"T\" max_payload 0\n");
    expect_events("MSG a 007 r 1\r\nx\r\n",
                  "message 7 \"a\" reply \"r\" header \"\" payload \"x\"\n");
    expect_events(
        "HMSG a 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n",
        "message 1 \"a\" reply \"\" header \"NATS/1.0 503\\x0d\\x0a\\x0d\\x0a\" payload \"\"\n");
    expect_events(
        "HMSG a 1 14 14\r\nNATS/1.0 5\r\n\r\n\r\nPING\r\n", // D1: local to its message
        "message 1 \"a\" reply \"\" header \"NATS/1.0 5\\x0d\\x0a\\x0d\\x0a\" payload \"\"\n",
        "PONG\r\n");
    expect_events("MSG a 1 3\r\na\0b\r\n"s,
                  "message 1 \"a\" reply \"\" header \"\" payload \"a\\x00b\"\n");
    expect_events("MSG a 1 1\r\nx\r\nPI", "message 1 \"a\" reply \"\" header \"\" payload \"x\"\n");
    expect_events(
        "MSG a 1 1\r\nx\r\nBAD\r\n",
        "message 1 \"a\" reply \"\" header \"\" payload \"x\"\n" + failed(errc::unknown_operation));
}

TEST(client_connection, what_a_client_sends_is_refused_from_a_server) {
    for (const char* bytes : {"PUB a 1\r\nx\r\n", "HPUB a 0 1\r\nx\r\n", "SUB a 1\r\n",
                              "UNSUB 1\r\n", "CONNECT {}\r\n"}) {
        expect_events(bytes, failed(errc::unknown_operation));
    }
}

TEST(client_connection, a_later_info_replaces_the_one_before) {
    for (const connection_state s : {connection_state::awaiting_connect,
                                     connection_state::handshaking, connection_state::open}) {
        client_connection c = in_state(s);
        EXPECT_EQ(say(c, "INFO {\"server_id\":\"T\",\"max_payload\":7,\"ldm\":true}\r\n"),
                  "info \"T\" max_payload 7\n");
        EXPECT_EQ(c.state(), s);
        EXPECT_TRUE(c.info().lame_duck);
        EXPECT_EQ(c.info().version, ""); // a full replacement
    }
}

TEST(client_connection, max_payload_follows_the_newest_info) {
    client_connection c = opened();
    EXPECT_TRUE(c.publish("a", "12345678"));
    (void)say(c, "INFO {\"max_payload\":7}\r\n");
    EXPECT_EQ(c.publish("a", "12345678").error(), errc::payload_too_large);
    (void)say(c, "INFO {\"max_payload\":8}\r\n");
    EXPECT_TRUE(c.publish("a", "12345678"));
    (void)say(c, "INFO {}\r\n");
    EXPECT_TRUE(c.publish("a", std::string(2000000, 'x')));
}

TEST(client_connection, a_broken_later_info_is_ignored) {
    for (const connection_state s : {connection_state::awaiting_connect,
                                     connection_state::handshaking, connection_state::open}) {
        for (const std::string json :
             {"{", "", "[]", "\"x\"", R"({"port":"x"})", "{}{}", "\xff", "nonsense"}) {
            client_connection c = in_state(s);
            EXPECT_EQ(say(c, "INFO " + json + "\r\n"), "") << json;
            EXPECT_EQ(c.state(), s);
            EXPECT_EQ(c.info().server_id, "S");
        }
    }
}

TEST(client_connection, a_broken_first_info_ends_it) {
    for (const std::string json : {"{", "", "[]", "\"x\"", R"({"port":"x"})", "{}{}", "\xff",
                                   "nonsense", "{\"max_payload\":-1}"}) {
        client_connection c;
        EXPECT_EQ(say(c, "INFO " + json + "\r\n"), failed(errc::bad_info)) << json;
        EXPECT_EQ(c.state(), connection_state::closed);
    }
}

TEST(client_connection, operations_at_the_wrong_time_end_it) {
    const struct {
        connection_state at;
        std::string bytes;
        std::string detail;
    } cases[] = {
        {connection_state::awaiting_info, "MSG a 1 1\r\nx\r\n", "MSG while awaiting_info"},
        {connection_state::awaiting_info, "HMSG a 1 0 1\r\nx\r\n", "MSG while awaiting_info"},
        {connection_state::awaiting_info, "PING\r\n", "PING while awaiting_info"},
        {connection_state::awaiting_info, "PONG\r\n", "PONG while awaiting_info"},
        {connection_state::awaiting_info, "+OK\r\n", "+OK while awaiting_info"},
        {connection_state::awaiting_connect, "MSG a 1 1\r\nx\r\n", "MSG while awaiting_connect"},
        {connection_state::awaiting_connect, "PONG\r\n", "PONG while awaiting_connect"},
        {connection_state::handshaking, "MSG a 1 1\r\nx\r\n", "MSG while handshaking"},
    };
    for (const auto& x : cases) {
        client_connection c = in_state(x.at);
        EXPECT_EQ(say(c, x.bytes + "PING\r\n"), failed(errc::unexpected_operation)) << x.detail;
        EXPECT_EQ(c.close_reason().detail(), x.detail);
        EXPECT_EQ(drain_output(c), "");
    }
}

TEST(client_connection, the_error_shows_what_the_peer_sent) {
    client_connection http;
    EXPECT_EQ(say(http, "HTTP/1.1 400 Bad Request\r\nServer: x\r\n"),
              failed(errc::unknown_operation));
    EXPECT_EQ(http.close_reason().detail(), "the peer sent \"HTTP/1.1 400 Bad Request\\x0d\"");
    client_connection binary;
    EXPECT_EQ(say(binary, "\x16\x03\x01\x02" + std::string(100, '\0')),
              failed(errc::unknown_operation));
    EXPECT_LT(binary.close_reason().detail().size(), 200U);
    EXPECT_TRUE(binary.close_reason().detail().ends_with("...\""))
        << binary.close_reason().detail();
}

TEST(client_connection, server_errors_are_reported_at_any_time) {
    for (const connection_state s :
         {connection_state::awaiting_info, connection_state::awaiting_connect,
          connection_state::handshaking, connection_state::open}) {
        client_connection c = in_state(s);
        c.feed("-ERR 'Authorization Violation'\r\n");
        wire::connection_event e;
        ASSERT_TRUE(c.next(e));
        const auto* const report = std::get_if<wire::event::server_error>(&e);
        ASSERT_NE(report, nullptr);
        EXPECT_EQ(report->text, "Authorization Violation");
        EXPECT_EQ(report->what.code, errc::authorization_violation);
        EXPECT_TRUE(report->what.closes);
        EXPECT_EQ(c.state(), s); // the server closes, not we
        EXPECT_EQ(end(c), failed(errc::eof));
    }
}

TEST(client_connection, an_error_and_the_end_in_one_read_give_both) {
    client_connection c = in_state(connection_state::handshaking);
    c.feed("-ERR 'Authorization Violation'\r\n");
    c.handle_eof();
    EXPECT_EQ(drain_events(c), "server_error \"Authorization Violation\"\n" + failed(errc::eof));
}

TEST(client_connection, messages_in_front_of_a_failure_are_delivered) { // D12
    client_connection c = opened();
    EXPECT_EQ(say(c,
                  "MSG a 1 1\r\nx\r\nMSG a 1 1\r\ny\r\n-ERR 'Stale Connection'\r\nMSG a 1 "
                  "-1\r\nMSG a 1 1\r\nz\r\n"),
              "message 1 \"a\" reply \"\" header \"\" payload \"x\"\nmessage 1 \"a\" reply \"\" "
              "header \"\" payload \"y\"\n"
              "server_error \"Stale Connection\"\n" +
                  failed(errc::bad_number));
}

TEST(client_connection, the_end_of_the_transport_in_every_state) {
    for (const connection_state s :
         {connection_state::awaiting_info, connection_state::awaiting_connect,
          connection_state::handshaking, connection_state::open}) {
        client_connection c = in_state(s);
        c.handle_eof();
        EXPECT_EQ(c.state(), s); // what was received is parsed first
        EXPECT_EQ(drain_events(c), failed(errc::eof));
        EXPECT_EQ(c.state(), connection_state::closed);
        EXPECT_EQ(c.close_reason().detail(), "");
        EXPECT_EQ(end(c), ""); // once only
    }
}

TEST(client_connection, the_end_inside_an_operation_says_so) {
    client_connection c = opened();
    c.feed("MSG a 1 5\r\nhel");
    EXPECT_EQ(end(c), failed(errc::eof));
    EXPECT_EQ(c.close_reason().detail(), "in the middle of an operation");
}

TEST(client_connection, the_reason_of_the_transport_is_kept) {
    client_connection c = opened();
    c.feed("MSG a 1 5\r\nhel");
    c.handle_eof({errc::io_error, "Connection reset by peer"});
    c.handle_eof(); // the first reason counts
    EXPECT_EQ(drain_events(c), failed(errc::io_error));
    EXPECT_EQ(c.close_reason().detail(), "Connection reset by peer");
}

TEST(client_connection, nothing_follows_the_end) {
    client_connection c = opened();
    ASSERT_TRUE(c.publish("a", "unsent"));
    EXPECT_EQ(say(c, "BAD\r\n"), failed(errc::unknown_operation));
    const_buffer piece[1];
    EXPECT_EQ(c.poll_transmit(piece), 0U);
    for (const std::string bytes : {"PING\r\n", "MSG a 1 1\r\nx\r\n", "INFO {}\r\n"})
        EXPECT_EQ(say(c, bytes), "");
    EXPECT_EQ(c.unparsed(), 0U);
    EXPECT_EQ(end(c), "");
    EXPECT_EQ(c.publish("a", "x").error(), errc::connection_closed);
    EXPECT_EQ(c.poll_transmit(piece), 0U);
    EXPECT_EQ(c.close_reason(), errc::unknown_operation); // the reason stays
    c.transmitted(0);
    EXPECT_EQ(c.poll_transmit(piece), 0U);
}

TEST(client_connection, a_write_that_ends_after_the_close_is_accepted) {
    client_connection c = opened();
    ASSERT_TRUE(c.publish("a", "x"));
    const_buffer piece[1];
    ASSERT_EQ(c.poll_transmit(piece), 1U);
    EXPECT_EQ(std::string(piece[0].data, piece[0].size), "PUB a 1\r\nx\r\n");
    (void)end(c);
    EXPECT_EQ(std::string(piece[0].data, piece[0].size), "PUB a 1\r\nx\r\n"); // still there
    c.transmitted(piece[0].size);
    EXPECT_EQ(c.poll_transmit(piece), 0U);
}

TEST(client_connection, the_end_after_each_byte_of_the_handshake) {
    const std::string script =
        std::string(info_line) + "PING\r\n+OK\r\nPONG\r\nMSG a 1 1\r\nx\r\n-ERR 'e'\r\n";
    const auto run = [](std::string_view bytes) {
        client_connection c;
        std::string events;
        for (const std::string_view one : pieces_of(bytes, 1)) {
            events += say(c, one);
            if (c.state() == connection_state::awaiting_connect) {
                EXPECT_TRUE(c.connect({}));
            }
        }
        return events + end(c);
    };
    const std::string whole = run(script);
    EXPECT_EQ(whole,
              "connect_requested \"S\"\nconnected \"S\"\nmessage 1 \"a\" reply \"\" header \"\" "
              "payload \"x\"\n"
              "server_error \"e\"\n" +
                  failed(errc::eof));
    const std::string last = failed(errc::eof);
    for (std::size_t n = 0; n < script.size(); ++n) {
        const std::string events = run(std::string_view(script).substr(0, n));
        ASSERT_TRUE(events.ends_with(last)) << n;
        EXPECT_TRUE(whole.starts_with(events.substr(0, events.size() - last.size()))) << n << '\n'
                                                                                      << events;
        EXPECT_EQ(events.find(last), events.size() - last.size()) << n;
    }
}

TEST(client_connection, views_of_an_event_live_until_the_next_call) {
    client_connection c = opened();
    c.feed("MSG first 1 3\r\none\r\nMSG second 2 3\r\ntwo\r\n");
    wire::connection_event e;
    ASSERT_TRUE(c.next(e));
    const message_view first = std::get<wire::event::message>(e).view;
    EXPECT_TRUE(c.publish("out", "x")); // commands and output leave them alone
    EXPECT_EQ(drain_output(c), "PUB out 1\r\nx\r\n");
    EXPECT_EQ(first.subject, "first");
    EXPECT_EQ(first.payload, "one");
    ASSERT_TRUE(c.next(e));
    EXPECT_EQ(std::get<wire::event::message>(e).view.payload, "two");
    EXPECT_FALSE(c.next(e));
}

// What an earlier read left behind in the buffer is not input, even where it would fit.
TEST(client_connection, stale_bytes_behind_the_data_are_not_read) {
    const std::string frame = "MSG stale.subject.name 1 30\r\n" + std::string(30, 'p') + "\r\n";
    const std::string message = R"(message 1 "stale.subject.name" reply "" header "" payload ")" +
                                std::string(30, 'p') + "\"\n";
    for (std::size_t at = 1; at < frame.size(); ++at) {
        client_connection c = opened();
        EXPECT_EQ(say(c, frame + frame), message + message);
        EXPECT_EQ(say(c, std::string_view(frame).substr(0, at)), "") << at;
        EXPECT_EQ(say(c, std::string_view(frame).substr(at)), message) << at;
        EXPECT_EQ(c.unparsed(), 0U);
    }
}

TEST(client_connection, unparsed_counts_what_was_not_reported) {
    client_connection c = opened();
    c.feed("PONG\r\nPONG\r\nPO");
    EXPECT_EQ(c.unparsed(), 14U);
    wire::connection_event e;
    ASSERT_TRUE(c.next(e));
    EXPECT_EQ(c.unparsed(), 8U);
    ASSERT_TRUE(c.next(e));
    EXPECT_FALSE(c.next(e));
    EXPECT_EQ(c.unparsed(), 2U);
}

TEST(client_connection, bytes_can_be_read_in_place) {
    client_connection c = opened();
    const std::string bytes = "MSG a 1 100000\r\n" + std::string(100000, 'p') + "\r\nPONG\r\n";
    std::string events;
    for (std::size_t at = 0; at < bytes.size();) {
        const std::span<char> space = c.prepare();
        ASSERT_FALSE(space.empty());
        const std::size_t n = std::min({space.size(), bytes.size() - at, std::size_t{3000}});
        std::memcpy(space.data(), bytes.data() + at, n);
        c.commit(n);
        at += n;
        events += drain_events(c);
    }
    EXPECT_EQ(events, "message 1 \"a\" reply \"\" header \"\" payload \"" +
                          std::string(100000, 'p') + "\"\npong\n");
    EXPECT_EQ(say(c, ""), ""); // feeding nothing is nothing
}

TEST(client_connection, layers_above_can_take_the_frames_themselves) {
    using step = client_connection::step;
    client_connection c = opened();
    c.feed("PING\r\nHMSG a 5 0 1\r\nx\r\n-ERR 'Stale Connection'\r\nBAD\r\n");
    ASSERT_EQ(c.advance(), step::message);
    EXPECT_EQ(c.current().sid, 5U);
    EXPECT_TRUE(c.current().has_headers);
    EXPECT_EQ(c.current().payload, "x");
    ASSERT_EQ(c.advance(), step::server_error);
    EXPECT_EQ(c.current().text, "Stale Connection");
    EXPECT_EQ(c.current_error().code, errc::stale_connection);
    EXPECT_EQ(c.advance(), step::closed);
    EXPECT_EQ(c.advance(), step::need_more);
}

TEST(client_connection, the_sid_of_a_message_is_exact) { // SEC-M5, D3
    expect_events("MSG a 18446744073709551615 1\r\nx\r\n",
                  "message 18446744073709551615 \"a\" reply \"\" header \"\" payload \"x\"\n");
    expect_events("MSG a 18446744073709551617 1\r\nx\r\n", failed(errc::bad_number));
}

} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Proves what a connected session makes of trouble: each class of -ERR, permission errors and the
// subscription they belong to, later INFOs, violations of the protocol, the end of the transport,
// and closing.

#include <natsproto/session.hpp>

#include "support/session_steps.hpp"

#include <gtest/gtest.h>

#include <string>

namespace nats::test {
namespace {

using namespace std::chrono_literals;

struct open_session : stepper {
    explicit open_session(const options& o = {}) : stepper(o) { EXPECT_TRUE(open()); }
    std::string err(const std::string& text) { return receive("-ERR '" + text + "'\r\n"); }
};

/// A disconnect with this reason, and the end.
std::string ended(const std::string& why) {
    return "disconnected: " + why + "\nclosed: " + why + "\nclose 1\n";
}
std::string said(errc code, const std::string& detail = "") {
    return std::string(describe(code)) + (detail.empty() ? "" : ": " + detail);
}

// --- -ERR

struct server_says {
    const char* name;
    const char* text;
    errc code;
    bool closes;
};

class session_server_error : public testing::TestWithParam<server_says> {};

TEST_P(session_server_error, is_reported_and_explains_the_end) {
    const server_says& p = GetParam();
    open_session c;
    EXPECT_EQ(c.err(p.text),
              "server_error \"" + std::string(p.text) + "\": " + said(p.code) + '\n');
    EXPECT_EQ(c.s.status(), session_status::connected) << "closing is the server's to do";
    EXPECT_EQ(c.eof(), ended(p.closes ? said(p.code, p.text) : said(errc::eof)));
    EXPECT_EQ(c.s.close_reason(), p.closes ? p.code : errc::eof);
}

TEST_P(session_server_error, explains_a_reset_as_well) {
    const server_says& p = GetParam();
    open_session c;
    (void)c.err(p.text);
    (void)c.io_error();
    EXPECT_EQ(c.s.close_reason(), p.closes ? p.code : errc::io_error);
}

TEST_P(session_server_error, in_the_same_read_as_the_end) {
    const server_says& p = GetParam();
    open_session c;
    const std::string line = "-ERR '" + std::string(p.text) + "'\r\n";
    const std::span<char> space = c.s.prepare(line.size());
    std::copy(line.begin(), line.end(), space.begin());
    c.s.commit(line.size(), c.now);
    c.s.handle_eof(attempt_id{1}, c.now);
    EXPECT_EQ(c.drain(), "server_error \"" + std::string(p.text) + "\": " + said(p.code) + '\n' +
                             ended(p.closes ? said(p.code, p.text) : said(errc::eof)));
}

INSTANTIATE_TEST_SUITE_P(
    all, session_server_error,
    testing::Values(
        server_says{"authorization", "Authorization Violation", errc::authorization_violation,
                    true},
        server_says{"auth_timeout", "Authentication Timeout", errc::authentication_timeout, true},
        server_says{"expired", "User Authentication Expired", errc::authentication_expired, true},
        server_says{"revoked", "User Authentication Revoked", errc::authentication_revoked, true},
        server_says{"account_expired", "Account Authentication Expired",
                    errc::authentication_expired, true},
        server_says{"publish", "Permissions Violation for Publish to \"x\"",
                    errc::permissions_violation, false},
        server_says{"connections", "maximum connections exceeded", errc::max_connections_exceeded,
                    true},
        server_says{"account_connections", "maximum account active connections exceeded",
                    errc::max_connections_exceeded, true},
        server_says{"subscriptions", "maximum subscriptions exceeded",
                    errc::max_subscriptions_exceeded, false},
        server_says{"payload", "Maximum Payload Violation", errc::server_max_payload, true},
        server_says{"line", "maximum control line exceeded", errc::server_max_control_line, true},
        server_says{"operation", "Unknown Protocol Operation", errc::server_protocol_error, true},
        server_says{"subject", "Invalid Subject", errc::server_invalid_subject, false},
        server_says{"publish_subject", "Invalid Publish Subject", errc::server_invalid_subject,
                    false},
        server_says{"stale", "Stale Connection", errc::stale_connection, true},
        server_says{"throttled", "Connection throttling is active. Please try again later.",
                    errc::connection_throttled, true},
        server_says{"unknown", "the moon is in the wrong place", errc::server_error, false}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(session_errors, a_permission_error_belongs_to_its_subscription) {
    open_session c;
    int first = 0;
    int second = 0;
    ASSERT_TRUE(c.s.subscribe("a.b", std::nullopt, &first).has_value());
    ASSERT_TRUE(c.s.subscribe("a.b", "q", &second).has_value());
    ASSERT_TRUE(c.s.subscribe("other", "q").has_value());
    (void)c.drain();
    const std::string to = "Permissions Violation for Subscription to ";
    const std::string told = R"(": )" + said(errc::permissions_violation);
    EXPECT_EQ(c.err(to + R"("a.b")"), "server_error \"" + to + R"("a.b")" + told + " sub 1\n");
    EXPECT_EQ(c.err(to + R"("a.b" using queue "q")"),
              "server_error \"" + to + R"("a.b" using queue "q")" + told + " sub 2\n");
    EXPECT_EQ(c.err(to + R"("other" using queue "q")"),
              "server_error \"" + to + R"("other" using queue "q")" + told + " sub 3\n");
    EXPECT_EQ(c.err(to + R"("other")"), "server_error \"" + to + R"("other")" + told + "\n");
    EXPECT_EQ(c.err(to + R"("a.b" (sid "1"))"),
              "server_error \"" + to + R"("a.b" (sid "1"))" + told + " sub 1\n");
    EXPECT_EQ(c.s.status(), session_status::connected);
}

TEST(session_errors, a_publish_permission_error_belongs_to_no_subscription) {
    open_session c;
    ASSERT_TRUE(c.s.subscribe("a").has_value());
    (void)c.drain();
    EXPECT_EQ(c.err(R"(Permissions Violation for Publish to "a")"),
              R"(server_error "Permissions Violation for Publish to "a"": )" +
                  said(errc::permissions_violation) + "\n");
}

TEST(session_errors, a_subscription_that_has_ended_gets_no_permission_error) {
    open_session c;
    const auto id = c.s.subscribe("a");
    ASSERT_TRUE(c.s.unsubscribe(*id));
    (void)c.drain();
    EXPECT_EQ(c.err(R"(Permissions Violation for Subscription to "a")").find(" sub "),
              std::string::npos);
    EXPECT_EQ(c.err(R"(Permissions Violation for Subscription to "")").find(" sub "),
              std::string::npos);
}

TEST(session_errors, the_newest_reason_of_the_server_counts) {
    open_session c;
    (void)c.err("Stale Connection");
    (void)c.err("User Authentication Expired");
    EXPECT_EQ(c.eof(), ended(said(errc::authentication_expired, "User Authentication Expired")));
}

TEST(session_errors, a_violation_is_not_hidden_by_an_earlier_reason) {
    open_session c;
    (void)c.err("Stale Connection");
    (void)c.receive("garbage\r\n");
    EXPECT_EQ(c.s.close_reason(), errc::unknown_operation);
}

// --- the end

TEST(session_errors, eof_between_and_inside_operations) {
    open_session c;
    EXPECT_EQ(c.eof(), ended(said(errc::eof)));
    open_session d;
    (void)d.receive("MSG a 1 5\r\nhe");
    EXPECT_EQ(d.eof(), ended(said(errc::eof, "in the middle of an operation")));
}

TEST(session_errors, what_was_received_before_the_end_is_delivered) {
    open_session c;
    ASSERT_TRUE(c.s.subscribe("a").has_value());
    (void)c.drain();
    const std::string_view two = "MSG a 1 1\r\nx\r\nMSG a 1 1\r\ny\r\nMSG a";
    const std::span<char> space = c.s.prepare(two.size());
    std::copy(two.begin(), two.end(), space.begin());
    c.s.commit(two.size(), c.now);
    c.s.handle_io_error(attempt_id{1}, std::make_error_code(std::errc::connection_reset), c.now);
    const std::string out = c.drain();
    EXPECT_TRUE(out.starts_with("message 1 a \"x\"\nmessage 1 a \"y\"\ndisconnected: ")) << out;
    EXPECT_EQ(c.s.close_reason(), errc::io_error);
    EXPECT_EQ(c.s.close_reason().detail(),
              std::make_error_code(std::errc::connection_reset).message());
}

TEST(session_errors, violations_while_connected) {
    struct violation {
        const char* bytes;
        errc why;
    };
    for (const violation& v : {violation{"hello\r\n", errc::unknown_operation},
                               {"MSG a 1\r\n", errc::bad_arguments},
                               {"MSG a 1 x\r\n", errc::bad_number},
                               {"MSG a 1 1\r\nxy\r\n", errc::missing_crlf},
                               {"MSG a 1 99999999999\r\n", errc::message_too_large},
                               {"HMSG a 1 5 4\r\n", errc::bad_number}}) {
        open_session c;
        const std::string out = c.receive(v.bytes);
        EXPECT_TRUE(out.starts_with("disconnected: ")) << v.bytes << out;
        EXPECT_EQ(c.s.close_reason(), v.why) << v.bytes << out;
        EXPECT_EQ(c.receive("PING\r\n"), "") << "what follows is not looked at";
    }
}

// --- INFO

TEST(session_errors, a_later_info_replaces_the_one_before) {
    open_session c;
    EXPECT_EQ(c.receive(R"(INFO {"server_id":"T","max_payload":5,"ldm":true})"
                        "\r\n"),
              "info max_payload 5\nlame_duck 127.0.0.1:4222\n");
    EXPECT_EQ(c.s.info().server_id, "T");
    EXPECT_TRUE(c.s.info().lame_duck);
    EXPECT_EQ(c.receive("INFO {not json}\r\n"), "") << "the old one stays";
    EXPECT_EQ(c.s.info().max_payload, 5);
    EXPECT_EQ(c.s.status(), session_status::connected);
}

TEST(session_errors, lame_duck_is_told_once_a_connection) {
    const std::string ldm = "INFO {\"proto\":1,\"ldm\":true}\r\n";
    open_session later;
    EXPECT_EQ(later.receive(ldm), "info max_payload 0\nlame_duck 127.0.0.1:4222\n");
    EXPECT_EQ(later.receive(ldm), "info max_payload 0\n");
    stepper from_the_start;
    (void)from_the_start.start();
    (void)from_the_start.connected();
    (void)from_the_start.receive(ldm);
    EXPECT_EQ(from_the_start.receive("PONG\r\n"),
              "connected 127.0.0.1:4222\nlame_duck 127.0.0.1:4222\n");
}

// --- closing

TEST(session_errors, close_in_each_state_ends_with_one_event) {
    const std::string closed = "closed: " + said(errc::connection_closed) + '\n';
    stepper idle;
    EXPECT_EQ(idle.close(), closed);
    stepper connecting;
    (void)connecting.start();
    EXPECT_EQ(connecting.close(), closed + "close 1\n");
    stepper greeted;
    (void)greeted.start();
    (void)greeted.connected();
    (void)greeted.receive(info_2_10);
    EXPECT_EQ(greeted.close(), closed + "close 1\n");
    open_session up;
    EXPECT_EQ(up.close(), closed + "close 1\n");
    open_session lost;
    (void)lost.eof();
    EXPECT_EQ(lost.close(), "") << "it was over already, for another reason";
    EXPECT_EQ(lost.s.close_reason(), errc::eof);
}

TEST(session_errors, nothing_happens_after_close) {
    open_session c;
    ASSERT_TRUE(c.s.subscribe("a").has_value());
    ASSERT_TRUE(c.s.publish("a", "not sent"));
    EXPECT_NE(c.close(), "");
    EXPECT_EQ(c.close(), "");
    EXPECT_EQ(c.receive("MSG a 1 1\r\nx\r\nPING\r\n"), "");
    EXPECT_EQ(c.eof(), "");
    EXPECT_EQ(c.io_error(), "");
    EXPECT_EQ(c.connected(1), "");
    EXPECT_EQ(c.connect_failed(1, errc::connect_failed), "");
    EXPECT_EQ(c.wait(24h), "");
    EXPECT_EQ(c.s.poll_timeout(), std::nullopt);
    EXPECT_EQ(c.s.status(), session_status::closed);
}

TEST(session_errors, every_command_after_close_says_so) {
    open_session c;
    const auto id = c.s.subscribe("a");
    (void)c.close();
    EXPECT_EQ(c.s.publish("a", "").error(), errc::connection_closed);
    EXPECT_EQ(c.s.publish_borrowed("a", "").error(), errc::connection_closed);
    EXPECT_EQ(c.s.subscribe("a").error(), errc::connection_closed);
    EXPECT_EQ(c.s.unsubscribe(*id).error(), errc::connection_closed);
    EXPECT_EQ(c.s.unsubscribe(*id, 4).error(), errc::connection_closed);
    EXPECT_EQ(c.s.ping(c.now).error(), errc::connection_closed);
    EXPECT_EQ(c.s.start(c.now).error(), errc::connection_closed);
    EXPECT_EQ(c.drain(), "");
}

TEST(session_errors, events_that_were_not_taken_come_before_closed) {
    stepper c({.servers = "a,b"});
    (void)c.start();
    c.s.handle_connect_failed(attempt_id{1}, error{errc::connect_failed, "no"}, c.now);
    c.s.close(c.now);
    EXPECT_EQ(c.drain(), "connect_failed a:4222: " + said(errc::connect_failed, "no") +
                             "\nclosed: " + said(errc::connection_closed) +
                             "\nconnect 2 b:4222 by 2000ms\nclose 2\n");
}

} // namespace
} // namespace nats::test

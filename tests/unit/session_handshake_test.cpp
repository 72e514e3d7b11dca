// SPDX-License-Identifier: Apache-2.0
//
// Proves the handshake of a session byte for byte: what CONNECT says for each option, when the
// session counts as connected, what it makes of a server that does not keep to the order, and that
// one deadline covers all of it.

#include <natsproto/session.hpp>
#include <natsproto/version.hpp>

#include "support/session_steps.hpp"

#include <gtest/gtest.h>

#include <string>

namespace nats::test {
namespace {

using namespace std::chrono_literals;

/// The line of a CONNECT with its PING. `flags`: the members that options change; `login`: what
/// follows the version; `rest`: what follows the PING.
std::string connect_line(const std::string& flags, const std::string& name = "",
                         const std::string& login = "", const std::string& rest = "") {
    return "> CONNECT {" + flags + R"(,"protocol":1,)" + name + R"("lang":"cpp","version":")" +
           std::string(version) + '"' + login + "}\\r\\nPING\\r\\n" + rest + '\n';
}

constexpr const char* usual_flags = R"("verbose":false,"pedantic":false,"tls_required":false,)"
                                    R"("echo":true,"headers":true,"no_responders":true)";

/// What the session sends when `server_info` arrives.
std::string connect_sent(const options& o, std::string_view info = info_2_10) {
    stepper c(o);
    EXPECT_EQ(c.start().substr(0, 10), "connect 1 ");
    EXPECT_EQ(c.connected(), "");
    return c.receive(info);
}

TEST(session_handshake, every_step_and_byte) {
    stepper c({.servers = "nats://example.test:4333"});
    EXPECT_EQ(c.s.status(), session_status::idle);
    EXPECT_EQ(c.s.server(), nullptr);
    EXPECT_EQ(c.start(), "connect 1 example.test:4333 by 2000ms\n");
    EXPECT_EQ(c.s.status(), session_status::connecting);
    EXPECT_EQ(c.connected(), "");
    EXPECT_EQ(c.receive(info_2_10), connect_line(usual_flags));
    EXPECT_EQ(c.s.status(), session_status::connecting);
    EXPECT_EQ(c.receive("PONG\r\n"), "connected example.test:4333\n");
    EXPECT_EQ(c.s.status(), session_status::connected);
    EXPECT_EQ(c.s.info().server_id, "S");
    EXPECT_EQ(c.s.server()->text(), "example.test:4333");
    EXPECT_TRUE(c.s.headers_enabled());
    EXPECT_EQ(c.s.untransmitted(), 0U);
}

TEST(session_handshake, byte_by_byte_says_the_same) {
    stepper c;
    (void)c.start();
    (void)c.connected();
    std::string all;
    for (const char byte : std::string(info_2_10) + "PONG\r\n") all += c.receive({&byte, 1});
    EXPECT_EQ(all, connect_line(usual_flags) + "connected 127.0.0.1:4222\n");
}

TEST(session_handshake, the_server_may_send_everything_at_once) {
    // No server does, but nothing in the protocol forbids it.
    stepper c;
    (void)c.start();
    (void)c.connected();
    EXPECT_EQ(c.receive(std::string(info_2_10) + "PONG\r\nPING\r\n"),
              "connected 127.0.0.1:4222\n" + connect_line(usual_flags, "", "", "PONG\\r\\n"));
}

TEST(session_handshake, verbose_takes_the_ok_before_the_pong) {
    stepper c({.verbose = true});
    (void)c.start();
    (void)c.connected();
    EXPECT_NE(c.receive(info_2_10).find(R"("verbose":true,"pedantic":false)"), std::string::npos);
    EXPECT_EQ(c.receive("+OK\r\n"), "");
    EXPECT_EQ(c.s.status(), session_status::connecting);
    EXPECT_EQ(c.receive("PONG\r\n"), "connected 127.0.0.1:4222\n");
    ASSERT_TRUE(c.s.publish("a", "1"));
    EXPECT_EQ(c.drain(), "> PUB a 1\\r\\n1\\r\\n\n");
    EXPECT_EQ(c.receive("+OK\r\n"), "");
}

TEST(session_handshake, pedantic_and_no_echo_are_said) {
    EXPECT_NE(connect_sent({.pedantic = true}).find(R"("pedantic":true)"), std::string::npos);
    EXPECT_NE(connect_sent({.no_echo = true}).find(R"("echo":false)"), std::string::npos);
}

TEST(session_handshake, headers_are_asked_for_only_where_the_server_has_them) {
    const std::string sent = connect_sent({}, "INFO {\"proto\":1}\r\n");
    EXPECT_NE(sent.find(R"("headers":false,"no_responders":false)"), std::string::npos);
    stepper c;
    ASSERT_TRUE(c.open("INFO {\"proto\":1}\r\n"));
    EXPECT_FALSE(c.s.headers_enabled());
}

TEST(session_handshake, no_echo_is_an_error_for_a_server_that_cannot) {
    stepper c({.no_echo = true});
    (void)c.start();
    (void)c.connected();
    const std::string why(describe(errc::no_echo_not_supported));
    EXPECT_EQ(c.receive("INFO {\"proto\":0}\r\n"),
              "connect_failed 127.0.0.1:4222: " + why + "\nclosed: " + why + "\nclose 1\n");
}

TEST(session_handshake, login_and_name_are_said_and_escaped) {
    EXPECT_EQ(
        connect_sent({.name = "bill\"ing", .user = "u\\x", .password = "p\n"}),
        connect_line(usual_flags, R"("name":"bill\"ing",)", R"(,"user":"u\\x","pass":"p\n")"));
    EXPECT_EQ(connect_sent({.token = "t0"}),
              connect_line(usual_flags, "", R"(,"auth_token":"t0")"));
}

TEST(session_handshake, login_of_a_url_beats_the_options) {
    EXPECT_EQ(connect_sent({.servers = "nats://me:secret@h", .user = "other", .password = "x"}),
              connect_line(usual_flags, "", R"(,"user":"me","pass":"secret")"));
    EXPECT_EQ(connect_sent({.servers = "nats://me:@h", .user = "other", .password = "x"}),
              connect_line(usual_flags, "", R"(,"user":"me")"));
    EXPECT_EQ(connect_sent({.servers = "nats://t%40ken@h", .user = "other", .password = "x"}),
              connect_line(usual_flags, "", R"(,"auth_token":"t@ken")"));
    EXPECT_EQ(connect_sent({.servers = "nats://h", .user = "other", .password = "x"}),
              connect_line(usual_flags, "", R"(,"user":"other","pass":"x")"));
}

TEST(session_handshake, each_server_gets_the_login_of_its_own_url) {
    stepper c({.servers = "a@h1,u:p@h2,h3", .token = "common"});
    (void)c.start();
    (void)c.connected();
    EXPECT_NE(c.receive(info_2_10).find(R"("auth_token":"a")"), std::string::npos);
    (void)c.eof();
    (void)c.connected(2);
    const std::string second = c.receive(info_2_10);
    EXPECT_NE(second.find(R"("user":"u","pass":"p"})"), std::string::npos);
    EXPECT_EQ(second.find("auth_token"), std::string::npos);
    (void)c.eof();
    (void)c.connected(3);
    EXPECT_NE(c.receive(info_2_10).find(R"("auth_token":"common")"), std::string::npos);
}

TEST(session_handshake, tls_of_the_server_needs_a_provider) {
    stepper c;
    (void)c.start();
    (void)c.connected();
    const std::string why = std::string(describe(errc::tls_unavailable)) + ": 127.0.0.1:4222";
    EXPECT_EQ(c.receive("INFO {\"proto\":1,\"tls_required\":true}\r\n"),
              "connect_failed 127.0.0.1:4222: " + why + "\nclosed: " + why + "\nclose 1\n");
    EXPECT_EQ(c.s.close_reason(), errc::tls_unavailable);
}

TEST(session_handshake, nothing_is_sent_before_info) {
    stepper c;
    (void)c.start();
    EXPECT_EQ(c.connected(), "");
    EXPECT_EQ(c.s.untransmitted(), 0U);
    EXPECT_EQ(c.s.publish("a", "x").error(), errc::not_connected);
    EXPECT_EQ(c.s.ping(c.now).error(), errc::not_connected);
}

TEST(session_handshake, a_ping_before_the_handshake_is_answered_after_connect) {
    stepper c;
    (void)c.start();
    (void)c.connected();
    EXPECT_EQ(c.receive(std::string(info_2_10) + "PING\r\n"),
              connect_line(usual_flags, "", "", "PONG\\r\\n"));
}

TEST(session_handshake, a_second_info_before_the_pong_counts) {
    stepper c;
    (void)c.start();
    (void)c.connected();
    (void)c.receive(info_2_10);
    EXPECT_EQ(c.receive("INFO {\"proto\":1,\"headers\":true,\"max_payload\":7}\r\n"), "");
    EXPECT_EQ(c.receive("PONG\r\n"), "connected 127.0.0.1:4222\n");
    EXPECT_EQ(c.s.info().max_payload, 7);
}

struct bad_start {
    const char* name;
    const char* bytes;
    errc why;
};

class session_handshake_violation : public testing::TestWithParam<bad_start> {};

TEST_P(session_handshake_violation, ends_the_attempt_with_the_reason) {
    stepper c;
    (void)c.start();
    (void)c.connected();
    const std::string out = c.receive(GetParam().bytes);
    EXPECT_EQ(out.substr(0, 31), "connect_failed 127.0.0.1:4222: ") << out;
    EXPECT_EQ(c.s.close_reason(), GetParam().why) << out;
    EXPECT_EQ(out.substr(out.size() - 8), "close 1\n") << out;
    EXPECT_EQ(c.s.status(), session_status::closed);
}

INSTANTIATE_TEST_SUITE_P(
    all, session_handshake_violation,
    testing::Values(bad_start{"http", "HTTP/1.1 400 Bad Request\r\n", errc::unknown_operation},
                    bad_start{"msg", "MSG a 1 1\r\nx\r\n", errc::unexpected_operation},
                    bad_start{"pong", "PONG\r\n", errc::unexpected_operation},
                    bad_start{"ping", "PING\r\n", errc::unexpected_operation},
                    bad_start{"no_json", "INFO hello\r\n", errc::bad_info},
                    bad_start{"wrong_type", "INFO {\"max_payload\":\"x\"}\r\n", errc::bad_info},
                    bad_start{"msg_after_info", "INFO {\"proto\":1}\r\nMSG a 1 1\r\nx\r\n",
                              errc::unexpected_operation},
                    bad_start{"client_bytes", "SUB a 1\r\n", errc::unknown_operation},
                    bad_start{"bad_size", "INFO {\"proto\":1}\r\nMSG a 1 -1\r\n",
                              errc::bad_number}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(session_handshake, nul_bytes_end_it_too) {
    stepper c;
    (void)c.start();
    (void)c.connected();
    (void)c.receive(std::string_view("\0\0\0\0\0\0\0\0\r\n", 10));
    EXPECT_EQ(c.s.close_reason(), errc::unknown_operation);
}

TEST(session_handshake, an_endless_info_ends_at_its_limit) {
    options o;
    o.bounds.max_info = 1000;
    stepper c(o);
    (void)c.start();
    (void)c.connected();
    (void)c.receive("INFO {\"server_id\":\"");
    std::size_t fed = 0;
    while (c.s.status() == session_status::connecting && fed < 10'000) {
        (void)c.receive("xxxxxxxxxx");
        fed += 10;
    }
    EXPECT_EQ(c.s.close_reason(), errc::info_too_large);
    EXPECT_LE(fed, 1010U);
}

// --- the deadline

TEST(session_handshake, one_deadline_covers_connecting_info_and_pong) {
    const char* missing[] = {"no connection", "no INFO", "no PONG"};
    for (int phase = 0; phase < 3; ++phase) {
        stepper c({.servers = "h", .connect_timeout = 300ms});
        EXPECT_EQ(c.start(), "connect 1 h:4222 by 300ms\n");
        EXPECT_EQ(c.s.poll_timeout(), start_of_time + 300ms);
        EXPECT_EQ(c.wait(100ms), "");
        if (phase > 0) (void)c.connected();
        EXPECT_EQ(c.wait(100ms), "");
        if (phase > 1) (void)c.receive(info_2_10);
        EXPECT_EQ(c.s.poll_timeout(), start_of_time + 300ms)
            << "progress must not move the deadline";
        EXPECT_EQ(c.wait(99ms), "");
        const std::string why = std::string(describe(errc::timeout)) + ": " + missing[phase] +
                                " from h:4222 within 300 ms";
        EXPECT_EQ(c.wait(1ms),
                  "connect_failed h:4222: " + why + "\nclosed: " + why + "\nclose 1\n");
        EXPECT_EQ(c.s.poll_timeout(), std::nullopt);
    }
}

TEST(session_handshake, trickling_bytes_do_not_move_the_deadline) {
    stepper c({.connect_timeout = 1s});
    (void)c.start();
    (void)c.connected();
    for (int i = 0; i < 9; ++i) {
        EXPECT_EQ(c.receive(info_2_10.substr(static_cast<std::size_t>(i), 1)), "");
        EXPECT_EQ(c.wait(100ms), "");
    }
    EXPECT_NE(c.wait(100ms), "");
    EXPECT_EQ(c.s.close_reason(), errc::timeout);
}

TEST(session_handshake, the_deadline_ends_with_the_handshake) {
    stepper c({.connect_timeout = 1s, .ping_interval = 10s});
    ASSERT_TRUE(c.open());
    EXPECT_EQ(c.s.poll_timeout(), c.now + 10s);
    EXPECT_EQ(c.wait(2s), "");
    EXPECT_EQ(c.s.status(), session_status::connected);
}

} // namespace
} // namespace nats::test

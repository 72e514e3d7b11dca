// SPDX-License-Identifier: Apache-2.0
//
// Proves that start() refuses each bad option with a code and a text that names it, that nothing
// has changed then, and that no error shows a password.

#include <natsproto/options.hpp>
#include <natsproto/session.hpp>

#include "support/session_steps.hpp"

#include <gtest/gtest.h>

#include <string>

namespace nats::test {
namespace {

using namespace std::chrono_literals;

void expect_refused(const options& o, errc why, std::string_view named = {}) {
    stepper c(o);
    const result<void> started = c.s.start(c.now);
    ASSERT_TRUE(started.has_error());
    EXPECT_EQ(started.error(), why) << started.error().message();
    EXPECT_NE(started.error().detail().find(named), std::string::npos) << started.error().message();
    EXPECT_EQ(check(o).error(), started.error()) << "check() and start() must agree";
    // Nothing has changed: no action, no event, no deadline, and commands still know that it was
    // never started.
    EXPECT_EQ(c.s.status(), session_status::idle);
    EXPECT_EQ(c.drain(), "");
    EXPECT_EQ(c.s.poll_timeout(), std::nullopt);
    EXPECT_EQ(c.s.server(), nullptr);
    EXPECT_EQ(c.s.publish("a", "").error(), errc::not_connected);
}

struct bad_url {
    const char* url;
    const char* named;
};

class session_bad_url : public testing::TestWithParam<bad_url> {};

TEST_P(session_bad_url, is_refused_and_named) {
    options o;
    o.servers = GetParam().url;
    expect_refused(o, errc::invalid_url, GetParam().named);
}

INSTANTIATE_TEST_SUITE_P(
    all, session_bad_url,
    testing::Values(bad_url{"", "empty"}, bad_url{"  ", "empty"}, bad_url{",", "empty"},
                    bad_url{"http://a", "\"http://a\": unknown scheme"},
                    bad_url{"ws://a", "WebSocket"}, bad_url{"wss://a", "WebSocket"},
                    bad_url{"HTTP://a", "unknown scheme"}, bad_url{"nats://", "nats:"},
                    bad_url{"nats://:4222", "no host"}, bad_url{":4222", "no host"},
                    bad_url{"a:0", "1 to 65535"}, bad_url{"a:65536", "1 to 65535"},
                    bad_url{"a:99999999999999999999", "1 to 65535"}, bad_url{"a:x", "\"a:x\""},
                    bad_url{"a:-1", "\"a:-1\""}, bad_url{"a/b", "\"a/b\""},
                    bad_url{"a?x=1", "\"a?x=1\""}, bad_url{"a#f", "\"a#f\""},
                    bad_url{"a b", "\"a b\""}, bad_url{"a\r\nb", "\\x0d"}, bad_url{"[::1", "[::1"},
                    bad_url{"::1", "::1"}, bad_url{"[v7.x]:1", "[v7.x]"},
                    bad_url{"a%00b", "a character"}, bad_url{"u:p%4@a", "\"a\""},
                    bad_url{"good,a:x", "\"a:x\""}));

TEST(session_options, no_error_shows_a_password) {
    for (const char* url :
         {"nats://user:hunter2@h:x", "user:hunter2@", "nats://user:hunter2@h/path", "hunter2@h:0",
          "ftp://user:hunter2@h", "nats://user:hunter2@a@b:x"}) {
        options o;
        o.servers = url;
        stepper c(o);
        const result<void> started = c.s.start(c.now);
        ASSERT_TRUE(started.has_error()) << url;
        EXPECT_EQ(started.error().message().find("hunter2"), std::string::npos)
            << started.error().message();
    }
}

TEST(session_options, tls_urls_need_a_provider) {
    for (const options& o : {options{.servers = "tls://h"}, options{.servers = "a,tls://h:7"},
                             options{.first_server = "tls://h"}, options{.tls = {.required = true}},
                             options{.tls = {.first = true}}}) {
        EXPECT_TRUE(check(o)) << "the options alone are good";
        stepper c(o);
        const result<void> started = c.s.start(c.now);
        ASSERT_TRUE(started.has_error());
        EXPECT_EQ(started.error(), errc::tls_unavailable);
        EXPECT_EQ(c.s.status(), session_status::idle);
        EXPECT_EQ(c.drain(), "");
    }
}

TEST(session_options, bad_inbox_prefixes) {
    for (const char* prefix :
         {"", "a.", ".a", "a..b", "*", ">", "a.>", "a.*.b", "a b", "a\tb", "a\r\nb"}) {
        expect_refused({.inbox_prefix = prefix}, errc::invalid_inbox_prefix, printable(prefix));
    }
    EXPECT_TRUE(check({.inbox_prefix = "a.b"}));
}

TEST(session_options, times_and_counts_must_be_positive) {
    for (const duration d : {duration(0), duration(-1), duration::min()}) {
        expect_refused({.connect_timeout = d}, errc::invalid_argument, "connect_timeout");
        expect_refused({.ping_interval = d}, errc::invalid_argument, "ping_interval");
    }
    expect_refused({.max_pings_out = 0}, errc::invalid_argument, "max_pings_out");
    expect_refused({.max_pings_out = -1}, errc::invalid_argument, "max_pings_out");
    EXPECT_TRUE(
        check({.connect_timeout = 1ns, .ping_interval = duration::max(), .max_pings_out = 1}));
}

TEST(session_options, endless_times_do_not_overflow) {
    stepper c({.connect_timeout = duration::max(), .ping_interval = duration::max()});
    ASSERT_TRUE(c.open());
    EXPECT_EQ(c.s.poll_timeout(), std::nullopt);
    EXPECT_EQ(c.wait(24h * 365), "");
}

TEST(session_options, pending_limits_of_zero) {
    options o;
    o.pending.messages = 0;
    expect_refused(o, errc::invalid_argument, "pending");
    o.pending = {1, 0};
    expect_refused(o, errc::invalid_argument, "pending");
    o.pending = {-1, -1};
    EXPECT_TRUE(check(o));
}

TEST(session_options, limits_of_zero) {
    const auto expect_zero_refused = [](auto nats::limits::* bound) {
        options o;
        o.bounds.*bound = 0;
        expect_refused(o, errc::invalid_argument, "limit of 0");
    };
    expect_zero_refused(&nats::limits::max_line);
    expect_zero_refused(&nats::limits::max_info);
    expect_zero_refused(&nats::limits::max_message);
    expect_zero_refused(&nats::limits::max_header_block);
    expect_zero_refused(&nats::limits::max_json_depth);
    expect_zero_refused(&nats::limits::max_control_line);
    expect_zero_refused(&nats::limits::max_output_bytes);
    expect_zero_refused(&nats::limits::max_subscriptions);
    expect_zero_refused(&nats::limits::max_requests);
    expect_zero_refused(&nats::limits::max_pings);
}

TEST(session_options, two_ways_to_log_in) {
    expect_refused({.user = "u", .token = "t"}, errc::invalid_argument, "token");
}

TEST(session_options, what_json_cannot_carry_is_refused_before_connecting) {
    constexpr const char* not_utf8 = "\xff";
    expect_refused({.name = not_utf8}, errc::invalid_argument, "UTF-8");
    expect_refused({.user = not_utf8}, errc::invalid_argument, "UTF-8");
    expect_refused({.user = "u", .password = not_utf8}, errc::invalid_argument, "UTF-8");
    expect_refused({.token = not_utf8}, errc::invalid_argument, "UTF-8");
    expect_refused({.servers = "h1,u:%ff@h2"}, errc::invalid_argument, "UTF-8");
    expect_refused({.servers = "%ff@h"}, errc::invalid_argument, "UTF-8");
    EXPECT_TRUE(check({.name = "bj\xc3\xb6rn \"x\" \\"}));
}

TEST(session_options, options_are_copied) {
    std::string servers = "h1";
    std::string user = "somebody";
    options o;
    o.servers = servers;
    o.user = user;
    stepper c(o);
    servers.assign("zz");
    user.assign("nobody__");
    EXPECT_EQ(c.start(), "connect 1 h1:4222 by 2000ms\n");
    (void)c.connected();
    EXPECT_NE(c.receive(info_2_10).find(R"("user":"somebody")"), std::string::npos);
}

TEST(session_options, start_is_for_once) {
    stepper c;
    (void)c.start();
    EXPECT_EQ(c.s.start(c.now).error(), errc::already_connected);
    EXPECT_EQ(c.drain(), "");
    (void)c.close();
    EXPECT_EQ(c.s.start(c.now).error(), errc::connection_closed);
    EXPECT_EQ(c.drain(), "");
}

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Proves how a session goes through its list of servers: each way in which one can fail leads to
// the next, in order and with a fresh attempt id; what a late driver says about an old attempt is
// ignored; and the reason at the end is the one that helps most.

#include <natsproto/session.hpp>

#include "support/session_steps.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace nats::test {
namespace {

using namespace std::chrono_literals;

/// One way to fail; the attempt was started, `id` is its number.
struct failure {
    const char* name;
    std::string (*happen)(stepper& c, std::uint64_t id);
    errc why;
    bool transport; ///< there is a transport to close
    bool refusal;   ///< the server said so itself
};

std::string with_info(stepper& c, std::uint64_t id) {
    (void)c.connected(id);
    return c.receive(info_2_10);
}

const failure failures[] = {
    {"refused",
     [](stepper& c, std::uint64_t id) { return c.connect_failed(id, {errc::connect_failed, "h"}); },
     errc::connect_failed, false, false},
    {"unknown_host",
     [](stepper& c, std::uint64_t id) { return c.connect_failed(id, {errc::resolve_failed, "h"}); },
     errc::resolve_failed, false, false},
    {"nothing", [](stepper& c, std::uint64_t) { return c.wait(2s); }, errc::timeout, true, false},
    {"eof_before_info",
     [](stepper& c, std::uint64_t id) {
         (void)c.connected(id);
         return c.eof();
     },
     errc::eof, true, false},
    {"error_before_info",
     [](stepper& c, std::uint64_t id) {
         (void)c.connected(id);
         return c.io_error(id);
     },
     errc::io_error, true, false},
    {"garbage",
     [](stepper& c, std::uint64_t id) {
         (void)c.connected(id);
         return c.receive("SSH-2.0-OpenSSH_9.2\r\n");
     },
     errc::unknown_operation, true, false},
    {"no_info",
     [](stepper& c, std::uint64_t id) {
         (void)c.connected(id);
         return c.wait(2s);
     },
     errc::timeout, true, false},
    {"throttled",
     [](stepper& c, std::uint64_t id) {
         (void)c.connected(id);
         return c.receive("-ERR 'Connection throttling is active. Please try again later.'\r\n");
     },
     errc::connection_throttled, true, true},
    {"tls",
     [](stepper& c, std::uint64_t id) {
         (void)c.connected(id);
         return c.receive("INFO {\"tls_required\":true}\r\n");
     },
     errc::tls_unavailable, true, true},
    {"eof_before_pong",
     [](stepper& c, std::uint64_t id) {
         (void)with_info(c, id);
         return c.eof();
     },
     errc::eof, true, false},
    {"no_pong",
     [](stepper& c, std::uint64_t id) {
         (void)with_info(c, id);
         return c.wait(2s);
     },
     errc::timeout, true, false},
    {"login_refused",
     [](stepper& c, std::uint64_t id) {
         (void)with_info(c, id);
         return c.receive("-ERR 'Authorization Violation'\r\n");
     },
     errc::authorization_violation, true, true},
    {"full",
     [](stepper& c, std::uint64_t id) {
         (void)with_info(c, id);
         return c.receive("-ERR 'maximum connections exceeded'\r\n");
     },
     errc::max_connections_exceeded, true, true},
};

/// The text of an error as an event shows it, without what follows the code's sentence.
bool says(const std::string& out, std::string_view start, errc why) {
    return out.starts_with(std::string(start) + std::string(describe(why)));
}

class session_server_fails : public testing::TestWithParam<failure> {};

TEST_P(session_server_fails, the_only_one_and_its_reason_is_the_end) {
    const failure& f = GetParam();
    stepper c({.servers = "h"});
    EXPECT_EQ(c.start(), "connect 1 h:4222 by 2000ms\n");
    const std::string out = f.happen(c, 1);
    EXPECT_TRUE(says(out, "connect_failed h:4222: ", f.why)) << out;
    EXPECT_TRUE(says(out.substr(out.find('\n') + 1), "closed: ", f.why)) << out;
    EXPECT_EQ(out.ends_with("close 1\n"), f.transport) << out;
    EXPECT_EQ(c.s.close_reason(), f.why);
    EXPECT_EQ(c.s.status(), session_status::closed);
}

TEST_P(session_server_fails, then_the_next_one_is_tried) {
    const failure& f = GetParam();
    stepper c({.servers = "h1,h2"});
    (void)c.start();
    const std::string out = f.happen(c, 1);
    const std::string by = in_ms(c.now - start_of_time + 2s);
    const std::string rest =
        std::string(f.transport ? "close 1\n" : "") + "connect 2 h2:4222 by " + by + '\n';
    EXPECT_TRUE(says(out, "connect_failed h1:4222: ", f.why)) << out;
    EXPECT_EQ(out.substr(out.find('\n') + 1), rest);
    EXPECT_EQ(c.s.status(), session_status::connecting);
    EXPECT_EQ(c.s.server()->text(), "h2:4222");
    (void)c.connected(2);
    (void)c.receive(info_2_10);
    EXPECT_EQ(c.receive("PONG\r\n"), "connected h2:4222\n");
}

TEST_P(session_server_fails, after_another_one_and_the_reason_follows_the_rules) {
    const failure& second = GetParam();
    for (const failure& first : failures) {
        stepper c({.servers = "h1,h2"});
        (void)c.start();
        (void)first.happen(c, 1);
        const std::string out = second.happen(c, 2);
        EXPECT_TRUE(says(out, "connect_failed h2:4222: ", second.why)) << first.name << ": " << out;
        const errc expected = second.refusal  ? second.why
                              : first.refusal ? first.why
                                              : errc::no_servers;
        EXPECT_EQ(c.s.close_reason(), expected) << first.name << ": " << out;
        if (expected == errc::no_servers) {
            EXPECT_NE(c.s.close_reason().detail().find(describe(second.why)), std::string::npos)
                << out;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(all, session_server_fails, testing::ValuesIn(failures),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(session_servers, are_tried_in_order_and_once) {
    stepper c({.servers = "a,b,c"});
    EXPECT_EQ(c.start(), "connect 1 a:4222 by 2000ms\n");
    const error no{errc::connect_failed, "no"};
    const std::string failed = std::string(describe(errc::connect_failed)) + ": no\n";
    EXPECT_EQ(c.connect_failed(1, no),
              "connect_failed a:4222: " + failed + "connect 2 b:4222 by 2000ms\n");
    c.now += 5ms;
    EXPECT_EQ(c.connect_failed(2, no),
              "connect_failed b:4222: " + failed + "connect 3 c:4222 by 2005ms\n");
    EXPECT_EQ(c.connect_failed(3, no), "connect_failed c:4222: " + failed +
                                           "closed: " + std::string(describe(errc::no_servers)) +
                                           ": the last of 3 said: " + failed);
    EXPECT_EQ(c.drain(), "");
}

TEST(session_servers, completions_of_an_old_attempt_are_ignored) {
    stepper c({.servers = "a,b"});
    (void)c.start();
    EXPECT_NE(c.wait(2s), ""); // the first one is too slow; the driver still works on it
    EXPECT_EQ(c.connected(1), "");
    EXPECT_EQ(c.connect_failed(1, errc::connect_failed), "");
    EXPECT_EQ(c.io_error(1), "");
    EXPECT_EQ(c.connected(7), "") << "an attempt that never was";
    EXPECT_EQ(c.s.status(), session_status::connecting);
    (void)c.connected(2);
    EXPECT_EQ(c.io_error(1), "");
    EXPECT_EQ(c.connect_failed(1, errc::connect_failed), "");
    EXPECT_EQ(c.connect_failed(2, errc::connect_failed), "") << "it is connected already";
    (void)c.receive(info_2_10);
    EXPECT_EQ(c.receive("PONG\r\n"), "connected b:4222\n");
    EXPECT_EQ(c.io_error(1), "");
    EXPECT_EQ(c.connected(2), "");
    EXPECT_EQ(c.s.status(), session_status::connected);
}

TEST(session_servers, a_late_success_of_an_old_attempt_is_none_of_the_new_one) {
    stepper c({.servers = "a,b"});
    (void)c.start();
    (void)c.wait(2s);
    EXPECT_EQ(c.connected(1), "");
    const std::string out = c.connect_failed(2, {errc::connect_failed, "no"});
    EXPECT_TRUE(out.starts_with("connect_failed b:4222: ")) << "it still was being opened: " << out;
}

TEST(session_servers, an_end_before_a_transport_is_there_is_ignored) {
    stepper c;
    (void)c.start();
    EXPECT_EQ(c.eof(), "");
    EXPECT_EQ(c.io_error(1), "");
    EXPECT_EQ(c.s.status(), session_status::connecting);
}

TEST(session_servers, deadlines_that_have_not_come_do_nothing) {
    stepper c({.servers = "a,b", .connect_timeout = 1s});
    c.s.handle_timeout(c.now); // not even started
    EXPECT_EQ(c.drain(), "");
    (void)c.start();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(c.wait(300ms), "");
    const std::string out = c.wait(100ms);
    EXPECT_EQ(c.wait(0ms), "") << "the same deadline twice";
    EXPECT_TRUE(out.ends_with("close 1\nconnect 2 b:4222 by 2000ms\n")) << out;
}

TEST(session_servers, a_late_timeout_counts_from_when_it_is_told) {
    stepper c({.servers = "a,b", .connect_timeout = 1s});
    (void)c.start();
    const std::string out = c.wait(10s); // the driver slept
    EXPECT_NE(out.find("connect 2 b:4222 by 11000ms\n"), std::string::npos) << out;
}

TEST(session_servers, nothing_of_the_first_connection_leaks_into_the_second) {
    stepper c({.servers = "a,b"});
    (void)c.start();
    (void)c.connected(1);
    (void)c.receive(
        "INFO {\"server_id\":\"first\",\"proto\":1,\"headers\":true}\r\nMSG half 1 10\r\nabc");
    (void)c.eof();
    (void)c.connected(2);
    const std::string sent = c.receive(info_2_10);
    EXPECT_TRUE(sent.starts_with("> CONNECT {")) << sent;
    EXPECT_EQ(c.receive("PONG\r\n"), "connected b:4222\n");
    EXPECT_EQ(c.s.info().server_id, "S");
}

TEST(session_servers, subscriptions_made_meanwhile_reach_the_server_that_answers) {
    stepper c({.servers = "a,b"});
    (void)c.start();
    const auto first = c.s.subscribe("x", "q");
    ASSERT_TRUE(first.has_value());
    (void)c.connect_failed(1, errc::connect_failed);
    ASSERT_TRUE(c.s.subscribe("y").has_value());
    ASSERT_TRUE(c.s.unsubscribe(*first, 3).has_value());
    (void)c.connected(2);
    (void)c.receive(info_2_10);
    EXPECT_EQ(c.receive("PONG\r\n"),
              "connected b:4222\n> SUB x q 1\\r\\nUNSUB 1 3\\r\\nSUB y 2\\r\\n\n");
}

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Which server is tried when, in virtual time: passes, waits, jitter, backoff, limits, callbacks,
// forced reconnects, logins that are refused. The log of the driver shows each attempt and event
// with the millisecond at which it happened; one way through the network takes 1 ms.

#include "support/net_client.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace nats::test {
namespace {

using namespace std::chrono_literals;
using lines = std::vector<std::string>;

/// No jitter and no shuffle: the times are exact.
options exact(std::string_view servers = "nats://a:1") {
    options o;
    o.servers = servers;
    o.randomize = false;
    o.reconnect_jitter = o.reconnect_jitter_tls = {};
    return o;
}

TEST(reconnect, first_pass_tries_each_server_once_without_waiting) {
    network net;
    net.at("a:1").how = reach::refused;
    net.at("b:1").how = reach::unknown_host;
    net_client c(net, exact("nats://a:1,nats://b:1,nats://c:1"));
    ASSERT_TRUE(c.connect());
    EXPECT_EQ(c.log(),
              (lines{"0 try a:1", "1 connect_failed a:1: cannot connect: a:1", "1 try b:1",
                     "2 connect_failed b:1: unknown host: b:1", "2 try c:1", "5 connected c:1"}));
}

TEST(reconnect, first_pass_fails_and_that_is_the_end) {
    network net;
    net.at("a:1").how = net.at("b:1").how = reach::refused;
    net_client c(net, exact("nats://a:1,nats://b:1"));
    ASSERT_FALSE(c.connect());
    EXPECT_EQ(c.count("try"), 2U);
    EXPECT_EQ(c.events().back(),
              "closed: no server could be reached: the last of 2 said: cannot connect: b:1");
    EXPECT_EQ(c.net().now() - start_of_time, 2ms);
    c.advance(1h);
    EXPECT_EQ(c.count("try"), 2U) << "nothing runs after the end";
}

TEST(reconnect, a_black_hole_costs_the_connect_timeout) {
    network net;
    net.at("a:1").how = reach::silent;
    options o = exact("nats://a:1,nats://b:1");
    o.connect_timeout = 700ms;
    net_client c(net, o);
    ASSERT_TRUE(c.connect());
    EXPECT_EQ(
        c.log(),
        (lines{"0 try a:1", "700 connect_failed a:1: timeout: no connection from a:1 within 700 ms",
               "700 try b:1", "703 connected b:1"}));
}

TEST(reconnect, one_server_waits_before_every_attempt) {
    network net;
    options o = exact();
    o.reconnect_wait = 100ms;
    net_client c(net, o);
    ASSERT_TRUE(c.connect());
    net.take_down("a:1");
    c.advance(250ms);
    net.bring_up("a:1");
    c.advance(200ms);
    EXPECT_EQ(c.log(), (lines{"0 try a:1", "3 connected a:1",
                              "4 disconnected: the peer closed the connection", "104 try a:1",
                              "105 connect_failed a:1: cannot connect: a:1", "205 try a:1",
                              "206 connect_failed a:1: cannot connect: a:1", "306 try a:1",
                              "309 reconnected a:1 number 1"}));
    EXPECT_EQ(c.session().stats().reconnects, 1U);
}

TEST(reconnect, several_servers_wait_once_a_pass) {
    network net;
    options o = exact("nats://a:1,nats://b:1,nats://c:1");
    o.reconnect_wait = 1s;
    net_client c(net, o);
    ASSERT_TRUE(c.connect());
    c.forget_log();
    for (const char* at : {"a:1", "b:1", "c:1"}) net.take_down(at);
    c.advance(2100ms);
    // The wait comes before the last server of a pass, as in nats.go.
    lines tries;
    for (const std::string& l : c.log()) {
        if (l.find(" try ") != std::string::npos) tries.push_back(l);
    }
    EXPECT_EQ(tries, (lines{"4 try b:1", "5 try c:1", "1006 try a:1", "1007 try b:1",
                            "1008 try c:1", "2009 try a:1", "2010 try b:1", "2011 try c:1"}));
}

TEST(reconnect, jitter_is_within_its_bounds_and_varies) {
    duration least = 1h;
    duration most{};
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        network net;
        options o = exact();
        o.reconnect_wait = 100ms;
        o.reconnect_jitter = 50ms;
        net_client c(net, o, {.seed = seed});
        ASSERT_TRUE(c.connect());
        net.break_all("a:1", fault::eof);
        c.until([&c] { return c.count("try") == 2; });
        const duration wait = c.since_start() - 4ms;
        EXPECT_GE(wait, 100ms);
        EXPECT_LE(wait, 150ms);
        least = std::min(least, wait);
        most = std::max(most, wait);
    }
    EXPECT_LT(least, 110ms);
    EXPECT_GT(most, 140ms);
}

TEST(reconnect, backoff_doubles_up_to_its_maximum) {
    network net;
    options o = exact();
    o.reconnect_wait = 100ms;
    o.reconnect_wait_max = 500ms;
    net_client c(net, o);
    ASSERT_TRUE(c.connect());
    net.take_down("a:1");
    std::vector<long> waits;
    duration failed = c.since_start();
    c.observer = [&](const event& e) {
        if (std::holds_alternative<ev::disconnected>(e) ||
            std::holds_alternative<ev::connect_failed>(e))
            failed = c.since_start();
    };
    std::size_t seen = 1;
    while (waits.size() < 5) {
        ASSERT_TRUE(c.step());
        if (c.count("try") == seen) continue;
        seen = c.count("try");
        waits.push_back((c.since_start() - failed) / 1ms);
    }
    EXPECT_EQ(waits, (std::vector<long>{100, 200, 400, 500, 500}));
}

TEST(reconnect, the_wait_callback_replaces_wait_and_jitter) {
    network net;
    options o = exact();
    o.reconnect_jitter = 10s;
    std::vector<std::uint32_t> passes;
    o.reconnecting = {.wait = [](void* seen, std::uint32_t n) -> duration {
                          static_cast<std::vector<std::uint32_t>*>(seen)->push_back(n);
                          return 10ms * n;
                      },
                      .context = &passes};
    net_client c(net, o);
    ASSERT_TRUE(c.connect());
    net.take_down("a:1");
    c.until([&c] { return c.count("try") == 4; });
    EXPECT_EQ(passes, (std::vector<std::uint32_t>{1, 2, 3}));
    EXPECT_EQ(c.since_start(), 4ms + 10ms + 1ms + 20ms + 1ms + 30ms);
}

struct chooser {
    std::size_t index = 0;
    duration wait{};
    int calls = 0;
    std::vector<std::string> seen{};
};
server_choice choose(void* context, std::span<const server_status> pool, const server_info&) {
    auto& c = *static_cast<chooser*>(context);
    ++c.calls;
    c.seen.clear();
    for (const server_status& s : pool) c.seen.push_back(s.where->text());
    return {c.index, c.wait};
}

TEST(reconnect, the_choose_callback_names_server_and_wait) {
    network net;
    chooser pick{.index = 1, .wait = 77ms};
    options o = exact("nats://a:1,nats://b:1,nats://c:1");
    o.reconnecting = {.choose = choose, .context = &pick};
    net_client c(net, o);
    ASSERT_TRUE(c.connect());
    net.take_down("a:1");
    c.until([&c] { return c.status() == session_status::connected && c.count("reconn") == 1; });
    EXPECT_EQ(pick.calls, 1);
    EXPECT_EQ(pick.seen, (lines{"b:1", "c:1", "a:1"}));
    EXPECT_EQ(c.log().back(), "84 reconnected c:1 number 1");
}

TEST(reconnect, a_choice_outside_of_the_pool_is_a_warning) {
    network net;
    chooser pick{.index = 9};
    options o = exact("nats://a:1,nats://b:1");
    o.reconnecting = {.choose = choose, .context = &pick};
    net_client c(net, o);
    ASSERT_TRUE(c.connect());
    net.take_down("a:1");
    c.until([&c] { return c.count("reconnected b:1") == 1; });
    EXPECT_EQ(c.count("warning:"), 1U);
}

TEST(reconnect, a_server_that_fails_too_often_leaves_the_pool) {
    network net;
    options o = exact("nats://a:1,nats://b:1");
    o.reconnect_wait = 10ms;
    o.max_reconnects = 3;
    net_client c(net, o);
    ASSERT_TRUE(c.connect());
    net.take_down("a:1");
    net.take_down("b:1");
    c.advance(1min);
    EXPECT_EQ(c.status(), session_status::closed);
    EXPECT_EQ(net.at("b:1").attempts, 3);
    EXPECT_EQ(net.at("a:1").attempts, 1 + 3);
    EXPECT_EQ(c.session().close_reason(), errc::no_servers);
    EXPECT_EQ(c.count("closed"), 1U);
}

TEST(reconnect, a_success_forgets_the_failures) {
    network net;
    options o = exact();
    o.reconnect_wait = 10ms;
    o.max_reconnects = 3;
    net_client c(net, o);
    ASSERT_TRUE(c.connect());
    for (int round = 0; round < 4; ++round) {
        net.take_down("a:1");
        c.until([&, n = c.count("connect_failed")] { return c.count("connect_failed") == n + 2; });
        net.bring_up("a:1");
        c.until([&c] { return c.status() == session_status::connected; });
    }
    EXPECT_EQ(c.session().stats().reconnects, 4U);
}

TEST(reconnect, negative_maximum_never_gives_up) {
    network net;
    options o = exact();
    o.reconnect_wait = 1ms;
    o.max_reconnects = -1;
    net_client c(net, o);
    ASSERT_TRUE(c.connect());
    net.take_down("a:1");
    c.advance(1s);
    EXPECT_GT(net.at("a:1").attempts, 400);
    EXPECT_EQ(c.status(), session_status::reconnecting);
}

TEST(reconnect, off_means_that_the_first_disconnect_is_the_end) {
    network net;
    options o = exact("nats://a:1,nats://b:1");
    o.reconnect = false;
    net_client c(net, o);
    ASSERT_TRUE(c.connect());
    net.break_all("a:1", fault::io_error);
    c.advance(1min);
    EXPECT_EQ(c.count("try"), 1U);
    ASSERT_GE(c.events().size(), 2U);
    EXPECT_TRUE(c.events()[c.events().size() - 2].starts_with("disconnected: "));
    EXPECT_TRUE(c.events().back().starts_with("closed: "));
}

TEST(reconnect, retry_on_failed_connect_goes_on_and_connects_once) {
    network net;
    net.take_down("a:1");
    options o = exact();
    o.retry_on_failed_connect = true;
    o.reconnect_wait = 100ms;
    net_client c(net, o);
    EXPECT_FALSE(c.connect());
    EXPECT_EQ(c.status(), session_status::reconnecting);
    ASSERT_TRUE(c.session().subscribe("early").has_value());
    ASSERT_TRUE(c.session().publish("early", "kept"));
    c.advance(150ms);
    net.bring_up("a:1");
    c.until([&c] { return c.status() == session_status::connected; });
    c.settle();
    EXPECT_EQ(c.count("connected a:1"), 1U);
    EXPECT_EQ(c.count("reconnected"), 0U);
    EXPECT_EQ(c.count("message 1 early \"kept\""), 1U);
    EXPECT_EQ(c.session().stats().reconnects, 0U);
}

// --- force reconnect

TEST(reconnect, forced_goes_at_once_and_says_why) {
    network net;
    net_client c(net, exact());
    ASSERT_TRUE(c.connect());
    const auto sub = c.session().subscribe("s");
    ASSERT_TRUE(sub.has_value());
    c.settle();
    c.forget_log();
    const duration before = c.since_start();
    ASSERT_TRUE(c.session().force_reconnect(net.now()));
    EXPECT_EQ(c.status(), session_status::reconnecting);
    c.until([&c] { return c.status() == session_status::connected; });
    EXPECT_EQ(c.since_start() - before, 3ms) << "no wait";
    EXPECT_EQ(c.events()[0], "disconnected: a reconnect was asked for");
    EXPECT_EQ(c.events()[1], "try a:1");
    c.settle();
    EXPECT_EQ(net.server("a:1").peer().table().size(), 1U);
}

TEST(reconnect, forced_while_waiting_ends_the_wait) {
    network net;
    options o = exact();
    o.reconnect_wait = 1h;
    net_client c(net, o);
    ASSERT_TRUE(c.connect());
    net.break_all("a:1", fault::eof);
    c.settle();
    ASSERT_EQ(c.status(), session_status::reconnecting);
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(c.session().force_reconnect(net.now()));
    c.until([&c] { return c.status() == session_status::connected; });
    EXPECT_LT(c.since_start(), 100ms);
    EXPECT_EQ(c.count("try"), 2U) << "one reconnect, however often it was asked for";
}

TEST(reconnect, forced_is_refused_where_it_cannot_be) {
    network net;
    options o = exact();
    o.reconnect = false;
    net_client c(net, o);
    EXPECT_EQ(c.session().force_reconnect(net.now()).error(), errc::not_connected);
    ASSERT_TRUE(c.connect());
    EXPECT_EQ(c.session().force_reconnect(net.now()).error(), errc::invalid_argument);
    EXPECT_EQ(c.status(), session_status::connected);
    c.session().close(net.now());
    EXPECT_EQ(c.session().force_reconnect(net.now()).error(), errc::connection_closed);
}

// --- logins

TEST(reconnect, the_same_refused_login_twice_is_the_end) {
    network net;
    options o = exact();
    o.reconnect_wait = 10ms;
    net_client c(net, o);
    ASSERT_TRUE(c.connect());
    net.server("a:1").rules.refuse = [](std::string_view) { return "Authorization Violation"; };
    net.break_all("a:1", fault::eof);
    c.advance(1min);
    EXPECT_EQ(c.status(), session_status::closed);
    EXPECT_EQ(net.at("a:1").attempts, 1 + 2);
    EXPECT_EQ(c.session().close_reason(), errc::authorization_violation);
}

TEST(reconnect, unless_told_to_ignore_it) {
    network net;
    options o = exact();
    o.reconnect_wait = 10ms;
    o.ignore_auth_error_abort = true;
    net_client c(net, o);
    ASSERT_TRUE(c.connect());
    net.server("a:1").rules.refuse = [](std::string_view) { return "Authorization Violation"; };
    net.break_all("a:1", fault::eof);
    c.advance(500ms);
    EXPECT_GT(net.at("a:1").attempts, 10);
    net.server("a:1").rules.refuse = nullptr;
    c.until([&c] { return c.status() == session_status::connected; });
}

TEST(reconnect, different_refusals_do_not_add_up) {
    network net;
    options o = exact();
    o.reconnect_wait = 10ms;
    net_client c(net, o);
    ASSERT_TRUE(c.connect());
    int n = 0;
    net.server("a:1").rules.refuse = [&n](std::string_view) {
        return ++n % 2 == 0 ? "Authorization Violation" : "User Authentication Expired";
    };
    net.break_all("a:1", fault::eof);
    c.advance(500ms);
    EXPECT_EQ(c.status(), session_status::reconnecting);
    EXPECT_GT(n, 10);
}

TEST(reconnect, an_expired_login_is_tried_again_and_then_final) {
    network net;
    options o = exact();
    o.reconnect_wait = 10ms;
    net_client c(net, o);
    ASSERT_TRUE(c.connect());
    net.server("a:1").peer().refuse("User Authentication Expired", true);
    net.server("a:1").rules.refuse = [](std::string_view) { return "User Authentication Expired"; };
    c.advance(1min);
    EXPECT_EQ(c.status(), session_status::closed);
    EXPECT_EQ(c.count("server_error \"User Authentication Expired\""), 1U);
    EXPECT_EQ(c.session().close_reason(), errc::authentication_expired);
    EXPECT_EQ(net.at("a:1").attempts, 2) << "the expiry while connected was the first";
}

TEST(reconnect, a_refused_login_moves_on_to_the_next_server) {
    network net;
    net.server("a:1").rules.refuse = [](std::string_view) { return "Authorization Violation"; };
    net_client c(net, exact("nats://a:1,nats://b:1"));
    ASSERT_TRUE(c.connect());
    EXPECT_EQ(c.events().back(), "connected b:1");
    EXPECT_EQ(c.count("disconnected"), 0U) << "it never was connected there (AUT-02)";
}

TEST(reconnect, limits_are_always_tried_again) {
    network net;
    options o = exact();
    o.reconnect_wait = 10ms;
    net_client c(net, o);
    ASSERT_TRUE(c.connect());
    net.server("a:1").rules.refuse = [](std::string_view) {
        return "Maximum Connections Exceeded";
    };
    net.break_all("a:1", fault::eof);
    c.advance(300ms);
    EXPECT_GT(net.at("a:1").attempts, 8);
    EXPECT_EQ(c.status(), session_status::reconnecting);
}

// --- the pool

TEST(reconnect, discovered_servers_come_and_go) {
    network net;
    net.rules.info.connect_urls = {"10.0.0.1:1", "10.0.0.2:1"};
    net_client c(net, exact());
    ASSERT_TRUE(c.connect());
    while (c.step(net.now())) {
    }
    EXPECT_EQ(c.count("discovered 10.0.0.1:1 10.0.0.2:1"), 1U);
    EXPECT_EQ(c.session().servers().size(), 3U);
    model_server& a = net.server("a:1");
    a.rules.info.connect_urls = {"10.0.0.2:1", "10.0.0.3:1"};
    a.tell_info();
    c.settle();
    EXPECT_EQ(c.count("discovered 10.0.0.3:1"), 1U);
    EXPECT_EQ(c.session().servers().size(), 3U) << "one has gone";
    a.rules.info.connect_urls.clear();
    a.tell_info();
    c.settle();
    EXPECT_EQ(c.session().servers().size(), 3U) << "an empty list says nothing (INF-06)";
    net.take_down("a:1");
    c.until([&c] { return c.count("reconnected 10.0.0.2:1") == 1; });
}

TEST(reconnect, discovered_servers_can_be_ignored) {
    network net;
    net.rules.info.connect_urls = {"10.0.0.1:1"};
    options o = exact();
    o.ignore_discovered = true;
    net_client c(net, o);
    ASSERT_TRUE(c.connect());
    c.settle();
    EXPECT_EQ(c.count("discovered"), 0U);
    EXPECT_EQ(c.session().servers().size(), 1U);
}

TEST(reconnect, the_pool_can_be_replaced_at_run_time) {
    network net;
    net_client c(net, exact());
    ASSERT_TRUE(c.connect());
    ASSERT_TRUE(c.session().set_servers("nats://b:1,nats://c:1"));
    c.settle();
    EXPECT_EQ(c.status(), session_status::connected);
    EXPECT_EQ(c.count("try"), 1U) << "the connection that is up stays";
    net.break_all("a:1", fault::eof);
    c.until([&c] { return c.count("reconnected") == 1; });
    EXPECT_EQ(net.at("a:1").attempts, 1);
    EXPECT_NE(c.events().back(), "reconnected a:1 number 1");
    EXPECT_EQ(c.session().set_servers("nats://:x").error(), errc::invalid_url);
}

// --- lame duck

TEST(reconnect, lame_duck_is_told_once_and_the_connection_goes_on) {
    network net;
    net_client c(net, exact("nats://a:1,nats://b:1"));
    ASSERT_TRUE(c.connect());
    model_server& a = net.server("a:1");
    a.rules.info.lame_duck = true;
    for (int i = 0; i < 2; ++i) {
        a.tell_info();
        c.settle();
    }
    EXPECT_EQ(c.count("lame_duck a:1"), 1U);
    c.advance(10s);
    EXPECT_EQ(c.status(), session_status::connected);
    net.take_down("a:1");
    c.until([&c] { return c.count("reconnected b:1") == 1; });
}

TEST(reconnect, leave_lame_duck_moves_without_losing_what_was_sent) {
    network net;
    options o = exact("nats://a:1,nats://b:1");
    o.leave_lame_duck = true;
    net_client c(net, o);
    ASSERT_TRUE(c.connect());
    ASSERT_TRUE(c.session().subscribe("s").has_value());
    model_server& a = net.server("a:1");
    a.rules.info.lame_duck = true;
    a.tell_info();
    c.until([&c] { return c.count("lame_duck") == 1; });
    ASSERT_TRUE(c.session().publish("s", "during"));
    c.until([&c] { return c.count("reconnected b:1") == 1; });
    c.settle();
    EXPECT_EQ(c.count("disconnected: "), 1U);
    EXPECT_EQ(net.server("a:1").published().size() + net.server("b:1").published().size(), 1U);
    EXPECT_EQ(net.server("b:1").peer().table().size(), 1U);
    EXPECT_LT(c.since_start(), 50ms) << "no wait";
}

} // namespace
} // namespace nats::test

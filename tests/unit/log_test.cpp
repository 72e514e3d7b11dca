// SPDX-License-Identifier: Apache-2.0
//
// Proves what people are told: a level and a line for each kind of event, with the facts of it, on
// one line whatever a peer has sent.

#include <natsproto/log.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace nats::test {
namespace {

using namespace std::chrono_literals;

const endpoint where{"127.0.0.1", 4222};

struct said {
    log_level level;
    std::string line;
};
said tell(const event& e) {
    return {level_of(e), describe(e)};
}

void expect_said(const event& e, log_level level, std::string_view line) {
    const said s = tell(e);
    EXPECT_EQ(name_of(s.level), name_of(level)) << s.line;
    EXPECT_EQ(s.line, line);
}

TEST(log, levels_have_names) {
    EXPECT_EQ(name_of(log_level::error), "error");
    EXPECT_EQ(name_of(log_level::warning), "warning");
    EXPECT_EQ(name_of(log_level::info), "info");
    EXPECT_EQ(name_of(log_level::debug), "debug");
    EXPECT_EQ(name_of(log_level::trace), "trace");
}

TEST(log, a_sink_wants_what_it_was_made_for) {
    log_sink sink;
    EXPECT_FALSE(sink.wants(log_level::error)); // it writes nowhere
    sink.write = [](void*, log_level, std::string_view) {};
    EXPECT_TRUE(sink.wants(log_level::error));
    EXPECT_TRUE(sink.wants(log_level::info));
    EXPECT_FALSE(sink.wants(log_level::debug));
    sink.most = log_level::trace;
    EXPECT_TRUE(sink.wants(log_level::trace));
    sink.most = log_level::error;
    EXPECT_FALSE(sink.wants(log_level::warning));
}

TEST(log, nobody_wants_to_read_about_messages) {
    expect_said(ev::none{}, log_level::trace, "");
    ev::message m;
    m.view.subject = "s";
    expect_said(m, log_level::trace, "");
}

TEST(log, the_life_of_a_connection) {
    server_info info;
    info.server_name = "n1";
    info.version = "2.10.7";
    info.cluster = "east";
    info.client_id = 12;
    expect_said(ev::connected{&info, &where}, log_level::info,
                R"(connected to 127.0.0.1:4222 ("n1", version 2.10.7, cluster "east", as its )"
                R"(client 12))");
    const server_info silent;
    const endpoint v6{"::1", 4222};
    expect_said(ev::reconnected{&silent, &v6, 3}, log_level::info,
                "reconnected to [::1]:4222 (version unknown), number 3");
    expect_said(ev::lame_duck{&where}, log_level::warning, "127.0.0.1:4222 is about to shut down");
    expect_said(ev::subscriptions_drained{}, log_level::info, "all subscriptions are drained");
    const error wanted(errc::connection_closed);
    expect_said(ev::closed{&wanted}, log_level::info, "closed");
    const error gave_up(errc::no_servers, "the last of 2 said: cannot connect");
    expect_said(ev::closed{&gave_up}, log_level::error, "closed: " + gave_up.message());
}

TEST(log, reasons_name_the_server_once) {
    const error refused(errc::connect_failed, "127.0.0.1:4222: Connection refused");
    expect_said(ev::connect_failed{&where, &refused}, log_level::warning,
                "connecting to 127.0.0.1:4222 failed: cannot connect: Connection refused");
    const error only(errc::tls_not_offered, "127.0.0.1:4222");
    expect_said(ev::connect_failed{&where, &only}, log_level::warning,
                "connecting to 127.0.0.1:4222 failed: the server offers no TLS");
    const error other(errc::connect_failed, "127.0.0.1:42222: Connection refused");
    expect_said(ev::connect_failed{&where, &other}, log_level::warning,
                "connecting to 127.0.0.1:4222 failed: cannot connect: 127.0.0.1:42222: "
                "Connection refused");
}

TEST(log, an_end_that_was_asked_for_is_no_warning) {
    const error lost(errc::io_error, "Connection reset by peer");
    expect_said(ev::disconnected{&where, &lost}, log_level::warning,
                "disconnected from 127.0.0.1:4222: " + lost.message());
    const error forced(errc::reconnect_forced);
    expect_said(ev::disconnected{&where, &forced}, log_level::info,
                "disconnected from 127.0.0.1:4222: " + forced.message());
}

TEST(log, what_the_server_tells) {
    server_info info;
    info.version = "2.10.7";
    info.max_payload = 1'048'576;
    info.nonce = "not for a log";
    info.connect_urls = {"10.0.0.1:4222", "10.0.0.2:4222"};
    expect_said(ev::info{&info}, log_level::debug,
                "INFO of the server (version 2.10.7): max_payload 1048576, 2 servers of the "
                "cluster");
    expect_said(ev::pong{ping_id{1}, 1500us}, log_level::debug, "PONG after 1500 us");
    const std::array<endpoint, 2> found{endpoint{"a", 1}, endpoint{"b", 2}};
    expect_said(ev::discovered{found}, log_level::debug, "discovered 2 servers: a:1 b:2");
    const std::vector<endpoint> many(100, endpoint{"a", 1});
    expect_said(ev::discovered{many}, log_level::debug,
                "discovered 100 servers: a:1 a:1 a:1 a:1 a:1 a:1 a:1 a:1 ...");
}

TEST(log, refusals_are_errors_and_notices_warnings) {
    const auto server_says = [](std::string_view text, std::optional<sub_id> sub) {
        return ev::server_error{text, wire::classify_server_error(text), sub, nullptr};
    };
    expect_said(server_says("Permissions Violation for Subscription to \"x\"", sub_id{7}),
                log_level::error,
                "the server says: Permissions Violation for Subscription to \"x\" (subscription "
                "7)");
    expect_said(server_says("Authorization Violation", {}), log_level::error,
                "the server says: Authorization Violation");
    expect_said(server_says("Maximum Connections Exceeded", {}), log_level::warning,
                "the server says: Maximum Connections Exceeded");
    expect_said(server_says("what nobody knows", {}), log_level::warning,
                "the server says: what nobody knows");
}

TEST(log, what_was_lost_is_an_error) {
    expect_said(ev::slow_consumer{sub_id{4}, "orders.>", 17}, log_level::error,
                "slow consumer: subscription 4 to \"orders.>\" has dropped 17 messages so far");
    const error dropped(errc::publish_dropped, "\"a\"");
    expect_said(ev::warning{&dropped}, log_level::error, dropped.message());
    const error exposed(errc::credentials_exposed, "/etc/user.creds");
    expect_said(ev::warning{&exposed}, log_level::warning, exposed.message());
}

TEST(log, drains_and_room) {
    expect_said(ev::subscription_drained{sub_id{5}, nullptr}, log_level::debug,
                "subscription 5 is drained");
    expect_said(ev::room{}, log_level::debug, "there is room for output again");
}

TEST(log, one_line_whatever_a_peer_sends) {
    server_info info;
    info.server_name = "a\r\nb";
    info.version = "\x1b[2J";
    info.cluster = "\xc2\x9b";
    const endpoint odd{"h\n", 1};
    const error why(errc::io_error, "bad\nnews");
    const std::array<endpoint, 1> found{odd};
    const std::string_view text = "text\x07 of\r\nthe server";
    const std::vector<event> events{
        ev::connected{&info, &odd},
        ev::reconnected{&info, &odd, 1},
        ev::connect_failed{&odd, &why},
        ev::disconnected{&odd, &why},
        ev::info{&info},
        ev::lame_duck{&odd},
        ev::discovered{found},
        ev::server_error{text, wire::classify_server_error(text), {}, nullptr},
        ev::warning{&why},
        ev::slow_consumer{sub_id{1}, "a\tb", 1},
        ev::closed{&why}};
    for (const event& e : events) {
        const std::string line = describe(e);
        EXPECT_EQ(line, printable(line)) << e.index();
        EXPECT_NE(line.find("\\x"), std::string::npos) << line; // it was there, and is escaped
    }
}

TEST(log, a_long_text_is_cut) {
    const std::string text(100'000, 'x');
    const std::string line =
        describe(ev::server_error{text, wire::classify_server_error(text), {}, nullptr});
    EXPECT_LT(line.size(), 1000U);
    EXPECT_TRUE(line.ends_with("...")) << line;
}

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// The server's side of one transport, with exact bytes: what nats-server 2.9 to 2.15 answer to
// each operation, well-formed and not, in every cut; logins; and the commands of the user.

#include <natsproto/wire/server_connection.hpp>

#include <natsproto/headers.hpp>

#include "support/feed.hpp"

#include <gtest/gtest.h>

#include <array>

using namespace std::string_literals;
using namespace std::chrono_literals;

namespace nats::test {

namespace {

using wire::connection_state;
using wire::server_connection;

/// A login that asks for no answers and no checks, as all libraries send it, and its event.
const std::string quiet =
    "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"protocol\":1}\r\n";
const std::string is_quiet = "connect echo headers protocol 1 name \"\" user \"\"\n";
/// All defaults: verbose and pedantic.
const std::string strict = "CONNECT {}\r\n";
const std::string is_strict = "connect verbose pedantic echo protocol 0 name \"\" user \"\"\n";

std::string pub(std::string_view subject, std::string_view payload, std::string_view reply = {},
                std::string_view header = {}) {
    return "pub " + in_quotes(subject) + " reply " + in_quotes(reply) + " header " +
           in_quotes(header) + " payload " + in_quotes(payload) + '\n';
}

std::string sub(std::string_view subject, std::string_view sid, std::string_view queue = {}) {
    return "sub " + in_quotes(subject) + " queue " + in_quotes(queue) + " sid " + in_quotes(sid) +
           '\n';
}

std::string err(std::string_view text) {
    return "-ERR '" + std::string(text) + "'\r\n";
}

/// Feeds and reports what follows.
std::string say(server_connection& c, std::string_view bytes) {
    c.feed(bytes);
    return drain_events(c);
}

/// Open, with what was said on the way dropped.
server_connection opened(std::string_view login = quiet) {
    server_connection c;
    EXPECT_TRUE(c.start(plain_server(), {}));
    (void)say(c, login);
    (void)drain_output(c);
    EXPECT_EQ(c.state(), connection_state::open);
    return c;
}

const std::string unknown = err("Unknown Protocol Operation");
const std::string no_login = err("Authorization Violation");

} // namespace

TEST(server_connection, operations) {
    expect_served({
        {"nothing", quiet, is_quiet, ""},
        {"PUB", quiet + "PUB a.b 2\r\nhi\r\n", is_quiet + pub("a.b", "hi"), ""},
        {"with a reply", quiet + "pub\ta  r.*  002\nhi\r\n", is_quiet + pub("a", "hi", "r.*"), ""},
        {"a long one, the short way", quiet + "PUB some.subject.of.a.kind some.reply 3\r\nabc\r\n",
         is_quiet + pub("some.subject.of.a.kind", "abc", "some.reply"), ""},
        {"HPUB", quiet + "HPUB a r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
         is_quiet + pub("a", "hi", "r", "NATS/1.0\r\n\r\n"), ""},
        {"HPUB without headers", quiet + "HPUB a 0 1\r\nx\r\n", is_quiet + pub("a", "x"), ""},
        {"any subject", quiet + "PUB a..* 1\r\nx\r\nPUB \x01\xff 0\r\n\r\n",
         is_quiet + pub("a..*", "x") + pub("\x01\xff", ""), ""},
        {"SUB", quiet + "SUB a.* 1\r\nSUB >\tq..x abc-1\r\n",
         is_quiet + sub("a.*", "1") + sub(">", "abc-1", "q..x"), ""},
        {"SUB to literal wildcards", quiet + "SUB a*.b> 1\r\nSUB \x01 2\r\n",
         is_quiet + sub("a*.b>", "1") + sub("\x01", "2"), ""},
        {"UNSUB", quiet + "UNSUB 1\r\nUNSUB 0\r\nUNSUB abc-1 5\r\n",
         is_quiet + "unsub \"1\"\nunsub \"0\"\nunsub \"abc-1\" max 5\n", ""},
        {"UNSUB now", quiet + "UNSUB 1 0\r\nUNSUB 1 None\r\nUNSUB 1 1000000000\r\n",
         is_quiet + "unsub \"1\"\nunsub \"1\"\nunsub \"1\"\n", ""},
        {"PING, PONG", quiet + "PING\r\nPONG\r\npingx\n", is_quiet + "ping\npong\nping\n",
         "PONG\r\nPONG\r\n"},
        {"ignored", quiet + "+OK\r\nINFO {}\r\ninfo{\"x\":[{}]}\r\nPING\r\n", is_quiet + "ping\n",
         "PONG\r\n"},
    });
}

TEST(server_connection, verbose_and_pedantic_answers) {
    expect_served({
        {"before CONNECT", "SUB a 1\r\nPUB a 1\r\nx\r\nUNSUB 1\r\nPING\r\n",
         sub("a", "1") + pub("a", "x") + "unsub \"1\"\nping\n", "+OK\r\n+OK\r\n+OK\r\nPONG\r\n"},
        {"CONNECT alone", strict, is_strict, "+OK\r\n"},
        {"CONNECT null", "connect null\r\n", is_strict, "+OK\r\n"},
        {"CONNECT without a blank", "CONNECT{}\r\n", is_strict, "+OK\r\n"},
        {"pedantic",
         strict + "PUB a.* 1\r\nx\r\nPUB a..b 0\r\n\r\nPUB > 0\r\n\r\nPUB a\x01 0\r\n\r\n",
         is_strict + pub("a.*", "x") + pub("a..b", "") + pub(">", "") + pub("a\x01", ""),
         "+OK\r\n" + err("Invalid Publish Subject") + "+OK\r\n" + err("Invalid Publish Subject") +
             "+OK\r\n" + err("Invalid Publish Subject") + "+OK\r\n+OK\r\n"},
        {"pedantic alone",
         "CONNECT {\"verbose\":false}\r\nPUB .a 0\r\n\r\nPUB a. 0\r\n\r\nPUB a 0\r\n\r\n",
         "connect pedantic echo protocol 0 name \"\" user \"\"\n" + pub(".a", "") + pub("a.", "") +
             pub("a", ""),
         err("Invalid Publish Subject") + err("Invalid Publish Subject")},
        {"SUB, pedantic or not",
         quiet + "SUB a..b 1\r\nSUB .a 1\r\nSUB a. q 1\r\nSUB a.>.b 1\r\nSUB a 1\r\n",
         is_quiet + sub("a", "1"),
         err("Invalid Subject") + err("Invalid Subject") + err("Invalid Subject") +
             err("Invalid Subject")},
        {"SUB, verbose", strict + "SUB a..b 1\r\nSUB a 1\r\n", is_strict + sub("a", "1"),
         "+OK\r\n" + err("Invalid Subject") + "+OK\r\n"},
        {"another CONNECT", quiet + "PUB a 0\r\n\r\nCONNECT {\"verbose\":true}\r\nPUB a 0\r\n\r\n",
         is_quiet + pub("a", "") +
             "connect again verbose echo headers protocol 1 name \"\" user \"\"\n" + pub("a", ""),
         "+OK\r\n+OK\r\n"},
        {"another CONNECT without headers", quiet + "CONNECT {\"headers\":false}\r\nHPUB a 0 0\r\n",
         is_quiet + "connect again echo protocol 1 name \"\" user \"\"\n" +
             failed(errc::headers_not_supported),
         ""},
        {"before an end", strict + "PUB a 1\r\nx\r\nBAD\r\n",
         is_strict + pub("a", "x") + failed(errc::unknown_operation), "+OK\r\n+OK\r\n" + unknown},
    });
}

TEST(server_connection, ends) {
    const auto ends = [](std::string_view name, std::string_view bytes, errc why,
                         std::string_view said = {}) {
        return served_case{std::string(name), quiet + std::string(bytes), is_quiet + failed(why),
                           std::string(said)};
    };
    const std::string too_long = err("maximum control line exceeded");
    expect_served({
        ends("no operation", "BAD\r\n", errc::unknown_operation, unknown),
        ends("an empty line", "\r\n", errc::unknown_operation, unknown),
        ends("a server's operation", "MSG a 1 0\r\n\r\n", errc::unknown_operation, unknown),
        ends("no arguments", "PUB\r\n", errc::unknown_operation, unknown),
        ends("no arguments for -ERR", "-ERR\r\n", errc::unknown_operation, unknown),
        ends("a payload without its end", "PUB a 1\r\nxy", errc::missing_crlf, unknown),
        ends("half of it", "PUB a 1\r\nx\rz", errc::missing_crlf, unknown),
        ends("a blank alone", "PUB \r\n", errc::bad_arguments),
        ends("a blank alone for SUB", "SUB \r\n", errc::bad_arguments),
        ends("a blank alone for UNSUB", "UNSUB \r\n", errc::bad_arguments),
        ends("too few", "SUB a\r\n", errc::bad_arguments),
        ends("too many", "SUB a q 1 2\r\n", errc::bad_arguments),
        ends("a sign", "PUB a -1\r\n", errc::bad_number),
        ends("ten digits", "PUB a 0000000001\r\n", errc::bad_number),
        ends("a header larger than all", "HPUB a 2 1\r\n", errc::bad_number),
        ends("-ERR of a client", "-ERR 'x'\r\n", errc::unexpected_operation),
        ends("-ERR of nothing", "-ERR \r\n", errc::unexpected_operation),
        ends("INFO of nothing", "INFO\r\n", errc::bad_info),
        ends("INFO of the wrong type", "INFO {\"port\":\"x\"}\r\n", errc::bad_info),
        ends("too much", "PUB a 101\r\n", errc::message_too_large,
             err("Maximum Payload Violation")),
        ends("too much with headers", "HPUB a 1 101\r\n", errc::message_too_large,
             err("Maximum Payload Violation")),
        ends("CONNECT that is none", "CONNECT {\r\n", errc::bad_arguments),
        ends("CONNECT of nothing", "CONNECT\r\n", errc::bad_arguments),
        ends("CONNECT of the wrong type", "CONNECT {\"verbose\":1}\r\n", errc::bad_arguments),
    });
    wire::server_connection_options o;
    o.max_control_line = quiet.size() - 10;
    const std::string most(o.max_control_line, 'x');
    expect_served(
        {
            ends("a long line", "SUB " + most + "y", errc::line_too_long, too_long),
            ends("a long line at once", "SUB " + most + " 1\r\n", errc::line_too_long, too_long),
            ends("a long line that is wrong too", "PUB " + most + " x\r\n", errc::line_too_long,
                 too_long),
            ends("a long INFO", "INFO " + most + "y", errc::info_too_large, too_long),
            ends("a long CONNECT", "CONNECT " + most + "y", errc::line_too_long, too_long),
            {"the longest", quiet + "SUB " + most.substr(2) + " 1\r\n",
             is_quiet + sub(most.substr(2), "1"), ""},
        },
        plain_server(), o);
}

TEST(server_connection, headers_are_for_those_who_agreed) {
    const std::string without = "CONNECT {\"verbose\":false}\r\n";
    const std::string is_without = "connect pedantic echo protocol 0 name \"\" user \"\"\n";
    const std::string refused = failed(errc::headers_not_supported);
    expect_served({
        {"before CONNECT", "HPUB a 0 0\r\n", refused, ""},
        {"not agreed", without + "HPUB a 0 0\r\n", is_without + refused, ""},
        {"whatever is wrong besides", without + "HPUB a\r\n", is_without + refused, ""},
        {"and too large", without + "HPUB a 0 999999\r\n", is_without + refused, ""},
        {"in the form of the short way",
         without + "HPUB a.subject.of.length 12 12\r\nNATS/1.0\r\n\r\n\r\n", is_without + refused,
         ""},
    });
    server_info none = plain_server();
    none.headers = false;
    expect_served({{"a server without", quiet + "HPUB a 0 0\r\n", is_quiet + refused, ""}}, none);
}

TEST(server_connection, logins) {
    const std::string good = R"(CONNECT {"user":"u","pass":"p","verbose":false})"
                             "\r\n";
    const std::string is_good = "connect pedantic echo protocol 0 name \"\" user \"u\"\n";
    const std::string not_now = failed(errc::authorization_violation);
    const auto first = [&](std::string_view bytes) {
        return served_case{std::string(bytes), std::string(bytes), not_now, no_login};
    };
    expect_served(
        {
            first("P"),
            first("INFO {}\r\n"),
            first("\r\n"),
            first(" CONNECT {}\r\n"),
            first("GET / HTTP/1.1\r\n"),
            {"no operation with C", "Cx", failed(errc::unknown_operation), unknown},
            {"good", good + "PING\r\n", is_good + "ping\n", "PONG\r\n"},
            {"bad", "CONNECT {\"user\":\"u\",\"pass\":\"q\"}\r\nPING\r\n",
             "connect verbose pedantic echo protocol 0 name \"\" user \"u\"\n" + not_now, no_login},
            {"again with the same", good + "CONNECT {\"name\":\"n\"}\r\nPING\r\n",
             is_good + "connect again pedantic echo protocol 0 name \"n\" user \"u\"\nping\n",
             "PONG\r\n"},
            {"again with another", good + "CONNECT {\"pass\":\"q\"}\r\nPING\r\n",
             is_good + "connect again pedantic echo protocol 0 name \"\" user \"u\"\n" + not_now,
             no_login},
        },
        login_server());
}

TEST(server_connection, options_that_are_refused_after_the_login) {
    const auto refused = [](std::string_view member, std::string_view shown, errc why,
                            std::string_view text) {
        return served_case{
            std::string(member),
            R"(CONNECT {"user":"u","pass":"p",)" + std::string(member) + "}\r\nPING\r\n",
            "connect verbose pedantic echo" + std::string(shown) + " name \"\" user \"u\"\n" +
                failed(why),
            err(text)};
    };
    constexpr std::string_view protocol = "invalid client protocol";
    constexpr std::string_view responders = "no responders requires headers support";
    expect_served(
        {
            refused("\"protocol\":2", " protocol 2", errc::protocol_error, protocol),
            refused("\"protocol\":-1", " protocol -1", errc::protocol_error, protocol),
            refused(R"("protocol":2,"no_responders":true)", " no_responders protocol 2",
                    errc::protocol_error, protocol),
            refused("\"no_responders\":true", " no_responders protocol 0", errc::protocol_error,
                    responders),
            refused(R"("account":"A","protocol":2)", " protocol 2", errc::authorization_violation,
                    "Authorization Violation"),
            refused("\"new_account\":true", " protocol 0", errc::authorization_violation,
                    "Authorization Violation"),
        },
        login_server());
    server_info none = plain_server();
    none.headers = false;
    expect_served(
        {{"a server without headers", "CONNECT {\"headers\":true,\"no_responders\":true}\r\n",
          "connect verbose pedantic echo headers no_responders protocol 0 name \"\" user "
          "\"\"\n" +
              failed(errc::protocol_error),
          err(responders)}},
        none);
}

// --- calls

TEST(server_connection, starts_with_info) {
    server_connection c;
    EXPECT_EQ(c.state(), connection_state::awaiting_info);
    EXPECT_EQ(say(c, "PING\r\n"), "") << "a client that is hasty waits";
    EXPECT_EQ(c.ping().error(), errc::not_connected);
    EXPECT_EQ(c.deliver("a", "1", {}, {}, {}).error(), errc::not_connected);
    EXPECT_EQ(c.send_info({}).error(), errc::not_connected);
    EXPECT_EQ(c.send_err("x").error(), errc::not_connected);
    EXPECT_EQ(c.accept().error(), errc::not_connected);
    c.refuse("x");
    c.ok();
    EXPECT_EQ(drain_output(c), "");
    server_info bad = plain_server();
    bad.server_name = "\xff";
    EXPECT_EQ(c.start(bad, {}).error(), errc::invalid_argument);
    EXPECT_EQ(c.state(), connection_state::awaiting_info) << "nothing has changed";
    EXPECT_EQ(c.info().server_name, "");
    ASSERT_TRUE(c.start(plain_server(), {}));
    EXPECT_EQ(c.start(plain_server(), {}).error(), errc::already_connected);
    EXPECT_EQ(drain_events(c), "ping\n");
    EXPECT_EQ(drain_output(c),
              "INFO {\"server_id\":\"S\",\"proto\":0,\"port\":0,\"headers\":true,"
              "\"max_payload\":100} \r\nPONG\r\n");
    EXPECT_EQ(c.info().max_payload, 100);
}

TEST(server_connection, waits_for_the_verdict) {
    server_connection c;
    ASSERT_TRUE(c.start(login_server(), {}));
    EXPECT_EQ(c.ping().error(), errc::not_connected);
    (void)drain_output(c);
    c.feed("CONNECT {\"name\":\"n\",\"verbose\":true}\r\nPING\r\n");
    wire::server_connection_event e;
    ASSERT_TRUE(c.next(e));
    const auto* login = std::get_if<wire::server_event::connect>(&e);
    ASSERT_NE(login, nullptr);
    EXPECT_FALSE(login->again);
    EXPECT_EQ(login->request->name, "n");
    EXPECT_EQ(c.state(), connection_state::handshaking);
    EXPECT_FALSE(c.next(e)) << "nothing is parsed";
    c.handle_eof();
    EXPECT_FALSE(c.next(e)) << "not even an end";
    EXPECT_EQ(c.untransmitted(), 0U);
    ASSERT_TRUE(c.send_info(login_server())) << "may be told at any time";
    (void)drain_output(c);
    ASSERT_TRUE(c.accept());
    EXPECT_EQ(c.accept().error(), errc::not_connected) << "there is no other one";
    EXPECT_EQ(c.state(), connection_state::open);
    EXPECT_EQ(drain_events(c), "ping\n" + failed(errc::eof));
    EXPECT_EQ(drain_output(c), "+OK\r\nPONG\r\n");
}

TEST(server_connection, the_login_has_a_deadline) {
    const time_point begin{1h};
    server_connection c;
    EXPECT_FALSE(c.poll_timeout());
    ASSERT_TRUE(c.start(login_server(), begin));
    (void)drain_output(c);
    EXPECT_EQ(c.poll_timeout(), begin + 2s);
    c.handle_timeout(begin + 2s - 1ns);
    EXPECT_EQ(drain_events(c), "");
    c.feed("CONNECT {\"user\":");
    c.handle_timeout(begin + 2s);
    EXPECT_EQ(drain_events(c), failed(errc::authentication_timeout));
    EXPECT_EQ(drain_output(c), err("Authentication Timeout"));
    EXPECT_FALSE(c.poll_timeout());

    server_connection undecided;
    ASSERT_TRUE(undecided.start(login_server(), begin));
    undecided.feed(quiet);
    wire::server_connection_event e;
    ASSERT_TRUE(undecided.next(e));
    undecided.handle_timeout(begin + 2s);
    EXPECT_EQ(drain_events(undecided), failed(errc::authentication_timeout));
    EXPECT_EQ(undecided.accept().error(), errc::connection_closed);

    server_connection accepted;
    ASSERT_TRUE(accepted.start(login_server(), begin));
    EXPECT_NE(say(accepted, "CONNECT {\"user\":\"u\",\"pass\":\"p\"}\r\n"), "");
    EXPECT_FALSE(accepted.poll_timeout());
    accepted.handle_timeout(begin + 1h);
    EXPECT_EQ(accepted.state(), connection_state::open);

    server_connection free;
    ASSERT_TRUE(free.start(plain_server(), begin));
    EXPECT_FALSE(free.poll_timeout()) << "no login, no deadline";
}

TEST(server_connection, ok_comes_when_it_is_asked_for_or_with_the_next_event) {
    server_connection c = opened(strict);
    wire::server_connection_event e;
    c.feed("PUB a 0\r\n\r\nPUB b 0\r\n\r\nPUB c 0\r\n\r\nPUB d 0\r\n\r\n");
    ASSERT_TRUE(c.next(e));
    EXPECT_EQ(drain_output(c), "");
    c.ok();
    c.ok();
    ASSERT_TRUE(c.deliver("a", "1", {}, {}, {}));
    EXPECT_EQ(drain_output(c), "+OK\r\nMSG a 1 0\r\n\r\n");
    ASSERT_TRUE(c.next(e));
    EXPECT_EQ(drain_output(c), "") << "it was sent already";
    ASSERT_TRUE(c.deliver("b", "1", {}, {}, {}));
    ASSERT_TRUE(c.next(e));
    EXPECT_EQ(drain_output(c), "MSG b 1 0\r\n\r\n+OK\r\n");
    c.refuse("Permissions Violation for Publish to \"c\"");
    c.ok();
    ASSERT_TRUE(c.next(e));
    EXPECT_EQ(drain_output(c), err("Permissions Violation for Publish to \"c\""));
    c.close();
    EXPECT_EQ(drain_events(c), failed(errc::connection_closed));
    EXPECT_EQ(drain_output(c), "");

    server_connection silent = opened();
    (void)say(silent, "PUB a 0\r\n\r\n");
    silent.ok();
    EXPECT_EQ(drain_output(silent), "");
}

TEST(server_connection, delivers) {
    const std::string block = "NATS/1.0\r\nA: b\r\n\r\n";
    server_connection c = opened();
    EXPECT_TRUE(c.headers_enabled());
    ASSERT_TRUE(c.deliver("a.b", "abc-1", "r", header_view(block), "x\r\n"));
    ASSERT_TRUE(c.deliver("a", "1", {}, header_view(block), {}));
    ASSERT_TRUE(c.deliver("a", "1", {}, {}, "x"));
    EXPECT_EQ(drain_output(c), "HMSG a.b abc-1 r 18 21\r\n" + block +
                                   "x\r\n\r\nHMSG a 1 18 18\r\n" + block +
                                   "\r\nMSG a 1 1\r\nx\r\n");
    EXPECT_EQ(c.deliver("", "1", {}, {}, {}).error(), errc::invalid_argument);
    EXPECT_EQ(c.deliver("a", "", {}, {}, {}).error(), errc::invalid_argument);
    EXPECT_EQ(drain_output(c), "");

    server_connection old = opened(strict);
    EXPECT_FALSE(old.headers_enabled());
    ASSERT_TRUE(old.deliver("a", "1", "r", header_view(block), "x"));
    EXPECT_EQ(drain_output(old), "MSG a 1 r 1\r\nx\r\n") << "without its headers";
}

TEST(server_connection, says_other_things) {
    server_connection c = opened();
    ASSERT_TRUE(c.ping());
    ASSERT_TRUE(c.send_err("maximum subscriptions exceeded"));
    EXPECT_EQ(c.send_err("a\r\nPING").error(), errc::invalid_argument);
    EXPECT_EQ(c.send_err("a\nb").error(), errc::invalid_argument);
    EXPECT_EQ(drain_output(c), "PING\r\n" + err("maximum subscriptions exceeded"));
    c.refuse("no\r\nPING");
    EXPECT_EQ(drain_output(c), err("no"));
    server_info later = plain_server();
    later.lame_duck = true;
    ASSERT_TRUE(c.send_info(later));
    EXPECT_EQ(drain_output(c),
              "INFO {\"server_id\":\"S\",\"proto\":0,\"port\":0,\"headers\":true,"
              "\"max_payload\":100,\"ldm\":true} \r\n");
    EXPECT_TRUE(c.info().lame_duck);
    later.cluster = "\x80";
    EXPECT_EQ(c.send_info(later).error(), errc::invalid_argument);
    EXPECT_EQ(c.info().cluster, "");
}

TEST(server_connection, ends_by_a_call) {
    const auto expect_end = [](auto call, std::string_view said, errc why) {
        server_connection c = opened();
        c.feed("PING\r\nPING\r\n");
        ASSERT_TRUE(c.deliver("a", "1", {}, {}, "x"));
        call(c);
        EXPECT_EQ(c.state(), connection_state::closed);
        EXPECT_EQ(c.close_reason(), why);
        EXPECT_EQ(drain_events(c), failed(why)) << "what was received is dropped";
        EXPECT_EQ(drain_events(c), "") << "once";
        call(c);
        c.handle_eof();
        c.refuse("x");
        c.ok();
        c.feed("PING\r\n");
        EXPECT_EQ(drain_events(c), "");
        EXPECT_EQ(c.unparsed(), 0U);
        EXPECT_EQ(c.ping().error(), errc::connection_closed);
        EXPECT_EQ(c.deliver("a", "1", {}, {}, "x").error(), errc::connection_closed);
        EXPECT_EQ(c.start({}, {}).error(), errc::connection_closed);
        EXPECT_EQ(c.send_info({}).error(), errc::connection_closed);
        EXPECT_EQ(c.send_err("x").error(), errc::connection_closed);
        EXPECT_EQ(drain_output(c), "MSG a 1 1\r\nx\r\n" + std::string(said))
            << "what was queued is still there";
    };
    expect_end([](server_connection& c) { c.close(); }, "", errc::connection_closed);
    expect_end([](server_connection& c) { c.fail("Stale Connection"); }, err("Stale Connection"),
               errc::connection_closed);
    server_connection no_lines;
    no_lines.fail("a\r\nPING");
    EXPECT_EQ(drain_output(no_lines), err("a"));
    server_connection early;
    early.fail("Connection throttling is active. Please try again later.");
    EXPECT_EQ(drain_events(early), failed(errc::connection_closed));
    EXPECT_EQ(drain_output(early), err("Connection throttling is active. Please try again later."));
}

TEST(server_connection, ends_with_the_transport) {
    const auto end = [](server_connection& c, error why = errc::eof) {
        c.handle_eof(std::move(why));
        std::string events = drain_events(c);
        EXPECT_EQ(c.state(), connection_state::closed);
        EXPECT_EQ(drain_events(c), "");
        return events;
    };
    server_connection unused;
    EXPECT_EQ(end(unused), failed(errc::eof));
    server_connection c = opened();
    c.feed("PUB a 1\r\nx\r\nPUB b");
    EXPECT_EQ(end(c), pub("a", "x") + failed(errc::eof));
    EXPECT_EQ(c.close_reason().detail(), "in the middle of an operation");
    server_connection failing = opened();
    EXPECT_EQ(end(failing, error{errc::protocol_error, "reset"}), failed(errc::protocol_error));
    EXPECT_EQ(failing.close_reason().detail(), "reset");
    server_connection login;
    ASSERT_TRUE(login.start(login_server(), {}));
    EXPECT_EQ(end(login), failed(errc::eof));
}

TEST(server_connection, the_reason_shows_no_credentials) {
    for (const std::string_view bytes :
         {"CONNECT {\"pass\":\"hunter2\"\r\n", "CONNECT {\"pass\":\"hunter2\",\"user\":1}\r\n",
          " CONNECT {\"pass\":\"hunter2\"}\r\n", "{\"pass\":\"hunter2\"}\r\n",
          "CONECT {\"pass\":\"hunter2\"}\r\n", "SUB {\"pass\":\"hunter2\"}\r\n"}) {
        server_connection c;
        ASSERT_TRUE(c.start(plain_server(), {}));
        EXPECT_TRUE(say(c, bytes).starts_with("failed: ")) << bytes;
        EXPECT_EQ(c.close_reason().message().find("hunter2"), std::string::npos) << bytes;
    }
    server_connection c = opened();
    (void)say(c, "GET / HTTP/1.1\r\n");
    EXPECT_EQ(c.close_reason().detail(), "the peer sent \"GET...\"");
}

TEST(server_connection, a_conversation_with_a_client_connection) {
    server_connection server;
    wire::client_connection client;
    ASSERT_TRUE(server.start(login_server(), {}));
    const auto exchange = [&] {
        std::string log;
        for (std::size_t before = 1; before != log.size();) {
            before = log.size();
            client.feed(drain_output(server));
            for (const std::string_view line : {drain_events(client)})
                if (!line.empty()) log.append("client: ").append(line);
            server.feed(drain_output(client));
            for (const std::string_view line : {drain_events(server)})
                if (!line.empty()) log.append("server: ").append(line);
        }
        return log;
    };
    EXPECT_EQ(exchange(), "client: connect_requested \"S\"\n");
    wire::connect_fields fields;
    fields.user = "u";
    fields.password = "p";
    fields.name = "a \"client\"";
    ASSERT_TRUE(client.connect(fields));
    EXPECT_EQ(exchange(),
              "server: connect echo headers no_responders protocol 1 name \"a "
              "\\x22client\\x22\" user \"u\"\nping\nclient: connected \"S\"\n");
    EXPECT_TRUE(server.no_responders());
    const std::string block = "NATS/1.0\r\nA: b\r\n\r\n";
    ASSERT_TRUE(client.subscribe("a.*", "q", 7));
    ASSERT_TRUE(client.publish("a.b", "hi", "r", header_view(block)));
    ASSERT_TRUE(client.unsubscribe(7, 5));
    EXPECT_EQ(exchange(), "server: " + sub("a.*", "7", "q") + pub("a.b", "hi", "r", block) +
                              "unsub \"7\" max 5\n");
    ASSERT_TRUE(server.deliver("a.b", "7", "r", header_view(block), "hi"));
    ASSERT_TRUE(server.ping());
    server_info later = login_server();
    later.max_payload = 5;
    ASSERT_TRUE(server.send_info(later));
    server.refuse("Permissions Violation for Publish to \"x\"");
    EXPECT_EQ(exchange(), "client: message 7 \"a.b\" reply \"r\" header " + in_quotes(block) +
                              " payload \"hi\"\ninfo \"S\" max_payload 5\nserver_error "
                              "\"Permissions Violation for Publish to \\x22x\\x22\"\n"
                              "server: pong\n");
    EXPECT_EQ(client.publish("a", "123456").error(), errc::payload_too_large);
    client.handle_eof();
    server.handle_eof();
    EXPECT_EQ(exchange(), "client: " + failed(errc::eof) + "server: " + failed(errc::eof));
}

} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Each limit of the parser, reached exactly (passes) and exceeded by one (fails with its own code),
// in every cut; and that a failure comes as soon as the bytes show it, not when the line ends.

#include <natsproto/wire/parser.hpp>

#include "support/feed.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace nats::test {

namespace {

constexpr wire::sender server = wire::sender::server;
constexpr wire::sender client = wire::sender::client;

/// `text` filled up with 'x' to `size` bytes.
std::string padded(std::string text, std::size_t size) {
    text.resize(size, 'x');
    return text;
}

limits small_limits() {
    limits l;
    l.max_line = 40;
    l.max_info = 60;
    l.max_message = 20;
    l.max_header_block = 14;
    return l;
}

/// A line whose arguments have exactly the size of the limit passes; one byte more fails, at that
/// byte.
void expect_line_limit(wire::sender from, const std::string& name, std::size_t limit, errc why) {
    SCOPED_TRACE(name);
    const std::string most = name + ' ' + std::string(limit, 'x');
    const std::string passes = most + "\r\n";
    EXPECT_FALSE(parse(from, {passes}, small_limits()).failed);
    EXPECT_EQ(parse(from, pieces_of(passes, 1), small_limits()),
              parse(from, {passes}, small_limits()));
    expect_fails_at_end(from, most + 'x', why, small_limits());
    expect_frames(from, most + "x\r\n", failed(why), small_limits());
}

} // namespace

TEST(parser_limits, control_lines_of_a_server) {
    for (const char* name : {"PING", "PONG", "+OK", "-ERR"}) {
        expect_line_limit(server, name, 40, errc::line_too_long);
    }
    expect_line_limit(server, "INFO", 60, errc::info_too_large);
}

TEST(parser_limits, control_lines_of_a_client) {
    for (const char* name : {"PING", "PONG", "+OK", "-ERR", "CONNECT"}) {
        expect_line_limit(client, name, 40, errc::line_too_long);
    }
}

TEST(parser_limits, control_lines_with_arguments) {
    // 40 bytes of arguments each, counted from behind the blank after the name to the CR.
    expect_frames(
        server, "MSG " + padded("s", 36) + " 1 0\r\n\r\n",
        "1 \"1\" msg " + in_quotes(padded("s", 36)) + " reply \"\" header \"\" payload \"\"\n",
        small_limits());
    expect_frames(client, "SUB " + padded("s", 38) + " 1\r\n",
                  "sub " + in_quotes(padded("s", 38)) + " queue \"\" sid \"1\"\n", small_limits());
    for (const std::string& args : {padded("s", 37) + " 1 0", "s 1 0" + std::string(36, ' '),
                                    std::string(36, ' ') + "s 1 0"}) {
        expect_frames(server, "MSG " + args + "\r\n\r\n", failed(errc::line_too_long),
                      small_limits());
        expect_frames(server, "HMSG " + args + " 0\n\r\n", failed(errc::line_too_long),
                      small_limits());
        expect_frames(client, "PUB " + args + "\n\r\n", failed(errc::line_too_long),
                      small_limits());
        expect_frames(client, "SUB " + args + "\r\n", failed(errc::line_too_long), small_limits());
        expect_frames(client, "UNSUB " + args + "\r\n", failed(errc::line_too_long),
                      small_limits());
    }
}

TEST(parser_limits, the_line_end_does_not_count) {
    const std::string most = "-ERR " + std::string(40, 'x');
    const std::string text = "err " + in_quotes(std::string(40, 'x')) + '\n';
    expect_frames(server, most + "\n", text, small_limits());
    expect_frames(server, most + "\r\n", text, small_limits());
    expect_fails_at_end(server, most + "\r\r", errc::line_too_long, small_limits());
}

TEST(parser_limits, an_endless_line_fails_at_the_limit) {
    for (const std::string name : {"MSG ", "HMSG ", "PING", "INFO ", "-ERR "}) {
        wire::parser p(server, small_limits());
        wire::frame f;
        std::string line = name;
        while (p.next(line, f) == wire::parser::status::need_more && line.size() < 1000)
            line += ' ';
        EXPECT_LE(line.size(), 67U) << name;
    }
}

TEST(parser_limits, message_size) {
    const std::string body(20, 'b');
    const std::string text = R"( reply "" header "" payload )" + in_quotes(body) + '\n';
    expect_frames(server, "MSG a 1 20\r\n" + body + "\r\n", R"(1 "1" msg "a")" + text,
                  small_limits());
    expect_frames(client, "PUB a 20\r\n" + body + "\r\n", "pub \"a\"" + text, small_limits());
    expect_fails_at_end(server, "MSG a 1 21\r\n", errc::message_too_large, small_limits());
    expect_fails_at_end(client, "PUB a 21\r\n", errc::message_too_large, small_limits());
    expect_fails_at_end(server, "HMSG a 1 1 21\r\n", errc::message_too_large, small_limits());
    expect_fails_at_end(client, "HPUB a 1 21\r\n", errc::message_too_large, small_limits());
}

TEST(parser_limits, header_size) {
    const std::string block(14, 'h');
    const std::string text = " reply \"\" header " + in_quotes(block) + " payload \"\"\n";
    expect_frames(server, "HMSG a 1 14 14\r\n" + block + "\r\n", R"(1 "1" hmsg "a")" + text,
                  small_limits());
    expect_frames(client, "HPUB a 14 14\r\n" + block + "\r\n", "hpub \"a\"" + text, small_limits());
    expect_fails_at_end(server, "HMSG a 1 15 15\r\n", errc::header_block_too_large, small_limits());
    expect_fails_at_end(client, "HPUB a 15 15\r\n", errc::header_block_too_large, small_limits());
}

TEST(parser_limits, defaults) {
    const limits l;
    wire::frame f;
    wire::parser at_limit(server);
    EXPECT_EQ(at_limit.next("MSG a 1 " + std::to_string(l.max_message) + "\r\n", f),
              wire::parser::status::need_more);
    wire::parser above(server);
    EXPECT_EQ(above.next("MSG a 1 " + std::to_string(l.max_message + 1) + "\r\n", f),
              wire::parser::status::failed);
    EXPECT_EQ(above.failure(), errc::message_too_large);
    wire::parser info(server);
    const std::string most = "INFO " + std::string(l.max_info, ' ');
    EXPECT_EQ(info.next(most, f), wire::parser::status::need_more);
    EXPECT_EQ(info.next(most + ' ', f), wire::parser::status::failed);
    EXPECT_EQ(info.failure(), errc::info_too_large);
    wire::parser line(server);
    const std::string longest = "MSG " + std::string(l.max_line, 'x');
    EXPECT_EQ(line.next(longest, f), wire::parser::status::need_more);
    EXPECT_EQ(line.next(longest + 'x', f), wire::parser::status::failed);
    EXPECT_EQ(line.failure(), errc::line_too_long);
}

// Somebody who wants no limits must not get wrapped sums instead.
TEST(parser_limits, no_limit_at_all) {
    limits none;
    none.max_line = none.max_info = none.max_message = none.max_header_block =
        std::numeric_limits<std::size_t>::max();
    expect_frames(server, "INFO {}\r\nMSG a 1 2\r\nhi\r\n",
                  "info \"{}\"\n1 \"1\" msg \"a\" reply \"\" header \"\" payload \"hi\"\n", none);
    for (const std::string_view size : {"18446744073709551615", "18446744073709551600"}) {
        expect_fails_at_end(server, "MSG a 1 " + std::string(size) + "\r\n",
                            errc::message_too_large, none);
    }
    wire::parser p(server, none);
    wire::frame f;
    EXPECT_EQ(p.next("MSG a 1 1099511627776\r\nx", f), wire::parser::status::need_more);
    EXPECT_EQ(p.wanted(), 23U + 1099511627776U + 2U);
}

} // namespace nats::test

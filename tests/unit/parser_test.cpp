// SPDX-License-Identifier: Apache-2.0
//
// What a server sends: every operation, every leniency and every malformed line that the
// specification names (1.1, 2.2, 2.5), each in every way in which it can be cut. And that the
// parser remembers its work: its cost is linear.

#include <natsproto/wire/parser.hpp>

#include "support/feed.hpp"

#include <gtest/gtest.h>

using namespace std::string_literals;

namespace nats::test {

namespace {

constexpr wire::sender server = wire::sender::server;

std::string msg(std::string_view sid, std::string_view sid_text, std::string_view subject,
                std::string_view reply, std::string_view payload) {
    return std::string(sid) + ' ' + in_quotes(sid_text) + " msg " + in_quotes(subject) + " reply " +
           in_quotes(reply) + " header \"\" payload " + in_quotes(payload) + '\n';
}

std::string hmsg(std::string_view sid, std::string_view subject, std::string_view reply,
                 std::string_view header, std::string_view payload) {
    return std::string(sid) + ' ' + in_quotes(sid) + " hmsg " + in_quotes(subject) + " reply " +
           in_quotes(reply) + " header " + in_quotes(header) + " payload " + in_quotes(payload) +
           '\n';
}

std::string err(std::string_view text) {
    return "err " + in_quotes(text) + '\n';
}

} // namespace

TEST(parser, simple_operations) {
    expect_vectors(server,
                   {
                       {"ping", "PING\r\n", "ping\n"},
                       {"pong", "PONG\r\n", "pong\n"},
                       {"ok", "+OK\r\n", "ok\n"},
                       {"lower case", "ping\r\npong\r\n+ok\r\n", "ping\npong\nok\n"},
                       {"mixed case", "pInG\r\nPoNg\r\n+oK\r\n", "ping\npong\nok\n"},
                       {"LF only", "PING\nPONG\n+OK\n", "ping\npong\nok\n"},
                       {"trailing blanks", "PING  \t\r\nPONG \r\n+OK \r\n", "ping\npong\nok\n"},
                       {"trailing text", "PINGX\r\nPONG 1 2 3\r\n+OKAY\r\n", "ping\npong\nok\n"},
                       {"a CR in the trailing text", "PING\r\r\nPONG\rX\n", "ping\npong\n"},
                       {"nothing", "", ""},
                   });
}

TEST(parser, info) {
    expect_vectors(
        server,
        {
            {"as servers send it", "INFO {\"a\":1} \r\n", "info " + in_quotes(R"({"a":1})") + '\n'},
            {"without the blank", "INFO {}\r\n", "info \"{}\"\n"},
            {"blanks and tabs", "INFO \t  {}\t \t\r\n", "info \"{}\"\n"},
            {"tab only", "INFO\t{}\r\n", "info \"{}\"\n"},
            {"lower case", "info {}\r\n", "info \"{}\"\n"},
            {"LF only", "INFO {}\n", "info \"{}\"\n"},
            {"nothing in it", "INFO \r\n", "info \"\"\n"},
            {"the parser reads no JSON", "INFO \"\xff\r\n", "info " + in_quotes("\"\xff") + '\n'},
        });
}

TEST(parser, error_texts) {
    expect_vectors(
        server,
        {
            {"quoted", "-ERR 'Stale Connection'\r\n", err("Stale Connection")},
            {"no quotes", "-ERR Stale Connection\r\n", err("Stale Connection")},
            {"blanks inside and outside", "-ERR \t ' Stale Connection ' \r\n",
             err("Stale Connection")},
            {"lower case", "-err 'x'\r\n", err("x")},
            {"LF only", "-ERR 'x'\n", err("x")},
            {"no text", "-ERR\r\n", err("")},
            {"no text, LF only", "-ERR\n", err("")},
            {"no text but a blank", "-ERR \r\n", err("")},
            {"empty quotes", "-ERR ''\r\n", err("")},
            {"one quote", "-ERR '\r\n", err("")},
            {"only the first quote", "-ERR 'x\r\n", err("x")},
            {"only the last quote", "-ERR x'\r\n", err("x")},
            {"double quotes inside", "-ERR 'Permissions Violation for Publish to \"a b\"'\r\n",
             err("Permissions Violation for Publish to \"a b\"")},
            {"single quotes inside", "-ERR 'it's 'so''\r\n", err("it's 'so'")},
            {"NUL, CR and no UTF-8", "-ERR 'a\0b\rc\xff'\r\n"s, err("a\0b\rc\xff"s)},
        });
}

TEST(parser, messages) {
    expect_vectors(
        server,
        {
            {"plain", "MSG foo 1 5\r\nhello\r\n", msg("1", "1", "foo", "", "hello")},
            {"with a reply", "MSG foo.bar 9 _INBOX.1 5\r\nhello\r\n",
             msg("9", "9", "foo.bar", "_INBOX.1", "hello")},
            {"empty", "MSG foo 1 0\r\n\r\n", msg("1", "1", "foo", "", "")},
            {"empty with a reply", "MSG foo 1 r 0\r\n\r\n", msg("1", "1", "foo", "r", "")},
            {"lower case", "msg foo 1 2\r\nhi\r\n", msg("1", "1", "foo", "", "hi")},
            {"mixed case", "mSg foo 1 2\r\nhi\r\n", msg("1", "1", "foo", "", "hi")},
            {"two blanks, as 2.9 sends", "MSG I.4 1  2\r\nhi\r\n", msg("1", "1", "I.4", "", "hi")},
            {"tabs", "MSG\tfoo\t1\tr\t2\r\nhi\r\n", msg("1", "1", "foo", "r", "hi")},
            {"runs of both", "MSG \t foo\t\t1 \t2 \t\r\nhi\r\n", msg("1", "1", "foo", "", "hi")},
            {"LF only", "MSG foo 1 2\nhi\r\n", msg("1", "1", "foo", "", "hi")},
            {"leading zeros", "MSG foo 007 002\r\nhi\r\n", msg("7", "007", "foo", "", "hi")},
            {"many leading zeros",
             "MSG foo 0000000000000000000000000000000001 00000000000000000002\r\nhi\r\n",
             msg("1", "0000000000000000000000000000000001", "foo", "", "hi")},
            {"the greatest sid", "MSG foo 18446744073709551615 2\r\nhi\r\n",
             msg("18446744073709551615", "18446744073709551615", "foo", "", "hi")},
            {"a payload of line ends", "MSG foo 1 6\r\n\r\n\r\n\r\n\r\n",
             msg("1", "1", "foo", "", "\r\n\r\n\r\n")},
            {"a payload that is an operation", "MSG foo 1 6\r\nPING\r\n\r\n",
             msg("1", "1", "foo", "", "PING\r\n")},
            {"NUL in the payload", "MSG foo 1 3\r\na\0b\r\n"s, msg("1", "1", "foo", "", "a\0b"s)},
            {"NUL in the subject", "MSG a\0b 1 1\r\nx\r\n"s, msg("1", "1", "a\0b"s, "", "x")},
            {"UTF-8", "MSG \xc3\xa9\xe2\x82\xac 1 1\r\nx\r\n",
             msg("1", "1", "\xc3\xa9\xe2\x82\xac", "", "x")},
            {"not UTF-8", "MSG \xff\xfe 1 \x80 1\r\n\xff\r\n",
             msg("1", "1", "\xff\xfe", "\x80", "\xff")},
            {"other controls", "MSG a\x01\x7f 1 1\r\nx\r\n", msg("1", "1", "a\x01\x7f", "", "x")},
        });
}

TEST(parser, messages_with_headers) {
    const std::string block = "NATS/1.0\r\nA: b\r\n\r\n"; // 18 bytes
    const std::string status = "NATS/1.0 503\r\n\r\n";    // 16 bytes
    expect_vectors(
        server,
        {
            {"plain", "HMSG foo 1 18 20\r\n" + block + "hi\r\n", hmsg("1", "foo", "", block, "hi")},
            {"with a reply", "HMSG foo 1 r 18 20\r\n" + block + "hi\r\n",
             hmsg("1", "foo", "r", block, "hi")},
            {"no payload", "HMSG foo 1 16 16\r\n" + status + "\r\n",
             hmsg("1", "foo", "", status, "")},
            {"no header", "HMSG foo 1 0 2\r\nhi\r\n", hmsg("1", "foo", "", "", "hi")},
            {"neither", "HMSG foo 1 0 0\r\n\r\n", hmsg("1", "foo", "", "", "")},
            {"lower case", "hmsg foo 1 18 20\r\n" + block + "hi\r\n",
             hmsg("1", "foo", "", block, "hi")},
            {"two blanks, as 2.9 sends", "HMSG I.3 1  18 20\r\n" + block + "hi\r\n",
             hmsg("1", "I.3", "", block, "hi")},
            {"tabs", "HMSG\tfoo\t1\tr\t18\t20\r\n" + block + "hi\r\n",
             hmsg("1", "foo", "r", block, "hi")},
            {"LF only", "HMSG foo 1 18 20\n" + block + "hi\r\n", hmsg("1", "foo", "", block, "hi")},
            {"leading zeros", "HMSG foo 1 0018 020\r\n" + block + "hi\r\n",
             hmsg("1", "foo", "", block, "hi")},
            {"garbage", "HMSG foo 1 5 7\r\n\0\r\n\xff:hi\r\n"s,
             hmsg("1", "foo", "", "\0\r\n\xff:"s, "hi")},
            {"a block that crashed another client (D1)",
             "HMSG foo 1 14 14\r\nNATS/1.0 5\r\n\r\n\r\n",
             hmsg("1", "foo", "", "NATS/1.0 5\r\n\r\n", "")},
            {"a lone CR (D9)", "HMSG foo 1 19 19\r\nNATS/1.0\r\nA: \rb\r\n\r\n\r\n",
             hmsg("1", "foo", "", "NATS/1.0\r\nA: \rb\r\n\r\n", "")},
        });
}

TEST(parser, operations_follow_each_other) {
    expect_frames(server,
                  "INFO {}\r\n+OK\r\nPING\r\nMSG a 1 1\r\nx\r\n+OK\r\nHMSG b 2 12 "
                  "13\r\nNATS/1.0\r\n\r\ny\r\n-ERR 'e'\r\nPONG\r\n",
                  "info \"{}\"\nok\nping\n" + msg("1", "1", "a", "", "x") + "ok\n" +
                      hmsg("2", "b", "", "NATS/1.0\r\n\r\n", "y") + err("e") + "pong\n");
}

TEST(parser, an_incomplete_operation_is_not_an_error) {
    for (const std::string_view bytes :
         {"P", "PING", "PING\r", "M", "MSG", "MSG ", "MSG foo 1 5", "MSG foo 1 5\r",
          "MSG foo 1 5\r\n", "MSG foo 1 5\r\nhello", "MSG foo 1 5\r\nhello\r",
          "HMSG a 1 12 12\r\nNATS/1.0", "INFO {", "INFO\r", "-ERR", "-ERR\r", "-ERR 'x", "+",
          "+OK\r"}) {
        SCOPED_TRACE(in_quotes(bytes));
        expect_frames(server, bytes, "");
        EXPECT_EQ(parse(server, {bytes}).rest, bytes.size());
    }
}

TEST(parser, fails_at_the_first_wrong_byte_of_a_name) {
    for (const std::string_view bytes :
         {" ",   "\t",   "\n",    "\r",    "\x7f", "\xff",   "X",       "{",       "0",
          "Px",  "PIx",  "PINx",  "POx",   "PONx", "P\r",    "PIN\r",   "PIN\n",   "PIN ",
          "+x",  "+Ox",  "+O\n",  "-x",    "-Ex",  "-ERx",   "-ERRx",   "-ERR'",   "Ix",
          "INx", "INFx", "INFOx", "INFO{", "Mx",   "MSx",    "MSGx",    "MSGS",    "Hx",
          "HMx", "HMSx", "HMSGx", "HE",    "HT",   "MSG\rx", "INFO\rx", "-ERR\rx", "PU",
          "S",   "U",    "C",     "HP"}) {
        expect_fails_at_end(server, bytes, errc::unknown_operation);
    }
    expect_fails_at_end(server, "\0"s, errc::unknown_operation);
    expect_fails_at_end(server, "MSG\0"s, errc::unknown_operation);
}

TEST(parser, fails_at_the_end_of_a_line_that_is_no_operation) {
    for (const std::string_view bytes : {"\n", "MSG\n", "MSG\r\n", "HMSG\r\n", "INFO\r\n", "INFO\n",
                                         "PI\n", "+O\n", "-ER\n", "MSG \r\n", "HMSG \t\n"}) {
        expect_fails_at_end(server, bytes, errc::unknown_operation);
    }
}

TEST(parser, fails_on_wrong_arguments) {
    for (const std::string_view bytes :
         {"MSG foo\r\n", "MSG foo 1\r\n", "MSG foo 1 r 5 6\r\n", "MSG foo 1 r 5 6 7 8 9\r\n",
          "HMSG foo\r\n", "HMSG foo 1\r\n", "HMSG foo 1 5\r\n", "HMSG foo 1 r 5 6 7\r\n",
          "HMSG foo 1 r 5 6 7 8\r\n", "MSG fo\ro 1 5\r\n", "MSG foo\r1 5\r\n", "MSG foo 1 5\r\r\n",
          "MSG foo 1 \r5\r\n", "MSG \rfoo 1 5\n", "HMSG foo 1 1\r2 14\r\n",
          "MSG foo 1 5 \r \r\n"}) {
        expect_fails_at_end(server, bytes, errc::bad_arguments);
    }
}

TEST(parser, fails_on_wrong_numbers) {
    for (const std::string_view bytes : {"MSG foo 1 -1\r\n",
                                         "MSG foo 1 +5\r\n",
                                         "MSG foo 1 5x\r\n",
                                         "MSG foo 1 x\r\n",
                                         "MSG foo 1 0x5\r\n",
                                         "MSG foo 1 5.0\r\n",
                                         "MSG foo 1 1e3\r\n",
                                         "MSG foo x 5\r\n",
                                         "MSG foo -1 5\r\n",
                                         "MSG foo +1 5\r\n",
                                         "MSG foo 1a r 5\r\n",
                                         "MSG foo 18446744073709551616 5\r\n",
                                         "MSG foo 99999999999999999999999 5\r\n",
                                         "MSG foo 1 18446744073709551616\r\n",
                                         "MSG foo 1 18446744073709551621\r\n",
                                         "MSG foo 1 -18446744073709551611\r\n",
                                         "MSG foo 1 000000000000000000005\r\n",
                                         "HMSG foo 1 x 5\r\n",
                                         "HMSG foo 1 5 x\r\n",
                                         "HMSG foo 1 -1 5\r\n",
                                         "HMSG foo 1 6 5\r\n",
                                         "HMSG foo 1 r 6 5\r\n",
                                         "HMSG foo 1 18446744073709551621 5\r\n",
                                         "HMSG foo 1 4294967301 5\r\n",
                                         "HMSG foo 1 5 18446744073709551621\r\n"}) {
        expect_fails_at_end(server, bytes, errc::bad_number);
    }
    expect_fails_at_end(server, "MSG foo 1 \xb2\r\n", errc::bad_number);
    expect_fails_at_end(server, "MSG foo 1 5\0\r\n"s, errc::bad_number);
}

TEST(parser, fails_on_sizes_that_wrap_in_other_clients) {
    for (const std::string_view bytes :
         {"MSG foo 1 4294967301\r\n", "MSG foo 1 9223372036854775807\r\n",
          "MSG foo 1 9223372036854775808\r\n", "MSG foo 1 18446744073709551615\r\n",
          "MSG foo 1 18446744073709551614\r\n", "HMSG foo 1 4294967301 4294967306\r\n",
          "HMSG foo 1 0 9223372036854775807\r\n"}) {
        expect_fails_at_end(server, bytes, errc::message_too_large);
    }
}

TEST(parser, fails_on_a_payload_that_does_not_end_in_crlf) {
    for (const std::string_view bytes :
         {"MSG foo 1 5\r\nhello\n", "MSG foo 1 5\r\nhellox", "MSG foo 1 5\r\nhello\rx",
          "MSG foo 1 5\r\nhello\r\r", "MSG foo 1 0\r\nx", "MSG foo 1 0\r\n\n",
          "HMSG foo 1 12 12\r\nNATS/1.0\r\n\r\n\n"}) {
        expect_fails_at_end(server, bytes, errc::missing_crlf);
    }
    expect_frames(server, "MSG foo 1 5\r\nhello\nMSG foo 1 1\r\nx\r\n",
                  failed(errc::missing_crlf)); // D6
    expect_frames(server, "MSG foo 1 4\r\nhello\r\nPING\r\n", failed(errc::missing_crlf));
}

TEST(parser, frames_before_a_failure_are_reported) {
    expect_frames(
        server, "PING\r\nMSG a 1 1\r\nx\r\nPONG\r\nBAD\r\nPING\r\n",
        "ping\n" + msg("1", "1", "a", "", "x") + "pong\n" + failed(errc::unknown_operation));
}

TEST(parser, a_failure_stays_until_reset) {
    wire::parser p(server);
    wire::frame f;
    EXPECT_EQ(p.next("X", f), wire::parser::status::failed);
    EXPECT_EQ(p.failure(), errc::unknown_operation);
    EXPECT_EQ(p.next("PING\r\n", f), wire::parser::status::failed);
    EXPECT_EQ(p.next("", f), wire::parser::status::failed);
    EXPECT_EQ(p.failure(), errc::unknown_operation);
    EXPECT_EQ(p.wanted(), 0U);
    p.reset();
    EXPECT_EQ(p.next("PING\r\n", f), wire::parser::status::frame);
    EXPECT_EQ(f.size, 6U);
}

TEST(parser, reset_forgets_a_message_in_the_middle) {
    wire::parser p(server);
    wire::frame f;
    EXPECT_EQ(p.next("MSG a 1 100\r\nx", f), wire::parser::status::need_more);
    EXPECT_NE(p.wanted(), 0U);
    p.reset();
    EXPECT_EQ(p.wanted(), 0U);
    EXPECT_EQ(p.next("MSG b 2 1\r\nx\r\n", f), wire::parser::status::frame);
    EXPECT_EQ(f.subject, "b");
}

TEST(parser, wanted_is_the_size_of_the_frame_when_the_line_is_known) {
    const std::string_view bytes = "MSG foo 1 5\r\nhello\r\n";
    constexpr std::size_t line = 13;
    wire::parser p(server);
    wire::frame f;
    EXPECT_EQ(p.wanted(), 0U);
    for (std::size_t n = 1; n < bytes.size(); ++n) {
        ASSERT_EQ(p.next(bytes.substr(0, n), f), wire::parser::status::need_more) << n;
        EXPECT_EQ(p.wanted(), n < line ? 0 : bytes.size()) << n;
    }
    ASSERT_EQ(p.next(bytes, f), wire::parser::status::frame);
    EXPECT_EQ(f.size, bytes.size());
    EXPECT_EQ(p.wanted(), 0U);
}

TEST(parser, the_same_input_again_changes_nothing) {
    wire::parser p(server);
    wire::frame f;
    for (const std::string_view bytes : {"", "P", "P", "PING\r", "PING\r"}) {
        EXPECT_EQ(p.next(bytes, f), wire::parser::status::need_more);
    }
    EXPECT_EQ(p.next("PING\r\n", f), wire::parser::status::frame);
}

TEST(parser, views_point_into_the_input) {
    const std::string bytes = "HMSG foo 1 bar 12 14\r\nNATS/1.0\r\n\r\nhi\r\n";
    wire::parser p(server);
    wire::frame f;
    ASSERT_EQ(p.next(bytes, f), wire::parser::status::frame);
    const auto at = [&bytes](std::string_view part) { return part.data() - bytes.data(); };
    EXPECT_EQ(at(f.subject), 5);
    EXPECT_EQ(at(f.sid_text), 9);
    EXPECT_EQ(at(f.reply), 11);
    EXPECT_EQ(at(f.headers.raw()), 22);
    EXPECT_EQ(at(f.payload), 34);
}

// A parser that searched from the start again would find the LFs that are put where it has been.
TEST(parser, a_line_that_comes_byte_by_byte_is_searched_once) {
    constexpr std::size_t length = 1000 * 1000;
    const std::string line = "INFO {" + std::string(length, 'x') + "}\r\n";
    std::string seen = line;
    wire::parser p(server);
    wire::frame f;
    for (std::size_t n = 1; n < line.size(); ++n) {
        ASSERT_EQ(p.next(std::string_view(seen).substr(0, n), f), wire::parser::status::need_more)
            << n;
        if (n > 8) seen[n - 1] = '\n';
    }
    ASSERT_EQ(p.next(line, f), wire::parser::status::frame);
    EXPECT_EQ(f.text.size(), length + 2);
}

// A parser that read the line again for each byte of the payload would fail on what is put there.
TEST(parser, the_line_of_a_message_is_read_once_until_it_is_complete) {
    constexpr std::size_t length = 1024 * 1024;
    const std::string line = "MSG foo 1 1048576\r\n";
    const std::string whole = line + std::string(length, '\n') + "\r\n";
    std::string seen = whole;
    wire::parser p(server);
    wire::frame f;
    ASSERT_EQ(p.next(std::string_view(seen).substr(0, line.size()), f),
              wire::parser::status::need_more);
    seen.replace(0, line.size(), line.size(), '\n');
    for (std::size_t n = line.size() + 1; n < whole.size(); ++n) {
        ASSERT_EQ(p.next(std::string_view(seen).substr(0, n), f), wire::parser::status::need_more)
            << n;
    }
    ASSERT_EQ(p.next(whole, f), wire::parser::status::frame);
    EXPECT_EQ(f.payload.size(), length);
}

} // namespace nats::test

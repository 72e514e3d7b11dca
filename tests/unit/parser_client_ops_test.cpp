// SPDX-License-Identifier: Apache-2.0
//
// What a client sends: the grammar that nats-server accepts (specification 2.1), rule by rule, in
// every cut.

#include <natsproto/wire/parser.hpp>

#include "support/feed.hpp"

#include <gtest/gtest.h>

using namespace std::string_literals;

namespace nats::test {

namespace {

constexpr wire::sender client = wire::sender::client;

std::string pub(std::string_view subject, std::string_view reply, std::string_view payload) {
    return "pub " + in_quotes(subject) + " reply " + in_quotes(reply) + " header \"\" payload " +
           in_quotes(payload) + '\n';
}

std::string hpub(std::string_view subject, std::string_view reply, std::string_view header,
                 std::string_view payload) {
    return "hpub " + in_quotes(subject) + " reply " + in_quotes(reply) + " header " +
           in_quotes(header) + " payload " + in_quotes(payload) + '\n';
}

std::string sub(std::string_view subject, std::string_view queue, std::string_view sid) {
    return "sub " + in_quotes(subject) + " queue " + in_quotes(queue) + " sid " + in_quotes(sid) +
           '\n';
}

std::string unsub(std::string_view sid, std::string_view max = {}) {
    return "unsub " + in_quotes(sid) + (max.empty() ? "" : " max ") + std::string(max) + '\n';
}

} // namespace

TEST(parser_client_ops, publish) {
    expect_vectors(
        client,
        {
            {"plain", "PUB foo 5\r\nhello\r\n", pub("foo", "", "hello")},
            {"with a reply", "PUB foo bar 5\r\nhello\r\n", pub("foo", "bar", "hello")},
            {"a wildcard reply passes", "PUB foo r.* 2\r\nhi\r\n", pub("foo", "r.*", "hi")},
            {"empty", "PUB foo 0\r\n\r\n", pub("foo", "", "")},
            {"mixed case", "pUb foo 2\r\nhi\r\n", pub("foo", "", "hi")},
            {"tabs and runs", "PUB\t foo \t\t2 \r\nhi\r\n", pub("foo", "", "hi")},
            {"LF only", "PUB foo 2\nhi\r\n", pub("foo", "", "hi")},
            {"leading zeros", "PUB foo 000000002\r\nhi\r\n", pub("foo", "", "hi")},
            {"NUL in the subject", "PUB a\0b 1\r\nx\r\n"s, pub("a\0b"s, "", "x")},
            {"any bytes", "PUB \xc3\xa9 4\r\n\0\r\n\xff\r\n"s, pub("\xc3\xa9", "", "\0\r\n\xff"s)},
        });
}

TEST(parser_client_ops, publish_with_headers) {
    const std::string block = "NATS/1.0\r\nA: b\r\n\r\n";
    expect_vectors(
        client,
        {
            {"plain", "HPUB foo 18 20\r\n" + block + "hi\r\n", hpub("foo", "", block, "hi")},
            {"with a reply", "HPUB foo r 18 20\r\n" + block + "hi\r\n",
             hpub("foo", "r", block, "hi")},
            {"no payload", "HPUB foo 18 18\r\n" + block + "\r\n", hpub("foo", "", block, "")},
            {"no header", "HPUB foo 0 2\r\nhi\r\n", hpub("foo", "", "", "hi")},
            {"lower case", "hpub foo 18 20\r\n" + block + "hi\r\n", hpub("foo", "", block, "hi")},
            {"tabs and runs", "HPUB \tfoo\t 18\t20\t\r\n" + block + "hi\r\n",
             hpub("foo", "", block, "hi")},
            {"nobody checks the block", "HPUB foo 3 3\r\n\0\xff:\r\n"s,
             hpub("foo", "", "\0\xff:"s, "")},
        });
}

TEST(parser_client_ops, subscribe) {
    expect_vectors(client, {
                               {"plain", "SUB foo.* 1\r\n", sub("foo.*", "", "1")},
                               {"with a queue", "SUB foo.> q 22\r\n", sub("foo.>", "q", "22")},
                               {"a sid is any token", "SUB foo abc-1\r\n", sub("foo", "", "abc-1")},
                               {"mixed case", "sUb foo 1\r\n", sub("foo", "", "1")},
                               {"tabs and runs", "SUB\t\tfoo \t q\t1 \r\n", sub("foo", "q", "1")},
                               {"LF only", "SUB foo 1\n", sub("foo", "", "1")},
                           });
}

TEST(parser_client_ops, unsubscribe) {
    expect_vectors(client,
                   {
                       {"now", "UNSUB 1\r\n", unsub("1")},
                       {"with a maximum", "UNSUB 1 5\r\n", unsub("1", "5")},
                       {"a zero", "UNSUB 1 0\r\n", unsub("1", "0")},
                       {"no number counts as 0", "UNSUB 1 None\r\n", unsub("1", "0")},
                       {"too large a number, too", "UNSUB 1 1000000000\r\n", unsub("1", "0")},
                       {"too many digits", "UNSUB 1 0000000005\r\n", unsub("1", "0")},
                       {"the greatest", "UNSUB 1 999999999\r\n", unsub("1", "999999999")},
                       {"any token", "UNSUB abc-1\r\n", unsub("abc-1")},
                       {"tabs, runs and case", "unsub\t 1 \t5\t\r\n", unsub("1", "5")},
                       {"LF only", "UNSUB 1\n", unsub("1")},
                   });
}

TEST(parser_client_ops, connect_and_simple_operations) {
    expect_vectors(
        client, {
                    {"connect", "CONNECT {}\r\n", "connect \"{}\"\n"},
                    {"with blanks", "connect\t {} \t\r\n", "connect \"{}\"\n"},
                    {"without any", "CONNECT{}\r\ninfo{}\r\n", "connect \"{}\"\ninfo \"{}\"\n"},
                    {"without JSON", "CONNECT\r\nINFO\n", "connect \"\"\ninfo \"\"\n"},
                    {"ping", "PING\r\n", "ping\n"},
                    {"trailing text", "pingX\r\npongX\r\n+okX\r\n", "ping\npong\nok\n"},
                    {"LF only", "PING\nPONG\n", "ping\npong\n"},
                    {"the role above decides about these", "+OK\r\nINFO {}\r\n-ERR 'x'\r\n",
                     "ok\ninfo \"{}\"\nerr \"x\"\n"},
                    {"pipelined", "CONNECT {}\r\nPING\r\nSUB a 1\r\nPUB a 1\r\nx\r\nUNSUB 1\r\n",
                     "connect \"{}\"\nping\n" + sub("a", "", "1") + pub("a", "", "x") + unsub("1")},
                });
}

TEST(parser_client_ops, fails_at_the_first_wrong_byte_of_a_name) {
    for (const std::string_view bytes :
         {" ",  "\n",   "\r",    "X",   "PUx",  "PUBx",  "PUB\rx", "PIx", "HPx",  "HPUx",  "HPUBx",
          "HM", "M",    "Sx",    "SUx", "SUBx", "SUBS",  "Ux",     "UNx", "UNSx", "UNSUx", "UNSUBx",
          "Cx", "CO\n", "CONNx", "+x",  "-Ex",  "-ERRx", "-ERR\n", "G",   "\x16", "\x80"}) {
        expect_fails_at_end(client, bytes, errc::unknown_operation);
    }
}

TEST(parser_client_ops, fails_on_operations_without_arguments) {
    for (const std::string_view bytes : {"PUB\r\n", "HPUB\n", "SUB\r\n", "UNSUB\r\n", "-ERR\r\n"}) {
        expect_fails_at_end(client, bytes, errc::unknown_operation);
    }
}

TEST(parser_client_ops, fails_on_wrong_arguments) {
    for (const std::string_view bytes : {"PUB \r\n",
                                         "HPUB \t\n",
                                         "SUB \r\n",
                                         "UNSUB \r\n",
                                         "PUB foo\r\n",
                                         "PUB foo r 5 6\r\n",
                                         "PUB foo r 5 6 7 8 9\r\n",
                                         "HPUB foo 5\r\n",
                                         "HPUB foo r 5 6 7\r\n",
                                         "SUB foo\r\n",
                                         "SUB foo q 1 2\r\n",
                                         "SUB foo q 1 2 3 4 5\r\n",
                                         "SUB \r\n",
                                         "UNSUB 1 2 3\r\n",
                                         "UNSUB 1 2 3 4 5 6 7\r\n",
                                         "PUB fo\ro 5\r\n",
                                         "SUB fo\ro 1\r\n",
                                         "UNSUB 1\r1\r\n",
                                         "UNSUB \r1\r\n",
                                         "SUB foo 1\r\r\n"}) {
        expect_fails_at_end(client, bytes, errc::bad_arguments);
    }
}

TEST(parser_client_ops, fails_on_wrong_sizes) {
    for (const std::string_view bytes :
         {"PUB foo +5\r\n", "PUB foo -1\r\n", "PUB foo x\r\n", "PUB foo 0000000005\r\n",
          "PUB foo 4294967301\r\n", "PUB foo 18446744073709551621\r\n", "HPUB foo 6 5\r\n",
          "HPUB foo 0000000001 5\r\n", "HPUB foo -1 5\r\n", "HPUB foo r 1 5x\r\n",
          "HPUB foo 1 0000000005\r\n"}) {
        expect_fails_at_end(client, bytes, errc::bad_number);
    }
    expect_fails_at_end(client, "PUB foo 999999999\r\n", errc::message_too_large);
}

TEST(parser_client_ops, fails_on_a_payload_that_does_not_end_in_crlf) {
    for (const std::string_view bytes :
         {"PUB foo 5\r\nhello\n", "PUB foo 5\r\nhellox", "PUB foo 5\r\nhello\rx", "PUB foo 0\r\nP",
          "HPUB foo 2 2\r\nhi\n"}) {
        expect_fails_at_end(client, bytes, errc::missing_crlf);
    }
}

} // namespace nats::test

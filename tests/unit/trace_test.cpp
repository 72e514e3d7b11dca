// SPDX-License-Identifier: Apache-2.0
//
// Proves that a trace shows every operation as one line, however its bytes are cut, and that no
// secret and no control character gets into it.

#include <natsproto/wire/trace.hpp>

#include <natsproto/wire/connect_fields.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

using nats::wire::sender;
using nats::wire::tracer;

std::vector<std::string> lines_of(sender from, std::string_view bytes, std::size_t piece) {
    tracer t(from);
    std::vector<std::string> out;
    std::string line;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        t.feed(bytes.substr(at, piece));
        while (t.next(line)) out.push_back(line);
    }
    return out;
}

void expect_lines(sender from, std::string_view bytes, const std::vector<std::string>& expected) {
    for (const std::size_t piece : {bytes.size(), std::size_t{1}, std::size_t{7}}) {
        EXPECT_EQ(lines_of(from, bytes, piece), expected) << "in pieces of " << piece;
    }
}

TEST(trace, shows_what_a_server_sends) {
    expect_lines(
        sender::server,
        "INFO {\"proto\":1} \r\n+OK\r\nPING\r\nPONG\r\n-ERR 'Invalid Subject'\r\n"
        "MSG a 1 2\r\nhi\r\nMSG a 1 r 0\r\n\r\n"
        "HMSG a 2 r 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\n",
        {"INFO {\"proto\":1}", "+OK", "PING", "PONG", "-ERR 'Invalid Subject'", "MSG a 1 2 | hi",
         "MSG a 1 r 0", "HMSG a 2 r 18 20 | NATS/1.0\\x0d\\x0aA: b\\x0d\\x0a\\x0d\\x0a | hi"});
}

TEST(trace, shows_what_a_client_sends) {
    expect_lines(
        sender::client,
        "SUB a q 1\r\nSUB b 2\r\nUNSUB 1\r\nUNSUB 2 5\r\nPUB a 2\r\nhi\r\nPUB a r 0\r\n\r\n",
        {"SUB a q 1", "SUB b 2", "UNSUB 1", "UNSUB 2 5", "PUB a 2 | hi", "PUB a r 0"});
}

TEST(trace, leaves_secrets_out) {
    nats::wire::connect_fields fields;
    fields.user = "derek";
    fields.password = "s3cr3t";
    fields.token = "t0k3n";
    fields.jwt = "eyJ0";
    fields.nkey = "UABC";
    fields.signature = "c2ln";
    const std::string connect =
        "CONNECT " + std::string(nats::wire::write_connect_json(fields).value().view()) + "\r\n";
    const std::vector<std::string> lines = lines_of(sender::client, connect, connect.size());
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_NE(lines[0].find("derek"), std::string::npos) << lines[0];
    for (const char* secret : {"s3cr3t", "t0k3n", "eyJ0", "UABC", "c2ln"}) {
        EXPECT_EQ(lines[0].find(secret), std::string::npos) << secret << " in " << lines[0];
    }
}

TEST(trace, leaves_out_a_connect_that_cannot_be_read) {
    expect_lines(sender::client, "CONNECT {\"pass\":\"s3cr3t\"\r\n", {"CONNECT {...}"});
}

TEST(trace, cuts_long_payloads_and_escapes_control_characters) {
    const std::string body = std::string(64, 'x') + "tail";
    expect_lines(sender::server, "MSG a 1 68\r\n" + body + "\r\n",
                 {"MSG a 1 68 | " + std::string(64, 'x') + "..."});
    expect_lines(sender::server, "MSG a 1 3\r\n\x1b[2\r\n", {"MSG a 1 3 | \\x1b[2"});
}

TEST(trace, shows_the_start_of_garbage_once) {
    EXPECT_EQ(lines_of(sender::server, "HTTP/1.1 400 Bad Request\r\n", 1024),
              (std::vector<std::string>{"? HTTP/1.1 400 Bad Request\\x0d\\x0a"}));
}

TEST(trace, starts_afresh_after_reset) {
    tracer t(sender::server);
    std::string line;
    t.feed("garbage\r\n");
    while (t.next(line)) {
    }
    t.reset();
    t.feed("PING\r\n");
    ASSERT_TRUE(t.next(line));
    EXPECT_EQ(line, "PING");
}

} // namespace

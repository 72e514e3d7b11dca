// SPDX-License-Identifier: Apache-2.0
//
// natsproto pub: what arrives at another client, and the exit codes.

#include "cli/cli_fixture.hpp"

#include <chrono>
#include <string>

namespace nats::test {
namespace {

using namespace std::chrono_literals;

/// All 256 bytes, and more than one read or write takes.
std::string binary_body() {
    std::string all;
    for (int i = 0; i < 300'000; ++i) all += static_cast<char>(i * 7 % 256);
    return all;
}

class pub_command : public cli_test {};
NATSPROTO_ON_EVERY_SERVER(pub_command);

TEST_P(pub_command, publishes_a_body) {
    client nc = peer();
    subscription sub = subscribed(nc, "greet");
    const finished f = cli({"pub", "greet", "hello"});
    EXPECT_EQ(f.code, 0) << f.err;
    EXPECT_EQ(f.out, "");
    EXPECT_EQ(f.err, "Published 5 bytes to \"greet\"\n");
    const message m = next(sub);
    EXPECT_EQ(m.payload(), "hello");
    EXPECT_EQ(m.reply(), "");
    EXPECT_TRUE(m.headers().empty());
}

TEST_P(pub_command, takes_any_text_as_a_body) {
    client nc = peer();
    subscription sub = subscribed(nc, "s");
    for (const char* body : {"", "{}", "[1,2,3]", "[]", "%%", "-5", "\"quoted\"", "a b", "pub"}) {
        EXPECT_EQ(cli({"pub", "s", body}).code, 0) << body;
        EXPECT_EQ(next(sub).payload(), body);
    }
    EXPECT_EQ(cli({"pub", "s", "--", "--count"}).code, 0);
    EXPECT_EQ(next(sub).payload(), "--count");
}

TEST_P(pub_command, a_subject_may_be_named_like_a_command) {
    client nc = peer();
    subscription sub = subscribed(nc, "rtt");
    EXPECT_EQ(cli({"pub", "rtt", "sub"}).code, 0);
    EXPECT_EQ(next(sub).payload(), "sub");
}

TEST_P(pub_command, reads_a_binary_body_from_stdin) {
    client nc = peer();
    subscription sub = subscribed(nc, "s");
    const std::string body = binary_body();
    EXPECT_EQ(cli({"pub", "s"}, body).code, 0);
    EXPECT_EQ(next(sub).payload(), body);
    EXPECT_EQ(cli({"pub", "s"}, "").code, 0);
    EXPECT_EQ(next(sub).payload(), "");
}

TEST_P(pub_command, force_stdin_beats_the_argument) {
    client nc = peer();
    subscription sub = subscribed(nc, "s");
    EXPECT_EQ(cli({"pub", "s", "argument", "--force-stdin"}, "stdin").code, 0);
    EXPECT_EQ(next(sub).payload(), "stdin");
    EXPECT_EQ(cli({"pub", "s", "argument"}, "stdin").code, 0);
    EXPECT_EQ(next(sub).payload(), "argument");
}

TEST_P(pub_command, sends_headers_and_reply) {
    client nc = peer();
    subscription sub = subscribed(nc, "s");
    const finished f = cli({"pub", "s", "-H", "A: one", "--header", "A:two, 2", "-H", "[x]:[1,2]",
                            "-H", "Empty:", "body", "--reply", "answer.here"});
    EXPECT_EQ(f.code, 0) << f.err;
    const message m = next(sub);
    EXPECT_EQ(m.payload(), "body");
    EXPECT_EQ(m.reply(), "answer.here");
    EXPECT_EQ(m.headers().values("A"), (std::vector<std::string_view>{"one", "two, 2"}));
    EXPECT_EQ(m.headers().get("[x]"), "[1,2]");
    EXPECT_EQ(m.headers().get("Empty"), "");
}

TEST_P(pub_command, count_publishes_many) {
    client nc = peer();
    subscription sub = subscribed(nc, "s");
    const finished f = cli({"pub", "s", "abc", "--count", "5000"});
    EXPECT_EQ(f.code, 0);
    EXPECT_EQ(f.err, "Published 5000 messages, 15000 bytes to \"s\"\n");
    for (int i = 0; i < 5000; ++i) ASSERT_EQ(next(sub).payload(), "abc");
    (void)nc.flush().value();
    EXPECT_FALSE(sub.next(0s));
}

TEST_P(pub_command, sleep_spreads_the_messages) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(cli({"pub", "s", "x", "--count", "3", "--sleep", "60ms"}).code, 0);
    EXPECT_GE(std::chrono::steady_clock::now() - start, 120ms);
}

TEST_P(pub_command, templates_are_filled_on_demand) {
    client nc = peer();
    subscription sub = subscribed(nc, "s.*");
    EXPECT_EQ(cli({"pub", "s.{{Count}}", "{{.Count}} {{ Count }} {{ID}} {{no}}", "-H",
                   "N: {{Count}}", "--count", "2", "--templates"})
                  .code,
              0);
    const message one = next(sub);
    EXPECT_EQ(one.subject(), "s.1");
    EXPECT_EQ(one.payload().substr(0, 4), "1 1 ");
    EXPECT_EQ(one.payload().substr(26), " {{no}}");
    const message two = next(sub);
    EXPECT_EQ(two.subject(), "s.2");
    EXPECT_EQ(two.headers().get("N"), "2");
    EXPECT_NE(one.payload().substr(4, 22), two.payload().substr(4, 22));

    EXPECT_EQ(
        cli({"pub", "s.t", "{{Unix}} {{UnixNano}} {{Time}} {{TimeStamp}}", "--templates"}).code, 0);
    EXPECT_FALSE(contains(next(sub).payload(), "{"));
    EXPECT_EQ(cli({"pub", "s.x", "{{Count}}"}).code, 0);
    EXPECT_EQ(next(sub).payload(), "{{Count}}");
}

TEST_P(pub_command, quiet_says_nothing) {
    const finished f = cli({"pub", "s", "x", "-q"});
    EXPECT_EQ(f.code, 0);
    EXPECT_EQ(f.err, "");
    EXPECT_EQ(f.out, "");
}

TEST_P(pub_command, sends_each_line_when_it_comes) {
    client nc = peer();
    subscription sub = subscribed(nc, "lines");
    program p(natsproto({"pub", "lines", "--send-on", "newline"}), variables());
    p.write("first\n");
    const auto feed = [&] { // moves the pipes until the message is there
        while (true) {
            if (result<message> m = sub.next(1ms)) return std::string(m->payload());
            p.pump(1ms);
        }
    };
    EXPECT_EQ(feed(), "first");
    p.write("\nsecond\nrest");
    EXPECT_EQ(feed(), "");
    EXPECT_EQ(feed(), "second");
    const finished f = p.wait();
    EXPECT_EQ(next(sub).payload(), "rest");
    EXPECT_EQ(f.code, 0);
    EXPECT_TRUE(contains(f.err, "4 messages, 15 bytes")) << f.err;
}

TEST_P(pub_command, notices_the_end_of_the_server_between_lines) {
    program p(natsproto({"pub", "s", "--send-on", "newline", "--trace"}), variables());
    p.wait_for("<- PONG");
    server().stop();
    p.wait_for("natsproto: ");
    EXPECT_EQ(p.wait().code, 1);
}

TEST_P(pub_command, refuses_a_body_that_is_too_large) {
    const finished f = cli({"pub", "s"}, std::string(1'048'577, 'x'));
    EXPECT_EQ(f.code, 1);
    EXPECT_TRUE(contains(f.err, "1048577")) << f.err;
    EXPECT_TRUE(contains(f.err, "max_payload is 1048576")) << f.err;
}

TEST_P(pub_command, shows_what_the_server_refuses) {
    start(
        "authorization { users = [ { user: u, password: p, permissions: { publish: { deny: "
        "\"denied\" } } } ] }");
    const finished one = cli({"pub", "denied", "x", "--user", "u", "--password", "p"});
    EXPECT_EQ(one.code, 1);
    EXPECT_TRUE(contains(one.err, "Permissions Violation for Publish to \"denied\"")) << one.err;
    EXPECT_FALSE(contains(one.err, "Published")) << one.err;
    const finished many =
        cli({"pub", "denied", "x", "--count", "20000", "--user", "u", "--password", "p"});
    EXPECT_EQ(many.code, 1);
    EXPECT_LE(lines_of(many.err), 10);
    EXPECT_EQ(cli({"pub", "allowed", "x", "--user", "u", "--password", "p"}).code, 0);
}

} // namespace
} // namespace nats::test

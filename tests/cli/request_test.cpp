// SPDX-License-Identifier: Apache-2.0
//
// natsproto request: against services of natsproto reply, and against nobody.

#include "cli/cli_fixture.hpp"

#include <chrono>
#include <regex>
#include <string>

namespace nats::test {
namespace {

class request_command : public cli_test {};
NATSPROTO_ON_EVERY_SERVER(request_command);

TEST_P(request_command, prints_rtt_headers_and_reply) {
    const auto service = listening({"reply", "help", "at your service", "-H", "A: 1"});
    const finished f = cli({"request", "help", "please"});
    EXPECT_EQ(f.code, 0);
    EXPECT_EQ(f.err, "Sending request on \"help\"\n");
    const std::regex shape("Received with rtt [0-9.]+(\u00b5|m)?s\nA: 1\n\nat your service\n\n");
    EXPECT_TRUE(std::regex_match(f.out, shape)) << f.out;
}

TEST_P(request_command, raw_prints_the_payload_only) {
    const auto service = listening({"reply", "help", "--echo"});
    const std::string body("\0\x1b\xff\r\n.", 6);
    const finished f = cli({"req", "help", "--raw"}, body);
    EXPECT_EQ(f.code, 0);
    EXPECT_EQ(f.out, body + "\n");
    EXPECT_EQ(f.err, "");
}

TEST_P(request_command, sends_headers_and_templates) {
    const auto service = listening({"reply", "help", "--echo"});
    const finished f = cli({"request", "help", "number {{Count}}", "-H", "N: {{Count}}",
                            "--templates", "--count", "2"});
    EXPECT_EQ(f.code, 0);
    EXPECT_TRUE(contains(f.out, "N: 1\n\nnumber 1\n")) << f.out;
    EXPECT_TRUE(contains(f.out, "N: 2\n\nnumber 2\n")) << f.out;
}

TEST_P(request_command, no_responders_is_4) {
    for (const char* replies : {"1", "2", "0"}) {
        const finished f = cli({"request", "nobody", "x", "--replies", replies});
        EXPECT_EQ(f.code, 4) << f.err;
        EXPECT_TRUE(contains(f.err, "natsproto: no responders")) << f.err;
        EXPECT_EQ(f.out, "");
    }
}

TEST_P(request_command, timeout_is_3) {
    const auto silent = listening({"sub", "silent"});
    const finished global = cli({"request", "silent", "x", "--timeout", "100ms"});
    EXPECT_EQ(global.code, 3);
    EXPECT_TRUE(contains(global.err, "natsproto: timeout")) << global.err;
    EXPECT_TRUE(contains(global.err, "silent")) << global.err;
    EXPECT_EQ(cli({"request", "silent", "x", "--wait", "100ms"}).code, 3);
    EXPECT_EQ(cli({"request", "silent", "x", "--wait", "100ms", "--replies", "0"}).code, 3);
}

TEST_P(request_command, collects_several_replies) {
    const auto one = listening({"reply", "who", "Ada", "--queue", "a"});
    const auto two = listening({"reply", "who", "Grace", "--queue", "b"});
    const finished both = cli({"request", "who", "", "--replies", "2", "--raw"});
    EXPECT_EQ(both.code, 0) << both.err;
    EXPECT_TRUE(both.out == "Ada\nGrace\n" || both.out == "Grace\nAda\n") << both.out;

    const finished all = cli({"request", "who", "", "--replies", "0", "--raw", "--wait", "500ms"});
    EXPECT_EQ(all.code, 0) << all.err;
    EXPECT_EQ(lines_of(all.out), 2);

    const auto start = std::chrono::steady_clock::now();
    const finished few =
        cli({"request", "who", "", "--replies", "3", "--raw", "--reply-timeout", "100ms"});
    EXPECT_EQ(few.code, 3);
    EXPECT_EQ(lines_of(few.out), 2);
    EXPECT_TRUE(contains(few.err, "2 of 3 replies")) << few.err;
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4)); // not --timeout
}

TEST_P(request_command, a_refused_request_does_not_wait) {
    start(
        "authorization { users = [ { user: u, password: p, permissions: { publish: { deny: "
        "\"denied\" } } } ] }");
    const arguments login{"--user", "u", "--password", "p", "--timeout", "20s"};
    for (const char* replies : {"1", "2"}) {
        arguments args{"request", "denied", "x", "--replies", replies};
        args.insert(args.end(), login.begin(), login.end());
        const auto start_time = std::chrono::steady_clock::now();
        const finished f = cli(args);
        EXPECT_EQ(f.code, 1);
        EXPECT_TRUE(contains(f.err, "Permissions Violation for Publish to \"denied\"")) << f.err;
        EXPECT_LT(std::chrono::steady_clock::now() - start_time, std::chrono::seconds(15));
    }
}

TEST_P(request_command, uses_the_inbox_prefix) {
    const auto service = listening({"reply", "help", "--echo", "--count", "1"});
    EXPECT_EQ(cli({"request", "help", "x", "--inbox-prefix", "my.inbox"}).code, 0);
    EXPECT_TRUE(contains(service->wait().out, "with reply \"my.inbox."));
}

} // namespace
} // namespace nats::test

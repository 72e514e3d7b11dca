// SPDX-License-Identifier: Apache-2.0
//
// The global options of natsproto against real servers: where they come from, logging in, and that
// secrets stay secret.

#include "cli/cli_fixture.hpp"

#include <regex>
#include <string>

namespace nats::test {
namespace {

class connection_options : public cli_test {
protected:
    static constexpr const char* with_password =
        "authorization { user: u, password: \"hush-hush\" }";
    static constexpr const char* with_token = "authorization { token: \"hush-hush\" }";

    [[nodiscard]] std::string url_with(std::string_view user_info) {
        std::string url = server().url();
        return url.insert(url.find("//") + 2, std::string(user_info) + '@');
    }
    static void expect_secret(const finished& f) {
        EXPECT_FALSE(contains(f.out, "hush-hush")) << f.out;
        EXPECT_FALSE(contains(f.err, "hush-hush")) << f.err;
    }
};
NATSPROTO_ON_EVERY_SERVER(connection_options);

TEST_P(connection_options, stand_before_and_after_the_command) {
    const std::string url = server().url();
    EXPECT_EQ(run_cli({"-s", url, "pub", "a", "b"}).code, 0);
    EXPECT_EQ(run_cli({"pub", "--server", url, "a", "b"}).code, 0);
    EXPECT_EQ(run_cli({"pub", "a", "b", "--server=" + url}).code, 0);
    EXPECT_EQ(run_cli({"pub", "a", "b"}, "", {"NATS_URL=" + url}).code, 0);
    EXPECT_EQ(run_cli({"pub", "a", "b", "-s", url}, "", {"NATS_URL=nats://127.0.0.1:1"}).code, 0);
    EXPECT_EQ(run_cli({"pub", "a", "b", "-s", "nats://127.0.0.1:1," + url}).code, 0);
}

TEST_P(connection_options, name_and_trace) {
    const finished f = cli({"pub", "a", "b", "--connection-name", "billing", "--trace"});
    EXPECT_EQ(f.code, 0);
    EXPECT_TRUE(contains(f.err, "<- INFO {")) << f.err;
    EXPECT_TRUE(contains(f.err, "\"name\":\"billing\"")) << f.err;
    EXPECT_TRUE(contains(f.err, "-> PUB a 1 | b\n")) << f.err;
    EXPECT_EQ(f.out, "");
}

TEST_P(connection_options, user_and_password) {
    start(with_password);
    const finished flags =
        cli({"pub", "a", "b", "--user", "u", "--password", "hush-hush", "--trace"});
    EXPECT_EQ(flags.code, 0) << flags.err;
    expect_secret(flags);
    const finished url = run_cli({"pub", "a", "b", "--trace", "-s", url_with("u:hush-hush")});
    EXPECT_EQ(url.code, 0) << url.err;
    expect_secret(url);
    const finished environment =
        run_cli({"pub", "a", "b"}, "",
                {"NATS_URL=" + server().url(), "NATS_USER=u", "NATS_PASSWORD=hush-hush"});
    EXPECT_EQ(environment.code, 0) << environment.err;
}

TEST_P(connection_options, timeout_by_a_variable) {
    const finished f = run_cli({"rtt"}, "", {"NATS_URL=" + server().url(), "NATS_TIMEOUT=soon"});
    EXPECT_EQ(f.code, 2);
    EXPECT_TRUE(contains(f.err, "--timeout: \"soon\" is not a duration")) << f.err;
}

TEST_P(connection_options, token) {
    start(with_token);
    const finished flag = cli({"pub", "a", "b", "--token", "hush-hush", "--trace"});
    EXPECT_EQ(flag.code, 0) << flag.err;
    expect_secret(flag);
    const finished url = run_cli({"pub", "a", "b", "--trace", "-s", url_with("hush-hush")});
    EXPECT_EQ(url.code, 0) << url.err;
    expect_secret(url);
}

TEST_P(connection_options, a_refused_login_is_an_error_without_the_secret) {
    start(with_password);
    for (const finished& f :
         {cli({"pub", "a", "b", "--user", "other", "--password", "hush-hush", "--trace"}),
          run_cli({"rtt", "--trace", "-s", url_with("other:hush-hush")})}) {
        EXPECT_EQ(f.code, 1);
        EXPECT_TRUE(contains(f.err, "Authorization Violation")) << f.err;
        expect_secret(f);
    }
}

TEST_P(connection_options, help_does_not_show_the_environment) {
    const finished f = run_cli({"--help"}, "",
                               {"NATS_PASSWORD=hush-hush", "NATS_URL=nats://u:hush-hush@host",
                                "NATS_USER=hush-hush", "NATS_TOKEN=hush-hush"});
    EXPECT_EQ(f.code, 0);
    EXPECT_TRUE(contains(f.out, "Exit codes: 0 done;")) << f.out;
    expect_secret(f);
}

TEST_P(connection_options, rtt_measures_each_server) {
    const std::string url = server().url();
    const finished text = cli({"rtt"});
    EXPECT_EQ(text.code, 0);
    const std::string number = "[0-9.]+(\u00b5|m)?s";
    EXPECT_TRUE(std::regex_match(text.out, std::regex(url + ": " + number + " \\(least " + number +
                                                      ", most " + number + "\\)\n")))
        << text.out;

    const finished json = cli({"rtt", "2", "--json"});
    EXPECT_EQ(json.code, 0);
    EXPECT_TRUE(std::regex_match(
        json.out, std::regex("\\[\n  \\{\"server\": \"" + url +
                             "\", \"count\": 2, \"min_ns\": \\d+, \"mean_ns\": \\d+, "
                             "\"max_ns\": \\d+\\}\n\\]\n")))
        << json.out;

    const finished both = run_cli({"rtt", "-s", "nats://127.0.0.1:1," + url});
    EXPECT_EQ(both.code, 1);
    EXPECT_TRUE(contains(both.out, url)) << both.out;
    EXPECT_TRUE(contains(both.err, "127.0.0.1:1: ")) << both.err;
}

} // namespace
} // namespace nats::test

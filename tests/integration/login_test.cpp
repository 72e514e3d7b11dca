// SPDX-License-Identifier: Apache-2.0
//
// Proves that user, password and token reach the server, from the options and from the URL, and
// that a refused login is told as what it is, without the secret.

#include "integration/server_test.hpp"

namespace nats::test {
namespace {

class login : public server_test {
protected:
    static constexpr std::string_view users =
        R"(authorization { user: "ann e", password: "p@ss:w/rd%" })";
    static constexpr std::string_view token = R"(authorization { token: "t0ken@/:" })";

    [[nodiscard]] static result<client> try_url(const std::string& url) {
        return client::connect(url);
    }
};
NATSPROTO_ON_EVERY_SERVER(login);

TEST_P(login, user_and_password_from_the_options) {
    start(users);
    const client nc = connect({.user = "ann e", .password = "p@ss:w/rd%"});
    EXPECT_TRUE(nc.info().auth_required);
}

TEST_P(login, user_and_password_from_the_url_are_percent_decoded) {
    const nats_server& server = start(users);
    client nc = try_url(server.url("ann%20e:p%40ss%3aw%2Frd%25")).value();
    EXPECT_TRUE(nc.flush());
}

TEST_P(login, the_url_beats_the_options) {
    const nats_server& server = start(users);
    const std::string good = server.url("ann%20e:p%40ss%3aw%2Frd%25");
    const std::string bad = server.url("ann%20e:wrong");
    EXPECT_TRUE(client::connect({.servers = good, .user = "bob", .password = "wrong"}));
    EXPECT_EQ(code_of(client::connect({.servers = bad, .user = "ann e", .password = "p@ss:w/rd%"})),
              errc::authorization_violation);
}

TEST_P(login, token_from_the_options_and_the_url) {
    const nats_server& server = start(token);
    const client nc = connect({.token = "t0ken@/:"});
    EXPECT_TRUE(nc.info().auth_required);
    EXPECT_TRUE(try_url(server.url("t0ken%40%2F%3A")));
    EXPECT_EQ(code_of(try_url(server.url("t0ken"))), errc::authorization_violation);
}

TEST_P(login, a_refused_login_says_so_at_once_and_without_the_secret) {
    const nats_server& server = start(users);
    for (const std::string& url : {server.url(), server.url("ann%20e:hunter2"),
                                   server.url("hunter2"), server.url("hunter2:")}) {
        const stopwatch watch;
        const result<client> nc = try_url(url);
        EXPECT_EQ(code_of(nc), errc::authorization_violation) << url;
        EXPECT_NE(nc.error().detail().find("Authorization Violation"), std::string::npos);
        EXPECT_EQ(nc.error().message().find("hunter2"), std::string::npos);
        EXPECT_LT(watch.elapsed(), at_once);
    }
}

TEST_P(login, after_a_refusal_the_next_server_is_tried) {
    const nats_server& locked = start(users);
    nats_server open(program());
    const std::string list = locked.url() + ',' + open.url();
    const client nc = client::connect({.servers = list, .randomize = false}).value();
    EXPECT_EQ(nc.server().text(), open.address());
    open.stop();
    // Of two failures, the refusal tells more than the dead server.
    EXPECT_EQ(code_of(client::connect(list)), errc::authorization_violation);
}

TEST_P(login, the_trace_shows_no_secret) {
    const nats_server& server = start(users);
    std::string lines;
    const auto keep = [](void* context, std::string_view line) {
        *static_cast<std::string*>(context) += std::string(line) + '\n';
    };
    const std::string url = server.url("ann%20e:p%40ss%3aw%2Frd%25");
    client nc = client::connect({.servers = url, .name = "traced"},
                                {.trace = keep, .trace_context = &lines})
                    .value();
    EXPECT_NE(lines.find("-> CONNECT "), std::string::npos) << lines;
    EXPECT_NE(lines.find("<- INFO "), std::string::npos) << lines;
    EXPECT_NE(lines.find("<- PONG"), std::string::npos) << lines;
    EXPECT_NE(lines.find("traced"), std::string::npos) << lines;
    EXPECT_EQ(lines.find("p@ss:w/rd%"), std::string::npos) << lines;
}

TEST_P(login, credentials_that_json_cannot_carry_are_refused_before_connecting) {
    const nats_server& server = start(users);
    const std::string url = server.url("ann:%ff%fe");
    const result<client> in_url = try_url(url);
    EXPECT_EQ(code_of(in_url), errc::invalid_argument);
    const std::string plain = server.url();
    EXPECT_EQ(code_of(client::connect({.servers = plain, .user = "ann", .password = "\xff\xfe"})),
              errc::invalid_argument);
    EXPECT_EQ(code_of(client::connect({.servers = plain, .user = "ann", .token = "both"})),
              errc::invalid_argument);
}

} // namespace
} // namespace nats::test

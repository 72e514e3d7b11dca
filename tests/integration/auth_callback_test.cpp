// SPDX-License-Identifier: Apache-2.0
//
// Proves logins whose user, password or token come from handlers, that these are asked at each
// connect, and what several logins, none at all and a refused one do.

#include "integration/event_log.hpp"
#include "integration/server_test.hpp"

#include <string>

namespace nats::test {
namespace {

/// Gives what the test has put into it.
struct source {
    std::string user{};
    std::string password{};
    std::string token{};
    std::string last_server{};
    int calls = 0;
    bool fails = false;

    [[nodiscard]] login_handlers for_user() {
        return {.user = [](void* context, const login_request& r, secret& name,
                           secret& word) -> result<void> {
                    auto& self = *static_cast<source*>(context);
                    ++self.calls;
                    self.last_server = r.server.text();
                    if (self.fails) return error{errc::signing_failed, "the vault is locked"};
                    name.assign(self.user);
                    word.assign(self.password);
                    return {};
                },
                .context = this};
    }
    [[nodiscard]] login_handlers for_token() {
        return {.token = [](void* context, const login_request&, secret& out) -> result<void> {
                    auto& self = *static_cast<source*>(context);
                    ++self.calls;
                    out.assign(self.token);
                    return {};
                },
                .context = this};
    }
};

class login_callbacks : public server_test {
protected:
    [[nodiscard]] static options quick() {
        return {.reconnect_wait = 10ms, .reconnect_jitter = {}};
    }
    void restart(client& nc, event_log& log, std::string_view config) {
        const std::size_t before = log.count("reconnected");
        server().restart(config);
        ASSERT_TRUE(work_until(
            nc, [&] { return log.count("reconnected") > before; }, long_enough))
            << log.text();
    }
};
NATSPROTO_ON_EVERY_SERVER(login_callbacks);

TEST_P(login_callbacks, user_and_password_at_each_connect) {
    start("authorization { user: joe, password: first }");
    source s{.user = "joe", .password = "first"};
    options o = quick();
    o.login = s.for_user();
    client nc = connect(o);
    EXPECT_EQ(s.calls, 1);
    EXPECT_EQ(s.last_server, server().address());
    event_log log(nc);
    s.password = "second";
    restart(nc, log, "authorization { user: joe, password: second }");
    EXPECT_EQ(s.calls, 2);
    EXPECT_EQ(log.text().find("second"), std::string::npos);
}

TEST_P(login_callbacks, a_token_at_each_connect) {
    start("authorization { token: first }");
    source s{.token = "first"};
    options o = quick();
    o.login = s.for_token();
    client nc = connect(o);
    event_log log(nc);
    s.token = "second";
    restart(nc, log, "authorization { token: second }");
    EXPECT_EQ(s.calls, 2);
}

TEST_P(login_callbacks, one_that_fails_is_the_reason_and_others_may_work) {
    const std::string url = start("authorization { user: joe, password: pw }").url();
    source s{.user = "joe", .password = "pw", .fails = true};
    const result<client> nc = client::connect({.servers = url, .login = s.for_user()});
    EXPECT_EQ(code_of(nc), errc::signing_failed);
    EXPECT_NE(nc.error().message().find("the vault is locked"), std::string::npos);
}

TEST_P(login_callbacks, the_url_beats_them) {
    const std::string url = start("authorization { user: joe, password: pw }").url("joe:pw");
    source s{.user = "joe", .password = "wrong"};
    EXPECT_TRUE(client::connect({.servers = url, .login = s.for_user()}));
    EXPECT_EQ(s.calls, 0);
}

TEST_P(login_callbacks, without_a_login_the_server_may_have_a_user_for_it) {
    if (is_broker()) GTEST_SKIP() << "our broker has no accounts";
    start(R"(
        accounts { open: { users: [ { user: guest, password: unknown } ] },
                   shut: { users: [ { user: joe, password: pw } ] } }
        no_auth_user: guest)");
    client guest = connect();
    client joe = connect({.user = "joe", .password = "pw"});
    EXPECT_FALSE(guest.info().auth_required);
    subscription sub = subscribed(joe, "s");
    ASSERT_TRUE(guest.publish("s", "of another account"));
    ASSERT_TRUE(guest.flush());
    ASSERT_TRUE(joe.publish("s", "of this one"));
    EXPECT_EQ(next_payload(sub), "of this one");
    const std::string url = server().url();
    EXPECT_EQ(code_of(client::connect({.servers = url, .user = "joe", .password = "no"})),
              errc::authorization_violation);
}

TEST_P(login_callbacks, a_refused_login_is_never_told_as_a_connection) {
    start("authorization { token: t }");
    client nc = connect(
        {.token = "t", .max_reconnects = -1, .reconnect_wait = 10ms, .reconnect_jitter = {}});
    event_log log(nc);
    server().restart("authorization { token: other }");
    ASSERT_TRUE(work_until(nc, [&] { return log.count("closed") == 1; }, long_enough));
    EXPECT_EQ(log.story(), "disconnected connect_failed closed");
    EXPECT_EQ(log.count("disconnected"), 1U);
    EXPECT_EQ(log.reason("closed"), errc::authorization_violation);
    EXPECT_EQ(code_of(nc.publish("x")), errc::connection_closed);
}

TEST_P(login_callbacks, a_refusal_here_does_not_stop_the_next_server) {
    start("authorization { token: t }");
    nats_server open(program());
    source s{.token = "t"};
    const std::string list = server().url() + ',' + open.url();
    client nc = client::connect({.servers = list,
                                 .randomize = false,
                                 .reconnect_wait = 10ms,
                                 .reconnect_jitter = {},
                                 .login = s.for_token()})
                    .value();
    EXPECT_EQ(nc.server().text(), server().address());
    event_log log(nc);
    server().restart("authorization { token: other }");
    ASSERT_TRUE(work_until(nc, [&] { return log.count("reconnected") == 1; }, long_enough));
    EXPECT_EQ(nc.server().text(), open.address());
}

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Proves logins by JWT against servers in operator mode: with a seed, credentials as text or file,
// and handlers; what a replaced, expired or revoked JWT does; and that no text shows one.

#include "integration/event_log.hpp"
#include "integration/scratch.hpp"
#include "integration/server_test.hpp"
#include "support/jwt.hpp"

#include <string>
#include <vector>

namespace nats::test {
namespace {

class jwt_login : public server_test {
protected:
    void SetUp() override {
        server_test::SetUp();
        if (!program().empty()) start(op.config());
    }
    [[nodiscard]] static options quick() {
        return {.reconnect_wait = 10ms, .reconnect_jitter = {}};
    }
    void restart(client& nc, event_log& log) {
        const std::size_t before = log.count("reconnected");
        server().restart();
        ASSERT_TRUE(work_until(
            nc, [&] { return log.count("reconnected") > before; }, long_enough))
            << log.text();
    }
    [[nodiscard]] result<client> attempt(options o) {
        const std::string url = server().url();
        o.servers = url;
        return client::connect(o);
    }
    /// Publishing to `denied.>` shows who this is.
    static void expect_denied(client& nc, event_log& log, bool denied) {
        log.clear();
        ASSERT_TRUE(nc.publish("denied.x"));
        ASSERT_TRUE(nc.flush());
        EXPECT_EQ(log.count("server_error"), denied ? 1U : 0U);
    }

    jwt_operator op;
    scratch files;
};
NATSPROTO_ON_NATS_SERVERS(jwt_login); // our broker has no JWTs

TEST_P(jwt_login, a_jwt_and_the_seed_of_its_key) {
    const jwt_user user = op.user("joe");
    const std::string seed = user.key.seed();
    client nc = connect({.nkey_seed = seed, .jwt = user.jwt});
    EXPECT_TRUE(nc.flush());
    const std::string path = files.write("user.jwt", user.jwt);
    const std::string seed_path = files.write("user.nk", seed);
    client by_files = connect({.nkey_seed_file = seed_path, .jwt_file = path});
    EXPECT_TRUE(by_files.flush());
}

TEST_P(jwt_login, with_the_seed_of_another_key_it_is_refused) {
    const jwt_user user = op.user("joe");
    const std::string seed = named_key(nkey_kind::user).seed();
    EXPECT_EQ(code_of(attempt({.nkey_seed = seed, .jwt = user.jwt})),
              errc::authorization_violation);
}

TEST_P(jwt_login, without_one_or_from_another_operator_it_is_refused) {
    EXPECT_EQ(code_of(attempt({})), errc::authorization_violation);
    const std::string foreign = jwt_operator().user("joe").creds();
    const result<client> nc = attempt({.credentials = foreign});
    EXPECT_EQ(code_of(nc), errc::authorization_violation);
    EXPECT_EQ(nc.error().message().find(foreign.substr(40, 60)), std::string::npos);
}

TEST_P(jwt_login, credentials_as_text) {
    const std::string creds = op.user("joe").creds();
    client nc = connect({.credentials = creds});
    EXPECT_TRUE(nc.flush());
}

TEST_P(jwt_login, a_credentials_file_is_read_again_at_a_reconnect) {
    const std::string path = files.write("user.creds", op.user("joe").creds());
    options o = quick();
    o.credentials_file = path;
    client nc = connect(o);
    event_log log(nc);
    expect_denied(nc, log, false);
    files.write("user.creds", op.user("ann", {}, "denied.>").creds());
    restart(nc, log);
    expect_denied(nc, log, true);
}

TEST_P(jwt_login, a_credentials_file_that_has_gone_fails_attempts_until_it_is_back) {
    const std::string path = files.write("user.creds", op.user("joe").creds());
    options o = quick();
    o.credentials_file = path;
    o.max_reconnects = -1;
    client nc = connect(o);
    event_log log(nc);
    files.remove("user.creds");
    server().restart();
    ASSERT_TRUE(work_until(
        nc, [&] { return log.reason("connect_failed") == errc::file_unreadable; }, long_enough))
        << log.text();
    files.write("user.creds", op.user("joe").creds());
    EXPECT_TRUE(work_until(nc, [&] { return log.count("reconnected") == 1; }, long_enough));
}

TEST_P(jwt_login, a_credentials_file_that_others_can_read_gives_a_warning) {
    const std::string path = files.write("user.creds", op.user("joe").creds());
    options o = quick();
    o.credentials_file = path;
    client nc = connect(o);
    event_log log(nc);
    files.expose("user.creds");
    restart(nc, log);
    EXPECT_EQ(log.reason("warning"), errc::credentials_exposed);
}

struct handlers {
    const jwt_user* user = nullptr;
    int asked = 0;
    int signed_ = 0;

    [[nodiscard]] login_handlers all() {
        return {.jwt = [](void* context, const login_request&, secret& jwt) -> result<void> {
                    auto& self = *static_cast<handlers*>(context);
                    ++self.asked;
                    jwt.assign(self.user->jwt);
                    return {};
                },
                .sign = [](void* context, const login_request& r,
                           ed25519_signature& out) -> result<void> {
                    auto& self = *static_cast<handlers*>(context);
                    ++self.signed_;
                    out = self.user->key.sign(r.nonce);
                    return {};
                },
                .context = this};
    }
};

TEST_P(jwt_login, handlers_are_asked_at_each_connect) {
    const jwt_user joe = op.user("joe");
    const jwt_user ann = op.user("ann", {}, "denied.>");
    handlers h{&joe};
    options o = quick();
    o.login = h.all();
    client nc = connect(o);
    event_log log(nc);
    expect_denied(nc, log, false);
    h.user = &ann;
    restart(nc, log);
    expect_denied(nc, log, true);
    EXPECT_EQ(h.asked, 2);
    EXPECT_EQ(h.signed_, 2);
}

TEST_P(jwt_login, one_that_expires_is_told_and_the_end_after_two_refusals) {
    const std::string path = files.write("user.creds", op.user("joe", 2s).creds());
    options o = quick();
    o.credentials_file = path;
    o.max_reconnects = -1;
    client nc = connect(o);
    event_log log(nc);
    ASSERT_TRUE(work_until(nc, [&] { return log.count("closed") == 1; }, long_enough));
    EXPECT_EQ(log.reason("server_error"), errc::authentication_expired) << log.text();
    // Servers tell it as expired for the rest of a second and as a violation after that: what ends
    // it is the same one twice in a row.
    std::vector<errc> ends;
    for (const seen_event& e : log.all()) {
        if (e.kind == "disconnected" || e.kind == "connect_failed") ends.push_back(e.why->code());
    }
    ASSERT_GE(ends.size(), 2U);
    EXPECT_EQ(ends.front(), errc::authentication_expired);
    EXPECT_EQ(ends[ends.size() - 2], ends.back()) << log.text();
    EXPECT_EQ(log.reason("closed"), ends.back());
    EXPECT_EQ(log.last("connect_failed"), &log.all()[log.all().size() - 2]);
}

TEST_P(jwt_login, one_that_expires_and_is_renewed_in_time_costs_one_reconnect) {
    const std::string path = files.write("user.creds", op.user("joe", 2s).creds());
    options o = quick();
    o.credentials_file = path;
    client nc = connect(o);
    event_log log(nc);
    subscription sub = subscribed(nc, "s");
    files.write("user.creds", op.user("joe").creds());
    ASSERT_TRUE(work_until(nc, [&] { return log.count("reconnected") == 1; }, long_enough));
    EXPECT_EQ(log.count("connect_failed"), 0U);
    ASSERT_TRUE(nc.publish("s", "goes on"));
    EXPECT_EQ(next_payload(sub), "goes on");
}

TEST_P(jwt_login, a_revoked_one_is_refused_until_told_to_go_on) {
    const jwt_user user = op.user("joe");
    const std::string creds = user.creds();
    options o = quick();
    o.credentials = creds;
    o.ignore_auth_error_abort = true;
    o.max_reconnects = -1;
    client nc = connect(o);
    event_log log(nc);
    server().restart(op.config({user.key.id()}));
    ASSERT_TRUE(work_until(nc, [&] { return log.count("connect_failed") >= 4; }, long_enough));
    EXPECT_EQ(log.reason("connect_failed"), errc::authorization_violation);
    server().restart(op.config());
    EXPECT_TRUE(work_until(nc, [&] { return log.count("reconnected") == 1; }, long_enough));
}

TEST_P(jwt_login, nothing_that_is_shown_holds_a_secret) {
    const jwt_user user = op.user("joe");
    const std::string creds = user.creds();
    std::string lines;
    const auto keep = [](void* context, std::string_view line) {
        *static_cast<std::string*>(context) += std::string(line) + '\n';
    };
    options o = quick();
    o.credentials = creds;
    client nc = connect(o, {.trace = keep, .trace_context = &lines});
    event_log log(nc);
    server().restart(op.config({user.key.id()}));
    ASSERT_TRUE(work_until(nc, [&] { return log.count("closed") == 1; }, long_enough));
    const std::string shown = lines + log.text() + nc.close_reason().message();
    EXPECT_NE(shown.find("CONNECT"), std::string::npos);
    EXPECT_EQ(shown.find(user.key.seed()), std::string::npos);
    EXPECT_EQ(shown.find(user.jwt), std::string::npos);
}

} // namespace
} // namespace nats::test

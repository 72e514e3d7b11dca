// SPDX-License-Identifier: Apache-2.0
//
// Proves logins by NKEY against real servers: with the seed as text, in a file or with a signer of
// the user's own; that a file is read again at each connect; and that no text shows a seed.

#include "integration/event_log.hpp"
#include "integration/scratch.hpp"
#include "integration/server_test.hpp"
#include "support/jwt.hpp"

#include <string>

namespace nats::test {
namespace {

/// Signs with a key, or fails when there is none; counts.
struct signer {
    const named_key* key = nullptr;
    int calls = 0;

    static result<void> sign(void* context, const login_request& r, ed25519_signature& out) {
        auto& self = *static_cast<signer*>(context);
        ++self.calls;
        if (self.key == nullptr) return error{errc::signing_failed, "the token was unplugged"};
        EXPECT_FALSE(r.nonce.empty());
        EXPECT_EQ(r.nonce, r.info.nonce);
        out = self.key->sign(r.nonce);
        return {};
    }
};

class nkey_login : public server_test {
protected:
    [[nodiscard]] static std::string config_for(const named_key& k) {
        return "authorization { users: [ { nkey: " + k.id() + " } ] }";
    }
    /// Restarts the server with another configuration, and waits for the client to notice.
    void restart(client& nc, event_log& log, const std::string& config) {
        const std::size_t before = log.count("reconnected");
        server().restart(config);
        ASSERT_TRUE(work_until(
            nc, [&] { return log.count("reconnected") > before; }, long_enough))
            << log.text();
    }
    [[nodiscard]] static options quick() {
        return {.reconnect_wait = 10ms, .reconnect_jitter = {}};
    }

    named_key key{nkey_kind::user};
    named_key other{nkey_kind::user};
    scratch files;
};
NATSPROTO_ON_EVERY_SERVER(nkey_login);

TEST_P(nkey_login, by_the_text_of_a_seed) {
    start(config_for(key));
    const std::string seed = key.seed();
    client nc = connect({.nkey_seed = seed});
    EXPECT_TRUE(nc.flush());
    const std::string wrong = other.seed();
    const std::string url = server().url();
    const result<client> refused = client::connect({.servers = url, .nkey_seed = wrong});
    EXPECT_EQ(code_of(refused), errc::authorization_violation);
    EXPECT_EQ(refused.error().message().find(wrong), std::string::npos);
    EXPECT_EQ(code_of(client::connect(url)), errc::authorization_violation);
}

TEST_P(nkey_login, by_a_file_that_is_read_at_each_connect) {
    start(config_for(key));
    const std::string path = files.write("user.nk", key.seed() + "\n");
    options o = quick();
    o.nkey_seed_file = path;
    client nc = connect(o);
    event_log log(nc);
    files.write("user.nk", other.seed());
    restart(nc, log, config_for(other));
    EXPECT_EQ(log.count("warning"), 0U);
    EXPECT_EQ(log.text().find(other.seed()), std::string::npos);
}

TEST_P(nkey_login, a_file_that_others_can_read_gives_a_warning) {
    start(config_for(key));
    const std::string path = files.write("user.nk", key.seed());
    options o = quick();
    o.nkey_seed_file = path;
    client nc = connect(o);
    event_log log(nc);
    files.expose("user.nk");
    restart(nc, log, config_for(key));
    EXPECT_EQ(log.reason("warning"), errc::credentials_exposed);
    ASSERT_NE(log.last("warning"), nullptr);
    EXPECT_NE(log.last("warning")->why->detail().find(path), std::string::npos);
}

TEST_P(nkey_login, by_a_signer_that_is_asked_at_each_connect) {
    start(config_for(key));
    signer s{&key};
    options o = quick();
    o.nkey = key.id();
    o.login = {.sign = &signer::sign, .context = &s};
    client nc = connect(o);
    EXPECT_EQ(s.calls, 1);
    event_log log(nc);
    restart(nc, log, config_for(key));
    EXPECT_EQ(s.calls, 2);
    EXPECT_TRUE(nc.flush());
}

TEST_P(nkey_login, a_signer_that_fails_is_the_reason) {
    const std::string url = start(config_for(key)).url();
    signer s{nullptr};
    const std::string id = key.id();
    const result<client> nc = client::connect(
        {.servers = url, .nkey = id, .login = {.sign = &signer::sign, .context = &s}});
    EXPECT_EQ(code_of(nc), errc::signing_failed);
    EXPECT_NE(nc.error().detail().find("unplugged"), std::string::npos);
}

TEST_P(nkey_login, a_server_without_nkeys_is_told_nothing) {
    const std::string url = start().url();
    signer s{&key};
    const std::string id = key.id();
    const result<client> nc = client::connect(
        {.servers = url, .nkey = id, .login = {.sign = &signer::sign, .context = &s}});
    EXPECT_EQ(code_of(nc), errc::nkeys_not_supported);
    EXPECT_EQ(s.calls, 0);
}

TEST_P(nkey_login, bad_files_are_errors_without_their_text) {
    const std::string url = start(config_for(key)).url();
    const auto attempt = [&](const std::string& path) {
        return client::connect({.servers = url, .nkey_seed_file = path}).error();
    };
    EXPECT_EQ(attempt(files.path("missing")), errc::file_unreadable);
    std::string broken = key.seed();
    broken[20] = broken[20] == 'A' ? 'B' : 'A';
    const error checksum = attempt(files.write("broken", broken));
    EXPECT_EQ(checksum, errc::invalid_nkey);
    EXPECT_EQ(checksum.message().find(broken.substr(0, 10)), std::string::npos);
    const named_key account(nkey_kind::account);
    EXPECT_EQ(attempt(files.write("account", account.seed())), errc::invalid_nkey);
}

TEST_P(nkey_login, together_with_a_user_and_password) {
    // The server asks for either; the client sends all that it has.
    const named_key unknown(nkey_kind::user);
    start("authorization { users: [ { user: joe, password: pw }, { nkey: " + key.id() + " } ] }");
    const std::string seed = key.seed();
    client by_key = connect({.user = "joe", .password = "pw", .nkey_seed = seed});
    EXPECT_TRUE(by_key.flush());
}

TEST_P(nkey_login, nothing_that_is_shown_holds_a_secret) {
    start(config_for(key));
    const std::string path = files.write("user.nk", key.seed());
    std::string lines;
    const auto keep = [](void* context, std::string_view line) {
        *static_cast<std::string*>(context) += std::string(line) + '\n';
    };
    options o = quick();
    o.nkey_seed_file = path;
    client nc = connect(o, {.trace = keep, .trace_context = &lines});
    event_log log(nc);
    server().restart(config_for(other)); // now it is refused, twice
    EXPECT_TRUE(work_until(nc, [&] { return log.count("closed") == 1; }, long_enough));
    EXPECT_EQ(log.reason("closed"), errc::authorization_violation);
    EXPECT_EQ(log.count("connect_failed"), 2U) << log.text();
    EXPECT_NE(lines.find("CONNECT"), std::string::npos);
    for (const std::string& text : {lines, log.text(), nc.close_reason().message()})
        EXPECT_EQ(text.find(key.seed()), std::string::npos);
    EXPECT_NE(lines.find(R"("sig":"***")"), std::string::npos) << lines;
}

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Proves whom a client trusts, and how it says why not: certificates of servers that are expired,
// for others, or of unknown authorities; certificates of clients; where all of them come from.

#include "integration/event_log.hpp"
#include "integration/tls_fixture.hpp"

#include <cstdlib>
#include <optional>
#include <string>

namespace nats::test {
namespace {

class tls_certificates : public tls_test {
protected:
    [[nodiscard]] options with(const identity& self) const {
        options o = trusting();
        o.tls.certificate = self.certificate;
        o.tls.key = self.key;
        return o;
    }
    /// That a client certificate is missing shows after a handshake that looks well.
    static void expect_demanded(errc code) {
        EXPECT_TRUE(code == errc::tls_certificate_required || code == errc::tls_closed)
            << describe(code);
    }
};
NATSPROTO_ON_EVERY_SERVER(tls_certificates);

TEST_P(tls_certificates, an_unknown_authority_is_refused) {
    start_tls();
    EXPECT_EQ(code_of(attempt({})), errc::tls_unknown_authority);
    const certificate_authority other;
    options o;
    o.tls.ca = other.root();
    EXPECT_EQ(code_of(attempt(o)), errc::tls_unknown_authority);
}

TEST_P(tls_certificates, an_expired_one_is_refused) {
    start(tls_config(ca.issue({.ips = {"127.0.0.1"}, .first_day = -9, .last_day = -1})));
    EXPECT_EQ(code_of(attempt(trusting())), errc::tls_certificate_expired);
}

TEST_P(tls_certificates, one_for_another_name_is_refused_unless_that_is_expected) {
    start(tls_config(ca.server("nats.example.org")));
    options o = trusting();
    EXPECT_EQ(code_of(attempt(o)), errc::tls_wrong_name);
    o.tls.expected_name = "nats.example.org";
    EXPECT_TRUE(attempt(o));
    o.tls.expected_name = "other.example.org";
    EXPECT_EQ(code_of(attempt(o)), errc::tls_wrong_name);
}

TEST_P(tls_certificates, the_common_name_is_no_name) {
    start(tls_config(ca.issue({.common_name = "127.0.0.1"})));
    EXPECT_EQ(code_of(attempt(trusting())), errc::tls_wrong_name);
}

TEST_P(tls_certificates, names_and_addresses_are_different_things) {
    start(tls_config(ca.server("localhost")));
    options o = trusting();
    EXPECT_EQ(code_of(attempt(o)), errc::tls_wrong_name); // 127.0.0.1
    const std::string by_name = "localhost:" + std::to_string(server().port());
    o.servers = by_name;
    EXPECT_TRUE(client::connect(o));
    server().restart(tls_config(ca.issue({.ips = {"127.0.0.1"}})));
    EXPECT_EQ(code_of(client::connect(o)), errc::tls_wrong_name);
    EXPECT_TRUE(attempt(trusting()));
}

TEST_P(tls_certificates, a_chain_is_followed) {
    start(tls_config(ca.intermediate("middle").issue({.ips = {"127.0.0.1"}})));
    EXPECT_TRUE(attempt(trusting()));
}

TEST_P(tls_certificates, the_authority_may_be_in_a_file_that_is_read_at_each_connect) {
    start_tls();
    options o{.max_reconnects = -1, .reconnect_wait = 10ms, .reconnect_jitter_tls = {}};
    const std::string path = files.path("ca.pem");
    o.tls.ca_file = path;
    const result<client> missing = attempt(o);
    EXPECT_EQ(code_of(missing), errc::file_unreadable);
    EXPECT_NE(missing.error().detail().find(path), std::string::npos);
    files.write("ca.pem", "no certificate");
    EXPECT_EQ(code_of(attempt(o)), errc::tls_configuration);
    files.write("ca.pem", ca.root());
    client nc = connect(o);
    event_log log(nc);
    const certificate_authority next("the next CA");
    server().restart(tls_config(next.issue({.ips = {"127.0.0.1"}})));
    ASSERT_TRUE(work_until(
        nc, [&] { return log.reason("connect_failed") == errc::tls_unknown_authority; },
        long_enough))
        << log.text();
    files.write("ca.pem", next.root());
    EXPECT_TRUE(work_until(nc, [&] { return log.count("reconnected") == 1; }, long_enough));
}

/// Sets a variable of the environment, and puts it back.
class environment_variable {
public:
    environment_variable(const char* name, const std::string& value) : name_(name) {
        if (const char* before = std::getenv(name)) before_ = before;
        ::setenv(name, value.c_str(), 1);
    }
    environment_variable(const environment_variable&) = delete;
    environment_variable& operator=(const environment_variable&) = delete;
    ~environment_variable() {
        if (before_)
            ::setenv(name_, before_->c_str(), 1);
        else
            ::unsetenv(name_);
    }

private:
    const char* name_;
    std::optional<std::string> before_;
};

TEST_P(tls_certificates, the_roots_of_the_system_are_the_default) {
    start_tls();
    const environment_variable roots("SSL_CERT_FILE", files.write("roots.pem", ca.root()));
    EXPECT_TRUE(attempt({}));
    const certificate_authority other;
    options o;
    o.tls.ca = other.root();
    EXPECT_EQ(code_of(attempt(o)), errc::tls_unknown_authority); // instead of the system's
    o.tls.system_roots = true;
    EXPECT_TRUE(attempt(o));
}

TEST_P(tls_certificates, any_certificate_only_by_an_explicit_option) {
    start(tls_config(self_signed({.dns = {"elsewhere"}, .first_day = -3, .last_day = -1})));
    options o;
    EXPECT_FALSE(attempt(o));
    o.tls.dangerously_accept_any_certificate = true;
    EXPECT_TRUE(attempt(o).value().secure());
}

struct judge {
    bool verdict = false;
    int calls = 0;
    std::string certificate{};
    std::optional<errc> problem{};

    static bool decide(void* context, const tls_peer& peer) {
        auto& self = *static_cast<judge*>(context);
        ++self.calls;
        self.certificate = peer.certificate;
        if (peer.problem != nullptr) self.problem = peer.problem->code();
        return self.verdict;
    }
};

TEST_P(tls_certificates, a_verifier_of_ones_own_has_the_last_word) {
    const identity pinned = self_signed({.dns = {"elsewhere"}});
    start(tls_config(pinned));
    judge j{.verdict = true};
    options o;
    o.tls.verify = &judge::decide;
    o.tls.verify_context = &j;
    EXPECT_TRUE(attempt(o));
    EXPECT_EQ(j.calls, 1);
    EXPECT_TRUE(j.certificate == der_of(pinned.certificate));
    EXPECT_EQ(j.problem, errc::tls_unknown_authority);
    server().restart(tls_config(good()));
    j.verdict = false;
    options strict = trusting();
    strict.tls.verify = &judge::decide;
    strict.tls.verify_context = &j;
    j.problem.reset();
    EXPECT_EQ(code_of(attempt(strict)), errc::tls_rejected_by_verifier);
    EXPECT_FALSE(j.problem); // nothing is wrong but for the verdict
}

// --- certificates of clients

TEST_P(tls_certificates, a_client_without_the_certificate_that_is_demanded) {
    start(mutual_config(ca));
    expect_demanded(code_of(attempt(trusting())));
}

TEST_P(tls_certificates, a_client_with_the_right_one) {
    start(mutual_config(ca));
    const identity joe = ca.client("joe");
    EXPECT_TRUE(attempt(with(joe)).value().flush());
    options o = trusting();
    const std::string certificate = files.write("joe.pem", joe.certificate);
    const std::string key = files.write("joe.key", joe.key);
    o.tls.certificate_file = certificate;
    o.tls.key_file = key;
    EXPECT_TRUE(attempt(o).value().flush());
    const std::string locked = encrypted_key(joe.key, "sesame");
    o = with(joe);
    o.tls.key = locked;
    o.tls.key_password = "sesame";
    EXPECT_TRUE(attempt(o).value().flush());
    o.tls.key_password = "xyzzy";
    const result<client> nc = attempt(o);
    EXPECT_EQ(code_of(nc), errc::tls_configuration);
    EXPECT_EQ(nc.error().message().find("xyzzy"), std::string::npos);
}

TEST_P(tls_certificates, a_client_with_one_of_a_stranger) {
    start(mutual_config(ca));
    const certificate_authority stranger("stranger");
    const errc code = code_of(attempt(with(stranger.client("joe"))));
    EXPECT_TRUE(code == errc::tls_certificate_refused || code == errc::tls_closed)
        << describe(code);
}

TEST_P(tls_certificates, the_clients_is_renewed_between_reconnects) {
    start(mutual_config(ca));
    options o = trusting();
    const identity before = ca.client("joe");
    const std::string certificate = files.write("joe.pem", before.certificate);
    const std::string key = files.write("joe.key", before.key);
    o.tls.certificate_file = certificate;
    o.tls.key_file = key;
    o.max_reconnects = -1;
    client nc = connect(o);
    event_log log(nc);
    const certificate_authority next("the next CA");
    server().restart(mutual_config(next));
    ASSERT_TRUE(work_until(
        nc,
        [&] {
            const auto why = log.reason("connect_failed");
            return why == errc::tls_certificate_refused || why == errc::tls_closed;
        },
        long_enough))
        << log.text();
    const identity after = next.client("joe");
    files.write("joe.pem", after.certificate);
    files.write("joe.key", after.key);
    EXPECT_TRUE(work_until(nc, [&] { return log.count("reconnected") == 1; }, long_enough));
    files.expose("joe.key");
    ASSERT_TRUE(nc.force_reconnect());
    EXPECT_TRUE(work_until(nc, [&] { return log.count("reconnected") == 2; }, long_enough));
    EXPECT_EQ(log.reason("warning"), errc::credentials_exposed);
}

// --- versions and ciphers

TEST_P(tls_certificates, the_newest_version_is_used_and_ciphers_can_be_chosen) {
    start_tls();
    options o = trusting();
    o.tls.minimum = tls_version::v1_3;
    o.tls.cipher_suites = "TLS_CHACHA20_POLY1305_SHA256";
    const client nc = connect(o);
    EXPECT_TRUE(nc.secure());
    if (is_broker()) return; // it does not keep what follows
    const std::string shown = server().monitor("/connz");
    EXPECT_NE(shown.find("\"tls_version\": \"1.3\""), std::string::npos) << shown;
    EXPECT_NE(shown.find("TLS_CHACHA20_POLY1305_SHA256"), std::string::npos) << shown;
}

TEST_P(tls_certificates, ciphers_that_cannot_be_used) {
    start_tls();
    options o = trusting();
    o.tls.cipher_suites = "NO_SUCH_SUITE";
    EXPECT_EQ(code_of(attempt(o)), errc::tls_configuration);
    o = trusting();
    o.tls.ciphers = "NO-SUCH-CIPHER";
    EXPECT_EQ(code_of(attempt(o)), errc::tls_configuration);
    o = trusting();
    o.tls.minimum = tls_version::v1_3;
    o.tls.cipher_suites = "TLS_AES_128_CCM_SHA256"; // Go has it not
    EXPECT_EQ(code_of(attempt(o)), errc::tls_protocol);
}

} // namespace
} // namespace nats::test

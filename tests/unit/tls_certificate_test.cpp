// SPDX-License-Identifier: Apache-2.0
//
// Who is believed: names, authorities and dates of the server's certificate, the user's verifier,
// and the client's own certificate. Each refusal has its code, and the server gets its alert.

#include <natsproto/openssl/provider.hpp>

#include "support/tls_pair.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace nats::test {

namespace {

const certificate_authority& authority() {
    static const certificate_authority ca("test CA");
    return ca;
}

const certificate_authority& stranger() {
    static const certificate_authority ca("stranger");
    return ca;
}

const identity& server_identity() {
    static const identity self = authority().server("server.test");
    return self;
}

tls_parameters parameters(std::string_view name = "server.test") {
    tls_parameters p;
    p.server_name = name;
    p.ca = authority().root();
    p.system_roots = false;
    return p;
}

/// How the client ends up with this certificate of the server; the alert must have arrived.
error outcome(const tls_parameters& p, const identity& self) {
    error why(errc::invalid_argument);
    for (const tls_range versions : {tls_range::only_1_2, tls_range::only_1_3}) {
        tls_pair pair(p, {.self = self, .versions = versions});
        pair.exchange();
        if (pair.client->state() == link_state::open) {
            EXPECT_EQ(pair.server.problem(), "");
            return errc::drained; // stands for: all is well
        }
        EXPECT_EQ(pair.client->state(), link_state::failed);
        EXPECT_NE(pair.server.problem().find("alert"), std::string::npos) << pair.server.problem();
        EXPECT_EQ(pair.client->untransmitted(), 0U);
        EXPECT_EQ(write_text(*pair.client, "CONNECT {}\r\n"), 0U);
        why = pair.client->failure();
    }
    return why;
}

constexpr errc accepted = errc::drained;

bool mentions(const error& e, std::string_view text) {
    return e.detail().find(text) != std::string::npos;
}

/// What a verifier was told.
struct verdict {
    bool answer = true;
    int calls = 0;
    std::string certificate{};
    std::string name{};
    bool had_problem = false;
    error problem{};
};

bool note(void* context, const tls_peer& peer) {
    auto& v = *static_cast<verdict*>(context);
    ++v.calls;
    v.certificate = peer.certificate;
    v.name = peer.name;
    v.had_problem = peer.problem != nullptr;
    if (peer.problem != nullptr) v.problem = *peer.problem;
    return v.answer;
}

tls_parameters verified_by(verdict& v, std::string_view name = "server.test") {
    tls_parameters p = parameters(name);
    p.verify = note;
    p.verify_context = &v;
    return p;
}

} // namespace

// --- names

TEST(tls_certificate, for_the_name_is_accepted) {
    EXPECT_EQ(outcome(parameters(), server_identity()), accepted);
    EXPECT_EQ(outcome(parameters("SERVER.test"), server_identity()), accepted);
}

TEST(tls_certificate, for_another_name_is_refused) {
    const error why = outcome(parameters("other.test"), server_identity());
    EXPECT_EQ(why, errc::tls_wrong_name);
    EXPECT_TRUE(mentions(why, "other.test is wanted")) << why.message();
    EXPECT_TRUE(mentions(why, "server.test")) << why.message();
}

TEST(tls_certificate, with_several_names_is_for_each) {
    const identity self = authority().issue({.dns = {"a.test", "b.test"}, .ips = {"10.1.2.3"}});
    for (const std::string_view name : {"a.test", "b.test", "10.1.2.3"})
        EXPECT_EQ(outcome(parameters(name), self), accepted) << name;
    EXPECT_EQ(outcome(parameters("c.test"), self), errc::tls_wrong_name);
    EXPECT_EQ(outcome(parameters("10.1.2.4"), self), errc::tls_wrong_name);
}

TEST(tls_certificate, common_name_is_no_name) {
    const identity self = authority().issue({.common_name = "server.test"});
    const error why = outcome(parameters(), self);
    EXPECT_EQ(why, errc::tls_wrong_name);
    EXPECT_TRUE(mentions(why, "no alternative names")) << why.message();
    const identity with_ip =
        authority().issue({.common_name = "server.test", .ips = {"127.0.0.1"}});
    EXPECT_EQ(outcome(parameters(), with_ip), errc::tls_wrong_name);
}

TEST(tls_certificate, for_an_address_needs_that_address) {
    const identity v4 = authority().issue({.ips = {"127.0.0.1"}});
    const identity v6 = authority().issue({.ips = {"::1"}});
    EXPECT_EQ(outcome(parameters("127.0.0.1"), v4), accepted);
    EXPECT_EQ(outcome(parameters("::1"), v6), accepted);
    EXPECT_EQ(outcome(parameters("0:0:0:0:0:0:0:1"), v6), accepted);
    EXPECT_EQ(outcome(parameters("127.0.0.1"), v6), errc::tls_wrong_name);
    EXPECT_EQ(outcome(parameters("127.0.0.1"), server_identity()), errc::tls_wrong_name);
    // An address as text among the DNS names, or as the common name, is none.
    const identity as_dns = authority().issue({.common_name = "127.0.0.1", .dns = {"127.0.0.1"}});
    EXPECT_EQ(outcome(parameters("127.0.0.1"), as_dns), errc::tls_wrong_name);
}

TEST(tls_certificate, wildcards_stand_for_one_whole_label) {
    const identity self = authority().server("*.example.test");
    EXPECT_EQ(outcome(parameters("a.example.test"), self), accepted);
    EXPECT_EQ(outcome(parameters("a.b.example.test"), self), errc::tls_wrong_name);
    EXPECT_EQ(outcome(parameters("example.test"), self), errc::tls_wrong_name);
    const identity partial = authority().server("a*.example.test");
    EXPECT_EQ(outcome(parameters("ab.example.test"), partial), errc::tls_wrong_name);
}

// --- authorities and dates

TEST(tls_certificate, of_an_unknown_authority_is_refused) {
    const error why = outcome(parameters(), stranger().server("server.test"));
    EXPECT_EQ(why, errc::tls_unknown_authority);
    EXPECT_TRUE(mentions(why, "stranger")) << why.message();
}

TEST(tls_certificate, of_an_authority_with_the_name_of_a_trusted_one_is_refused) {
    const certificate_authority impostor("test CA");
    EXPECT_EQ(outcome(parameters(), impostor.server("server.test")), errc::tls_unknown_authority);
}

TEST(tls_certificate, that_signs_itself_is_refused_unless_trusted) {
    const identity self = self_signed({.dns = {"server.test"}});
    EXPECT_EQ(outcome(parameters(), self), errc::tls_unknown_authority);
    tls_parameters p = parameters();
    p.ca = self.certificate;
    EXPECT_EQ(outcome(p, self), accepted);
    p.server_name = "other.test"; // trusted, but still for its name only
    EXPECT_EQ(outcome(p, self), errc::tls_wrong_name);
}

TEST(tls_certificate, signed_by_a_certificate_that_is_no_authority_is_refused) {
    // Whoever has any certificate of the CA must not be able to make others.
    const identity leaf = authority().server("attacker.test");
    const identity forged = authority().intermediate("middle").server("server.test");
    identity mixed = forged;
    mixed.certificate = forged.certificate.substr(0, forged.certificate.find("-----END")) +
                        "-----END CERTIFICATE-----\n" + leaf.certificate;
    EXPECT_EQ(outcome(parameters(), mixed), errc::tls_unknown_authority);
}

TEST(tls_certificate, with_its_chain_is_accepted) {
    const certificate_authority middle = authority().intermediate("middle");
    const certificate_authority lower = middle.intermediate("lower");
    const identity self = lower.server("server.test");
    EXPECT_EQ(outcome(parameters(), self), accepted);

    identity without_chain = self;
    without_chain.certificate.resize(self.certificate.find("-----END"));
    without_chain.certificate += "-----END CERTIFICATE-----\n";
    EXPECT_EQ(outcome(parameters(), without_chain), errc::tls_unknown_authority);

    tls_parameters p = parameters(); // who trusts the lower one needs nothing above it
    p.ca = lower.certificate();
    EXPECT_EQ(outcome(p, without_chain), accepted);
}

TEST(tls_certificate, of_one_of_several_authorities_is_accepted) {
    const std::string both =
        "the first:\n" + stranger().root() + "the second:\n" + authority().root();
    tls_parameters p = parameters();
    p.ca = both;
    EXPECT_EQ(outcome(p, server_identity()), accepted);
    EXPECT_EQ(outcome(p, stranger().server("server.test")), accepted);
}

TEST(tls_certificate, of_the_systems_authorities_only_if_they_are_asked_for) {
    tls_parameters p = parameters();
    p.ca = {};
    p.system_roots = true;
    EXPECT_EQ(outcome(p, server_identity()), errc::tls_unknown_authority);
    p.ca = authority().root(); // both
    EXPECT_EQ(outcome(p, server_identity()), accepted);
}

TEST(tls_certificate, that_has_expired_is_refused) {
    const identity self =
        authority().issue({.dns = {"server.test"}, .first_day = -30, .last_day = -1});
    const error why = outcome(parameters(), self);
    EXPECT_EQ(why, errc::tls_certificate_expired);
    EXPECT_TRUE(mentions(why, "it ended")) << why.message();
    EXPECT_TRUE(mentions(why, "GMT")) << why.message();
}

TEST(tls_certificate, that_is_not_valid_yet_is_refused) {
    const identity self =
        authority().issue({.dns = {"server.test"}, .first_day = 2, .last_day = 30});
    const error why = outcome(parameters(), self);
    EXPECT_EQ(why, errc::tls_certificate_expired);
    EXPECT_TRUE(mentions(why, "it begins")) << why.message();
}

TEST(tls_certificate, of_a_client_is_none_of_a_server) {
    const identity self = authority().issue({.dns = {"server.test"}, .client = true});
    EXPECT_EQ(outcome(parameters(), self), errc::tls_failed);
}

TEST(tls_certificate, of_anybody_is_accepted_on_demand) {
    tls_parameters p = parameters("whatever.test");
    p.accept_any_certificate = true;
    EXPECT_EQ(outcome(p, self_signed({.last_day = -1})), accepted);
    p.ca = {}; // then nothing has to be trusted, and no name is needed
    p.server_name = {};
    EXPECT_EQ(outcome(p, stranger().server("server.test")), accepted);
}

// --- the verifier

TEST(tls_verifier, hears_of_a_good_certificate_and_may_refuse_it) {
    verdict v;
    EXPECT_EQ(outcome(verified_by(v), server_identity()), accepted);
    EXPECT_EQ(v.calls, 1);
    EXPECT_EQ(v.certificate, der_of(server_identity().certificate));
    EXPECT_EQ(v.name, "server.test");
    EXPECT_FALSE(v.had_problem);

    v.answer = false;
    const error why = outcome(verified_by(v), server_identity());
    EXPECT_EQ(why, errc::tls_rejected_by_verifier);
    EXPECT_EQ(why.detail(), "");
}

TEST(tls_verifier, hears_what_is_wrong_and_has_the_last_word) {
    verdict v;
    const identity self = stranger().server("server.test");
    EXPECT_EQ(outcome(verified_by(v), self), accepted);
    EXPECT_TRUE(v.had_problem);
    EXPECT_EQ(v.problem, errc::tls_unknown_authority);
    EXPECT_EQ(outcome(verified_by(v, "other.test"), server_identity()), accepted);
    EXPECT_EQ(v.problem, errc::tls_wrong_name);
    EXPECT_EQ(v.name, "other.test");

    v.answer = false;
    const error why = outcome(verified_by(v, "other.test"), server_identity());
    EXPECT_EQ(why, errc::tls_rejected_by_verifier);
    EXPECT_TRUE(mentions(why, "other.test")) << why.message(); // the problem is not lost
}

TEST(tls_verifier, decides_also_where_any_certificate_is_accepted) {
    verdict v{.answer = false};
    tls_parameters p = verified_by(v);
    p.accept_any_certificate = true;
    EXPECT_EQ(outcome(p, stranger().server("server.test")), errc::tls_rejected_by_verifier);
    EXPECT_EQ(v.problem, errc::tls_unknown_authority);
    EXPECT_EQ(outcome(p, server_identity()), errc::tls_rejected_by_verifier);
}

TEST(tls_verifier, needs_no_authority_to_trust) {
    verdict v;
    tls_parameters p = verified_by(v);
    p.ca = {};
    EXPECT_EQ(outcome(p, server_identity()), accepted);
    EXPECT_TRUE(v.had_problem);
}

TEST(tls_verifier, that_throws_refuses) {
    tls_parameters p = parameters();
    p.verify = [](void*, const tls_peer&) -> bool { throw std::runtime_error("s3cret"); };
    const error why = outcome(p, server_identity());
    EXPECT_EQ(why, errc::tls_rejected_by_verifier);
    EXPECT_FALSE(mentions(why, "s3cret"));
}

TEST(tls_verifier, may_outlive_the_parameters_of_the_call) {
    verdict v;
    std::string name = "server.test";
    std::string ca = authority().root();
    tls_parameters p = verified_by(v, name);
    p.ca = ca;
    tls_pair pair(p, {.self = server_identity()});
    name.assign(name.size(), 'x');
    ca.assign(ca.size(), 'x');
    p = {};
    pair.exchange();
    EXPECT_EQ(pair.client->state(), link_state::open);
    EXPECT_EQ(v.name, "server.test");
}

// --- the client's own certificate

namespace {

class tls_client_certificate : public testing::TestWithParam<tls_range> {
protected:
    tls_server_options options{.self = server_identity(),
                               .clients = client_certificate::required,
                               .client_ca = authority().root(),
                               .versions = GetParam()};

    /// TLS 1.3 clients hear of a refusal after their handshake.
    static error refusal(tls_pair& pair) {
        pair.exchange();
        EXPECT_EQ(pair.client->state(), link_state::failed);
        EXPECT_FALSE(pair.server.open());
        return pair.client->failure();
    }
};

INSTANTIATE_TEST_SUITE_P(versions, tls_client_certificate,
                         testing::Values(tls_range::only_1_2, tls_range::only_1_3),
                         [](const auto& one) {
                             return one.param == tls_range::only_1_2 ? "v1_2" : "v1_3";
                         });

} // namespace

TEST_P(tls_client_certificate, is_shown_with_its_chain) {
    const identity self = authority().intermediate("middle").client("alice");
    tls_parameters p = parameters();
    p.certificate = self.certificate;
    p.key = self.key;
    tls_pair pair(p, options);
    pair.exchange(at_random(1));
    EXPECT_EQ(pair.client->state(), link_state::open) << pair.client->failure().message();
    EXPECT_TRUE(pair.server.open()) << pair.server.problem();
    EXPECT_EQ(pair.server.client_name(), "alice");
    EXPECT_EQ(pair.server.client_chain(), 2);
}

TEST_P(tls_client_certificate, opens_with_its_password) {
    const identity self = authority().client("alice");
    const std::string key = encrypted_key(self.key, "open sesame");
    tls_parameters p = parameters();
    p.certificate = self.certificate;
    p.key = key;
    p.key_password = "open sesame";
    tls_pair pair(p, options);
    pair.exchange();
    EXPECT_EQ(pair.server.client_name(), "alice");
}

TEST_P(tls_client_certificate, is_missing_where_it_is_required) {
    tls_pair pair(parameters(), options);
    EXPECT_EQ(refusal(pair), errc::tls_certificate_required);
}

TEST_P(tls_client_certificate, is_not_needed_where_it_is_only_wanted) {
    options.clients = client_certificate::wanted;
    tls_pair pair(parameters(), options);
    pair.exchange();
    EXPECT_EQ(pair.client->state(), link_state::open) << pair.client->failure().message();
    EXPECT_TRUE(pair.server.open()) << pair.server.problem();
}

TEST_P(tls_client_certificate, of_an_unknown_authority_is_refused) {
    const identity self = stranger().client("alice");
    tls_parameters p = parameters();
    p.certificate = self.certificate;
    p.key = self.key;
    tls_pair pair(p, options);
    const error why = refusal(pair);
    EXPECT_EQ(why, errc::tls_certificate_refused);
    EXPECT_TRUE(mentions(why, "the server says: unknown CA")) << why.message();
}

TEST_P(tls_client_certificate, that_has_expired_is_refused) {
    const identity self = authority().issue(
        {.common_name = "alice", .first_day = -9, .last_day = -1, .client = true});
    tls_parameters p = parameters();
    p.certificate = self.certificate;
    p.key = self.key;
    tls_pair pair(p, options);
    const error why = refusal(pair);
    EXPECT_EQ(why, errc::tls_certificate_refused);
    EXPECT_TRUE(mentions(why, "expired")) << why.message();
}

TEST_P(tls_client_certificate, refusal_comes_behind_what_is_still_readable_or_written) {
    // What was written before the refusal is known stays accounted for.
    tls_pair pair(parameters(), options);
    pair.server.receive(take_wire(*pair.client));
    give_wire(*pair.client, pair.server.take_output());
    const bool early = pair.client->state() == link_state::open;
    EXPECT_EQ(early, GetParam() == tls_range::only_1_3);
    EXPECT_EQ(write_text(*pair.client, "PING\r\n"), early ? 6U : 0U);
    EXPECT_EQ(refusal(pair), errc::tls_certificate_required);
    EXPECT_EQ(pair.completed, early ? 6U : 0U);
}

} // namespace nats::test

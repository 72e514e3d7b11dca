// SPDX-License-Identifier: Apache-2.0
//
// Settings of TLS: what cannot be used is refused before anything is sent, in words that say which
// setting it is and hold no secret; versions and ciphers bind both sides.

#include <natsproto/openssl/provider.hpp>
#include <natsproto/tls_options.hpp>

#include "support/tls_pair.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include <openssl/err.h>

namespace nats::test {

namespace {

const certificate_authority& authority() {
    static const certificate_authority ca("test CA");
    return ca;
}

const identity& client_identity() {
    static const identity self = authority().client("alice");
    return self;
}

tls_parameters parameters() {
    tls_parameters p;
    p.server_name = "server.test";
    p.ca = authority().root();
    p.system_roots = false;
    return p;
}

tls_parameters with_certificate(std::string_view certificate, std::string_view key) {
    tls_parameters p = parameters();
    p.certificate = certificate;
    p.key = key;
    return p;
}

/// The words of the refusal; empty if there was none.
std::string refusal(const tls_parameters& p) {
    const openssl::provider provider;
    const auto made = provider.tls_client(p);
    EXPECT_EQ(ERR_peek_error(), 0U);
    if (made) return "";
    EXPECT_EQ(made.error(), errc::tls_configuration);
    return made.error().detail();
}

link_state outcome(const tls_parameters& p, tls_server_options o, tls_pair** out = nullptr) {
    static std::unique_ptr<tls_pair> last;
    o.self = authority().server("server.test");
    last = std::make_unique<tls_pair>(p, o);
    last->exchange();
    if (out != nullptr) *out = last.get();
    return last->client->state();
}

} // namespace

// --- names

TEST(tls_configuration, a_name_is_needed_to_be_checked) {
    tls_parameters p = parameters();
    p.server_name = {};
    EXPECT_EQ(refusal(p), "server_name: there is none");
    p.server_name = ".";
    EXPECT_EQ(refusal(p), "server_name: there is none");
    p.verify = [](void*, const tls_peer&) { return true; };
    EXPECT_EQ(refusal(p), "server_name: there is none");
    p.accept_any_certificate = true;
    EXPECT_EQ(refusal(p), "");
}

TEST(tls_configuration, a_name_that_would_match_a_whole_domain_is_refused) {
    tls_parameters p = parameters();
    p.server_name = ".test";
    EXPECT_EQ(refusal(p), "server_name: it is no name of a host");
    p.server_name = std::string_view("server.test\0.evil", 17);
    EXPECT_EQ(refusal(p), "server_name: it is no name of a host");
}

TEST(tls_configuration, a_name_is_not_longer_than_sni_can_be) {
    tls_parameters p = parameters();
    const std::string longest(255, 'a');
    const std::string too_long(256, 'a');
    p.server_name = longest;
    EXPECT_EQ(refusal(p), "");
    p.server_name = too_long;
    EXPECT_NE(refusal(p), "");
}

// --- authorities

TEST(tls_configuration, something_has_to_be_trusted) {
    tls_parameters p = parameters();
    p.ca = {};
    EXPECT_EQ(refusal(p), "ca: there is none, and system_roots is not set");
    p.system_roots = true;
    EXPECT_EQ(refusal(p), "");
}

TEST(tls_configuration, authorities_without_a_certificate_are_refused) {
    for (const std::string_view text : {" ", "\n", "garbage", "-----BEGIN"}) {
        tls_parameters p = parameters();
        p.ca = text;
        EXPECT_EQ(refusal(p), "ca: no certificate is in it") << text;
        p.system_roots = true; // a mistake remains one
        EXPECT_EQ(refusal(p), "ca: no certificate is in it") << text;
    }
    tls_parameters p = parameters();
    p.ca = client_identity().key;
    EXPECT_EQ(refusal(p), "ca: no certificate is in it");
}

TEST(tls_configuration, damaged_authorities_are_refused) {
    const std::string& good = authority().root();
    std::string cut = good.substr(0, good.size() / 2);
    std::string damaged = good;
    damaged[good.size() / 2] = '*';
    std::string wrong_length = good;
    wrong_length.erase(good.find('\n') + 1, 4);
    for (const std::string& bad : {cut, damaged, wrong_length}) {
        tls_parameters p = parameters();
        p.ca = bad;
        EXPECT_TRUE(refusal(p).starts_with("ca: ")) << bad;
        const std::string second = good + bad; // behind a good one too
        p.ca = second;
        EXPECT_TRUE(refusal(p).starts_with("ca: ")) << bad;
    }
}

TEST(tls_configuration, comments_around_certificates_are_fine) {
    const std::string text = "# ours\n" + authority().root() + "\n# the end\n";
    tls_parameters p = parameters();
    p.ca = text;
    EXPECT_EQ(refusal(p), "");
    const std::string twice = text + text;
    p.ca = twice;
    EXPECT_EQ(refusal(p), "");
}

// --- certificate and key

TEST(tls_configuration, a_certificate_needs_its_key) {
    EXPECT_EQ(refusal(with_certificate(client_identity().certificate, "")),
              "key: there is none for the certificate");
    EXPECT_EQ(refusal(with_certificate("", client_identity().key)),
              "certificate: there is none for the key");
    const identity other = authority().client("bob");
    EXPECT_EQ(refusal(with_certificate(client_identity().certificate, other.key)),
              "key: it is not the key of the certificate");
    EXPECT_EQ(refusal(with_certificate(client_identity().certificate, client_identity().key)), "");
}

TEST(tls_configuration, certificates_and_keys_must_be_what_they_are_called) {
    const identity& self = client_identity();
    EXPECT_EQ(refusal(with_certificate("garbage", self.key)),
              "certificate: no certificate is in it");
    EXPECT_EQ(refusal(with_certificate(self.key, self.key)),
              "certificate: no certificate is in it");
    EXPECT_EQ(refusal(with_certificate(self.certificate, "garbage")),
              "key: no private key is in it");
    EXPECT_EQ(refusal(with_certificate(self.certificate, self.certificate)),
              "key: no private key is in it");
    const std::string both = self.certificate + self.key; // one file for both is common
    EXPECT_EQ(refusal(with_certificate(both, both)), "");
}

TEST(tls_configuration, a_damaged_key_is_refused_without_showing_it) {
    const std::string& key = client_identity().key;
    const std::size_t body = key.find('\n') + 1;
    for (std::size_t at = body; at < key.find("-----END") - 1; at += 7) {
        std::string damaged = key;
        damaged[at] = '*';
        const std::string why = refusal(with_certificate(client_identity().certificate, damaged));
        EXPECT_TRUE(why.starts_with("key: ")) << why;
        EXPECT_EQ(why.find(key.substr(body, 8)), std::string::npos);
    }
}

TEST(tls_configuration, an_encrypted_key_needs_the_right_password) {
    const std::string key = encrypted_key(client_identity().key, "open sesame");
    tls_parameters p = with_certificate(client_identity().certificate, key);
    EXPECT_EQ(refusal(p), "key: it needs a key_password"); // and nobody is asked for it
    p.key_password = "s3cret";
    EXPECT_EQ(refusal(p), "key_password: it does not open the key");
    const std::string long_one(5000, 'x');
    p.key_password = long_one;
    EXPECT_EQ(refusal(p), "key_password: it does not open the key");
    p.key_password = "open sesame";
    EXPECT_EQ(refusal(p), "");
    p.key = client_identity().key; // a plain key has no use for it
    EXPECT_EQ(refusal(p), "");
}

// --- versions and ciphers

TEST(tls_configuration, the_minimum_version_holds) {
    tls_pair* pair = nullptr;
    tls_parameters p = parameters();
    EXPECT_EQ(outcome(p, {.versions = tls_range::only_1_2}), link_state::open);
    p.minimum = tls_version::v1_3;
    EXPECT_EQ(outcome(p, {.versions = tls_range::only_1_3}), link_state::open);
    EXPECT_EQ(outcome(p, {.versions = tls_range::only_1_2}, &pair), link_state::failed);
    EXPECT_EQ(pair->client->failure(), errc::tls_protocol) << pair->client->failure().message();
}

TEST(tls_configuration, nothing_below_1_2_is_spoken) {
    tls_pair* pair = nullptr;
    tls_parameters p = parameters();
    p.ciphers = "ALL:@SECLEVEL=0"; // the level would allow it
    EXPECT_EQ(outcome(p, {.versions = tls_range::only_1_1, .ciphers = "ALL:@SECLEVEL=0"}, &pair),
              link_state::failed);
    EXPECT_EQ(pair->client->failure(), errc::tls_protocol) << pair->client->failure().message();
}

TEST(tls_configuration, ciphers_of_1_2_are_the_users) {
    tls_pair* pair = nullptr;
    tls_parameters p = parameters();
    p.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384";
    EXPECT_EQ(outcome(p, {.versions = tls_range::only_1_2}, &pair), link_state::open);
    EXPECT_EQ(pair->server.cipher(), "ECDHE-ECDSA-AES256-GCM-SHA384");
}

TEST(tls_configuration, cipher_suites_of_1_3_are_the_users) {
    tls_pair* pair = nullptr;
    tls_parameters p = parameters();
    p.cipher_suites = "TLS_CHACHA20_POLY1305_SHA256";
    EXPECT_EQ(outcome(p, {.versions = tls_range::only_1_3}, &pair), link_state::open);
    EXPECT_EQ(pair->server.cipher(), "TLS_CHACHA20_POLY1305_SHA256");
}

TEST(tls_configuration, no_cipher_in_common_is_an_error_of_its_own) {
    tls_pair* pair = nullptr;
    tls_parameters p = parameters();
    p.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384";
    p.cipher_suites = "TLS_AES_256_GCM_SHA384";
    EXPECT_EQ(
        outcome(p, {.versions = tls_range::only_1_2, .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256"},
                &pair),
        link_state::failed);
    EXPECT_EQ(pair->client->failure(), errc::tls_protocol) << pair->client->failure().message();
    EXPECT_EQ(
        outcome(p, {.versions = tls_range::only_1_3, .cipher_suites = "TLS_AES_128_GCM_SHA256"},
                &pair),
        link_state::failed);
    EXPECT_EQ(pair->client->failure(), errc::tls_protocol) << pair->client->failure().message();
}

TEST(tls_configuration, unknown_ciphers_are_refused_wherever_they_stand) {
    tls_parameters p = parameters();
    for (const std::string_view list :
         {"NOSUCH", "NOSUCH:HIGH", "HIGH:NOSUCH", "HIGH,NOSUCH", "HIGH NOSUCH:!MD5"}) {
        p.ciphers = list;
        EXPECT_EQ(refusal(p), "ciphers: unknown: NOSUCH") << list;
    }
    p.ciphers = "TLS_AES_128_GCM_SHA256"; // of 1.3
    EXPECT_EQ(refusal(p), "ciphers: unknown: TLS_AES_128_GCM_SHA256");
    for (const std::string_view list : {":", "HIGH:@NOSUCH", "!ALL"}) {
        p.ciphers = list;
        EXPECT_TRUE(refusal(p).starts_with("ciphers: ")) << list;
    }
    p.ciphers = std::string_view("HIGH\0NOSUCH", 11);
    EXPECT_EQ(refusal(p), "ciphers: a NUL is in it");
}

TEST(tls_configuration, the_syntax_of_openssl_is_understood) {
    tls_parameters p = parameters();
    for (const std::string_view list :
         {"HIGH:!aNULL:!RC4:!MD5:-CAMELLIA:+AES128", "DEFAULT", "ECDHE+AESGCM:DHE+AESGCM:@STRENGTH",
          "DEFAULT@SECLEVEL=2"}) {
        p.ciphers = list;
        EXPECT_EQ(refusal(p), "") << list;
    }
}

TEST(tls_configuration, unknown_cipher_suites_are_refused_wherever_they_stand) {
    tls_parameters p = parameters();
    for (const std::string_view list :
         {"TLS_NOSUCH", "TLS_NOSUCH:TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256:TLS_NOSUCH"}) {
        p.cipher_suites = list;
        EXPECT_EQ(refusal(p), "cipher_suites: unknown: TLS_NOSUCH") << list;
    }
    p.cipher_suites = "ECDHE-ECDSA-AES128-GCM-SHA256"; // of 1.2
    EXPECT_EQ(refusal(p), "cipher_suites: unknown: ECDHE-ECDSA-AES128-GCM-SHA256");
    p.cipher_suites = std::string_view("TLS_AES_128_GCM_SHA256\0TLS_NOSUCH", 33);
    EXPECT_EQ(refusal(p), "cipher_suites: a NUL is in it");
    p.cipher_suites = ":";
    EXPECT_EQ(refusal(p), "cipher_suites: no name is in it");
    p.cipher_suites = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256";
    EXPECT_EQ(refusal(p), "");
}

TEST(tls_configuration, ciphers_that_prove_or_hide_nothing_cannot_be_had) {
    tls_parameters p = parameters();
    for (const std::string_view list :
         {"aNULL:@SECLEVEL=0", "eNULL:@SECLEVEL=0", "ADH-AES128-GCM-SHA256:@SECLEVEL=0"}) {
        p.ciphers = list;
        EXPECT_TRUE(refusal(p).starts_with("ciphers: ")) << list;
    }
    // A server that would do without a certificate gets no chance either.
    p.ciphers = "ALL:@SECLEVEL=0";
    tls_pair pair(p, {.versions = tls_range::only_1_2, .ciphers = "aNULL:@SECLEVEL=0"});
    pair.exchange();
    EXPECT_EQ(pair.client->state(), link_state::failed);
}

} // namespace nats::test

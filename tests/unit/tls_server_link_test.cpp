// SPDX-License-Identifier: Apache-2.0
//
// The server's side of TLS: against our own client's side however the bytes are cut, against
// OpenSSL's client where ours would not do what is needed, and against bytes that are no TLS.

#include <natsproto/openssl/provider.hpp>

#include "support/certificates.hpp"
#include "support/fake_crypto.hpp"
#include "support/tls_client.hpp"
#include "support/tls_pair.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace nats::test {

namespace {

const certificate_authority& authority() {
    static const certificate_authority ca("test CA");
    return ca;
}
const certificate_authority& authority_of_clients() {
    static const certificate_authority ca("client CA");
    return ca;
}
const identity& server_identity() {
    static const identity self = authority().intermediate("between").server("server.test");
    return self;
}
const identity& alice() {
    static const identity self = authority_of_clients().client("alice");
    return self;
}

tls_server_parameters server_parameters() {
    tls_server_parameters p;
    p.certificate = server_identity().certificate;
    p.key = server_identity().key;
    return p;
}
tls_server_parameters asking(bool required) {
    tls_server_parameters p = server_parameters();
    p.ca = authority_of_clients().root();
    p.require_client_certificate = required;
    return p;
}
tls_parameters client_parameters(const identity& self = {}) {
    tls_parameters p;
    p.server_name = "server.test";
    p.ca = authority().root();
    p.system_roots = false;
    p.certificate = self.certificate;
    p.key = self.key;
    return p;
}

result<std::unique_ptr<tls_acceptor>> acceptor_of(const tls_server_parameters& p) {
    static const openssl::provider provider;
    return provider.tls_server(p);
}
std::unique_ptr<link> make_server(const tls_server_parameters& p) {
    auto acceptor = acceptor_of(p);
    EXPECT_TRUE(acceptor) << acceptor.error().message();
    return std::move((*acceptor)->accept()).value(); // and outlives the acceptor
}

void exchange(foreign_client& client, link& server, std::string& received) {
    for (;;) {
        const std::string up = client.take();
        if (!up.empty()) give_wire(server, up);
        received += read_all(server);
        const std::string down = take_wire(server);
        client.give(down);
        if (up.empty() && down.empty()) return;
    }
}
void exchange(foreign_client& client, link& server) {
    std::string received;
    exchange(client, server, received);
    EXPECT_EQ(received, "");
}

/// Both of ours.
struct own_pair {
    own_pair(const tls_parameters& c, const tls_server_parameters& s)
        : client(make_link(c)), server(make_server(s)) {}

    void exchange(const wire_cut& cut = whole()) {
        for (;;) {
            const std::string up = take_wire(*client, cut(), &client_completed);
            if (!up.empty()) give_wire(*server, up);
            const std::string up_text = read_all(*server);
            const std::string down = take_wire(*server, cut(), &server_completed);
            if (!down.empty()) give_wire(*client, down);
            const std::string down_text = read_all(*client);
            at_server += up_text;
            at_client += down_text;
            if (up.empty() && down.empty() && up_text.empty() && down_text.empty()) return;
        }
    }
    std::unique_ptr<link> client;
    std::unique_ptr<link> server;
    std::string at_client; ///< what has come there
    std::string at_server;
    std::size_t client_completed = 0; ///< sum of what `transmitted` said
    std::size_t server_completed = 0;
};

std::string pattern(std::size_t size, std::uint64_t seed) {
    std::mt19937_64 engine(seed);
    std::string out(size, '\0');
    for (char& c : out) c = static_cast<char>(engine());
    return out;
}

class tls_server_link : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(versions, tls_server_link, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& one) {
                             return one.param == TLS1_2_VERSION ? "v1_2" : "v1_3";
                         });

} // namespace

// --- with our own client

TEST(tls_server_own, works_however_the_wire_is_cut) {
    std::vector<wire_cut> cuts{whole()};
    for (std::size_t n = 1; n <= 25; ++n) cuts.push_back(always(n));
    for (const std::size_t n : {127U, 500U, 1000U, 1999U}) cuts.push_back(always(n));
    for (std::uint64_t seed = 1; seed <= 10; ++seed) cuts.push_back(at_random(seed));
    const std::string up = pattern(20000, 1);
    const std::string down = pattern(20000, 2);
    for (const wire_cut& cut : cuts) {
        own_pair p(client_parameters(alice()), asking(true));
        EXPECT_EQ(p.server->state(), link_state::handshaking);
        EXPECT_EQ(p.server->untransmitted(), 0U) << "the client speaks first";
        EXPECT_EQ(write_text(*p.server, "INFO {}\r\n"), 0U);
        p.exchange(cut);
        ASSERT_EQ(p.server->state(), link_state::open) << p.server->failure().message();
        ASSERT_EQ(p.client->state(), link_state::open) << p.client->failure().message();
        ASSERT_EQ(write_text(*p.client, up), up.size());
        ASSERT_EQ(write_text(*p.server, down), down.size());
        p.exchange(cut);
        ASSERT_TRUE(p.at_server == up && p.at_client == down);
        EXPECT_EQ(p.client_completed, up.size());
        EXPECT_EQ(p.server_completed, down.size());

        p.server->end();
        p.exchange(cut);
        EXPECT_EQ(p.client->state(), link_state::ended);
        p.client->end();
        p.exchange(cut);
        EXPECT_EQ(p.server->state(), link_state::ended);
    }
}

TEST(tls_server_own, one_acceptor_serves_many_and_may_go_first) {
    auto acceptor = acceptor_of(server_parameters());
    ASSERT_TRUE(acceptor);
    std::vector<std::unique_ptr<link>> servers;
    for (int i = 0; i < 3; ++i) servers.push_back(std::move((*acceptor)->accept()).value());
    acceptor->reset();
    for (std::unique_ptr<link>& server : servers) {
        own_pair p(client_parameters(), server_parameters());
        p.server = std::move(server);
        p.exchange();
        EXPECT_EQ(p.server->state(), link_state::open) << p.server->failure().message();
    }
}

TEST(tls_server_own, a_client_that_refuses_the_certificate_says_so) {
    const identity expired =
        authority().issue({.dns = {"server.test"}, .first_day = -9, .last_day = -1});
    const identity other = certificate_authority("other CA").server("server.test");
    const identity named = authority().server("another.test");
    const struct {
        const identity& self;
        errc at_client;
        const char* words;
    } cases[] = {
        {expired, errc::tls_certificate_expired, "the client says: certificate expired"},
        {other, errc::tls_unknown_authority, "the client says: unknown CA"},
        {named, errc::tls_wrong_name, "the client says: bad certificate"},
    };
    for (const auto& x : cases) {
        tls_server_parameters s = server_parameters();
        s.certificate = x.self.certificate;
        s.key = x.self.key;
        own_pair p(client_parameters(), s);
        p.exchange();
        EXPECT_EQ(p.client->failure().code(), x.at_client) << p.client->failure().message();
        EXPECT_EQ(p.server->state(), link_state::failed);
        EXPECT_EQ(p.server->failure().code(), errc::tls_failed);
        EXPECT_EQ(p.server->failure().detail(), x.words);
    }
}

// --- certificates of clients

TEST_P(tls_server_link, certificates_of_clients) {
    const identity expired = authority_of_clients().issue(
        {.common_name = "alice", .first_day = -9, .last_day = -1, .client = true});
    const identity stranger = certificate_authority("other CA").client("alice");
    const identity no_client = authority_of_clients().server("alice");
    const errc none{};
    const struct {
        const char* what;
        const identity self;
        bool required;
        errc at_server;
        const char* detail; ///< a part of it
        const char* at_client;
    } cases[] = {
        {"good", alice(), true, none, "", ""},
        {"good though not needed", alice(), false, none, "", ""},
        {"none, and none is needed", {}, false, none, "", ""},
        {"none", {}, true, errc::tls_certificate_required, "did not return", "handshake failure"},
        {"expired", expired, true, errc::tls_certificate_refused, "it ended", "expired"},
        {"expired, not needed", expired, false, errc::tls_certificate_refused, "it ended",
         "expired"},
        {"of another authority", stranger, true, errc::tls_certificate_refused, "issued by",
         "unknown ca"},
        {"of a server", no_client, true, errc::tls_certificate_refused, "purpose", "certificate"},
    };
    for (const auto& x : cases) {
        SCOPED_TRACE(x.what);
        foreign_client client({.version = GetParam(), .self = x.self});
        const std::unique_ptr<link> server = make_server(asking(x.required));
        exchange(client, *server);
        if (x.at_server == none) {
            EXPECT_EQ(server->state(), link_state::open) << server->failure().message();
            EXPECT_TRUE(client.open()) << client.problem;
            continue;
        }
        EXPECT_EQ(server->state(), link_state::failed);
        EXPECT_EQ(server->failure().code(), x.at_server) << server->failure().message();
        EXPECT_NE(server->failure().detail().find(x.detail), std::string::npos)
            << server->failure().detail();
        EXPECT_NE(client.problem, "") << "the alert has come";
        const bool late =
            x.at_server == errc::tls_certificate_required && GetParam() == TLS1_3_VERSION;
        EXPECT_NE(client.problem.find(late ? "certificate required" : x.at_client),
                  std::string::npos)
            << client.problem;
    }
}

TEST(tls_server_certificates, are_asked_for_only_if_there_is_an_authority) {
    foreign_client client({.self = alice()});
    const std::unique_ptr<link> server = make_server(server_parameters());
    exchange(client, *server);
    EXPECT_TRUE(client.open());
    EXPECT_EQ(server->state(), link_state::open);
    const STACK_OF(X509_NAME)* const none = SSL_get0_peer_CA_list(client.ssl);
    EXPECT_LE(sk_X509_NAME_num(none), 0);

    foreign_client asked({});
    const std::unique_ptr<link> asks = make_server(asking(false));
    exchange(asked, *asks);
    EXPECT_EQ(sk_X509_NAME_num(SSL_get0_peer_CA_list(asked.ssl)), 1) << "clients choose by it";
}

TEST(tls_server_own, our_client_knows_why_it_was_sent_away) {
    own_pair missing(client_parameters(), asking(true));
    missing.exchange();
    EXPECT_EQ(missing.client->failure().code(), errc::tls_certificate_required);
    own_pair refused(client_parameters(authority().client("alice")), asking(true));
    refused.exchange();
    EXPECT_EQ(refused.client->failure().code(), errc::tls_certificate_refused);
}

// --- settings

TEST(tls_server_settings, that_cannot_be_used_are_errors) {
    const identity& self = server_identity();
    const std::string locked = encrypted_key(self.key, "open sesame");
    using set = void (*)(tls_server_parameters&, const std::string&);
    const struct {
        const char* why;
        std::string text;
        set change;
    } cases[] = {
        {"certificate: there is none", "", [](auto& p, auto&) { p.certificate = p.key = {}; }},
        {"certificate: there is none for the key", "", [](auto& p, auto&) { p.certificate = {}; }},
        {"key: there is none for the certificate", "", [](auto& p, auto&) { p.key = {}; }},
        {"certificate: no certificate is in it", "x", [](auto& p, auto& t) { p.certificate = t; }},
        {"key: no private key is in it", "x", [](auto& p, auto& t) { p.key = t; }},
        {"key: it is not the key of the certificate", alice().key,
         [](auto& p, auto& t) { p.key = t; }},
        {"key: it needs a key_password", locked, [](auto& p, auto& t) { p.key = t; }},
        {"key_password: it does not open the key", locked,
         [](auto& p, auto& t) {
             p.key = t;
             p.key_password = "wrong";
         }},
        {"", locked,
         [](auto& p, auto& t) {
             p.key = t;
             p.key_password = "open sesame";
         }},
        {"ca: there is none, and client certificates are required", "",
         [](auto& p, auto&) { p.require_client_certificate = true; }},
        {"ca: no certificate is in it", "x", [](auto& p, auto& t) { p.ca = t; }},
        {"ciphers: unknown: NONSENSE", "NONSENSE", [](auto& p, auto& t) { p.ciphers = t; }},
        {"cipher_suites: unknown: NONSENSE", "NONSENSE",
         [](auto& p, auto& t) { p.cipher_suites = t; }},
    };
    for (const auto& x : cases) {
        tls_server_parameters p = server_parameters();
        x.change(p, x.text);
        const auto made = acceptor_of(p);
        ASSERT_EQ(made.has_value(), *x.why == '\0') << x.why;
        if (made) continue;
        EXPECT_EQ(made.error().code(), errc::tls_configuration);
        EXPECT_EQ(made.error().detail(), x.why);
    }
}

TEST(tls_server_settings, versions_and_ciphers_hold) {
    const auto outcome = [](const tls_server_parameters& p, int version) {
        foreign_client client({.version = version});
        const std::unique_ptr<link> server = make_server(p);
        exchange(client, *server);
        EXPECT_EQ(client.open(), server->state() == link_state::open);
        if (server->state() == link_state::open)
            return std::string(SSL_get_cipher_name(client.ssl));
        EXPECT_EQ(server->failure().code(), errc::tls_protocol) << server->failure().message();
        EXPECT_NE(client.problem, "") << "an alert was sent";
        return std::string();
    };
    tls_server_parameters p = server_parameters();
    EXPECT_EQ(outcome(p, TLS1_1_VERSION), "");
    EXPECT_NE(outcome(p, TLS1_2_VERSION), "");
    EXPECT_NE(outcome(p, TLS1_3_VERSION), "");
    p.ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305";
    p.cipher_suites = "TLS_CHACHA20_POLY1305_SHA256";
    EXPECT_EQ(outcome(p, TLS1_2_VERSION), "ECDHE-ECDSA-CHACHA20-POLY1305");
    EXPECT_EQ(outcome(p, TLS1_3_VERSION), "TLS_CHACHA20_POLY1305_SHA256");
    p.ciphers = "ECDHE-RSA-AES128-GCM-SHA256"; // which is not for a key like ours
    EXPECT_EQ(outcome(p, TLS1_2_VERSION), "");
    p.minimum = tls_version::v1_3;
    EXPECT_EQ(outcome(p, TLS1_2_VERSION), "");
    EXPECT_NE(outcome(p, TLS1_3_VERSION), "");
}

TEST(tls_server_settings, a_provider_that_is_a_client_only_says_so) {
    const fake_crypto none;
    const auto made = none.tls_server({});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code(), errc::tls_unavailable);
}

// --- what clients try

TEST(tls_server_garbage, is_no_tls) {
    for (const std::string& text :
         {std::string("CONNECT {\"verbose\":false}\r\nPING\r\n"),
          std::string("GET / HTTP/1.1\r\n\r\n"), std::string(1000, '\0'), std::string(100, '\xff'),
          std::string("\x16\x03\x01\0\5hello", 10),
          std::string("\x16\x03\x01\0\x09\x01\0\0\5hello", 14)}) {
        const std::unique_ptr<link> server = make_server(server_parameters());
        give_wire(*server, text);
        EXPECT_EQ(server->state(), link_state::failed) << text;
        EXPECT_EQ(server->failure().code(), errc::tls_protocol) << server->failure().message();
        EXPECT_EQ(read_all(*server), "");
        EXPECT_EQ(write_text(*server, "x"), 0U);
        EXPECT_LE(server->untransmitted(), 7U) << "an alert at most";
        give_wire(*server, pattern(70000, 1)); // more of it changes nothing
        EXPECT_EQ(server->failure().code(), errc::tls_protocol);
    }
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        const std::unique_ptr<link> server = make_server(server_parameters());
        std::string bytes = pattern(1 + seed * 7, seed);
        if (seed % 2 == 0) bytes.insert(0, "\x16\x03\x01\x01", 4); // the front of a hello
        give_wire(*server, bytes);
        server->handle_eof();
        EXPECT_EQ(server->state(), link_state::failed);
        EXPECT_EQ(read_all(*server), "");
    }
}

namespace {

/// What a client sends for a handshake and some text, and with what the server answered each part.
struct recording {
    explicit recording(int version) : client({.version = version, .self = alice()}) {}

    /// Plays against a new server; `change` sees all bytes of the client with their number.
    template <class Change>
    std::string play(link& server, Change change) {
        std::string text;
        std::size_t number = 0;
        for (;;) {
            std::string up = client.take();
            if (up.empty() && client.open() && !sent) {
                sent = true;
                client.send("PING\r\n");
                continue;
            }
            const bool more = change(up, number);
            number += up.size();
            if (!up.empty()) give_wire(server, up);
            text += read_all(server);
            if (!more) server.handle_eof();
            const std::string down = take_wire(server);
            client.give(down);
            if (!more || (up.empty() && down.empty())) break;
        }
        total = number;
        return text;
    }
    foreign_client client;
    bool sent = false;
    std::size_t total = 0;
};

std::size_t bytes_of_client(int version) {
    recording r(version);
    const std::unique_ptr<link> server = make_server(asking(true));
    EXPECT_EQ(r.play(*server, [](std::string&, std::size_t) { return true; }), "PING\r\n");
    return r.total;
}

} // namespace

TEST_P(tls_server_link, cut_off_anywhere_is_a_truncation) {
    const std::size_t total = bytes_of_client(GetParam());
    for (std::size_t at = 0; at < total; at += 1 + total / 80) {
        recording r(GetParam());
        const std::unique_ptr<link> server = make_server(asking(true));
        const std::string text = r.play(*server, [at](std::string& up, std::size_t number) {
            if (number + up.size() <= at) return true;
            up.resize(at - number);
            return false;
        });
        ASSERT_EQ(server->state(), link_state::failed) << at;
        ASSERT_EQ(server->failure().code(), errc::tls_truncated) << at;
        ASSERT_EQ(text, "") << at;
    }
}

TEST_P(tls_server_link, a_flipped_bit_anywhere_never_yields_wrong_text) {
    const std::size_t total = bytes_of_client(GetParam());
    std::size_t failed = 0;
    for (std::size_t at = 0; at < total; at += 1 + total / 120) {
        recording r(GetParam());
        const std::unique_ptr<link> server = make_server(asking(true));
        const std::string text = r.play(*server, [at](std::string& up, std::size_t number) {
            if (at >= number && at < number + up.size())
                up[at - number] = static_cast<char>(up[at - number] ^ (1 << at % 8));
            return true;
        });
        ASSERT_TRUE(text.empty() || text == "PING\r\n") << at;
        if (server->state() == link_state::failed) ++failed;
    }
    EXPECT_GT(failed, 70U);
}

TEST_P(tls_server_link, nothing_is_sent_behind_the_handshake_and_nothing_resumed) {
    foreign_client first({.version = GetParam()});
    const auto acceptor = acceptor_of(asking(false));
    ASSERT_TRUE(acceptor);
    std::unique_ptr<link> server = std::move((*acceptor)->accept()).value();
    while (server->state() == link_state::handshaking) {
        first.give(take_wire(*server));
        give_wire(*server, first.take());
    }
    if (GetParam() == TLS1_3_VERSION) { // tickets would lie here
        EXPECT_EQ(server->untransmitted(), 0U);
    }
    exchange(first, *server);
    ASSERT_TRUE(first.open());
    SSL_SESSION* const session = SSL_get1_session(first.ssl);
    EXPECT_EQ(SSL_SESSION_is_resumable(session), 0);
    foreign_client second({.version = GetParam(), .resume = session});
    server = std::move((*acceptor)->accept()).value();
    exchange(second, *server);
    EXPECT_TRUE(second.open());
    EXPECT_EQ(SSL_session_reused(second.ssl), 0);
    SSL_SESSION_free(session);
}

TEST(tls_server_renegotiation, is_refused_and_the_connection_goes_on) {
    foreign_client client({.version = TLS1_2_VERSION});
    const std::unique_ptr<link> server = make_server(server_parameters());
    exchange(client, *server);
    ASSERT_EQ(server->state(), link_state::open);
    client.send("before ");
    SSL_renegotiate(client.ssl);
    SSL_do_handshake(client.ssl);
    ERR_clear_error();
    const std::string demand = client.take();
    give_wire(*server, demand);
    EXPECT_EQ(read_all(*server), "before ");
    EXPECT_EQ(server->state(), link_state::open);
    EXPECT_LT(server->untransmitted(), 60U) << "one alert, and no hello";
    EXPECT_GT(server->untransmitted(), 0U);
    EXPECT_EQ(write_text(*server, "goes on"), 7U);
}

TEST(tls_server_keys, a_client_that_demands_answers_and_reads_none_is_given_up) {
    foreign_client client({.version = TLS1_3_VERSION});
    const std::unique_ptr<link> server = make_server(server_parameters());
    exchange(client, *server);
    std::size_t most = 0;
    for (int i = 0; i < 20000 && server->state() == link_state::open; ++i) {
        SSL_key_update(client.ssl, SSL_KEY_UPDATE_REQUESTED);
        SSL_do_handshake(client.ssl);
        give_wire(*server, client.take());
        EXPECT_EQ(read_all(*server), "");
        most = std::max(most, server->untransmitted());
    }
    EXPECT_EQ(server->state(), link_state::failed);
    EXPECT_LE(most, 128U * 1024 + 200);
}

} // namespace nats::test

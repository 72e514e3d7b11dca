// SPDX-License-Identifier: Apache-2.0
//
// Peers that speak no TLS, streams that are cut off or damaged at each of their bytes, and a thread
// whose OpenSSL errors are not ours: never a wrong byte of plain text, never anything but a clean
// failure.

#include <natsproto/openssl/provider.hpp>

#include "support/tls_pair.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace nats::test {

namespace {

constexpr std::string_view plain = "INFO {\"server_id\":\"X\"}\r\n";

const certificate_authority& authority() {
    static const certificate_authority ca("test CA");
    return ca;
}

tls_parameters parameters() {
    tls_parameters p;
    p.server_name = "server.test";
    p.ca = authority().root();
    p.system_roots = false;
    return p;
}

tls_server_options server_options(tls_range versions) {
    static const identity self = authority().server("server.test");
    return {.self = self, .versions = versions};
}

/// Runs a connection in which the server says `plain` as soon as it can. `change` gets each piece
/// of wire bytes for the client and where it begins in the stream.
template <class Change>
void run(tls_pair& pair, Change change) {
    bool said = false;
    std::size_t at = 0;
    for (;;) {
        const std::string up = take_wire(*pair.client);
        if (!up.empty()) pair.server.receive(up);
        if (pair.server.open() && !said) {
            pair.server.send(plain);
            pair.server.close();
            said = true;
        }
        std::string down = pair.server.take_output();
        const std::size_t begin = at;
        at += down.size();
        if (!down.empty()) {
            change(down, begin);
            give_wire(*pair.client, down);
        }
        pair.received += read_all(*pair.client);
        if (up.empty() && down.empty()) break;
    }
    pair.from_server.resize(at);
}

/// The wire bytes of the server in an undisturbed connection; sizes vary a little with signatures.
std::size_t length_of_connection(tls_range versions) {
    tls_pair pair(parameters(), server_options(versions));
    run(pair, [](std::string&, std::size_t) {});
    EXPECT_EQ(pair.received, plain);
    EXPECT_EQ(pair.client->state(), link_state::ended);
    return pair.from_server.size();
}

/// Those before the client is satisfied.
std::size_t length_of_handshake(tls_range versions) {
    tls_pair pair(parameters(), server_options(versions));
    std::size_t length = 0;
    while (pair.client->state() == link_state::handshaking) {
        pair.server.receive(take_wire(*pair.client));
        for (std::string byte = pair.server.take_output(1);
             !byte.empty() && pair.client->state() == link_state::handshaking;
             byte = pair.server.take_output(1)) {
            give_wire(*pair.client, byte);
            ++length;
        }
    }
    return length;
}

error failure_after(std::string_view wire) {
    const auto client = make_link(parameters());
    give_wire(*client, wire);
    EXPECT_EQ(client->state(), link_state::failed) << wire;
    return client->failure();
}

class tls_damage : public testing::TestWithParam<tls_range> {};

INSTANTIATE_TEST_SUITE_P(versions, tls_damage,
                         testing::Values(tls_range::only_1_2, tls_range::only_1_3),
                         [](const auto& one) {
                             return one.param == tls_range::only_1_2 ? "v1_2" : "v1_3";
                         });

} // namespace

TEST(tls_garbage, is_no_tls) {
    for (const std::string_view wire :
         {"INFO {\"server_id\":\"X\"}\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", "-ERR 'no'\r\n",
          "SSH-2.0-OpenSSH_9.2\r\n", "\x80\x2e\x01\x03\x01 of SSL 2", "\xff\xff\xff\xff\xff\xff"})
        EXPECT_EQ(failure_after(wire), errc::tls_protocol) << wire;
    EXPECT_EQ(failure_after(std::string(5, '\0')), errc::tls_protocol);
    // The header of a record is right, and nothing in it.
    EXPECT_EQ(failure_after(std::string("\x16\x03\x03\x00\x05hello", 10)), errc::tls_protocol);
    // Application data before any hello.
    EXPECT_EQ(failure_after(std::string("\x17\x03\x03\x00\x05hello", 10)), errc::tls_protocol);
    // A record larger than can be.
    EXPECT_EQ(failure_after(std::string("\x16\x03\x03\xff\xff", 5)), errc::tls_protocol);
}

TEST(tls_garbage, is_answered_by_an_alert_and_nothing_else) {
    const auto client = make_link(parameters());
    (void)take_wire(*client);
    give_wire(*client, std::string("\x16\x03\x03\x00\x05hello", 10));
    const std::string alert = take_wire(*client);
    ASSERT_EQ(alert.size(), 7U);
    EXPECT_EQ(alert[0], '\x15');
    EXPECT_EQ(alert[5], '\x02'); // fatal
    give_wire(*client, "more of it");
    client->handle_eof();
    client->end();
    EXPECT_EQ(read_all(*client), "");
    EXPECT_EQ(client->untransmitted(), 0U);
    EXPECT_EQ(client->failure(), errc::tls_protocol); // the first reason stays
}

TEST(tls_garbage, at_random_never_opens_a_connection) {
    std::mt19937_64 engine(1);
    for (int i = 0; i < 300; ++i) {
        const auto client = make_link(parameters());
        std::string wire("\x16\x03\x03", 3);
        const std::size_t size = engine() % 300;
        for (std::size_t n = 0; n < size; ++n) wire += static_cast<char>(engine());
        give_wire(*client, wire);
        EXPECT_NE(client->state(), link_state::open);
        client->handle_eof();
        EXPECT_EQ(client->state(), link_state::failed);
        EXPECT_EQ(read_all(*client), "");
    }
}

TEST(tls_alerts, say_what_the_server_thinks) {
    const auto alert = [](char level, char number) {
        return std::string("\x15\x03\x03\x00\x02", 5) + level + number;
    };
    const error refused = failure_after(alert(2, 40)); // handshake_failure, before any hello
    EXPECT_EQ(refused, errc::tls_protocol);
    EXPECT_EQ(refused.detail(), "the server says: handshake failure");
    EXPECT_EQ(failure_after(alert(2, 70)), errc::tls_protocol);
    EXPECT_EQ(failure_after(alert(2, 71)), errc::tls_protocol);
    EXPECT_EQ(failure_after(alert(2, 112)), errc::tls_failed); // unrecognized_name
    EXPECT_EQ(failure_after(alert(2, 80)), errc::tls_failed);
    EXPECT_EQ(failure_after(alert(2, 80)).detail(), "the server says: internal error");
    EXPECT_EQ(failure_after(alert(2, 116)), errc::tls_certificate_required);
    for (const char number : {'\x2a', '\x2b', '\x2c', '\x2d', '\x2e', '\x30', '\x31'})
        EXPECT_EQ(failure_after(alert(2, number)), errc::tls_certificate_refused) << int{number};
    EXPECT_EQ(failure_after(alert(2, 99)).detail(), "the server says: alert 99");
    EXPECT_EQ(failure_after(alert(1, 0)), errc::tls_failed); // close_notify in the handshake
}

TEST(tls_alerts, behind_the_hello_of_the_server_are_about_something_else_than_ciphers) {
    const std::string failure("\x15\x03\x03\x00\x02\x02\x28", 7); // handshake_failure
    const std::string nonsense("\x16\x03\x03\x00\x04\x63\x00\x00\x00", 9);
    for (const std::string& wire : {failure, nonsense}) {
        tls_pair pair(parameters(), server_options(tls_range::only_1_2));
        pair.server.receive(take_wire(*pair.client));
        give_wire(*pair.client, pair.server.take_output());
        ASSERT_EQ(pair.client->state(), link_state::handshaking);
        give_wire(*pair.client, wire);
        EXPECT_EQ(pair.client->failure(), errc::tls_failed) << pair.client->failure().message();
    }
}

TEST(tls_damage_1_3, of_the_encrypted_handshake_is_a_broken_record) {
    tls_pair pair(parameters(), server_options(tls_range::only_1_3));
    pair.server.receive(take_wire(*pair.client));
    std::string flight = pair.server.take_output();
    flight[flight.size() - 20] = static_cast<char>(flight[flight.size() - 20] ^ 1);
    give_wire(*pair.client, flight);
    EXPECT_EQ(pair.client->state(), link_state::failed);
    EXPECT_EQ(pair.client->failure(), errc::tls_truncated) << pair.client->failure().message();
}

TEST_P(tls_damage, cut_off_at_any_byte_is_a_truncation) {
    const std::size_t length = length_of_connection(GetParam());
    const std::size_t handshake = length_of_handshake(GetParam());
    std::size_t opened = 0;
    for (std::size_t cut = 0; cut < length - 8; ++cut) {
        tls_pair pair(parameters(), server_options(GetParam()));
        bool over = false;
        run(pair, [&](std::string& wire, std::size_t begin) {
            if (begin + wire.size() > cut) {
                wire.resize(begin < cut ? cut - begin : 0);
                over = true;
            }
        });
        ASSERT_TRUE(over);
        const link_state before = pair.client->state();
        ASSERT_TRUE(before == link_state::handshaking || before == link_state::open) << cut;
        if (before == link_state::open) ++opened;
        pair.client->handle_eof();
        ASSERT_EQ(pair.client->state(), link_state::failed) << cut;
        ASSERT_EQ(pair.client->failure(), errc::tls_truncated) << cut;
        ASSERT_TRUE(pair.received.empty() || pair.received == plain) << cut;
    }
    // Only those cut behind the handshake. Signatures vary by a few bytes.
    EXPECT_LE(opened, length - handshake + 8);
    EXPECT_GE(opened + 16, length - handshake);
}

TEST_P(tls_damage, a_flipped_bit_anywhere_never_yields_wrong_text) {
    const std::size_t length = length_of_connection(GetParam());
    std::size_t survived = 0;
    std::size_t truncated = 0;
    for (std::size_t at = 0; at < length; ++at) {
        tls_pair pair(parameters(), server_options(GetParam()));
        run(pair, [&](std::string& wire, std::size_t begin) {
            if (at >= begin && at < begin + wire.size())
                wire[at - begin] = static_cast<char>(wire[at - begin] ^ (1 << (at % 8)));
        });
        ASSERT_TRUE(pair.received.empty() || pair.received == plain) << at;
        pair.client->handle_eof();
        const link_state state = pair.client->state();
        ASSERT_TRUE(state == link_state::failed || state == link_state::ended) << at;
        if (state == link_state::ended) ++survived;
        if (state == link_state::failed && pair.client->failure() == errc::tls_truncated)
            ++truncated;
    }
    // A few bytes mean nothing, such as the version in the header of a record of TLS 1.3.
    EXPECT_LE(survived, 10U);
    EXPECT_GT(truncated, plain.size());
}

TEST_P(tls_damage, a_damaged_record_ends_an_open_connection_with_an_alert) {
    tls_pair pair(parameters(), server_options(GetParam()));
    pair.exchange();
    pair.server.send("good");
    pair.server.send("damaged");
    pair.server.send("never seen");
    std::string wire = pair.server.take_output();
    const std::size_t second = 5 + std::size_t{static_cast<unsigned char>(wire[4])};
    wire[second + 8] = static_cast<char>(wire[second + 8] ^ 1);
    give_wire(*pair.client, wire);
    EXPECT_EQ(read_all(*pair.client), "good");
    EXPECT_EQ(pair.client->state(), link_state::failed);
    EXPECT_EQ(pair.client->failure(), errc::tls_truncated);
    EXPECT_EQ(write_text(*pair.client, "x"), 0U);
    pair.server.receive(take_wire(*pair.client));
    EXPECT_NE(pair.server.problem().find("alert bad record mac"), std::string::npos)
        << pair.server.problem();
}

TEST_P(tls_damage, plain_bytes_in_an_open_connection_are_no_text) {
    tls_pair pair(parameters(), server_options(GetParam()));
    pair.exchange();
    give_wire(*pair.client, "MSG subject 1 5\r\nhello\r\n");
    EXPECT_EQ(read_all(*pair.client), "");
    EXPECT_EQ(pair.client->failure(), errc::tls_truncated);
}

TEST_P(tls_damage, a_record_that_comes_twice_is_refused) {
    tls_pair pair(parameters(), server_options(GetParam()));
    pair.exchange();
    pair.server.send("once");
    const std::string wire = pair.server.take_output();
    give_wire(*pair.client, wire + wire);
    EXPECT_EQ(read_all(*pair.client), "once");
    EXPECT_EQ(pair.client->failure(), errc::tls_truncated);
}

// --- OpenSSL's queue of errors, which all of a thread share

TEST_P(tls_damage, errors_of_others_do_not_confuse) {
    const auto leave_one = [] { ERR_raise(ERR_LIB_SSL, SSL_R_UNEXPECTED_MESSAGE); };
    leave_one();
    tls_pair pair(parameters(), server_options(GetParam()));
    for (int i = 0; i < 100; ++i) {
        const std::string up = take_wire(*pair.client, 50);
        if (!up.empty()) pair.server.receive(up);
        leave_one();
        const std::string down = pair.server.take_output(50);
        leave_one();
        if (!down.empty()) give_wire(*pair.client, down);
        leave_one();
        EXPECT_EQ(read_all(*pair.client), "");
    }
    ASSERT_EQ(pair.client->state(), link_state::open) << pair.client->failure().message();
    leave_one();
    EXPECT_EQ(write_text(*pair.client, "up"), 2U);
    pair.server.send("down");
    const std::string down = pair.server.take_output();
    give_wire(*pair.client, down.substr(0, 10));
    leave_one();
    EXPECT_EQ(read_all(*pair.client), ""); // the rest is missing: no error
    ASSERT_EQ(pair.client->state(), link_state::open);
    give_wire(*pair.client, down.substr(10));
    leave_one();
    EXPECT_EQ(read_all(*pair.client), "down");
    leave_one();
    pair.client->handle_eof();
    EXPECT_EQ(pair.client->failure(), errc::tls_truncated);
}

TEST_P(tls_damage, failures_leave_no_error_behind) {
    tls_pair pair(parameters(), server_options(GetParam()));
    pair.exchange();
    ERR_clear_error();
    give_wire(*pair.client, "not a record");
    EXPECT_EQ(read_all(*pair.client), "");
    ASSERT_EQ(pair.client->state(), link_state::failed);
    EXPECT_EQ(ERR_peek_error(), 0U);

    tls_parameters p = parameters();
    p.server_name = "other.test";
    tls_pair refused(p, server_options(GetParam()));
    refused.server.receive(take_wire(*refused.client));
    const std::string flight = refused.server.take_output();
    ERR_clear_error();
    give_wire(*refused.client, flight);
    ASSERT_EQ(refused.client->state(), link_state::failed);
    EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(tls_threads, make_connections_at_the_same_time) {
    std::array<bool, 4> good{};
    std::vector<std::thread> threads;
    threads.reserve(good.size());
    for (bool& mine : good) {
        threads.emplace_back([&mine] {
            mine = true;
            for (int i = 0; i < 20; ++i) {
                tls_pair pair(parameters(), server_options(tls_range::any));
                pair.exchange();
                mine = mine && pair.client->state() == link_state::open;
            }
        });
    }
    for (std::thread& t : threads) t.join();
    for (const bool each : good) EXPECT_TRUE(each);
}

} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// The TLS link against a server in memory: handshakes however the bytes are cut, bytes both ways
// with exact accounting and bounded memory, and the end of TLS.

#include <natsproto/openssl/provider.hpp>

#include "support/tls_pair.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace nats::test {

namespace {

constexpr std::size_t record_size = 16 * 1024;

const certificate_authority& authority() {
    static const certificate_authority ca("test CA");
    return ca;
}

const identity& server_identity() {
    static const identity self = authority().server("server.test");
    return self;
}

tls_parameters parameters() {
    tls_parameters p;
    p.server_name = "server.test";
    p.ca = authority().root();
    p.system_roots = false;
    return p;
}

tls_server_options server_options(tls_range versions = tls_range::any) {
    return {.self = server_identity(), .versions = versions};
}

std::string pattern(std::size_t size, std::uint64_t seed) {
    std::mt19937_64 engine(seed);
    std::string out(size, '\0');
    for (char& c : out) c = static_cast<char>(engine());
    return out;
}

/// The sizes of the records in wire bytes, without their headers.
std::vector<std::size_t> records_in(std::string_view wire) {
    std::vector<std::size_t> sizes;
    while (wire.size() >= 5) {
        const auto high = static_cast<unsigned char>(wire[3]);
        const auto low = static_cast<unsigned char>(wire[4]);
        const std::size_t size = std::size_t{high} * 256 + low;
        sizes.push_back(size);
        EXPECT_GE(wire.size(), 5 + size);
        wire.remove_prefix(std::min(5 + size, wire.size()));
    }
    EXPECT_TRUE(wire.empty());
    return sizes;
}

class tls_link : public testing::TestWithParam<tls_range> {
protected:
    tls_pair pair{parameters(), server_options(GetParam())};

    void open() {
        pair.exchange();
        ASSERT_EQ(pair.client->state(), link_state::open) << pair.client->failure().message();
        ASSERT_TRUE(pair.server.open()) << pair.server.problem();
    }
};

INSTANTIATE_TEST_SUITE_P(versions, tls_link,
                         testing::Values(tls_range::only_1_2, tls_range::only_1_3),
                         [](const auto& one) {
                             return one.param == tls_range::only_1_2 ? "v1_2" : "v1_3";
                         });

} // namespace

// --- the handshake

TEST_P(tls_link, begins_with_a_hello_and_takes_nothing_before_the_handshake_is_done) {
    EXPECT_EQ(pair.client->state(), link_state::handshaking);
    EXPECT_GT(pair.client->untransmitted(), 0U);
    EXPECT_EQ(write_text(*pair.client, "PING\r\n"), 0U);
    std::array<char, 8> space{};
    EXPECT_EQ(pair.client->read(space), 0U);
    open();
    EXPECT_EQ(pair.completed, 0U); // the handshake is no NATS bytes
    EXPECT_EQ(write_text(*pair.client, "PING\r\n"), 6U);
}

TEST_P(tls_link, the_version_is_the_best_in_common) {
    open();
    EXPECT_EQ(pair.server.version(), GetParam() == tls_range::only_1_2 ? "TLSv1.2" : "TLSv1.3");
}

TEST_P(tls_link, works_however_the_wire_is_cut) {
    std::vector<wire_cut> cuts{whole(), always(1), always(7)};
    for (std::uint64_t seed = 1; seed <= 20; ++seed) cuts.push_back(at_random(seed));
    for (const wire_cut& cut : cuts) {
        tls_pair p(parameters(), server_options(GetParam()));
        p.exchange(cut);
        ASSERT_EQ(p.client->state(), link_state::open) << p.client->failure().message();
        const std::string up = pattern(20000, 1);
        const std::string down = pattern(40000, 2);
        p.server.send(down);
        ASSERT_EQ(write_text(*p.client, up), up.size());
        p.exchange(cut);
        EXPECT_EQ(p.server.take_plain(), up);
        EXPECT_EQ(p.received, down);
        EXPECT_EQ(p.completed, up.size());
    }
}

TEST_P(tls_link, bytes_right_behind_the_handshake_wait_to_be_read) {
    // With TLS 1.2 the server's last flight ends the handshake, and INFO may be in the same read.
    std::string last;
    while (!pair.server.open()) {
        pair.server.receive(take_wire(*pair.client));
        last = pair.server.take_output();
        if (!pair.server.open()) give_wire(*pair.client, last);
    }
    pair.server.send("INFO {}\r\n");
    give_wire(*pair.client, last + pair.server.take_output());
    EXPECT_EQ(pair.client->state(), link_state::open);
    EXPECT_EQ(read_all(*pair.client), "INFO {}\r\n");
}

TEST(tls_link_sni, is_the_name_without_the_dot_of_dns) {
    for (const std::string_view name : {"server.test", "server.test."}) {
        tls_parameters p = parameters();
        p.server_name = name;
        tls_pair pair(p, server_options());
        pair.exchange();
        EXPECT_EQ(pair.client->state(), link_state::open) << pair.client->failure().message();
        EXPECT_EQ(pair.server.sni(), "server.test");
    }
}

TEST(tls_link_sni, is_not_sent_for_addresses) {
    const identity self = authority().issue({.ips = {"127.0.0.1", "::1", "fe80::1"}});
    for (const std::string_view name : {"127.0.0.1", "::1", "fe80::1%eth0"}) {
        tls_parameters p = parameters();
        p.server_name = name;
        tls_pair pair(p, {.self = self});
        pair.exchange();
        EXPECT_EQ(pair.client->state(), link_state::open)
            << name << ": " << pair.client->failure().message();
        EXPECT_EQ(pair.server.sni(), "");
    }
}

// --- records and accounting

TEST_P(tls_link, small_pieces_share_a_record) {
    open();
    const std::string all = pattern(3 * record_size + 100, 3);
    std::vector<const_buffer> pieces;
    for (std::size_t at = 0; at < all.size();) {
        const std::size_t n = std::min<std::size_t>(1 + at % 97, all.size() - at);
        pieces.push_back({all.data() + at, n});
        pieces.push_back({}); // of nothing
        at += n;
    }
    EXPECT_EQ(pair.client->write(pieces), all.size());
    const std::string wire = take_wire(*pair.client);
    const std::vector<std::size_t> sizes = records_in(wire);
    ASSERT_EQ(sizes.size(), 4U);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_GE(sizes[i], record_size) << i;
    pair.server.receive(wire);
    EXPECT_EQ(pair.server.take_plain(), all);
}

TEST_P(tls_link, small_and_large_pieces_together_fill_records) {
    open();
    const std::string head = "PUB subject 49152\r\n";
    const std::string payload = pattern(3 * record_size, 4);
    const std::array<const_buffer, 4> pieces{{{head.data(), head.size()},
                                              {payload.data(), payload.size()},
                                              {head.data(), 2},
                                              {head.data(), head.size()}}};
    EXPECT_EQ(pair.client->write(pieces), 2 * head.size() + payload.size() + 2);
    const std::string wire = take_wire(*pair.client);
    EXPECT_EQ(records_in(wire).size(), 4U);
    pair.server.receive(wire);
    EXPECT_EQ(pair.server.take_plain(), head + payload + head.substr(0, 2) + head);
}

TEST_P(tls_link, a_piece_of_half_a_record_is_not_copied_to_fill_one) {
    open();
    const std::string text = pattern(record_size + 100, 9);
    const std::string_view all = text;
    const std::array<const_buffer, 3> pieces{
        {{all.data(), record_size / 2},
         {all.data() + record_size / 2, 50},
         {all.data() + record_size / 2 + 50, all.size() - record_size / 2 - 50}}};
    EXPECT_EQ(pair.client->write(pieces), all.size());
    const std::string wire = take_wire(*pair.client);
    const std::vector<std::size_t> sizes = records_in(wire);
    ASSERT_EQ(sizes.size(), 2U);
    EXPECT_LT(sizes[0], record_size / 2 + 100);
    pair.server.receive(wire);
    EXPECT_EQ(pair.server.take_plain(), all);
}

TEST_P(tls_link, a_burst_of_64_kib_and_a_little_is_taken_at_once) {
    open();
    const std::string all = pattern(4 * record_size + 150, 10);
    EXPECT_EQ(write_text(*pair.client, all), all.size());
    pair.server.receive(take_wire(*pair.client));
    EXPECT_EQ(pair.server.take_plain(), all);
}

TEST_P(tls_link, a_write_of_nothing_writes_nothing) {
    open();
    const std::array<const_buffer, 2> pieces{};
    EXPECT_EQ(pair.client->write(pieces), 0U);
    EXPECT_EQ(pair.client->write({}), 0U);
    EXPECT_EQ(pair.client->untransmitted(), 0U);
}

TEST_P(tls_link, transmitted_counts_a_record_when_its_last_byte_is_sent) {
    open();
    const std::array<std::size_t, 4> sizes{6, 1, 5000, record_size};
    std::vector<std::size_t> ends; // in wire bytes
    for (const std::size_t n : sizes) {
        ASSERT_EQ(write_text(*pair.client, pattern(n, n)), n);
        ends.push_back(pair.client->untransmitted());
    }
    std::size_t sent = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        while (sent + 1 < ends[i]) {
            ASSERT_EQ(pair.client->transmitted(1), 0U) << sent;
            ++sent;
        }
        ASSERT_EQ(pair.client->transmitted(1), sizes[i]);
        ++sent;
    }
    EXPECT_EQ(pair.client->untransmitted(), 0U);
}

TEST_P(tls_link, transmitted_counts_several_records_at_once) {
    open();
    ASSERT_EQ(write_text(*pair.client, "abc"), 3U);
    ASSERT_EQ(write_text(*pair.client, "defgh"), 5U);
    const std::size_t two = pair.client->untransmitted();
    ASSERT_EQ(write_text(*pair.client, "i"), 1U);
    EXPECT_EQ(pair.client->transmitted(two + 1), 8U);
    EXPECT_EQ(pair.client->transmitted(0), 0U);
    EXPECT_EQ(pair.client->transmitted(pair.client->untransmitted()), 1U);
}

TEST_P(tls_link, offered_pieces_stay_in_place_while_more_is_written) {
    open();
    ASSERT_EQ(write_text(*pair.client, pattern(30000, 1)), 30000U);
    std::array<const_buffer, 16> offered{};
    const std::size_t n = pair.client->poll_transmit(offered);
    std::string before;
    for (std::size_t i = 0; i < n; ++i) before.append(offered[i].data, offered[i].size);
    ASSERT_EQ(write_text(*pair.client, pattern(30000, 2)), 30000U);
    pair.client->end();
    std::string after;
    for (std::size_t i = 0; i < n; ++i) after.append(offered[i].data, offered[i].size);
    EXPECT_EQ(after, before);
    pair.server.receive(take_wire(*pair.client));
    EXPECT_EQ(pair.server.take_plain(), pattern(30000, 1) + pattern(30000, 2));
}

TEST_P(tls_link, takes_no_more_while_64_kib_wait) {
    open();
    const std::string all = pattern(1024 * 1024, 5);
    const std::size_t taken = write_text(*pair.client, all);
    EXPECT_GE(taken, 48U * 1024);
    EXPECT_LE(pair.client->untransmitted(), 65U * 1024 + record_size + 100);
    EXPECT_EQ(write_text(*pair.client, all), 0U);
    EXPECT_EQ(take_wire(*pair.client, record_size).size(), record_size);
    EXPECT_GT(write_text(*pair.client, all), 0U); // room again
}

TEST_P(tls_link, large_transfers_both_ways_in_bounded_memory) {
    open();
    const std::string up = pattern(2 * 1024 * 1024, 6);
    const std::string down = pattern(2 * 1024 * 1024, 7);
    std::string arrived;
    std::size_t written = 0;
    std::size_t sent_down = 0;
    pair.completed = 0;
    wire_cut cut = at_random(8);
    while (arrived.size() < up.size() || pair.received.size() < down.size()) {
        written += write_text(*pair.client, std::string_view(up).substr(written));
        ASSERT_LE(pair.client->untransmitted(), 65U * 1024 + record_size + 100);
        pair.server.receive(take_wire(*pair.client, 10 * cut(), &pair.completed));
        ASSERT_LE(pair.completed, written);
        arrived += pair.server.take_plain();
        ASSERT_EQ(pair.server.problem(), "");
        // Whole records arrive, and each of them was said to be complete.
        ASSERT_EQ(arrived.size(), pair.completed);
        const std::size_t n = std::min<std::size_t>(50000, down.size() - sent_down);
        if (n != 0) pair.server.send(std::string_view(down).substr(sent_down, n));
        sent_down += n;
        give_wire(*pair.client, pair.server.take_output(10 * cut()));
        pair.received += read_all(*pair.client);
    }
    EXPECT_TRUE(arrived == up);
    EXPECT_TRUE(pair.received == down);
    EXPECT_EQ(pair.completed, up.size());
}

TEST_P(tls_link, reads_as_much_as_fits_over_several_records) {
    open();
    for (int i = 0; i < 10; ++i) pair.server.send("0123456789");
    give_wire(*pair.client, pair.server.take_output());
    std::string into(95, '\0');
    EXPECT_EQ(pair.client->read(into), 95U);
    EXPECT_EQ(into.substr(0, 20), "01234567890123456789");
    EXPECT_EQ(pair.client->read({}), 0U);
    EXPECT_EQ(read_all(*pair.client), "56789");
}

TEST_P(tls_link, prepare_gives_what_is_asked_for_and_stays_put) {
    open();
    for (const std::size_t n : {1U, 100U, 70000U}) {
        const std::span<char> space = pair.client->prepare(n);
        EXPECT_GE(space.size(), n);
        std::memset(space.data(), 0, space.size());
    }
    pair.client->commit(0);
    EXPECT_EQ(pair.client->state(), link_state::open);
}

// --- the end

TEST_P(tls_link, end_tells_the_peer_behind_all_that_was_written) {
    open();
    ASSERT_EQ(write_text(*pair.client, "last words"), 10U);
    pair.client->end();
    pair.client->end(); // once is enough
    EXPECT_EQ(write_text(*pair.client, "more"), 0U);
    EXPECT_EQ(pair.client->state(), link_state::open); // the peer may still speak
    const std::string wire = take_wire(*pair.client);
    EXPECT_EQ(records_in(wire).size(), 2U);
    pair.server.receive(wire);
    EXPECT_EQ(pair.server.take_plain(), "last words");
    EXPECT_TRUE(pair.server.client_closed());
    pair.server.send("answer");
    pair.server.close();
    pair.exchange();
    EXPECT_EQ(pair.received, "answer");
    EXPECT_EQ(pair.client->state(), link_state::ended);
}

TEST_P(tls_link, end_before_the_handshake_is_done_sends_nothing) {
    (void)take_wire(*pair.client);
    pair.client->end();
    EXPECT_EQ(pair.client->untransmitted(), 0U);
}

TEST_P(tls_link, the_peers_end_comes_after_what_it_sent) {
    open();
    pair.server.send(pattern(40000, 1));
    pair.server.close();
    give_wire(*pair.client, pair.server.take_output());
    EXPECT_EQ(pair.client->state(), link_state::open);
    EXPECT_TRUE(read_all(*pair.client) == pattern(40000, 1));
    EXPECT_EQ(pair.client->state(), link_state::ended);
    EXPECT_EQ(write_text(*pair.client, "x"), 0U);
    pair.client->handle_eof();
    EXPECT_EQ(pair.client->state(), link_state::ended);
    pair.client->end(); // an answer in order
    pair.server.receive(take_wire(*pair.client));
    EXPECT_TRUE(pair.server.client_closed());
}

TEST_P(tls_link, what_follows_the_end_is_ignored) {
    open();
    pair.server.send("before");
    const std::string before = pair.server.take_output();
    pair.server.close();
    const std::string close = pair.server.take_output();
    give_wire(*pair.client, before + close + before + "INFO {}\r\n");
    EXPECT_EQ(read_all(*pair.client), "before");
    EXPECT_EQ(pair.client->state(), link_state::ended);
    give_wire(*pair.client, before);
    give_wire(*pair.client, "INFO {}\r\n");
    EXPECT_EQ(read_all(*pair.client), "");
    EXPECT_EQ(pair.client->state(), link_state::ended);
    EXPECT_EQ(pair.client->untransmitted(), 0U);
}

TEST_P(tls_link, eof_with_the_end_before_it_is_in_order) {
    open();
    pair.server.send("all of it");
    pair.server.close();
    give_wire(*pair.client, pair.server.take_output());
    pair.client->handle_eof();
    EXPECT_EQ(pair.client->state(), link_state::open); // something can be read
    EXPECT_EQ(read_all(*pair.client), "all of it");
    EXPECT_EQ(pair.client->state(), link_state::ended);
}

TEST_P(tls_link, eof_right_behind_the_end_needs_no_read) {
    open();
    pair.server.close();
    give_wire(*pair.client, pair.server.take_output());
    pair.client->handle_eof();
    EXPECT_EQ(pair.client->state(), link_state::ended);
}

TEST_P(tls_link, eof_without_the_end_is_a_truncation_after_what_was_received) {
    open();
    pair.server.send("a whole record");
    const std::string first = pair.server.take_output();
    pair.server.send("half a record");
    const std::string second = pair.server.take_output();
    give_wire(*pair.client, first + second.substr(0, second.size() - 1));
    pair.client->handle_eof();
    EXPECT_EQ(pair.client->state(), link_state::open);
    EXPECT_EQ(read_all(*pair.client), "a whole record");
    EXPECT_EQ(pair.client->state(), link_state::failed);
    EXPECT_EQ(pair.client->failure(), errc::tls_truncated);
    EXPECT_EQ(write_text(*pair.client, "x"), 0U);
}

TEST_P(tls_link, eof_with_nothing_to_be_read_fails_at_once) {
    open();
    pair.client->handle_eof();
    EXPECT_EQ(pair.client->state(), link_state::failed);
    EXPECT_EQ(pair.client->failure(), errc::tls_truncated);
}

// --- what the server can ask for in the middle

TEST(tls_link_keys, are_updated_on_demand_between_records) {
    tls_pair pair(parameters(), server_options(tls_range::only_1_3));
    pair.exchange();
    std::string expected;
    for (int i = 0; i < 5; ++i) {
        ASSERT_EQ(write_text(*pair.client, "up"), 2U);
        pair.server.update_keys();
        pair.server.send("down");
        pair.exchange(always(11));
        expected += "down";
        EXPECT_EQ(pair.received, expected);
        EXPECT_EQ(pair.server.take_plain(), "up");
        EXPECT_EQ(pair.server.problem(), "");
    }
    EXPECT_EQ(pair.completed, 10U); // KeyUpdate is no NATS byte
    EXPECT_EQ(pair.client->state(), link_state::open);
}

TEST(tls_link_keys, a_server_that_demands_answers_and_reads_none_is_given_up) {
    tls_pair pair(parameters(), server_options(tls_range::only_1_3));
    pair.exchange();
    std::size_t most = 0;
    for (int i = 0; i < 20000 && pair.client->state() == link_state::open; ++i) {
        pair.server.update_keys();
        give_wire(*pair.client, pair.server.take_output());
        EXPECT_EQ(read_all(*pair.client), "");
        most = std::max(most, pair.client->untransmitted());
    }
    EXPECT_EQ(pair.client->state(), link_state::failed);
    EXPECT_LE(most, 128U * 1024 + 200);
}

TEST(tls_link_renegotiation, is_refused_and_the_connection_goes_on) {
    tls_pair pair(parameters(), server_options(tls_range::only_1_2));
    pair.exchange();
    pair.server.renegotiate();
    const std::string demand = pair.server.take_output();
    ASSERT_FALSE(demand.empty());
    give_wire(*pair.client, demand);
    EXPECT_EQ(read_all(*pair.client), "");
    EXPECT_EQ(pair.client->state(), link_state::open);
    // One alert, and no hello.
    EXPECT_LT(pair.client->untransmitted(), 60U);
    EXPECT_EQ(write_text(*pair.client, "goes on"), 7U);
}

} // namespace nats::test

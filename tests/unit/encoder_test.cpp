// SPDX-License-Identifier: Apache-2.0
//
// The exact bytes of every operation, and the round trip: what one role encodes, the other role's
// parser reads back, whatever the bytes of subjects, headers and payloads are.

#include <natsproto/wire/encoder.hpp>

#include <natsproto/random.hpp>

#include "support/transcript.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>

using namespace std::string_literals;

namespace nats::test {

namespace {

using wire::output_queue;

constexpr std::uint64_t greatest = std::numeric_limits<std::uint64_t>::max();

std::string bytes_of(output_queue& q) {
    std::string out;
    std::array<const_buffer, 1> piece{};
    while (q.gather(piece) != 0) {
        out.append(piece[0].data, piece[0].size);
        q.transmitted(piece[0].size);
    }
    return out;
}

template <class Encode>
std::string encoded(Encode encode) {
    output_queue q;
    encode(q);
    return bytes_of(q);
}

std::string pub(std::string_view subject, std::string_view reply, std::string_view header,
                std::string_view payload) {
    return encoded([&](output_queue& q) { wire::encode_pub(q, subject, reply, header, payload); });
}

std::string msg(std::string_view subject, std::string_view sid, std::string_view reply,
                std::string_view header, std::string_view payload) {
    return encoded(
        [&](output_queue& q) { wire::encode_msg(q, subject, sid, reply, header, payload); });
}

std::string sub(std::string_view subject, std::string_view queue, std::uint64_t sid) {
    return encoded([&](output_queue& q) { wire::encode_sub(q, subject, queue, sid); });
}

/// Any bytes that may stand in an argument.
std::string random_token(random_source& random) {
    std::string out(1 + random.below(30), '\0');
    for (char& c : out) {
        do {
            c = static_cast<char>(random.below(256));
        } while (c == ' ' || c == '\t' || c == '\r' || c == '\n');
    }
    return out;
}

std::string random_bytes(random_source& random, std::size_t most) {
    std::string out(random.below(most), '\0');
    random.fill(std::as_writable_bytes(std::span(out)));
    return out;
}

} // namespace

TEST(encoder, simple_operations) {
    EXPECT_EQ(encoded([](output_queue& q) { wire::encode_ping(q); }), "PING\r\n");
    EXPECT_EQ(encoded([](output_queue& q) { wire::encode_pong(q); }), "PONG\r\n");
    EXPECT_EQ(encoded([](output_queue& q) { wire::encode_ok(q); }), "+OK\r\n");
    EXPECT_EQ(encoded([](output_queue& q) { wire::encode_err(q, "Stale Connection"); }),
              "-ERR 'Stale Connection'\r\n");
    EXPECT_EQ(encoded([](output_queue& q) { wire::encode_connect(q, "{}"); }), "CONNECT {}\r\n");
    EXPECT_EQ(encoded([](output_queue& q) { wire::encode_info(q, "{}"); }), "INFO {} \r\n");
}

TEST(encoder, publish) {
    EXPECT_EQ(pub("foo", "", "", "hello"), "PUB foo 5\r\nhello\r\n");
    EXPECT_EQ(pub("foo", "bar", "", "hello"), "PUB foo bar 5\r\nhello\r\n");
    EXPECT_EQ(pub("foo", "", "", ""), "PUB foo 0\r\n\r\n");
    EXPECT_EQ(pub("foo", "", "NATS/1.0\r\n\r\n", "hi"), "HPUB foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
    EXPECT_EQ(pub("foo", "bar", "NATS/1.0\r\n\r\n", ""),
              "HPUB foo bar 12 12\r\nNATS/1.0\r\n\r\n\r\n");
    EXPECT_EQ(pub("\xc3\xa9", "", "", "\xe2\x82\xac\0"s),
              "PUB \xc3\xa9 4\r\n\xe2\x82\xac\0\r\n"s); // bytes are counted
}

TEST(encoder, message) {
    EXPECT_EQ(msg("foo", "1", "", "", "hello"), "MSG foo 1 5\r\nhello\r\n");
    EXPECT_EQ(msg("foo", "007", "bar", "", ""), "MSG foo 007 bar 0\r\n\r\n");
    EXPECT_EQ(msg("foo", "1", "", "NATS/1.0\r\n\r\n", "hi"),
              "HMSG foo 1 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
    EXPECT_EQ(msg("foo", "1", "bar", "NATS/1.0 503\r\n\r\n", ""),
              "HMSG foo 1 bar 16 16\r\nNATS/1.0 503\r\n\r\n\r\n");
}

TEST(encoder, subscribe_and_unsubscribe) {
    EXPECT_EQ(sub("foo.*", "", 1), "SUB foo.* 1\r\n");
    EXPECT_EQ(sub("foo.>", "workers", 23), "SUB foo.> workers 23\r\n");
    EXPECT_EQ(sub("foo", "", greatest), "SUB foo 18446744073709551615\r\n");
    EXPECT_EQ(encoded([](output_queue& q) { wire::encode_unsub(q, 1); }), "UNSUB 1\r\n");
    EXPECT_EQ(encoded([](output_queue& q) { wire::encode_unsub(q, 1, 5); }), "UNSUB 1 5\r\n");
    EXPECT_EQ(encoded([](output_queue& q) { wire::encode_unsub(q, 1, 0); }), "UNSUB 1 0\r\n");
    EXPECT_EQ(encoded([](output_queue& q) { wire::encode_unsub(q, greatest, greatest); }),
              "UNSUB 18446744073709551615 18446744073709551615\r\n");
}

TEST(encoder, operations_queue_up_in_order) {
    output_queue q;
    wire::encode_connect(q, "{}");
    wire::encode_ping(q);
    wire::encode_sub(q, "a", "", 1);
    wire::encode_pub(q, "a", "", "", "x");
    wire::encode_unsub(q, 1);
    EXPECT_EQ(bytes_of(q), "CONNECT {}\r\nPING\r\nSUB a 1\r\nPUB a 1\r\nx\r\nUNSUB 1\r\n");
}

TEST(encoder, a_borrowed_payload_gives_the_same_bytes) {
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, wire::borrow_threshold - 1, wire::borrow_threshold,
          wire::borrow_threshold + 1, std::size_t{100000}}) {
        const std::string payload(size, 'p');
        for (const std::string_view header : {"", "NATS/1.0\r\nA: b\r\n\r\n"}) {
            for (const std::string_view reply : {"", "r"}) {
                output_queue q;
                wire::encode_pub_borrowed(q, "foo", reply, header, payload);
                EXPECT_EQ(bytes_of(q), pub("foo", reply, header, payload)) << size;
            }
        }
    }
}

TEST(encoder, only_large_payloads_are_borrowed) {
    std::array<const_buffer, 4> pieces{};
    output_queue small;
    wire::encode_pub_borrowed(small, "a", "", "", std::string(wire::borrow_threshold - 1, 'x'));
    EXPECT_EQ(small.gather(pieces), 1U); // copied: the string above is gone already
    const std::string payload(wire::borrow_threshold, 'x');
    output_queue large;
    wire::encode_pub_borrowed(large, "a", "", "", payload);
    ASSERT_EQ(large.gather(pieces), 3U);
    EXPECT_EQ(pieces[1].data, payload.data());
}

TEST(encoder, the_size_of_the_arguments_is_what_stands_on_the_line) {
    for (const std::size_t payload : {0U, 9U, 10U, 99U, 100U, 1000U, 99999U}) {
        for (const std::size_t header : {0U, 12U, 100U, 1234U}) {
            for (const std::size_t reply : {0U, 1U, 20U}) {
                const std::string line = pub("subject", std::string(reply, 'r'),
                                             std::string(header, 'h'), std::string(payload, 'p'));
                const std::size_t start = line.find(' ') + 1;
                EXPECT_EQ(wire::pub_arguments_size(7, reply, header, payload),
                          line.find('\r') - start)
                    << line.substr(0, 50);
            }
        }
    }
}

TEST(encoder, what_a_client_sends_is_read_back_by_a_servers_parser) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        seeded_random random(seed);
        output_queue q;
        std::string expected;
        for (int i = 0; i < 10; ++i) {
            wire::frame f;
            const std::string subject = random_token(random);
            const std::string reply = random.below(2) == 0 ? "" : random_token(random);
            const std::string header = random.below(2) == 0 ? "" : random_bytes(random, 200);
            const std::string payload = random_bytes(random, random.below(4) == 0 ? 9000 : 100);
            const std::string sid = std::to_string(random.below(greatest) >> random.below(64));
            f.subject = subject;
            f.reply = f.queue = reply;
            f.sid_text = sid;
            switch (random.below(3)) {
            case 0:
                f.kind = wire::op::sub;
                wire::encode_sub(q, subject, reply, std::stoull(sid));
                break;
            case 1:
                f.kind = wire::op::unsub;
                f.has_max = true;
                f.max = random.below(1'000'000'000); // nine digits
                wire::encode_unsub(q, std::stoull(sid), f.max);
                break;
            default:
                f.kind = wire::op::pub;
                f.has_headers = !header.empty();
                f.headers = header_view(header);
                f.payload = payload;
                wire::encode_pub_borrowed(q, subject, reply, header, payload);
                q.own_borrowed();
            }
            expected += to_text(f);
        }
        const std::string bytes = bytes_of(q);
        const parsed whole = parse(wire::sender::client, {bytes});
        EXPECT_EQ(whole.text, expected) << "seed " << seed;
        EXPECT_EQ(whole.rest, 0U) << "seed " << seed;
        EXPECT_EQ(parse(wire::sender::client, pieces_by_seed(bytes, seed)), whole)
            << "seed " << seed;
    }
}

TEST(encoder, what_a_server_sends_is_read_back_by_a_clients_parser) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        seeded_random random(seed);
        output_queue q;
        std::string expected;
        for (int i = 0; i < 10; ++i) {
            wire::frame f;
            const std::string subject = random_token(random);
            const std::string reply = random.below(2) == 0 ? "" : random_token(random);
            const std::string header = random.below(2) == 0 ? "" : random_bytes(random, 200);
            const std::string payload = random_bytes(random, random.below(4) == 0 ? 9000 : 100);
            f.sid = random.below(greatest) >> random.below(64);
            const std::string sid = std::to_string(f.sid);
            f.kind = wire::op::msg;
            f.has_headers = !header.empty();
            f.subject = subject;
            f.sid_text = sid;
            f.reply = reply;
            f.headers = header_view(header);
            f.payload = payload;
            wire::encode_msg(q, subject, sid, reply, header, payload);
            expected += to_text(f);
        }
        wire::encode_err(q, "it's");
        wire::encode_info(q, "{}");
        expected += "err \"it's\"\ninfo \"{}\"\n";
        const std::string bytes = bytes_of(q);
        const parsed whole = parse(wire::sender::server, {bytes});
        EXPECT_EQ(whole.text, expected) << "seed " << seed;
        EXPECT_EQ(whole.rest, 0U) << "seed " << seed;
        EXPECT_EQ(parse(wire::sender::server, pieces_by_seed(bytes, seed)), whole)
            << "seed " << seed;
    }
}

} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// The output queue: what goes in comes out, in order and once, however it is taken; what was
// offered stays in place until it is transmitted; borrowed pieces are not copied until they are
// owned; drained chunks are used again, but not before the frames that began in them are
// transmitted. tests/alloc/secret_wiped_test.cpp shows that secrets are wiped.

#include <natsproto/wire/output_queue.hpp>

#include <natsproto/random.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nats::test {

namespace {

using wire::output_queue;

/// What the queue offers, without taking it.
std::string offered(const output_queue& q) {
    std::vector<const_buffer> pieces(10000);
    const std::size_t n = q.gather(pieces);
    std::string out;
    for (std::size_t i = 0; i < n; ++i) out.append(pieces[i].data, pieces[i].size);
    return out;
}

std::size_t pieces_in(const output_queue& q) {
    std::array<const_buffer, 64> pieces{};
    return q.gather(pieces);
}

/// What is offered behind the first `skip` bytes, asked for `most` pieces at a time.
std::string offered_behind(const output_queue& q, std::size_t skip, std::size_t most) {
    std::vector<const_buffer> pieces(most);
    std::string out;
    while (const std::size_t n = q.gather(pieces, skip + out.size())) {
        for (std::size_t i = 0; i < n; ++i) out.append(pieces[i].data, pieces[i].size);
    }
    return out;
}

/// A piece that is held, copied.
struct held_piece {
    std::string data;
    std::size_t transmitted;
    std::size_t continued;
    bool secret;
    bool operator==(const held_piece&) const = default;
};

/// Takes the queue apart.
std::vector<held_piece> take_apart(output_queue& q) {
    std::vector<held_piece> out;
    for (output_queue::piece p; q.oldest(p); q.drop_oldest()) {
        out.push_back({std::string(p.data), p.transmitted, p.continued, p.secret});
    }
    return out;
}

/// Takes everything, `step` bytes at a time.
std::string take(output_queue& q, std::size_t step) {
    std::string out;
    std::array<const_buffer, 1> piece{};
    while (q.gather(piece) != 0) {
        const std::size_t n = std::min(step, piece[0].size);
        out.append(piece[0].data, n);
        q.transmitted(n);
    }
    return out;
}

} // namespace

TEST(output_queue, starts_empty) {
    const output_queue q;
    EXPECT_TRUE(q.empty());
    EXPECT_EQ(q.size(), 0U);
    EXPECT_EQ(pieces_in(q), 0U);
}

TEST(output_queue, small_frames_share_a_piece) {
    output_queue q;
    q.append("PING\r\n");
    q.append("PONG\r\n");
    EXPECT_EQ(q.size(), 12U);
    EXPECT_FALSE(q.empty());
    EXPECT_EQ(pieces_in(q), 1U);
    EXPECT_EQ(offered(q), "PING\r\nPONG\r\n");
    EXPECT_EQ(offered(q), "PING\r\nPONG\r\n"); // looking takes nothing
}

TEST(output_queue, reserve_gives_room_and_commit_takes_what_was_used) {
    output_queue q;
    char* const p = q.reserve(100);
    p[0] = 'a';
    p[1] = 'b';
    q.commit(2);
    EXPECT_EQ(q.size(), 2U);
    EXPECT_EQ(q.reserve(98), p + 2);
    q.commit(0);
    EXPECT_EQ(offered(q), "ab");
}

TEST(output_queue, partial_writes_at_every_byte) {
    const std::string bytes = "PUB a 5\r\nhello\r\nPING\r\n";
    for (std::size_t at = 0; at <= bytes.size(); ++at) {
        output_queue q;
        q.append(bytes);
        q.transmitted(at);
        EXPECT_EQ(q.size(), bytes.size() - at);
        EXPECT_EQ(offered(q), bytes.substr(at));
        q.append("+OK\r\n");
        EXPECT_EQ(offered(q), bytes.substr(at) + "+OK\r\n");
        EXPECT_EQ(take(q, 3), bytes.substr(at) + "+OK\r\n");
        EXPECT_TRUE(q.empty());
    }
}

TEST(output_queue, many_chunks_come_out_in_order) {
    for (const std::size_t step : {1000U, 4096U, 65536U, 1000000U}) {
        output_queue q;
        std::string expected;
        for (int i = 0; i < 400; ++i) {
            const std::string frame =
                std::to_string(i) + std::string(static_cast<std::size_t>(i) * 5, 'x');
            q.append(frame);
            expected += frame;
        }
        EXPECT_EQ(q.size(), expected.size());
        EXPECT_GT(pieces_in(q), 1U);
        EXPECT_EQ(take(q, step), expected);
    }
}

TEST(output_queue, a_frame_is_in_one_piece) {
    output_queue q;
    const std::string frame(3000, 'f');
    for (int i = 0; i < 100; ++i) q.append(frame);
    std::array<const_buffer, 64> pieces{};
    const std::size_t n = q.gather(pieces);
    for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(pieces[i].size % frame.size(), 0U);
    output_queue large;
    large.append("x");
    large.append(std::string(1000000, 'l'));
    EXPECT_EQ(pieces_in(large), 2U);
}

TEST(output_queue, gather_fills_what_it_is_given) {
    output_queue q;
    for (int i = 0; i < 5; ++i) q.append_borrowed("piece");
    std::array<const_buffer, 2> two{};
    EXPECT_EQ(q.gather(two), 2U);
    EXPECT_EQ(q.gather({}), 0U);
    q.transmitted(7);
    EXPECT_EQ(q.gather(two), 2U);
    EXPECT_EQ(two[0].size, 3U);
    EXPECT_EQ(offered(q), "ecepiecepiecepiece");
}

TEST(output_queue, what_was_offered_stays_in_place) {
    output_queue q;
    q.append(std::string(4000, 'a'));
    q.append(std::string(70000, 'b'));
    std::array<const_buffer, 8> before{};
    const std::size_t n = q.gather(before);
    for (int i = 0; i < 1000; ++i) q.append(std::string(1000, 'c'));
    std::array<const_buffer, 8> after{};
    (void)q.gather(after);
    for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(before[i].data, after[i].data);
    q.transmitted(10); // the rest of the first piece did not move
    (void)q.gather(after);
    EXPECT_EQ(after[0].data, before[0].data + 10);
    EXPECT_EQ(std::string_view(before[1].data, 3), "bbb");
}

TEST(output_queue, a_borrowed_piece_is_the_callers_memory) {
    const std::string payload(5000, 'p');
    output_queue q;
    q.append("PUB a 5000\r\n");
    q.append_borrowed(payload);
    q.append("\r\n");
    std::array<const_buffer, 4> pieces{};
    ASSERT_EQ(q.gather(pieces), 3U);
    EXPECT_EQ(pieces[1].data, payload.data());
    EXPECT_EQ(q.size(), 12 + payload.size() + 2);
    EXPECT_EQ(take(q, 100), "PUB a 5000\r\n" + payload + "\r\n");
}

TEST(output_queue, an_empty_borrowed_piece_is_nothing) {
    output_queue q;
    q.append_borrowed("");
    EXPECT_TRUE(q.empty());
    EXPECT_EQ(pieces_in(q), 0U);
    q.append("");
    EXPECT_TRUE(q.empty());
    EXPECT_EQ(pieces_in(q), 0U);
}

TEST(output_queue, borrowed_pieces_are_owned_in_every_partial_state) {
    const std::string digits = "0123456789abcdefghij";
    const std::string letters = "ABCDEFGHIJ";
    const std::string whole = "head" + digits + "middle" + letters + "tail";
    for (std::size_t at = 0; at <= whole.size(); ++at) {
        output_queue q;
        auto first = std::make_unique<std::string>(digits); // freed below, as a sanitizer sees
        auto second = std::make_unique<std::string>(letters);
        q.append("head");
        q.append_borrowed(*first);
        q.append("middle");
        q.append_borrowed(*second);
        q.append("tail");
        q.transmitted(at);
        q.own_borrowed();
        first.reset();
        second.reset();
        EXPECT_EQ(q.size(), whole.size() - at);
        q.own_borrowed(); // again: there is nothing to do
        q.append("!");
        EXPECT_EQ(take(q, 7), whole.substr(at) + "!") << at;
    }
}

TEST(output_queue, a_borrowed_last_piece_is_owned_and_written_after) {
    output_queue q;
    auto payload = std::make_unique<std::string>(5000, 'p');
    q.append_borrowed(*payload);
    q.transmitted(1);
    q.own_borrowed();
    payload.reset();
    q.append("tail");
    EXPECT_EQ(take(q, 1000), std::string(4999, 'p') + "tail");
    EXPECT_TRUE(q.empty());
}

TEST(output_queue, owning_leaves_other_pieces_in_place) {
    output_queue q;
    q.append("head");
    q.append_borrowed("borrowed");
    q.append("tail");
    std::array<const_buffer, 4> before{};
    ASSERT_EQ(q.gather(before), 3U);
    q.own_borrowed();
    std::array<const_buffer, 4> after{};
    ASSERT_EQ(q.gather(after), 3U);
    EXPECT_EQ(after[0].data, before[0].data);
    EXPECT_NE(after[1].data, before[1].data);
    EXPECT_EQ(after[2].data, before[2].data);
}

TEST(output_queue, gather_leaves_out_what_is_skipped) {
    const std::string whole = "headBORROWEDPIECErestsecrettail";
    for (std::size_t at = 0; at <= whole.size(); ++at) {
        output_queue q;
        q.append("head");
        q.append_borrowed("BORROWEDPIECE", "rest");
        q.append_secret({"secret"});
        q.append("tail");
        q.transmitted(at);
        for (std::size_t skip = 0; skip <= q.size(); ++skip) {
            for (const std::size_t most : {1U, 2U, 10U}) {
                EXPECT_EQ(offered_behind(q, skip, most), whole.substr(at + skip))
                    << at << ' ' << skip << ' ' << most;
            }
        }
        std::array<const_buffer, 2> pieces{};
        EXPECT_EQ(q.gather(pieces, q.size() + 1), 0U);
        EXPECT_EQ(q.gather({}, 1), 0U);
    }
}

TEST(output_queue, skipped_pieces_are_offered_where_they_are) {
    output_queue q;
    q.append("head");
    q.append_borrowed("borrowed");
    std::array<const_buffer, 2> all{};
    std::array<const_buffer, 2> behind{};
    ASSERT_EQ(q.gather(all), 2U);
    ASSERT_EQ(q.gather(behind, 1), 2U);
    EXPECT_EQ(behind[0].data, all[0].data + 1);
    EXPECT_EQ(behind[1].data, all[1].data);
    ASSERT_EQ(q.gather(behind, 6), 1U);
    EXPECT_EQ(behind[0].data, all[1].data + 2);
}

TEST(output_queue, a_secret_has_a_piece_of_its_own) {
    output_queue q;
    q.append("before");
    q.append_secret({"CONNECT ", "", "{}", "\r\n"});
    q.append("x");
    q.append_secret({"y"});
    q.append_secret({"z"});
    EXPECT_EQ(q.size(), 6U + 12U + 3U);
    EXPECT_EQ(pieces_in(q), 5U);
    EXPECT_EQ(take_apart(q), (std::vector<held_piece>{{"before", 0, 0, false},
                                                      {"CONNECT {}\r\n", 0, 0, true},
                                                      {"x", 0, 0, false},
                                                      {"y", 0, 0, true},
                                                      {"z", 0, 0, true}}));
}

TEST(output_queue, an_empty_secret_is_nothing) {
    output_queue q;
    q.append_secret({});
    q.append_secret({"", ""});
    EXPECT_TRUE(q.empty());
    EXPECT_TRUE(take_apart(q).empty());
}

TEST(output_queue, a_transmitted_secret_is_not_held) {
    output_queue q;
    q.append_secret({"secret"});
    q.append("tail");
    q.transmitted(5);
    output_queue::piece p;
    ASSERT_TRUE(q.oldest(p));
    EXPECT_TRUE(p.secret);
    q.transmitted(1);
    EXPECT_EQ(take_apart(q), (std::vector<held_piece>{{"tail", 0, 0, false}}));
    q.append_secret({"alone"});
    q.transmitted(5);
    EXPECT_FALSE(q.oldest(p));
}

TEST(output_queue, the_chunk_behind_a_secret_is_a_small_one) {
    const std::string half(output_queue::first_chunk_size / 2, 'x');
    output_queue q; // as a connection begins, and often stays
    q.append_secret({"CONNECT {}\r\n"});
    for (int i = 0; i < 3; ++i) q.append(half);
    std::array<const_buffer, 4> pieces{};
    ASSERT_EQ(q.gather(pieces), 3U);
    EXPECT_EQ(pieces[1].size, output_queue::first_chunk_size);
}

TEST(output_queue, a_frame_of_several_pieces_is_held_until_all_of_it_is_transmitted) {
    const std::string whole = "PING\r\nPUB a 8\r\npppppppp\r\nPONG\r\n";
    const std::size_t end = whole.size() - 6;
    for (std::size_t at = 0; at <= whole.size(); ++at) {
        for (const bool owned : {false, true}) {
            output_queue q;
            q.append("PING\r\nPUB a 8\r\n");
            auto payload = std::make_unique<std::string>(8, 'p');
            q.append_borrowed(*payload, "\r\n");
            q.append("PONG\r\n");
            q.transmitted(at);
            if (owned) {
                q.own_borrowed();
                payload.reset(); // a sanitizer sees if it is still used
            }
            EXPECT_EQ(offered(q), whole.substr(at));
            std::vector<held_piece> expected;
            if (at < end) {
                expected.push_back({whole.substr(0, 15), std::min<std::size_t>(at, 15), 0, false});
                const std::size_t of_payload =
                    std::min<std::size_t>(at - std::min<std::size_t>(at, 15), 8);
                expected.push_back({"pppppppp", of_payload, 8, false});
            }
            const std::size_t of_last = at - std::min<std::size_t>(at, 23);
            if (at < whole.size()) expected.push_back({"\r\nPONG\r\n", of_last, 2, false});
            if (at == whole.size()) expected.push_back({"", 0, 0, false}); // ready for the next
            EXPECT_EQ(take_apart(q), expected) << at << owned;
            EXPECT_TRUE(q.empty());
        }
    }
}

TEST(output_queue, only_the_frame_at_the_front_is_held) {
    constexpr std::size_t frames = 5;
    constexpr std::size_t frame_size = 14;
    for (std::size_t n = 0; n < frames * frame_size; ++n) {
        output_queue q; // each chunk ends one frame and begins the next
        for (std::size_t i = 0; i < frames; ++i) {
            q.append("line");
            q.append_borrowed("payload", "end");
        }
        q.transmitted(n);
        const std::size_t complete = n / frame_size;
        const std::vector<held_piece> pieces = take_apart(q);
        ASSERT_EQ(pieces.size(), 2 * (frames - complete) + 1) << n;
        EXPECT_EQ(pieces[0].data, complete == 0 ? "line" : "endline") << n;
        EXPECT_EQ(pieces[1].data, "payload") << n;
    }
}

TEST(output_queue, the_rest_of_a_frame_follows_in_the_same_chunk_when_nothing_is_lent) {
    output_queue q;
    q.append("line");
    q.append_borrowed("", "end");
    EXPECT_EQ(take_apart(q), (std::vector<held_piece>{{"lineend", 0, 0, false}}));
    output_queue full;
    const std::string line(output_queue::first_chunk_size, 'l');
    full.append(line);
    full.append_borrowed("", "end");
    full.append("next");
    full.transmitted(line.size());
    EXPECT_EQ(take_apart(full),
              (std::vector<held_piece>{{line, line.size(), 0, false}, {"endnext", 0, 3, false}}));
}

TEST(output_queue, a_chunk_that_starts_over_continues_nothing) {
    output_queue q;
    q.append("line");
    q.append_borrowed("payload", "end");
    q.transmitted(q.size());
    q.append("next");
    EXPECT_EQ(take_apart(q), (std::vector<held_piece>{{"next", 0, 0, false}}));
    for (int i = 0; i < 3; ++i) { // the same through the spare chunk
        q.append("line");
        q.append_borrowed("payload", "end");
        q.append_borrowed("payload", "end");
        q.transmitted(q.size() - 1);
        q.append(std::string(output_queue::chunk_size, 'x'));
        q.transmitted(1);
        q.append("next");
        const std::vector<held_piece> pieces = take_apart(q);
        ASSERT_EQ(pieces.size(), 2U);
        EXPECT_EQ(pieces[1], (held_piece{"next", 0, 0, false}));
    }
}

TEST(output_queue, dropping_pieces_drops_their_bytes) {
    output_queue q;
    q.append("head");
    auto lent = std::make_unique<std::string>("borrowed");
    q.append_borrowed(*lent, "rest");
    q.transmitted(2);
    q.drop_oldest();
    EXPECT_EQ(q.size(), 12U);
    EXPECT_EQ(offered(q), "borrowedrest");
    q.drop_oldest();
    lent.reset();
    q.own_borrowed(); // there is none any more
    EXPECT_EQ(take(q, 3), "rest");
}

TEST(output_queue, a_queue_is_appended_in_order_and_in_place) {
    output_queue a;
    output_queue b;
    auto lent = std::make_unique<std::string>("lent");
    a.append("one");
    a.append_borrowed(*lent, "end");
    b.append("two");
    b.append_borrowed(*lent, "end");
    b.append_secret({"secret"});
    std::array<const_buffer, 8> of_a{};
    std::array<const_buffer, 8> of_b{};
    std::array<const_buffer, 8> all{};
    ASSERT_EQ(a.gather(of_a), 3U);
    ASSERT_EQ(b.gather(of_b), 4U);
    a.append(std::move(b));
    ASSERT_EQ(a.gather(all), 7U);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(all[i].data, of_a[i].data);
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(all[3 + i].data, of_b[i].data);
    EXPECT_EQ(a.size(), 26U);
    // NOLINTBEGIN(bugprone-use-after-move,clang-analyzer-cplusplus.Move): it is an empty one now
    EXPECT_TRUE(b.empty());
    EXPECT_TRUE(take_apart(b).empty());
    b.append("own"); // it shares nothing with the other
    // NOLINTEND(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
    a.append("tail");
    a.own_borrowed();
    lent.reset();
    EXPECT_EQ(take(a, 2), "onelentendtwolentendsecrettail");
    EXPECT_EQ(take(b, 2), "own");
}

TEST(output_queue, appending_to_or_from_an_empty_queue) {
    output_queue a;
    output_queue b;
    a.append(std::move(b));
    EXPECT_TRUE(a.empty());
    b = output_queue();
    b.append("text");
    a.append(std::move(b));
    EXPECT_EQ(offered(a), "text");
    b = output_queue();
    b.append("sent");
    b.transmitted(4);
    a.append(std::move(b));
    a.append("more");
    EXPECT_EQ(pieces_in(a), 1U); // the drained chunk was not taken
    output_queue drained;
    drained.append("sent");
    drained.transmitted(4);
    drained.append(std::move(a));
    EXPECT_EQ(take(drained, 3), "textmore");
    output_queue& itself = drained;
    drained.append("x");
    drained.append(std::move(itself));
    EXPECT_EQ(take(drained, 3), "x");
}

TEST(output_queue, half_transmitted_queues_are_joined_at_every_byte) {
    const std::string one = "oneLENTend";
    for (std::size_t i = 0; i <= one.size(); ++i) {
        for (std::size_t j = 0; j <= one.size(); ++j) {
            std::array<output_queue, 2> q;
            for (output_queue& each : q) {
                each.append("one");
                each.append_borrowed("LENT", "end");
            }
            q[0].transmitted(i);
            q[1].transmitted(j);
            q[0].append(std::move(q[1]));
            EXPECT_EQ(offered(q[0]), one.substr(i) + one.substr(j));
            EXPECT_EQ(take(q[0], 1), one.substr(i) + one.substr(j));
        }
    }
}

TEST(output_queue, a_drained_queue_uses_its_memory_again) {
    output_queue q;
    const char* const first = q.reserve(10);
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(q.reserve(1000), first) << i;
        q.append(std::string(1000, 'x'));
        q.transmitted(q.size());
        EXPECT_EQ(pieces_in(q), 0U);
    }
}

TEST(output_queue, the_chunk_of_a_large_frame_is_given_back) {
    output_queue q;
    output_queue::piece p;
    q.append(std::string(output_queue::chunk_size, 'x'));
    q.transmitted(q.size());
    EXPECT_TRUE(q.oldest(p)); // of the regular size: it stays
    q.clear();
    q.append(std::string(output_queue::chunk_size + 1, 'x'));
    q.transmitted(q.size());
    EXPECT_FALSE(q.oldest(p));
}

TEST(output_queue, drained_chunks_are_recycled_in_a_steady_burst) {
    output_queue q;
    const std::string frame(1000, 'x');
    std::set<const char*> chunks;
    std::size_t turns = 0;
    for (int i = 0; i < 20000; ++i) { // always between one and two chunks are held
        q.append(frame);
        std::array<const_buffer, 4> pieces{};
        if (q.gather(pieces) == 2 && pieces[1].size == frame.size() && ++turns > 10)
            chunks.insert(pieces[1].data);
        if (q.size() > output_queue::chunk_size) q.transmitted(frame.size());
    }
    EXPECT_GT(turns, 100U);
    EXPECT_LE(chunks.size(), 2U); // the same two blocks in turn
}

TEST(output_queue, clear_drops_everything) {
    output_queue q;
    const std::string payload(100, 'p');
    q.append("head");
    q.append_borrowed(payload);
    q.clear();
    EXPECT_TRUE(q.empty());
    EXPECT_EQ(pieces_in(q), 0U);
    q.own_borrowed();
    q.append("new");
    EXPECT_EQ(take(q, 1), "new");
}

TEST(output_queue, shrinking_keeps_what_is_to_be_transmitted) {
    output_queue q;
    q.shrink();
    q.append("abc");
    q.shrink();
    EXPECT_EQ(offered(q), "abc");
    const std::string lent(5000, 'l');
    q.append_borrowed(lent, "\r\n");
    q.transmitted(3 + 2000);
    q.shrink();
    EXPECT_EQ(offered(q), lent.substr(2000) + "\r\n");
    q.transmitted(q.size());
    q.shrink();
    output_queue::piece held;
    EXPECT_FALSE(q.oldest(held)) << "no chunk is kept";
    q.append("again");
    EXPECT_EQ(offered(q), "again");
}

TEST(output_queue, moves_leave_nothing_behind) {
    output_queue a;
    a.append("one");
    a.append_borrowed("two");
    output_queue b(std::move(a));
    EXPECT_EQ(offered(b), "onetwo");
    // NOLINTBEGIN(bugprone-use-after-move,clang-analyzer-cplusplus.Move): it is an empty one now
    EXPECT_TRUE(a.empty());
    a.append("three");
    // NOLINTEND(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
    EXPECT_EQ(offered(a), "three");
    a = std::move(b);
    EXPECT_EQ(offered(a), "onetwo");
    a.own_borrowed();
    EXPECT_EQ(take(a, 2), "onetwo");
}

TEST(output_queue, any_sequence_of_operations_keeps_the_bytes) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        seeded_random random(seed);
        output_queue q;
        std::vector<std::unique_ptr<std::string>> lent;
        std::string expected;
        std::size_t sent = 0;
        for (int i = 0; i < 100; ++i) {
            const auto kind = random.below(10);
            const std::string data(random.below(kind == 0 ? 80000 : 300),
                                   static_cast<char>('a' + i % 26));
            if (kind < 5) {
                q.append(data);
                expected += data;
            } else if (kind == 5) {
                lent.push_back(std::make_unique<std::string>(data));
                q.append_borrowed(*lent.back(), "rest");
                expected += data + "rest";
            } else if (kind == 6) {
                q.own_borrowed();
                lent.clear();
            } else if (kind == 7) {
                q.append_secret({data, "!"});
                expected += data + '!';
            } else if (kind == 8) {
                output_queue other;
                lent.push_back(std::make_unique<std::string>(data));
                other.append("line");
                other.append_borrowed(*lent.back(), "rest");
                q.append(std::move(other));
                expected += "line" + data + "rest";
            } else {
                const std::size_t n = random.below(q.size() + 1);
                q.transmitted(n);
                sent += n;
            }
            ASSERT_EQ(q.size() + sent, expected.size()) << "seed " << seed;
            const std::size_t skip = random.below(q.size() + 1);
            ASSERT_EQ(offered_behind(q, skip, 3), expected.substr(sent + skip)) << "seed " << seed;
        }
        EXPECT_EQ(take(q, 5000), expected.substr(sent)) << "seed " << seed;
    }
}

} // namespace nats::test

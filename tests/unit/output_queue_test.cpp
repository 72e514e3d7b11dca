// SPDX-License-Identifier: Apache-2.0
//
// The output queue: what goes in comes out, in order and once, however it is taken; what was
// offered stays in place until it is transmitted; borrowed pieces are not copied until they are
// owned; drained chunks are used again.

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
        std::string sent;
        for (int i = 0; i < 100; ++i) {
            const auto kind = random.below(8);
            const std::string data(random.below(kind == 0 ? 80000 : 300),
                                   static_cast<char>('a' + i % 26));
            if (kind < 5) {
                q.append(data);
                expected += data;
            } else if (kind == 5) {
                lent.push_back(std::make_unique<std::string>(data));
                q.append_borrowed(*lent.back());
                expected += data;
            } else if (kind == 6) {
                q.own_borrowed();
                lent.clear();
            } else {
                const std::string all = offered(q);
                const std::size_t n = random.below(all.size() + 1);
                sent += all.substr(0, n);
                q.transmitted(n);
            }
            ASSERT_EQ(q.size() + sent.size(), expected.size()) << "seed " << seed;
        }
        sent += take(q, 5000);
        EXPECT_EQ(sent, expected) << "seed " << seed;
    }
}

} // namespace nats::test

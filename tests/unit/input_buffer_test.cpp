// SPDX-License-Identifier: Apache-2.0
//
// The input buffer: it keeps the bytes, follows what was received and never what was announced,
// gives space that stays put, and returns the memory of a large message.

#include <natsproto/wire/input_buffer.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace nats::test {

namespace {

using wire::input_buffer;

void put(input_buffer& b, std::string_view bytes, std::size_t wanted = 0) {
    const std::span<char> space = b.prepare(bytes.size(), wanted);
    ASSERT_GE(space.size(), bytes.size());
    if (!bytes.empty()) std::memcpy(space.data(), bytes.data(), bytes.size());
    b.commit(bytes.size());
}

/// `size` bytes that differ along the way.
std::string pattern(std::size_t size) {
    std::string out(size, '\0');
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
    return out;
}

} // namespace

TEST(input_buffer, starts_empty_and_without_memory) {
    const input_buffer b;
    EXPECT_EQ(b.size(), 0U);
    EXPECT_EQ(b.capacity(), 0U);
    EXPECT_TRUE(b.data().empty());
}

TEST(input_buffer, keeps_what_was_committed) {
    input_buffer b;
    put(b, "hello ");
    put(b, "world");
    EXPECT_EQ(b.data(), "hello world");
    b.consume(6);
    EXPECT_EQ(b.data(), "world");
    put(b, "!");
    EXPECT_EQ(b.data(), "world!");
    b.consume(6);
    EXPECT_EQ(b.size(), 0U);
    put(b, "again");
    EXPECT_EQ(b.data(), "again");
    b.clear();
    EXPECT_EQ(b.size(), 0U);
}

TEST(input_buffer, prepare_gives_what_was_asked_for) {
    for (const std::size_t n : {0U, 1U, 63U, 4096U, 4097U, 65536U, 1000000U}) {
        input_buffer b;
        EXPECT_GE(b.prepare(n).size(), std::max<std::size_t>(n, 1)) << n;
        put(b, "x");
        EXPECT_GE(b.prepare(n).size(), std::max<std::size_t>(n, 1)) << n;
        EXPECT_EQ(b.data(), "x");
    }
}

TEST(input_buffer, the_space_stays_put_until_commit) {
    input_buffer b;
    put(b, "some");
    const std::span<char> space = b.prepare(100);
    std::memset(space.data(), 'x', 100);
    EXPECT_EQ(b.data(), "some"); // nothing is there before commit
    std::memcpy(space.data(), "thing", 5);
    b.commit(5);
    EXPECT_EQ(b.data(), "something");
    EXPECT_EQ(b.data().data() + 4, space.data());
}

TEST(input_buffer, a_commit_of_nothing_and_of_all) {
    input_buffer b;
    (void)b.prepare();
    b.commit(0);
    EXPECT_EQ(b.size(), 0U);
    const std::span<char> all = b.prepare();
    std::memset(all.data(), 'y', all.size());
    b.commit(all.size());
    EXPECT_EQ(b.data(), std::string(all.size(), 'y'));
    EXPECT_GE(b.prepare().size(), 1U);
    EXPECT_EQ(b.data(), std::string(all.size(), 'y'));
}

TEST(input_buffer, spare_bytes_follow_the_data) {
    for (const std::size_t n : {1U, 4096U, 5000U, 65536U, 100000U}) {
        input_buffer b;
        const std::span<char> space = b.prepare(n);
        std::memset(space.data(), 'x', space.size());
        b.commit(space.size()); // full to the brim
        const char* end = b.data().data() + b.data().size();
        unsigned sum = 0; // a sanitizer sees it if these are not there
        for (std::size_t i = 0; i < input_buffer::spare; ++i)
            sum += static_cast<unsigned char>(end[i]);
        EXPECT_EQ(sum, 0U) << n;
    }
}

TEST(input_buffer, grows_with_what_was_received_and_not_with_what_was_announced) {
    constexpr std::size_t announced = 64 * 1024 * 1024;
    for (const std::size_t piece : {1000U, 1460U, 5000U, 16384U, 40000U, 100000U}) {
        input_buffer b;
        std::size_t received = 0;
        while (received < 3 * 1024 * 1024) {
            const std::size_t n = std::min(piece, b.prepare(1, announced).size());
            ASSERT_LE(b.capacity(), std::max(2 * received, input_buffer::regular_size)) << received;
            b.commit(n);
            received += n;
        }
        EXPECT_EQ(b.size(), received);
    }
}

TEST(input_buffer, the_first_block_is_small) {
    input_buffer b;
    (void)b.prepare(1, 64 * 1024 * 1024);
    EXPECT_LE(b.capacity(), input_buffer::initial_size);
}

TEST(input_buffer, does_not_grow_past_a_known_frame) {
    constexpr std::size_t frame = 700 * 1000;
    input_buffer b;
    const std::string bytes = pattern(frame);
    std::size_t at = 0;
    while (at < frame) {
        const std::span<char> space = b.prepare(1, frame);
        const std::size_t n = std::min(space.size(), frame - at);
        std::memcpy(space.data(), bytes.data() + at, n);
        b.commit(n);
        at += n;
        ASSERT_LE(b.capacity(), frame);
    }
    EXPECT_EQ(b.data(), bytes);
}

TEST(input_buffer, a_frame_that_comes_byte_by_byte_moves_a_few_times_only) {
    constexpr std::size_t frame = 2 * 1024 * 1024;
    input_buffer b;
    std::size_t growths = 0;
    std::size_t capacity = 0;
    for (std::size_t i = 0; i < frame; ++i) {
        const std::span<char> space = b.prepare(1, frame);
        if (b.capacity() != capacity) ++growths;
        capacity = b.capacity();
        space[0] = static_cast<char>(i);
        b.commit(1);
    }
    EXPECT_LE(growths, 16U);
    EXPECT_EQ(b.size(), frame);
}

TEST(input_buffer, reads_stay_large_while_a_large_frame_comes) {
    input_buffer b;
    std::size_t reads = 0;
    while (b.size() < 8 * 1024 * 1024) {
        b.commit(b.prepare(1, 8 * 1024 * 1024).size());
        ++reads;
    }
    EXPECT_LE(reads, 14U);
}

TEST(input_buffer, reads_that_come_full_get_more_room) {
    input_buffer b;
    std::size_t space = 0;
    for (int i = 0; i < 8; ++i) {
        space = b.prepare().size();
        b.commit(space);
        b.consume(space);
    }
    EXPECT_EQ(space, input_buffer::regular_size);
}

TEST(input_buffer, small_reads_do_not_grow_it) {
    input_buffer b;
    for (int i = 0; i < 10000; ++i) {
        put(b, "PING\r\n");
        b.consume(6);
    }
    EXPECT_LE(b.capacity(), input_buffer::initial_size);
}

TEST(input_buffer, a_part_of_a_frame_is_moved_to_the_front) {
    input_buffer b;
    const std::string bytes = pattern(3000);
    for (int i = 0; i < 100; ++i) { // 300 kB go by, and 3000 bytes are held
        put(b, std::string_view(bytes).substr(0, 1000));
        put(b, std::string_view(bytes).substr(1000));
        ASSERT_EQ(b.data(), bytes);
        b.consume(1500);
        put(b, "tail");
        ASSERT_EQ(b.data(), bytes.substr(1500) + "tail");
        b.consume(b.size());
    }
    EXPECT_LE(b.capacity(), 2 * input_buffer::initial_size);
}

TEST(input_buffer, gives_the_memory_of_a_large_message_back) {
    input_buffer b;
    constexpr std::size_t large = 5 * 1024 * 1024;
    b.commit(b.prepare(large).size());
    EXPECT_GE(b.capacity(), large);
    b.consume(b.size() - 1);
    (void)b.prepare(); // one byte is still held
    EXPECT_EQ(b.size(), 1U);
    b.consume(1);
    (void)b.prepare();
    EXPECT_LE(b.capacity(), input_buffer::regular_size);
    put(b, "still good");
    EXPECT_EQ(b.data(), "still good");
}

TEST(input_buffer, moves_leave_nothing_behind) {
    input_buffer a;
    put(a, "data");
    const char* const at = a.data().data();
    input_buffer b(std::move(a));
    EXPECT_EQ(b.data(), "data");
    EXPECT_EQ(b.data().data(), at);
    // NOLINTBEGIN(bugprone-use-after-move,clang-analyzer-cplusplus.Move): it is an empty one now
    EXPECT_EQ(a.size(), 0U);
    put(a, "new");
    // NOLINTEND(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
    EXPECT_EQ(a.data(), "new");
    a = std::move(b);
    EXPECT_EQ(a.data(), "data");
    input_buffer& same = a;
    a = std::move(same);
    EXPECT_EQ(a.data(), "data");
}

TEST(input_buffer, consumed_bytes_can_be_poisoned) {
    input_buffer b;
    put(b, "gone here");
    const char* const at = b.data().data();
    b.consume(5);
    b.poison_consumed(4);
    EXPECT_EQ(std::string_view(at, 5), "g\xDD\xDD\xDD\xDD");
    EXPECT_EQ(b.data(), "here");
    b.poison_consumed(0);
    EXPECT_EQ(b.data(), "here");
}

TEST(input_buffer, consumed_bytes_and_all_can_be_wiped) {
    input_buffer b;
    put(b, "gone here");
    const char* const at = b.data().data();
    b.consume(5);
    b.wipe_consumed(4);
    EXPECT_EQ(std::string_view(at, 9), std::string_view("g\0\0\0\0here", 9));
    b.wipe();
    EXPECT_EQ(b.size(), 0U);
    EXPECT_EQ(std::string_view(at, 9), std::string_view("\0\0\0\0\0\0\0\0\0", 9));
    put(b, "new");
    EXPECT_EQ(b.data(), "new");
    input_buffer().wipe();
}

TEST(input_buffer, memory_that_a_secret_moved_out_of_is_wiped) {
    input_buffer b;
    b.keep_secret(true);
    const std::string filler(input_buffer::initial_size - 100, 'x');
    put(b, filler + "secret");
    const char* const at = b.data().data();
    b.consume(filler.size());
    (void)b.prepare(input_buffer::initial_size / 2); // moves it to the front
    ASSERT_EQ(b.data().data(), at);
    EXPECT_EQ(b.data(), "secret");
    EXPECT_EQ(std::string_view(at + 6, filler.size()).find_first_not_of('\0'),
              std::string_view::npos);
    put(b, std::string(3 * input_buffer::initial_size, 'y')); // grows: see secret_wiped_test.cpp
    EXPECT_EQ(b.data(), "secret" + std::string(3 * input_buffer::initial_size, 'y'));
}

TEST(input_buffer, an_empty_one_gives_its_memory_back) {
    input_buffer b;
    b.shrink();
    put(b, "some data");
    b.shrink();
    EXPECT_EQ(b.data(), "some data") << "it is not empty";
    b.consume(9);
    b.shrink();
    EXPECT_EQ(b.capacity(), 0U);
    EXPECT_EQ(b.data(), "");
    put(b, "new");
    EXPECT_EQ(b.data(), "new");
}

} // namespace nats::test

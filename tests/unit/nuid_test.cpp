// SPDX-License-Identifier: Apache-2.0
//
// NUIDs: 22 characters of base62, a sequence that grows by a random step, a new prefix when it
// overflows, and the same seed giving the same names. And the sources of randomness behind them.

#include <natsproto/nuid.hpp>

#include <natsproto/random.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <set>
#include <string>
#include <vector>

namespace nats::test {

namespace {

constexpr std::string_view base62 =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::uint64_t sequences = 839'299'365'868'340'224; // 62^10

std::string text_of(nuid& n) {
    const nuid::text t = n.next();
    return {t.data(), t.size()};
}

std::uint64_t sequence_of(const std::string& id) {
    std::uint64_t value = 0;
    EXPECT_TRUE(read_base62(id.data() + 12, 10, value));
    return value;
}

/// Gives the numbers that it is told, and then the last one for ever.
class scripted_random final : public random_source {
public:
    explicit scripted_random(std::vector<std::uint64_t> numbers) : numbers_(std::move(numbers)) {}
    void fill(std::span<std::byte> out) noexcept override {
        ++calls;
        const std::uint64_t value = numbers_[std::min(at_, numbers_.size() - 1)];
        ++at_;
        std::memcpy(out.data(), &value, std::min(out.size(), sizeof value));
    }
    int calls = 0;

private:
    std::vector<std::uint64_t> numbers_;
    std::size_t at_ = 0;
};

} // namespace

TEST(nuid, has_22_characters_of_base62) {
    seeded_random random(1);
    nuid n(random);
    for (int i = 0; i < 1000; ++i) {
        const std::string id = text_of(n);
        ASSERT_EQ(id.size(), 22U);
        ASSERT_EQ(id.find_first_not_of(base62), std::string::npos) << id;
    }
}

TEST(nuid, grows_by_the_same_step_behind_the_same_prefix) {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        seeded_random random(seed);
        nuid n(random);
        const std::string first = text_of(n);
        const std::string second = text_of(n);
        const std::string third = text_of(n);
        const std::uint64_t step = sequence_of(second) - sequence_of(first);
        EXPECT_EQ(second.substr(0, 12), first.substr(0, 12));
        EXPECT_GE(step, 33U);
        EXPECT_LE(step, 333U);
        EXPECT_EQ(sequence_of(third) - sequence_of(second), step);
    }
}

TEST(nuid, none_repeats) {
    std::set<std::string> seen;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        seeded_random random(seed);
        nuid n(random);
        for (int i = 0; i < 500; ++i) seen.insert(text_of(n));
    }
    EXPECT_EQ(seen.size(), 20U * 500);
}

TEST(nuid, the_same_seed_gives_the_same_names) {
    seeded_random one(7);
    seeded_random two(7);
    seeded_random other(8);
    nuid a(one);
    nuid b(two);
    nuid c(other);
    for (int i = 0; i < 10; ++i) {
        const std::string id = text_of(a);
        EXPECT_EQ(id, text_of(b));
        EXPECT_NE(id, text_of(c));
    }
}

TEST(nuid, draws_again_when_the_sequence_overflows) {
    std::vector<std::uint64_t> numbers(12, 0); // the prefix
    numbers.push_back(sequences - 34);         // where the sequence starts
    numbers.push_back(0);                      // the step: 33
    numbers.insert(numbers.end(), 12, 1);      // the second prefix
    numbers.push_back(5);
    numbers.push_back(0);
    scripted_random random(numbers);
    nuid n(random);
    EXPECT_EQ(text_of(n), "000000000000zzzzzzzzzz"); // the last of the sequence
    EXPECT_EQ(random.calls, 14);
    const std::string next = text_of(n);
    EXPECT_EQ(random.calls, 28);
    EXPECT_EQ(next.substr(0, 12), "111111111111");
    EXPECT_EQ(sequence_of(next), 5U);
    EXPECT_EQ(sequence_of(text_of(n)), 38U);
}

TEST(nuid, base62_is_written_and_read_back) {
    for (const std::uint64_t value :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{61}, std::uint64_t{62},
          std::uint64_t{3843}, std::uint64_t{1234567890123}, sequences - 1}) {
        std::array<char, 10> text{};
        write_base62(text.data(), text.size(), value);
        std::uint64_t back = 0;
        EXPECT_TRUE(read_base62(text.data(), text.size(), back));
        EXPECT_EQ(back, value);
    }
    std::array<char, 4> text{};
    write_base62(text.data(), text.size(), 62 * 62 + 61);
    EXPECT_EQ(std::string_view(text.data(), text.size()), "010z");
}

TEST(nuid, what_is_not_base62_is_not_read) {
    std::uint64_t value = 0;
    for (const char* text :
         {"12.4", "1 34", "-123", "12\xc3\xa9", "123/", "123:", "@234", "[234", "`234", "{234"}) {
        EXPECT_FALSE(read_base62(text, 4, value)) << text;
    }
    EXPECT_TRUE(read_base62("", 0, value));
    EXPECT_EQ(value, 0U);
}

TEST(random_source, below_stays_below_and_reaches_all) {
    seeded_random random(3);
    for (const std::uint64_t bound :
         {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{7}, std::uint64_t{62}}) {
        std::set<std::uint64_t> seen;
        for (int i = 0; i < 2000; ++i) {
            const std::uint64_t value = random.below(bound);
            ASSERT_LT(value, bound);
            seen.insert(value);
        }
        EXPECT_EQ(seen.size(), bound);
    }
}

TEST(random_source, below_favours_no_number) {
    constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    scripted_random random(
        {most, most - 1, 5}); // the first two are past the last multiple of the bound
    EXPECT_EQ(random.below(1'000'000'007), 5U);
    EXPECT_EQ(random.calls, 3);
}

TEST(random_source, a_seed_gives_one_stream) {
    std::array<std::byte, 100> one{};
    std::array<std::byte, 100> two{};
    std::array<std::byte, 100> other{};
    seeded_random(42).fill(one);
    seeded_random(42).fill(two);
    seeded_random(43).fill(other);
    EXPECT_EQ(one, two);
    EXPECT_NE(one, other);
    EXPECT_NE(one, (std::array<std::byte, 100>{}));
    seeded_random random(1);
    random.fill({}); // nothing is asked for
}

} // namespace nats::test

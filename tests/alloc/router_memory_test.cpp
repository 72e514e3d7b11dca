// SPDX-License-Identifier: Apache-2.0
//
// What subscriptions cost in the subject router, that it gives everything back as they go, and that
// a stranger's long pattern is not much larger in memory than on the wire. The C library says how
// much is in use.

#include <natsproto/random.hpp>
#include <natsproto/routing/subject_router.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include <malloc.h>

namespace nats {
namespace {

constexpr std::size_t many = 100'000;
/// The C library counts chunks that it keeps for the next allocations: seven of each small size.
constexpr std::size_t kept_by_malloc = std::size_t{256} * 1024;

std::size_t bytes_in_use() {
    const struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

struct kind {
    const char* name;
    std::string (*pattern)(std::size_t i);
    std::string (*queue)(std::size_t i);
    std::size_t count;
    std::size_t most; ///< bytes of a subscription beside its texts
};

std::string none(std::size_t) {
    return {};
}
std::string number(std::size_t i) {
    return std::to_string(i);
}
std::string literal(std::size_t i) {
    return "orders." + std::to_string(i % 317) + ".o" + std::to_string(i);
}
std::string inbox(std::size_t i) {
    return "_INBOX.0123456789abcdef" + std::to_string(i) + ".*";
}
std::string amid(std::size_t i) {
    return "orders.*.o" + std::to_string(i);
}
std::string same(std::size_t) {
    return "same.*";
}
/// As long as a control line may be, and different from all others at one place.
std::string long_wildcards(std::size_t i) {
    std::string s = "*";
    while (s.size() < 4000) s += ".*";
    s[2 * i] = 'a';
    return s;
}

class router_memory : public testing::TestWithParam<kind> {};

TEST_P(router_memory, is_bounded_and_comes_back) {
    const kind& k = GetParam();
    std::vector<std::string> patterns;
    std::vector<std::string> queues;
    std::size_t texts = 0;
    for (std::size_t i = 0; i < k.count; ++i) {
        patterns.push_back(k.pattern(i));
        queues.push_back(k.queue(i));
        texts += patterns.back().size() + queues.back().size();
    }
    seeded_random random(1);
    subject_router router(random);
    std::vector<subject_router::route> routes(k.count);

    const std::size_t before = bytes_in_use();
    for (std::size_t i = 0; i < k.count; ++i)
        ASSERT_TRUE(router.insert(routes[i], patterns[i], queues[i]));
    const std::size_t full = bytes_in_use() - before;
    EXPECT_LT(full, texts + k.most * k.count);
    RecordProperty("bytes_each", std::to_string(full / k.count));

    for (std::size_t i = 0; i < k.count / 16 * 15; ++i) router.erase(routes[i]);
    EXPECT_LT(bytes_in_use() - before, full / 4 + kept_by_malloc) << "while some are left";
    for (subject_router::route& r : routes) router.erase(r);
    EXPECT_EQ(router.size(), 0U);
    EXPECT_LT(bytes_in_use() - before, kept_by_malloc);
}

INSTANTIATE_TEST_SUITE_P(kinds, router_memory,
                         testing::Values(kind{"literal", literal, none, many, 120},
                                         kind{"inbox", inbox, none, many, 120},
                                         kind{"amid", amid, none, many, 120},
                                         kind{"same_pattern", same, none, many, 16},
                                         kind{"same_pattern_in_groups", same, number, many, 90},
                                         // Half of the nodes are branches, with half of the text.
                                         kind{"long_wildcards", long_wildcards, none, 2000, 4300}),
                         [](const auto& test) { return std::string(test.param.name); });

} // namespace
} // namespace nats

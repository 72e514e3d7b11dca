// SPDX-License-Identifier: Apache-2.0
//
// Random scenarios by seed. A failure names its seed; then
//
//   NATSPROTO_SIM_SEED=n    runs that one only, and prints all that happened
//   NATSPROTO_SIM_SEEDS=n   spreads n seeds over the cases, instead of 10,000 (1,500 with a
//                           sanitizer, which makes them six times as slow)
//   NATSPROTO_SIM_FIRST=n   begins with another one than 1

#include "support/random_scenario.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

namespace nats::test {
namespace {

constexpr std::uint64_t cases = 20;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t usual_seeds = 1'500;
#else
constexpr std::uint64_t usual_seeds = 10'000;
#endif

std::uint64_t number(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name); // NOLINT(concurrency-mt-unsafe): nothing sets it
    return text == nullptr ? otherwise : std::stoull(text);
}

/// Every so many seeds are run twice, which must give the same bytes.
constexpr std::uint64_t twice = 10;

bool holds(std::uint64_t seed, bool show) {
    std::string transcript;
    std::vector<std::string> failures;
    {
        random_scenario s(seed);
        failures = s.run();
        transcript = s.transcript();
    }
    if (show || seed % twice == 0) {
        random_scenario again(seed);
        (void)again.run();
        if (again.transcript() != transcript)
            failures.emplace_back("the same seed has given something else");
    }
    if (show) std::cout << transcript;
    for (const std::string& f : failures) ADD_FAILURE() << "seed " << seed << ": " << f;
    return failures.empty();
}

class sweep : public testing::TestWithParam<std::uint64_t> {};

TEST_P(sweep, holds) {
    if (const std::uint64_t one = number("NATSPROTO_SIM_SEED", 0); one != 0) {
        if (GetParam() == 0) holds(one, true);
        return;
    }
    const std::uint64_t all = number("NATSPROTO_SIM_SEEDS", usual_seeds);
    const std::uint64_t begin = number("NATSPROTO_SIM_FIRST", 1) + GetParam() * all / cases;
    const std::uint64_t end = number("NATSPROTO_SIM_FIRST", 1) + (GetParam() + 1) * all / cases;
    int failed = 0;
    for (std::uint64_t seed = begin; seed != end && failed < 3; ++seed) {
        if (!holds(seed, false)) ++failed;
    }
    if (failed != 0) std::cout << "replay one with NATSPROTO_SIM_SEED=n\n";
}

INSTANTIATE_TEST_SUITE_P(ranges, sweep, testing::Range(std::uint64_t{0}, cases));

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Proves the heap of deadlines behind all waits: the earliest comes first, equal ones in the order
// of waiting, leaving early from any place, and that what a woken op waits for next is not looked
// at in the same round.

#include <natsproto/runtime.hpp>

#include "support/sim.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace nats::test {
namespace {

op<int> note(runtime& rt, time_point t, std::vector<int>& log, int name) {
    result<void> slept = co_await rt.sleep_until(t);
    if (slept) log.push_back(name);
    co_return name;
}

op<int> note_twice(runtime& rt, time_point t, std::vector<int>& log, int name) {
    result<void> first = co_await rt.sleep_until(t);
    if (first) log.push_back(name);
    result<void> second = co_await rt.sleep_until(t); // it has passed already
    if (second) log.push_back(-name);
    co_return name;
}

struct sleepers : connected_sim {
    sleepers() : connected_sim({.ping_interval = 1000h}) {}
    void add(duration d) {
        all.emplace_back(note(runtime(), now() + d, log, static_cast<int>(all.size())));
        all.back()->start();
    }
    std::vector<std::optional<op<int>>> all;
    std::vector<int> log;
};

TEST(deadlines, come_in_their_order) {
    sleepers net;
    for (const int ms : {50, 10, 40, 20, 30}) net.add(ms * 1ms);
    EXPECT_EQ(net.runtime().poll_timeout(), net.now() + 10ms);
    net.advance(25ms);
    EXPECT_EQ(net.log, (std::vector<int>{1, 3}));
    EXPECT_EQ(net.runtime().poll_timeout(), net.now() + 5ms);
    net.advance(25ms);
    EXPECT_EQ(net.log, (std::vector<int>{1, 3, 4, 2, 0}));
}

TEST(deadlines, equal_ones_in_the_order_of_waiting) {
    sleepers net;
    for (int i = 0; i < 50; ++i) net.add(10ms);
    net.advance(10ms);
    ASSERT_EQ(net.log.size(), 50U);
    EXPECT_TRUE(std::is_sorted(net.log.begin(), net.log.end()));
}

TEST(deadlines, any_order_of_coming_and_leaving) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        sleepers net;
        seeded_random random(seed);
        std::vector<std::pair<std::uint64_t, int>> expected;
        for (int i = 0; i < 100; ++i) {
            const std::uint64_t ms = 1 + random.below(30);
            net.add(std::chrono::milliseconds(ms));
            expected.emplace_back(ms, i);
        }
        for (int i = 0; i < 40; ++i) {
            const auto gone = static_cast<std::size_t>(random.below(100));
            net.all[gone].reset();
            std::erase_if(expected,
                          [gone](const auto& e) { return e.second == static_cast<int>(gone); });
        }
        std::sort(expected.begin(), expected.end());
        net.advance(30ms);
        std::vector<int> names;
        names.reserve(expected.size());
        for (const auto& e : expected) names.push_back(e.second);
        ASSERT_EQ(net.log, names) << "seed " << seed;
    }
}

TEST(deadlines, leaving_moves_the_earliest_one) {
    sleepers net;
    net.add(10ms);
    net.add(20ms);
    EXPECT_EQ(net.runtime().poll_timeout(), net.now() + 10ms);
    net.all[0].reset();
    EXPECT_EQ(net.runtime().poll_timeout(), net.now() + 20ms);
    net.all[1].reset();
    EXPECT_EQ(net.runtime().poll_timeout(), net.session().poll_timeout());
}

TEST(deadlines, endless_waits_have_none) {
    sleepers net;
    const auto before = net.runtime().poll_timeout();
    net.all.emplace_back(note(net.runtime(), no_deadline, net.log, 0));
    net.all.back()->start();
    EXPECT_EQ(net.runtime().poll_timeout(), before) << "that of the session only";
}

TEST(deadlines, a_woken_op_waits_for_the_next_round) {
    sleepers net;
    const time_point t = net.now() + 10ms;
    net.all.emplace_back(note_twice(net.runtime(), t, net.log, 1));
    net.all.emplace_back(note_twice(net.runtime(), t, net.log, 2));
    for (auto& o : net.all) o->start();
    net.runtime().handle_timeout(t);
    EXPECT_EQ(net.log, (std::vector<int>{1, 2})) << "one round: nobody wakes twice";
    net.runtime().handle_timeout(t);
    EXPECT_EQ(net.log, (std::vector<int>{1, 2, -1, -2}));
}

TEST(deadlines, early_and_repeated_looks_do_nothing) {
    sleepers net;
    net.add(10ms);
    net.runtime().handle_timeout(net.now() + 9ms);
    EXPECT_TRUE(net.log.empty());
    net.runtime().handle_timeout(net.now() + 10ms);
    net.runtime().handle_timeout(net.now() + 10ms);
    EXPECT_EQ(net.log, (std::vector<int>{0}));
}

op<int> destroy_other(runtime& rt, time_point t, std::optional<op<int>>& victim) {
    result<void> slept = co_await rt.sleep_until(t);
    if (slept) victim.reset();
    co_return 0;
}

TEST(deadlines, one_that_is_due_may_be_destroyed_by_another_that_is_due) {
    sleepers net;
    const time_point t = net.now() + 10ms;
    std::optional<op<int>> victim;
    op<int> killer = destroy_other(net.runtime(), t, victim);
    killer.start();
    victim = note(net.runtime(), t, net.log, 1);
    victim->start();
    net.add(10ms);
    net.advance(10ms);
    EXPECT_TRUE(killer.done());
    EXPECT_FALSE(victim.has_value());
    EXPECT_EQ(net.log, (std::vector<int>{0})) << "only the one that was left alone";
}

TEST(deadlines, the_deadline_of_the_session_comes_through) {
    connected_sim net({.ping_interval = 5s});
    EXPECT_EQ(net.runtime().poll_timeout(), net.session().poll_timeout());
    net.runtime().handle_timeout(*net.runtime().poll_timeout());
    net.settle();
    EXPECT_EQ(net.server().count("PING"), 2U);
}

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Proves op<T>: laziness, nesting, exceptions, destruction while it waits, frames from the
// runtime's pool, and that a loop over ops that end at once does not use up the stack.

#include <natsproto/op.hpp>

#include <natsproto/runtime.hpp>

#include "support/sim.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace nats::test {
namespace {

/// Sets a flag when a frame that holds it is destroyed.
struct witness {
    explicit witness(int& counter) : alive(&counter) { ++*alive; }
    witness(const witness&) = delete;
    witness& operator=(const witness&) = delete;
    ~witness() { --*alive; }
    int* alive;
};

op<int> at_once(runtime& /*rt*/, int value) {
    co_return value;
}

op<int> after_sleep(runtime& rt, time_point t, int value, int* alive = nullptr) {
    std::optional<witness> here;
    if (alive != nullptr) here.emplace(*alive);
    result<void> slept = co_await rt.sleep_until(t);
    co_return slept ? value : -1;
}

op<int> sum_of(runtime& rt, time_point t, int depth, int* alive = nullptr) {
    std::optional<witness> here;
    if (alive != nullptr) here.emplace(*alive);
    if (depth == 0) {
        const int leaf = co_await after_sleep(rt, t, 1, alive);
        co_return leaf;
    }
    const int below = co_await sum_of(rt, t, depth - 1, alive);
    const int again = co_await at_once(rt, 1);
    co_return below + again;
}

op<std::unique_ptr<std::string>> only_movable(runtime& /*rt*/) {
    co_return std::make_unique<std::string>("moved");
}

op<int> throws_at_once(runtime& /*rt*/) {
    throw std::runtime_error("at once");
    co_return 0;
}

op<int> throws_later(runtime& rt, time_point t) {
    result<void> slept = co_await rt.sleep_until(t);
    if (slept) throw std::runtime_error("later");
    co_return 0;
}

op<std::string> catches(runtime& rt, time_point t) {
    std::string out;
    try {
        const int none = co_await throws_at_once(rt);
        out += std::to_string(none);
    } catch (const std::runtime_error& e) {
        out += e.what();
    }
    try {
        const int none = co_await throws_later(rt, t);
        out += std::to_string(none);
    } catch (const std::runtime_error& e) {
        out += std::string(", ") + e.what();
    }
    co_return out;
}

op<int> passes_on(runtime& rt, time_point t) {
    const int value = co_await throws_later(rt, t);
    co_return value;
}

TEST(op, does_nothing_before_it_is_started) {
    connected_sim net;
    int alive = 0;
    {
        op<int> lazy = after_sleep(net.runtime(), net.now() + 1s, 7, &alive);
        EXPECT_EQ(alive, 0);
        EXPECT_FALSE(lazy.done());
    }
    EXPECT_EQ(alive, 0);
}

TEST(op, runs_to_its_first_wait_and_then_to_its_end) {
    connected_sim net;
    int alive = 0;
    op<int> o = after_sleep(net.runtime(), net.now() + 1s, 7, &alive);
    o.start();
    EXPECT_EQ(alive, 1);
    EXPECT_FALSE(o.done());
    net.advance(999ms);
    EXPECT_FALSE(o.done());
    net.advance(1ms);
    ASSERT_TRUE(o.done());
    EXPECT_EQ(alive, 0) << "what is local ends with the body, not with the op";
    EXPECT_EQ(o.take(), 7);
}

TEST(op, without_a_wait_is_done_at_once) {
    connected_sim net;
    op<int> o = at_once(net.runtime(), 3);
    o.start();
    ASSERT_TRUE(o.done());
    EXPECT_EQ(o.take(), 3);
    EXPECT_EQ(*net.run(only_movable(net.runtime())), "moved");
}

TEST(op, tells_once_that_it_is_done) {
    connected_sim net;
    int told = 0;
    const auto count = [](void* context) { ++*static_cast<int*>(context); };
    op<int> waits = after_sleep(net.runtime(), net.now() + 1s, 7);
    waits.notify(count, &told);
    waits.start();
    EXPECT_EQ(told, 0);
    net.advance(1s);
    EXPECT_EQ(told, 1);
    EXPECT_EQ(waits.take(), 7);
    op<int> ends = at_once(net.runtime(), 3);
    ends.notify(count, &told);
    ends.start();
    EXPECT_EQ(told, 2);
    op<int> throws = throws_at_once(net.runtime());
    throws.notify(count, &told);
    throws.start();
    EXPECT_EQ(told, 3) << "an exception is an end too";
    op<int> destroyed = after_sleep(net.runtime(), net.now() + 1s, 7);
    destroyed.notify(count, &told);
    destroyed.start();
    destroyed = at_once(net.runtime(), 3);
    EXPECT_EQ(told, 3) << "it was not done";
}

TEST(op, nests) {
    connected_sim net;
    EXPECT_EQ(net.run(sum_of(net.runtime(), net.now() + 1s, 20)), 21);
    EXPECT_EQ(net.run(sum_of(net.runtime(), net.now() - 1s, 200)), 201);
}

TEST(op, can_be_moved_while_it_waits) {
    connected_sim net;
    std::vector<op<int>> all;
    for (int i = 0; i < 100; ++i) {
        all.push_back(
            after_sleep(net.runtime(), net.now() + 1s, i)); // growing moves those that wait
        all.back().start();
    }
    op<int> assigned = at_once(net.runtime(), 0);
    assigned = std::move(all[50]);
    net.advance(1s);
    EXPECT_EQ(assigned.take(), 50);
    EXPECT_EQ(all[99].take(), 99);
}

TEST(op, assigning_destroys_what_was_there) {
    connected_sim net;
    int alive = 0;
    op<int> o = sum_of(net.runtime(), net.now() + 1s, 3, &alive);
    o.start();
    EXPECT_EQ(alive, 5);
    o = at_once(net.runtime(), 1);
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(net.runtime().poll_timeout(), net.session().poll_timeout())
        << "its deadline went with it";
}

// --- exceptions

TEST(op, exceptions_come_out_where_the_result_is_taken) {
    connected_sim net;
    op<int> first = throws_at_once(net.runtime());
    first.start();
    ASSERT_TRUE(first.done());
    EXPECT_THROW((void)first.take(), std::runtime_error);
    EXPECT_THROW((void)net.run(throws_later(net.runtime(), net.now() + 1s)), std::runtime_error);
    EXPECT_THROW((void)net.run(passes_on(net.runtime(), net.now() + 1s)), std::runtime_error);
}

TEST(op, exceptions_can_be_caught_by_the_op_around) {
    connected_sim net;
    EXPECT_EQ(net.run(catches(net.runtime(), net.now() + 1s)), "at once, later");
}

TEST(op, an_exception_disturbs_nobody_else) {
    connected_sim net;
    op<int> bad = throws_later(net.runtime(), net.now() + 1s);
    op<int> good = after_sleep(net.runtime(), net.now() + 1s, 5);
    bad.start();
    good.start();
    net.advance(1s);
    EXPECT_TRUE(bad.done());
    ASSERT_TRUE(good.done());
    EXPECT_EQ(good.take(), 5);
}

// --- destruction

TEST(op, destroying_a_tree_that_waits_destroys_all_of_it) {
    connected_sim net;
    for (int depth = 0; depth < 30; ++depth) {
        int alive = 0;
        {
            op<int> tree = sum_of(net.runtime(), net.now() + 1s, depth, &alive);
            tree.start();
            EXPECT_EQ(alive, depth + 2);
        }
        EXPECT_EQ(alive, 0);
    }
    net.advance(2s); // nothing is left that could wake
    EXPECT_EQ(net.runtime().poll_timeout(), net.session().poll_timeout());
}

op<int> destroys(runtime& rt, time_point t, std::unique_ptr<op<int>>& other) {
    result<void> slept = co_await rt.sleep_until(t);
    other.reset();
    co_return slept ? 1 : 0;
}

TEST(op, may_destroy_another_one) {
    connected_sim net;
    int alive = 0;
    auto victim = std::make_unique<op<int>>(sum_of(net.runtime(), net.now() + 2s, 5, &alive));
    victim->start();
    EXPECT_EQ(net.run(destroys(net.runtime(), net.now() + 1s, victim)), 1);
    EXPECT_EQ(alive, 0);
    net.advance(2s);
}

// --- frames

op<int> many_frames(runtime& rt, int rounds) {
    int sum = 0;
    for (int i = 0; i < rounds; ++i) {
        const int one = co_await at_once(rt, 1);
        sum += one;
    }
    co_return sum;
}

TEST(op, a_long_loop_over_ops_that_end_at_once_does_not_grow_the_stack) {
    connected_sim net;
    EXPECT_EQ(net.run(many_frames(net.runtime(), 100'000)), 100'000);
}

op<int> many_sleeps(runtime& rt, int rounds) {
    int woken = 0;
    for (int i = 0; i < rounds; ++i) {
        const int one = co_await after_sleep(rt, rt.now(), 1);
        woken += one;
    }
    co_return woken;
}

TEST(op, nor_one_over_ops_that_wait) {
    connected_sim net;
    EXPECT_EQ(net.run(many_sleeps(net.runtime(), 100'000)), 100'000);
}

TEST(frame_pool, gives_a_freed_frame_out_again) {
    detail::frame_pool pool;
    void* const first = pool.allocate(100);
    EXPECT_EQ(pool.in_use(), 1U);
    detail::frame_pool::deallocate(first, 100);
    EXPECT_EQ(pool.in_use(), 0U);
    EXPECT_EQ(pool.allocate(128), first) << "same size class";
    void* const other = pool.allocate(129);
    EXPECT_NE(other, first);
    EXPECT_EQ(pool.in_use(), 2U);
    detail::frame_pool::deallocate(first, 128);
    detail::frame_pool::deallocate(other, 129);
}

TEST(frame_pool, all_sizes_in_any_order) {
    detail::frame_pool pool;
    seeded_random random(5);
    std::vector<std::pair<char*, std::size_t>> held;
    for (int i = 0; i < 20'000; ++i) {
        if (held.size() < 200 && random.below(2) == 0) {
            const std::size_t size = 1 + static_cast<std::size_t>(random.below(5000));
            auto* frame = static_cast<char*>(pool.allocate(size));
            std::fill_n(frame, size, static_cast<char>(size));
            held.emplace_back(frame, size);
        } else if (!held.empty()) {
            const auto which = static_cast<std::size_t>(random.below(held.size()));
            std::swap(held[which], held.back());
            const auto [frame, size] = held.back();
            ASSERT_EQ(frame[0], static_cast<char>(size)) << "nobody else wrote there";
            ASSERT_EQ(frame[size - 1], static_cast<char>(size));
            detail::frame_pool::deallocate(frame, size);
            held.pop_back();
        }
        ASSERT_EQ(pool.in_use(), held.size());
    }
    for (const auto& [frame, size] : held) detail::frame_pool::deallocate(frame, size);
}

TEST(frame_pool, frames_are_aligned_for_everything) {
    detail::frame_pool pool;
    for (std::size_t size = 1; size < 3000; size += 7) {
        void* const frame = pool.allocate(size);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(frame) % alignof(std::max_align_t), 0U);
        detail::frame_pool::deallocate(frame, size);
    }
}

} // namespace
} // namespace nats::test

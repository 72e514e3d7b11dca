// SPDX-License-Identifier: Apache-2.0
//
// Proves the wait of an op that watches over something: it is woken by its wakeup, by the deadline,
// and by a connection that is lost or made; never from inside of the call that sets the wakeup. And
// notices, which are told then too.

#include <natsproto/runtime.hpp>

#include "support/sim.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

namespace nats::test {
namespace {

/// Waits again and again, and counts how often it was woken.
op<result<void>> watch(runtime& rt, wakeup& w, int& times, time_point deadline) {
    while (true) {
        result<void> woken = co_await rt.wait(w, deadline);
        if (!woken) co_return woken.error();
        ++times;
        if (rt.now() >= deadline) co_return result<void>();
    }
}

struct watched : connected_sim {
    watched() : running(watch(runtime(), source, times, no_deadline)) { running.start(); }
    wakeup source;
    int times = 0;
    op<result<void>> running;
};

TEST(wakeup, resumes_the_op_when_nothing_else_runs) {
    watched w;
    w.source.set();
    EXPECT_EQ(w.times, 0) << "not from inside of the call";
    w.source.set(); // is the same wakeup
    EXPECT_EQ(w.runtime().poll_timeout(), w.now()) << "due at once";
    w.settle();
    EXPECT_EQ(w.times, 1);
    w.settle();
    EXPECT_EQ(w.times, 1) << "once";
}

TEST(wakeup, that_is_set_before_the_wait_ends_it) {
    connected_sim net;
    wakeup source;
    source.set();
    int times = 0;
    op<result<void>> running = watch(net.runtime(), source, times, no_deadline);
    running.start();
    EXPECT_EQ(times, 1);
}

TEST(wakeup, a_deadline_is_no_error) {
    connected_sim net;
    wakeup source;
    int times = 0;
    op<result<void>> running = watch(net.runtime(), source, times, net.now() + 20ms);
    running.start();
    net.advance(19ms);
    EXPECT_EQ(times, 0);
    net.advance(1ms);
    EXPECT_EQ(times, 1);
    ASSERT_TRUE(running.done());
    EXPECT_TRUE(running.take());
}

TEST(wakeup, a_lost_and_a_new_connection_wake_too) {
    sim net(as_given(), {});
    ASSERT_TRUE(net.connect());
    EXPECT_EQ(net.runtime().connections(), 1U);
    wakeup source;
    int times = 0;
    op<result<void>> running = watch(net.runtime(), source, times, no_deadline);
    running.start();
    net.break_now(fault::eof);
    net.until([&] { return times == 1; });
    EXPECT_FALSE(net.session().is_up());
    net.until([&] { return times == 2; });
    EXPECT_TRUE(net.session().is_up());
    EXPECT_EQ(net.runtime().connections(), 2U);
}

TEST(wakeup, the_end_of_the_session_is_an_error) {
    watched w;
    w.session().close(w.now());
    w.settle();
    ASSERT_TRUE(w.running.done());
    EXPECT_EQ(w.running.take().error(), errc::connection_closed);
    int times = 0;
    op<result<void>> late = watch(w.runtime(), w.source, times, no_deadline);
    late.start();
    ASSERT_TRUE(late.done());
    EXPECT_EQ(late.take().error(), errc::connection_closed);
}

TEST(wakeup, may_be_set_by_a_handler_and_by_another_op) {
    watched w;
    mailbox box;
    const auto handle = [](void* context, const message_view&) {
        static_cast<wakeup*>(context)->set();
    };
    ASSERT_TRUE(w.runtime().subscribe(box, "a", {}, handle, &w.source));
    w.settle();
    for (int i = 1; i <= 3; ++i) {
        w.server().publish("a", "x");
        w.settle();
        EXPECT_EQ(w.times, i);
    }
}

TEST(wakeup, either_may_go_first) {
    connected_sim net;
    int times = 0;
    {
        auto source = std::make_unique<wakeup>();
        op<result<void>> running = watch(net.runtime(), *source, times, net.now() + 1ms);
        running.start();
        running = watch(net.runtime(), *source, times, no_deadline); // the old one is destroyed
        source->set();
    }
    net.advance(2ms);
    EXPECT_EQ(times, 0);
}

TEST(wakeup, a_set_one_whose_op_is_destroyed_leaves_nothing) {
    connected_sim net;
    int times = 0;
    wakeup source;
    {
        op<result<void>> running = watch(net.runtime(), source, times, no_deadline);
        running.start();
        source.set();
    }
    net.settle();
    EXPECT_EQ(times, 0);
    EXPECT_NE(net.runtime().poll_timeout(), net.now());
}

// --- notices

TEST(notice, is_told_once_and_when_nothing_else_runs) {
    connected_sim net;
    int told = 0;
    notice n([](void* count) { ++*static_cast<int*>(count); }, &told);
    net.runtime().post(n);
    net.runtime().post(n); // is the same notice
    EXPECT_EQ(told, 0) << "not from inside of the call";
    EXPECT_EQ(net.runtime().poll_timeout(), net.now()) << "due at once";
    net.settle();
    net.settle();
    EXPECT_EQ(told, 1);
    net.runtime().post(n);
    net.settle();
    EXPECT_EQ(told, 2) << "and again when it is posted again";
}

TEST(notice, that_is_destroyed_is_not_told) {
    connected_sim net;
    int told = 0;
    {
        notice n([](void* count) { ++*static_cast<int*>(count); }, &told);
        net.runtime().post(n);
    }
    net.settle();
    EXPECT_EQ(told, 0);
}

TEST(notice, may_destroy_itself_and_others) {
    struct pair {
        explicit pair(nats::runtime& rt)
            : first(std::make_unique<notice>(&pair::end, this)),
              second(std::make_unique<notice>(&pair::end, this)) {
            rt.post(*first);
            rt.post(*second);
        }
        static void end(void* self) {
            auto& p = *static_cast<pair*>(self);
            ++p.told;
            p.first.reset();
            p.second.reset();
        }
        std::unique_ptr<notice> first;
        std::unique_ptr<notice> second;
        int told = 0;
    };
    connected_sim net;
    pair both(net.runtime());
    net.settle();
    EXPECT_EQ(both.told, 1);
}

} // namespace
} // namespace nats::test

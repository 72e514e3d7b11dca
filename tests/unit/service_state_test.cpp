// SPDX-License-Identifier: Apache-2.0
//
// Proves what stands behind a service, in virtual time: who is told when, requests that wait to be
// taken, and what the runtime and mailboxes do for it: trouble that is told, a drain that is held.

#include <natsproto/services/service_state.hpp>

#include "support/sim.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace nats::test {
namespace {

using services::service_state;
using services::service_status;

constexpr std::string_view refusal =
    "-ERR 'Permissions Violation for Subscription to \"work\"'\r\n";
constexpr std::string_view refusal_in_group =
    "-ERR 'Permissions Violation for Subscription to \"work\" using queue \"q\"'\r\n";

/// A service, and what it tells.
struct served : connected_sim {
    explicit served(const options& o = {}) : connected_sim(o) {
        state.emplace(runtime(), services::service_config("svc", "1.0.0"), services::wall_time(),
                      ended, troubled);
        EXPECT_TRUE(state->start());
        settle();
    }
    /// An endpoint "work" that is read, `most` at a time.
    void add_reader(std::size_t most) {
        services::endpoint_config work("work");
        work.max_concurrent = most;
        EXPECT_TRUE(state->add_reader(work, services::scope("", "q"), ready));
        settle();
    }
    void ask(int count) {
        for (int i = 0; i < count; ++i) (void)server().publish("work", std::to_string(i), "inbox");
        settle();
    }
    /// All that can be taken.
    void take() {
        while (std::optional<message> m = state->take_request(0)) taken.emplace_back(m->payload());
    }
    void finish() { state->finish_request(0, 1ms, {}); }

    static void note_end(void* self) { ++static_cast<served*>(self)->ends; }
    static void note_trouble(void* self) { ++static_cast<served*>(self)->troubles; }
    static void note_ready(void* self) { static_cast<served*>(self)->take(); }

    int ends = 0;
    int troubles = 0;
    std::vector<std::string> taken;
    notice ended{&served::note_end, this};
    notice troubled{&served::note_trouble, this};
    notice ready{&served::note_ready, this};
    std::optional<service_state> state;
};

TEST(service_state, answers_questions_of_three_levels) {
    served s;
    for (const char* const verb : {"PING", "INFO", "STATS"}) {
        const std::string subject = std::string("$SRV.") + verb;
        for (const std::string& at :
             {subject, subject + ".svc", subject + ".svc." + s.state->machine().id()})
            EXPECT_EQ(s.server().publish(at, "", "inbox"), 1U) << at;
    }
    s.settle();
    EXPECT_EQ(s.server().count("PUB inbox"), 9U);
    (void)s.server().publish("$SRV.PING", "");
    (void)s.server().publish("$SRV.PING", "", "$JS.API.STREAM.DELETE.S");
    (void)s.server().publish("$SRV.PING", "", "$SYS.REQ.SERVER.RELOAD");
    s.settle();
    EXPECT_EQ(s.server().count("PUB"), 9U);
}

TEST(service_state, requests_of_a_reader_wait_until_fewer_run) {
    served s;
    s.add_reader(2);
    s.ask(5);
    EXPECT_EQ(s.taken, (std::vector<std::string>{"0", "1"}));
    s.finish();
    s.settle();
    EXPECT_EQ(s.taken.size(), 3U);
    s.state->stop();
    s.settle();
    EXPECT_EQ(s.state->status(), service_status::stopping);
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(s.ends, 0);
        s.finish();
        s.settle();
    }
    EXPECT_EQ(s.taken, (std::vector<std::string>{"0", "1", "2", "3", "4"}));
    EXPECT_EQ(s.ends, 1);
    EXPECT_EQ(s.state->status(), service_status::stopped);
    EXPECT_EQ(s.state->stats().endpoints[0].num_requests, 5U);
    EXPECT_EQ(s.state->stats().endpoints[0].average_processing_time, 1ms);
}

TEST(service_state, what_waits_at_the_connections_end_is_dropped) {
    served s;
    s.add_reader(1);
    s.ask(5);
    s.session().close(s.now());
    s.settle();
    EXPECT_EQ(s.ends, 0) << "one runs";
    s.finish();
    s.settle();
    EXPECT_EQ(s.ends, 1);
    EXPECT_EQ(s.taken.size(), 1U);
    EXPECT_EQ(s.troubles, 1);
    EXPECT_EQ(s.state->poll_trouble()->why, errc::connection_closed);
    EXPECT_EQ(s.state->why(), errc::connection_closed);
}

/// What nobody takes is not kept for ever; each is counted and told of nevertheless.
TEST(service_state, troubles_that_nobody_takes) {
    served s;
    services::endpoint_config work("work");
    work.pending = pending_limits{.messages = 1};
    work.max_concurrent = 1;
    EXPECT_TRUE(s.state->add_reader(work, services::scope("", "q"), s.ready));
    s.settle();
    constexpr int episodes = 70; // of a subscription that is too slow
    for (int i = 0; i < episodes; ++i) {
        s.ask(4);
        s.finish();
        s.settle();
        s.finish();
        s.settle();
    }
    int kept = 0;
    while (const auto told = s.state->poll_trouble()) {
        EXPECT_EQ(told->why, errc::slow_consumer);
        ++kept;
    }
    EXPECT_EQ(kept, 64);
    EXPECT_EQ(s.state->stats().endpoints[0].num_errors, std::uint64_t{episodes});
}

TEST(service_state, a_refused_endpoint_is_its_end) {
    served s;
    s.add_reader(1);
    s.server().send(refusal_in_group);
    s.settle();
    EXPECT_EQ(s.troubles, 1);
    const services::service_trouble told = s.state->poll_trouble().value();
    EXPECT_EQ(told.endpoint, "work");
    EXPECT_EQ(told.why, errc::permissions_violation);
    EXPECT_EQ(s.ends, 1);
    EXPECT_EQ(s.server().subscriptions(), 0U);
}

TEST(service_state, waits_for_its_end_one_at_a_time) {
    served s;
    s.add_reader(1);
    s.ask(1);
    s.state->stop();
    {
        auto cancelled = wait_stopped(s.runtime(), *s.state, no_deadline);
        cancelled.start();
        auto second = wait_stopped(s.runtime(), *s.state, no_deadline);
        second.start();
        ASSERT_TRUE(second.done());
        EXPECT_EQ(second.take().error(), errc::in_use);
    }
    EXPECT_EQ(s.run(wait_stopped(s.runtime(), *s.state, s.now() + 10ms)).error(), errc::timeout);
    auto waiting = wait_stopped(s.runtime(), *s.state, no_deadline);
    waiting.start();
    s.finish();
    s.settle();
    ASSERT_TRUE(waiting.done());
    EXPECT_TRUE(waiting.take());
}

TEST(service_state, destroyed_it_holds_no_drain) {
    served s;
    s.add_reader(3);
    s.ask(2);
    ASSERT_TRUE(s.runtime().drain_connection(true));
    s.settle();
    EXPECT_NE(s.session().status(), session_status::closed);
    s.state.reset();
    s.settle();
    EXPECT_EQ(s.session().status(), session_status::closed);
    EXPECT_EQ(s.ends, 0);
}

// --- what the runtime does for it

TEST(drain_hold, waits_until_it_is_released_as_often) {
    connected_sim net;
    net.runtime().hold_drain();
    net.runtime().hold_drain();
    ASSERT_TRUE(net.runtime().drain_connection(true));
    net.settle();
    EXPECT_EQ(net.session().status(), session_status::draining_subs);
    net.runtime().release_drain();
    net.settle();
    EXPECT_EQ(net.session().status(), session_status::draining_subs);
    net.runtime().release_drain();
    net.settle();
    EXPECT_EQ(net.session().status(), session_status::closed);
    EXPECT_EQ(net.session().close_reason(), errc::connection_closed);
}

TEST(drain_hold, has_an_end) {
    connected_sim net({.drain_timeout = 5s});
    net.runtime().hold_drain();
    ASSERT_TRUE(net.runtime().drain_connection(true));
    net.advance(6s);
    EXPECT_EQ(net.session().close_reason(), errc::drain_timeout);
    net.runtime().release_drain();
}

op<result<void>> wait_for(runtime& rt, wakeup& w) {
    result<void> woken = co_await rt.wait(w, no_deadline);
    co_return woken;
}

TEST(mailbox_trouble, a_refusal_is_told_once) {
    connected_sim net;
    wakeup trouble;
    mailbox box;
    box.on_trouble(&trouble);
    ASSERT_TRUE(
        net.runtime().subscribe(box, "work", {}, [](void*, const message_view&) {}, nullptr));
    net.settle();
    auto waiting = wait_for(net.runtime(), trouble);
    waiting.start();
    EXPECT_FALSE(net.runtime().take_trouble(box));
    net.server().send(refusal);
    net.settle();
    EXPECT_TRUE(waiting.done());
    EXPECT_EQ(net.runtime().take_trouble(box).value(), errc::permissions_violation);
    EXPECT_FALSE(net.runtime().take_trouble(box));
}

TEST(mailbox_trouble, dropped_messages_are_told_once_an_episode) {
    connected_sim net;
    struct slow {
        connected_sim* net;
        int handled = 0;
    } handler{&net};
    wakeup trouble;
    mailbox box;
    box.on_trouble(&trouble);
    const auto handle = [](void* context, const message_view&) {
        auto& h = *static_cast<slow*>(context);
        if (++h.handled == 1) h.net->settle();
    };
    ASSERT_TRUE(
        net.runtime().subscribe(box, "a", {.pending = pending_limits{1, -1}}, handle, &handler));
    net.settle();
    for (int i = 0; i < 5; ++i) (void)net.server().publish("a", "x");
    net.settle();
    EXPECT_EQ(handler.handled, 2);
    EXPECT_EQ(net.runtime().take_trouble(box).value(), errc::slow_consumer);
    EXPECT_FALSE(net.runtime().take_trouble(box));
}

} // namespace
} // namespace nats::test

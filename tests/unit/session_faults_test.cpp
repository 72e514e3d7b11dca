// SPDX-License-Identifier: Apache-2.0
//
// Proves that a session survives its network: one conversation that uses everything is run again
// and again, with the connection broken at each byte in each direction, in each way. Every wait
// ends with a reason, there is exactly one last event, and what the server has seen up to then is
// what it would have seen without the fault.

#include <natsproto/client/ops.hpp>
#include <natsproto/request_many.hpp>
#include <natsproto/runtime.hpp>

#include "support/sim.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace nats::test {
namespace {

/// What the conversation needs, and what became of it.
struct conversation : sim {
    explicit conversation(const sim_settings& settings)
        : sim({.user = "u", .password = "p", .ping_interval = 500ms}, settings) {
        const auto reply = [](scripted_server& s, const wire::frame& f) {
            s.publish(f.reply, "1", {}, "NATS/1.0\r\nk: v\r\n\r\n");
            s.publish(f.reply, "2");
        };
        server().serve("svc", reply);
    }
    /// A handler that waits.
    static void handle(void* self, const message_view&) {
        auto& me = *static_cast<conversation*>(self);
        const result<duration> flushed = me.run(ops::flush(me.runtime(), me.now() + 1s));
        me.log.emplace_back(flushed ? "handled"
                                    : "handler: " + std::string(describe(flushed.error().code())));
    }
    /// Notes the outcome of a step; false: it failed, and that was the last.
    template <class T>
    bool note(const char* step, const result<T>& r) {
        log.push_back(std::string(step) +
                      (r ? "" : ": " + std::string(describe(r.error().code()))));
        return r.has_value();
    }
    mailbox box;
    mailbox handled;
    std::vector<std::string> log;
};

op<int> messages(runtime& rt, conversation& c) {
    if (!c.note("subscribe", rt.subscribe(c.box, "a.*"))) co_return 0;
    if (!c.note("handler", rt.subscribe(c.handled, "h", {}, &conversation::handle, &c)))
        co_return 0;
    for (int i = 0; i < 3; ++i) {
        if (!c.note("publish",
                    c.session().publish("a.b", std::string(static_cast<std::size_t>(i * 20), 'x'),
                                        "r"))) {
            co_return 0;
        }
    }
    if (!c.note("publish", c.session().publish("h", "x"))) co_return 0;
    for (int i = 0; i < 3; ++i) {
        result<message_view> m = co_await rt.next(c.box, rt.now() + 1s);
        if (!c.note("next", m)) co_return 0;
    }
    result<duration> flushed = co_await rt.flush(rt.now() + 1s);
    if (!c.note("flush", flushed)) co_return 0;
    co_return 1;
}

op<int> requests(runtime& rt, conversation& c) {
    for (const char* subject : {"svc", "nobody"}) {
        result<message_view> reply = co_await ops::request(rt, subject, "q", {}, rt.now() + 1s);
        if (!c.note("request", reply) && reply.error() != errc::no_responders) co_return 0;
    }
    const request_many_options two{.timeout = 1s, .max_messages = 2};
    request_many_state many(two, rt.now());
    if (!c.note("request_many", start_request_many(rt, many, "svc", "q", {}, two))) co_return 0;
    while (true) {
        result<std::optional<message_view>> reply = co_await next_reply(rt, many);
        if (!c.note("reply", reply)) co_return 0;
        if (!*reply) break;
    }
    result<void> slept =
        co_await rt.sleep_until(rt.now() + 600ms); // a PING of the session comes in between
    if (!c.note("sleep", slept)) co_return 0;
    co_return 1;
}

op<int> everything(runtime& rt, conversation& c) {
    result<void> up = co_await rt.connected(no_deadline);
    if (!c.note("connected", up)) co_return 0;
    const int first = co_await messages(rt, c);
    if (first == 0) co_return 0;
    const int second = co_await requests(rt, c);
    if (second == 0) co_return 0;
    (void)c.note("unsubscribe", rt.unsubscribe(c.box));
    result<duration> flushed = co_await rt.flush(rt.now() + 1s);
    (void)c.note("flush", flushed);
    co_return 1;
}

void hold(conversation& c) {
    ASSERT_TRUE(c.session().start(c.now()));
    (void)c.run(everything(c.runtime(), c)); // throws when it hangs
    c.session().close(c.now());
    c.settle();
}

sim_settings settings_for(cut how) {
    sim_settings s{.input = how, .output = how, .seed = 7};
    s.rules.info = R"({"proto":1,"headers":true})";
    return s;
}

bool is_prefix(const std::vector<std::string>& a, const std::vector<std::string>& of) {
    return a.size() <= of.size() && std::equal(a.begin(), a.end(), of.begin());
}

/// What must hold at the end, whatever happened.
void expect_clean_end(conversation& c, conversation& unbroken) {
    EXPECT_EQ(c.session().status(), session_status::closed);
    EXPECT_EQ(c.count("closed"), 1U);
    ASSERT_FALSE(c.events().empty());
    EXPECT_TRUE(c.events().back().starts_with("closed")) << c.events().back();
    EXPECT_LE(c.count("connected"), 1U);
    EXPECT_LE(c.count("disconnected"), 1U);
    EXPECT_EQ(c.runtime().waiting_requests(), 0U);
    EXPECT_EQ(c.runtime().poll_timeout(), std::nullopt);
    EXPECT_FALSE(c.box.active());
    EXPECT_FALSE(c.handled.active());
    event e;
    EXPECT_FALSE(c.session().next(e));
    EXPECT_FALSE(c.session().poll_action().has_value());
    EXPECT_TRUE(unbroken.server().received().starts_with(c.server().received()));
    std::vector<std::string> before = c.events();
    while (!before.empty() &&
           (before.back().starts_with("closed") || before.back().starts_with("disconnected") ||
            before.back().starts_with("connect_failed"))) {
        before.pop_back();
    }
    EXPECT_TRUE(is_prefix(before, unbroken.events()));
}

struct broken {
    cut how;
    fault what;
};

class session_faults_at : public testing::TestWithParam<broken> {
protected:
    session_faults_at() : unbroken(settings_for(GetParam().how)) { hold(unbroken); }
    conversation unbroken;
};

TEST_P(session_faults_at, after_every_byte_that_is_read) {
    ASSERT_EQ(unbroken.log.back(), "flush");
    std::set<std::string> last_steps;
    for (std::size_t i = 0; i < unbroken.bytes_read(); ++i) {
        SCOPED_TRACE("after " + std::to_string(i) + " bytes");
        conversation c(settings_for(GetParam().how));
        c.break_after_input(i, GetParam().what);
        hold(c);
        last_steps.insert(c.log.back());
        expect_clean_end(c, unbroken);
        if (testing::Test::HasFailure()) return;
    }
    EXPECT_GE(last_steps.size(), 6U) << "it must have been broken in many places";
}

TEST_P(session_faults_at, after_every_byte_that_is_written) {
    for (std::size_t i = 0; i < unbroken.bytes_written(); ++i) {
        SCOPED_TRACE("after " + std::to_string(i) + " bytes");
        conversation c(settings_for(GetParam().how));
        c.break_after_output(i, GetParam().what);
        hold(c);
        expect_clean_end(c, unbroken);
        if (testing::Test::HasFailure()) return;
    }
}

std::string name_of_case(const testing::TestParamInfo<broken>& test) {
    constexpr const char* names[] = {"eof", "io_error", "silence"};
    return std::string(test.param.how == cut::whole ? "whole_" : "cut_") +
           names[static_cast<std::size_t>(test.param.what)];
}

INSTANTIATE_TEST_SUITE_P(all, session_faults_at,
                         testing::Values(broken{cut::whole, fault::eof},
                                         broken{cut::whole, fault::io_error},
                                         broken{cut::whole, fault::silence},
                                         broken{cut::random, fault::eof}),
                         name_of_case);

TEST(session_faults, after_every_step_of_time) {
    conversation unbroken(settings_for(cut::whole));
    hold(unbroken);
    for (duration at = 0ms; at < 700ms; at += 1ms) {
        for (const fault what : {fault::eof, fault::io_error, fault::silence}) {
            SCOPED_TRACE("after " + in_ms(at));
            conversation c(settings_for(cut::whole));
            ASSERT_TRUE(c.session().start(c.now()));
            op<int> all = everything(c.runtime(), c);
            all.start();
            c.advance(at);
            c.break_now(what);
            c.until([&all] { return all.done(); });
            (void)all.take();
            c.session().close(c.now());
            c.settle();
            expect_clean_end(c, unbroken);
            if (testing::Test::HasFailure()) return;
        }
    }
}

TEST(session_faults, the_op_destroyed_after_every_step) {
    std::size_t steps = 0;
    for (bool finished = false; !finished; ++steps) {
        conversation c(settings_for(cut::whole));
        ASSERT_TRUE(c.session().start(c.now()));
        {
            op<int> all = everything(c.runtime(), c);
            all.start();
            for (std::size_t i = 0; i < steps && !all.done(); ++i) c.step();
            finished = all.done();
        }
        SCOPED_TRACE("after " + std::to_string(steps) + " steps");
        EXPECT_EQ(c.runtime().waiting_requests(), 0U);
        c.settle();
        EXPECT_EQ(c.runtime().poll_timeout(), c.session().poll_timeout())
            << "no deadline was left behind";
        EXPECT_TRUE(c.run(ops::wait_connected(c.runtime())));
        EXPECT_TRUE(c.run(ops::flush(c.runtime(), no_deadline)));
        EXPECT_TRUE(c.run(ops::request(c.runtime(), "svc", "after", {}, no_deadline)));
        if (testing::Test::HasFailure()) return;
    }
    EXPECT_GT(steps, 25U);
}

} // namespace
} // namespace nats::test

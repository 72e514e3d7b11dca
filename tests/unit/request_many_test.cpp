// SPDX-License-Identifier: Apache-2.0
//
// Proves a request with several replies (ADR-47): the machine alone, as tables of what arrives when
// and what it makes of it under each stop rule, and the op over a server: bytes, ends, and that it
// always unsubscribes.

#include <natsproto/request_many.hpp>

#include <natsproto/client/ops.hpp>

#include "support/sim.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nats::test {
namespace {

using verdict = request_many_machine::verdict;

constexpr const char* no_responders_header = "NATS/1.0 503\r\n\r\n";

bool is_end(const message_view& m) {
    return m.payload == "END";
}

// --- the machine

struct arrival {
    int at_ms;
    const char* payload;
    verdict expected;
    int deadline_ms; ///< afterwards
    const char* header = "";
};

struct table {
    const char* name;
    request_many_options rules;
    int first_deadline_ms;
    std::vector<arrival> arrivals;
    bool finished;
};

constexpr auto deliver = verdict::deliver;
constexpr auto deliver_and_stop = verdict::deliver_and_stop;
constexpr auto stop = verdict::stop;
constexpr auto failed = verdict::failed;

std::vector<table> tables() {
    using namespace std::chrono_literals;
    return {
        {"timeout_only",
         {.timeout = 1s},
         1000,
         {{1, "a", deliver, 1000}, {999, "", deliver, 1000}},
         false},
        {"stall_begins_with_the_first",
         {.timeout = 1s, .stall = 100ms},
         1000,
         {{500, "a", deliver, 600}, {550, "b", deliver, 650}},
         false},
        {"stall_never_exceeds_the_timeout",
         {.timeout = 1s, .stall = 100ms},
         1000,
         {{950, "a", deliver, 1000}},
         false},
        {"maximum_of_one",
         {.timeout = 1s, .max_messages = 1},
         1000,
         {{1, "a", deliver_and_stop, 1000}},
         true},
        {"maximum_of_three",
         {.timeout = 1s, .max_messages = 3},
         1000,
         {{1, "a", deliver, 1000},
          {2, "b", deliver, 1000},
          {3, "c", deliver_and_stop, 1000},
          {4, "d", stop, 1000}},
         true},
        {"empty_payload_ends",
         {.timeout = 1s, .until_empty = true},
         1000,
         {{1, "a", deliver, 1000}, {2, "", stop, 1000}, {3, "b", stop, 1000}},
         true},
        {"empty_payload_with_headers_ends",
         {.timeout = 1s, .until_empty = true},
         1000,
         {{1, "", stop, 1000, "NATS/1.0\r\na: b\r\n\r\n"}},
         true},
        {"empty_payload_is_data_without_the_rule",
         {.timeout = 1s},
         1000,
         {{1, "", deliver, 1000}},
         false},
        {"predicate",
         {.timeout = 1s, .until = is_end},
         1000,
         {{1, "a", deliver, 1000}, {2, "END", stop, 1000}},
         true},
        {"predicate_and_empty",
         {.timeout = 1s, .until_empty = true, .until = is_end},
         1000,
         {{1, "a", deliver, 1000}, {2, "", stop, 1000}},
         true},
        {"the_sentinel_is_not_counted",
         {.timeout = 1s, .max_messages = 2, .until_empty = true},
         1000,
         {{1, "a", deliver, 1000}, {2, "", stop, 1000}},
         true},
        {"the_sentinel_as_last_of_the_maximum",
         {.timeout = 1s, .max_messages = 1, .until = is_end},
         1000,
         {{1, "END", stop, 1000}},
         true},
        {"all_rules",
         {.timeout = 1s, .stall = 50ms, .max_messages = 3, .until_empty = true, .until = is_end},
         1000,
         {{10, "a", deliver, 60}, {40, "b", deliver, 90}, {80, "c", deliver_and_stop, 130}},
         true},
        {"no_responders",
         {.timeout = 1s},
         1000,
         {{1, "", failed, 1000, no_responders_header}},
         true},
        {"no_responders_beats_until_empty",
         {.timeout = 1s, .until_empty = true},
         1000,
         {{1, "", failed, 1000, no_responders_header}},
         true},
        {"a_status_after_data_ends_it_too",
         {.timeout = 1s},
         1000,
         {{1, "a", deliver, 1000}, {2, "", failed, 1000, "NATS/1.0 408 Request Timeout\r\n\r\n"}},
         true},
        {"a_status_with_a_payload_is_data",
         {.timeout = 1s},
         1000,
         {{1, "x", deliver, 1000, no_responders_header}},
         false},
        {"endless", {.timeout = duration::max()}, -1, {{1, "a", deliver, -1}}, false},
        {"endless_with_a_stall",
         {.timeout = duration::max(), .stall = 1s},
         -1,
         {{1, "a", deliver, 1001}},
         false},
        {"endless_stall",
         {.timeout = 1s, .stall = duration::max()},
         1000,
         {{1, "a", deliver, 1000}},
         false},
    };
}

time_point at_ms(int ms) {
    return ms < 0 ? no_deadline : start_of_time + std::chrono::milliseconds(ms);
}

TEST(request_many_machine, tables) {
    for (const table& t : tables()) {
        SCOPED_TRACE(t.name);
        ASSERT_TRUE(check(t.rules));
        request_many_machine machine(t.rules, start_of_time);
        EXPECT_EQ(machine.deadline(), at_ms(t.first_deadline_ms));
        EXPECT_FALSE(machine.finished());
        for (const arrival& a : t.arrivals) {
            message_view m;
            m.payload = a.payload;
            m.headers = header_view(a.header);
            EXPECT_EQ(machine.handle_message(m, at_ms(a.at_ms)), a.expected) << a.at_ms;
            EXPECT_EQ(machine.deadline(), at_ms(a.deadline_ms)) << a.at_ms;
        }
        EXPECT_EQ(machine.finished(), t.finished);
    }
}

TEST(request_many_machine, failures_say_which_status) {
    const auto failure_of = [](const char* header) {
        request_many_machine machine({}, start_of_time);
        message_view m;
        m.headers = header_view(header);
        EXPECT_EQ(machine.handle_message(m, start_of_time), failed);
        return machine.failure();
    };
    EXPECT_EQ(failure_of(no_responders_header), (error{errc::no_responders, 503, ""}));
    EXPECT_EQ(failure_of("NATS/1.0 408 Request Timeout\r\n\r\n"),
              (error{errc::server_error, 408, "Request Timeout"}));
}

TEST(request_many_machine, bad_rules) {
    EXPECT_EQ(check(request_many_options{.timeout = 0s}).error(), errc::invalid_argument);
    EXPECT_EQ(check(request_many_options{.timeout = -1s}).error(), errc::invalid_argument);
    EXPECT_EQ(check(request_many_options{.stall = 0s}).error(), errc::invalid_argument);
    EXPECT_EQ(check(request_many_options{.max_messages = 0}).error(), errc::invalid_argument);
    EXPECT_TRUE(check(request_many_options{}));
}

// --- the op

/// Three services; "svc" answers with `replies`, all at once.
struct many : connected_sim {
    explicit many(const options& o = {}, const sim_settings& s = {}) : connected_sim(o, s) {
        server().serve("svc", [this](scripted_server& srv, const wire::frame& f) {
            inbox = f.reply;
            for (const std::string& r : replies) srv.publish(f.reply, r);
        });
    }
    result<void> begin(const request_many_options& o, std::string_view subject = "svc") {
        state = std::make_unique<request_many_state>(o, now());
        return start_request_many(runtime(), *state, subject, "question", {}, o);
    }
    /// The next reply; `end` at the regular end, otherwise the error's sentence.
    std::string next() {
        result<std::optional<message_view>> m = run(next_reply(runtime(), *state));
        if (!m) return std::string(describe(m.error().code()));
        return *m ? std::string((*m)->payload) : "end";
    }
    std::string all(const request_many_options& o, std::string_view subject = "svc") {
        if (result<void> begun = begin(o, subject); !begun) return begun.error().message();
        std::string out;
        std::string one;
        do {
            one = next();
            out += one + ' ';
        } while (one != "end" && one.size() < 5);
        settle();
        return out;
    }
    std::vector<std::string> replies{"a", "b", "c"};
    std::string inbox;
    std::unique_ptr<request_many_state> state;
};

TEST(request_many, bytes_and_the_end_by_timeout) {
    many net;
    const time_point before = net.now();
    EXPECT_EQ(net.all({.timeout = 1s}), "a b c end ");
    EXPECT_EQ(net.now() - before, 1s + 1ms) << "and the UNSUB on its way";
    const auto& lines = net.server().lines();
    ASSERT_EQ(lines.size(), 5U);
    EXPECT_EQ(lines[2], "SUB " + net.inbox + " 1");
    EXPECT_EQ(lines[3], "PUB svc " + net.inbox + " 8 question");
    EXPECT_EQ(lines[4], "UNSUB 1");
    EXPECT_EQ(net.next(), "end") << "and again";
}

TEST(request_many, with_a_maximum_the_server_ends_it) {
    many net;
    EXPECT_EQ(net.all({.timeout = 1s, .max_messages = 2}), "a b end ");
    const auto& lines = net.server().lines();
    ASSERT_EQ(lines.size(), 5U) << "no UNSUB at the end";
    EXPECT_EQ(lines[2], "SUB " + net.inbox + " 1");
    EXPECT_EQ(lines[3], "UNSUB 1 2");
    EXPECT_TRUE(lines[4].starts_with("PUB svc "));
    EXPECT_EQ(net.session().subscriptions(), 0U);
}

TEST(request_many, a_maximum_that_is_not_reached) {
    many net;
    EXPECT_EQ(net.all({.timeout = 1s, .max_messages = 5}), "a b c end ");
    EXPECT_EQ(net.server().lines().back(), "UNSUB 1");
}

TEST(request_many, stall) {
    many net;
    const time_point before = net.now();
    EXPECT_EQ(net.all({.timeout = 10s, .stall = 100ms}), "a b c end ");
    EXPECT_EQ(net.now() - before, 2ms + 100ms + 1ms);
    net.replies.clear();
    const time_point again = net.now();
    EXPECT_EQ(net.all({.timeout = 3s, .stall = 100ms}), "end ");
    EXPECT_EQ(net.now() - again, 3s + 1ms) << "the stall does not begin before the first reply";
}

TEST(request_many, sentinel_and_predicate) {
    many net;
    net.replies = {"a", "", "b"};
    EXPECT_EQ(net.all({.timeout = 1s, .until_empty = true}), "a end ");
    EXPECT_EQ(net.server().lines().back(), "UNSUB 1");
    net.replies = {"a", "b", "END", "c"};
    EXPECT_EQ(net.all({.timeout = 1s, .until = is_end}), "a b end ");
    EXPECT_EQ(net.session().subscriptions(), 0U);
}

TEST(request_many, no_responders) {
    many net;
    EXPECT_EQ(net.all({.timeout = 1s}, "nobody"), std::string(describe(errc::no_responders)) + ' ');
    EXPECT_EQ(net.session().subscriptions(), 0U);
    EXPECT_EQ(net.next(), "end") << "it is over";
}

TEST(request_many, refused_at_the_call_leaves_nothing) {
    many net;
    EXPECT_EQ(net.begin({.timeout = 0s}).error(), errc::invalid_argument);
    EXPECT_EQ(net.begin({}, "a b").error(), errc::invalid_subject);
    EXPECT_EQ(net.begin({.max_messages = 3}, "a b").error(), errc::invalid_subject);
    EXPECT_EQ(net.session().subscriptions(), 0U);
}

TEST(request_many, destroying_it_unsubscribes) {
    many net;
    ASSERT_TRUE(net.begin({}));
    EXPECT_EQ(net.next(), "a");
    net.state.reset();
    net.settle();
    EXPECT_EQ(net.server().lines().back(), "UNSUB 1");
    EXPECT_EQ(net.session().subscriptions(), 0U);
}

TEST(request_many, destroying_a_waiting_op_keeps_the_rest) {
    many net;
    net.replies.clear();
    ASSERT_TRUE(net.begin({}));
    {
        op<result<std::optional<message_view>>> waiting = next_reply(net.runtime(), *net.state);
        waiting.start();
        net.settle();
    }
    net.server().publish(net.inbox, "kept");
    EXPECT_EQ(net.next(), "kept");
}

TEST(request_many, the_end_of_the_session_is_an_error) {
    many net;
    net.replies = {"a"};
    ASSERT_TRUE(net.begin({}));
    EXPECT_EQ(net.next(), "a");
    net.server().hang_up();
    EXPECT_EQ(net.next(), describe(errc::eof));
}

TEST(request_many, replies_received_before_the_end_of_the_session_are_delivered) {
    many net;
    ASSERT_TRUE(net.begin({}));
    net.settle(); // all three wait in the mailbox
    net.session().close(net.now());
    net.settle();
    EXPECT_EQ(net.next(), "a");
    EXPECT_EQ(net.next(), "b");
    EXPECT_EQ(net.next(), "c");
    EXPECT_EQ(net.next(), describe(errc::connection_closed));
}

TEST(request_many, a_full_mailbox_loses_only_what_did_not_fit) {
    options o;
    o.pending.messages = 2;
    many net(o);
    net.replies = {"a", "b", "c", "d"};
    ASSERT_TRUE(net.begin({.timeout = 1s}));
    net.settle();
    EXPECT_EQ(net.count("slow_consumer"), 1U);
    EXPECT_EQ(net.next(), "a");
    EXPECT_EQ(net.next(), "b");
    EXPECT_EQ(net.next(), "end");
}

TEST(request_many, two_at_once_do_not_mix) {
    many net;
    ASSERT_TRUE(net.begin({.timeout = 1s, .max_messages = 3}));
    std::unique_ptr<request_many_state> first = std::move(net.state);
    net.settle();
    net.replies = {"x", "y"};
    ASSERT_TRUE(net.begin({.timeout = 1s, .max_messages = 2}));
    EXPECT_EQ(net.next(), "x");
    std::swap(first, net.state);
    EXPECT_EQ(net.next(), "a");
    std::swap(first, net.state);
    EXPECT_EQ(net.next(), "y");
    EXPECT_EQ(net.next(), "end");
}

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Proves subscriptions at the session, byte for byte: SUB and UNSUB, the counts of automatic
// unsubscribing, that messages for what has ended go nowhere, that sids never come back, and what
// is refused at the call.

#include <natsproto/session.hpp>
#include <natsproto/wire/encoder.hpp>

#include "support/session_steps.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace nats::test {
namespace {

/// A connected session.
struct open_session : stepper {
    explicit open_session(const options& o = {}) : stepper(o) { EXPECT_TRUE(open()); }

    sub_id subscribe(std::string_view subject, std::optional<std::string_view> queue = {}) {
        result<sub_id> id = s.subscribe(subject, queue);
        EXPECT_TRUE(id.has_value());
        return id ? *id : sub_id{};
    }
    std::string message(sub_id to, std::string_view payload = "x") {
        return receive("MSG s " + std::to_string(static_cast<std::uint64_t>(to)) + ' ' +
                       std::to_string(payload.size()) + "\r\n" + std::string(payload) + "\r\n");
    }
};

TEST(session_subscriptions, bytes_of_each_form) {
    open_session c;
    EXPECT_EQ(c.subscribe("foo.*"), sub_id{1});
    EXPECT_EQ(c.subscribe("bar.>", "workers"), sub_id{2});
    EXPECT_EQ(c.drain(), "> SUB foo.* 1\\r\\nSUB bar.> workers 2\\r\\n\n");
    ASSERT_TRUE(c.s.unsubscribe(sub_id{1}));
    ASSERT_TRUE(c.s.unsubscribe(sub_id{2}, 10));
    EXPECT_EQ(c.drain(), "> UNSUB 1\\r\\nUNSUB 2 10\\r\\n\n");
    EXPECT_EQ(c.s.subscriptions(), 1U);
}

TEST(session_subscriptions, messages_come_with_all_they_have) {
    open_session c;
    const sub_id id = c.subscribe("a.*");
    (void)c.drain();
    EXPECT_EQ(c.receive("MSG a.b 1 5\r\nhello\r\n"), "message 1 a.b \"hello\"\n");
    EXPECT_EQ(c.receive("MSG a.b 1 r.1 0\r\n\r\n"), "message 1 a.b reply r.1 \"\"\n");
    EXPECT_EQ(c.receive("MSG  a.b 1  r.1  2\r\nhi\r\n"), "message 1 a.b reply r.1 \"hi\"\n");
    EXPECT_EQ(c.s.subject_of(id), "a.*");
}

TEST(session_subscriptions, headers_and_statistics) {
    open_session c;
    (void)c.subscribe("a");
    (void)c.drain();
    const auto before = c.s.stats();
    EXPECT_EQ(c.receive("HMSG a 1 r 21 23\r\nNATS/1.0\r\nname: v\r\n\r\nhi\r\n"),
              "message 1 a reply r header \"NATS/1.0\\r\\nname: v\\r\\n\\r\\n\" \"hi\"\n");
    EXPECT_EQ(c.s.stats().in_messages, before.in_messages + 1);
    EXPECT_EQ(c.s.stats().in_bytes, before.in_bytes + 23) << "headers count";
    EXPECT_EQ(c.s.stats().socket_in, before.socket_in + 43);
}

TEST(session_subscriptions, the_cookie_comes_back) {
    open_session c;
    int mine = 0;
    int other = 0;
    ASSERT_TRUE(c.s.subscribe("a", std::nullopt, &mine).has_value());
    ASSERT_TRUE(c.s.subscribe("a", std::nullopt, &other).has_value());
    const std::string_view two = "MSG a 2 0\r\n\r\nMSG a 1 0\r\n\r\n";
    const std::span<char> space = c.s.prepare(two.size());
    std::copy(two.begin(), two.end(), space.begin());
    c.s.commit(two.size(), c.now);
    event e;
    ASSERT_TRUE(c.s.next(e));
    EXPECT_EQ(std::get<ev::message>(e).cookie, &other);
    ASSERT_TRUE(c.s.next(e));
    EXPECT_EQ(std::get<ev::message>(e).cookie, &mine);
}

TEST(session_subscriptions, unknown_sids_are_dropped_without_a_word) {
    open_session c;
    (void)c.subscribe("a");
    (void)c.drain();
    for (const char* sid : {"0", "2", "99", "1048577", "4294967297", "18446744073709551615"}) {
        EXPECT_EQ(c.receive("MSG a " + std::string(sid) + " 1\r\nx\r\n"), "") << sid;
    }
    EXPECT_EQ(c.message(sub_id{1}), "message 1 s \"x\"\n");
    EXPECT_EQ(c.s.stats().in_messages, 7U) << "they were received all the same";
}

TEST(session_subscriptions, what_was_on_its_way_when_unsubscribing_is_dropped) {
    open_session c;
    const sub_id id = c.subscribe("a");
    (void)c.drain();
    ASSERT_TRUE(c.s.unsubscribe(id));
    EXPECT_EQ(c.message(id), "> UNSUB 1\\r\\n\n");
    EXPECT_EQ(c.message(id), "");
    EXPECT_EQ(c.s.subject_of(id), "");
}

TEST(session_subscriptions, unsubscribing_twice_is_an_error_and_sends_nothing) {
    open_session c;
    const sub_id id = c.subscribe("a");
    ASSERT_TRUE(c.s.unsubscribe(id));
    (void)c.drain();
    EXPECT_EQ(c.s.unsubscribe(id).error(), errc::invalid_subscription);
    EXPECT_EQ(c.s.unsubscribe(id, 3).error(), errc::invalid_subscription);
    EXPECT_EQ(c.s.unsubscribe(sub_id{0}).error(), errc::invalid_subscription);
    EXPECT_EQ(c.s.unsubscribe(sub_id{77}).error(), errc::invalid_subscription);
    EXPECT_EQ(c.drain(), "");
}

TEST(session_subscriptions, a_maximum_that_servers_cannot_read_is_refused) {
    open_session c;
    const sub_id id = c.subscribe("a");
    ASSERT_TRUE(c.s.unsubscribe(id, wire::max_unsub_after));
    EXPECT_EQ(c.s.unsubscribe(id, wire::max_unsub_after + 1).error(), errc::invalid_argument);
    EXPECT_EQ(c.s.unsubscribe(id, 0).error(), errc::invalid_argument);
    EXPECT_EQ(c.s.subscriptions(), 1U);
}

TEST(session_subscriptions, a_subject_twice_is_two_subscriptions) {
    open_session c;
    const sub_id first = c.subscribe("a");
    const sub_id second = c.subscribe("a");
    EXPECT_NE(first, second);
    (void)c.drain();
    EXPECT_EQ(c.message(first), "message 1 s \"x\"\n");
    EXPECT_EQ(c.message(second), "message 2 s \"x\"\n");
}

// --- automatic unsubscribing

TEST(session_subscriptions, ends_with_exactly_the_maximum) {
    open_session c;
    const sub_id id = c.subscribe("a");
    ASSERT_TRUE(c.s.unsubscribe(id, 3));
    EXPECT_EQ(c.drain(), "> SUB a 1\\r\\nUNSUB 1 3\\r\\n\n");
    EXPECT_EQ(c.message(id), "message 1 s \"x\"\n");
    EXPECT_EQ(c.message(id), "message 1 s \"x\"\n");
    EXPECT_EQ(c.s.subscriptions(), 1U);
    EXPECT_EQ(c.message(id), "message 1 s \"x\" last\n") << "and no UNSUB: the server knows";
    EXPECT_EQ(c.s.subscriptions(), 0U);
    EXPECT_EQ(c.message(id), "") << "a server that sends more";
    EXPECT_EQ(c.s.unsubscribe(id).error(), errc::invalid_subscription);
}

TEST(session_subscriptions, the_maximum_counts_from_the_beginning) {
    open_session c;
    const sub_id id = c.subscribe("a");
    (void)c.message(id);
    (void)c.message(id);
    ASSERT_TRUE(c.s.unsubscribe(id, 3));
    EXPECT_EQ(c.drain(), "> UNSUB 1 3\\r\\n\n");
    EXPECT_EQ(c.message(id), "message 1 s \"x\" last\n");
}

TEST(session_subscriptions, a_maximum_that_is_reached_already_ends_it_now) {
    for (const std::uint64_t max : {1U, 2U}) {
        open_session c;
        const sub_id id = c.subscribe("a");
        (void)c.message(id);
        (void)c.message(id);
        ASSERT_TRUE(c.s.unsubscribe(id, max));
        EXPECT_EQ(c.drain(), "> UNSUB 1\\r\\n\n");
        EXPECT_EQ(c.message(id), "");
        EXPECT_EQ(c.s.subscriptions(), 0U);
    }
}

TEST(session_subscriptions, the_maximum_can_be_changed) {
    open_session c;
    const sub_id id = c.subscribe("a");
    ASSERT_TRUE(c.s.unsubscribe(id, 5));
    ASSERT_TRUE(c.s.unsubscribe(id, 2));
    EXPECT_EQ(c.drain(), "> SUB a 1\\r\\nUNSUB 1 5\\r\\nUNSUB 1 2\\r\\n\n");
    (void)c.message(id);
    EXPECT_EQ(c.message(id), "message 1 s \"x\" last\n");
}

TEST(session_subscriptions, a_maximum_of_zero_is_refused) {
    open_session c;
    const sub_id id = c.subscribe("a");
    (void)c.drain();
    EXPECT_EQ(c.s.unsubscribe(id, 0).error(), errc::invalid_argument);
    EXPECT_EQ(c.drain(), "");
    EXPECT_EQ(c.s.subscriptions(), 1U);
}

// --- refused at the call

TEST(session_subscriptions, bad_subjects_and_queues_change_nothing) {
    open_session c;
    for (const char* subject : {"", ".", "a.", ".a", "a..b", "a b", "a\tb", "a\r\nPUB x 0\r\n\r\n",
                                ">.a", "a.>.b", " "}) {
        EXPECT_EQ(c.s.subscribe(subject).error(), errc::invalid_subject) << subject;
    }
    for (const char* queue : {"", "a b", "a\tb", "q\r\n", "\n"}) {
        EXPECT_EQ(c.s.subscribe("a", queue).error(), errc::invalid_queue_group) << queue;
    }
    EXPECT_EQ(c.s.subscribe(std::string(5000, 'a')).error(), errc::control_line_too_long);
    EXPECT_EQ(c.drain(), "");
    EXPECT_EQ(c.s.subscriptions(), 0U);
    EXPECT_EQ(c.subscribe("a"), sub_id{1}) << "no sid was used up";
}

TEST(session_subscriptions, the_same_is_refused_before_the_connection_is_up) {
    stepper c;
    (void)c.start();
    EXPECT_EQ(c.s.subscribe("a..b").error(), errc::invalid_subject);
    EXPECT_EQ(c.s.subscribe("a", "b c").error(), errc::invalid_queue_group);
    EXPECT_EQ(c.s.subscribe(std::string(5000, 'a')).error(), errc::control_line_too_long);
    EXPECT_EQ(c.s.subscriptions(), 0U);
}

TEST(session_subscriptions, the_control_line_limit_is_exact) {
    options o;
    o.bounds.max_control_line = 20;
    open_session c(o);
    EXPECT_EQ(c.s.subscribe(std::string(19, 'a')).error(), errc::control_line_too_long);
    EXPECT_TRUE(c.s.subscribe(std::string(18, 'a')).has_value()) << "18, a blank and one digit";
    EXPECT_EQ(c.s.subscribe(std::string(9, 'a'), std::string(9, 'q')).error(),
              errc::control_line_too_long);
    EXPECT_TRUE(c.s.subscribe(std::string(9, 'a'), std::string(8, 'q')).has_value());
}

TEST(session_subscriptions, their_number_is_limited) {
    options o;
    o.bounds.max_subscriptions = 3;
    open_session c(o);
    for (int i = 0; i < 3; ++i) (void)c.subscribe("a");
    (void)c.drain();
    EXPECT_EQ(c.s.subscribe("a").error(), errc::too_many_subscriptions);
    EXPECT_EQ(c.drain(), "");
    ASSERT_TRUE(c.s.unsubscribe(sub_id{2}));
    EXPECT_TRUE(c.s.subscribe("a").has_value());
}

TEST(session_subscriptions, unsubscribing_is_possible_when_the_output_is_full) {
    options o;
    o.bounds.max_output_bytes = 64;
    open_session c(o);
    const sub_id id = c.subscribe("a");
    (void)c.drain();
    while (c.s.publish("a", "0123456789").has_value()) {
    }
    EXPECT_EQ(c.s.subscribe("b").error(), errc::output_full);
    EXPECT_EQ(c.s.unsubscribe(id, 5).error(), errc::output_full) << "a maximum can wait";
    ASSERT_TRUE(c.s.unsubscribe(id));
    EXPECT_TRUE(c.drain().ends_with("UNSUB 1\\r\\n\n"));
}

// --- before and after the connection

TEST(session_subscriptions, made_before_the_start_are_sent_in_order_when_connected) {
    stepper c;
    ASSERT_TRUE(c.s.subscribe("a").has_value());
    ASSERT_TRUE(c.s.subscribe("b", "q").has_value());
    (void)c.start();
    ASSERT_TRUE(c.s.subscribe("gone").has_value());
    (void)c.connected();
    (void)c.receive(info_2_10);
    ASSERT_TRUE(c.s.unsubscribe(sub_id{3}));
    ASSERT_TRUE(c.s.unsubscribe(sub_id{1}, 2));
    EXPECT_EQ(c.drain(), "") << "nothing is sent before the handshake is done";
    EXPECT_EQ(c.receive("PONG\r\n"),
              "connected 127.0.0.1:4222\n> SUB a 1\\r\\nUNSUB 1 2\\r\\nSUB b q 2\\r\\n\n");
}

TEST(session_subscriptions, sids_are_never_used_again) {
    open_session c;
    std::set<sub_id> seen;
    std::vector<sub_id> live;
    for (std::size_t i = 0; i < 100'000; ++i) {
        const sub_id id = c.subscribe("churn");
        ASSERT_TRUE(seen.insert(id).second) << static_cast<std::uint64_t>(id);
        live.push_back(id);
        // Keep up to seven, and end them in another order than they began.
        if (live.size() == 8) {
            const std::size_t ended = (i * 7) % 8;
            ASSERT_TRUE(c.s.unsubscribe(live[ended]));
            live.erase(live.begin() + static_cast<std::ptrdiff_t>(ended));
        }
        if (i % 1000 == 0) (void)c.drain();
    }
    EXPECT_EQ(c.s.subscriptions(), 7U);
    (void)c.drain();
    for (const sub_id id : live) EXPECT_NE(c.message(id), "");
    EXPECT_EQ(c.message(*seen.begin()), "") << "the first owner of a place is not its last";
}

TEST(session_subscriptions, one_hundred_thousand_at_once) {
    open_session c;
    for (int i = 0; i < 100'000; ++i) (void)c.subscribe("many");
    (void)c.drain();
    EXPECT_EQ(c.s.subscriptions(), 100'000U);
    EXPECT_EQ(c.message(sub_id{100'000}), "message 100000 s \"x\"\n");
    for (std::uint64_t i = 1; i <= 100'000; ++i) ASSERT_TRUE(c.s.unsubscribe(sub_id{i}));
    EXPECT_EQ(c.s.subscriptions(), 0U);
    (void)c.drain();
    EXPECT_EQ(c.message(sub_id{100'000}), "");
}

} // namespace
} // namespace nats::test

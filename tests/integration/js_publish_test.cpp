// SPDX-License-Identifier: Apache-2.0
//
// Proves publishing into streams against real servers (JSP-01 to JSP-13): one by one, in a window,
// in atomic batches, into counters; with every expectation that a publish can have, and what is
// left of publishes when the server goes.

#include <natsproto/jetstream/basic_batch.hpp>
#include <natsproto/jetstream/basic_publisher.hpp>

#include "integration/jetstream_test.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace nats::test {
namespace {

using js::api_code;
using js::pub_ack;
using js::publish_options;
using js::publish_ticket;

class js_publish : public jetstream_test {
protected:
    void make(js::stream_config c = js::stream_config("S", {"s.>"})) {
        const result<js::stream_info> made = js().create_stream(std::move(c));
        ASSERT_TRUE(made) << made.error().message();
    }
    std::uint64_t stored(std::string_view stream = "S") {
        return js().stream_info(stream).value().state.messages;
    }
    js::stored_message message_at(std::uint64_t sequence) {
        return js().get_message("S", sequence).value();
    }
};
NATSPROTO_ON_NATS_SERVERS(js_publish);

// --- one by one

TEST_P(js_publish, is_acknowledged) {
    make();
    headers h;
    ASSERT_TRUE(h.set("k", "v"));
    const pub_ack first = js().publish("s.a", "one", {.headers = h}).value();
    EXPECT_EQ(first.stream, "S");
    EXPECT_EQ(first.seq, 1U);
    EXPECT_FALSE(first.duplicate);
    EXPECT_EQ(js().publish("s.b").value().seq, 2U);
    const js::stored_message m = message_at(1);
    EXPECT_EQ(m.subject, "s.a");
    EXPECT_EQ(m.payload, "one");
    EXPECT_EQ(m.headers().get("k"), "v");
}

TEST_P(js_publish, the_same_id_twice_is_stored_once) {
    make();
    ASSERT_TRUE(js().publish("s.a", "x"));
    EXPECT_FALSE(js().publish("s.a", "x", {.message_id = "1"}).value().duplicate);
    const pub_ack again = js().publish("s.a", "y", {.message_id = "1"}).value();
    EXPECT_TRUE(again.duplicate);
    EXPECT_EQ(again.seq, 2U);
    EXPECT_EQ(stored(), 2U);
}

TEST_P(js_publish, expectations) {
    make();
    const auto refused = [this](const publish_options& o) {
        return api_code_of(js().publish("s.a", "x", o));
    };
    ASSERT_TRUE(js().publish("s.a", "x", {.expected_last_sequence = 0}));
    EXPECT_EQ(refused({.expected_last_sequence = 0}), number(api_code::wrong_last_sequence));
    ASSERT_TRUE(js().publish("s.a", "x", {.message_id = "i", .expected_last_sequence = 1}));
    EXPECT_EQ(refused({.expected_stream = "T"}), number(api_code::wrong_stream));
    ASSERT_TRUE(js().publish("s.a", "x", {.message_id = "j", .expected_last_message_id = "i"}));
    EXPECT_EQ(refused({.expected_last_message_id = "i"}), number(api_code::wrong_last_message_id));
    ASSERT_TRUE(
        js().publish("s.a", "x", {.expected_stream = "S", .expected_last_subject_sequence = 3}));
    EXPECT_EQ(refused({.expected_last_subject_sequence = 3}),
              number(api_code::wrong_last_sequence));
    EXPECT_EQ(refused({.expected_last_subject_sequence = 0}),
              number(api_code::wrong_last_sequence));
    ASSERT_TRUE(js().publish("s.new", "x", {.expected_last_subject_sequence = 0}));
    EXPECT_EQ(stored(), 5U);
}

TEST_P(js_publish, expectations_of_other_subjects) {
    make();
    if (!at_least(2, 11)) GTEST_SKIP() << "since 2.11";
    ASSERT_TRUE(js().publish("s.a.1", "x"));
    ASSERT_TRUE(js().publish("s.b", "x"));
    ASSERT_TRUE(js().publish(
        "s.a.2", "x", {.expected_last_subject_sequence = 1, .expected_last_subject = "s.a.*"}));
    EXPECT_EQ(
        api_code_of(js().publish(
            "s.a.2", "x", {.expected_last_subject_sequence = 1, .expected_last_subject = "s.a.*"})),
        number(api_code::wrong_last_sequence));
}

TEST_P(js_publish, no_stream_listens) {
    const stopwatch watch;
    EXPECT_EQ(code_of(js().publish("nobody")), errc::no_stream_response);
    EXPECT_GE(watch.elapsed(), 500ms) << "two pauses between three attempts";
    const stopwatch once;
    EXPECT_EQ(code_of(js().publish("nobody", {}, {.retry_attempts = 0})), errc::no_stream_response);
    EXPECT_LT(once.elapsed(), at_once);
}

TEST_P(js_publish, somebody_who_is_no_stream) {
    client other = connect();
    subscription silent = subscribed(other, "silent");
    EXPECT_EQ(code_of(js().publish("silent", {}, {.timeout = 50ms})), errc::timeout);
    EXPECT_EQ(next_payload(silent), "") << "it was sent";
    subscription rude =
        other
            .subscribe("rude", [&other](const message_view& m) { (void)other.respond(m, "hello"); })
            .value();
    ASSERT_TRUE(other.flush());
    const result<js::publish_ticket> t = js().make_publisher().value().publish("rude");
    ASSERT_TRUE(t);
}

TEST_P(js_publish, with_a_prefix_and_a_domain) {
    start_jetstream("domain: hub");
    make();
    const pub_ack ack = js().publish("s.a", "x").value();
    EXPECT_EQ(ack.domain, "hub");
    const auto in_domain = jetstream::make(nc(), {.domain = "hub"}).value();
    auto by_domain = in_domain;
    EXPECT_EQ(by_domain.stream_info("S").value().state.messages, 1U);
    EXPECT_EQ(by_domain.publish("s.a").value().seq, 2U);
    auto nowhere = jetstream::make(nc(), {.domain = "other"}).value();
    EXPECT_EQ(code_of(nowhere.stream_info("S")), errc::jetstream_not_enabled);
}

TEST_P(js_publish, not_enabled) {
    (void)start();
    client plain = connect();
    jetstream none(plain);
    EXPECT_EQ(code_of(none.publish("s.a", {}, {.retry_attempts = 0})), errc::no_stream_response);
}

// --- headers that newer servers know

TEST_P(js_publish, time_to_live) {
    js::stream_config c("S", {"s.>"});
    c.allow_msg_ttl = at_least(2, 11);
    make(c);
    const result<pub_ack> ack = js().publish("s.a", "x", {.ttl = 1h});
    ASSERT_TRUE(ack) << ack.error().message();
    ASSERT_TRUE(js().publish("s.a", "x", {.ttl = js::never_expires}));
    EXPECT_EQ(message_at(1).headers().get("Nats-TTL"), "3600");
    if (!at_least(2, 11)) return;
    ASSERT_TRUE(js().publish("s.b", "x", {.ttl = 1s}));
    EXPECT_TRUE(wait_until([this] { return stored() == 2; }, long_enough)) << "it expires";
    ASSERT_TRUE(js().create_stream(js::stream_config("T", {"t"})));
    EXPECT_EQ(api_code_of(js().publish("t", "x", {.ttl = 1h})), number(api_code::ttl_disabled));
}

TEST_P(js_publish, rollups) {
    js::stream_config c("S", {"s.>"});
    c.allow_rollup_hdrs = true;
    make(c);
    for (const char* subject : {"s.a", "s.a", "s.b"}) ASSERT_TRUE(js().publish(subject, "x"));
    ASSERT_TRUE(js().publish("s.a", "all of a", {.rollup = js::rollup::subject}));
    EXPECT_EQ(stored(), 2U);
    ASSERT_TRUE(js().publish("s.c", "all", {.rollup = js::rollup::all}));
    EXPECT_EQ(stored(), 1U);
}

TEST_P(js_publish, schedules) {
    if (!at_least(2, 12)) GTEST_SKIP() << "since 2.12";
    js::stream_config c("S", {"s.>"});
    c.allow_msg_schedules = true;
    make(c);
    ASSERT_TRUE(js().create_stream(js::stream_config("T", {"t"})));
    const result<pub_ack> ack = js().publish(
        "s.plan", "later", {.schedule = {.when = "@at 2020-01-01T00:00:00Z", .target = "s.done"}});
    ASSERT_TRUE(ack) << ack.error().message();
    const auto is_there = [this] { return js().get_last_message("S", "s.done").has_value(); };
    EXPECT_TRUE(wait_until(is_there, long_enough));
    EXPECT_EQ(js().get_last_message("S", "s.done").value().payload, "later");
    EXPECT_NE(api_code_of(js().publish("t", "x", {.schedule = {.when = "@hourly", .target = "t"}})),
              0U)
        << "a stream without schedules";
}

TEST_P(js_publish, counters) {
    if (!at_least(2, 12)) GTEST_SKIP() << "since 2.12";
    js::stream_config c("S", {"s.>"});
    c.allow_msg_counter = true;
    c.allow_direct = true;
    make(c);
    EXPECT_EQ(js().increment("s.a", "5").value(), "5");
    EXPECT_EQ(js().increment("s.a", "-12").value(), "-7");
    EXPECT_EQ(js().increment("s.b", "100000000000000000000000").value(),
              "100000000000000000000000");
    EXPECT_EQ(code_of(js().increment("s.a", "five")), errc::invalid_argument);
    EXPECT_EQ(code_of(js().increment("s.a", "")), errc::invalid_argument);
    EXPECT_EQ(api_code_of(js().publish("s.a", "x")), number(api_code::counter_missing_increment));
    ASSERT_TRUE(js().create_stream(js::stream_config("T", {"t"})));
    EXPECT_EQ(api_code_of(js().increment("t", "1")), number(api_code::counter_disabled));
    headers h;
    ASSERT_TRUE(h.set("Nats-Incr", "+1"));
    EXPECT_EQ(api_code_of(js().publish("s.a", "x", {.headers = h})),
              number(api_code::counter_with_payload));
    ASSERT_TRUE(h.set("Nats-Incr", "five"));
    EXPECT_EQ(api_code_of(js().publish("s.a", "", {.headers = h})),
              number(api_code::counter_invalid_increment));
}

// --- in a window

TEST_P(js_publish, a_window_keeps_the_order) {
    make();
    std::vector<publish_ticket> told;
    std::vector<std::uint64_t> sequences;
    auto publisher = js().make_publisher({.max_pending = 50, .stall_wait = long_enough},
                                         [&](publish_ticket t, const result<pub_ack>& r) {
                                             told.push_back(t);
                                             sequences.push_back(r ? r->seq : 0);
                                         })
                         .value();
    std::vector<publish_ticket> tickets;
    constexpr std::size_t many = 1000;
    for (std::size_t i = 0; i < many; ++i) {
        result<publish_ticket> t = publisher.publish("s.a", std::to_string(i));
        ASSERT_TRUE(t) << t.error().message();
        tickets.push_back(*t);
        ASSERT_LE(publisher.pending(), 50U);
    }
    const result<js::publish_counts> all = publisher.complete(long_enough);
    ASSERT_TRUE(all) << all.error().message();
    EXPECT_EQ(all->acknowledged, many);
    EXPECT_EQ(publisher.pending(), 0U);
    EXPECT_EQ(told, tickets);
    for (std::size_t i = 0; i < many; ++i) ASSERT_EQ(sequences[i], i + 1);
    EXPECT_EQ(message_at(many).payload, std::to_string(many - 1));
    EXPECT_EQ(publisher.wait(tickets.back()).value().seq, many);
}

TEST_P(js_publish, a_window_that_nobody_empties) {
    client other = connect();
    subscription silent = subscribed(other, "silent");
    auto publisher =
        js().make_publisher({.max_pending = 1, .stall_wait = 20ms, .ack_timeout = 300ms}).value();
    const publish_ticket t = publisher.publish("silent").value();
    EXPECT_EQ(code_of(publisher.publish("silent")), errc::acks_overdue);
    EXPECT_EQ(code_of(publisher.wait(t)), errc::timeout);
    ASSERT_TRUE(publisher.publish("silent")) << "there is room again";
    EXPECT_EQ(code_of(publisher.complete(long_enough)), errc::timeout);
}

TEST_P(js_publish, a_window_tells_what_the_server_refused) {
    make();
    auto publisher = js().make_publisher().value();
    const publish_ticket good = publisher.publish("s.a", "x", {.message_id = "1"}).value();
    const publish_ticket wrong = publisher.publish("s.a", "x", {.expected_stream = "T"}).value();
    const publish_ticket none = publisher.publish("nobody").value();
    EXPECT_EQ(publisher.wait(none).error(), errc::no_stream_response);
    EXPECT_EQ(publisher.wait(wrong).error().api_code(), number(api_code::wrong_stream));
    EXPECT_EQ(publisher.wait(good).value().seq, 1U);
    EXPECT_FALSE(publisher.complete(long_enough));
    EXPECT_EQ(publisher.counts().failed, 2U);
}

TEST_P(js_publish, a_window_whose_server_goes) {
    make();
    client patient = connect({.max_reconnects = -1, .reconnect_wait = 10ms});
    jetstream here(patient);
    auto publisher = here.make_publisher().value();
    ASSERT_TRUE(publisher.publish("s.a", "before"));
    ASSERT_TRUE(publisher.complete(long_enough));
    server().suspend();
    const publish_ticket lost = publisher.publish("s.a", "lost").value();
    server().kill();
    ASSERT_TRUE(wait_until(
        [&] {
            (void)patient.poll(1ms);
            return patient.status() == session_status::reconnecting;
        },
        long_enough));
    const publish_ticket kept = publisher.publish("s.a", "kept").value();
    server().restart();
    EXPECT_EQ(code_of(publisher.wait(lost)), errc::publish_unconfirmed);
    // The stream may come back later than its server: then nobody has listened.
    const result<pub_ack> after = publisher.wait(kept);
    if (!after) {
        EXPECT_EQ(after.error(), errc::no_stream_response);
    }
    const result<pub_ack> now = here.publish("s.a", "now", {.retry_attempts = -1});
    ASSERT_TRUE(now) << now.error().message();
}

// --- atomic batches

TEST_P(js_publish, batches_are_stored_together) {
    js::stream_config c("S", {"s.>"});
    c.allow_atomic = at_least(2, 12);
    make(c);
    auto batch = js().make_batch();
    const result<void> begun = batch.add("s.a", "1", {.expected_last_sequence = 0});
    if (!at_least(2, 12)) {
        EXPECT_EQ(code_of(begun), errc::batch_failed);
        EXPECT_FALSE(batch.open());
        return;
    }
    ASSERT_TRUE(begun) << begun.error().message();
    ASSERT_TRUE(batch.add("s.b", "2"));
    EXPECT_EQ(stored(), 0U);
    const result<pub_ack> ack = batch.commit("s.c", "3");
    ASSERT_TRUE(ack) << ack.error().message();
    EXPECT_EQ(ack->count, 3U);
    EXPECT_EQ(ack->seq, 3U);
    EXPECT_EQ(stored(), 3U);
    EXPECT_EQ(message_at(2).payload, "2");
    EXPECT_EQ(code_of(batch.add("s.d", "4")), errc::batch_failed);
}

TEST_P(js_publish, batches_that_fail_store_nothing) {
    if (!at_least(2, 12)) GTEST_SKIP() << "since 2.12";
    js::stream_config c("S", {"s.>"});
    c.allow_atomic = true;
    make(c);
    auto discarded = js().make_batch();
    ASSERT_TRUE(discarded.add("s.a", "1"));
    discarded.discard();
    EXPECT_EQ(code_of(discarded.commit("s.a", "2")), errc::batch_failed);
    auto wrong = js().make_batch();
    ASSERT_TRUE(wrong.add("s.a", "1"));
    ASSERT_TRUE(wrong.add("s.a", "2", {.expected_last_subject_sequence = 77}));
    const result<pub_ack> ack = wrong.commit("s.a", "3");
    ASSERT_FALSE(ack);
    EXPECT_EQ(ack.error(), errc::batch_failed);
    EXPECT_NE(ack.error().api_code(), 0U) << ack.error().message();
    EXPECT_EQ(stored(), 0U);
    ASSERT_TRUE(js().create_stream(js::stream_config("T", {"t"})));
    auto disabled = js().make_batch();
    const result<void> refused = disabled.add("t", "1");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().api_code(), number(api_code::batch_disabled));
}

TEST_P(js_publish, a_batch_without_a_last_message) {
    if (!at_least(2, 14)) GTEST_SKIP() << "since 2.14";
    js::stream_config c("S", {"s.>"});
    c.allow_atomic = true;
    make(c);
    auto batch = js().make_batch();
    ASSERT_TRUE(batch.add("s.a", "1"));
    ASSERT_TRUE(batch.add("s.b", "2"));
    const result<pub_ack> ack = batch.commit_as_it_is();
    ASSERT_TRUE(ack) << ack.error().message();
    EXPECT_EQ(ack->count, 2U);
    EXPECT_EQ(stored(), 2U);
}

// --- fast ingest

TEST_P(js_publish, ingest_stores_all_and_in_order) {
    js::stream_config c("S", {"s.>"});
    c.allow_batched = at_least(2, 14);
    make(c);
    auto ingest = js().make_ingest({.flow = 50}).value();
    const result<js::ingest_progress> begun = ingest.add("s.a", "1");
    if (!at_least(2, 14)) {
        EXPECT_EQ(code_of(begun), errc::batch_failed);
        EXPECT_FALSE(ingest.open());
        return;
    }
    ASSERT_TRUE(begun) << begun.error().message();
    constexpr std::uint64_t many = 2000;
    for (std::uint64_t i = 2; i < many; ++i) {
        const result<js::ingest_progress> p = ingest.add("s.a", std::to_string(i));
        ASSERT_TRUE(p) << p.error().message();
        ASSERT_EQ(p->sequence, i);
        ASSERT_LE(p->acknowledged, i);
        ASSERT_GE(p->acknowledged + 100, i) << "two answers of 50 messages";
        if (i == many / 2) {
            ASSERT_TRUE(ingest.keep_alive());
        }
    }
    const result<pub_ack> ack = ingest.commit("s.b", std::to_string(many));
    ASSERT_TRUE(ack) << ack.error().message();
    EXPECT_EQ(ack->count, many);
    EXPECT_EQ(ack->seq, many);
    EXPECT_EQ(stored(), many);
    EXPECT_EQ(message_at(777).payload, "777");
    EXPECT_EQ(code_of(ingest.add("s.d", "4")), errc::ingest_incomplete);
}

TEST_P(js_publish, an_ingest_that_the_server_ends) {
    if (!at_least(2, 14)) GTEST_SKIP() << "since 2.14";
    js::stream_config c("S", {"s.>"});
    c.allow_batched = true;
    make(c);
    auto strict = js().make_ingest().value();
    ASSERT_TRUE(strict.add("s.a", "1"));
    ASSERT_TRUE(strict.add("s.a", "2", {.expected_last_subject_sequence = 77}));
    const result<pub_ack> ack = strict.commit("s.a", "3");
    ASSERT_FALSE(ack);
    EXPECT_EQ(ack.error(), errc::ingest_incomplete);
    EXPECT_EQ(ack.error().api_code(), number(api_code::wrong_last_sequence));
    EXPECT_EQ(stored(), 1U);

    std::vector<std::string> warnings;
    auto lenient = js().make_ingest({.continue_on_gap = true},
                                    [&](const error& w) { warnings.push_back(w.detail()); })
                       .value();
    ASSERT_TRUE(lenient.add("s.a", "1"));
    ASSERT_TRUE(lenient.add("s.a", "2", {.expected_last_subject_sequence = 77}));
    ASSERT_TRUE(lenient.add("s.a", "3"));
    const result<pub_ack> end = lenient.finish();
    ASSERT_TRUE(end) << end.error().message();
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_NE(warnings.front().find("message 2"), std::string::npos) << warnings.front();
    EXPECT_EQ(stored(), 3U);

    ASSERT_TRUE(js().create_stream(js::stream_config("T", {"t"})));
    auto disabled = js().make_ingest().value();
    const result<js::ingest_progress> refused = disabled.add("t", "1");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().api_code(), number(api_code::ingest_disabled));
}

} // namespace
} // namespace nats::test

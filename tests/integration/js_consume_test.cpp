// SPDX-License-Identifier: Apache-2.0
//
// Proves consuming from real servers: one message, fetches and flows, every acknowledgement, what
// ends them, and that a lost connection, a restarted server and a deleted consumer do to them what
// they should.

#include "integration/js_server_test.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace nats::test {
namespace {

class js_consume : public js_server_test {};
NATSPROTO_ON_NATS_SERVERS(js_consume);

// --- next and fetch

TEST_P(js_consume, next) {
    client nc = connect();
    make(nc, 2);
    jetstream js(nc);
    auto c = js.consumer("S", "C");
    js::message m = c.next({.expires = 5s}).value();
    EXPECT_EQ(m.payload(), "1");
    EXPECT_EQ(m.subject(), "s.x");
    const js::metadata of = m.metadata().value();
    EXPECT_EQ(of.stream, "S");
    EXPECT_EQ(of.consumer, "C");
    EXPECT_EQ(of.stream_sequence, 1U);
    EXPECT_EQ(of.delivered, 1U);
    EXPECT_EQ(of.pending, 1U);
    EXPECT_TRUE(js.ack(m));
    EXPECT_EQ(js.ack(m).error(), errc::already_acknowledged);
    EXPECT_EQ(c.next({.expires = 5s}).value().payload(), "2");
    const stopwatch watch;
    EXPECT_EQ(c.next({.expires = 200ms}).error(), errc::timeout);
    EXPECT_LT(watch.elapsed(), at_once);
    EXPECT_EQ(c.info().value().num_ack_pending, 1U);
}

TEST_P(js_consume, fetch) {
    client nc = connect();
    make(nc, 10);
    jetstream js(nc);
    auto c = js.consumer("S", "C");
    auto some = c.fetch({.max_messages = 4, .expires = 5s}).value();
    EXPECT_EQ(some.why(), std::nullopt);
    EXPECT_EQ(rest(some), "1 2 3 4 ");
    EXPECT_EQ(some.why().value(), errc::consumption_stopped);
    EXPECT_EQ(rest(some), "") << "and again";
    std::vector<js::message> more = c.fetch_all({.max_messages = 10, .expires = 300ms}).value();
    EXPECT_EQ(payloads(more), "5 6 7 8 9 10 ");
    std::vector<js::message> none = c.fetch_all({.max_messages = 10, .expires = 100ms}).value();
    EXPECT_TRUE(none.empty());
}

TEST_P(js_consume, fetch_without_waiting) {
    client nc = connect();
    make(nc, 3);
    jetstream js(nc);
    auto c = js.consumer("S", "C");
    const stopwatch watch;
    auto some = c.fetch({.max_messages = 10, .no_wait = true}).value();
    EXPECT_EQ(rest(some), "1 2 3 ");
    EXPECT_EQ(some.why().value(), errc::timeout);
    EXPECT_NE(some.why()->status(), 0);
    EXPECT_TRUE(c.fetch_all({.max_messages = 10, .no_wait = true}).value().empty());
    EXPECT_LT(watch.elapsed(), at_once);
}

TEST_P(js_consume, fetch_of_bytes) {
    client nc = connect();
    make(nc, 0);
    jetstream js(nc);
    const std::string large(1000, 'x');
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(nc.request("s.x", large, long_enough));
    auto c = js.consumer("S", "C");
    std::vector<js::message> two = c.fetch_all({.max_bytes = 2500, .expires = 1s}).value();
    EXPECT_EQ(two.size(), 2U);
    const result<std::vector<js::message>> none = c.fetch_all({.max_bytes = 100, .expires = 1s});
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error(), errc::pull_refused);
    EXPECT_EQ(none.error().status(), 409);
}

TEST_P(js_consume, what_is_not_there) {
    client nc = connect();
    make(nc, 1);
    jetstream js(nc);
    EXPECT_EQ(js.consumer("S", "a b").next().error(), errc::invalid_name);
    EXPECT_EQ(js.consumer("S.", "C").fetch().error(), errc::invalid_name);
    EXPECT_EQ(js.consumer("S", "C").messages({.max_messages = 0}).error(), errc::invalid_argument);
    const result<js::message> gone = js.consumer("S", "nobody").next({.expires = 300ms});
    ASSERT_FALSE(gone);
    const errc expected = GetParam() == generation::v2_9 ? errc::timeout : errc::no_responders;
    EXPECT_EQ(gone.error(), expected);
    js::consumer_config push("P");
    push.deliver_subject = "deliver.here";
    ASSERT_TRUE(js.create_consumer("S", push));
    EXPECT_EQ(js.consumer("S", "P").next({.expires = 2s}).error(), errc::consumer_is_push);
}

TEST_P(js_consume, limits_of_the_consumer) {
    client nc = connect();
    js::consumer_config limited = consumer();
    limited.max_batch = 5;
    make(nc, 10, limited);
    jetstream js(nc);
    auto c = js.consumer("S", "C");
    const result<std::vector<js::message>> r = c.fetch_all({.max_messages = 6, .expires = 1s});
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error(), errc::pull_refused);
    EXPECT_EQ(r.error().status(), 409);
    EXPECT_EQ(c.fetch_all({.max_messages = 5, .expires = 1s}).value().size(), 5U);
}

// --- acknowledgements

TEST_P(js_consume, acknowledgements) {
    client nc = connect();
    make(nc, 4);
    jetstream js(nc);
    auto c = js.consumer("S", "C");
    std::vector<js::message> m = c.fetch_all({.max_messages = 4, .expires = 5s}).value();
    ASSERT_EQ(m.size(), 4U);
    EXPECT_TRUE(js.in_progress(m[0]));
    EXPECT_TRUE(js.in_progress(m[0])) << "as often as needed";
    EXPECT_TRUE(js.ack_confirmed(m[0], long_enough));
    EXPECT_EQ(c.info().value().num_ack_pending, 3U) << "at once, since it is confirmed";
    EXPECT_EQ(js.in_progress(m[0]).error(), errc::already_acknowledged);
    EXPECT_EQ(js.ack_confirmed(m[0], long_enough).error(), errc::already_acknowledged);
    EXPECT_TRUE(js.terminate(m[1], "no good"));
    EXPECT_TRUE(js.nak(m[2]));
    js::message again = c.next({.expires = 5s}).value();
    EXPECT_EQ(again.payload(), "3");
    EXPECT_EQ(again.metadata().value().delivered, 2U);
    const stopwatch watch;
    EXPECT_TRUE(js.nak(again, 300ms));
    js::message later = c.next({.expires = 5s}).value();
    EXPECT_EQ(later.metadata().value().delivered, 3U);
    EXPECT_GE(watch.elapsed(), 300ms);
    js::message plain{nats::message()};
    EXPECT_EQ(js.ack(plain).error(), errc::no_reply);
    EXPECT_TRUE(js.ack(later));
    EXPECT_TRUE(js.ack(m[3]));
    EXPECT_TRUE(
        wait_until([&] { return c.info().value().ack_floor.stream_seq == 4; }, long_enough));
}

TEST_P(js_consume, acknowledge_and_ask_for_the_next) {
    client nc = connect();
    make(nc, 3);
    jetstream js(nc);
    js::message m = js.consumer("S", "C").next({.expires = 5s}).value();
    for (const char* expected : {"2", "3"}) {
        m = js.ack_next(m, {.expires = 5s}).value();
        EXPECT_EQ(m.payload(), expected);
    }
    EXPECT_EQ(js.consumer("S", "C").info().value().ack_floor.stream_seq, 2U);
    EXPECT_EQ(js.ack_next(m, {.expires = 100ms}).error(), errc::timeout);
    EXPECT_EQ(js.ack_next(m).error(), errc::already_acknowledged);
}

// --- flows

TEST_P(js_consume, messages) {
    client nc = connect();
    make(nc, 100);
    jetstream js(nc);
    auto c = js.consumer("S", "C");
    auto flow = c.messages({.max_messages = 10}).value();
    for (int i = 1; i <= 100; ++i) {
        std::optional<js::message> m = flow.next(long_enough).value();
        ASSERT_TRUE(m);
        EXPECT_EQ(m->payload(), std::to_string(i));
        if (i != 50) {
            EXPECT_TRUE(js.ack(*m));
        } else { // then the server has dealt with the others too
            EXPECT_TRUE(js.ack_confirmed(*m, long_enough));
            EXPECT_LE(c.info().value().num_ack_pending, 10U) << "no more than were asked for";
        }
    }
    EXPECT_EQ(flow.next(50ms).error(), errc::timeout);
    EXPECT_FALSE(flow.ended());
    publish(nc, 101, 101);
    EXPECT_EQ(flow.next(long_enough).value()->payload(), "101");
    flow.stop();
    EXPECT_TRUE(flow.ended());
    EXPECT_EQ(flow.next().value().has_value(), false);
    EXPECT_EQ(flow.why().value(), errc::consumption_stopped);
}

TEST_P(js_consume, messages_up_to_a_number) {
    client nc = connect();
    make(nc, 30);
    jetstream js(nc);
    auto c = js.consumer("S", "C");
    auto flow = c.messages({.max_messages = 4, .stop_after = 10}).value();
    EXPECT_EQ(rest(flow), "1 2 3 4 5 6 7 8 9 10 ");
    EXPECT_EQ(flow.why().value(), errc::consumption_stopped);
    EXPECT_EQ(c.info().value().num_ack_pending, 10U) << "no more were asked for";
}

TEST_P(js_consume, messages_by_bytes) {
    client nc = connect();
    make(nc, 200);
    jetstream js(nc);
    auto flow = js.consumer("S", "C").messages({.max_bytes = 1000, .stop_after = 200}).value();
    std::string expected;
    for (int i = 1; i <= 200; ++i) expected += std::to_string(i) + ' ';
    EXPECT_EQ(rest(flow), expected);
}

TEST_P(js_consume, messages_that_are_drained) {
    client nc = connect();
    make(nc, 30);
    jetstream js(nc);
    auto flow = js.consumer("S", "C").messages({.max_messages = 10}).value();
    EXPECT_EQ(flow.next(long_enough).value()->payload(), "1");
    EXPECT_EQ(flow.next(long_enough).value()->payload(), "2");
    (void)nc.flush().value(); // some have come
    flow.drain();
    const std::string left = rest(flow);
    std::string expected;
    for (int i = 3; expected.size() < left.size(); ++i) expected += std::to_string(i) + ' ';
    EXPECT_EQ(left, expected) << "what has come, in order";
    EXPECT_EQ(flow.why().value(), errc::consumption_stopped);
}

TEST_P(js_consume, pulls_that_end_are_followed_by_others) {
    client nc = connect();
    make(nc, 0);
    jetstream js(nc);
    auto flow = js.consumer("S", "C").messages({.max_messages = 3, .expires = 200ms}).value();
    EXPECT_EQ(flow.next(1s).error(), errc::timeout) << "five pulls later";
    publish(nc, 1, 5);
    for (int i = 1; i <= 5; ++i)
        EXPECT_EQ(flow.next(long_enough).value()->payload(), std::to_string(i));
}

TEST_P(js_consume, consume) {
    client nc = connect();
    make(nc, 50);
    jetstream js(nc);
    auto c = js.consumer("S", "C");
    std::string got;
    std::optional<error> end;
    int n = 0;
    auto flow = c.consume(
                     [&](js::message_view& m) {
                         got += std::string(m.payload()) + ' ';
                         EXPECT_TRUE(js.ack(m));
                         ++n;
                     },
                     {.max_messages = 7})
                    .value();
    flow.on_end([&](const error& why) { end = why; });
    poll_until(nc, [&] { return n == 50; });
    EXPECT_EQ(got, up_to(50));
    (void)nc.flush().value();
    EXPECT_EQ(c.info().value().ack_floor.stream_seq, 50U);
    flow.drain();
    poll_until(nc, [&] { return end.has_value(); });
    EXPECT_EQ(*end, errc::consumption_stopped);
    EXPECT_TRUE(flow.ended());
}

TEST_P(js_consume, a_handler_may_stop_and_destroy_it) {
    client nc = connect();
    make(nc, 20);
    jetstream js(nc);
    auto c = js.consumer("S", "C");
    std::optional<decltype(c)::consumption_type> flow;
    int n = 0;
    const auto handler = [&](js::message_view&) {
        if (++n == 3) flow->stop();
        if (n == 13) flow.reset();
    };
    flow = c.consume(handler).value();
    bool ended = false;
    flow->on_end([&](const error&) { ended = true; });
    poll_until(nc, [&] { return ended; });
    EXPECT_EQ(n, 3);
    n = 10;
    js::consumer_config other("D");
    ASSERT_TRUE(js.create_consumer("S", other));
    flow = js.consumer("S", "D").consume(handler).value();
    poll_until(nc, [&] { return !flow; });
    (void)nc.flush().value();
    EXPECT_EQ(n, 13);
}

TEST_P(js_consume, waiting_calls_inside_of_a_handler) {
    if (through_asio) GTEST_SKIP() << "only blocking calls can be made in a handler";
    client nc = connect();
    make(nc, 5);
    jetstream js(nc);
    js::consumer_config other("D");
    ASSERT_TRUE(js.create_consumer("S", other));
    auto d = js.consumer("S", "D");
    std::string got;
    auto flow = js.consumer("S", "C")
                    .consume([&](js::message_view& m) {
                        const std::string outer(m.payload());
                        EXPECT_TRUE(js.ack_confirmed(m, long_enough));
                        got += outer + std::string(d.next({.expires = 5s}).value().payload()) + ' ';
                    })
                    .value();
    poll_until(nc, [&] { return got.size() >= 15; });
    EXPECT_EQ(got, "11 22 33 44 55 ");
}

// --- ends, and what is none

TEST_P(js_consume, a_deleted_consumer_ends_it) {
    client nc = connect();
    make(nc, 5);
    jetstream js(nc);
    auto c = js.consumer("S", "C");
    auto flow = c.messages({.expires = 4s}).value();
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(flow.next(long_enough).value());
    std::optional<error> end;
    auto handled = c.consume([](js::message_view&) {}, {.expires = 4s}).value();
    handled.on_end([&](const error& why) { end = why; });
    (void)nc.flush().value();
    ASSERT_TRUE(js.delete_consumer("S", "C"));
    EXPECT_FALSE(flow.next(long_enough).value());
    EXPECT_EQ(flow.why().value(), errc::consumer_deleted);
    poll_until(nc, [&] { return end.has_value(); });
    EXPECT_EQ(*end, errc::consumer_deleted);
}

TEST_P(js_consume, a_consumer_that_has_never_been_there) {
    client nc = connect();
    make(nc, 0);
    jetstream js(nc);
    auto flow = js.consumer("S", "nobody").messages({.expires = 1s}).value();
    EXPECT_FALSE(flow.next(long_enough).value());
    EXPECT_EQ(flow.why().value(), errc::consumer_deleted);
}

TEST_P(js_consume, limits_are_warnings_of_a_flow) {
    client nc = connect();
    js::consumer_config limited = consumer();
    limited.max_batch = 5;
    make(nc, 10, limited);
    jetstream js(nc);
    auto flow = js.consumer("S", "C").consume([](js::message_view&) {}, {.expires = 2s}).value();
    std::vector<error> warnings;
    flow.on_warning([&](const error& w) { warnings.push_back(w); });
    poll_until(nc, [&] { return warnings.size() >= 2; });
    EXPECT_EQ(warnings[0], errc::pull_refused);
    EXPECT_EQ(warnings[0].status(), 409);
    EXPECT_EQ(warnings[1], errc::no_heartbeat);
    EXPECT_FALSE(flow.ended());
}

TEST_P(js_consume, a_warning_handler_may_destroy_it) {
    client nc = connect();
    js::consumer_config limited = consumer();
    limited.max_batch = 5;
    make(nc, 10, limited);
    jetstream js(nc);
    auto c = js.consumer("S", "C");
    std::optional<decltype(c)::consumption_type> flow =
        c.consume([](js::message_view&) {}, {.expires = 1s}).value();
    int n = 0;
    flow->on_warning([&](const error&) {
        if (++n == 2) flow.reset(); // told by the watcher: silence
    });
    poll_until(nc, [&] { return !flow; });
    (void)nc.flush().value();
}

TEST_P(js_consume, a_restarted_server) {
    client nc = connect(patient());
    make(nc, 10);
    jetstream js(nc);
    auto c = js.consumer("S", "C");
    auto flow = c.messages({.max_messages = 5, .expires = 30s}).value();
    std::set<std::string> handled;
    auto consumption = c.consume([&](js::message_view& m) {
                            handled.insert(std::string(m.payload()));
                            EXPECT_TRUE(js.ack(m));
                        }).value();
    for (int i = 0; i < 3; ++i) {
        server().stop();
        server().restart();
        const auto again = static_cast<std::uint64_t>(i) + 1;
        poll_until(nc, [&] { return nc.stats().reconnects == again; });
        publish(nc, 100 * i, 100 * i + 5);
        const auto last = std::to_string(100 * i + 5);
        bool seen = false;
        poll_until(nc, [&] {
            result<std::optional<js::message>> m = flow.next(50ms);
            if (m && *m) {
                seen = seen || (*m)->payload() == last;
                EXPECT_TRUE(js.ack(**m));
            }
            return seen || handled.contains(last);
        });
    }
    EXPECT_FALSE(flow.ended());
    EXPECT_FALSE(consumption.ended());
}

TEST_P(js_consume, every_message_over_restarts) {
    client nc = connect(patient());
    make(nc, 300, consumer(1s));
    jetstream js(nc);
    std::map<std::string, int> got;
    auto flow = js.consumer("S", "C")
                    .consume(
                        [&](js::message_view& m) {
                            ++got[std::string(m.payload())];
                            EXPECT_TRUE(js.ack(m));
                        },
                        {.max_messages = 20})
                    .value();
    for (const std::size_t at : {50U, 120U}) {
        poll_until(nc, [&] { return got.size() >= at; });
        server().kill();
        server().restart();
    }
    poll_until(nc, [&] { return got.size() == 300; });
    EXPECT_FALSE(flow.ended());
}

TEST_P(js_consume, the_end_of_the_connection) {
    client nc = connect();
    make(nc, 3);
    jetstream js(nc);
    auto c = js.consumer("S", "C");
    auto flow = c.messages().value();
    std::optional<error> end;
    auto handled = c.consume([](js::message_view&) {}).value();
    handled.on_end([&](const error& why) { end = why; });
    (void)nc.flush().value();
    nc.close();
    (void)rest(flow);
    EXPECT_EQ(flow.why().value(), errc::connection_closed);
    ASSERT_TRUE(end);
    EXPECT_EQ(*end, errc::connection_closed);
}

TEST_P(js_consume, handles_that_outlive_their_client) {
    std::optional<client> nc = connect();
    make(*nc, 3);
    jetstream js(*nc);
    auto c = js.consumer("S", "C");
    auto flow = c.messages().value();
    auto handled = c.consume([](js::message_view&) {}).value();
    nc.reset();
    (void)rest(flow);
    EXPECT_TRUE(flow.ended());
    flow.stop();
    handled.drain();
    EXPECT_EQ(c.next({.expires = 1s}).error(), errc::connection_closed);
}

TEST_P(js_consume, two_flows_share_a_consumer) {
    client nc = connect();
    make(nc, 200);
    jetstream js(nc);
    auto c = js.consumer("S", "C");
    std::multiset<std::string> got;
    const auto take = [&](js::message_view& m) {
        got.insert(std::string(m.payload()));
        EXPECT_TRUE(js.ack(m));
    };
    auto one = c.consume(take, {.max_messages = 10}).value();
    auto other = c.consume(take, {.max_messages = 10}).value();
    poll_until(nc, [&] { return got.size() >= 200; });
    (void)nc.flush().value();
    EXPECT_EQ(got.size(), 200U);
    EXPECT_EQ(std::set<std::string>(got.begin(), got.end()).size(), 200U);
}

TEST_P(js_consume, unacknowledged_messages_hold_it_up) {
    client nc = connect();
    js::consumer_config few = consumer();
    few.max_ack_pending = 3;
    make(nc, 10, few);
    jetstream js(nc);
    auto flow = js.consumer("S", "C").messages().value();
    std::vector<js::message> held;
    for (int i = 0; i < 3; ++i) held.push_back(std::move(*flow.next(long_enough).value()));
    EXPECT_EQ(flow.next(200ms).error(), errc::timeout);
    EXPECT_TRUE(js.ack(held[0]));
    EXPECT_EQ(flow.next(long_enough).value()->payload(), "4");
}

TEST_P(js_consume, a_pinned_client) {
    if (GetParam() != generation::newest) GTEST_SKIP() << "priority groups came with 2.11";
    client nc = connect();
    js::consumer_config c = consumer();
    c.priority_groups = {"jobs"};
    c.priority_policy = js::priority_policy::pinned_client;
    c.priority_timeout = 1s;
    make(nc, 10, c);
    jetstream js(nc);
    auto one = js.consumer("S", "C").messages({.max_messages = 2, .group = "jobs"}).value();
    auto other = js.consumer("S", "C").messages({.max_messages = 2, .group = "jobs"}).value();
    for (int i = 1; i <= 5; ++i)
        EXPECT_EQ(one.next(long_enough).value()->payload(), std::to_string(i));
    EXPECT_EQ(other.next(100ms).error(), errc::timeout) << "the first one is pinned";
    ASSERT_TRUE(js.unpin_consumer("S", "C", "jobs"));
    const std::optional<js::message> m = other.next(long_enough).value();
    ASSERT_TRUE(m) << "the pin has moved";
    EXPECT_EQ(js.consumer("S", "C").next({.expires = 1s}).error(), errc::pull_refused)
        << "the group is mandatory";
}

TEST_P(js_consume, an_overflow_client) {
    if (GetParam() != generation::newest) GTEST_SKIP() << "priority groups came with 2.11";
    client nc = connect();
    js::consumer_config c = consumer();
    c.priority_groups = {"jobs"};
    c.priority_policy = js::priority_policy::overflow;
    make(nc, 10, c);
    auto jobs = jetstream(nc).consumer("S", "C");
    const auto when = [&](std::optional<std::uint64_t> pending, std::optional<std::uint64_t> held) {
        std::vector<js::message> got = jobs.fetch_all({.max_messages = 1,
                                                       .expires = 300ms,
                                                       .group = "jobs",
                                                       .min_pending = pending,
                                                       .min_ack_pending = held})
                                           .value();
        return payloads(got);
    };
    EXPECT_EQ(when(100, {}), "") << "there are fewer";
    EXPECT_EQ(when(10, {}), "1 ");
    EXPECT_EQ(when({}, 2), "") << "only one was not acknowledged";
    EXPECT_EQ(when({}, 1), "2 ");
    EXPECT_EQ(when(100, 2), "3 ") << "either is enough";
}

TEST_P(js_consume, clients_of_different_priority) {
    if (GetParam() != generation::newest) GTEST_SKIP() << "priorities came with 2.12";
    client nc = connect();
    js::consumer_config c = consumer();
    c.priority_groups = {"jobs"};
    c.priority_policy = js::priority_policy::prioritized;
    make(nc, 0, c);
    auto jobs = jetstream(nc).consumer("S", "C");
    auto last = jobs.messages({.max_messages = 10, .group = "jobs", .priority = 9}).value();
    auto first = jobs.messages({.max_messages = 10, .group = "jobs", .priority = 1}).value();
    EXPECT_EQ(first.next(100ms).error(), errc::timeout);
    ASSERT_TRUE(nc.flush(long_enough)); // both have asked now
    publish(nc, 1, 3);
    for (int i = 1; i <= 3; ++i)
        EXPECT_EQ(first.next(long_enough).value()->payload(), std::to_string(i));
    EXPECT_EQ(last.next(100ms).error(), errc::timeout);
    first.stop();
    publish(nc, 4, 4);
    EXPECT_EQ(last.next(long_enough).value()->payload(), "4");
}

} // namespace
} // namespace nats::test

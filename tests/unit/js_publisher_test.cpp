// SPDX-License-Identifier: Apache-2.0
//
// Proves a publisher over a connection in virtual time: one inbox for all answers, the order of
// publishes, who waits for what and how long, and what a lost connection, a late answer or the end
// of everything makes of them.

#include <natsproto/jetstream/publisher_state.hpp>

#include "support/sim.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nats::test {
namespace {

using js::pub_ack;
using js::publish_counts;
using js::publish_request;
using js::publish_ticket;
using js::publisher_options;
using js::publisher_state;

/// A stream on "s.>" that answers when it is told to, and a publisher.
struct publishing : sim {
    explicit publishing(const publisher_options& o = {})
        : sim(as_given(), {}), state(std::make_unique<publisher_state>(o, &on_ack, this)) {
        EXPECT_TRUE(connect());
        listen();
    }
    void listen() {
        server().serve("s.>", [this](scripted_server& srv, const wire::frame& f) {
            payloads += std::string(f.payload) + ' ';
            replies.emplace_back(f.reply);
            if (answering) answer(srv, replies.size() - 1);
        });
    }
    void answer(scripted_server& srv, std::size_t i) {
        srv.publish(replies.at(i), R"({"stream":"S","seq":)" + std::to_string(i + 1) + '}');
    }
    /// Answers the publish that came as number `i`, from 0.
    void answer(std::size_t i) {
        settle(); // what was published arrives
        answer(server(), i);
        settle();
    }
    static void on_ack(void* self, publish_ticket t, const result<pub_ack>& r) {
        auto& net = *static_cast<publishing*>(self);
        net.told.push_back(t);
        net.heard += (r ? std::to_string(r->seq) : std::string(describe(r.error().code()))) + ' ';
    }
    op<result<publish_ticket>> op_of(std::string_view payload) {
        return js::publish(runtime(), *state, publish_request::make("s.a", payload));
    }
    result<publish_ticket> publish(std::string_view payload) { return run(op_of(payload)); }
    result<publish_ticket> try_publish(std::string_view payload,
                                       const js::publish_options& o = {}) {
        return state->try_publish(runtime(), "s.a", payload, o);
    }
    bool answering = true;
    std::string payloads;
    std::vector<std::string> replies;
    std::vector<publish_ticket> told;
    std::string heard;
    std::unique_ptr<publisher_state> state;
};

TEST(js_publisher, many_publishes_and_one_inbox) {
    publishing net;
    std::vector<publish_ticket> tickets;
    for (int i = 0; i < 5; ++i) tickets.push_back(net.publish(std::to_string(i)).value());
    net.settle();
    EXPECT_EQ(net.payloads, "0 1 2 3 4 ");
    EXPECT_EQ(net.server().count("SUB "), 1U);
    EXPECT_EQ(net.heard, "1 2 3 4 5 ");
    EXPECT_EQ(net.told, tickets);
    EXPECT_EQ(net.state->pending(), 0U);
    for (std::size_t i = 0; i < tickets.size(); ++i)
        EXPECT_EQ(net.run(js::wait(net.runtime(), *net.state, tickets[i])).value().seq, i + 1);
    const publish_counts c = net.run(js::complete(net.runtime(), *net.state, 1s)).value();
    EXPECT_EQ(c.acknowledged, 5U);
    EXPECT_EQ(net.run(js::complete(net.runtime(), *net.state, 1s)).value().published, 0U);
}

TEST(js_publisher, options_become_headers) {
    publishing net;
    ASSERT_TRUE(net.try_publish("x", {.message_id = "7"}));
    EXPECT_EQ(net.try_publish("x", {.ttl = 1ms}).error(), errc::invalid_argument);
    ASSERT_TRUE(net.try_publish("y"));
    net.settle();
    EXPECT_NE(net.server().received().find("\r\nNats-Msg-Id: 7\r\n"), std::string::npos);
    EXPECT_EQ(net.server().count("HPUB "), 1U);
    EXPECT_EQ(net.server().count("PUB s.a"), 1U);
    EXPECT_EQ(net.heard, "1 2 ");
}

TEST(js_publisher, refused_publishes_take_no_place) {
    publishing net;
    EXPECT_EQ(net.state->try_publish(net.runtime(), "a b", "x", {}).error(), errc::invalid_subject);
    EXPECT_EQ(
        net.run(js::publish(net.runtime(), *net.state, publish_request::make("", "x"))).error(),
        errc::invalid_subject);
    EXPECT_EQ(net.state->pending(), 0U);
    EXPECT_EQ(net.state->counts().published, 0U);
}

TEST(js_publisher, a_full_window_waits_for_room_and_keeps_the_order) {
    publishing net({.max_pending = 2, .stall_wait = 5s});
    net.answering = false;
    ASSERT_TRUE(net.publish("0"));
    ASSERT_TRUE(net.publish("1"));
    op<result<publish_ticket>> second = net.op_of("2");
    op<result<publish_ticket>> third = net.op_of("3");
    op<result<publish_ticket>> fourth = net.op_of("4");
    second.start();
    third.start();
    fourth.start();
    net.settle();
    EXPECT_EQ(net.payloads, "0 1 ");
    EXPECT_EQ(net.try_publish("late").error(), errc::acks_overdue) << "not ahead of those";
    net.answer(0);
    EXPECT_TRUE(second.done());
    EXPECT_FALSE(third.done());
    EXPECT_EQ(net.payloads, "0 1 2 ");
    net.answer(1);
    net.answer(2);
    EXPECT_TRUE(third.done() && fourth.done());
    EXPECT_EQ(net.payloads, "0 1 2 3 4 ");
    EXPECT_TRUE(second.take() && third.take() && fourth.take());
}

TEST(js_publisher, who_gives_up_lets_the_next_one_have_its_turn) {
    publishing net({.max_pending = 1, .stall_wait = 5s});
    net.answering = false;
    ASSERT_TRUE(net.publish("0"));
    std::optional<op<result<publish_ticket>>> first(net.op_of("never"));
    op<result<publish_ticket>> second = net.op_of("1");
    first->start();
    second.start();
    net.answer(0); // the first one is woken, and has its turn
    EXPECT_TRUE(first->done());
    EXPECT_FALSE(second.done());
    std::optional<op<result<publish_ticket>>> third(net.op_of("gone"));
    op<result<publish_ticket>> fourth = net.op_of("2");
    third->start();
    fourth.start();
    net.settle();
    net.answer(1);
    EXPECT_TRUE(second.done());
    third.reset();
    net.answer(2);
    EXPECT_TRUE(fourth.done());
    EXPECT_EQ(net.payloads, "0 never 1 2 ");
}

TEST(js_publisher, acks_that_stay_away) {
    publishing net({.max_pending = 1, .stall_wait = 200ms, .ack_timeout = 3s});
    net.answering = false;
    const publish_ticket first = net.publish("0").value();
    const time_point before = net.now();
    const result<publish_ticket> stalled = net.publish("1");
    EXPECT_EQ(stalled.error(), errc::acks_overdue);
    EXPECT_EQ(net.now() - before, 200ms);
    EXPECT_EQ(net.run(js::wait(net.runtime(), *net.state, first)).error(), errc::timeout);
    EXPECT_EQ(net.now() - before, 3s);
    EXPECT_EQ(net.payloads, "0 ") << "what was not sent stays so";
    ASSERT_TRUE(net.publish("2")) << "there is room again";
    EXPECT_EQ(net.heard, std::string(describe(errc::timeout)) + ' ');
    net.answer(0);
    EXPECT_EQ(net.state->pending(), 1U) << "late";
    net.answer(1);
    EXPECT_EQ(net.state->pending(), 0U);
}

TEST(js_publisher, without_a_stall_it_fails_at_once) {
    publishing net({.max_pending = 1, .stall_wait = 0s});
    net.answering = false;
    ASSERT_TRUE(net.publish("0"));
    const time_point before = net.now();
    EXPECT_EQ(net.publish("1").error(), errc::acks_overdue);
    EXPECT_EQ(net.now(), before);
}

TEST(js_publisher, complete_waits_for_all_and_tells_the_first_failure) {
    publishing net;
    net.answering = false;
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(net.publish(std::to_string(i)));
    net.settle();
    EXPECT_EQ(net.run(js::complete(net.runtime(), *net.state, 1s)).error(), errc::acks_overdue);
    op<result<publish_counts>> all = js::complete(net.runtime(), *net.state, 1s);
    all.start();
    net.server().publish(net.replies.at(0),
                         R"({"error":{"code":400,"err_code":10060,"description":"no"}})");
    net.answer(1);
    EXPECT_FALSE(all.done());
    net.answer(2);
    ASSERT_TRUE(all.done());
    const result<publish_counts> r = all.take();
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().api_code(), 10060);
    EXPECT_EQ(net.state->counts().failed, 1U);
    ASSERT_TRUE(net.run(js::complete(net.runtime(), *net.state, 1s))) << "told once";
    EXPECT_EQ(net.run(js::complete(net.runtime(), *net.state, 0s)).error(), errc::invalid_argument);
}

TEST(js_publisher, strangers_and_nonsense_change_nothing) {
    publishing net;
    net.answering = false;
    const publish_ticket t = net.publish("0").value();
    net.settle();
    const std::string inbox = net.replies.at(0).substr(0, net.replies.at(0).rfind('.') + 1);
    for (const char* token : {"x", "zzzzzzzz", "00000000", "00000001", "toolongbyfar"})
        EXPECT_EQ(net.server().publish(inbox + token, R"({"stream":"S","seq":1})"), 1U);
    net.settle();
    EXPECT_EQ(net.state->pending(), 1U);
    net.server().publish(net.replies.at(0), "nonsense");
    net.answer(0);
    EXPECT_EQ(net.heard, std::string(describe(errc::invalid_response)) + ' ') << "and once only";
    EXPECT_EQ(net.run(js::wait(net.runtime(), *net.state, t)).error(), errc::invalid_response);
}

TEST(js_publisher, a_lost_connection_leaves_them_unconfirmed) {
    publishing net;
    net.answering = false;
    const publish_ticket lost = net.publish("0").value();
    ASSERT_TRUE(net.publish("1"));
    net.settle();
    op<result<pub_ack>> waiting = js::wait(net.runtime(), *net.state, lost);
    waiting.start();
    net.break_now(fault::eof);
    net.until([&] { return !net.session().is_up(); });
    EXPECT_EQ(net.state->pending(), 2U) << "their answers are lost only with a new connection";
    const publish_ticket kept = net.publish("2").value();
    net.until([&] { return net.session().is_up(); });
    net.settle();
    ASSERT_TRUE(waiting.done());
    EXPECT_EQ(waiting.take().error(), errc::publish_unconfirmed);
    EXPECT_EQ(net.state->pending(), 1U) << "what was published meanwhile is sent now";
    net.answer(net.replies.size() - 1);
    EXPECT_TRUE(net.run(js::wait(net.runtime(), *net.state, kept)));
    const std::string unconfirmed(describe(errc::publish_unconfirmed));
    EXPECT_EQ(net.heard,
              unconfirmed + ' ' + unconfirmed + ' ' + std::to_string(net.replies.size()) + ' ');
    EXPECT_EQ(net.run(js::complete(net.runtime(), *net.state, 1s)).error(),
              errc::publish_unconfirmed);
}

TEST(js_publisher, the_end_of_the_session) {
    publishing net;
    net.answering = false;
    const publish_ticket t = net.publish("0").value();
    op<result<pub_ack>> waiting = js::wait(net.runtime(), *net.state, t);
    op<result<publish_counts>> all = js::complete(net.runtime(), *net.state, 1h);
    waiting.start();
    all.start();
    net.session().close(net.now());
    net.settle();
    ASSERT_TRUE(waiting.done() && all.done());
    EXPECT_EQ(waiting.take().error(), errc::publish_unconfirmed);
    EXPECT_FALSE(all.take());
    EXPECT_EQ(net.heard, std::string(describe(errc::publish_unconfirmed)) + ' ');
    EXPECT_EQ(net.try_publish("1").error(), errc::connection_closed);
}

TEST(js_publisher, sends_again_if_it_may) {
    publishing net({.retry_attempts = 2, .retry_wait = 100ms});
    const auto to = [&](const char* subject) {
        return net.state->try_publish(net.runtime(), subject, "x", {.message_id = "1"});
    };
    const publish_ticket t = to("late").value();
    net.settle();
    net.server().serve("late", [](scripted_server& srv, const wire::frame& f) {
        srv.publish(f.reply, R"({"stream":"L","seq":1})");
    });
    const time_point before = net.now();
    EXPECT_EQ(net.run(js::wait(net.runtime(), *net.state, t)).value().stream, "L");
    EXPECT_LE(net.now() - before, 102ms);
    const publish_ticket never = to("nobody").value();
    EXPECT_EQ(net.run(js::wait(net.runtime(), *net.state, never)).error(),
              errc::no_stream_response);
    EXPECT_EQ(net.server().count("HPUB nobody"), 3U);
}

TEST(js_publisher, does_not_send_again_by_itself) {
    publishing net;
    const publish_ticket t = net.state->try_publish(net.runtime(), "nobody", "x", {}).value();
    EXPECT_EQ(net.run(js::wait(net.runtime(), *net.state, t)).error(), errc::no_stream_response);
    EXPECT_EQ(net.server().count("PUB nobody"), 1U);
}

TEST(js_publisher, one_waits_for_each_result) {
    publishing net({.keep_results = 0});
    net.answering = false;
    const publish_ticket t = net.publish("0").value();
    op<result<pub_ack>> first = js::wait(net.runtime(), *net.state, t);
    first.start();
    EXPECT_EQ(net.run(js::wait(net.runtime(), *net.state, t)).error(), errc::in_use);
    EXPECT_EQ(net.run(js::wait(net.runtime(), *net.state, publish_ticket{})).error(),
              errc::invalid_argument);
    net.settle();
    net.answer(0);
    ASSERT_TRUE(first.done());
    EXPECT_EQ(first.take().value().seq, 1U) << "kept for who waits, although none are kept";
}

TEST(js_publisher, destroying_it_ends_who_waits) {
    publishing net({.max_pending = 1, .stall_wait = 1h});
    net.answering = false;
    const publish_ticket t = net.publish("0").value();
    op<result<publish_ticket>> room = net.op_of("1");
    op<result<pub_ack>> waiting = js::wait(net.runtime(), *net.state, t);
    op<result<publish_counts>> all = js::complete(net.runtime(), *net.state, 1h);
    room.start();
    waiting.start();
    all.start();
    net.settle();
    net.state.reset();
    net.settle();
    ASSERT_TRUE(room.done() && waiting.done() && all.done());
    EXPECT_EQ(room.take().error(), errc::invalid_subscription);
    EXPECT_EQ(waiting.take().error(), errc::invalid_subscription);
    EXPECT_EQ(all.take().error(), errc::invalid_subscription);
    EXPECT_EQ(net.session().subscriptions(), 0U);
    EXPECT_EQ(net.heard, "");
}

TEST(js_publisher, destroying_who_waits_keeps_the_rest) {
    publishing net;
    net.answering = false;
    const publish_ticket t = net.publish("0").value();
    {
        op<result<pub_ack>> waiting = js::wait(net.runtime(), *net.state, t);
        op<result<publish_counts>> all = js::complete(net.runtime(), *net.state, 1h);
        waiting.start();
        all.start();
        net.settle();
    }
    net.answer(0);
    EXPECT_EQ(net.run(js::wait(net.runtime(), *net.state, t)).value().seq, 1U);
}

} // namespace
} // namespace nats::test

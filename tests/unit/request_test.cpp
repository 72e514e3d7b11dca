// SPDX-License-Identifier: Apache-2.0
//
// Proves requests: one subscription for all of them, each reply to its own request and only once,
// no responders, replies that are late or on another subject, the limits, and cancellation at every
// point.

#include <natsproto/client/ops.hpp>
#include <natsproto/runtime.hpp>

#include "support/sim.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace nats::test {
namespace {

using reply_op = op<result<message>>;

/// A request whose reply is kept, since the tests look at it after further events.
reply_op keep_reply(runtime& rt, std::string_view subject, bytes body, header_view h,
                    time_point deadline) {
    result<message_view> m = co_await ops::request(rt, subject, body, h, deadline);
    if (!m) co_return m.error();
    co_return message(*m);
}

/// A server whose replies the test sends itself; it keeps their subjects.
struct asked : connected_sim {
    explicit asked(const options& o = {}, const sim_settings& s = {}) : connected_sim(o, s) {
        server().serve("svc", [this](scripted_server&, const wire::frame& f) {
            replies.emplace_back(f.reply);
            bodies.emplace_back(f.payload);
        });
    }
    /// Sent already: the body needs to live no longer.
    reply_op ask(std::string_view body = "", time_point deadline = no_deadline) {
        reply_op o = keep_reply(runtime(), "svc", body, {}, deadline);
        o.start();
        return o;
    }
    result<message> ask_and_wait(time_point deadline = no_deadline) {
        return run(keep_reply(runtime(), "svc", "", {}, deadline));
    }
    void answer(std::size_t i, std::string_view payload, std::string_view header = {}) {
        server().publish(replies.at(i), payload, {}, header);
        settle();
    }
    std::vector<std::string> replies;
    std::vector<std::string> bodies;
};

/// Whether it is done, with this payload; takes the result.
bool got(reply_op& o, std::string_view payload) {
    if (!o.done()) return false;
    const result<message> m = o.take();
    return m && m->payload() == payload;
}

TEST(request, bytes_on_the_wire) {
    asked net;
    reply_op first = net.ask("one");
    reply_op second = net.ask("two");
    net.settle();
    const std::string inbox = net.replies.at(0).substr(0, 29);
    EXPECT_EQ(net.server().count("SUB "), 1U) << "one subscription for all requests";
    EXPECT_EQ(net.server().lines().at(2), "SUB " + inbox + ".* 1");
    EXPECT_EQ(net.server().lines().at(3), "PUB svc " + net.replies[0] + " 3 one");
    EXPECT_EQ(net.replies[0].size(), inbox.size() + 1 + 8);
    EXPECT_TRUE(net.replies[1].starts_with(inbox + '.'));
    EXPECT_NE(net.replies[0], net.replies[1]);
}

TEST(request, a_reply_with_headers_and_an_empty_one) {
    asked net;
    headers h;
    ASSERT_TRUE(h.set("question", "6*7"));
    reply_op first = keep_reply(net.runtime(), "svc", "x", h, no_deadline);
    first.start();
    net.settle();
    EXPECT_NE(net.server().lines().back().find("HPUB svc "), std::string::npos);
    net.answer(0, "42", "NATS/1.0\r\nkind: number\r\n\r\n");
    ASSERT_TRUE(first.done());
    const result<message> m = first.take();
    EXPECT_EQ(m->payload(), "42");
    EXPECT_EQ(m->headers().get("kind"), "number");
    EXPECT_EQ(m->subject(), net.replies[0]);
    reply_op second = net.ask();
    net.settle();
    net.answer(1, "");
    EXPECT_TRUE(got(second, "")) << "an empty reply without a status is a reply";
}

TEST(request, replies_in_any_order_find_their_requests) {
    asked net;
    std::vector<reply_op> requests;
    for (int i = 0; i < 50; ++i) {
        requests.push_back(net.ask(std::to_string(i)));
    }
    net.settle();
    EXPECT_EQ(net.runtime().waiting_requests(), 50U);
    for (std::size_t i = 0; i < 50; ++i) {
        const std::size_t which = (i * 37 + 11) % 50;
        net.answer(which, "answer to " + net.bodies[which]);
        EXPECT_TRUE(got(requests[which], "answer to " + std::to_string(which)));
    }
    EXPECT_EQ(net.runtime().waiting_requests(), 0U);
}

op<int> ask_and_count(runtime& rt, int number, int& right) {
    const std::string body = std::to_string(number);
    result<message_view> m = co_await rt.request("echo", body, {}, no_deadline);
    if (m && m->payload == body) ++right;
    co_return number;
}

TEST(request, thousands_at_once) {
    for (const cut how : {cut::whole, cut::random}) {
        connected_sim net({}, {.input = how, .output = how, .seed = 3});
        net.server().serve("echo", [](scripted_server& s, const wire::frame& f) {
            s.publish(f.reply, f.payload);
        });
        int right = 0;
        std::vector<op<int>> all;
        for (int i = 0; i < 5000; ++i) {
            all.push_back(ask_and_count(net.runtime(), i, right));
            all.back().start();
        }
        EXPECT_EQ(net.runtime().waiting_requests(), 5000U);
        net.settle();
        EXPECT_EQ(right, 5000);
        EXPECT_EQ(net.runtime().waiting_requests(), 0U);
        EXPECT_EQ(net.server().subscriptions(), 1U);
    }
}

TEST(request, one_after_the_other_reuses_the_place_with_another_token) {
    asked net;
    for (std::size_t i = 0; i < 100; ++i) {
        reply_op r = net.ask();
        net.settle();
        net.answer(i, "x");
        EXPECT_TRUE(got(r, "x"));
    }
    std::sort(net.replies.begin(), net.replies.end());
    EXPECT_EQ(std::unique(net.replies.begin(), net.replies.end()), net.replies.end());
}

// --- timeouts and late replies

TEST(request, a_timeout_names_the_subject_and_frees_its_place) {
    asked net;
    const result<message> m = net.ask_and_wait(net.now() + 250ms);
    EXPECT_EQ(m.error(), (error{errc::timeout, "request to \"svc\""}));
    EXPECT_EQ(net.now() - start_of_time, 3ms + 250ms);
    EXPECT_EQ(net.runtime().waiting_requests(), 0U);
    EXPECT_EQ(net.runtime().poll_timeout(), net.session().poll_timeout());
}

TEST(request, a_late_reply_is_dropped) {
    asked net;
    (void)net.ask_and_wait(net.now() + 100ms);
    net.answer(0, "late");
    EXPECT_EQ(net.session().status(), session_status::connected);
    reply_op next = net.ask();
    net.settle();
    net.answer(0, "later still");
    EXPECT_FALSE(next.done()) << "the place is the same, the token is not";
    net.answer(1, "mine");
    EXPECT_TRUE(got(next, "mine"));
}

TEST(request, the_second_reply_is_dropped) {
    asked net;
    reply_op first = net.ask();
    net.settle();
    net.server().publish(net.replies[0], "one");
    net.server().publish(net.replies[0], "two");
    net.settle();
    ASSERT_TRUE(first.done());
    reply_op second = net.ask();
    net.settle();
    net.answer(0, "three");
    EXPECT_FALSE(second.done());
    net.answer(1, "right");
    EXPECT_TRUE(got(second, "right"));
}

TEST(request, a_reply_and_its_deadline_at_the_same_moment) {
    asked net;
    reply_op r = net.ask("", net.now() + 2ms);
    net.server().serve(
        "svc", [](scripted_server& s, const wire::frame& f) { s.publish(f.reply, "in time"); });
    net.settle();
    EXPECT_TRUE(got(r, "in time")) << "what has arrived counts before the clock";
}

// --- replies on other subjects

TEST(request, a_rewritten_subject_is_matched_when_only_one_waits) {
    asked net;
    reply_op only = net.ask();
    net.settle();
    net.server().send_message("mapped.somewhere", 1, "rewritten");
    net.settle();
    EXPECT_TRUE(got(only, "rewritten"));
}

TEST(request, a_rewritten_subject_is_dropped_when_several_wait) {
    asked net;
    reply_op first = net.ask();
    reply_op second = net.ask();
    net.settle();
    net.server().send_message("mapped.somewhere", 1, "whose?");
    net.settle();
    EXPECT_FALSE(first.done());
    EXPECT_FALSE(second.done());
    net.answer(0, "a");
    EXPECT_TRUE(got(first, "a"));
    net.server().send_message("mapped.somewhere", 1, "now it is clear");
    net.settle();
    EXPECT_TRUE(got(second, "now it is clear"));
}

TEST(request, a_rewritten_subject_is_dropped_when_none_waits) {
    asked net;
    (void)net.ask_and_wait(net.now() + 10ms);
    net.server().send_message("mapped.somewhere", 1, "late");
    net.settle();
    EXPECT_EQ(net.session().status(), session_status::connected);
}

TEST(request, tokens_that_are_not_ours_are_dropped) {
    asked net;
    reply_op only = net.ask();
    net.settle();
    const std::string inbox = net.replies[0].substr(0, net.replies[0].size() - 8);
    for (const char* token :
         {"", "0", "00000000", "zzzzzzzz", "-------0", "000000000", "........"}) {
        net.server().send_message(inbox + token, 1, "forged");
    }
    std::string longer = net.replies[0] + "0";
    net.server().send_message(longer, 1, "forged");
    net.settle();
    EXPECT_FALSE(only.done());
    net.answer(0, "real");
    EXPECT_TRUE(got(only, "real"));
}

// --- no responders

TEST(request, no_responders_at_once_and_with_the_subject) {
    connected_sim net;
    const time_point before = net.now();
    const result<message_view> m =
        net.run(ops::request(net.runtime(), "nobody", "x", {}, net.now() + 5s));
    EXPECT_EQ(m.error(), (error{errc::no_responders, 503, "request to \"nobody\""}));
    EXPECT_EQ(net.now() - before, 2ms);
}

TEST(request, a_503_with_a_payload_is_a_reply) {
    asked net;
    reply_op r = net.ask();
    net.settle();
    net.answer(0, "I am a service that says 503", "NATS/1.0 503\r\n\r\n");
    ASSERT_TRUE(r.done());
    const result<message> m = r.take();
    ASSERT_TRUE(m.has_value());
    EXPECT_EQ(m->status(), 503);
}

TEST(request, other_statuses_are_replies) {
    for (const char* header :
         {"NATS/1.0 404 No Messages\r\n\r\n", "NATS/1.0 5\r\n\r\n", "\r\n\r\n", "garbage"}) {
        asked net;
        reply_op r = net.ask();
        net.settle();
        net.answer(0, "", header);
        ASSERT_TRUE(r.done());
        EXPECT_TRUE(r.take().has_value()) << header;
    }
}

// --- refused at the call

TEST(request, bad_arguments_fail_at_once) {
    connected_sim net;
    EXPECT_EQ(net.run(ops::request(net.runtime(), "a b", "", {}, no_deadline)).error(),
              errc::invalid_subject);
    EXPECT_EQ(net.run(ops::request(net.runtime(), "a.*", "", {}, no_deadline)).error(),
              errc::invalid_subject);
    EXPECT_EQ(
        net.run(ops::request(net.runtime(), "a", std::string(2'000'000, 'x'), {}, no_deadline))
            .error(),
        errc::payload_too_large);
    EXPECT_EQ(net.runtime().waiting_requests(), 0U);
}

TEST(request, needs_a_connection) {
    sim net;
    EXPECT_EQ(net.run(ops::request(net.runtime(), "a", "", {}, no_deadline)).error(),
              errc::not_connected);
    EXPECT_EQ(net.runtime().waiting_requests(), 0U);
    net.session().close(net.now());
    EXPECT_EQ(net.run(ops::request(net.runtime(), "a", "", {}, no_deadline)).error(),
              errc::connection_closed);
}

TEST(request, their_number_is_limited) {
    options o;
    o.bounds.max_requests = 3;
    asked net(o);
    std::vector<reply_op> waiting;
    for (int i = 0; i < 3; ++i) {
        waiting.push_back(net.ask());
    }
    EXPECT_EQ(net.ask_and_wait().error(), errc::too_many_requests);
    net.settle();
    EXPECT_EQ(net.replies.size(), 3U) << "the fourth sent nothing";
    net.answer(1, "x");
    reply_op again = net.ask();
    net.settle();
    net.answer(3, "y");
    EXPECT_TRUE(got(again, "y"));
}

TEST(request, inbox_prefix_of_the_options) {
    asked net({.inbox_prefix = "team.a"});
    reply_op r = net.ask();
    net.settle();
    EXPECT_TRUE(net.replies[0].starts_with("team.a."));
    net.answer(0, "x");
    EXPECT_TRUE(got(r, "x"));
}

// --- cancellation

op<int> three_requests(runtime& rt, std::vector<std::string>& got) {
    for (int i = 0; i < 3; ++i) {
        result<message_view> m =
            co_await ops::request(rt, "svc", std::to_string(i), {}, no_deadline);
        if (!m) co_return -1;
        got.emplace_back(m->payload);
    }
    co_return 3;
}

TEST(request, destroying_the_op_at_every_point_cancels_it) {
    for (std::size_t answered = 0; answered <= 4; ++answered) {
        asked net;
        std::vector<std::string> received;
        {
            op<int> cancelled = three_requests(net.runtime(), received);
            if (answered > 0) cancelled.start();
            net.settle();
            for (std::size_t i = 0; i + 1 < answered; ++i) net.answer(i, "x");
        }
        EXPECT_EQ(received.size(), answered == 0 ? 0 : answered - 1);
        EXPECT_EQ(net.runtime().waiting_requests(), 0U);
        if (answered >= 1 && answered < 4) net.answer(answered - 1, "to nobody");
        reply_op after = net.ask();
        net.settle();
        net.answer(net.replies.size() - 1, "alive");
        EXPECT_TRUE(got(after, "alive")) << answered;
    }
}

op<int> destroy_when_answered(runtime& rt, std::optional<reply_op>& victim) {
    result<message_view> m = co_await rt.request("svc", "killer", {}, no_deadline);
    if (m) victim.reset();
    co_return 0;
}

TEST(request, one_op_may_destroy_another_that_waits) {
    asked net;
    std::optional<reply_op> victim;
    op<int> killer = destroy_when_answered(net.runtime(), victim);
    killer.start();
    victim = net.ask();
    net.settle();
    net.server().publish(net.replies[0], "go");
    net.server().publish(net.replies[1], "too late");
    net.settle();
    EXPECT_TRUE(killer.done());
    EXPECT_EQ(net.runtime().waiting_requests(), 0U);
}

op<int> request_until_closed(runtime& rt, int& failures) {
    while (true) {
        result<message_view> m = co_await rt.request("svc", "", {}, no_deadline);
        if (!m) {
            ++failures;
            if (m.error() != errc::no_responders) co_return failures;
        }
    }
}

TEST(request, the_end_of_the_session_fails_all_of_them) {
    asked net;
    std::vector<reply_op> waiting;
    for (int i = 0; i < 100; ++i) {
        waiting.push_back(net.ask());
    }
    int failures = 0;
    op<int> loop = request_until_closed(net.runtime(), failures);
    loop.start();
    net.settle();
    net.session().close(net.now());
    net.settle();
    for (auto& w : waiting) {
        ASSERT_TRUE(w.done());
        EXPECT_EQ(w.take().error(), errc::connection_closed);
    }
    EXPECT_TRUE(loop.done());
    EXPECT_EQ(failures, 1);
    EXPECT_EQ(net.runtime().waiting_requests(), 0U);
}

} // namespace
} // namespace nats::test

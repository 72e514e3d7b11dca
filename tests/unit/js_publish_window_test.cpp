// SPDX-License-Identifier: Apache-2.0
//
// Proves the table of publishes that wait for their acknowledgement: which answers end which
// publish and which end none, deadlines, lost connections, tries, and that places are used again
// without mixing up who is meant.

#include <natsproto/jetstream/publish_window.hpp>

#include "support/session_steps.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace nats::test {
namespace {

using namespace std::chrono_literals;
using js::publish_ticket;
using js::publish_window;
using js::publisher_options;

constexpr const char* no_responders = "NATS/1.0 503\r\n\r\n";

std::string token_of(publish_ticket t) {
    std::string token(publish_window::token_size, '\0');
    publish_window::write_token(t, token.data());
    return token;
}

/// A window and the time.
struct window : publish_window {
    explicit window(const publisher_options& o = {}, std::uint32_t first_generation = 7)
        : publish_window(o, first_generation) {}
    publish_ticket publish(std::string_view payload = "x", std::uint64_t connection = 1) {
        const publish_ticket t = next();
        EXPECT_EQ(next(), t) << "asking does not use it up";
        begin("s", {}, payload, now, connection);
        return t;
    }
    std::optional<publish_ticket> answer(std::string_view token, std::string_view payload,
                                         const char* header = "") {
        message_view m;
        m.payload = payload;
        m.headers = header_view(header);
        return handle_answer(token, m, now);
    }
    std::optional<publish_ticket> ack(publish_ticket t, std::uint64_t seq) {
        return answer(token_of(t), R"({"stream":"S","seq":)" + std::to_string(seq) + '}');
    }
    /// The sequence, 0 while it waits; or minus the code of its error.
    int state(publish_ticket t) const {
        const result<const result<js::pub_ack>*> known = outcome(t);
        if (!known) return -1;
        if (*known == nullptr) return 0;
        const result<js::pub_ack>& r = **known;
        return r ? static_cast<int>(r->seq) : -static_cast<int>(r.error().code());
    }
    time_point now = start_of_time;
};

constexpr int unknown = -1;
constexpr int code(errc c) {
    return -static_cast<int>(c);
}

TEST(js_publish_window, acknowledgements_find_their_publish) {
    window w;
    const publish_ticket a = w.publish();
    const publish_ticket b = w.publish();
    EXPECT_NE(a, b);
    EXPECT_EQ(w.pending(), 2U);
    EXPECT_EQ(w.state(a), 0);
    EXPECT_EQ(w.ack(b, 2), b) << "in any order";
    EXPECT_EQ(w.state(a), 0);
    EXPECT_EQ(w.state(b), 2);
    EXPECT_EQ(w.ack(a, 1), a);
    EXPECT_EQ(w.state(a), 1);
    EXPECT_EQ(w.pending(), 0U);
    EXPECT_EQ(w.counts().acknowledged, 2U);
    EXPECT_EQ(w.deadline(), no_deadline);
}

TEST(js_publish_window, repeated_and_foreign_answers_are_for_nobody) {
    window w;
    const publish_ticket a = w.publish();
    for (const char* token : {"", "0", "0000000", "00000000", "zzzzzzzz", "-------1", "000000001"})
        EXPECT_FALSE(w.answer(token, R"({"stream":"S","seq":1})")) << token;
    EXPECT_FALSE(w.ack({a.value + 1}, 1)) << "a place that is not there";
    EXPECT_FALSE(w.ack({a.value + (1U << 20U)}, 1)) << "a later use of the place";
    EXPECT_EQ(w.state(a), 0);
    EXPECT_EQ(w.ack(a, 1), a);
    EXPECT_FALSE(w.ack(a, 9)) << "twice";
    EXPECT_EQ(w.state(a), 1);
    w.release(a);
    w.release(a);
    EXPECT_FALSE(w.ack(a, 9));
    EXPECT_EQ(w.counts().acknowledged, 1U);
}

TEST(js_publish_window, garbage_and_refusals_end_it) {
    window w;
    const publish_ticket a = w.publish();
    const publish_ticket b = w.publish();
    const publish_ticket c = w.publish();
    EXPECT_EQ(w.answer(token_of(a), "{\"stream\""), a);
    EXPECT_EQ(w.answer(token_of(b), "", no_responders), b);
    EXPECT_EQ(w.answer(token_of(c), R"({"error":{"code":400,"err_code":10060,"description":"x"}})"),
              c);
    EXPECT_EQ(w.state(a), code(errc::invalid_response));
    EXPECT_EQ(w.state(b), code(errc::no_stream_response));
    EXPECT_EQ(w.state(c), code(errc::jetstream_error));
    EXPECT_EQ(w.counts().failed, 3U);
}

TEST(js_publish_window, a_result_after_an_error_in_the_same_place) {
    window w({.max_pending = 1, .keep_results = 0});
    const publish_ticket a = w.publish();
    ASSERT_TRUE(w.answer(token_of(a), "x"));
    w.release(a);
    const publish_ticket b = w.publish();
    EXPECT_NE(a, b);
    EXPECT_EQ(w.state(a), unknown);
    EXPECT_FALSE(w.ack(a, 5)) << "late";
    EXPECT_EQ(w.ack(b, 6), b);
    EXPECT_EQ(w.state(b), 6);
}

TEST(js_publish_window, is_full_at_its_limit) {
    window w({.max_pending = 2});
    const publish_ticket a = w.publish();
    EXPECT_FALSE(w.full());
    w.publish();
    EXPECT_TRUE(w.full());
    ASSERT_TRUE(w.ack(a, 1));
    EXPECT_FALSE(w.full());
}

TEST(js_publish_window, keeps_as_many_results_as_were_asked_for_and_free_places) {
    window w({.max_pending = 1, .keep_results = 3});
    std::vector<publish_ticket> tickets;
    for (int i = 1; i <= 10; ++i) {
        tickets.push_back(w.publish());
        ASSERT_TRUE(w.ack(tickets.back(), static_cast<std::uint64_t>(i)));
        w.release(tickets.back());
        for (int k = 1; k <= i; ++k)
            EXPECT_EQ(w.state(tickets[static_cast<std::size_t>(k - 1)]), k > i - 4 ? k : unknown)
                << k << " of " << i;
    }
}

TEST(js_publish_window, generations_wrap) {
    window w({.max_pending = 1, .keep_results = 0}, (1U << 27U) - 1);
    const publish_ticket a = w.publish();
    ASSERT_EQ(w.ack(a, 1), a);
    w.release(a);
    const publish_ticket b = w.publish();
    EXPECT_NE(a, b);
    EXPECT_EQ(w.ack(b, 2), b);
}

TEST(js_publish_window, deadlines_are_those_of_the_publishes) {
    window w({.ack_timeout = 1s});
    const publish_ticket a = w.publish();
    w.now += 100ms;
    const publish_ticket b = w.publish();
    EXPECT_EQ(w.deadline(), start_of_time + 1s);
    EXPECT_FALSE(w.expire(start_of_time + 999ms, 1));
    EXPECT_EQ(w.expire(start_of_time + 1s, 1), a);
    EXPECT_EQ(w.state(a), code(errc::timeout));
    EXPECT_FALSE(w.expire(start_of_time + 1s, 1));
    EXPECT_EQ(w.deadline(), start_of_time + 1100ms);
    EXPECT_FALSE(w.ack(a, 1)) << "late";
    EXPECT_EQ(w.expire(start_of_time + 5s, 0), b) << "while there is no connection";
    EXPECT_EQ(w.state(b), code(errc::publish_unconfirmed));
}

TEST(js_publish_window, a_new_connection_ends_those_of_the_old) {
    window w;
    const publish_ticket a = w.publish("x", 1);
    const publish_ticket b = w.publish("x", 1);
    const publish_ticket kept = w.publish("x", 2); // made while there was none
    EXPECT_FALSE(w.lose(1));
    EXPECT_EQ(w.lose(2), a);
    EXPECT_EQ(w.lose(2), b);
    EXPECT_FALSE(w.lose(2));
    EXPECT_EQ(w.state(a), code(errc::publish_unconfirmed));
    EXPECT_EQ(w.state(kept), 0);
    EXPECT_FALSE(w.ack(a, 1)) << "it was sent again, and is acknowledged late";
    EXPECT_EQ(w.ack(kept, 3), kept);
}

TEST(js_publish_window, the_end_of_the_session_ends_all) {
    window w({.retry_attempts = 1});
    const publish_ticket a = w.publish();
    const publish_ticket b = w.publish();
    ASSERT_FALSE(w.answer(token_of(a), "", no_responders));
    EXPECT_EQ(w.abandon(errc::connection_closed), b);
    EXPECT_EQ(w.abandon(errc::connection_closed), a);
    EXPECT_FALSE(w.abandon(errc::connection_closed));
    EXPECT_EQ(w.state(a), code(errc::publish_unconfirmed));
    EXPECT_EQ(w.pending(), 0U);
    EXPECT_EQ(w.deadline(), no_deadline);
}

TEST(js_publish_window, sends_again_only_if_asked_to) {
    window w({.ack_timeout = 1s, .retry_attempts = 2, .retry_wait = 100ms});
    const publish_ticket a = w.publish("the payload");
    EXPECT_FALSE(w.answer(token_of(a), "", no_responders));
    EXPECT_EQ(w.pending(), 1U);
    EXPECT_EQ(w.deadline(), start_of_time + 100ms);
    EXPECT_FALSE(w.ack(a, 1)) << "it was answered: nothing can come before the next try";
    EXPECT_FALSE(w.retry(start_of_time + 99ms, 1));
    w.now = start_of_time + 100ms;
    const auto m = w.retry(w.now, 1);
    ASSERT_TRUE(m);
    EXPECT_EQ(m->ticket, a);
    EXPECT_EQ(m->subject, "s");
    EXPECT_EQ(m->payload.text(), "the payload");
    EXPECT_TRUE(m->headers.empty());
    EXPECT_FALSE(w.retry(w.now, 1));
    EXPECT_EQ(w.deadline(), w.now + 1s) << "a new try has its own time";
    EXPECT_FALSE(w.answer(token_of(a), "", no_responders));
    w.now += 100ms;
    ASSERT_TRUE(w.retry(w.now, 1));
    EXPECT_EQ(w.answer(token_of(a), "", no_responders), a) << "the last";
    EXPECT_EQ(w.state(a), code(errc::no_stream_response));
}

TEST(js_publish_window, a_try_that_cannot_be_sent_counts) {
    window w({.retry_attempts = 2, .retry_wait = 100ms});
    const publish_ticket a = w.publish();
    ASSERT_FALSE(w.answer(token_of(a), "", no_responders));
    ASSERT_TRUE(w.retry(start_of_time + 100ms, 1));
    EXPECT_FALSE(w.handle_unsent(a, errc::output_full, start_of_time + 100ms));
    ASSERT_TRUE(w.retry(start_of_time + 200ms, 1));
    EXPECT_EQ(w.handle_unsent(a, errc::output_full, start_of_time + 200ms), a);
    EXPECT_EQ(w.state(a), code(errc::output_full));
}

TEST(js_publish_window, random_answers_keep_the_count) {
    window w({.max_pending = 8, .keep_results = 4});
    std::vector<publish_ticket> all;
    std::vector<publish_ticket> open;
    std::uint32_t x = 1;
    const auto random = [&x](std::size_t n) {
        x = x * 1664525U + 1013904223U;
        return (x >> 8U) % n;
    };
    std::size_t ended = 0;
    for (int i = 0; i < 20000; ++i) {
        if (!w.full() && random(2) == 0) {
            all.push_back(w.publish());
            open.push_back(all.back());
        } else if (!all.empty()) {
            const publish_ticket t = random(4) == 0 ? all[random(all.size())]
                                     : open.empty() ? all.back()
                                                    : open[random(open.size())];
            const bool is_open = std::erase(open, t) == 1;
            const std::optional<publish_ticket> hit = w.ack(t, 1);
            ASSERT_EQ(hit.has_value(), is_open);
            if (hit) ++ended;
            w.release(t);
        }
        ASSERT_EQ(w.pending(), open.size());
    }
    EXPECT_EQ(w.counts().acknowledged, ended);
    EXPECT_EQ(w.counts().published, all.size());
}

TEST(js_publisher_options, ranges) {
    EXPECT_TRUE(js::check(publisher_options{}));
    EXPECT_FALSE(js::check(publisher_options{.max_pending = 0}));
    EXPECT_FALSE(js::check(publisher_options{.max_pending = 65537}));
    EXPECT_FALSE(js::check(publisher_options{.keep_results = 65537}));
    EXPECT_FALSE(js::check(publisher_options{.stall_wait = -1ms}));
    EXPECT_FALSE(js::check(publisher_options{.ack_timeout = 0s}));
    EXPECT_FALSE(js::check(publisher_options{.retry_attempts = 1, .retry_wait = 0s}));
    EXPECT_TRUE(js::check(publisher_options{.retry_wait = 0s}));
}

} // namespace
} // namespace nats::test

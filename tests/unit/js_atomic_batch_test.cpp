// SPDX-License-Identifier: Apache-2.0
//
// Proves atomic batches in virtual time: what each message carries, who is asked and when, and
// that every way to fail ends the batch and says so.

#include <natsproto/jetstream/atomic_batch.hpp>

#include "support/sim.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nats::test {
namespace {

using js::batch_state;
using js::pub_ack;
using js::publish_options;
using js::publish_request;

/// A stream on "s" with batches.
struct batching : sim {
    batching() : sim(as_given(), {}), state(std::make_unique<batch_state>()) {
        EXPECT_TRUE(connect());
        server().serve("s", [this](scripted_server& srv, const wire::frame& f) {
            const header_view h = f.headers;
            const std::string id(h.get("Nats-Batch-Id").value_or("-"));
            const std::string number(h.get("Nats-Batch-Sequence").value_or("-"));
            const std::string commit(h.get("Nats-Batch-Commit").value_or(""));
            seen += number + (commit.empty() ? "" : "!" + commit) + ':' + std::string(f.payload) +
                    (f.reply.empty() ? "" : "?") + ' ';
            ids.push_back(id);
            if (f.reply.empty() || silent) return;
            if (!answer.empty())
                srv.publish(f.reply, answer);
            else if (commit.empty())
                srv.publish(f.reply, "");
            else
                srv.publish(f.reply, R"({"stream":"S","seq":9,"batch":")" + id + R"(","count":)" +
                                         number + '}');
        });
    }
    result<void> add(bytes payload, const publish_options& o = {}, std::string_view subject = "s") {
        return run(js::add(runtime(), *state, publish_request::make(subject, payload, o)));
    }
    result<pub_ack> commit(bytes payload, const publish_options& o = {}) {
        return run(js::commit(runtime(), *state, publish_request::make("s", payload, o)));
    }
    std::string seen;
    std::vector<std::string> ids;
    std::string answer; ///< empty: as a server with batches
    bool silent = false;
    std::unique_ptr<batch_state> state;
};

TEST(js_atomic_batch, is_asked_for_first_and_committed_last) {
    batching net;
    ASSERT_TRUE(net.add("a", {.expected_last_sequence = 0}));
    ASSERT_TRUE(net.add("b", {.message_id = "1"}));
    ASSERT_TRUE(net.add("c"));
    const result<pub_ack> ack = net.commit("d");
    ASSERT_TRUE(ack) << ack.error().message();
    EXPECT_EQ(ack->count, 4U);
    EXPECT_EQ(net.seen, "1:a? 2:b 3:c 4!1:d? ");
    EXPECT_EQ(net.ids, std::vector<std::string>(4, net.state->id()));
    EXPECT_GE(net.state->id().size(), 16U);
    EXPECT_FALSE(net.state->open());
    EXPECT_EQ(net.add("e").error(), errc::batch_failed) << "it is over";
    EXPECT_EQ(net.commit("e").error(), errc::batch_failed);
}

TEST(js_atomic_batch, of_one_message) {
    batching net;
    ASSERT_TRUE(net.commit("a"));
    EXPECT_EQ(net.seen, "1!1:a? ");
}

TEST(js_atomic_batch, without_a_last_message) {
    batching net;
    EXPECT_EQ(net.run(js::commit_as_it_is(net.runtime(), *net.state, 1s)).error(),
              errc::invalid_argument);
    ASSERT_TRUE(net.add("a"));
    ASSERT_TRUE(net.run(js::commit_as_it_is(net.runtime(), *net.state, 1s)));
    EXPECT_EQ(net.seen, "1:a? 2!eob:? ");
}

TEST(js_atomic_batch, wrong_arguments_leave_it_open) {
    batching net;
    EXPECT_EQ(net.add("a", {}, "a b").error(), errc::invalid_subject);
    ASSERT_TRUE(net.add("a"));
    EXPECT_EQ(net.add("b", {.expected_last_sequence = 1}).error(), errc::invalid_argument);
    EXPECT_EQ(net.commit("b", {.expected_last_sequence = 1}).error(), errc::invalid_argument);
    EXPECT_EQ(net.add("b", {.ttl = 1ms}).error(), errc::invalid_argument);
    ASSERT_TRUE(net.commit("b"));
    EXPECT_EQ(net.seen, "1:a? 2!1:b? ");
}

TEST(js_atomic_batch, a_stream_that_has_none) {
    batching net;
    net.answer =
        R"({"error":{"code":400,"err_code":10174,"description":"disabled"},"stream":"S","seq":0})";
    const result<void> added = net.add("a");
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error(), errc::batch_failed);
    EXPECT_EQ(added.error().api_code(), 10174);
    EXPECT_EQ(net.add("b").error().api_code(), 10174) << "and so is the rest";
    EXPECT_EQ(net.seen, "1:a? ");
}

TEST(js_atomic_batch, a_server_that_has_none) {
    batching net;
    net.answer = R"({"stream":"S","seq":1})";
    EXPECT_EQ(net.add("a").error(), errc::batch_failed);
    net.state = std::make_unique<batch_state>();
    EXPECT_EQ(net.commit("a").error(), errc::batch_failed) << "nor for a batch of one";
    net.state = std::make_unique<batch_state>();
    net.answer = "nonsense";
    EXPECT_EQ(net.add("a").error(), errc::batch_failed);
}

TEST(js_atomic_batch, what_the_commit_says) {
    batching net;
    ASSERT_TRUE(net.add("a"));
    net.answer = R"({"error":{"code":400,"err_code":10176,"description":"incomplete"}})";
    const result<pub_ack> ack = net.commit("b");
    ASSERT_FALSE(ack);
    EXPECT_EQ(ack.error(), errc::batch_failed);
    EXPECT_EQ(ack.error().api_code(), 10176);
    EXPECT_FALSE(net.state->open());
}

TEST(js_atomic_batch, nobody_and_silence) {
    batching net;
    EXPECT_EQ(net.add("a", {}, "nobody").error(), errc::no_stream_response);
    EXPECT_FALSE(net.state->open());
    net.state = std::make_unique<batch_state>();
    op<result<void>> patient =
        js::add(net.runtime(), *net.state, publish_request::make("later", "a"));
    patient.start();
    net.settle();
    EXPECT_FALSE(patient.done()) << "a leader may be on its way";
    net.server().serve("later", [](scripted_server& srv, const wire::frame& f) {
        if (!f.reply.empty()) srv.publish(f.reply, "");
    });
    net.until([&] { return patient.done(); });
    ASSERT_TRUE(patient.take());
    EXPECT_EQ(net.state->size(), 1U) << "one message, however often it was sent";
    net.state = std::make_unique<batch_state>();
    net.silent = true;
    EXPECT_EQ(net.add("a", {.timeout = 1s}).error(), errc::timeout);
    EXPECT_FALSE(net.state->open());
}

TEST(js_atomic_batch, one_op_at_a_time) {
    batching net;
    net.silent = true;
    {
        op<result<void>> first =
            js::add(net.runtime(), *net.state, publish_request::make("s", "a"));
        first.start();
        net.settle();
        EXPECT_EQ(net.add("b").error(), errc::in_use);
        EXPECT_EQ(net.commit("b").error(), errc::in_use);
    }
    net.silent = false;
    ASSERT_TRUE(net.add("c")) << "the one that was destroyed is not in the way";
    net.settle();
    EXPECT_EQ(net.seen, "1:a? 2:c ");
}

TEST(js_atomic_batch, a_lost_connection_ends_it) {
    batching net;
    ASSERT_TRUE(net.add("a"));
    net.break_now(fault::eof);
    net.until([&] { return !net.session().is_up(); });
    EXPECT_EQ(net.add("b").error(), errc::batch_failed);
    EXPECT_FALSE(net.state->open());
    net.until([&] { return net.session().is_up(); });
    EXPECT_EQ(net.commit("b").error(), errc::batch_failed);
    EXPECT_EQ(net.seen, "1:a? ");
}

TEST(js_atomic_batch, at_most_a_thousand) {
    batching net;
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(net.add("x"));
    EXPECT_EQ(net.add("x").error(), errc::invalid_argument);
    EXPECT_EQ(net.state->size(), 1000U);
}

TEST(js_atomic_batch, discarding) {
    batching net;
    ASSERT_TRUE(net.add("a"));
    net.state->discard();
    EXPECT_EQ(net.commit("b").error(), errc::batch_failed);
    net.settle();
    EXPECT_EQ(net.seen, "1:a? ");
}

TEST(js_atomic_batch, destroying_it_ends_who_waits) {
    batching net;
    net.silent = true;
    op<result<void>> waiting = js::add(net.runtime(), *net.state, publish_request::make("s", "a"));
    waiting.start();
    net.settle();
    net.state.reset();
    net.until([&] { return waiting.done(); });
    EXPECT_EQ(waiting.take().error(), errc::batch_failed);
}

// --- counters

TEST(js_increment, is_a_number_of_any_size) {
    batching net;
    net.answer = R"({"stream":"S","seq":1,"val":"123456789012345678901234567890"})";
    const result<std::string> n =
        net.run(js::increment(net.runtime(), publish_request::make("s", "", {.increment = "5"})));
    ASSERT_TRUE(n);
    EXPECT_EQ(*n, "123456789012345678901234567890");
    net.answer = R"({"stream":"S","seq":1})";
    EXPECT_EQ(
        net.run(js::increment(net.runtime(), publish_request::make("s", "", {.increment = "5"})))
            .error(),
        errc::invalid_response);
}

} // namespace
} // namespace nats::test

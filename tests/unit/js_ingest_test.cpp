// SPDX-License-Identifier: Apache-2.0
//
// Proves fast ingest in virtual time: what each message's reply subject says, when sending pauses,
// that lost answers are asked for, and that nothing passes for whole that is not.

#include <natsproto/jetstream/ingest.hpp>

#include "support/sim.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace nats::test {
namespace {

using js::ingest_options;
using js::ingest_progress;
using js::ingest_state;
using js::pub_ack;
using js::publish_options;
using js::publish_request;

/// A stream on "s" that takes what comes as nats-server does, and answers each `every` messages.
struct ingesting : sim {
    explicit ingesting(const ingest_options& o = {}) : sim(as_given(), {}), state(make(o)) {
        EXPECT_TRUE(connect());
        server().serve("s", [this](scripted_server& srv, const wire::frame& f) { take(srv, f); });
    }
    std::unique_ptr<ingest_state> make(const ingest_options& o) {
        const auto note = [](void* self, const error& why) {
            static_cast<ingesting*>(self)->warnings.push_back(why.detail());
        };
        return std::make_unique<ingest_state>(o, note, this);
    }
    void take(scripted_server& srv, const wire::frame& f) {
        // <inbox>.<id>.<flow>.<gap>.<number>.<operation>.$FI
        std::vector<std::string> parts;
        const std::string reply(f.reply);
        std::istringstream text(reply);
        for (std::string part; std::getline(text, part, '.');) parts.push_back(part);
        ASSERT_GE(parts.size(), 6U);
        const std::size_t n = parts.size();
        const std::string operation = parts[n - 2];
        number = std::stoul(parts[n - 3]);
        id = parts[n - 6];
        inbox = reply;
        if (operation != "1") seen += parts[n - 5] + '.' + parts[n - 4] + '.';
        seen += parts[n - 3] + '.' + operation + ' ';
        if (silent) return;
        if (!answer.empty()) {
            srv.publish(reply, answer);
        } else if (operation == "2" || operation == "3") {
            end(operation == "2" ? number : number - 1);
        } else if (operation != "1" || number % every == 0) {
            flow(number);
        }
    }
    void flow(std::uint64_t sequence) {
        server().publish(inbox, R"({"type":"ack","seq":)" + std::to_string(sequence) +
                                    R"(,"msgs":)" + std::to_string(every) + '}');
    }
    void end(std::uint64_t count) {
        server().publish(inbox, R"({"stream":"S","seq":9,"batch":")" + id + R"(","count":)" +
                                    std::to_string(count) + '}');
    }
    result<ingest_progress> add(bytes payload = "x", const publish_options& o = {},
                                std::string_view subject = "s") {
        return run(js::add(runtime(), *state, publish_request::make(subject, payload, o)));
    }
    result<pub_ack> commit(bytes payload = "x") {
        return run(js::commit(runtime(), *state, publish_request::make("s", payload)));
    }
    result<pub_ack> finish() { return run(js::finish(runtime(), *state)); }

    std::string seen;   ///< number and operation, and of all but "add" flow and gap before
    std::string answer; ///< to everything; empty: as the server would
    std::string id;
    std::string inbox; ///< of the newest message
    std::uint64_t number = 0;
    std::uint64_t every = 2;
    bool silent = false;
    std::vector<std::string> warnings;
    std::unique_ptr<ingest_state> state;
};

TEST(js_ingest, sends_as_the_server_lets_it) {
    ingesting net({.flow = 10});
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(net.add());
    const result<pub_ack> ack = net.commit();
    ASSERT_TRUE(ack) << ack.error().message();
    EXPECT_EQ(net.seen, "10.fail.1.0 2.1 3.1 4.1 5.1 10.fail.6.2 ");
    EXPECT_EQ(ack->count, 6U);
    EXPECT_EQ(net.state->progress().acknowledged, 6U);
    EXPECT_FALSE(net.state->open());
    net.settle();
    EXPECT_EQ(net.server().subscriptions(), 0U) << "what is late is not wanted";
    EXPECT_EQ(net.add().error(), errc::ingest_incomplete);
}

TEST(js_ingest, of_one_message_or_without_a_last_one) {
    ingesting one;
    ASSERT_TRUE(one.commit());
    EXPECT_EQ(one.seen, "100.fail.1.2 ");
    ingesting net({.continue_on_gap = true});
    EXPECT_EQ(net.finish().error(), errc::invalid_argument);
    ASSERT_TRUE(net.add());
    const result<pub_ack> ack = net.finish();
    ASSERT_TRUE(ack) << ack.error().message();
    EXPECT_EQ(ack->count, 1U);
    EXPECT_EQ(net.seen, "100.ok.1.0 100.ok.2.3 ");
    EXPECT_EQ(net.state->progress().sequence, 1U);
}

TEST(js_ingest, pauses_when_answers_are_missing) {
    ingesting net({.max_outstanding = 2});
    ASSERT_TRUE(net.add());
    net.silent = true;
    for (int i = 2; i <= 5; ++i) ASSERT_TRUE(net.add()) << i;
    op<result<ingest_progress>> sixth =
        js::add(net.runtime(), *net.state, publish_request::make("s", "6"));
    sixth.start();
    net.settle();
    EXPECT_FALSE(sixth.done()) << "1 + 2 answers of 2 messages";
    EXPECT_EQ(net.add().error(), errc::in_use);
    net.flow(2); // which is as good as one for 1
    net.until([&] { return sixth.done(); });
    const result<ingest_progress> p = sixth.take();
    ASSERT_TRUE(p);
    EXPECT_EQ(p->sequence, 6U);
    EXPECT_EQ(p->acknowledged, 2U);
    net.flow(1);  // overtaken
    net.flow(99); // of what was never sent
    net.settle();
    EXPECT_EQ(net.state->progress().acknowledged, 2U);
}

TEST(js_ingest, the_server_changes_the_flow) {
    ingesting net({.flow = 4, .max_outstanding = 1});
    net.every = 1;
    ASSERT_TRUE(net.add());
    net.silent = true;
    net.every = 1000; // more than what was asked for: no more than that
    net.flow(1);
    net.settle();
    for (int i = 2; i <= 5; ++i) ASSERT_TRUE(net.add()) << i;
    net.seen.clear();
    op<result<ingest_progress>> sixth =
        js::add(net.runtime(), *net.state, publish_request::make("s", "6"));
    sixth.start();
    net.settle();
    EXPECT_FALSE(sixth.done());
}

TEST(js_ingest, asks_for_lost_answers) {
    ingesting net({.max_outstanding = 1, .ack_timeout = 3s});
    ASSERT_TRUE(net.add());
    net.silent = true;
    ASSERT_TRUE(net.add());
    ASSERT_TRUE(net.add());
    op<result<ingest_progress>> fourth =
        js::add(net.runtime(), *net.state, publish_request::make("s", "4"));
    fourth.start();
    net.settle();
    net.silent = false; // and now the server hears the ping
    net.until([&] { return fourth.done(); });
    ASSERT_TRUE(fourth.take());
    net.settle();
    EXPECT_EQ(net.seen, "100.fail.1.0 2.1 3.1 100.fail.3.4 4.1 ");
}

TEST(js_ingest, silence_ends_it) {
    ingesting net({.ack_timeout = 3s});
    ASSERT_TRUE(net.add());
    net.silent = true;
    const time_point before = net.now();
    EXPECT_EQ(net.commit().error(), errc::timeout);
    EXPECT_EQ(std::chrono::round<std::chrono::seconds>(net.now() - before), 3s);
    EXPECT_EQ(net.seen, "100.fail.1.0 100.fail.2.2 100.fail.2.4 100.fail.2.4 ")
        << "every third of the time";
    EXPECT_FALSE(net.state->open());
    ingesting first;
    first.silent = true;
    EXPECT_EQ(first.add().error(), errc::timeout);
    EXPECT_EQ(first.seen, "100.fail.1.0 ") << "nobody to ask yet";
}

TEST(js_ingest, a_gap_ends_it) {
    ingesting net;
    ASSERT_TRUE(net.add());
    ASSERT_TRUE(net.add());
    net.silent = true;
    net.server().publish(net.inbox, R"({"type":"gap","last_seq":2,"seq":4})");
    net.settle();
    EXPECT_FALSE(net.state->open()) << "the last word is still to come";
    op<result<ingest_progress>> next =
        js::add(net.runtime(), *net.state, publish_request::make("s", "3"));
    next.start();
    net.settle();
    EXPECT_FALSE(next.done());
    net.end(1);
    net.until([&] { return next.done(); });
    const result<ingest_progress> told = next.take();
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error(), errc::ingest_incomplete);
    EXPECT_EQ(told.error().detail(), "messages 2 to 3 did not arrive");
    ASSERT_TRUE(net.state->outcome());
    EXPECT_EQ(net.state->outcome()->count, 1U);
    EXPECT_EQ(net.commit().error(), errc::ingest_incomplete);
}

TEST(js_ingest, a_gap_may_be_only_a_warning) {
    ingesting net({.continue_on_gap = true});
    ASSERT_TRUE(net.add());
    net.server().publish(net.inbox, R"({"type":"gap","last_seq":1,"seq":2})");
    net.server().publish(net.inbox, R"({"type":"gap","last_seq":2,"seq":2})");
    net.server().publish(
        net.inbox,
        R"({"type":"err","seq":1,"error":{"code":400,"err_code":10071,"description":"wrong"}})");
    net.settle();
    EXPECT_EQ(net.warnings,
              (std::vector<std::string>{"message 1 did not arrive", "message 1: wrong"}));
    ASSERT_TRUE(net.commit());
}

TEST(js_ingest, what_is_refused_ends_it) {
    ingesting net;
    ASSERT_TRUE(net.add());
    net.silent = true;
    ASSERT_TRUE(net.add());
    net.server().publish(
        net.inbox,
        R"({"type":"err","seq":2,"error":{"code":400,"err_code":10071,"description":"wrong"}})");
    net.settle();
    net.end(1);
    net.settle();
    const result<pub_ack> ack = net.commit();
    ASSERT_FALSE(ack);
    EXPECT_EQ(ack.error(), errc::ingest_incomplete);
    EXPECT_EQ(ack.error().api_code(), 10071);
}

TEST(js_ingest, an_end_with_too_few_is_no_success) {
    ingesting net;
    ASSERT_TRUE(net.add());
    ASSERT_TRUE(net.add());
    net.silent = true;
    op<result<pub_ack>> last =
        js::commit(net.runtime(), *net.state, publish_request::make("s", ""));
    last.start();
    net.settle();
    net.end(2);
    net.until([&] { return last.done(); });
    const result<pub_ack> ack = last.take();
    ASSERT_FALSE(ack);
    EXPECT_EQ(ack.error(), errc::ingest_incomplete);
    ASSERT_TRUE(net.state->outcome());
    EXPECT_EQ(net.state->outcome()->count, 2U);
}

TEST(js_ingest, those_that_have_none) {
    ingesting disabled;
    disabled.answer =
        R"({"error":{"code":400,"err_code":10205,"description":"disabled"},"stream":"S","seq":0})";
    const result<ingest_progress> refused = disabled.add();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), errc::batch_failed);
    EXPECT_EQ(refused.error().api_code(), 10205);
    disabled.settle();
    EXPECT_EQ(disabled.server().subscriptions(), 0U);
    ingesting old;
    old.answer = R"({"stream":"S","seq":1})";
    EXPECT_EQ(old.add().error(), errc::batch_failed);
    ingesting older;
    older.answer = R"({"stream":"S","seq":1})";
    EXPECT_EQ(older.commit().error(), errc::batch_failed);
    ingesting nonsense;
    nonsense.answer = "nonsense";
    EXPECT_EQ(nonsense.add().error(), errc::invalid_response);
}

TEST(js_ingest, nobody_listens_for_a_while) {
    ingesting net;
    EXPECT_EQ(net.add("a", {}, "nobody").error(), errc::no_stream_response);
    EXPECT_FALSE(net.state->open());
    net.state = net.make({});
    op<result<ingest_progress>> patient =
        js::add(net.runtime(), *net.state, publish_request::make("later", "a"));
    patient.start();
    net.settle();
    EXPECT_FALSE(patient.done());
    net.server().serve("later",
                       [&](scripted_server& srv, const wire::frame& f) { net.take(srv, f); });
    net.until([&] { return patient.done(); });
    ASSERT_TRUE(patient.take());
    EXPECT_EQ(net.seen, "100.fail.1.0 ");
}

TEST(js_ingest, a_new_connection_is_asked) {
    ingesting net({.continue_on_gap = true});
    ASSERT_TRUE(net.add());
    net.break_now(fault::eof);
    net.until([&] { return !net.session().is_up(); });
    net.until([&] { return net.session().is_up(); });
    ASSERT_TRUE(net.add());
    net.settle();
    EXPECT_EQ(net.seen, "100.ok.1.0 100.ok.1.4 2.1 ");
    ASSERT_TRUE(net.commit());
}

TEST(js_ingest, stays_alive) {
    ingesting net;
    EXPECT_EQ(js::keep_alive(net.runtime(), *net.state).error(), errc::invalid_argument);
    ASSERT_TRUE(net.add());
    ASSERT_TRUE(js::keep_alive(net.runtime(), *net.state));
    net.settle();
    EXPECT_EQ(net.seen, "100.fail.1.0 100.fail.1.4 ");
}

TEST(js_ingest, is_destroyed_at_any_moment) {
    ingesting net;
    net.silent = true;
    op<result<ingest_progress>> first =
        js::add(net.runtime(), *net.state, publish_request::make("s", "1"));
    first.start();
    net.settle();
    net.state.reset();
    net.until([&] { return first.done(); });
    EXPECT_EQ(first.take().error(), errc::ingest_incomplete);
    net.settle();
    EXPECT_EQ(net.server().subscriptions(), 0U);
}

TEST(js_ingest, wrong_arguments) {
    EXPECT_EQ(check(ingest_options{.flow = 0}).error(), errc::invalid_argument);
    EXPECT_EQ(check(ingest_options{.max_outstanding = 0}).error(), errc::invalid_argument);
    EXPECT_EQ(check(ingest_options{.max_outstanding = 4}).error(), errc::invalid_argument);
    EXPECT_EQ(check(ingest_options{.ack_timeout = 0s}).error(), errc::invalid_argument);
    EXPECT_TRUE(check(ingest_options{}));
    ingesting net;
    EXPECT_EQ(net.add("a", {}, "a b").error(), errc::invalid_subject);
    ASSERT_TRUE(net.add());
    EXPECT_EQ(net.add("a", {.ttl = 1ms}).error(), errc::invalid_argument);
    ASSERT_TRUE(net.commit());
}

} // namespace
} // namespace nats::test

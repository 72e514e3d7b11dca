// SPDX-License-Identifier: Apache-2.0
//
// The program's own part: messages from and to inside of the process, and the faults that tests
// make.

#include <natsproto/broker/broker.hpp>

#include "support/conversation.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace nats {
namespace {

using namespace std::chrono_literals;
using test::broker_world;
using test::talker;

struct notes {
    std::string seen;
    local_sub_id own{};
    client_id victim{};
    talker* other = nullptr;
};
notes& of(void* context) {
    return *static_cast<notes*>(context);
}
void note(void* context, broker&, const message_view& m) {
    of(context).seen += std::string(m.subject) + ' ' + std::string(m.reply) + ' ' +
                        std::string(m.payload) + (m.headers.empty() ? "" : " +headers") + '|';
}
void echo(void* context, broker& b, const message_view& m) {
    note(context, b, m);
    EXPECT_TRUE(b.publish(m.reply, m.payload).value());
}

TEST(BrokerLocal, PublishesAndSubscribes) {
    broker_world w;
    broker& b = *w.b;
    notes n;
    const local_sub_id id = b.subscribe("a.*", "", note, &n).value();
    talker t = talker::connected(w);
    t.say("SUB a.b 1|");
    EXPECT_TRUE(b.publish("a.b", "hi", "r").value());
    EXPECT_EQ(n.seen, "a.b r hi|");
    EXPECT_EQ(t.hear(), "MSG a.b 1 r 2|hi|");
    EXPECT_EQ(t.say("HPUB a.c 12 14|NATS/1.0||yo|"), "");
    EXPECT_EQ(n.seen, "a.b r hi|a.c  yo +headers|");
    headers h;
    ASSERT_TRUE(h.add("k", "v"));
    EXPECT_TRUE(b.publish("a.b", "x", "", h).value());
    EXPECT_EQ(t.hear(), "HMSG a.b 1 18 19|NATS/1.0|k: v||x|");
    EXPECT_FALSE(b.publish("b", "").value());
    EXPECT_EQ(b.stats().subscriptions, 2U);
    b.unsubscribe(id);
    b.unsubscribe(id);
    b.unsubscribe(local_sub_id{77});
    EXPECT_EQ(b.stats().subscriptions, 1U);
    EXPECT_FALSE(b.publish("a.c", "").value());
}

TEST(BrokerLocal, RefusesWhatMakesNoSense) {
    broker_world w;
    broker& b = *w.b;
    EXPECT_EQ(b.publish("a.*", "").error(), errc::invalid_subject);
    EXPECT_EQ(b.publish("", "").error(), errc::invalid_subject);
    EXPECT_EQ(b.publish("a", "", "r..").error(), errc::invalid_subject);
    EXPECT_EQ(b.publish("a", std::string(1024 * 1024 + 1, 'x')).error(), errc::payload_too_large);
    EXPECT_EQ(b.subscribe("a..b", "", note, nullptr).error(), errc::invalid_subject);
    EXPECT_EQ(b.subscribe("a", "q q", note, nullptr).error(), errc::invalid_queue_group);
    EXPECT_EQ(b.subscribe("a", "", nullptr, nullptr).error(), errc::invalid_argument);
    EXPECT_EQ(b.stats().subscriptions, 0U);
}

TEST(BrokerLocal, AnswersRequests) {
    broker_world w;
    notes n;
    ASSERT_TRUE(w.b->subscribe("echo", "q", echo, &n));
    talker t = talker::connected(w);
    EXPECT_EQ(t.say("SUB r.* 1|PUB echo r.1 2|hi|PUB echo r.2 2|ho|PUB none r.3 0||"),
              "MSG r.1 1 2|hi|MSG r.2 1 2|ho|HMSG r.3 1 16 16|NATS/1.0 503|||");
}

TEST(BrokerLocal, IsOneMemberOfAQueueGroup) {
    broker_world w;
    notes n;
    ASSERT_TRUE(w.b->subscribe("a", "q", note, &n));
    talker t = talker::connected(w);
    t.say("SUB a q 1|");
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(w.b->publish("a", ""));
    const std::string heard = t.hear();
    const auto by_client = std::count(heard.begin(), heard.end(), 'M');
    EXPECT_EQ(by_client + std::count(n.seen.begin(), n.seen.end(), 'a'), 200);
    EXPECT_NEAR(static_cast<double>(by_client), 100, 40);
}

void publish_again(void* context, broker& b, const message_view& m) {
    note(context, b, m);
    EXPECT_TRUE(b.publish("a", "again"));
}

/// A handler that publishes to itself for ever stops neither the program nor the others.
TEST(BrokerLocal, AnEndlessLoopLetsOthersIn) {
    broker_world w;
    notes n;
    const local_sub_id id = w.b->subscribe("a", "", publish_again, &n).value();
    talker t = talker::connected(w);
    ASSERT_TRUE(w.b->publish("a", "first"));
    const std::size_t seen = n.seen.size();
    EXPECT_TRUE(n.seen.starts_with("a  first|a  again|"));
    EXPECT_EQ(w.b->poll_timeout(), w.now);
    EXPECT_EQ(t.say("SUB b 1|PUB b 0||"), "MSG b 1 0||");
    w.b->handle_timeout(w.now);
    EXPECT_GT(n.seen.size(), seen);
    w.b->unsubscribe(id);
    w.b->handle_timeout(w.now);
    EXPECT_NE(w.b->poll_timeout(), w.now);
}

void publish_twice(void* context, broker& b, const message_view&) {
    for (int i = 0; i < 2 && of(context).seen.empty(); ++i) {
        const result<bool> published = b.publish("a", std::string(1'000'000, 'x'));
        if (!published) {
            EXPECT_EQ(published.error(), errc::output_full);
            of(context).seen = "full";
        }
    }
}

TEST(BrokerLocal, WhatHandlersPublishIsBounded) {
    broker_world w;
    notes n;
    ASSERT_TRUE(w.b->subscribe("a", "", publish_twice, &n));
    ASSERT_TRUE(w.b->publish("a", ""));
    EXPECT_EQ(n.seen, "full");
    EXPECT_LT(w.b->stats().in_bytes, 200'000'000U);
}

void meddle(void* context, broker& b, const message_view& m) {
    notes& n = of(context);
    n.seen += "m";
    EXPECT_EQ(b.subscribe("x", "", note, context).error(), errc::in_use);
    b.unsubscribe(n.own);
    b.cut(n.victim);
    if (n.other != nullptr) {
        EXPECT_FALSE(n.other->tell("PING|")) << "what is being routed stays in place";
        n.other->transport.close(n.other->world.now);
    }
    EXPECT_EQ(m.payload, "hello") << "still";
}

/// A handler cuts the publisher of the very message, others that are to get it, and itself.
TEST(BrokerLocal, AHandlerMayEndWhoeverItLikes) {
    for (int victim = 0; victim < 3; ++victim) {
        broker_world w;
        notes n;
        std::vector<talker> all;
        for (int i = 0; i < 3; ++i) {
            all.push_back(talker::connected(w));
            all.back().say("SUB a 1|SUB a 2|SUB a q 3|");
        }
        const auto victim_at = static_cast<std::size_t>(victim);
        n.victim = all[victim_at].id();
        n.other = &all[(victim_at + 1) % 3];
        n.own = w.b->subscribe("a", "", meddle, &n).value();
        ASSERT_TRUE(w.b->subscribe("a", "", note, &n));
        all[0].tell("PUB a 5|hello|PUB a 5|again|");
        EXPECT_TRUE(all[victim_at].ended());
        EXPECT_EQ(all[victim_at].hear(), "");
        EXPECT_EQ(std::count(n.seen.begin(), n.seen.end(), 'm'), 1) << "it has unsubscribed";
        EXPECT_NE(n.seen.find("a  hello|"), std::string::npos) << n.seen;
        EXPECT_EQ(w.b->stats().connections, 1U);
        EXPECT_EQ(w.b->stats().subscriptions, 3U + 1U);
    }
}

void unsubscribe_the_other(void* context, broker& b, const message_view&) {
    notes& n = of(context);
    n.seen += "x";
    b.unsubscribe(n.own);
}

TEST(BrokerLocal, AHandlerThatWasUnsubscribedIsNotCalled) {
    broker_world w;
    notes one;
    notes two;
    two.own = w.b->subscribe("a", "", unsubscribe_the_other, &one).value();
    one.own = w.b->subscribe("a", "", unsubscribe_the_other, &two).value();
    EXPECT_TRUE(w.b->publish("a", "").value());
    EXPECT_EQ(one.seen + two.seen, "x") << "whichever came first";
    EXPECT_EQ(w.b->stats().subscriptions, 1U);
}

// --- faults

TEST(BrokerFaults, CutFailAndErr) {
    broker_world w;
    talker one = talker::connected(w);
    talker two = talker::connected(w);
    w.b->send_err(one.id(), "be careful\r\nPING");
    EXPECT_EQ(one.hear(), "-ERR 'be careful'|");
    EXPECT_EQ(one.say("PING|"), "PONG|");
    w.b->fail(one.id(), "go away");
    EXPECT_FALSE(one.tell("PING|"));
    EXPECT_FALSE(one.ended()) << "there is something to read";
    EXPECT_EQ(one.hear(), "-ERR 'go away'|");
    EXPECT_TRUE(one.ended());
    two.tell("PING|");
    w.b->cut(two.id());
    EXPECT_TRUE(two.ended());
    EXPECT_EQ(two.hear(), "") << "what waited is lost";
    EXPECT_TRUE(w.b->clients().empty());

    for (const client_id gone : {one.id(), client_id{0}, client_id{99}}) {
        w.b->cut(gone);
        w.b->fail(gone, "x");
        w.b->send_err(gone, "x");
        w.b->hold(gone, w.now + 1s);
    }
    talker three = talker::connected(w);
    talker four = talker::connected(w);
    w.b->cut_all();
    EXPECT_TRUE(three.ended());
    EXPECT_TRUE(four.ended());
    EXPECT_EQ(w.b->stats().connections, 0U);
    EXPECT_EQ(w.b->stats().total_connections, 4U);
    EXPECT_EQ(talker::connected(w).say("PING|"), "PONG|") << "new ones may come";
}

TEST(BrokerFaults, TheLastWordsAreReadInPieces) {
    broker_world w;
    talker t = talker::connected(w);
    w.b->fail(t.id(), "bye");
    std::string heard;
    while (true) {
        const std::string piece = t.hear(1);
        if (piece.empty()) break;
        EXPECT_EQ(t.ended(), heard.size() + 1 == 12);
        heard += piece;
    }
    EXPECT_EQ(heard, "-ERR 'bye'\r\n");
}

} // namespace
} // namespace nats

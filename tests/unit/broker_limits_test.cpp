// SPDX-License-Identifier: Apache-2.0
//
// Limits, clients that do not read, and publishers that are too fast for them.

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

/// Little may wait.
broker_options narrow() {
    broker_options o;
    o.max_payload = 1000;
    o.max_pending = 10'000;
    return o;
}

std::string publishes(int count, std::size_t size) {
    std::string all;
    for (int i = 0; i < count; ++i)
        all += "PUB a " + std::to_string(size) + '|' + std::string(size, 'x') + '|';
    return all;
}

long messages(const std::string& heard) {
    return std::count(heard.begin(), heard.end(), 'M');
}

TEST(BrokerLimits, Connections) {
    broker_options o;
    o.max_connections = 2;
    broker_world w(std::move(o));
    talker first = talker::connected(w);
    talker second(w);
    talker third(w);
    const std::string heard = third.hear();
    EXPECT_TRUE(heard.starts_with("INFO {")) << heard;
    EXPECT_TRUE(heard.ends_with("|-ERR 'maximum connections exceeded'|")) << heard;
    EXPECT_TRUE(third.ended());
    second.transport.close(w.now);
    talker fourth(w);
    fourth.hear();
    EXPECT_FALSE(fourth.ended());
    EXPECT_EQ(first.say("PING|"), "PONG|");
    EXPECT_EQ(w.b->stats().connections, 2U);
}

TEST(BrokerLimits, Payload) {
    broker_world w(narrow());
    talker t = talker::connected(w);
    EXPECT_EQ(t.say("SUB a 1|PUB a 1000|" + std::string(1000, 'x') + "|").size(), 13U + 1001U);
    EXPECT_EQ(t.say("HPUB a 500 1001|"), "-ERR 'Maximum Payload Violation'|");
    EXPECT_TRUE(t.ended());
}

TEST(BrokerLimits, Subscriptions) {
    broker_options o;
    o.max_subscriptions = 2;
    broker_world w(std::move(o));
    talker t = talker::connected(w, R"(,"verbose":true)");
    constexpr const char* refused = "-ERR 'maximum subscriptions exceeded'|";
    EXPECT_EQ(t.say("SUB a 1|SUB b 2|SUB c 3|"), std::string("+OK|+OK|") + refused);
    EXPECT_EQ(t.say("UNSUB 1|SUB c 3|PUB c 0||"), "+OK|+OK|+OK|MSG c 3 0||");
    EXPECT_EQ(t.say("UNSUB 3 2|PUB c 0||SUB d 4|"), std::string("+OK|+OK|MSG c 3 0||+OK|"))
        << "one that has got all gives its place back";
    talker other = talker::connected(w);
    EXPECT_EQ(other.say("SUB a 1|SUB b 2|PING|"), "PONG|") << "they are counted for each client";
}

/// Whoever subscribes without end and reads nothing is cut off by what he is told.
TEST(BrokerLimits, AFloodOfSubscriptions) {
    broker_options o = narrow();
    o.max_subscriptions = 1000;
    broker_world w(std::move(o));
    talker witness = talker::connected(w);
    witness.say("SUB > 1|");
    talker flood = talker::connected(w);
    std::string subs;
    for (int i = 0; i < 100'000; ++i)
        subs += "SUB f." + std::to_string(i) + ' ' + std::to_string(i) + '|';
    EXPECT_TRUE(flood.tell(subs));
    EXPECT_TRUE(flood.ended());
    EXPECT_EQ(flood.hear(), "");
    EXPECT_EQ(w.b->stats().slow_consumers, 1U);
    EXPECT_EQ(w.b->stats().subscriptions, 1U);

    talker reads = talker::connected(w);
    for (std::size_t at = 0; at < subs.size();) {
        std::size_t end = std::min(at + 2000, subs.size());
        end = end == subs.size() ? end : subs.rfind('|', end) + 1;
        reads.say(subs.substr(at, end - at));
        at = end;
    }
    EXPECT_FALSE(reads.ended());
    EXPECT_EQ(reads.status().subscriptions, 1000U);
    EXPECT_EQ(witness.say("PUB f.7 0||"), "MSG f.7 1 0||");
    EXPECT_EQ(reads.hear(), "MSG f.7 7 0||");
}

TEST(BrokerLimits, PingsWithoutReading) {
    broker_world w;
    talker t = talker::connected(w);
    std::string pings;
    for (int i = 0; i < 50'000; ++i) pings += "PING|";
    t.tell(pings);
    EXPECT_LE(t.status().pending, 5000U) << "the rest is only counted";
    const std::string heard = t.hear();
    EXPECT_EQ(std::count(heard.begin(), heard.end(), 'O'), 50'000);
}

// --- slow consumers

TEST(BrokerSlowConsumer, SlowsDownThePublisher) {
    broker_world w(narrow());
    talker reader = talker::connected(w);
    talker publisher = talker::connected(w);
    reader.say("SUB a 1|");
    EXPECT_TRUE(publisher.tell(publishes(300, 100)));
    EXPECT_FALSE(publisher.tell("PING|")) << "it has to wait";
    EXPECT_EQ(publisher.hear(), "");
    EXPECT_GT(reader.status().pending, 7500U);
    EXPECT_LT(reader.status().pending, 7700U) << "it was stopped at three quarters";
    const std::size_t before = reader.status().pending;
    EXPECT_EQ(reader.hear(10), "MSG a 1 10");
    EXPECT_EQ(reader.status().pending, before - 10) << "still too much";
    EXPECT_EQ(messages(reader.hear()), 299) << "and went on as soon as there was room";
    EXPECT_EQ(publisher.say("PING|"), "PONG|");
    EXPECT_EQ(w.b->stats().slow_consumers, 0U);
}

TEST(BrokerSlowConsumer, IsCutOffIfItDoesNotRead) {
    broker_world w(narrow());
    talker sleeper = talker::connected(w);
    talker reader = talker::connected(w);
    talker publisher = talker::connected(w);
    sleeper.say("SUB a 1|");
    reader.say("SUB a 1|");
    publisher.tell(publishes(300, 100) + "PING|");
    long heard = messages(reader.hear());
    EXPECT_LT(heard, 85);
    w.wait(9ms);
    EXPECT_FALSE(sleeper.ended());
    EXPECT_EQ(messages(reader.hear()), 0) << "the publisher waits for the sleeper";
    w.wait(1ms);
    EXPECT_EQ(publisher.hear(), "") << "now for the reader";
    EXPECT_TRUE(sleeper.ended());
    EXPECT_EQ(sleeper.hear(), "") << "without a word";
    heard += messages(reader.hear());
    EXPECT_EQ(heard, 300);
    EXPECT_EQ(publisher.hear(), "PONG|");
    EXPECT_EQ(w.b->stats().slow_consumers, 1U);
    EXPECT_EQ(w.b->stats().connections, 2U);
    EXPECT_EQ(w.b->stats().subscriptions, 1U);
}

/// Waiting for one of them is waiting for all.
TEST(BrokerSlowConsumer, ManyCostNoMoreTimeThanOne) {
    broker_world w(narrow());
    std::vector<talker> sleepers;
    for (int i = 0; i < 20; ++i) {
        sleepers.push_back(talker::connected(w));
        sleepers.back().say("SUB a 1|");
    }
    talker publisher = talker::connected(w);
    publisher.tell(publishes(300, 100) + "PING|");
    w.wait(10ms);
    EXPECT_EQ(publisher.hear(), "PONG|");
    EXPECT_EQ(w.b->stats().slow_consumers, 20U);
}

TEST(BrokerSlowConsumer, APublisherGoesOnWhenItHasLeft) {
    broker_world w(narrow());
    talker sleeper = talker::connected(w);
    talker publisher = talker::connected(w);
    sleeper.say("SUB a 1|");
    publisher.tell(publishes(300, 100) + "PING|");
    EXPECT_EQ(publisher.hear(), "");
    sleeper.transport.close(w.now);
    EXPECT_EQ(publisher.hear(), "PONG|");
}

/// A client that publishes to itself and does not read: its own buffers are at stake.
TEST(BrokerSlowConsumer, OfItself) {
    broker_world w(narrow());
    talker witness = talker::connected(w);
    talker t = talker::connected(w);
    witness.say("SUB b 1|");
    t.say("SUB a 1|SUB a 2|SUB a 3|");
    t.tell(publishes(100, 900) + "PUB b 0||");
    EXPECT_FALSE(t.ended());
    w.wait(10ms);
    EXPECT_TRUE(t.ended());
    EXPECT_EQ(witness.say("PING|"), "PONG|");
    EXPECT_EQ(w.b->stats().slow_consumers, 1U);
}

/// The message that fills one of them goes to all of them.
TEST(BrokerSlowConsumer, OthersGetTheMessageThatCutIt) {
    broker_world w(narrow());
    std::vector<talker> all;
    for (int i = 0; i < 3; ++i) {
        all.push_back(talker::connected(w));
        all.back().say("SUB a 1|");
    }
    // The middle one does not get rid of anything.
    w.b->hold(all[1].id(), w.now + 1s);
    talker publisher = talker::connected(w);
    long first = 0;
    long last = 0;
    for (int i = 0; i < 20; ++i) {
        publisher.tell(publishes(1, 990));
        first += messages(all[0].hear());
        last += messages(all[2].hear());
        w.wait(10ms);
    }
    EXPECT_TRUE(all[1].ended());
    EXPECT_EQ(first, 20);
    EXPECT_EQ(last, 20);
}

TEST(BrokerSlowConsumer, TakesNothingForTooLong) {
    broker_options o;
    o.write_deadline = 5s;
    broker_world w(std::move(o));
    talker sleeper = talker::connected(w);
    talker slow = talker::connected(w);
    sleeper.say("SUB a 1|");
    slow.say("SUB a 1|");
    talker publisher = talker::connected(w);
    publisher.tell("PUB a 5|hello|");
    for (int i = 0; i < 5; ++i) {
        w.wait(4999ms);
        EXPECT_EQ(sleeper.ended(), i > 0) << i;
        EXPECT_EQ(slow.hear(1).size(), 1U) << "a byte is enough";
        publisher.hear();
        w.wait(0ms);
        EXPECT_FALSE(slow.ended());
    }
    EXPECT_EQ(w.b->stats().slow_consumers, 1U);
    w.wait(1h);
    EXPECT_TRUE(slow.ended());
}

// --- the driver's side

std::string take_all(broker_peer& p, time_point now) {
    std::string all;
    std::array<const_buffer, 4> pieces;
    while (const std::size_t count = p.poll_transmit(pieces)) {
        std::size_t n = 0;
        for (std::size_t i = 0; i < count; ++i) {
            all.append(pieces[i].data, pieces[i].size);
            n += pieces[i].size;
        }
        p.transmitted(n, now);
    }
    return test::without_crlf(all);
}
void feed(broker_peer& p, std::string_view text, time_point now) {
    const std::string bytes = test::with_crlf(text);
    const std::span<char> space = p.prepare(bytes.size());
    ASSERT_GE(space.size(), bytes.size());
    std::copy(bytes.begin(), bytes.end(), space.begin());
    p.commit(bytes.size(), now);
}
/// Who is named, and each once.
std::string named(broker& b) {
    std::string ids;
    while (broker_peer* const p = b.next_ready())
        ids += std::to_string(static_cast<std::uint64_t>(p->id())) + ' ';
    return ids;
}

TEST(BrokerDriver, IsToldWhoHasSomethingToDo) {
    broker_world w(narrow());
    broker& b = *w.b;
    broker_peer& one = b.accept("127.0.0.1:1", w.now);
    broker_peer& two = b.accept("127.0.0.1:2", w.now);
    talker in_memory = talker::connected(w);
    EXPECT_EQ(named(b), "1 2 ");
    EXPECT_EQ(named(b), "");
    EXPECT_TRUE(take_all(one, w.now).starts_with("INFO"));
    take_all(two, w.now);
    feed(one, talker::connect_line() + "SUB a 1|", w.now);
    feed(two, talker::connect_line() + "PING|", w.now);
    EXPECT_EQ(named(b), "2 ");
    EXPECT_EQ(take_all(two, w.now), "PONG|");

    feed(two, "PUB a 1|x|", w.now);
    feed(two, "PUB a 1|y|", w.now);
    EXPECT_EQ(named(b), "1 ");
    feed(two, "PUB a 1|z|", w.now);
    EXPECT_EQ(named(b), "") << "it knows already";
    EXPECT_EQ(take_all(one, w.now), "MSG a 1 1|x|MSG a 1 1|y|MSG a 1 1|z|");

    EXPECT_TRUE(two.wants_read());
    feed(two, publishes(3, 900) + publishes(3, 900) + publishes(3, 900) + publishes(1, 10), w.now);
    EXPECT_FALSE(two.wants_read());
    EXPECT_EQ(named(b), "1 2 ");
    take_all(one, w.now);
    EXPECT_TRUE(two.wants_read());
    EXPECT_EQ(named(b), "2 1 ") << "the rest was published";
    EXPECT_EQ(b.stats().slow_consumers, 0U);

    b.hold(one.id(), w.now + 1s);
    EXPECT_EQ(named(b), "1 ");
    EXPECT_FALSE(one.wants_read());
    EXPECT_EQ(take_all(one, w.now), "");
    feed(one, "PING|", w.now); // was on its way
    w.wait(999ms);
    EXPECT_EQ(named(b), "");
    w.wait(1ms);
    EXPECT_EQ(named(b), "1 ");
    EXPECT_TRUE(one.wants_read());
    EXPECT_TRUE(take_all(one, w.now).ends_with("PONG|"));

    b.cut(one.id());
    EXPECT_EQ(named(b), "1 ");
    EXPECT_TRUE(one.wants_close());
    feed(one, "PING|", w.now);
    one.handle_eof(w.now);
    EXPECT_EQ(take_all(one, w.now), "");
    one.closed(w.now);

    feed(two, "what|", w.now);
    EXPECT_TRUE(two.wants_close());
    EXPECT_EQ(named(b), "2 ");
    EXPECT_EQ(take_all(two, w.now), "-ERR 'Unknown Protocol Operation'|") << "may still be tried";
    two.closed(w.now);
    EXPECT_EQ(named(b), "");
    EXPECT_EQ(b.stats().connections, 1U);

    broker_peer& gone = b.accept("127.0.0.1:3", w.now);
    gone.closed(w.now);
    EXPECT_EQ(named(b), "") << "a peer that does not exist is not named";
    broker_peer& leaves = b.accept("127.0.0.1:4", w.now);
    take_all(leaves, w.now);
    named(b);
    leaves.handle_eof(w.now);
    EXPECT_TRUE(leaves.wants_close());
    EXPECT_EQ(named(b), "5 ");
    leaves.closed(w.now);
    (void)b.accept("127.0.0.1:5", w.now); // the broker ends before it
}

} // namespace
} // namespace nats

// SPDX-License-Identifier: Apache-2.0
//
// What a broker does by the clock: PINGs, the end in lame duck mode and by `stop`, and clients that
// tests hold.

#include <natsproto/broker/broker.hpp>

#include "broker/timer_heap.hpp"
#include "support/conversation.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace nats {
namespace {

using namespace std::chrono_literals;
using test::broker_world;
using test::talker;

// --- PINGs

TEST(BrokerKeepAlive, PingsAndStaleClients) {
    broker_world w;
    talker t = talker::connected(w);
    w.wait(1999ms);
    EXPECT_EQ(t.hear(), "");
    w.wait(1ms);
    EXPECT_EQ(t.hear(), "PING|");
    EXPECT_EQ(t.say("PONG|"), "");
    w.wait(2min - 1ms);
    EXPECT_EQ(t.hear(), "");
    w.wait(1ms);
    EXPECT_EQ(t.hear(), "PING|");
    w.wait(2min);
    EXPECT_EQ(t.hear(), "PING|");
    w.wait(2min - 1ms);
    EXPECT_EQ(t.hear(), "");
    EXPECT_FALSE(t.ended());
    w.wait(1ms);
    EXPECT_EQ(t.hear(), "-ERR 'Stale Connection'|");
    EXPECT_TRUE(t.ended());
    EXPECT_EQ(w.b->stats().stale_connections, 1U);
}

TEST(BrokerKeepAlive, OneAnswerIsEnough) {
    broker_options o;
    o.ping_interval = 10s;
    o.write_deadline = 1h; // it reads late
    broker_world w(std::move(o));
    talker t = talker::connected(w);
    for (int i = 0; i < 10; ++i) {
        w.wait(20s);
        t.hear();
        t.say("PONG|");
    }
    EXPECT_FALSE(t.ended());
}

/// A client that is heard of is not asked, but once in an hour.
TEST(BrokerKeepAlive, NotWhileTheClientSpeaks) {
    broker_world w;
    for (const char* sign : {"PING|", "PUB a 0||", "SUB a 1|", "UNSUB 1|"}) {
        talker t = talker::connected(w);
        talker silent = talker::connected(w);
        w.wait(1s);
        t.say(sign);
        w.wait(1s);
        EXPECT_EQ(t.say("PONG|"), "PING|") << "the first one comes in any case";
        int pings = 0;
        for (int i = 0; i < 61; ++i) {
            w.wait(1min);
            const std::string heard = t.say(sign);
            if (heard.find("PING") == std::string::npos) continue;
            ++pings;
            t.say("PONG|");
        }
        EXPECT_EQ(pings, 1) << sign;
        EXPECT_TRUE(silent.ended());
    }
    talker t = talker::connected(w);
    w.wait(2s);
    t.say("PONG|");
    w.wait(1min);
    t.say("PONG|");
    w.wait(1min);
    EXPECT_EQ(t.hear(), "PING|") << "a PONG is no sign of interest";
}

TEST(BrokerKeepAlive, BeforeConnectTheIntervalCounts) {
    broker_world w;
    talker t(w);
    t.hear();
    w.wait(2min - 1ms);
    EXPECT_EQ(t.hear(), "");
    w.wait(1ms);
    EXPECT_EQ(t.hear(), "PING|");
}

// --- INFO that changes

TEST(BrokerInfo, IsAnnouncedToThoseWhoKnowHow) {
    broker_world w;
    talker modern = talker::connected(w);
    talker old = talker::connected(w, R"(,"protocol":0)");
    talker silent = talker::connected(w);
    modern.say("PING|");
    old.say("PING|");
    server_info info = w.b->info();
    info.connect_urls = {"b:4222"};
    info.max_payload = 10;
    info.client_id = 999;
    ASSERT_TRUE(w.b->announce(info));
    const std::string heard = modern.hear();
    EXPECT_TRUE(heard.starts_with("INFO {")) << heard;
    EXPECT_NE(heard.find(R"("connect_urls":["b:4222"])"), std::string::npos) << heard;
    EXPECT_NE(heard.find(R"("client_id":1,)"), std::string::npos) << heard;
    EXPECT_EQ(old.hear(), "");
    EXPECT_EQ(silent.hear(), "") << "it has not asked yet";
    const std::string later = silent.say("PING|");
    EXPECT_TRUE(later.starts_with("PONG|INFO {")) << later;
    EXPECT_EQ(silent.say("PING|"), "PONG|") << "once";
    talker next(w);
    EXPECT_NE(next.hear().find(R"("max_payload":10,)"), std::string::npos);
    EXPECT_EQ(modern.say("PUB a 11|"), "-ERR 'Maximum Payload Violation'|");

    info.server_name = "\xff";
    EXPECT_EQ(w.b->announce(info).error(), errc::invalid_argument);
    info.server_name = "ok";
    info.max_payload = -1;
    EXPECT_EQ(w.b->announce(info).error(), errc::invalid_argument);
    EXPECT_EQ(w.b->info().server_name, "natsproto");
}

// --- the end

broker_options short_lame_duck() {
    broker_options o;
    o.lame_duck_grace = 10s;
    o.lame_duck_duration = 40s;
    o.first_ping = 1h; // nothing else happens
    return o;
}

TEST(BrokerLameDuck, ClosesOneAfterAnother) {
    broker_world w(short_lame_duck());
    std::vector<talker> all;
    for (int i = 0; i < 4; ++i) {
        all.push_back(talker::connected(w));
        all.back().say("PING|");
    }
    w.b->lame_duck(w.now);
    EXPECT_TRUE(w.b->stopping());
    for (talker& t : all) {
        const std::string heard = t.hear();
        EXPECT_NE(heard.find(R"("ldm":true)"), std::string::npos) << heard;
    }
    EXPECT_EQ(all[0].say("SUB a 1|PUB a 0||"), "MSG a 1 0||") << "everything goes on";
    talker late(w);
    EXPECT_TRUE(late.ended()) << "nobody new";
    EXPECT_EQ(late.hear(), "");
    const auto open = [&] {
        return std::count_if(all.begin(), all.end(), [](const talker& t) { return !t.ended(); });
    };
    w.wait(9999ms);
    EXPECT_EQ(open(), 4);
    w.wait(1ms);
    EXPECT_EQ(open(), 3);
    EXPECT_TRUE(all[0].ended()) << "the oldest first";
    for (long i = 3; i > 0; --i) {
        EXPECT_FALSE(w.b->finished());
        w.wait(9999ms);
        EXPECT_EQ(open(), i);
        w.wait(1ms);
        EXPECT_EQ(open(), i - 1);
    }
    EXPECT_TRUE(w.b->finished());
    EXPECT_EQ(w.b->poll_timeout(), std::nullopt);
}

TEST(BrokerLameDuck, EndsWhenAllHaveLeft) {
    broker_world w(short_lame_duck());
    EXPECT_FALSE(w.b->finished());
    {
        talker t = talker::connected(w);
        w.b->lame_duck(w.now);
        w.b->lame_duck(w.now);
        w.wait(5s);
        EXPECT_FALSE(w.b->finished());
    }
    EXPECT_TRUE(w.b->finished());
}

TEST(BrokerStop, WritesWhatWaits) {
    broker_world w(short_lame_duck());
    talker idle = talker::connected(w);
    talker reads = talker::connected(w);
    talker sleeps = talker::connected(w);
    broker_peer& by_driver = w.b->accept("127.0.0.1:1", w.now);
    reads.tell("SUB a 1|");
    sleeps.tell("SUB a 1|");
    idle.tell("PUB a 5|hello|");
    w.b->stop(w.now, w.now + 3s);
    EXPECT_TRUE(w.b->stopping());
    EXPECT_TRUE(idle.ended());
    EXPECT_FALSE(reads.ended());
    EXPECT_FALSE(reads.tell("PUB a 0||")) << "nothing more is taken";
    EXPECT_FALSE(by_driver.wants_read());
    EXPECT_FALSE(by_driver.wants_close());
    EXPECT_EQ(reads.hear(), "MSG a 1 5|hello|");
    EXPECT_TRUE(reads.ended());
    EXPECT_FALSE(w.b->finished());
    w.wait(2999ms);
    EXPECT_FALSE(sleeps.ended());
    w.wait(1ms);
    EXPECT_TRUE(sleeps.ended());
    EXPECT_EQ(sleeps.hear(), "");
    EXPECT_TRUE(by_driver.wants_close());
    EXPECT_FALSE(w.b->finished()) << "not before the driver has closed its transport";
    by_driver.closed(w.now);
    EXPECT_TRUE(w.b->finished());
}

TEST(BrokerStop, AtOnceAndAfterLameDuck) {
    broker_world w(short_lame_duck());
    talker t = talker::connected(w);
    t.tell("PING|");
    w.b->lame_duck(w.now);
    w.b->stop(w.now, w.now);
    EXPECT_TRUE(t.ended());
    EXPECT_TRUE(w.b->finished());
}

// --- holding

TEST(BrokerHold, NothingGoesInOrOutMeanwhile) {
    broker_world w(short_lame_duck());
    talker held = talker::connected(w);
    talker other = talker::connected(w);
    held.say("SUB a 1|");
    other.say("SUB b 1|");
    w.b->hold(held.id(), w.now + 1s);
    EXPECT_EQ(other.say("PUB a 1|x|PUB a 1|y|"), "");
    EXPECT_EQ(held.hear(), "");
    EXPECT_FALSE(held.tell("PUB b 0||"));
    EXPECT_FALSE(held.ended());
    w.wait(999ms);
    EXPECT_EQ(held.hear(), "");
    w.now += 1ms; // also when the broker was not woken
    EXPECT_EQ(held.hear(), "MSG a 1 1|x|MSG a 1 1|y|");
    EXPECT_EQ(held.say("PUB b 0||"), "");
    EXPECT_EQ(other.hear(), "MSG b 1 0||");

    w.b->hold(held.id(), w.now + 1s);
    w.wait(1s);
    EXPECT_EQ(held.say("PING|"), "PONG|");
    w.b->hold(held.id(), w.now); // that is now
    EXPECT_EQ(held.say("PING|"), "PONG|");
}

TEST(BrokerHold, AndTheEnd) {
    broker_world w;
    talker other = talker::connected(w);
    other.say("SUB b 1|");
    {
        talker leaves = talker::connected(w);
        w.b->hold(leaves.id(), w.now + 1s);
    }
    EXPECT_EQ(w.b->stats().connections, 2U) << "the broker cannot know yet";
    w.wait(1s);
    EXPECT_EQ(w.b->stats().connections, 1U);

    talker failed = talker::connected(w);
    w.b->hold(failed.id(), w.now + 1s);
    w.b->fail(failed.id(), "that is it");
    EXPECT_EQ(failed.hear(), "");
    EXPECT_FALSE(failed.ended());
    w.wait(1s);
    EXPECT_EQ(failed.hear(), "-ERR 'that is it'|");
    EXPECT_TRUE(failed.ended());

    talker stopped = talker::connected(w);
    w.b->hold(stopped.id(), w.now + 1s);
    w.b->stop(w.now, w.now + 5s);
    EXPECT_FALSE(stopped.ended());
    w.wait(1s);
    EXPECT_TRUE(stopped.ended());
}

// --- the heap

struct sleeper {
    embedded::timer_heap<sleeper>::timer timer{*this};
};

TEST(TimerHeap, AgainstASortedList) {
    seeded_random random(3);
    embedded::timer_heap<sleeper> heap;
    std::vector<std::unique_ptr<sleeper>> all(200);
    for (auto& s : all) s = std::make_unique<sleeper>();
    std::map<const sleeper*, time_point> due;
    for (int i = 0; i < 20'000; ++i) {
        sleeper& s = *all[random.below(all.size())];
        const time_point t(std::chrono::seconds(random.below(1000)));
        switch (random.below(4)) {
        case 0:
            heap.set(s.timer, t);
            due[&s] = t;
            break;
        case 1:
            heap.at_most(s.timer, t);
            if (!due.contains(&s) || due[&s] > t) due[&s] = t;
            break;
        case 2:
            heap.remove(s.timer);
            due.erase(&s);
            break;
        default:
            heap.set(s.timer, no_deadline);
            due.erase(&s);
            break;
        }
        time_point earliest = no_deadline;
        for (const auto& [who, when] : due) earliest = std::min(earliest, when);
        ASSERT_EQ(heap.earliest(), earliest);
        if (!due.empty()) {
            ASSERT_EQ(due.at(&heap.first()), earliest);
        }
    }
}

} // namespace
} // namespace nats

// SPDX-License-Identifier: Apache-2.0
//
// Clients that come, subscribe, publish, are cut, held, slowed and leave, at random. What each of
// them hears is what a list of subscriptions says, and the broker's counts stay right.

#include <natsproto/broker/broker.hpp>
#include <natsproto/subject.hpp>

#include "support/conversation.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace nats::test {
namespace {

using namespace std::chrono_literals;

struct model_subscription {
    std::string pattern;
    std::uint64_t left = 0; ///< messages until it ends; 0: no maximum
};

struct random_client {
    explicit random_client(broker_world& w) : speaker(talker::connected(w)) {}
    talker speaker;
    std::map<int, model_subscription> subscriptions;
    int heard = 0;    ///< messages
    int expected = 0; ///< the same, by the model
    bool held = false;
};

class random_world {
public:
    explicit random_world(std::uint64_t seed) : random(seed), world(options_of()) {}

    void run(int steps) {
        for (int i = 0; i < steps; ++i) {
            step();
            check();
            if (testing::Test::HasFailure()) return;
        }
        // The end of all.
        world.b->stop(world.now, world.now + 1s);
        world.wait(1s);
        EXPECT_TRUE(world.b->finished());
        EXPECT_EQ(world.b->stats().connections, 0U);
        EXPECT_EQ(world.b->stats().subscriptions, locals.size());
    }

private:
    static broker_options options_of() {
        broker_options o;
        o.first_ping = 24h; // what they hear is messages
        return o;
    }
    std::string subject() {
        static constexpr const char* tokens[] = {"a", "b", "c"};
        std::string s = tokens[random.below(3)];
        while (random.below(2) == 0 && s.size() < 6)
            s += '.' + std::string(tokens[random.below(3)]);
        return s;
    }
    std::string pattern() {
        std::string s = subject();
        if (random.below(3) == 0) s[0] = '*';
        if (random.below(4) == 0) s += ".>";
        return s;
    }
    void step() {
        const std::uint64_t what = random.below(100);
        if (clients.empty() || (what < 5 && clients.size() < 12)) {
            clients.push_back(std::make_unique<random_client>(world));
            return;
        }
        random_client& c = *clients[random.below(clients.size())];
        if (what < 25)
            subscribe(c);
        else if (what < 35)
            unsubscribe(c);
        else if (what < 85)
            publish(c);
        else if (what < 88)
            hold(c);
        else if (what < 91)
            leave(c);
        else if (what < 95)
            meddle();
        else
            wait();
    }
    void subscribe(random_client& c) {
        if (c.held) return;
        const int sid = static_cast<int>(random.below(20));
        const std::string p = pattern();
        c.subscriptions.try_emplace(sid, model_subscription{p});
        EXPECT_TRUE(c.speaker.tell("SUB " + p + ' ' + std::to_string(sid) + '|'));
    }
    void unsubscribe(random_client& c) {
        if (c.held || c.subscriptions.empty()) return;
        const auto at = c.subscriptions.begin();
        std::string line = "UNSUB " + std::to_string(at->first);
        if (random.below(2) == 0) {
            c.subscriptions.erase(at);
        } else { // a new one with a maximum
            const int sid = 100 + static_cast<int>(random.below(1000));
            const std::uint64_t max = 1 + random.below(4);
            const std::string p = pattern();
            if (!c.subscriptions.try_emplace(sid, model_subscription{p, max}).second) return;
            line = "SUB " + p + ' ' + std::to_string(sid) + "|UNSUB " + std::to_string(sid) + ' ' +
                   std::to_string(max);
        }
        EXPECT_TRUE(c.speaker.tell(line + '|'));
    }
    void expect(const std::string& s) {
        for (const auto& other : clients) {
            for (auto i = other->subscriptions.begin(); i != other->subscriptions.end();) {
                const bool match = subject_matches(i->second.pattern, s);
                const bool last = match && i->second.left == 1;
                if (match) ++other->expected;
                if (match && i->second.left > 1) --i->second.left;
                i = last ? other->subscriptions.erase(i) : std::next(i);
            }
        }
    }
    void publish(random_client& c) {
        if (c.held) return;
        const std::string s = subject();
        const std::string payload(random.below(10) == 0 ? random.below(5000) : random.below(20),
                                  'x');
        expect(s);
        EXPECT_TRUE(c.speaker.tell("PUB " + s + ' ' + std::to_string(payload.size()) + '|' +
                                   payload + '|'));
    }
    void hold(random_client& c) const {
        c.held = true;
        world.b->hold(c.speaker.id(), world.now + 500ms);
    }
    void leave(random_client& c) {
        switch (random.below(4)) {
        case 0: c.speaker.transport.close(world.now); break;
        case 1: world.b->cut(c.speaker.id()); break;
        case 2: world.b->fail(c.speaker.id(), "M and so on"); break;
        default: (void)c.speaker.tell("what is this|"); break;
        }
        std::erase_if(clients, [&](const auto& p) { return p.get() == &c; });
    }
    static void answer(void* context, broker& b, const message_view& m) {
        auto& w = *static_cast<random_world*>(context);
        if (w.depth++ < 3) {
            const std::string s = w.subject();
            w.expected_later.push_back(s);
            (void)b.publish(s, m.payload);
        }
    }
    void meddle() {
        if (locals.empty() || random.below(2) == 0) {
            const std::string p = pattern();
            locals.push_back(world.b->subscribe(p, "", answer, this).value());
        } else {
            world.b->unsubscribe(locals.back());
            locals.pop_back();
        }
    }
    void wait() {
        world.wait(500ms);
        for (const auto& c : clients) c->held = false;
    }
    void check() {
        depth = 0;
        for (const std::string& s : expected_later) expect(s);
        expected_later.clear();
        std::size_t subscriptions = locals.size();
        for (const auto& c : clients) {
            const std::string heard = c->speaker.hear();
            for (std::size_t at = heard.find("MSG "); at != std::string::npos;
                 at = heard.find("MSG ", at + 1))
                ++c->heard;
            subscriptions += c->subscriptions.size();
            if (!c->held) {
                ASSERT_EQ(c->heard, c->expected);
            }
            ASSERT_FALSE(c->speaker.ended());
            ASSERT_EQ(c->speaker.status().subscriptions, c->subscriptions.size());
        }
        // A client that closed while it was held is there until that is over.
        ASSERT_GE(world.b->stats().subscriptions, subscriptions);
        ASSERT_GE(world.b->stats().connections, clients.size());
        ASSERT_EQ(world.b->clients().size(), world.b->stats().connections);
    }

    seeded_random random;
    broker_world world;
    std::vector<std::unique_ptr<random_client>> clients;
    std::vector<local_sub_id> locals;
    std::vector<std::string> expected_later;
    int depth = 0;
};

TEST(BrokerRandom, EachHearsWhatItSubscribedTo) {
    for (std::uint64_t seed = 1; seed <= 25 && !HasFailure(); ++seed) {
        SCOPED_TRACE(seed);
        random_world(seed).run(400);
    }
}

} // namespace
} // namespace nats::test

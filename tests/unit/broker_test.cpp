// SPDX-License-Identifier: Apache-2.0
//
// Routing: who gets what, and what a client is told.

#include <natsproto/broker/broker.hpp>

#include "support/conversation.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace nats {
namespace {

using namespace std::chrono_literals;
using test::broker_world;
using test::talker;

TEST(Broker, InfoSaysWhatItIs) {
    broker_options o;
    o.host = "10.0.0.1";
    o.port = 4333;
    o.connect_urls = {"10.0.0.2:4222"};
    broker_world w(std::move(o));
    talker first(w);
    const std::string info = first.hear();
    EXPECT_TRUE(info.starts_with("INFO {\"server_id\":\"N")) << info;
    EXPECT_TRUE(info.ends_with("} |")) << info;
    for (const char* part :
         {R"("server_name":"natsproto")", R"("version":"2.10.27")", R"("proto":1)",
          R"("host":"10.0.0.1")", R"("port":4333)", R"("headers":true)", R"("max_payload":1048576)",
          R"("client_id":1)", R"("connect_urls":["10.0.0.2:4222"])"})
        EXPECT_NE(info.find(part), std::string::npos) << part << " in " << info;
    for (const char* part : {"nonce", "auth_required", "tls_", "ldm", "jetstream"})
        EXPECT_EQ(info.find(part), std::string::npos) << part << " in " << info;
    EXPECT_EQ(w.b->info().server_id.size(), 56U);

    talker second(w);
    EXPECT_NE(second.hear().find(R"("client_id":2)"), std::string::npos);
    broker_peer& by_driver = w.b->accept("[::1]:50000", w.now);
    std::array<const_buffer, 4> pieces;
    ASSERT_EQ(by_driver.poll_transmit(pieces), 1U);
    EXPECT_NE(std::string_view(pieces[0].data, pieces[0].size).find(R"("client_ip":"::1")"),
              std::string_view::npos);
    by_driver.closed(w.now);
    EXPECT_EQ(w.b->stats().connections, 2U);
    EXPECT_EQ(w.b->stats().total_connections, 3U);
}

struct exchange {
    const char* name;
    const char* options; ///< more members of CONNECT
    const char* said;
    const char* heard;
};

/// One client, which talks to itself.
TEST(Broker, OneClient) {
    const exchange table[] = {
        {"exact", "", "SUB a 1|PUB a 5|hello|", "MSG a 1 5|hello|"},
        {"reply", "", "SUB a 1|PUB a r.1 0||", "MSG a 1 r.1 0||"},
        {"any sid", "", "SUB a abc-1|PUB a 0||", "MSG a abc-1 0||"},
        {"one token", "", "SUB a.*.c 1|PUB a.b.c 0||PUB a.b.d 0||PUB a.b.c.d 0||PUB a.c 0||",
         "MSG a.b.c 1 0||"},
        {"the rest", "", "SUB a.> 1|PUB a 0||PUB a.b 0||PUB a.b.c 0||PUB b.a 0||",
         "MSG a.b 1 0||MSG a.b.c 1 0||"},
        {"wildcard tokens of a publish are tokens", "", "SUB > 1|SUB a.b 2|PUB a.* 0||",
         "MSG a.* 1 0||"},
        {"empty tokens reach nobody", "", "SUB > 1|PUB a..b 0||PING|", "PONG|"},
        {"bad subject", "", "SUB a..b 1|SUB a.>.b 2|PUB a 0||",
         "-ERR 'Invalid Subject'|"
         "-ERR 'Invalid Subject'|"},
        {"sid taken", "", "SUB a 1|SUB b 1|PUB b 0||PUB a 0||", "MSG a 1 0||"},
        {"no echo", R"(,"echo":false)", "SUB a 1|PUB a 0||PING|", "PONG|"},
        {"unsubscribe", "", "SUB a 1|UNSUB 1|UNSUB 7|PUB a 0||PING|", "PONG|"},
        {"maximum", "", "SUB a 1|UNSUB 1 2|PUB a 1|1|PUB a 1|2|PUB a 1|3|SUB a 1|PUB a 1|4|",
         "MSG a 1 1|1|MSG a 1 1|2|MSG a 1 1|4|"},
        {"maximum counts from the SUB", "", "SUB a 1|PUB a 0||PUB a 0||UNSUB 1 2|PUB a 0||PING|",
         "MSG a 1 0||MSG a 1 0||PONG|"},
        {"maximum of 0 is now", "", "SUB a 1|UNSUB 1 0|PUB a 0||PING|", "PONG|"},
        {"headers", "", "SUB a 1|HPUB a 12 14|NATS/1.0||hi|", "HMSG a 1 12 14|NATS/1.0||hi|"},
        {"headers are left out", R"(,"headers":false,"no_responders":false)", "SUB a 1|PUB a 2|hi|",
         "MSG a 1 2|hi|"},
        {"verbose", R"(,"verbose":true)", "SUB a 1|PUB a 0||UNSUB 1|PUB a 0||PING|",
         "+OK|+OK|MSG a 1 0||+OK|+OK|PONG|"},
        {"pedantic", R"(,"pedantic":true)", "SUB > 1|PUB a.* 0||",
         "-ERR 'Invalid Publish Subject'|MSG a.* 1 0||"},
        {"no responders", "", "SUB r.* 9|PUB a r.1 2|hi|", "HMSG r.1 9 16 16|NATS/1.0 503|||"},
        {"no responders needs one who listens for the reply", "", "PUB a r.1 2|hi|PING|", "PONG|"},
        {"no responders does not go to a queue", "", "SUB r.1 q 9|PUB a r.1 2|hi|PING|", "PONG|"},
        {"no responders when not asked for", R"(,"no_responders":false)",
         "SUB r.1 9|PUB a r.1 2|hi|PING|", "PONG|"},
        {"no responders when none but itself", R"(,"echo":false)", "SUB a 1|SUB r 9|PUB a r 0||",
         "HMSG r 9 16 16|NATS/1.0 503|||"},
        {"JetStream has no responders", "", "SUB r 1|PUB $JS.API.INFO r 0||",
         "HMSG r 1 16 16|NATS/1.0 503|||"},
        {"a queue group of one", "", "SUB a q 1|PUB a 0||", "MSG a 1 0||"},
        {"a queue group over patterns", "", "SUB a q 1|SUB * q 1|UNSUB 1 1|PUB a 0||PUB a 0||PING|",
         "MSG a 1 0||PONG|"},
        {"gateway subject", "", "PUB _GR_.x 0||PING|",
         "-ERR 'Permissions Violation for Publish to \"_GR_.x\"'|PONG|"},
        {"service reply", "", "SUB a 1|PUB a _R_.x 0||PING|",
         "-ERR 'Permissions Violation for Publish with Reply of \"_R_.x\"'|PONG|"},
        {"quotes of a subject", R"(,"verbose":true)", "PUB _GR_.\"\\\x01 0||",
         R"(-ERR 'Permissions Violation for Publish to "_GR_.\"\\\x01"'|)"},
    };
    for (const exchange& e : table) {
        broker_world w;
        talker t(w);
        t.hear();
        const std::string verbose =
            std::string_view(e.options).find("verbose") == std::string_view::npos ? "" : "+OK|";
        EXPECT_EQ(t.say(talker::connect_line(e.options)), verbose) << e.name;
        EXPECT_EQ(t.say(e.said), e.heard) << e.name;
        EXPECT_FALSE(t.ended()) << e.name;
    }
}

TEST(Broker, EachSubscriptionGetsTheMessage) {
    broker_world w;
    talker t = talker::connected(w);
    const std::string heard = t.say("SUB a 1|SUB a 2|SUB * 3|SUB > 4|SUB b 5|PUB a 0||");
    EXPECT_EQ(std::count(heard.begin(), heard.end(), 'M'), 4) << heard;
    for (const char* one : {"MSG a 1 0||", "MSG a 2 0||", "MSG a 3 0||", "MSG a 4 0||"})
        EXPECT_NE(heard.find(one), std::string::npos) << heard;
}

TEST(Broker, ByteAtATime) {
    broker_world w;
    talker other = talker::connected(w);
    other.say("SUB a 2|");
    talker t(w);
    t.hear();
    const std::string all = talker::connect_line() + "SUB a 1|PUB a r 5|hello|PING|";
    std::string heard;
    for (const char c : test::with_crlf(all)) {
        std::size_t taken = 0;
        EXPECT_TRUE(t.transport.write(bytes(&c, 1), taken, w.now));
        EXPECT_EQ(taken, 1U);
        std::array<char, 1> one{};
        while (t.transport.read(one, w.now) == 1) heard += one[0];
        w.wait(10ms);
        EXPECT_TRUE(other.say("PING|").ends_with("PONG|"));
    }
    EXPECT_EQ(test::without_crlf(heard), "MSG a 1 r 5|hello|PONG|");
}

TEST(Broker, WithoutAConnect) {
    broker_world w;
    talker t(w);
    t.hear();
    EXPECT_EQ(t.say("SUB a 1|PUB a 0||"), "+OK|+OK|MSG a 1 0||");
    EXPECT_FALSE(t.status().logged_in);
}

TEST(Broker, HeadersAreLeftOutForThoseWithout) {
    broker_world w;
    talker with = talker::connected(w);
    talker without = talker::connected(w, R"(,"headers":false,"no_responders":false)");
    without.say("SUB a 1|");
    with.say("SUB a 2|HPUB a 12 14|NATS/1.0||hi|HPUB a 0 2|hi|");
    EXPECT_EQ(without.hear(), "MSG a 1 2|hi|MSG a 1 2|hi|");
}

TEST(Broker, AQueueGroupIsChosenFromEvenly) {
    broker_world w;
    std::vector<talker> members;
    const char* const subs[] = {"SUB a.b q 1|", "SUB a.* q 1|", "SUB a.> q 1|",
                                "SUB a.b q 1|SUB a.b q 2|"};
    for (const char* sub : subs) {
        members.push_back(talker::connected(w));
        members.back().say(sub);
    }
    talker other = talker::connected(w);
    other.say("SUB a.b other 1|SUB a.b 2|");
    talker publisher = talker::connected(w);
    constexpr int count = 5000;
    for (int i = 0; i < count; ++i) publisher.tell("PUB a.b 0||");

    std::map<std::size_t, int> got;
    int total = 0;
    for (std::size_t i = 0; i < members.size(); ++i) {
        const std::string heard = members[i].hear();
        got[i] = static_cast<int>(std::count(heard.begin(), heard.end(), 'M'));
        total += got[i];
    }
    EXPECT_EQ(total, count) << "one member for each message";
    for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(got[i], 1000, 150) << i;
    EXPECT_NEAR(got[3], 2000, 200) << "it is there twice";
    const std::string heard = other.hear();
    EXPECT_EQ(std::count(heard.begin(), heard.end(), 'M'), 2 * count);
}

TEST(Broker, AQueueGroupGoesOnToTheNextMember) {
    broker_world w;
    talker quiet = talker::connected(w, R"(,"echo":false)");
    talker other = talker::connected(w);
    quiet.say("SUB a q 1|SUB a q 2|SUB a.> q 3|");
    other.say("SUB a q 1|");
    for (int i = 0; i < 20; ++i) quiet.tell("PUB a 0||");
    EXPECT_EQ(quiet.hear(), "");
    const std::string heard = other.hear();
    EXPECT_EQ(std::count(heard.begin(), heard.end(), 'M'), 20);
}

TEST(Broker, RequestAndReplyOfTwoClients) {
    broker_world w;
    talker asks = talker::connected(w, R"(,"name":"asks")");
    talker answers = talker::connected(w);
    answers.say("SUB job q 7|");
    EXPECT_EQ(asks.say("SUB _INBOX.1.* 1|PUB job _INBOX.1.x 2|hi|"), "");
    EXPECT_EQ(answers.hear(), "MSG job 7 _INBOX.1.x 2|hi|");
    EXPECT_EQ(answers.say("PUB _INBOX.1.x 3|you|"), "");
    EXPECT_EQ(asks.hear(), "MSG _INBOX.1.x 1 3|you|");
    EXPECT_EQ(asks.status().name, "asks");
    EXPECT_EQ(asks.status().subscriptions, 1U);
    EXPECT_EQ(asks.status().in_messages, 1U);
    EXPECT_EQ(asks.status().out_messages, 1U);
    const broker_statistics& s = w.b->stats();
    EXPECT_EQ(s.in_messages, 2U);
    EXPECT_EQ(s.out_messages, 2U);
    EXPECT_EQ(s.in_bytes, 5U);
    EXPECT_EQ(s.out_bytes, 5U);
    EXPECT_EQ(s.subscriptions, 2U);

    answers.transport.close(w.now);
    EXPECT_EQ(w.b->stats().subscriptions, 1U);
    EXPECT_EQ(asks.say("PUB job _INBOX.1.y 0||"), "HMSG _INBOX.1.y 1 16 16|NATS/1.0 503|||");
}

TEST(Broker, NoRespondersIsSaidToNobodyElse) {
    broker_world w;
    talker asks = talker::connected(w);
    talker listens = talker::connected(w);
    listens.say("SUB r 7|");
    EXPECT_EQ(asks.say("PUB none r 0||PING|"), "PONG|");
    EXPECT_EQ(listens.say("PING|"), "PONG|");
}

TEST(Broker, ASecondConnectChangesOptions) {
    broker_world w;
    talker t = talker::connected(w);
    EXPECT_EQ(t.say(R"(CONNECT {"verbose":true}|SUB a 1|PUB a 0||)"), "+OK|+OK|+OK|MSG a 1 0||");
    EXPECT_EQ(t.say(R"(CONNECT {"verbose":false,"echo":false}|PUB a 0||PING|)"), "PONG|");
}

struct malformed {
    const char* said;
    const char* heard;
};

TEST(Broker, MalformedStreamsEndTheirOwnConnectionOnly) {
    broker_world w;
    talker witness = talker::connected(w);
    witness.say("SUB > 1|");
    const malformed table[] = {
        {"GARBAGE|", "-ERR 'Unknown Protocol Operation'|"},
        {"|", "-ERR 'Unknown Protocol Operation'|"},
        {"PUB a 3|hello|", "-ERR 'Unknown Protocol Operation'|"},
        {"PUB a 1048577|", "-ERR 'Maximum Payload Violation'|"},
        {"PUB a -1|", ""},
        {"PUB a 9999999999|", ""},
        {"HPUB a 9 5|", ""},
        {"SUB a|", ""},
        {"CONNECT {|", ""},
        {"-ERR 'x'|", ""},
        {R"(CONNECT {"protocol":2}|)", "-ERR 'invalid client protocol'|"},
        {R"(CONNECT {"no_responders":true,"headers":false}|)",
         "-ERR 'no responders requires headers support'|"},
    };
    for (const malformed& m : table) {
        talker bad = talker::connected(w);
        bad.tell("SUB > 1|PUB fine 0||");
        bad.hear();
        EXPECT_EQ(witness.hear(), "MSG fine 1 0||") << m.said;
        bad.tell(m.said);
        EXPECT_EQ(bad.hear(), m.heard) << m.said;
        EXPECT_TRUE(bad.ended()) << m.said;
        EXPECT_FALSE(bad.tell("PING|"));
        EXPECT_EQ(witness.say("PING|"), "PONG|") << m.said;
        EXPECT_EQ(w.b->stats().subscriptions, 1U) << m.said;
        EXPECT_EQ(w.b->clients().size(), 1U) << m.said;
    }
    talker long_line = talker::connected(w);
    EXPECT_EQ(long_line.say("SUB " + std::string(5000, 'a') + " 1|"),
              "-ERR 'maximum control line exceeded'|");
    EXPECT_TRUE(long_line.ended());
}

TEST(Broker, EndsWithItsTransports) {
    broker_world w;
    talker t = talker::connected(w);
    {
        talker gone = talker::connected(w);
        gone.say("SUB a 1|");
        memory_transport moved = std::move(gone.transport);
        EXPECT_TRUE(gone.transport.ended()); // NOLINT: moved from
        EXPECT_FALSE(moved.ended());
        EXPECT_EQ(w.b->stats().connections, 2U);
        memory_transport other;
        other = std::move(moved);
        EXPECT_EQ(w.b->stats().connections, 2U);
        other = w.b->connect(w.now);
        EXPECT_EQ(w.b->stats().connections, 2U);
        EXPECT_EQ(w.b->stats().subscriptions, 0U);
    }
    EXPECT_EQ(w.b->stats().connections, 1U);
    t.tell("SUB a 1|PUB a 0||");
    w.b.reset();
    EXPECT_TRUE(t.ended());
    EXPECT_FALSE(t.tell("PING|"));
    EXPECT_EQ(t.hear(), "");
    t.transport.close(w.now);
    memory_transport none;
    EXPECT_TRUE(none.ended());
}

} // namespace
} // namespace nats

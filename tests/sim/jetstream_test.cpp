// SPDX-License-Identifier: Apache-2.0
//
// JetStream over a network that breaks at any moment, in virtual time: what was acknowledged to the
// publisher is in the stream, a consumer gets and acknowledges all of it, and an ordered one reads
// it without a gap or a repetition. A failure names its seed.

#include <natsproto/jetstream/basic_jetstream.hpp>

#include "support/model_jetstream.hpp"
#include "support/net_client.hpp"
#include "support/sim_handle.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace nats::test {
namespace {

using namespace std::chrono_literals;
using sim_jetstream = basic_jetstream<facade_client>;

constexpr std::uint64_t seeds_a_case = 15;
constexpr std::uint64_t cases = 8;
constexpr int orders = 200;

options patient() {
    options o;
    o.servers = "nats://a:1,nats://b:1";
    o.reconnect_wait = 10ms;
    o.reconnect_jitter = {};
    o.max_reconnects = -1;
    o.ping_interval = 200ms;
    o.max_pings_out = 2;
    o.connect_timeout = 500ms;
    return o;
}

/// A cluster with a stream, its client, and what goes wrong between them.
struct troubled {
    explicit troubled(std::uint64_t seed)
        : random(seed),
          net(seed),
          stream(net, "ORDERS", "orders"),
          client(net, patient(), {.proactor = seed % 2 == 1, .input = cut::random, .seed = seed}),
          js(facade_client(client)) {
        for (const char* name : {"a:1", "b:1"}) {
            net.at(name).latency = 1ms;
            net.at(name).variation = 2ms;
        }
    }

    /// Trouble now and then, for so long.
    void begin_trouble(duration how_long) {
        for (duration at{}; at < how_long; at += milliseconds(20 + random.below(120)))
            net.call_at(net.now() + at, [this] { trouble(); });
    }
    void trouble() {
        const char* const where = random.below(2) == 0 ? "a:1" : "b:1";
        switch (random.below(6)) {
        case 0: net.break_all(where, fault::eof); break;
        case 1: net.break_all(where, fault::io_error); break;
        case 2: net.break_all(where, fault::silence); break;
        case 3: net.stall(where, milliseconds(random.below(300))); break;
        case 4: stream.change_leader(); break;
        default:
            net.take_down(where);
            net.call_at(net.now() + milliseconds(random.below(200)),
                        [this, where] { net.bring_up(where); });
        }
    }
    static duration milliseconds(std::uint64_t n) {
        return std::chrono::milliseconds(static_cast<std::int64_t>(n));
    }
    /// A share of the messages is lost on its way, another one comes twice.
    void lose_and_repeat(std::uint64_t lost_of_100, std::uint64_t twice_of_100) {
        stream.copies = [this, lost_of_100, twice_of_100] {
            const std::uint64_t n = random.below(100);
            return n < lost_of_100 ? 0 : n < lost_of_100 + twice_of_100 ? 2 : 1;
        };
    }

    /// Publishes an order until the server says that it has it.
    void publish(int i) {
        const std::string id = std::to_string(i);
        for (int attempt = 0; attempt < 100; ++attempt) {
            const result<js::pub_ack> ack =
                js.publish("orders", id, {.message_id = id, .timeout = 1s});
            if (!ack) continue;
            ASSERT_LE(ack->seq, stream.messages().size());
            EXPECT_EQ(stream.messages()[ack->seq - 1].payload, id) << "acknowledged and not there";
            return;
        }
        FAIL() << "order " << i << " could not be published";
    }

    seeded_random random;
    network net;
    model_jetstream stream;
    net_client client;
    sim_jetstream js;
};

js::consumer_config workers() {
    js::consumer_config c("workers");
    c.ack_wait = 2s;
    return c;
}

/// Takes and acknowledges what is there, for so long.
template <class Messages>
void work(troubled& t, Messages& messages, duration how_long, std::set<std::string>& seen) {
    const time_point end = t.net.now() + how_long;
    while (t.net.now() < end) {
        result<std::optional<js::message>> m = messages.next(end - t.net.now());
        if (!m) {
            ASSERT_EQ(m.error(), errc::timeout) << m.error().message();
            continue;
        }
        ASSERT_TRUE(m->has_value()) << "it has ended: " << messages.why()->message();
        seen.emplace((*m)->payload());
        (void)t.js.ack(**m); // it may be lost: then the message comes again
    }
}

void every_order_is_worked_on(std::uint64_t seed, std::size_t& trouble) {
    troubled t(seed);
    ASSERT_TRUE(t.client.connect());
    ASSERT_TRUE(t.js.create_consumer("ORDERS", workers()));
    auto messages =
        t.js.consumer("ORDERS", "workers").messages({.max_messages = 10, .expires = 2s}).value();
    std::set<std::string> seen;
    t.begin_trouble(2s);
    t.lose_and_repeat(3, 3);
    for (int i = 0; i < orders; ++i) {
        t.publish(i);
        work(t, messages, 5ms, seen);
    }
    for (int rounds = 0; rounds < 200 && t.stream.acknowledged("workers") < orders; ++rounds)
        work(t, messages, 500ms, seen);
    EXPECT_EQ(t.stream.messages().size(), orders) << "an id was stored twice";
    EXPECT_EQ(t.stream.acknowledged("workers"), orders);
    EXPECT_EQ(seen.size(), orders);
    trouble += t.client.count("disconnected");
}

/// All orders through a window, and those again that have failed, until none has.
void every_publish_of_a_window_is_settled(std::uint64_t seed, std::size_t& trouble) {
    troubled t(seed);
    ASSERT_TRUE(t.client.connect());
    std::map<std::uint64_t, std::string> on_the_way;
    std::set<std::string> stored;
    std::set<std::string> to_do;
    const auto settled = [&](js::publish_ticket ticket, const result<js::pub_ack>& ack) {
        const auto sent = on_the_way.extract(ticket.value);
        ASSERT_FALSE(sent.empty()) << "a result twice, or of nothing";
        if (!ack) {
            to_do.insert(sent.mapped());
            return;
        }
        ASSERT_LE(ack->seq, t.stream.messages().size());
        EXPECT_EQ(t.stream.messages()[ack->seq - 1].payload, sent.mapped());
        stored.insert(sent.mapped());
    };
    auto publisher =
        t.js.make_publisher({.max_pending = 16, .stall_wait = 20s, .ack_timeout = 1s}, settled)
            .value();
    t.begin_trouble(2s);
    for (int i = 0; i < orders; ++i) to_do.insert(std::to_string(i));
    for (int rounds = 0; rounds < 100 && stored.size() < orders; ++rounds) {
        for (const std::string& id : std::exchange(to_do, {})) {
            const result<js::publish_ticket> sent =
                publisher.publish("orders", id, {.message_id = id});
            ASSERT_TRUE(sent) << sent.error().message();
            on_the_way.emplace(sent->value, id);
            ASSERT_LE(publisher.pending(), 16U);
        }
        (void)publisher.complete(1min); // its failures are in `to_do`
        EXPECT_EQ(publisher.pending(), 0U);
        EXPECT_TRUE(on_the_way.empty()) << "a publish without a result";
    }
    EXPECT_EQ(stored.size(), orders);
    EXPECT_EQ(t.stream.messages().size(), orders) << "an id was stored twice";
    const js::publish_counts counts = publisher.counts();
    EXPECT_EQ(counts.published, counts.acknowledged + counts.failed);
    EXPECT_EQ(counts.acknowledged, orders);
    trouble += counts.failed;
}

class jetstream_sweep : public testing::TestWithParam<std::uint64_t> {
protected:
    /// `f` tells how much trouble there was: without any, nothing would be proved.
    void each_seed(void (*f)(std::uint64_t seed, std::size_t& trouble)) {
        std::size_t trouble = 0;
        for (std::uint64_t i = 0; i < seeds_a_case && !HasFailure(); ++i) {
            const std::uint64_t seed = 1 + GetParam() * seeds_a_case + i;
            const testing::ScopedTrace trace(__FILE__, __LINE__, "seed " + std::to_string(seed));
            f(seed, trouble);
        }
        EXPECT_GT(trouble, seeds_a_case);
    }
};

TEST_P(jetstream_sweep, every_order_is_worked_on) {
    each_seed(every_order_is_worked_on);
}

TEST_P(jetstream_sweep, every_publish_of_a_window_is_settled) {
    each_seed(every_publish_of_a_window_is_settled);
}

INSTANTIATE_TEST_SUITE_P(ranges, jetstream_sweep, testing::Range(std::uint64_t{0}, cases));

/// Without trouble the arithmetic is exact: never more is wanted than may be.
TEST(jetstream_sim, never_asks_for_more_than_it_may) {
    troubled t(1);
    ASSERT_TRUE(t.client.connect());
    ASSERT_TRUE(t.js.create_consumer("ORDERS", workers()));
    auto messages =
        t.js.consumer("ORDERS", "workers").messages({.max_messages = 10, .expires = 2s}).value();
    std::set<std::string> seen;
    for (int i = 0; i < orders; ++i) {
        t.publish(i);
        work(t, messages, 5ms, seen);
    }
    EXPECT_EQ(t.stream.acknowledged("workers"), orders);
    EXPECT_EQ(t.stream.most_wanted(), 10U);
    work(t, messages, 1min, seen); // pulls expire and are made anew
    EXPECT_EQ(t.stream.most_wanted(), 10U);
    EXPECT_EQ(t.stream.wanted("workers"), 10U);
}

} // namespace
} // namespace nats::test

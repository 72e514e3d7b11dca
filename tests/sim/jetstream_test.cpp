// SPDX-License-Identifier: Apache-2.0
//
// JetStream over a network that breaks at any moment, in virtual time: what was acknowledged to the
// publisher is in the stream, a consumer gets and acknowledges all of it, and an ordered one reads
// it without a gap or a repetition. A failure names its seed.

#include <natsproto/jetstream/basic_jetstream.hpp>

#include "support/sim_handle.hpp"
#include "support/troubled_network.hpp"

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

constexpr std::uint64_t cases = 8;
constexpr int orders = 200;

/// A cluster with a stream, its client, and what goes wrong between them.
struct troubled : troubled_stream {
    explicit troubled(std::uint64_t seed)
        : troubled_stream(seed, "ORDERS", "orders"), js(facade_client(client)) {}

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

/// Its consumers are lost too, and messages on their way.
void a_stream_is_read_in_order(std::uint64_t seed, std::size_t& trouble) {
    troubled t(seed);
    ASSERT_TRUE(t.client.connect());
    auto messages =
        t.js.ordered_consumer("ORDERS").messages({.max_messages = 10, .expires = 2s}).value();
    t.begin_trouble(2s);
    t.lose_and_repeat(3, 3);
    t.now_and_then(2s, {50, 300}, [&t] {
        if (t.random.below(2) == 0)
            t.stream.delete_consumers();
        else
            t.stream.forget_consumers();
    });
    std::uint64_t last = 0;
    const auto read = [&](duration how_long) {
        const time_point end = t.net.now() + how_long;
        while (t.net.now() < end) {
            result<std::optional<js::message>> m = messages.next(end - t.net.now());
            if (!m) {
                ASSERT_EQ(m.error(), errc::timeout) << m.error().message();
                continue;
            }
            ASSERT_TRUE(m->has_value()) << "it has ended: " << messages.why()->message();
            ASSERT_EQ((*m)->metadata()->stream_sequence, last + 1) << "a gap, or a repetition";
            EXPECT_EQ((*m)->payload(), t.stream.messages().at(last).payload);
            ++last;
        }
    };
    for (int i = 0; i < orders; ++i) {
        t.publish(i);
        read(5ms);
    }
    t.stream.copies = nullptr;
    t.publish(orders); // that the last one is missing can only be seen by another one
    for (int rounds = 0; rounds < 200 && last <= orders; ++rounds) read(500ms);
    EXPECT_EQ(last, orders + 1U);
    read(1s); // and nothing behind it
    trouble += static_cast<std::size_t>(t.stream.made());
}

class jetstream_sweep : public seed_sweep<15> {};

TEST_P(jetstream_sweep, every_order_is_worked_on) {
    each_seed(every_order_is_worked_on);
}

TEST_P(jetstream_sweep, every_publish_of_a_window_is_settled) {
    each_seed(every_publish_of_a_window_is_settled);
}

TEST_P(jetstream_sweep, a_stream_is_read_in_order) {
    each_seed(a_stream_is_read_in_order);
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

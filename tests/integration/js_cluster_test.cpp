// SPDX-License-Identifier: Apache-2.0
//
// Proves JetStream in a cluster of three whose leaders are killed, paused and told to step down,
// under load: what was acknowledged to the publisher is in the stream, once and where the server
// said, a consumer gets and acknowledges all of it, and an ordered one reads it in order.
// tests/sim/jetstream_test.cpp has the same in virtual time.

#include "integration/jetstream_cluster_test.hpp"

#include <charconv>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

namespace nats::test {
namespace {

using sequence_of = std::map<std::uint64_t, std::uint64_t>; ///< of each order, in the stream

/// What an order is: its number, and some more of it to be damaged.
std::string text_of(std::uint64_t n) {
    return std::to_string(n) + ':' + std::string(n * 37 % 500, static_cast<char>('a' + n % 26));
}
std::uint64_t number_of(std::string_view payload) {
    std::uint64_t n = 0;
    (void)std::from_chars(payload.data(), payload.data() + payload.size(), n);
    EXPECT_EQ(payload, text_of(n)); // whole
    return n;
}

/// Publishes an order every few milliseconds, each until it is acknowledged.
class shop {
public:
    explicit shop(client& nc)
        : nc_(&nc),
          publisher_(jetstream(nc)
                         .make_publisher({.max_pending = 64,
                                          .keep_results = 0,
                                          .ack_timeout = 2s,
                                          .retry_attempts = 5,
                                          .retry_wait = 100ms},
                                         [this](js::publish_ticket t,
                                                const result<js::pub_ack>& ack) { settle(t, ack); })
                         .value()) {}

    void run() {
        const auto due = static_cast<std::uint64_t>(watch_.elapsed() / 4ms);
        while (open_ && next_ < due) to_do_.push_back(next_++);
        while (!to_do_.empty() && send(to_do_.front())) to_do_.pop_front();
        (void)nc_->poll();
    }
    /// From now on only what was begun is published.
    void close() { open_ = false; }
    [[nodiscard]] bool done() const { return !open_ && stored_.size() == next_; }

    [[nodiscard]] std::uint64_t next() const noexcept { return next_; }
    [[nodiscard]] std::uint64_t failures() const noexcept { return publisher_.counts().failed; }
    /// All that was acknowledged.
    [[nodiscard]] const sequence_of& stored() const noexcept { return stored_; }

private:
    /// False when it has to wait: there is no room, or no connection.
    bool send(std::uint64_t n) {
        const result<js::publish_ticket> sent =
            publisher_.try_publish("orders", text_of(n), {.message_id = std::to_string(n)});
        if (sent) on_the_way_.emplace(sent->value, n);
        return sent.has_value();
    }
    void settle(js::publish_ticket ticket, const result<js::pub_ack>& ack) {
        const auto sent = on_the_way_.extract(ticket.value);
        ASSERT_FALSE(sent.empty()) << "a result twice, or of nothing";
        if (!ack) {
            to_do_.push_back(sent.mapped());
            return;
        }
        EXPECT_EQ(ack->stream, "ORDERS");
        EXPECT_TRUE(stored_.emplace(sent.mapped(), ack->seq).second);
    }

    client* nc_;
    stopwatch watch_;
    std::deque<std::uint64_t> to_do_;
    std::map<std::uint64_t, std::uint64_t> on_the_way_;
    sequence_of stored_;
    std::uint64_t next_ = 0;
    bool open_ = true;
    basic_js_publisher<jetstream::handle_type> publisher_; // last: it tells the others
};

/// Takes and acknowledges orders.
class worker {
public:
    explicit worker(client& nc)
        : js_(nc),
          messages_(js_.consumer("ORDERS", "workers")
                        .messages({.max_messages = 50, .expires = 2s})
                        .value()) {}

    /// What is there now, or comes soon.
    void run() {
        duration patience = 1ms;
        for (int i = 0; i < 50 && take(patience); ++i) patience = {};
    }
    /// Where each was that has come.
    [[nodiscard]] const sequence_of& seen() const noexcept { return seen_; }
    [[nodiscard]] std::uint64_t newest() const noexcept {
        return seen_.empty() ? 0 : seen_.rbegin()->first;
    }

private:
    bool take(duration patience) {
        result<std::optional<js::message>> m = messages_.next(patience);
        if (!m) {
            EXPECT_EQ(m.error(), errc::timeout) << m.error().message();
            return false;
        }
        if (!*m) {
            ADD_FAILURE() << "it has ended: " << messages_.why()->message();
            return false;
        }
        const std::uint64_t n = number_of((*m)->payload());
        const std::uint64_t at = (*m)->metadata().value().stream_sequence;
        EXPECT_EQ(seen_.emplace(n, at).first->second, at) << n << " is in the stream twice";
        (void)js_.ack(**m); // it may be lost: then the message comes again
        return true;
    }

    jetstream js_;
    basic_messages<jetstream::handle_type> messages_;
    sequence_of seen_;
};

/// Reads the stream in order.
class auditor {
public:
    explicit auditor(client& nc)
        : messages_(jetstream(nc)
                        .ordered_consumer("ORDERS")
                        .messages({.max_messages = 50, .expires = 2s})
                        .value()) {}

    void run() {
        for (int i = 0; i < 50; ++i) {
            const result<std::optional<js::message>> m = messages_.next(0ms);
            if (!m) {
                EXPECT_EQ(m.error(), errc::timeout) << m.error().message();
                return;
            }
            ASSERT_TRUE(m->has_value()) << "it has ended: " << messages_.why()->message();
            const std::uint64_t at = (*m)->metadata().value().stream_sequence;
            ASSERT_EQ(at, ++last_) << "a gap or a repetition";
            seen_.emplace(number_of((*m)->payload()), at);
        }
    }
    [[nodiscard]] const sequence_of& seen() const noexcept { return seen_; }

private:
    basic_messages<jetstream::handle_type> messages_;
    sequence_of seen_;
    std::uint64_t last_ = 0;
};

class js_cluster : public jetstream_cluster_test {
protected:
    js_cluster() : jetstream_cluster_test(1s, false) {}

    [[nodiscard]] bool make_stream() {
        js::stream_config stream("ORDERS", {"orders"});
        stream.num_replicas = 3;
        // An id may be that of a message that a deposed leader of 2.10 has lost, and is only free
        // again after this time.
        stream.duplicate_window = 30s;
        js::consumer_config workers("workers");
        workers.ack_wait = 2s;
        return in_the_end([&] { return js().create_stream(stream); }) &&
               in_the_end([&] { return js().create_consumer("ORDERS", workers); });
    }
    /// For whoever finds out why something does not end.
    [[nodiscard]] std::string what_the_server_says() {
        std::ostringstream os;
        const result<js::stream_info> stream = js().stream_info("ORDERS");
        if (!stream) {
            os << "stream: " << stream.error().message();
        } else {
            os << "stream: " << stream->state.messages << " messages to " << stream->state.last_seq
               << ", leader '" << state_of(stream->cluster).leader << "', all current "
               << state_of(stream->cluster).complete;
        }
        const result<js::consumer_info> workers = js().consumer_info("ORDERS", "workers");
        if (!workers) {
            os << "; consumer: " << workers.error().message();
        } else {
            os << "; consumer: delivered to " << workers->delivered.stream_seq
               << ", acknowledged to " << workers->ack_floor.stream_seq << ", "
               << workers->num_pending << " pending, " << workers->num_ack_pending
               << " unacknowledged, " << workers->num_waiting << " pulls waiting, leader '"
               << state_of(workers->cluster).leader << '\'';
        }
        return os.str();
    }
    /// All messages of the stream, by a consumer that exists only for that.
    [[nodiscard]] sequence_of read_all() {
        js::consumer_config reader;
        reader.name = "reader";
        reader.ack_policy = js::ack_policy::none;
        reader.inactive_threshold = 1min;
        EXPECT_TRUE(in_the_end([&] { return js().create_consumer("ORDERS", reader); }));
        const std::uint64_t count = js().stream_info("ORDERS").value().state.messages;
        auto all = js().consumer("ORDERS", "reader").messages({.stop_after = count}).value();
        sequence_of where;
        for (std::uint64_t i = 0; i < count; ++i) {
            const result<std::optional<js::message>> m = all.next(cluster_patience);
            if (!m || !*m) {
                ADD_FAILURE() << "read only " << i << " of " << count;
                break;
            }
            const std::uint64_t n = number_of((*m)->payload());
            EXPECT_EQ((*m)->headers().get("Nats-Msg-Id").value_or(""), std::to_string(n));
            EXPECT_TRUE(where.emplace(n, (*m)->metadata().value().stream_sequence).second)
                << n << " is in the stream twice";
        }
        return where;
    }
};

#ifdef NATSPROTO_TEST_ON_ASIO
INSTANTIATE_TEST_SUITE_P(servers, js_cluster, testing::Values(generation::newest),
                         [](const auto& g) { return name_of(g.param); });
#else
INSTANTIATE_TEST_SUITE_P(servers, js_cluster,
                         testing::Values(generation::v2_10, generation::newest),
                         [](const auto& g) { return name_of(g.param); });
#endif

TEST_P(js_cluster, keeps_what_it_has_acknowledged_while_leaders_go) {
    ASSERT_TRUE(make_stream());
    const std::string first = leader_of("ORDERS");
    client from = join(nodes()[cluster::index_of_name(first)].url()); // which will be killed
    client to = join(nodes().urls());
    shop orders(from);
    client reading = join(nodes().urls());
    worker work(to);
    auditor audit(reading);
    const auto run_until = [&](auto holds) {
        return wait_until(
            [&] {
                orders.run();
                work.run();
                audit.run();
                return holds();
            },
            3 * long_enough);
    };
    const auto goes_on = [&] {
        const std::uint64_t mark = orders.next() + 20;
        return run_until([&] {
            return work.newest() > mark && audit.seen().contains(mark) &&
                   !orders.stored().empty() && orders.stored().rbegin()->first > mark;
        });
    };
    const auto all_current = [&] { return run_until([&] { return state_of("ORDERS").complete; }); };
    ASSERT_TRUE(goes_on());

    nodes()[cluster::index_of_name(first)].kill();
    ASSERT_TRUE(goes_on());
    nodes().restart(cluster::index_of_name(first));
    ASSERT_TRUE(all_current());
    EXPECT_GE(from.stats().reconnects, 1U);

    const std::string second = leader_of("ORDERS");
    nodes()[cluster::index_of_name(second)].suspend();
    ASSERT_TRUE(run_until([&] {
        const std::string now = state_of("ORDERS").leader;
        return !now.empty() && now != second;
    }));
    ASSERT_TRUE(goes_on());
    nodes()[cluster::index_of_name(second)].resume();
    ASSERT_TRUE(all_current());

    ASSERT_TRUE(in_the_end([&] { return js().step_down_stream("ORDERS"); }));
    ASSERT_TRUE(run_until(
        [&] { return !state_of("ORDERS").leader.empty(); })); // which may be the same again
    ASSERT_TRUE(goes_on());
    EXPECT_GT(orders.failures(), 0U) << "there was no trouble";

    orders.close();
    ASSERT_TRUE(run_until([&] {
        return orders.done() && work.seen().size() == orders.next() &&
               audit.seen().size() == orders.next();
    })) << orders.next()
        << " orders, " << orders.stored().size() << " acknowledged; the worker has "
        << work.seen().size() << ", the auditor " << audit.seen().size() << "; "
        << what_the_server_says();
    EXPECT_EQ(work.seen(), orders.stored());
    EXPECT_EQ(audit.seen(), orders.stored());
    EXPECT_EQ(read_all(), orders.stored());
    EXPECT_TRUE(run_until([&] {
        const result<js::consumer_info> info = js().consumer_info("ORDERS", "workers");
        return info && info->num_pending == 0 && info->num_ack_pending == 0;
    }));
}

} // namespace
} // namespace nats::test

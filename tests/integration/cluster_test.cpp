// SPDX-License-Identifier: Apache-2.0
//
// Proves that clients of a cluster of three keep going while its nodes are killed, paused and
// retired in turn, under load: what arrives is whole and in order, and what was kept arrives.

#include "integration/cluster.hpp"
#include "integration/event_log.hpp"
#include "integration/server_test.hpp"

#include <charconv>
#include <cstdint>
#include <set>
#include <string>

namespace nats::test {
namespace {

class clusters : public server_test {
protected:
    [[nodiscard]] static options quick() {
        return {.connect_timeout = 500ms,
                .ping_interval = 100ms,
                .max_reconnects = -1,
                .reconnect_wait = 10ms,
                .reconnect_jitter = {}};
    }
    [[nodiscard]] static client join(const std::string& url, options o) {
        o.servers = url;
        return client::connect(o).value();
    }
    [[nodiscard]] static std::size_t node_of(const cluster& nodes, const client& nc) {
        return nodes.index_of(nc.server().text());
    }
};
NATSPROTO_ON_NATS_SERVERS(clusters); // our broker has none

/// Publishes numbered messages of changing sizes from one client, and checks what the other gets.
class load {
public:
    load(client& from, client& to)
        : from_(&from),
          sub_(to.subscribe("load", [this](const message_view& m) { take(m); }).value()) {}

    /// One round: a few publishes, and both clients work.
    void run(client& to) {
        for (int i = 0; i < 5; ++i) {
            const std::string payload = text_of(next_);
            if (from_->publish("load", payload)) ++next_;
        }
        (void)from_->poll();
        (void)to.poll(1ms);
    }
    [[nodiscard]] std::uint64_t sent() const noexcept { return next_; }
    [[nodiscard]] std::uint64_t newest() const noexcept { return newest_; }
    [[nodiscard]] std::size_t got() const noexcept { return got_.size(); }
    [[nodiscard]] bool has(std::uint64_t number) const { return got_.contains(number); }

private:
    static std::string text_of(std::uint64_t n) {
        const std::string number = std::to_string(n);
        return number + ':' + std::string(n * 37 % 3000, static_cast<char>('a' + n % 26));
    }
    void take(const message_view& m) {
        std::uint64_t n = 0;
        (void)std::from_chars(m.payload.data(), m.payload.data() + m.payload.size(), n);
        ASSERT_EQ(m.payload, text_of(n)); // whole
        ASSERT_LT(n, next_);
        got_.insert(n);
        newest_ = std::max(newest_, n);
    }

    client* from_;
    std::set<std::uint64_t> got_;
    std::uint64_t next_ = 0;
    std::uint64_t newest_ = 0;
    subscription sub_;
};

TEST_P(clusters, tell_their_clients_of_all_nodes) {
    cluster nodes(program());
    client nc = join(nodes[0].url(), quick());
    event_log log(nc);
    EXPECT_TRUE(work_until(nc, [&] { return nc.servers().size() == cluster::size; }, long_enough));
    for (const server_status& s : nc.servers())
        EXPECT_EQ(s.discovered, s.where->text() != nodes[0].address());
    options o = quick();
    o.ignore_discovered = true;
    client loner = join(nodes[0].url(), o);
    EXPECT_TRUE(loner.flush());
    EXPECT_EQ(loner.servers().size(), 1U);
}

TEST_P(clusters, keep_clients_going_while_nodes_are_killed_and_paused_in_turn) {
    cluster nodes(program());
    options o = quick();
    o.randomize = false;
    client from = join(nodes[0].url(), o);
    client to = join(nodes[1].url(), o);
    event_log log(to);
    load work(from, to);
    const auto goes_on = [&] {
        const std::uint64_t mark = work.sent();
        return wait_until(
            [&] {
                work.run(to);
                return work.newest() > mark + 20;
            },
            long_enough);
    };
    ASSERT_TRUE(goes_on());
    for (int round = 0; round < 2; ++round) {
        // The node of the reader is killed; then that of the writer is paused.
        const std::size_t killed = node_of(nodes, to);
        nodes[killed].kill();
        ASSERT_TRUE(goes_on());
        EXPECT_NE(node_of(nodes, to), killed);
        nodes.restart(killed);
        const std::size_t paused = node_of(nodes, from);
        nodes[paused].suspend();
        ASSERT_TRUE(wait_until(
            [&] {
                work.run(to);
                return from.status() == session_status::connected && node_of(nodes, from) != paused;
            },
            long_enough));
        nodes[paused].resume();
        nodes.wait_for_routes();
        ASSERT_TRUE(goes_on());
    }
    EXPECT_GE(log.count("reconnected"), 2U);
    EXPECT_EQ(log.count("closed"), 0U);
    EXPECT_GE(from.stats().reconnects, 2U);
}

TEST_P(clusters, what_was_published_while_moving_arrives) {
    cluster nodes(program());
    options o = quick();
    o.randomize = false;
    client from = join(nodes[0].url(), o);
    client to = join(nodes[1].url(), o);
    load work(from, to);
    ASSERT_TRUE(to.flush());
    ASSERT_TRUE(from.flush());
    ASSERT_TRUE(wait_until( // wherever the writer goes, the way to the reader is known
        [&] { return nodes[2].monitor("/routez?subs=1").find("\"load\"") != std::string::npos; },
        long_enough));
    nodes[0].kill();
    ASSERT_TRUE(
        work_until(from, [&] { return from.status() != session_status::connected; }, long_enough));
    const std::uint64_t first = work.sent();
    for (int i = 0; i < 4; ++i) work.run(to);
    ASSERT_TRUE(from.wait_connected(long_enough));
    ASSERT_TRUE(from.flush(long_enough));
    ASSERT_TRUE(work_until(
        to, [&] { return work.got() != 0 && work.newest() + 1 == work.sent(); }, long_enough));
    for (std::uint64_t n = first; n < work.sent(); ++n) EXPECT_TRUE(work.has(n)) << n;
}

TEST_P(clusters, a_node_that_retires_is_told_and_left_early_if_wanted) {
    cluster nodes(program(), "lame_duck_duration: \"31s\", lame_duck_grace_period: \"1s\"");
    options o = quick();
    o.randomize = false;
    client stays = join(nodes[0].url(), o);
    o.leave_lame_duck = true;
    client leaves = join(nodes[0].url(), o);
    event_log stays_log(stays);
    event_log leaves_log(leaves);
    const auto knows_all = [&] {
        (void)stays.poll();
        (void)leaves.poll();
        return stays.servers().size() == 3 && leaves.servers().size() == 3;
    };
    ASSERT_TRUE(wait_until(knows_all, long_enough));
    subscription sub = subscribed(leaves, "s");
    const stopwatch watch;
    nodes[0].retire();
    ASSERT_TRUE(
        work_until(leaves, [&] { return leaves_log.count("reconnected") == 1; }, long_enough));
    EXPECT_EQ(leaves_log.count("lame_duck"), 1U);
    EXPECT_EQ(leaves_log.reason("disconnected"), errc::lame_duck);
    EXPECT_NE(node_of(nodes, leaves), 0U);
    EXPECT_LT(watch.elapsed(), 10s); // before the server would have closed it
    ASSERT_TRUE(work_until(stays, [&] { return stays_log.count("lame_duck") == 1; }, long_enough));
    // Until the routes have told the retiring node where the reader is now.
    EXPECT_TRUE(
        wait_until([&] { return stays.publish("s", "still works") && sub.next(10ms).has_value(); },
                   long_enough));
    EXPECT_EQ(stays.server().text(), nodes[0].address());
}

} // namespace
} // namespace nats::test

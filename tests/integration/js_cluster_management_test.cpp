// SPDX-License-Identifier: Apache-2.0
//
// Proves the management of a cluster of three real servers (JSM-09): who leads and who follows,
// another leader, another place, and lists while a server does not answer.

#include <natsproto/jetstream/api_code.hpp>

#include "integration/jetstream_cluster_test.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string>

namespace nats::test {
namespace {

class js_clusters : public jetstream_cluster_test {
protected:
    /// Patient: servers ask each other for lists, and wait some seconds for the answers.
    js_clusters() : jetstream_cluster_test(long_enough) {}
    void SetUp() override {
        jetstream_cluster_test::SetUp();
        if (HasFatalFailure() || IsSkipped()) return;
        quick_.emplace(jetstream::make(admin(), {.timeout = 500ms}).value());
        wait_for_meta();
    }
    [[nodiscard]] client start_nodes(const std::string& config) override {
        nodes_.emplace(program(), config);
        const std::string urls = nodes_->urls();
        return client::connect({.servers = urls}).value();
    }
    /// For asking again and again.
    [[nodiscard]] jetstream& quick() { return *quick_; }
    /// The group that keeps all configurations has a leader. Without one nobody answers.
    void wait_for_meta() {
        ASSERT_TRUE(in_the_end([&] { return quick().account_info(); }));
    }
    [[nodiscard]] static js::stream_config three(const std::string& name) {
        js::stream_config c(name, {name + ".>"});
        c.num_replicas = 3;
        return c;
    }
    /// Once it is known; servers are slow to take each other as current.
    void make(const js::stream_config& c) {
        ASSERT_TRUE(in_the_end([&] { return quick().create_stream(c); }));
    }
    /// What `f` says of the stream's cluster, when that is true.
    template <class F>
    [[nodiscard]] bool settles(const std::string& stream, F f) {
        const auto look = [&] {
            const result<js::stream_info> i = quick().stream_info(stream);
            return i && i->cluster && f(*i->cluster);
        };
        return in_the_end(look);
    }
    static bool all_current(const js::cluster_info& c) {
        return !c.leader.empty() && c.replicas.size() == 2 &&
               std::ranges::all_of(c.replicas, [](const js::peer_info& p) { return p.current; });
    }

private:
    std::optional<jetstream> quick_;
};
NATSPROTO_ON_NATS_SERVERS(js_clusters);

TEST_P(js_clusters, who_leads_and_who_follows) {
    make(three("S"));
    ASSERT_TRUE(settles("S", all_current));
    const js::cluster_info c = js().stream_info("S").value().cluster.value();
    EXPECT_EQ(c.name, "c");
    std::set<std::string> names = {c.leader};
    for (const js::peer_info& p : c.replicas) {
        names.insert(p.name);
        EXPECT_FALSE(p.offline);
        EXPECT_GE(p.active.count(), 0);
    }
    EXPECT_EQ(names, (std::set<std::string>{"n0", "n1", "n2"}));
    EXPECT_EQ(c.raft_group.empty(), GetParam() == generation::v2_9) << "2.10.4";
    const js::consumer_info k = js().create_consumer("S", js::consumer_config("d")).value();
    ASSERT_TRUE(k.cluster);
    EXPECT_TRUE(names.contains(k.cluster->leader)) << k.cluster->leader;
    EXPECT_EQ(js().streams().value().size(), 1U);
    EXPECT_EQ(js().consumers("S").value().size(), 1U);
}

TEST_P(js_clusters, another_leader) {
    make(three("S"));
    ASSERT_TRUE(settles("S", all_current));
    const std::string before = js().stream_info("S").value().cluster->leader;
    ASSERT_TRUE(js().step_down_stream("S"));
    EXPECT_TRUE(settles(
        "S", [&](const js::cluster_info& c) { return !c.leader.empty() && c.leader != before; }));
    ASSERT_TRUE(js().create_consumer("S", js::consumer_config("d")));
    const auto led = [&] {
        const result<js::consumer_info> i = quick().consumer_info("S", "d");
        return i && i->cluster && i->cluster->replicas.size() == 2 && !i->cluster->leader.empty();
    };
    ASSERT_TRUE(in_the_end(led));
    EXPECT_TRUE(js().step_down_consumer("S", "d"));
    EXPECT_TRUE(in_the_end(led));
}

TEST_P(js_clusters, a_leader_of_ones_choice) {
    if (GetParam() < generation::newest) GTEST_SKIP() << "needs 2.11";
    make(three("S"));
    ASSERT_TRUE(settles("S", all_current));
    const js::cluster_info c = js().stream_info("S").value().cluster.value();
    const std::string wanted = c.replicas[1].name;
    ASSERT_TRUE(js().step_down_stream("S", wanted));
    EXPECT_TRUE(settles("S", [&](const js::cluster_info& now) { return now.leader == wanted; }));
}

TEST_P(js_clusters, a_peer_is_replaced) {
    js::stream_config c = three("S");
    c.num_replicas = 2;
    make(c);
    const auto two = [](const js::cluster_info& i) {
        return !i.leader.empty() && i.replicas.size() == 1 && i.replicas[0].current;
    };
    ASSERT_TRUE(settles("S", two));
    const std::string follower = js().stream_info("S").value().cluster->replicas[0].name;
    // The server refuses for as long as it does not count on the third peer as a place for it.
    error why;
    ASSERT_TRUE(in_the_end([&] {
        const auto removed = js().remove_peer("S", follower);
        if (!removed) why = removed.error();
        return removed.has_value();
    })) << why.message();
    EXPECT_TRUE(settles("S", [&](const js::cluster_info& i) {
        return two(i) && i.replicas[0].name != follower && i.leader != follower;
    }));
    EXPECT_FALSE(js().remove_peer("S", "nobody"));
}

TEST_P(js_clusters, lists_while_a_server_is_gone) {
    for (const char* name : {"A", "B", "C"}) make(three(name));
    js::stream_config alone = three("D");
    alone.num_replicas = 1;
    make(alone);
    const std::string home = js().stream_info("D").value().cluster->leader;
    nodes()[static_cast<std::size_t>(home.back() - '0')].kill();
    // Until the others have taken over what it led.
    for (const char* name : {"A", "B", "C"}) {
        ASSERT_TRUE(settles(name, [&](const js::cluster_info& c) {
            return !c.leader.empty() && c.leader != home;
        }));
    }
    wait_for_meta();
    std::set<std::string> names;
    for (const js::stream_info& i : js().streams().value()) names.insert(i.config.name);
    EXPECT_EQ(names, (std::set<std::string>{"A", "B", "C"})) << "D is not there";
    EXPECT_EQ(js().stream_names().value().size(), 4U);
}

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Proves buckets in a cluster of three whose leaders are killed under load: counters that several
// clients add to by compare and set add up exactly, locks belong to one client at a time, and
// watches come to the state of the bucket. tests/sim/kv_test.cpp has the same in virtual time.

#include "integration/jetstream_cluster_test.hpp"
#include "integration/kv_test.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace nats::test {
namespace {

constexpr std::size_t writers = 3;
constexpr int goal = 40;

/// What each writer has added: "3 5 4".
using counts = std::array<int, writers>;
counts counts_in(const std::string& value) {
    std::istringstream in(value);
    counts all{};
    for (int& n : all) in >> n;
    return all;
}
std::string text_of(const counts& all) {
    std::string text;
    for (const int n : all) text += std::to_string(n) + ' ';
    return text;
}

/// Adds to its own of the counts, and now and then takes a lock and gives it back.
class writer {
public:
    writer(const std::string& url, std::size_t id)
        : nc_(join(url)), js_(jetstream::make(nc_, {.timeout = 500ms}).value()), id_(id) {}

    [[nodiscard]] bool bind() {
        result<kv_bucket> b = key_value(js_).bind("b");
        if (b) bucket_ = *b;
        return b.has_value();
    }
    void step() {
        if (done_ < goal) add();
        if (++steps_ % 3 == 0) lock();
        (void)nc_.poll();
    }
    [[nodiscard]] bool done() const { return done_ == goal; }
    [[nodiscard]] int added() const { return done_; }
    [[nodiscard]] int conflicts() const { return conflicts_; }
    [[nodiscard]] int doubts() const { return doubts_; }

private:
    void add() {
        const result<kv::entry> e = bucket_.get("counts");
        if (!e) return;
        counts all = counts_in(e->value);
        int& mine = all.at(id_);
        if (mine < done_) return; // of a server that is behind
        ASSERT_LE(mine, done_ + 1) << "added twice";
        if (mine == done_ + 1) { // an update whose answer was lost
            ++done_;
            return;
        }
        ++mine;
        const result<std::uint64_t> r = bucket_.update("counts", text_of(all), e->revision);
        if (r)
            ++done_;
        else
            ++(r.error() == errc::wrong_revision ? conflicts_ : doubts_);
    }
    /// Nobody else may write it while it is ours.
    void lock() {
        const std::string mine = std::to_string(id_) + ' ' + std::to_string(steps_);
        const result<std::uint64_t> r = bucket_.create("lock." + std::to_string(steps_ % 2), mine);
        if (!r) {
            EXPECT_NE(r.error(), errc::key_not_found) << r.error().message();
            return;
        }
        const std::string key = "lock." + std::to_string(steps_ % 2);
        for (int attempt = 0; attempt < 200; ++attempt) {
            const result<std::uint64_t> released = bucket_.remove(key, {.revision = *r});
            if (released) return;
            if (released.error() == errc::wrong_revision) {
                EXPECT_GT(attempt, 0) << "somebody has written what was locked";
                return; // an earlier attempt has done it
            }
        }
        ADD_FAILURE() << "a lock could not be released";
    }

    client nc_;
    jetstream js_;
    kv_bucket bucket_;
    std::size_t id_;
    int done_ = 0;
    int steps_ = 0;
    int conflicts_ = 0;
    int doubts_ = 0;
};

class kv_cluster : public jetstream_cluster_test {
protected:
    void SetUp() override {
        jetstream_cluster_test::SetUp();
        if (HasFatalFailure() || IsSkipped()) return;
        ASSERT_TRUE(in_the_end([&] { return make_bucket(); }));
    }
    [[nodiscard]] bool make_bucket() {
        kv::bucket_config c("b");
        c.replicas = 3;
        result<kv_bucket> b = key_value(js()).create(c);
        if (b) bucket_ = *b;
        return b.has_value();
    }
    [[nodiscard]] kv_bucket& bucket() { return bucket_; }

    [[nodiscard]] state look() {
        const result<kv::bucket_status> status = bucket_.status();
        return status ? state_of(status->info().cluster) : state();
    }

private:
    kv_bucket bucket_;
};

// The one before differs in nothing that JetStream's own test with leaders that go does not show.
INSTANTIATE_TEST_SUITE_P(servers, kv_cluster, testing::Values(generation::newest),
                         [](const auto& g) { return name_of(g.param); });

TEST_P(kv_cluster, no_update_is_lost_while_leaders_go) {
    ASSERT_TRUE(in_the_end([&] { return bucket().put("counts", text_of({})).has_value(); }));
    std::map<std::string, std::string> seen;
    int ends = 0;
    kv_watch watch = bucket()
                         .watch(
                             [&](const kv::watch_event_view& e) {
                                 if (e.initial_end())
                                     ++ends;
                                 else if (e.entry->is_marker())
                                     seen.erase(std::string(e.entry->key));
                                 else
                                     seen[std::string(e.entry->key)] = e.entry->value;
                             },
                             {}, {.heartbeat = 500ms})
                         .value();
    std::vector<std::unique_ptr<writer>> all;
    for (std::size_t i = 0; i < writers; ++i) {
        all.push_back(std::make_unique<writer>(nodes().urls(), i));
        ASSERT_TRUE(in_the_end([&] { return all.back()->bind(); }));
    }
    const auto run_until = [&](auto holds) {
        return in_the_end([&] {
            for (const auto& w : all) w->step();
            (void)admin().poll();
            return holds();
        });
    };
    const auto all_have = [&](int n) {
        for (const auto& w : all) {
            if (w->added() < n) return false;
        }
        return true;
    };
    for (const int mark : {goal / 4, goal / 2}) {
        ASSERT_TRUE(run_until([&] { return all_have(mark); }));
        const std::string leader = look().leader;
        if (leader.empty()) continue;
        const std::size_t i = cluster::index_of_name(leader);
        nodes()[i].kill();
        ASSERT_TRUE(run_until([&] { return all_have(mark + 3); }));
        nodes().restart(i);
        ASSERT_TRUE(run_until([&] { return look().complete; }));
    }
    ASSERT_TRUE(run_until([&] { return all_have(goal); }));
    int trouble = 0;
    for (const auto& w : all) trouble += w->conflicts() + w->doubts();
    EXPECT_GT(trouble, 0) << "nothing was proved";

    const std::string sum = text_of({goal, goal, goal});
    EXPECT_TRUE(in_the_end([&] {
        (void)admin().poll();
        return seen["counts"] == sum && ends == 1;
    })) << seen["counts"]
        << " and " << ends << " ends";
    result<kv::entry> last = errc::timeout;
    EXPECT_TRUE(in_the_end([&] {
        last = bucket().get("counts", {.from_leader = true});
        return last.has_value();
    }));
    EXPECT_EQ(last.value().value, sum) << "an update was lost, or made twice";
}

} // namespace
} // namespace nats::test

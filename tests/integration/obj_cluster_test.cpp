// SPDX-License-Identifier: Apache-2.0
//
// Proves objects in a cluster of three whose leaders are killed, paused and told to step down while
// objects are written and read: each is whole, as one put has written it, or as it was before; and
// a watch comes to what is there. tests/sim/object_test.cpp has the same in virtual time.

#include <natsproto/openssl/provider.hpp> // for the digests

#include "integration/jetstream_cluster_test.hpp"
#include "integration/object_test.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>

namespace nats::test {
namespace {

class obj_cluster : public jetstream_cluster_test {
protected:
    static constexpr std::size_t size = 2'000'000;

    obj_cluster() : jetstream_cluster_test(2s) {}
    void SetUp() override {
        jetstream_cluster_test::SetUp();
        if (HasFatalFailure() || IsSkipped()) return;
        nc_.emplace(join(nodes().urls()));
        const jetstream objects = jetstream::make(*nc_, {.timeout = 2s}).value();
        obj::bucket_config c("b");
        c.replicas = 3;
        ASSERT_TRUE(in_the_end([&] {
            const result<object_bucket> made = object_store(objects).create(c);
            if (made) bucket_ = *made;
            return made.has_value();
        }));
    }
    /// The node of the stream's leader.
    [[nodiscard]] std::size_t leading() { return cluster::index_of_name(leader_of("OBJ_b")); }
    [[nodiscard]] bool all_current() {
        return in_the_end([&] { return state_of("OBJ_b").complete; });
    }
    /// Writes version `n`; `trouble` happens in the middle of it. Whether it is stored for certain.
    bool put(unsigned n, const std::function<void()>& trouble) {
        const std::string data = some_bytes(size, n);
        std::size_t at = 0;
        bool calm = true;
        const auto source = [&](std::span<char> into) {
            const std::size_t some = std::min(into.size(), data.size() - at);
            std::copy_n(data.data() + at, some, into.data());
            at += some;
            if (at > data.size() / 2 && calm) {
                calm = false;
                trouble();
            }
            return result<std::size_t>(some);
        };
        const result<obj::object_info> done =
            bucket_.put("o", source, {.chunk_size = 50'000, .window = 500'000, .timeout = 3s});
        if (done) may_be_.clear();
        may_be_.insert(n);
        return done.has_value();
    }
    /// Which version it is; none of those that it may be fails the test.
    void look() {
        result<std::string> got = error{errc::timeout};
        const bool read = in_the_end([&] {
            got = bucket_.get_bytes("o", {.timeout = 5s});
            return got || got.error() == errc::object_incomplete ||
                   got.error() == errc::object_digest_mismatch;
        });
        ASSERT_TRUE(read) << got.error().message();
        ASSERT_TRUE(got) << got.error().message();
        EXPECT_TRUE(std::ranges::any_of(may_be_, [&](unsigned n) {
            return *got == some_bytes(size, n);
        })) << "it is no version that it may be";
    }
    /// Writes it until it is there.
    void put_for_certain(unsigned n) {
        EXPECT_TRUE(in_the_end([&] { return put(n, [] {}); }));
        look();
    }

    std::optional<client> nc_; ///< the admin asks in the middle of what it does
    object_bucket bucket_;
    std::set<unsigned> may_be_;
};

// The one before differs in nothing that JetStream's own test with leaders that go does not show.
INSTANTIATE_TEST_SUITE_P(servers, obj_cluster, testing::Values(generation::newest),
                         [](const auto& g) { return name_of(g.param); });

TEST_P(obj_cluster, is_whole_while_leaders_go) {
    put_for_certain(1);
    auto watch = bucket_.watch().value();

    std::size_t down = 0;
    (void)put(2, [&] { nodes()[down = leading()].kill(); });
    look();
    put_for_certain(3);
    nodes().restart(down);
    ASSERT_TRUE(all_current());
    look();

    (void)put(4, [&] { (void)js().step_down_stream("OBJ_b"); });
    look();
    put_for_certain(5);

    (void)put(6, [&] { nodes()[down = leading()].suspend(); });
    look();
    put_for_certain(7);
    nodes()[down].resume();
    ASSERT_TRUE(all_current());
    look();

    auto r = bucket_.open_reader("o", {.window = 1, .timeout = long_enough}).value();
    std::string got;
    bool killed = false;
    while (const std::optional<std::string_view> piece = r.next().value()) {
        got += *piece;
        if (!killed && got.size() > size / 2) nodes()[down = leading()].kill();
        killed = killed || got.size() > size / 2;
    }
    EXPECT_TRUE(got == some_bytes(size, 7)) << "a read goes on";
    nodes().restart(down);

    std::string last;
    ASSERT_TRUE(in_the_end([&] {
        const result<obj::object_info> i = bucket_.info("o");
        if (i) last = i->nuid;
        return i.has_value();
    }));
    std::size_t ends = 0; // it was not read until now, so that may come behind all others
    std::string seen;
    EXPECT_TRUE(in_the_end([&] {
        const result<std::optional<obj::watch_update>> u = watch.next(1s);
        if (!u || !*u) return false;
        if ((*u)->initial_end())
            ++ends;
        else
            seen = (*u)->object->nuid;
        return ends != 0 && seen == last;
    })) << "the watch comes to what is there";
    EXPECT_EQ(watch.next(1s).error(), errc::timeout);
    EXPECT_EQ(ends, 1U);
}

} // namespace
} // namespace nats::test

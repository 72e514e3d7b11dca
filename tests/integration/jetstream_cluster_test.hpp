// SPDX-License-Identifier: Apache-2.0
//
// The fixture of tests with JetStream in a cluster of three, and who leads there and who follows.

#pragma once

#include "integration/cluster.hpp"
#include "integration/jetstream_under_test.hpp"
#include "integration/scratch.hpp"
#include "integration/server_test.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <type_traits>

namespace nats::test {

/// A client that finds out soon that a server is gone, and never gives up.
[[nodiscard]] inline client join(const std::string& urls, bool randomize = true) {
    options o{.connect_timeout = 500ms,
              .ping_interval = 200ms,
              .max_reconnects = -1,
              .reconnect_wait = 10ms,
              .reconnect_jitter = {}};
    o.servers = urls;
    o.randomize = randomize;
    return client::connect(o).value();
}

class jetstream_cluster_test : public server_test {
protected:
    /// An answer to the admin may take so long. `randomize`: of all clients that join.
    explicit jetstream_cluster_test(duration timeout = 1s, bool randomize = true)
        : timeout_(timeout), randomize_(randomize) {}

    void SetUp() override {
        server_test::SetUp();
        if (HasFatalFailure() || IsSkipped()) return;
        const std::string config = "jetstream { store_dir: \"" + files_.path("${NODE}") + "\" }\n";
        admin_.emplace(start_nodes(config));
        js_.emplace(jetstream::make(*admin_, {.timeout = timeout_}).value());
    }
    /// The admin of the nodes that this starts.
    [[nodiscard]] virtual client start_nodes(const std::string& config) {
        nodes_.emplace(program());
        nodes_->restart_all(config);
        return join(nodes_->urls());
    }
    [[nodiscard]] client join(const std::string& urls) const {
        return test::join(urls, randomize_);
    }
    [[nodiscard]] cluster& nodes() { return *nodes_; }
    [[nodiscard]] client& admin() { return *admin_; }
    [[nodiscard]] jetstream& js() { return *js_; }

    /// Asks until it is done, or true: leaders are elected meanwhile.
    template <class Ask>
    [[nodiscard]] static bool in_the_end(Ask ask) {
        std::string why;
        const bool done = wait_until(
            [&] {
                const auto answer = ask();
                if constexpr (!std::is_same_v<decltype(answer), const bool>) {
                    if (!answer) why = answer.error().message();
                }
                return static_cast<bool>(answer);
            },
            cluster_patience);
        EXPECT_TRUE(done) << why;
        return done;
    }
    /// A stream's leader and whether the others are up to date; empty when there is none.
    struct state {
        std::string leader;
        bool complete = false;
    };
    [[nodiscard]] static state state_of(const std::optional<js::cluster_info>& c) {
        state s;
        if (!c) return s;
        s.leader = c->leader;
        s.complete = !s.leader.empty() && c->replicas.size() == cluster::size - 1 &&
                     std::ranges::all_of(c->replicas, [](const js::peer_info& p) {
                         return p.current && !p.offline;
                     });
        return s;
    }
    [[nodiscard]] state state_of(const std::string& stream) {
        const result<js::stream_info> info = js().stream_info(stream);
        return info ? state_of(info->cluster) : state();
    }
    [[nodiscard]] std::string leader_of(const std::string& stream) {
        std::string name;
        EXPECT_TRUE(in_the_end([&] { return !(name = state_of(stream).leader).empty(); }));
        return name;
    }

    scratch files_;
    std::optional<cluster> nodes_;

private:
    std::optional<client> admin_;
    std::optional<jetstream> js_;
    duration timeout_;
    bool randomize_;
};

} // namespace nats::test

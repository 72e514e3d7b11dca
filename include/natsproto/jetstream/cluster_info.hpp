// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <natsproto/jetstream/wall_time.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace nats::js {

/// A server that has a copy, other than the leader.
struct peer_info {
    peer_info() = default;

    std::string name;
    bool current = false; ///< has all that the leader has
    bool offline = false;
    bool observer = false;             ///< cannot become the leader
    std::chrono::nanoseconds active{}; ///< since it was last heard of
    std::uint64_t lag = 0;             ///< how many operations it is behind
    std::string peer;                  ///< the server's identifier

    friend bool operator==(const peer_info&, const peer_info&) = default;
};

/// Where a stream or a consumer is kept.
struct cluster_info {
    cluster_info() = default;

    std::string name;
    std::string raft_group;                ///< 2.10.4
    std::string leader;                    ///< the server's name; empty: there is none now
    std::optional<wall_time> leader_since; ///< 2.11.9
    bool system_account = false;           ///< replicated by way of the system account (2.11.9)
    std::string traffic_account;           ///< else this one (2.11.9)
    std::vector<peer_info> replicas;

    friend bool operator==(const cluster_info&, const cluster_info&) = default;
};

} // namespace nats::js

// SPDX-License-Identifier: Apache-2.0
//
// What the server knows of a consumer. Times that it did not tell are empty.

#pragma once

#include <natsproto/jetstream/cluster_info.hpp>
#include <natsproto/jetstream/consumer_config.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nats::js {

/// One message, by its place in the consumer's deliveries and in the stream.
struct sequence_info {
    sequence_info() = default;

    std::uint64_t consumer_seq = 0;
    std::uint64_t stream_seq = 0;
    std::optional<wall_time> last_active;

    friend bool operator==(const sequence_info&, const sequence_info&) = default;
};

struct priority_group_state {
    priority_group_state() = default;

    std::string group;
    std::string pinned_client_id; ///< empty: nobody is pinned
    std::optional<wall_time> pinned_ts;

    friend bool operator==(const priority_group_state&, const priority_group_state&) = default;
};

struct consumer_info {
    consumer_info() = default;

    std::string stream_name;
    std::string name;
    std::optional<wall_time> created;
    consumer_config config;
    sequence_info delivered;           ///< the last one
    sequence_info ack_floor;           ///< all up to here are acknowledged
    std::uint64_t num_ack_pending = 0; ///< delivered and not acknowledged
    std::uint64_t num_redelivered = 0;
    std::uint64_t num_waiting = 0;       ///< pulls
    std::uint64_t num_pending = 0;       ///< that match, and were not delivered yet
    std::optional<cluster_info> cluster; ///< of a server in a cluster
    bool push_bound = false;             ///< somebody listens to `deliver_subject`
    std::optional<wall_time> ts;         ///< when the server said this (2.10)
    // 2.11
    bool paused = false;
    std::chrono::nanoseconds pause_remaining{};
    std::vector<priority_group_state> priority_groups;

    friend bool operator==(const consumer_info&, const consumer_info&) = default;
};

[[nodiscard]] result<void> decode(std::string_view json, consumer_info& into);
[[nodiscard]] result<std::string> to_json(const consumer_info& i);

} // namespace nats::js

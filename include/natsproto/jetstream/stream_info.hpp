// SPDX-License-Identifier: Apache-2.0
//
// What the server knows of a stream. Times that it did not tell are empty.

#pragma once

#include <natsproto/jetstream/cluster_info.hpp>
#include <natsproto/jetstream/stream_config.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nats::js {

/// Messages that a damaged file has cost.
struct lost_messages {
    lost_messages() = default;

    std::vector<std::uint64_t> msgs;
    std::uint64_t bytes = 0;

    friend bool operator==(const lost_messages&, const lost_messages&) = default;
};

struct stream_state {
    stream_state() = default;

    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
    std::uint64_t first_seq = 0; ///< `last_seq` + 1 when it is empty
    std::optional<wall_time> first_ts;
    std::uint64_t last_seq = 0;
    std::optional<wall_time> last_ts;
    std::uint64_t num_subjects = 0;
    /// How many messages each subject has; only if asked for.
    std::map<std::string, std::uint64_t, std::less<>> subjects;
    std::uint64_t num_deleted = 0;      ///< between the first and the last
    std::vector<std::uint64_t> deleted; ///< which; only if asked for
    std::optional<lost_messages> lost;
    std::uint64_t consumer_count = 0;

    friend bool operator==(const stream_state&, const stream_state&) = default;
};

/// What went wrong with a mirror or source.
struct source_error {
    source_error() = default;

    std::uint16_t code = 0;
    std::uint16_t err_code = 0; ///< as `error::api_code()`
    std::string description;

    friend bool operator==(const source_error&, const source_error&) = default;
};

/// How a mirror or source is doing.
struct stream_source_info {
    stream_source_info() = default;

    std::string name;
    std::uint64_t lag = 0;             ///< how many messages it is behind
    std::chrono::nanoseconds active{}; ///< since it was last heard of; -1: never
    std::string filter_subject;
    std::vector<subject_transform> subject_transforms;
    std::optional<external_stream> external;
    std::optional<source_error> error;

    friend bool operator==(const stream_source_info&, const stream_source_info&) = default;
};

/// A stream with the same messages: itself, or a mirror. The nearest comes first.
struct stream_alternate {
    stream_alternate() = default;

    std::string name;
    std::string domain;
    std::string cluster;

    friend bool operator==(const stream_alternate&, const stream_alternate&) = default;
};

struct stream_info {
    stream_info() = default;

    stream_config config;
    std::optional<wall_time> created;
    stream_state state;
    std::optional<cluster_info> cluster; ///< of a server in a cluster
    std::optional<stream_source_info> mirror;
    std::vector<stream_source_info> sources;
    std::string domain;
    std::vector<stream_alternate> alternates;
    std::optional<wall_time> ts; ///< when the server said this (2.10)

    friend bool operator==(const stream_info&, const stream_info&) = default;
};

[[nodiscard]] result<void> decode(std::string_view json, stream_info& into);
[[nodiscard]] result<std::string> to_json(const stream_info& i);

} // namespace nats::js

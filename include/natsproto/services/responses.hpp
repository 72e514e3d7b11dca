// SPDX-License-Identifier: Apache-2.0
//
// What services say of themselves (ADR-32), to be read and written.

#pragma once

#include <natsproto/jetstream/wall_time.hpp>
#include <natsproto/result.hpp>
#include <natsproto/services/service_config.hpp>
#include <natsproto/time.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nats::services {

using js::wall_time;

/// Which instance of which service. What comes from others is as they wrote it.
struct identity {
    identity() = default;
    identity(std::string_view called, std::string_view instance, std::string_view of_version)
        : name(called), id(instance), version(of_version) {}

    std::string name;
    std::string id; ///< of this instance alone
    std::string version;
    metadata_map metadata;
};

struct ping_response : identity {
    ping_response() = default;
    explicit ping_response(identity who) : identity(std::move(who)) {}
    /// From the question to this answer; not part of what is sent.
    duration round_trip{};
};

struct endpoint_info {
    endpoint_info() = default;
    explicit endpoint_info(std::string_view called) : name(called) {}

    std::string name;
    std::string subject;
    std::string queue_group; ///< empty: none
    metadata_map metadata;
};

struct info_response : identity {
    info_response() = default;
    explicit info_response(identity who) : identity(std::move(who)) {}
    std::string description;
    std::vector<endpoint_info> endpoints;
};

struct endpoint_stats {
    endpoint_stats() = default;
    explicit endpoint_stats(std::string_view called) : name(called) {}

    /// What the service's user has to say about this endpoint: JSON, or empty.
    [[nodiscard]] std::string_view data() const;

    std::string name;
    std::string subject;
    std::string queue_group;
    std::uint64_t num_requests = 0; ///< that were dealt with
    std::uint64_t num_errors = 0;   ///< among them, and requests that were dropped
    std::string last_error;         ///< `code:description` of the last error response, or a text
    std::chrono::nanoseconds processing_time{}; ///< in all
    std::chrono::nanoseconds average_processing_time{};
    std::string extra; ///< further members, `data` among them, as the JSON text of an object
};

struct stats_response : identity {
    stats_response() = default;
    explicit stats_response(identity who) : identity(std::move(who)) {}
    std::optional<wall_time> started; ///< or when the counters were reset
    std::vector<endpoint_stats> endpoints;
};

/// JSON. Errors: `invalid_argument` for what is not UTF-8, or an `extra` that is no object.
[[nodiscard]] result<std::string> to_json(const ping_response& r);
[[nodiscard]] result<std::string> to_json(const info_response& r);
[[nodiscard]] result<std::string> to_json(const stats_response& r);

/// Read an answer. Errors: `invalid_response`, and then `into` is as it was: no JSON, another
/// `type`, or no name or id. What is not known is ignored.
result<void> decode(std::string_view json, ping_response& into);
result<void> decode(std::string_view json, info_response& into);
result<void> decode(std::string_view json, stats_response& into);

/// Whether it is JSON, not nested too deeply.
[[nodiscard]] bool is_json(std::string_view text);

} // namespace nats::services

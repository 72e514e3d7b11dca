// SPDX-License-Identifier: Apache-2.0
//
// What a stream is to be. The members have the names that the server gives them. What is left as
// it is here is not sent, so that a server of any version takes it, but for what every server
// wants to hear: name, retention, storage, the three limits, max_age and num_replicas.

#pragma once

#include <natsproto/jetstream/stream_source.hpp>
#include <natsproto/result.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nats::js {

/// In this and the other enumerations of configurations, `other` is a word that only a newer server
/// knows: it stands in `extra`, and is sent back from there.
enum class retention_policy : std::uint8_t {
    limits,    ///< until a limit is reached
    interest,  ///< until every consumer has acknowledged it
    workqueue, ///< until one consumer has acknowledged it
    other,
};
enum class storage_type : std::uint8_t { file, memory, other };
/// What goes when a limit is reached.
enum class discard_policy : std::uint8_t { old, new_, other };
enum class store_compression : std::uint8_t { none, s2, other };
/// When a message is acknowledged: when it is on the disk of a majority, or earlier.
enum class persistence : std::uint8_t { default_, async, other };

/// Where it is to be kept. For a step-down: who is to lead.
struct placement {
    placement() = default;

    std::string cluster;
    std::vector<std::string> tags; ///< that a server must have
    std::string preferred;         ///< a server's name; only for a step-down (2.11)
    std::string extra;

    friend bool operator==(const placement&, const placement&) = default;
};

/// Publishes what was stored once more.
struct republish {
    republish() = default;
    republish(std::string source, std::string destination)
        : src(std::move(source)), dest(std::move(destination)) {}

    std::string src;           ///< which subjects; empty: all
    std::string dest;          ///< to where
    bool headers_only = false; ///< 2.9
    std::string extra;

    friend bool operator==(const republish&, const republish&) = default;
};

/// What consumers get if they do not say, and may at most have.
struct consumer_limits {
    consumer_limits() = default;

    std::chrono::nanoseconds inactive_threshold{};
    std::int64_t max_ack_pending = 0;
    std::string extra;

    friend bool operator==(const consumer_limits&, const consumer_limits&) = default;
};

using metadata_map = std::map<std::string, std::string, std::less<>>;

struct stream_config {
    stream_config() = default;
    explicit stream_config(std::string stream, std::vector<std::string> listens_to = {})
        : name(std::move(stream)), subjects(std::move(listens_to)) {}

    std::string name;
    std::string description;           ///< at most 4 KiB
    std::vector<std::string> subjects; ///< none: the name is the subject. Not with `mirror`
    retention_policy retention = retention_policy::limits;
    storage_type storage = storage_type::file; ///< cannot be changed later
    discard_policy discard = discard_policy::old;
    bool discard_new_per_subject =
        false; ///< 2.9.1; with `discard_policy::new_` and a limit per subject
    // Limits. -1: none.
    std::int64_t max_consumers = -1;
    std::int64_t max_msgs = -1;
    std::int64_t max_bytes = -1;
    std::chrono::nanoseconds max_age{};          ///< 0: no limit; else at least 100 ms
    std::int64_t max_msgs_per_subject = 0;       ///< 0 and -1: no limit
    std::int32_t max_msg_size = 0;               ///< in bytes; 0 and -1: no limit
    std::int64_t num_replicas = 1;               ///< 1 to 5
    bool no_ack = false;                         ///< publishes are not acknowledged
    std::chrono::nanoseconds duplicate_window{}; ///< 0: 2 minutes, or `max_age` if that is less
    std::optional<js::placement> placement;
    std::optional<stream_source> mirror;
    std::vector<stream_source> sources;
    std::string template_owner; ///< only read; templates are gone
    bool sealed = false;        ///< nothing comes in or goes out any more; only by an update
    bool deny_delete = false;
    bool deny_purge = false;
    bool allow_rollup_hdrs = false;
    std::optional<js::republish> republish;
    bool allow_direct = false;  ///< messages can be read from any replica (2.9)
    bool mirror_direct = false; ///< a mirror answers for its origin too (2.9)
    // 2.10
    store_compression compression = store_compression::none; ///< of files only
    std::uint64_t first_seq = 0;                             ///< where counting begins; 0: at 1
    std::optional<js::subject_transform> subject_transform;  ///< before it is stored
    std::optional<js::consumer_limits> consumer_limits;
    metadata_map metadata; ///< at most 128 KiB; the server's own begin with `_nats.`
    // 2.11
    bool allow_msg_ttl = false;                           ///< cannot be switched off later
    std::chrono::nanoseconds subject_delete_marker_ttl{}; ///< 0: no markers; else at least 1 s
    // 2.12
    bool allow_msg_counter = false; ///< only at creation
    bool allow_atomic = false;      ///< atomic batches
    bool allow_msg_schedules = false;
    persistence persist_mode = persistence::default_;
    bool allow_batched = false; ///< fast ingest (2.14)

    std::string extra; ///< see stream_source.hpp

    friend bool operator==(const stream_config&, const stream_config&) = default;
};

/// Reads a configuration, as from a file or out of the server's answer. `invalid_response` for what
/// is none.
[[nodiscard]] result<void> decode(std::string_view json, stream_config& into);
/// Errors: `invalid_argument` for text that is not UTF-8, and for an `extra` that is no JSON
/// object.
[[nodiscard]] result<std::string> to_json(const stream_config& c);

} // namespace nats::js

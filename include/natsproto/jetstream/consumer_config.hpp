// SPDX-License-Identifier: Apache-2.0
//
// What a consumer is to be. The members have the names that the server gives them. What is left as
// it is here is not sent, but for the three policies that every server wants to hear.

#pragma once

#include <natsproto/jetstream/stream_config.hpp>
#include <natsproto/jetstream/wall_time.hpp>
#include <natsproto/result.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nats::js {

/// Where delivery begins. `other`: see `retention_policy`.
enum class deliver_policy : std::uint8_t {
    all,
    last,
    new_,
    by_start_sequence,
    by_start_time,
    last_per_subject,
    other,
};
enum class ack_policy : std::uint8_t {
    none,
    all,          ///< an acknowledgement is for all messages up to that one
    explicit_,    ///< each on its own
    flow_control, ///< by the answers to flow control; for sources (2.14)
    other,
};
/// How fast what is stored is delivered: at once, or as slowly as it came.
enum class replay_policy : std::uint8_t { instant, original, other };
/// Who of a priority group gets messages (2.11; `prioritized` 2.12).
enum class priority_policy : std::uint8_t { none, overflow, pinned_client, prioritized, other };

struct consumer_config {
    consumer_config() = default;
    /// Of a durable consumer.
    explicit consumer_config(std::string durable) : durable_name(std::move(durable)) {}

    /// Of one that stays until it is deleted. Empty: it goes when it was not used for
    /// `inactive_threshold`.
    std::string durable_name;
    std::string name; ///< empty: `durable_name`, or one is made up
    std::string description;
    js::deliver_policy deliver_policy = js::deliver_policy::all;
    std::uint64_t opt_start_seq = 0;         ///< for `by_start_sequence`, and only there
    std::optional<wall_time> opt_start_time; ///< for `by_start_time`, and only there
    js::ack_policy ack_policy = js::ack_policy::explicit_;
    std::chrono::nanoseconds ack_wait{};           ///< 0: 30 s
    std::int64_t max_deliver = 0;                  ///< how often; 0 and -1: no limit
    std::vector<std::chrono::nanoseconds> backoff; ///< at most `max_deliver` of them
    std::string filter_subject;                    ///< not with `filter_subjects`
    std::vector<std::string> filter_subjects;      ///< that do not overlap (2.10)
    js::replay_policy replay_policy = js::replay_policy::instant;
    std::uint64_t rate_limit_bps = 0; ///< bits a second; push only
    std::string sample_freq;          ///< how many acknowledgements are measured, as in `50%`
    std::int64_t max_waiting = 0;     ///< pulls at a time; 0: 512
    std::int64_t max_ack_pending = 0; ///< 0: 1000; -1: no limit
    // Push consumers.
    std::string deliver_subject;
    std::string deliver_group;
    bool flow_control = false;
    std::chrono::nanoseconds idle_heartbeat{}; ///< at least 100 ms
    bool headers_only = false;                 ///< no payload, but its size in `Nats-Msg-Size`
    // Limits of a pull request; 0: none.
    std::int64_t max_batch = 0;
    std::chrono::nanoseconds max_expires{};
    std::int64_t max_bytes = 0;
    std::chrono::nanoseconds inactive_threshold{}; ///< 0: 5 s, and for durable ones never
    std::int64_t num_replicas = 0;                 ///< 0: as many as the stream
    bool mem_storage = false;
    metadata_map metadata; ///< 2.10
    // 2.11
    std::optional<wall_time> pause_until;
    std::vector<std::string> priority_groups; ///< one, of at most 16 characters
    js::priority_policy priority_policy = js::priority_policy::none;
    std::chrono::nanoseconds priority_timeout{}; ///< of a pinned client; 0: 2 minutes
    // The servers' own.
    bool direct = false;
    bool sourcing = false; ///< 2.14

    std::string extra; ///< see stream_source.hpp

    friend bool operator==(const consumer_config&, const consumer_config&) = default;
};

/// Reads a configuration, as from a file or out of the server's answer. `invalid_response` for what
/// is none.
[[nodiscard]] result<void> decode(std::string_view json, consumer_config& into);
/// Errors: `invalid_argument` for text that is not UTF-8, and for an `extra` that is no JSON
/// object.
[[nodiscard]] result<std::string> to_json(const consumer_config& c);

} // namespace nats::js

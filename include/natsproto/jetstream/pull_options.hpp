// SPDX-License-Identifier: Apache-2.0
//
// How messages are asked for.

#pragma once

#include <natsproto/result.hpp>
#include <natsproto/time.hpp>

#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

namespace nats::js {

/// One request for messages. Views are copied by the call that they are given to.
struct fetch_options {
    /// At most so many; by default 100, with `max_bytes` as many as fit. Must not be 0.
    std::optional<std::uint64_t> max_messages{};
    /// At most so many bytes: subjects, reply subjects, headers and payloads.
    std::optional<std::uint64_t> max_bytes{};
    /// How long the server waits for messages. Must be positive.
    duration expires = std::chrono::seconds(30);
    /// Ends at once with what is there; then `expires` is not sent.
    bool no_wait = false;
    /// How often the server says that it is there; 0: never. By default 5 s if `expires` is at
    /// least 10 s. At most half of `expires`.
    std::optional<duration> idle_heartbeat{};
    /// For consumers with priority groups (2.11): the group, then mandatory.
    std::string_view group{};
    /// Only if so many messages are pending, or (if both are set: or) unacknowledged.
    std::optional<std::uint64_t> min_pending{};
    std::optional<std::uint64_t> min_ack_pending{};
    std::optional<std::uint8_t> priority{}; ///< 0, the first, to 9 (2.12)
};
static_assert(std::is_trivially_destructible_v<fetch_options>);

/// A flow of messages: before those that were asked for have come, more are asked for.
struct consume_options {
    /// At most so many are on their way or wait to be read; by default 500, with `max_bytes` as
    /// many as fit. Must not be 0.
    std::optional<std::uint64_t> max_messages{};
    std::optional<std::uint64_t> max_bytes{};
    /// More are asked for when fewer are expected: by default half of the maximum, rounded up.
    std::optional<std::uint64_t> threshold_messages{};
    std::optional<std::uint64_t> threshold_bytes{};
    /// How long each request stands. Must be positive.
    duration expires = std::chrono::seconds(30);
    /// How often the server says that it is there; 0: never. By default half of `expires`, 30 s at
    /// most. At most half of `expires`.
    std::optional<duration> idle_heartbeat{};
    /// Ends after so many messages; no more than that are asked for. Must not be 0.
    std::optional<std::uint64_t> stop_after{};
    std::string_view group{}; ///< these four as above
    std::optional<std::uint64_t> min_pending{};
    std::optional<std::uint64_t> min_ack_pending{};
    std::optional<std::uint8_t> priority{};
};
static_assert(std::is_trivially_destructible_v<consume_options>);

/// Errors: `invalid_argument`.
[[nodiscard]] result<void> check(const fetch_options& o);
[[nodiscard]] result<void> check(const consume_options& o);

} // namespace nats::js

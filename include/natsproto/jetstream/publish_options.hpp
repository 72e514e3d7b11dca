// SPDX-License-Identifier: Apache-2.0
//
// What a publish into a stream asks of the server. Each is a header; servers that do not know one
// store the message as if it were not there.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/headers.hpp>
#include <natsproto/result.hpp>
#include <natsproto/time.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace nats::js {

/// As a time to live: the message stays, whatever the stream's limit of age is.
inline constexpr duration never_expires = duration::max();

enum class rollup : std::uint8_t {
    none,
    subject, ///< the message replaces all others of its subject
    all,     ///< the message replaces all others of its stream
};

/// A message that the stream publishes later, or again and again (2.12; ADR-51). The stream must
/// have `allow_msg_schedules`.
struct schedule_options {
    /// `@at 2026-11-28T07:31:57Z`, `@every 5m` (at least a second), a cron expression of six fields
    /// (the first are seconds), or `@yearly`, `@monthly`, `@weekly`, `@daily`, `@hourly`. Empty: no
    /// schedule.
    std::string_view when{};
    /// The subject that it is published to, which the stream must have too.
    std::string_view target{};
    /// Of what is published. As `publish_options::ttl`.
    std::optional<duration> ttl{};
    /// Publishes the last message of this subject, and not the one with the schedule (2.14).
    std::string_view source{};
    /// An IANA name; of cron expressions only (2.14).
    std::string_view time_zone{};
    /// What is published replaces all others of its subject (2.14).
    bool rollup = false;
};

struct publish_options {
    header_view headers{};
    /// The server stores no second message with the same id within the stream's
    /// `duplicate_window`.
    std::string_view message_id{};

    // --- the message is stored only if ...
    std::string_view expected_stream{}; ///< ... its subject belongs to this stream
    std::optional<std::uint64_t>
        expected_last_sequence{};                ///< ... this is the stream's last; 0: none
    std::string_view expected_last_message_id{}; ///< ... this is the id of the stream's last one
    /// ... this is the last sequence of its subject; 0: there is none.
    std::optional<std::uint64_t> expected_last_subject_sequence{};
    /// The subject that the one above is about, which may have wildcards; empty: the message's own
    /// (2.11).
    std::string_view expected_last_subject{};

    /// How long the message lives: at least a second, in whole seconds (what is left is rounded
    /// up), or `never_expires` (2.11; the stream must have `allow_msg_ttl`).
    std::optional<duration> ttl{};
    js::rollup rollup = js::rollup::none; ///< the stream must have `allow_rollup_hdrs`
    schedule_options schedule{};
    /// Adds to a counter: a whole number of any size, such as `5`, `+5` or `-12`. The payload must
    /// be empty, and the stream have `allow_msg_counter` (2.12).
    std::string_view increment{};
    /// The API level that the server must have (ADR-44). No server up to 2.15 looks at it in a
    /// publish: they store the message.
    std::optional<std::uint32_t> required_api_level{};

    // --- not of a publisher or a batch, which have their own
    /// How often it is sent again, and after what time, while no stream listens: a new leader may
    /// be on its way. Less than 0: until the timeout.
    int retry_attempts = 2;
    duration retry_wait = std::chrono::milliseconds(250);
    duration timeout = std::chrono::seconds(5); ///< for all of it. Must be positive
};
static_assert(std::is_trivially_destructible_v<publish_options>);

/// Appends the header block of a message with `payload` to `out`; nothing, if there is nothing to
/// say. Errors: `invalid_argument` for options that are out of range or exclude each other,
/// `invalid_header`; then `out` may hold a part.
[[nodiscard]] result<void> append_headers(std::string& out, const publish_options& o,
                                          bytes payload);

} // namespace nats::js

// SPDX-License-Identifier: Apache-2.0
//
// One request, several replies (ADR-47): on an inbox of its own, until one of the stop rules holds.

#pragma once

#include <natsproto/mailbox.hpp>
#include <natsproto/message.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/time.hpp>

#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

namespace nats {

/// The rules that end it; the first that holds does. A status message of the server ends it in any
/// case.
struct request_many_options {
    /// For all replies together, counted from the request. Must be positive.
    duration timeout = std::chrono::seconds(5);
    /// How long to wait for each reply after the first one. Must be positive.
    std::optional<duration> stall{};
    /// After this many replies. Must not be 0.
    std::optional<std::uint64_t> max_messages{};
    /// A reply with an empty payload is the end, and is not delivered.
    bool until_empty = false;
    /// A reply for which this is true is the end, and is not delivered.
    bool (*until)(const message_view& m) = nullptr;
};
static_assert(std::is_trivially_destructible_v<request_many_options>);

[[nodiscard]] result<void> check(const request_many_options& o);

/// The stop rules as a machine: no session, no clock, no subject.
class request_many_machine {
public:
    enum class verdict : std::uint8_t {
        deliver,          ///< give it to the user; there may be more
        deliver_and_stop, ///< give it to the user; it was the last
        stop,             ///< the end, and nothing to give
        failed,           ///< the end; `failure()` says why
    };

    request_many_machine(const request_many_options& o, time_point now) noexcept;

    [[nodiscard]] verdict handle_message(const message_view& m, time_point now);
    /// When it ends if nothing comes.
    [[nodiscard]] time_point deadline() const noexcept;
    [[nodiscard]] bool finished() const noexcept { return finished_; }
    [[nodiscard]] const error& failure() const noexcept { return failure_; }
    void stop() noexcept { finished_ = true; }

private:
    request_many_options options_;
    time_point last_; ///< the end of the total timeout
    time_point stall_ = no_deadline;
    std::uint64_t received_ = 0;
    bool finished_ = false;
    error failure_;
};

/// A running request for many replies: a subscription and its machine. Destroying it unsubscribes.
class request_many_state {
public:
    request_many_state(const request_many_options& o, time_point now) noexcept : machine(o, now) {}

    mailbox box;
    request_many_machine machine;
};

/// Subscribes a new inbox for `state` and sends the request. Copies its arguments.
[[nodiscard]] result<void> start_request_many(runtime& rt, request_many_state& state,
                                              std::string_view subject, bytes payload,
                                              header_view headers, const request_many_options& o);

/// The next reply; empty at the regular end. The view lives until the next event is parsed. `state`
/// must outlive the op.
[[nodiscard]] op<result<std::optional<message_view>>> next_reply(runtime& rt,
                                                                 request_many_state& state);

} // namespace nats

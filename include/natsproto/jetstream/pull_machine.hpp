// SPDX-License-Identifier: Apache-2.0
//
// The arithmetic of pulling (ADR-37) as a machine: which messages are for the user, when the next
// request is due and what it says, what each status of the server means, and when it ends. No
// session, no clock.

#pragma once

#include <natsproto/error.hpp>
#include <natsproto/jetstream/pull_options.hpp>
#include <natsproto/jetstream/warnings.hpp>
#include <natsproto/message.hpp>
#include <natsproto/time.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nats::js {

/// Options with every default filled in.
struct pull_rules {
    explicit pull_rules(const fetch_options& o);
    explicit pull_rules(const consume_options& o);

    bool again = false;             ///< pulls as long as it goes on; otherwise once
    bool no_wait = false;           ///<
    bool count_messages = true;     ///< whether `max_messages` is a limit of the user's
    std::uint64_t max_messages = 0; ///<
    std::uint64_t max_bytes = 0;    ///< 0: no limit
    std::uint64_t threshold_messages = 0;
    std::uint64_t threshold_bytes = 0;
    duration expires{};
    duration heartbeat{}; ///< 0: none
    std::optional<std::uint64_t> stop_after;
    std::string group;
    std::optional<std::uint64_t> min_pending, min_ack_pending;
    std::optional<std::uint8_t> priority;
};

/// The server's message, and not one of the stream's: a status without a payload, and no place for
/// an acknowledgement. Any publisher can write a status into a message.
[[nodiscard]] bool is_status(const nats::message_view& m) noexcept;

class pull_machine {
public:
    /// Not connected yet.
    pull_machine(pull_rules rules, time_point now);

    /// Whether the message is for the user. It is not if it is a status, came after the end, or is
    /// none of a consumer.
    [[nodiscard]] bool handle_message(const nats::message_view& m, time_point now);
    void handle_timeout(time_point now);
    void handle_connected(time_point now);
    void handle_disconnected();
    /// The last pull could not be sent.
    void handle_not_sent(time_point now);
    /// Ends it.
    void finish(error why);

    /// The body of a request that is due.
    [[nodiscard]] std::optional<std::string> poll_pull(time_point now);
    /// Something that the user may want to know, and that does not end it.
    [[nodiscard]] std::optional<error> poll_warning() { return warnings_.poll(); }
    [[nodiscard]] bool has_warning() const noexcept { return !warnings_.empty(); }
    /// Whether there is reason to ask if the consumer still exists; once.
    [[nodiscard]] bool poll_doubt() noexcept;
    [[nodiscard]] time_point deadline() const noexcept;

    [[nodiscard]] bool finished() const noexcept { return finished_; }
    /// How it has ended. `consumption_stopped`: all that was asked for has come. `timeout`: a fetch
    /// got less, with status 404 or 408 if the server said so.
    [[nodiscard]] const error& outcome() const noexcept { return outcome_; }

    /// What the server still owes.
    [[nodiscard]] std::uint64_t pending_messages() const noexcept { return pending_messages_; }
    [[nodiscard]] std::uint64_t pending_bytes() const noexcept { return pending_bytes_; }
    [[nodiscard]] std::uint64_t received() const noexcept { return received_; }
    [[nodiscard]] std::string_view pin_id() const noexcept { return pin_id_; }
    [[nodiscard]] const pull_rules& rules() const noexcept { return rules_; }

private:
    void handle_status(const nats::message_view& m, time_point now);
    void handle_fetch_status(std::uint16_t status, std::string_view text);
    void handle_consume_status(std::uint16_t status, std::string_view text, time_point now);
    void count(const nats::message_view& m);
    void subtract_pending(header_view h);
    void settle_debt(std::uint64_t messages, std::uint64_t size) noexcept;
    void touch(time_point now) noexcept;
    void reset_pending() noexcept;
    void pull_ended(time_point now);
    [[nodiscard]] bool wants_pull() const noexcept;
    [[nodiscard]] std::uint64_t batch() const noexcept;
    [[nodiscard]] std::string encode(std::uint64_t batch, std::uint64_t bytes, duration expires);

    pull_rules rules_;
    bool connected_ = false;
    bool finished_ = false;
    bool asked_ = false; ///< a fetch's only pull was sent
    bool doubt_ = false;
    error outcome_ = errc::consumption_stopped;
    std::uint64_t pending_messages_ = 0;
    std::uint64_t pending_bytes_ = 0;
    std::uint64_t last_batch_ = 0; ///< of the newest pull
    std::uint64_t last_bytes_ = 0;
    std::uint64_t received_ = 0;
    std::uint64_t received_bytes_ = 0;
    bool fruitless_ = false; ///< nothing has come since the newest pull
    time_point pulled_at_{};
    time_point silent_at_ = no_deadline; ///< nothing has come for too long then
    time_point retry_at_{};              ///< no pull before
    time_point ends_at_ = no_deadline;   ///< of a fetch, whatever comes
    duration backoff_{};
    std::string pin_id_;
    warning_list warnings_;
};

} // namespace nats::js

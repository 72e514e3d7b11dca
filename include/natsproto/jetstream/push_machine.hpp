// SPDX-License-Identifier: Apache-2.0
//
// What a push consumer sends, as a machine: which messages are for the user, what flow control is
// answered, whether heartbeats are missing. No session, no clock.

#pragma once

#include <natsproto/error.hpp>
#include <natsproto/jetstream/consumer_config.hpp>
#include <natsproto/jetstream/warnings.hpp>
#include <natsproto/message.hpp>
#include <natsproto/time.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace nats::js {

class push_machine {
public:
    /// `grouped`: others get a part of the messages.
    push_machine(duration heartbeat, bool grouped) noexcept
        : heartbeat_(heartbeat), grouped_(grouped) {}

    /// Whether the message is for the user. The ones before it count as handled.
    [[nodiscard]] bool handle_message(const nats::message_view& m, time_point now);
    void handle_timeout(time_point now);
    /// The consumer is there, and the connection is up.
    void handle_begin(time_point now);
    void handle_disconnected() noexcept { silent_at_ = no_deadline; }
    void finish(error why);

    /// Where to publish an empty message now.
    [[nodiscard]] std::optional<std::string> poll_answer();
    [[nodiscard]] std::optional<error> poll_warning() { return warnings_.poll(); }
    [[nodiscard]] bool has_warning() const noexcept { return !warnings_.empty(); }
    /// Whether there is reason to ask if the consumer still exists; once.
    [[nodiscard]] bool poll_doubt() noexcept { return std::exchange(doubt_, false); }
    [[nodiscard]] time_point deadline() const noexcept {
        return finished_ ? no_deadline : silent_at_;
    }
    [[nodiscard]] bool finished() const noexcept { return finished_; }
    [[nodiscard]] const error& outcome() const noexcept { return outcome_; }

private:
    void handle_status(const nats::message_view& m);
    void handle_heartbeat(header_view h);
    void touch(time_point now) noexcept;

    duration heartbeat_;
    bool grouped_;
    bool doubt_ = false;
    bool finished_ = false;
    error outcome_ = errc::consumption_stopped;
    std::uint64_t last_delivery_ = 0;
    time_point silent_at_ = no_deadline;
    std::string answer_;
    warning_list warnings_;
};

} // namespace nats::js

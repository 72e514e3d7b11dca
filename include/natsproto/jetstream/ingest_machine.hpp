// SPDX-License-Identifier: Apache-2.0
//
// Fast ingest (2.14; ADR-50) as a machine: what each message's reply subject says, when the next
// one may be sent, and what the server's answers mean. No session, no clock.

#pragma once

#include <natsproto/error.hpp>
#include <natsproto/jetstream/pub_ack.hpp>
#include <natsproto/jetstream/warnings.hpp>
#include <natsproto/message.hpp>
#include <natsproto/result.hpp>
#include <natsproto/time.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace nats::js {

struct ingest_options {
    /// How many messages the server acknowledges with one answer, at most. It begins with fewer,
    /// and changes that with the load of the stream. From 1 on.
    std::uint16_t flow = 100;
    /// How many of those answers may be missing before sending pauses: 1 to 3. With more than one
    /// the server has something to do while an answer is on its way.
    int max_outstanding = 2;
    /// Messages that were lost on the way, or that the server refuses, do not end the ingest: they
    /// are warnings.
    bool continue_on_gap = false;
    /// How long to wait for any sign of the server while it is waited for. Must be positive.
    duration ack_timeout = std::chrono::seconds(5);
};
static_assert(std::is_trivially_destructible_v<ingest_options>);

[[nodiscard]] result<void> check(const ingest_options& o);

class ingest_machine {
public:
    enum class operation : std::uint8_t { start, add, commit, end, ping };

    /// `inbox`: its last part is the id, of at most 64 characters. `o` must have been checked.
    ingest_machine(const ingest_options& o, std::string inbox);

    /// What the answers come to.
    [[nodiscard]] std::string subscription() const { return inbox_ + ".>"; }
    [[nodiscard]] std::string_view id() const noexcept;

    // --- sending
    /// Whether the next message may go.
    [[nodiscard]] bool may_send() const noexcept;
    /// Of the message that is to be sent next. It lives until the next call.
    [[nodiscard]] const std::string& reply_for(operation what);
    void handle_sent(operation what, time_point now);
    /// The first message has found nobody: forgets it.
    void start_again() noexcept;

    // --- receiving
    void handle_message(const nats::message_view& m, time_point now);
    /// Answers may have been lost with the connection that they were on.
    void handle_new_connection() noexcept { ping_due_ = sequence_ != 0; }

    // --- waiting
    void begin_wait(time_point now) noexcept;
    [[nodiscard]] time_point deadline() const noexcept;
    void handle_timeout(time_point now);
    /// Whether a ping is to be sent, which asks for the newest answer.
    [[nodiscard]] bool ping_due() const noexcept { return ping_due_ && started_ && !finished_; }

    /// Of the first message.
    [[nodiscard]] bool answered() const noexcept { return started_ || unheard_ || finished_; }
    /// Nobody listens to the subject of the first message.
    [[nodiscard]] bool unheard() const noexcept { return unheard_; }
    /// No more than the end is to come: an error has been told, or the last message was sent.
    [[nodiscard]] bool ending() const noexcept { return ending_; }
    [[nodiscard]] bool finished() const noexcept { return finished_; }
    void fail(error why);
    /// Why it has ended, if not as it should.
    [[nodiscard]] const std::optional<error>& failure() const noexcept { return failure_; }
    /// The server's last word, also of an ingest that it has cut short.
    [[nodiscard]] const std::optional<pub_ack>& outcome() const noexcept { return outcome_; }

    /// How many messages were sent.
    [[nodiscard]] std::uint64_t sequence() const noexcept { return sequence_; }
    [[nodiscard]] std::uint64_t acknowledged() const noexcept { return acknowledged_; }
    [[nodiscard]] std::optional<error> poll_warning() { return warnings_.poll(); }

private:
    void handle_flow(std::uint64_t sequence, std::uint64_t every);
    void handle_gap(std::uint64_t first, std::uint64_t next);
    void handle_refusal(std::uint64_t sequence, const error& why);
    void handle_end(const nats::message_view& m);
    void trouble(error why);

    ingest_options options_;
    std::string inbox_;
    std::string reply_;
    std::uint64_t sequence_ = 0;
    std::uint64_t acknowledged_ = 0;
    std::uint64_t every_ = 1;    ///< messages between two answers
    std::uint64_t expected_ = 0; ///< how many are to be stored at the end
    bool started_ = false;
    bool unheard_ = false;
    bool ending_ = false;
    bool finished_ = false;
    bool ping_due_ = false;
    time_point ping_at_ = no_deadline;
    time_point give_up_at_ = no_deadline;
    std::optional<error> trouble_; ///< why the server is about to end it
    std::optional<error> failure_;
    std::optional<pub_ack> outcome_;
    warning_list warnings_;
};

} // namespace nats::js

// SPDX-License-Identifier: Apache-2.0
//
// Publishes that wait for their acknowledgement, as a table without session and clock: who waits
// since when, what came for whom, and what becomes of those for whom nothing came.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/headers.hpp>
#include <natsproto/jetstream/pub_ack.hpp>
#include <natsproto/message.hpp>
#include <natsproto/result.hpp>
#include <natsproto/time.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace nats {
class wakeup;
} // namespace nats

namespace nats::js {

/// One publish of a publisher. Never repeats for the same publisher (but after 2^27 uses of its
/// place).
struct publish_ticket {
    std::uint64_t value = 0; ///< 0: none
    friend bool operator==(publish_ticket, publish_ticket) = default;
};

struct publisher_options {
    /// How many may wait for their acknowledgement, from 1 to 65536.
    std::uint32_t max_pending = 4000;
    /// How many results are kept for `wait` after they have come, at most 65536; the oldest go
    /// first. 0 is enough when a handler gets them.
    std::uint32_t keep_results = 4000;
    /// How long a publish waits for room. 0: it fails at once.
    duration stall_wait = std::chrono::milliseconds(200);
    /// How long an acknowledgement may take. Must be positive.
    duration ack_timeout = std::chrono::seconds(30);
    /// How often a publish is sent again, and after what time, for which no stream listens. It then
    /// arrives behind later ones. 0: never; that also saves a copy of each.
    std::uint32_t retry_attempts = 0;
    duration retry_wait = std::chrono::milliseconds(250);
};
static_assert(std::is_trivially_destructible_v<publisher_options>);

[[nodiscard]] result<void> check(const publisher_options& o);

/// What has become of the publishes of a publisher.
struct publish_counts {
    std::uint64_t published = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t duplicates = 0; ///< of the acknowledged ones
    std::uint64_t failed = 0;
};

class publish_window {
public:
    /// The characters of a token: the last part of a reply subject.
    static constexpr std::size_t token_size = 8;

    /// `o` must have been checked.
    publish_window(const publisher_options& o, std::uint32_t first_generation);

    [[nodiscard]] std::size_t pending() const noexcept { return pending_; }
    [[nodiscard]] bool full() const noexcept { return pending_ >= options_.max_pending; }
    [[nodiscard]] const publish_counts& counts() const noexcept { return counts_; }

    // --- publishing
    /// Whose ticket and token the next publish will be; changes nothing for anybody.
    [[nodiscard]] publish_ticket next();
    static void write_token(publish_ticket t, char* out) noexcept;
    /// The publish of `next()` was queued, for connection number `connection`. The message is only
    /// kept when it may have to be sent again.
    void begin(std::string_view subject, header_view headers, bytes payload, time_point now,
               std::uint64_t connection);

    // --- what ends one: then `outcome` has its result until `release`, and longer if it is kept
    /// An answer came with this token. Empty: it is for nobody, or not the end.
    [[nodiscard]] std::optional<publish_ticket> handle_answer(std::string_view token,
                                                              const nats::message_view& answer,
                                                              time_point now);
    /// One whose time is over, `connection` being the number of the one that is up (0: none).
    [[nodiscard]] std::optional<publish_ticket> expire(time_point now, std::uint64_t connection);
    /// One that was published for a connection before number `connection`.
    [[nodiscard]] std::optional<publish_ticket> lose(std::uint64_t connection);
    /// One of those that wait, since the session is closed.
    [[nodiscard]] std::optional<publish_ticket> abandon(const error& why);
    /// After the user has been told: its place may be used again. Nothing for one that waits.
    void release(publish_ticket t);

    // --- sending again
    struct message_to_send {
        publish_ticket ticket;
        std::string_view subject;
        header_view headers;
        bytes payload;
    };
    /// One that is due, which then waits for its answer. The views live until the next call.
    [[nodiscard]] std::optional<message_to_send> retry(time_point now, std::uint64_t connection);
    /// It could not be sent. Empty: it will be tried again.
    [[nodiscard]] std::optional<publish_ticket> handle_unsent(publish_ticket t, const error& why,
                                                              time_point now);

    /// When something is due.
    [[nodiscard]] time_point deadline() const noexcept;

    /// Null: it waits still. An error: there is nothing known about it.
    [[nodiscard]] result<const result<pub_ack>*> outcome(publish_ticket t) const;
    /// What is to be set when it has its result; null for nothing. Only for one that waits.
    [[nodiscard]] wakeup* waiting(publish_ticket t) const noexcept;
    void set_waiting(publish_ticket t, wakeup* w) noexcept;

private:
    enum class phase : std::uint8_t { unused, pending, retrying, done };
    using index = std::uint32_t;
    static constexpr index none = static_cast<index>(-1);

    struct slot {
        index previous = none;
        index next = none;
        std::uint32_t generation = 0;
        std::uint32_t tries = 0; ///< beyond the first
        phase where = phase::unused;
        bool released = false;
        time_point deadline{};
        time_point retry_at{};
        std::uint64_t connection = 0;
        wakeup* waiting = nullptr;
        result<pub_ack> outcome;
        std::string message; ///< to be sent again: subject, headers, payload
        std::size_t headers_at = 0;
        std::size_t payload_at = 0;
    };
    /// Slots, in order, linked by their indices.
    struct list {
        index first = none;
        index last = none;
        std::size_t size = 0;
    };

    [[nodiscard]] static publish_ticket ticket_of(index i, std::uint32_t generation) noexcept;
    /// Null for one that is not in use with this ticket.
    [[nodiscard]] const slot* find(publish_ticket t) const noexcept;
    [[nodiscard]] slot* find(publish_ticket t) noexcept;
    [[nodiscard]] static index index_of(publish_ticket t) noexcept;
    void push_back(list& l, index i) noexcept;
    void push_front(list& l, index i) noexcept;
    void remove(list& l, index i) noexcept;
    [[nodiscard]] list& list_of(const slot& s) noexcept;
    [[nodiscard]] publish_ticket finish(index i);
    [[nodiscard]] publish_ticket fail(index i, error why);
    void retry_later(index i, time_point now);

    publisher_options options_;
    std::deque<slot> slots_; ///< places do not move
    list free_;              ///< done or never used, the oldest first
    list waiting_;           ///< in the order of their publishes
    list retrying_;          ///< in the order of the times when they are due
    std::size_t pending_ = 0;
    std::uint32_t first_generation_;
    publish_counts counts_;
};

} // namespace nats::js

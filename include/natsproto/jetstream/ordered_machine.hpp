// SPDX-License-Identifier: Apache-2.0
//
// Reading a stream in order, without a gap and without a repetition, as a machine. It uses
// consumers that nobody has to acknowledge to, one after the other: when anything is wrong with
// one, the next begins behind the last message that was delivered. No session, no clock.

#pragma once

#include <natsproto/error.hpp>
#include <natsproto/jetstream/consumer_config.hpp>
#include <natsproto/jetstream/consumer_info.hpp>
#include <natsproto/jetstream/initial_data.hpp>
#include <natsproto/jetstream/pull_machine.hpp>
#include <natsproto/jetstream/wall_time.hpp>
#include <natsproto/jetstream/warnings.hpp>
#include <natsproto/message.hpp>
#include <natsproto/time.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace nats::js {

/// Views are copied by the call that they are given to.
struct ordered_options {
    std::span<const std::string_view> filter_subjects{}; ///< several of them: 2.10
    js::deliver_policy deliver_policy = js::deliver_policy::all;
    std::uint64_t opt_start_seq = 0;           ///< for `by_start_sequence`, and only there
    std::optional<wall_time> opt_start_time{}; ///< for `by_start_time`, and only there
    js::replay_policy replay_policy = js::replay_policy::instant;
    bool headers_only = false;
    /// Of the consumers' names, which end in a number. By default one that nothing else has.
    std::string_view name_prefix{};
    /// How long the server keeps a consumer that nobody pulls from.
    duration inactive_threshold = std::chrono::minutes(5);
};
static_assert(std::is_trivially_destructible_v<ordered_options>);

/// What the first consumer is to be, but for its name. Errors: `invalid_argument`, `invalid_name`.
[[nodiscard]] result<consumer_config> ordered_config(const ordered_options& o);

class ordered_machine {
public:
    /// `first`: of `ordered_config`. `inbox`: what the consumers deliver to, but for their number.
    ordered_machine(std::string prefix, std::string inbox, consumer_config first, pull_rules rules);

    /// Whether the message is for the user.
    [[nodiscard]] bool handle_message(const nats::message_view& m, time_point now);
    void handle_timeout(time_point now);
    void handle_connected(time_point now);
    void handle_disconnected();
    void handle_not_sent(time_point now);
    void finish(error why);

    /// When a consumer is to be made; `no_deadline` while there is one, or no connection.
    [[nodiscard]] time_point creation_at() const noexcept;
    /// What to make now. `handle_created` or `handle_not_created` has to follow.
    [[nodiscard]] consumer_config begin_creation();
    void handle_created(const consumer_info& i, time_point now);
    void handle_not_created(const error& why, time_point now);
    /// The name of one that is not needed any more.
    [[nodiscard]] std::optional<std::string> poll_obsolete();

    /// The body of a pull from `name()`, to be answered to `reply()`.
    [[nodiscard]] std::optional<std::string> poll_pull(time_point now);
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] const std::string& reply() const noexcept { return reply_; }

    [[nodiscard]] std::optional<error> poll_warning() { return warnings_.poll(); }
    [[nodiscard]] bool has_warning() const noexcept { return !warnings_.empty(); }
    [[nodiscard]] time_point deadline() const noexcept;
    [[nodiscard]] bool finished() const noexcept { return finished_; }
    [[nodiscard]] const error& outcome() const noexcept { return outcome_; }
    [[nodiscard]] std::uint64_t last_sequence() const noexcept { return last_; }
    /// What was there at the beginning, as far as it was delivered. A flow from now on has none.
    [[nodiscard]] const initial_data& initial() const noexcept { return initial_; }
    [[nodiscard]] initial_data& initial() noexcept { return initial_; }

private:
    [[nodiscard]] bool in_order(const nats::message_view& m, time_point now);
    void follow_pull(time_point now);
    void follow_heartbeat(header_view h);
    void reset(time_point now);

    std::string prefix_;
    std::string inbox_;
    consumer_config config_;
    pull_rules rules_;
    std::optional<pull_machine> pull_; ///< of the consumer that is there
    std::string name_;
    std::string reply_;
    std::string obsolete_;
    std::uint64_t serial_ = 0;
    std::uint64_t last_ = 0;          ///< in the stream: the last one that was delivered
    std::uint64_t last_delivery_ = 0; ///< of the current consumer
    std::uint64_t delivered_ = 0;
    initial_data initial_;
    bool new_only_ = false; ///< it was asked for what comes from now on
    bool connected_ = false;
    bool creating_ = false;
    bool doubtful_ = false; ///< the connection was lost while one was made
    bool finished_ = false;
    error outcome_ = errc::consumption_stopped;
    time_point create_at_{};
    duration backoff_{}; ///< before the next one, if this one brings nothing
    warning_list warnings_;
};

} // namespace nats::js

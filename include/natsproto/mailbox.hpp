// SPDX-License-Identifier: Apache-2.0
//
// One subscription's place in the runtime: a bounded queue of messages that wait for their reader,
// or a handler that gets each message as it comes.

#pragma once

#include <natsproto/detail/intrusive_list.hpp>
#include <natsproto/error.hpp>
#include <natsproto/limits.hpp>
#include <natsproto/message.hpp>
#include <natsproto/result.hpp>
#include <natsproto/session.hpp>

#include <cstdint>
#include <optional>

namespace nats {

class runtime;
class mailbox_waiter;
class wakeup;

/// Where a subscription is in its life.
enum class subscription_status : std::uint8_t {
    active,
    draining, ///< the server has been told; what it sent before still comes
    ended,    ///< nothing more comes, but what is queued can be read
};

/// Created by the facade that hands out a subscription, and registered by `runtime::subscribe`. Its
/// address must not change. It may be destroyed at any time, also by its own handler and after its
/// runtime.
class mailbox : public detail::list_node {
public:
    /// Gets each message instead of the queue; the view lives until it returns or waits.
    using handler = void (*)(void* context, const message_view& m);

    mailbox() noexcept = default;
    mailbox(const mailbox&) = delete;
    mailbox& operator=(const mailbox&) = delete;
    ~mailbox();

    /// Whether the subscription can still bring messages: not unsubscribed, ended or closed.
    [[nodiscard]] bool active() const noexcept { return id_.has_value(); }
    [[nodiscard]] subscription_status status() const noexcept {
        return !id_        ? subscription_status::ended
               : draining_ ? subscription_status::draining
                           : subscription_status::active;
    }
    [[nodiscard]] std::optional<sub_id> id() const noexcept { return id_; }
    /// Why there will be no further message; only meaningful when it is not active.
    [[nodiscard]] const error& end_reason() const noexcept { return ended_; }
    /// Called once when the subscription has ended, however it did, and its queue is empty. Not
    /// when it is destroyed.
    using end_handler = void (*)(void* context, const error& why);
    void on_end(end_handler f, void* context) noexcept {
        end_handler_ = f;
        end_context_ = context;
    }

    /// Set when messages were dropped, or the server has refused the subscription: then
    /// `runtime::take_trouble` tells. For those that have a handler.
    void on_trouble(wakeup* w) noexcept { trouble_ = w; }

    [[nodiscard]] std::uint64_t pending_messages() const noexcept { return pending_; }
    [[nodiscard]] std::uint64_t pending_bytes() const noexcept { return pending_bytes_; }
    [[nodiscard]] std::uint64_t max_pending_messages() const noexcept { return max_pending_; }
    [[nodiscard]] std::uint64_t max_pending_bytes() const noexcept { return max_pending_bytes_; }
    void clear_max_pending() noexcept;
    /// Messages given to the reader or the handler.
    [[nodiscard]] std::uint64_t delivered() const noexcept { return delivered_; }
    /// Messages dropped because the queue was full.
    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

    [[nodiscard]] const pending_limits& limits() const noexcept { return limits_; }
    /// `invalid_argument` for a limit of 0.
    result<void> set_limits(const pending_limits& l);

private:
    friend class runtime;
    friend class mailbox_waiter;
    friend class barrier_waiter;

    /// Something that its reader is to hear of before anything else.
    [[nodiscard]] bool has_trouble() const noexcept { return slow_unseen_ || refusal_unseen_; }
    [[nodiscard]] bool push(const message_view& view);
    /// Makes the first queued message the current one, and returns its view.
    const message_view* pop() noexcept;
    void drop_queue() noexcept;
    // First what each message needs.
    handler handler_ = nullptr;
    void* context_ = nullptr;
    message::block* head_ = nullptr;
    std::uint64_t delivered_ = 0;
    mailbox_waiter* waiter_ = nullptr;
    std::optional<sub_id> id_;
    runtime* runtime_ = nullptr;
    message::block* tail_ = nullptr;
    message current_; ///< the message that the last view from the queue points into
    std::uint64_t pending_ = 0;
    std::uint64_t pending_bytes_ = 0;
    std::uint64_t max_pending_ = 0;
    std::uint64_t max_pending_bytes_ = 0;
    std::uint64_t dropped_ = 0;
    pending_limits limits_;
    error ended_ = errc::invalid_subscription;
    error refusal_; ///< the server refused the SUB
    end_handler end_handler_ = nullptr;
    void* end_context_ = nullptr;
    wakeup* trouble_ = nullptr;
    std::uint64_t taken_ = 0; ///< messages that have left the queue
    bool draining_ = false;
    bool reading_ = false; ///< the reader has the last message, and has not come back
    bool refusal_unseen_ = false;
    bool end_untold_ = false;  ///< it is in the runtime's list of ends to be told
    bool slow_ = false;        ///< an episode of dropping is on: it was reported
    bool slow_unseen_ = false; ///< the reader has not been told yet
};

} // namespace nats

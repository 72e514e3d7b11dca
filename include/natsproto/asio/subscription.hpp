// SPDX-License-Identifier: Apache-2.0
//
// A subscription of the Asio client. Destroying it unsubscribes.

#pragma once

#include <natsproto/asio/detail/operation.hpp>
#include <natsproto/asio/operation_options.hpp>
#include <natsproto/mailbox.hpp>
#include <natsproto/message.hpp>
#include <natsproto/result.hpp>
#include <natsproto/time.hpp>

#include <boost/asio/deferred.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace nats::aio {

namespace detail {
struct subscription_state;

[[nodiscard]] std::shared_ptr<driver> owner_of(const std::shared_ptr<subscription_state>& s);
void start_next(const std::shared_ptr<driver>& d, operation_ptr<message> o,
                std::weak_ptr<subscription_state> s, next_options w);
void start_next_into(const std::shared_ptr<driver>& d, operation_ptr<void> o,
                     std::weak_ptr<subscription_state> s, message* into, next_options w);
void start_next_in_range(const std::shared_ptr<driver>& d, operation_ptr<std::optional<message>> o,
                         std::weak_ptr<subscription_state> s, next_options w);
} // namespace detail

/// Movable. Its members but `next` and its relatives are called on the client's executor, or while
/// no other thread runs that. It may outlive its client, not the client's execution context.
class subscription {
public:
    subscription() noexcept; ///< none: what it is asked fails with `invalid_subscription`
    subscription(subscription&&) noexcept;
    subscription& operator=(subscription&&) noexcept;
    subscription(const subscription&) = delete;
    subscription& operator=(const subscription&) = delete;
    ~subscription();

    /// The next message: `void(error_code, message)`. Errors: timeout; slow_consumer, once after
    /// messages were dropped, and permissions_violation, once after the server refused it, and the
    /// next call goes on; drained; max_messages_reached; invalid_subscription after `unsubscribe`
    /// or when it was destroyed; the reason when the connection is closed and the queue is empty;
    /// in_use while another `next` waits; invalid_argument when there is a handler;
    /// `operation_aborted`. Cancellation: all types, and no message is lost by it.
    template <class Token = boost::asio::deferred_t>
    auto next(const next_options& o = {}, Token&& token = Token()) {
        return detail::initiate<message>(std::forward<Token>(token), detail::owner_of(state_),
                                         detail::start_next, std::weak_ptr(state_), o);
    }
    /// The same into a message of the caller's, whose memory is used again: no allocation. It must
    /// live until the operation has ended. `void(error_code)`.
    template <class Token = boost::asio::deferred_t>
    auto next_into(message& into, const next_options& o = {}, Token&& token = Token()) {
        return detail::initiate<void>(std::forward<Token>(token), detail::owner_of(state_),
                                      detail::start_next_into, std::weak_ptr(state_), &into, o);
    }

    /// The next message if it can be had without waiting: it is queued, or has come with the one
    /// before it. For reading what comes in bursts in fewer steps:
    /// `co_await s.next_into(m); do use(m); while (s.try_next(m));` False: there is none at once,
    /// and `next_into` tells why.
    [[nodiscard]] bool try_next(message& into);

    /// `while (std::optional<message> m = co_await messages.next())`: until it has ended, which
    /// `why` then tells. It borrows the subscription.
    class range;
    [[nodiscard]] range messages() noexcept;

    /// Without `after`: now; queued messages are discarded. With it: once that many have come,
    /// counted from the beginning; at once if they have. `invalid_subscription` the second time;
    /// `invalid_argument` for `after` outside of [1, 999999999].
    result<void> unsubscribe(std::optional<std::uint64_t> after = {});
    /// Ends it without losing what the server has sent for it: handlers and `next` get all of that,
    /// then it has ended with `drained`. Does not wait; idempotent.
    result<void> drain();
    [[nodiscard]] subscription_status status() const noexcept;
    /// Called once when it has ended, however it did, and its queue is empty. It may destroy the
    /// subscription.
    void on_end(std::function<void(const error& why)> handler);

    /// Whether messages can still come. Queued ones may be left when it is false.
    [[nodiscard]] bool valid() const noexcept;
    [[nodiscard]] std::optional<sub_id> id() const noexcept;
    /// Counters and limits; see mailbox.hpp.
    [[nodiscard]] const mailbox& queue() const noexcept;
    /// `invalid_argument` for a limit of 0.
    result<void> set_pending_limits(const pending_limits& l);
    void clear_max_pending() noexcept;

private:
    friend class client;
    explicit subscription(std::shared_ptr<detail::subscription_state> s) noexcept;
    std::shared_ptr<detail::subscription_state> state_;
};

class subscription::range {
public:
    /// `void(error_code, std::optional<message>)`: empty at the end, which is no error: drained,
    /// max_messages_reached, unsubscribed or closed. Errors are those after which it goes on:
    /// timeout, slow_consumer, permissions_violation, `operation_aborted`.
    template <class Token = boost::asio::deferred_t>
    auto next(const next_options& o = {}, Token&& token = Token()) {
        return detail::initiate<std::optional<message>>(
            std::forward<Token>(token), detail::owner_of(subscription_->state_),
            detail::start_next_in_range, std::weak_ptr(subscription_->state_), o);
    }
    /// Why it has ended; empty while it goes on.
    [[nodiscard]] std::optional<error> why() const;

private:
    friend class subscription;
    explicit range(subscription& s) noexcept : subscription_(&s) {}
    subscription* subscription_;
};

inline subscription::range subscription::messages() noexcept {
    return range(*this);
}

} // namespace nats::aio

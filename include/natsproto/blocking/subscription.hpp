// SPDX-License-Identifier: Apache-2.0
//
// A subscription of the blocking client. Destroying it unsubscribes.

#pragma once

#include <natsproto/mailbox.hpp>
#include <natsproto/message.hpp>
#include <natsproto/result.hpp>
#include <natsproto/time.hpp>

#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>

namespace nats {

namespace blocking {
class driver;
struct subscription_state;
} // namespace blocking

class subscription {
public:
    subscription(subscription&&) noexcept;
    subscription& operator=(subscription&&) noexcept;
    subscription(const subscription&) = delete;
    subscription& operator=(const subscription&) = delete;
    ~subscription();

    /// The next message, waiting for at most `timeout` (0: take what is there). Errors: timeout;
    /// slow_consumer, once after messages were dropped, and permissions_violation, once
    /// after the server refused it, and the next call goes on; drained;
    /// max_messages_reached; invalid_subscription after `unsubscribe`; the reason when the
    /// connection is closed and the queue is empty; interrupted; invalid_argument when there is a
    /// handler.
    result<message> next(duration timeout);
    /// The same without a copy: the view lives until the next waiting call on the client or one of
    /// its subscriptions.
    result<message_view> next_view(duration timeout);

    class range;
    /// `for (nats::message& m : sub.messages())`: until an error, which the range then tells.
    /// `each`: how long to wait for each message; for ever by default.
    [[nodiscard]] range messages(duration each = duration::max());

    /// Without `after`: now; queued messages are discarded. With it: once that many have come,
    /// counted from the beginning; at once if they have. `invalid_subscription` the second time;
    /// `invalid_argument` for `after` outside of [1, 999999999].
    result<void> unsubscribe(std::optional<std::uint64_t> after = {});

    /// Ends it without losing what the server has sent for it: handlers and `next` get all of that,
    /// then it has ended with `drained`. Does not wait; idempotent. `invalid_subscription` when it
    /// has ended before.
    result<void> drain();
    [[nodiscard]] subscription_status status() const noexcept;
    /// Called once, in a waiting call, when it has ended, however it did, and its queue is empty.
    /// It may destroy the subscription; it must not make waiting calls.
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
    explicit subscription(std::unique_ptr<blocking::subscription_state> s) noexcept;
    std::unique_ptr<blocking::subscription_state> state_;
};

/// An input range of owning messages; it borrows the subscription.
class subscription::range {
public:
    class iterator {
    public:
        using value_type = message;
        using difference_type = std::ptrdiff_t;
        using iterator_category = std::input_iterator_tag;

        iterator() noexcept = default;
        message& operator*() const noexcept { return range_->current_; }
        message* operator->() const noexcept { return &range_->current_; }
        iterator& operator++() {
            if (!range_->advance()) range_ = nullptr;
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator&, const iterator&) = default;

    private:
        friend class range;
        explicit iterator(range* r) noexcept : range_(r) {}
        range* range_ = nullptr;
    };

    [[nodiscard]] iterator begin() { return advance() ? iterator(this) : iterator(); }
    [[nodiscard]] iterator end() noexcept { return {}; }
    /// Why it ended; empty while it goes on.
    [[nodiscard]] const std::optional<error>& why() const noexcept { return why_; }

private:
    friend class subscription;
    range(subscription& s, duration each) noexcept : subscription_(&s), each_(each) {}
    bool advance();

    subscription* subscription_;
    duration each_;
    message current_;
    std::optional<error> why_;
};

} // namespace nats

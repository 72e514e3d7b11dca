// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: handles on state that the driver knows by address. They share the driver, so
// that one that outlives its client still finds what it needs to say so.

#include <natsproto/blocking/subscription.hpp>

#include <natsproto/blocking/replies.hpp>

#include "blocking/driver.hpp"

#include <utility>

namespace nats {

namespace {

/// Destroys a state, which queues an UNSUB, and writes that.
template <class State>
void end(std::unique_ptr<State>& state) noexcept {
    if (!state) return;
    try {
        const std::shared_ptr<blocking::driver> owner = state->owner;
        state.reset();
        (void)owner->write_soon(); // an error shows at the next call
    } catch (...) {
        return; // no memory; the UNSUB stays queued
    }
}

} // namespace

// --- subscription

subscription::subscription(std::unique_ptr<blocking::subscription_state> s) noexcept
    : state_(std::move(s)) {}
subscription::subscription(subscription&&) noexcept = default;
subscription& subscription::operator=(subscription&& other) noexcept {
    std::unique_ptr<blocking::subscription_state> old =
        std::exchange(state_, std::move(other.state_));
    end(old);
    return *this;
}
subscription::~subscription() {
    end(state_);
}

result<message_view> subscription::next_view(duration timeout) {
    if (!state_) return error{errc::invalid_subscription};
    if (state_->handler) return error{errc::invalid_argument, "this subscription has a handler"};
    return state_->owner->next_view(state_->box, timeout); // a handler may destroy this meanwhile
}

result<message> subscription::next(duration timeout) {
    result<message_view> view = next_view(timeout);
    if (!view) return view.error();
    return message(*view);
}

subscription::range subscription::messages(duration each) {
    return {*this, each};
}

bool subscription::range::advance() {
    result<message> m = subscription_->next(each_);
    if (!m) {
        why_ = m.error();
        return false;
    }
    current_ = std::move(*m);
    return true;
}

result<void> subscription::unsubscribe(std::optional<std::uint64_t> after) {
    if (!state_) return error{errc::invalid_subscription};
    result<void> done = state_->owner->runtime_.unsubscribe(state_->box, after);
    if (!done) return done;
    return state_->owner->write_soon();
}

result<void> subscription::drain() {
    if (!state_) return error{errc::invalid_subscription};
    runtime& r = state_->owner->runtime_;
    r.advance(clock::now());
    result<void> begun = r.drain(state_->box);
    if (!begun) return begun;
    return state_->owner->write_soon();
}

subscription_status subscription::status() const noexcept {
    return state_ ? state_->box.status() : subscription_status::ended;
}

void subscription::on_end(std::function<void(const error& why)> handler) {
    if (!state_) return;
    state_->on_end = std::make_shared<std::function<void(const error&)>>(std::move(handler));
    const auto call = [](void* context, const error& why) {
        const auto keep = static_cast<blocking::subscription_state*>(context)
                              ->on_end; // it may destroy its subscription
        if (*keep) (*keep)(why);
    };
    state_->box.on_end(call, state_.get());
}

bool subscription::valid() const noexcept {
    return state_ && state_->box.active();
}
std::optional<sub_id> subscription::id() const noexcept {
    return state_ ? state_->box.id() : std::nullopt;
}
const mailbox& subscription::queue() const noexcept {
    return state_->box;
}
result<void> subscription::set_pending_limits(const pending_limits& l) {
    return state_->box.set_limits(l);
}
void subscription::clear_max_pending() noexcept {
    state_->box.clear_max_pending();
}

// --- replies

replies::replies(std::unique_ptr<blocking::replies_state> s) noexcept : state_(std::move(s)) {}
replies::replies(replies&&) noexcept = default;
replies& replies::operator=(replies&& other) noexcept {
    std::unique_ptr<blocking::replies_state> old = std::exchange(state_, std::move(other.state_));
    end(old);
    return *this;
}
replies::~replies() {
    end(state_);
}

result<std::optional<message_view>> replies::next_view() {
    if (!state_) return std::optional<message_view>();
    return state_->owner->run(next_reply(state_->owner->runtime_, state_->many));
}

result<std::optional<message>> replies::next() {
    result<std::optional<message_view>> view = next_view();
    if (!view) return view.error();
    if (!*view) return std::optional<message>();
    return std::optional<message>(message(**view));
}

} // namespace nats

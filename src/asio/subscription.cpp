// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: handles on state that the driver knows by address. They share the driver, so
// that one that outlives its client still finds what it needs to say so. Operations know the state
// weakly: destroying a subscription ends them.

#include <natsproto/asio/subscription.hpp>

#include <natsproto/asio/replies.hpp>

#include "asio/driver.hpp"

#include <utility>

namespace nats::aio {

namespace {

/// Destroys a state, which queues an UNSUB, and has that written.
template <class State>
void end(std::shared_ptr<State>& state) noexcept {
    if (!state) return;
    try {
        const std::shared_ptr<detail::driver> owner = state->owner;
        state.reset();
        owner->touched();
    } catch (...) {
        return; // no memory; the UNSUB stays queued
    }
}

} // namespace

// --- subscription

subscription::subscription() noexcept = default;
subscription::subscription(std::shared_ptr<detail::subscription_state> s) noexcept
    : state_(std::move(s)) {}
subscription::subscription(subscription&&) noexcept = default;
subscription& subscription::operator=(subscription&& other) noexcept {
    std::shared_ptr<detail::subscription_state> old =
        std::exchange(state_, std::exchange(other.state_, nullptr));
    end(old);
    return *this;
}
subscription::~subscription() {
    end(state_);
}

bool subscription::try_next(message& into) {
    if (!state_) return false;
    const message_view* const m = state_->owner->take_now(state_->box);
    if (m != nullptr) into.assign(*m);
    return m != nullptr;
}

result<void> subscription::unsubscribe(std::optional<std::uint64_t> after) {
    if (!state_) return error{errc::invalid_subscription};
    const std::shared_ptr<detail::driver> owner = state_->owner;
    result<void> done = owner->session_or_null()->rt.unsubscribe(state_->box, after);
    owner->touched();
    return done;
}

result<void> subscription::drain() {
    if (!state_) return error{errc::invalid_subscription};
    const std::shared_ptr<detail::driver> owner = state_->owner;
    runtime& rt = owner->session_or_null()->rt;
    rt.advance(clock::now());
    result<void> begun = rt.drain(state_->box);
    owner->touched();
    return begun;
}

subscription_status subscription::status() const noexcept {
    return state_ ? state_->box.status() : subscription_status::ended;
}

void subscription::on_end(std::function<void(const error& why)> handler) {
    if (!state_) return;
    state_->on_end = std::make_shared<std::function<void(const error&)>>(std::move(handler));
    const auto call = [](void* context, const error& why) {
        auto& s = *static_cast<detail::subscription_state*>(context);
        s.owner->note_end(s, why);
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
    if (!state_) return error{errc::invalid_subscription};
    return state_->box.set_limits(l);
}
void subscription::clear_max_pending() noexcept {
    if (state_) state_->box.clear_max_pending();
}

std::optional<error> subscription::range::why() const {
    const std::shared_ptr<detail::subscription_state>& s = subscription_->state_;
    if (!s) return error{errc::invalid_subscription};
    if (s->box.active() || s->box.pending_messages() != 0) return std::nullopt;
    return s->box.end_reason();
}

// --- replies

replies::replies() noexcept = default;
replies::replies(std::shared_ptr<detail::replies_state> s) noexcept : state_(std::move(s)) {}
replies::replies(replies&&) noexcept = default;
replies& replies::operator=(replies&& other) noexcept {
    std::shared_ptr<detail::replies_state> old =
        std::exchange(state_, std::exchange(other.state_, nullptr));
    end(old);
    return *this;
}
replies::~replies() {
    end(state_);
}

} // namespace nats::aio

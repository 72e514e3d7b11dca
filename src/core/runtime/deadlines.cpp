// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a binary heap of waiters by deadline, and by who waited first among equals,
// so that the same inputs give the same order. Each waiter knows its place, so leaving early costs
// no search.

#include <natsproto/runtime.hpp>

#include <utility>

namespace nats {

void runtime::place(std::size_t at, waiter* w) noexcept {
    deadlines_[at] = w;
    w->place_ = at;
}

namespace {

template <class W>
bool earlier(const W& a, const W& b, std::uint64_t a_order, std::uint64_t b_order) noexcept {
    return a != b ? a < b : a_order < b_order;
}

} // namespace

void runtime::sift_up(std::size_t at) noexcept {
    waiter* const w = deadlines_[at];
    while (at != 0) {
        waiter* const parent = deadlines_[(at - 1) / 2];
        if (!earlier(w->deadline_, parent->deadline_, w->order_, parent->order_)) break;
        place(at, parent);
        at = (at - 1) / 2;
    }
    place(at, w);
}

void runtime::sift_down(std::size_t at) noexcept {
    waiter* const w = deadlines_[at];
    while (true) {
        std::size_t child = 2 * at + 1;
        if (child >= deadlines_.size()) break;
        const waiter* left = deadlines_[child];
        if (child + 1 < deadlines_.size()) {
            const waiter* right = deadlines_[child + 1];
            if (earlier(right->deadline_, left->deadline_, right->order_, left->order_)) ++child;
        }
        const waiter* next = deadlines_[child];
        if (!earlier(next->deadline_, w->deadline_, next->order_, w->order_)) break;
        place(at, deadlines_[child]);
        at = child;
    }
    place(at, w);
}

void runtime::add_deadline(waiter& w) {
    if (w.deadline_ == no_deadline) return;
    w.order_ = ++wait_order_;
    deadlines_.push_back(&w);
    w.place_ = deadlines_.size() - 1;
    sift_up(w.place_);
}

void runtime::remove_deadline(waiter& w) noexcept {
    const std::size_t at = std::exchange(w.place_, waiter::no_place);
    if (at == waiter::no_place) return;
    waiter* const moved = deadlines_.back();
    deadlines_.pop_back();
    if (moved == &w) return;
    place(at, moved);
    sift_up(at);
    sift_down(moved->place_);
}

std::optional<time_point> runtime::poll_timeout() const noexcept {
    if (handlers_running_ == 0) {
        if (handlers_behind_) return now_; // a handler has thrown
        if (!woken_.empty() || !notices_.empty()) return now_;
    }
    std::optional<time_point> next = session_->poll_timeout();
    if (!deadlines_.empty() && (!next || deadlines_.front()->deadline_ < *next))
        next = deadlines_.front()->deadline_;
    return next;
}

void runtime::handle_timeout(time_point now) {
    now_ = now;
    session_->handle_timeout(now);
    // First collect, then resume: what a resumed op waits for next is not looked at before the next
    // call.
    while (!deadlines_.empty() && deadlines_.front()->deadline_ <= now) {
        waiter& w = *deadlines_.front();
        remove_deadline(w);
        expired_.push_back(w);
    }
    while (!expired_.empty()) fail(expired_.front(), errc::timeout);
    if (handlers_running_ == 0) wake_and_tell();
}

} // namespace nats

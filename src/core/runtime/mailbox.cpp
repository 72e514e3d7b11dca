// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a list of owning messages with counters. When a limit is reached the newest
// message is dropped, which keeps the order and what was promised first; an episode of dropping
// begins with the first drop, is told once, and ends with the next message that is accepted.

#include <natsproto/mailbox.hpp>

#include <natsproto/runtime.hpp>

#include "core/session/check_pending.hpp"

#include <algorithm>
#include <utility>

namespace nats {

mailbox::~mailbox() {
    for (runtime::wanted_mailbox* w = runtime_ != nullptr ? runtime_->wanted_ : nullptr;
         w != nullptr; w = w->outer) {
        if (w->box == this) w->box = nullptr;
    }
    if (runtime_ != nullptr && id_) (void)runtime_->session_->unsubscribe(*id_);
    if (runtime_ != nullptr) runtime_->forget(*this);
    unlink();
    drop_queue();
    if (runtime_ != nullptr && waiter_ != nullptr) {
        waiter_->box_ = nullptr;
        runtime_->fail(*waiter_, errc::invalid_subscription);
    }
}

void mailbox::clear_max_pending() noexcept {
    max_pending_ = pending_;
    max_pending_bytes_ = pending_bytes_;
}

result<void> mailbox::set_limits(const pending_limits& l) {
    if (result<void> ok = check_pending(l); !ok) return ok;
    limits_ = l;
    return {};
}

bool mailbox::push(const message_view& view) {
    const bool room =
        (limits_.messages < 0 || pending_ < static_cast<std::uint64_t>(limits_.messages)) &&
        (limits_.bytes < 0 ||
         pending_bytes_ + view.size() <= static_cast<std::uint64_t>(limits_.bytes));
    if (!room) {
        ++dropped_;
        return false;
    }
    slow_ = false;
    message::block* b = message::make(view);
    (tail_ != nullptr ? tail_->next : head_) = b;
    tail_ = b;
    ++pending_;
    pending_bytes_ += view.size();
    max_pending_ = std::max(max_pending_, pending_);
    max_pending_bytes_ = std::max(max_pending_bytes_, pending_bytes_);
    return true;
}

const message_view* mailbox::pop() noexcept {
    message::block* b = std::exchange(head_, head_->next);
    if (head_ == nullptr) tail_ = nullptr;
    --pending_;
    ++taken_;
    pending_bytes_ -= b->view.size();
    current_ = message(b);
    return &b->view;
}

void mailbox::drop_queue() noexcept {
    while (head_ != nullptr) message dropped(std::exchange(head_, head_->next));
    tail_ = nullptr;
    taken_ += pending_;
    pending_ = pending_bytes_ = 0;
}

} // namespace nats

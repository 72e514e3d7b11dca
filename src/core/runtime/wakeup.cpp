// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: setting one resumes nobody, since the caller may be a handler, another
// op or the user's code. It moves the waiter to a list, and `runtime::settle` resumes that; the
// runtime's next deadline is due at once while there is something in it. A notice is the same for
// calls: it is made where no op is on the stack that the callee could destroy.

#include <natsproto/runtime.hpp>

#include <utility>

namespace nats {

wakeup::~wakeup() {
    if (waiter_ != nullptr) waiter_->source_ = nullptr;
}

void wakeup::set() noexcept {
    set_ = true;
    if (waiter_ != nullptr) waiter_->wake();
}

wakeup_waiter::~wakeup_waiter() {
    if (source_ != nullptr && source_->waiter_ == this) source_->waiter_ = nullptr;
}

bool wakeup_waiter::await_ready() {
    if (runtime_->session_->status() == session_status::closed) {
        failed_ = true;
        failure_ = runtime_->session_->close_reason();
        return true;
    }
    return source_->set_;
}

void wakeup_waiter::await_suspend(std::coroutine_handle<> h) {
    source_->waiter_ = this;
    runtime_->for_wakeup_.push_back(*this);
    suspend(h);
}

result<void> wakeup_waiter::await_resume() {
    if (source_ != nullptr) {
        source_->set_ = false;
        source_->waiter_ = nullptr;
    }
    if (failed_ && failure_ != errc::timeout) return std::move(failure_);
    return {};
}

void wakeup_waiter::wake() noexcept {
    runtime_->woken_.push_back(*this); // and leaves the list that it is in
}

/// As a wakeup does; a message that comes before it is resumed is queued.
void runtime::call_reader(mailbox& box) noexcept {
    if (box.waiter_ == nullptr || box.waiter_->failed_) return;
    box.waiter_->failed_ = true;
    box.waiter_->failure_ = errc::timeout;
    woken_.push_back(*box.waiter_);
}

void runtime::wake_all() noexcept {
    while (!for_wakeup_.empty()) static_cast<wakeup_waiter&>(for_wakeup_.front()).wake();
}

/// What waits for the moment when no op and no handler runs. One at a time: what is resumed or
/// called may set, post and destroy others.
void runtime::wake_and_tell() {
    catch_up();
    while (!woken_.empty()) resume(woken_.front());
    while (!notices_.empty()) {
        const notice& n = notices_.pop_front();
        n.call_(n.context_);
    }
}

} // namespace nats

// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// An awaiter checks in await_ready() whether what it wants is there already, or cannot come;
// otherwise it is linked to what will end the wait (a table, a list, a mailbox) and to the heap of
// deadlines. Whatever comes first removes it from all of them and resumes the coroutine, whose
// first step is await_resume(). The destructor removes it too: that is cancellation.

#include <natsproto/runtime.hpp>

#include <algorithm>
#include <utility>

namespace nats {

waiter::~waiter() {
    if (place_ != no_place) runtime_->remove_deadline(*this);
}

void waiter::suspend(std::coroutine_handle<> h) {
    handle_ = h;
    depth_ = runtime_->handlers_running_;
    runtime_->add_deadline(*this);
}

// --- request

request_waiter::~request_waiter() {
    if (slot_ != 0) runtime_->end_request(*this);
}

bool request_waiter::await_ready() {
    result<void> sent = runtime_->begin_request(*this);
    if (sent) return false;
    failed_ = true;
    failure_ = sent.error();
    return true;
}

result<message_view> request_waiter::await_resume() {
    if (slot_ != 0) runtime_->end_request(*this);
    if (failed_) return std::move(failure_);
    return reply_;
}

// --- mailbox

mailbox_waiter::~mailbox_waiter() {
    if (box_ != nullptr && box_->waiter_ == this) box_->waiter_ = nullptr;
}

bool mailbox_waiter::await_ready() {
    result<std::optional<message_view>> queued = runtime_->try_next(*box_);
    if (queued && !*queued && box_->waiter_ != nullptr) queued = error{errc::in_use};
    if (!queued) {
        failed_ = true;
        failure_ = queued.error();
        return true;
    }
    if (*queued) message_ = **queued;
    return queued->has_value();
}

void mailbox_waiter::await_suspend(std::coroutine_handle<> h) {
    box_->waiter_ = this;
    suspend(h);
}

result<message_view> mailbox_waiter::await_resume() {
    if (box_ != nullptr && box_->waiter_ == this) box_->waiter_ = nullptr;
    if (failed_) return std::move(failure_);
    return message_;
}

// --- flush

bool flush_waiter::await_ready() {
    if (runtime_->session_->status() == session_status::closed) {
        failed_ = true;
        failure_ = runtime_->session_->close_reason();
        return true;
    }
    result<ping_id> sent = runtime_->session_->ping(runtime_->now());
    if (sent) {
        ping_ = *sent;
        return false;
    }
    failed_ = true;
    failure_ = sent.error();
    return true;
}

void flush_waiter::await_suspend(std::coroutine_handle<> h) {
    runtime_->flushes_.push_back(*this);
    suspend(h);
}

result<duration> flush_waiter::await_resume() {
    if (failed_) return std::move(failure_);
    return rtt_;
}

// --- barrier

bool barrier_waiter::reached() const noexcept {
    return std::all_of(targets_.begin(), targets_.end(), [](const target& t) {
        return t.box == nullptr || t.box->taken_ >= t.taken;
    });
}

bool barrier_waiter::await_ready() {
    for (const mailbox& box : runtime_->mailboxes_) {
        if (box.pending_ != 0) targets_.push_back({&box, box.taken_ + box.pending_});
    }
    return targets_.empty();
}

void barrier_waiter::await_suspend(std::coroutine_handle<> h) {
    runtime_->barriers_.push_back(*this);
    suspend(h);
}

result<void> barrier_waiter::await_resume() {
    if (failed_) return std::move(failure_);
    return {};
}

// --- conditions

bool condition_waiter::await_ready() {
    const session_status status = runtime_->session_->status();
    if (status == session_status::closed) {
        if (kind_ == kind::closed) return true;
        failed_ = true;
        failure_ = runtime_->session_->close_reason();
        return true;
    }
    switch (kind_) {
    case kind::connected:
        return status != session_status::idle && status != session_status::connecting &&
               status != session_status::reconnecting;
    case kind::settled:
        return status != session_status::idle && status != session_status::connecting;
    case kind::room: return runtime_->has_room();
    case kind::written: return runtime_->session_->untransmitted() == 0;
    case kind::closed:
    case kind::time: return false;
    }
    return false;
}

void condition_waiter::await_suspend(std::coroutine_handle<> h) {
    switch (kind_) {
    case kind::connected: runtime_->for_connection_.push_back(*this); break;
    case kind::settled: runtime_->for_first_.push_back(*this); break;
    case kind::room: runtime_->for_room_.push_back(*this); break;
    case kind::written: runtime_->for_written_.push_back(*this); break;
    case kind::closed: runtime_->for_end_.push_back(*this); break;
    case kind::time: runtime_->asleep_.push_back(*this); break;
    }
    suspend(h);
}

result<void> condition_waiter::await_resume() {
    if (failed_ && !(kind_ == kind::time && failure_ == errc::timeout)) return std::move(failure_);
    return {};
}

} // namespace nats

// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// Who takes a message, the op `next` or a handler, gives it to the machine first. Time is looked
// after while somebody waits for messages: by `next` as far as it knew when its wait began, and by
// the watcher. The watcher also sees connections go and come, and runs what has to wait for
// answers.
//
// When a deadline has come, bytes may have been read that nobody has looked at yet. So both look
// once more, in the next round of the driver, before they believe in silence.
//
// Nothing here calls the user, or resumes a reader: an op that runs must not be destroyed. Warnings
// are told by a notice, and the end by the mailbox, which a notice ends.

#include <natsproto/jetstream/consumption.hpp>

#include <algorithm>
#include <utility>

namespace nats::js {

consumption::consumption() noexcept
    : end_(
          [](void* context) {
              auto& c = *static_cast<consumption*>(context);
              if (c.box_.active()) (void)c.runtime_->unsubscribe(c.box_); // the reader may end it
          },
          this) {}

consumption::~consumption() = default;

result<void> consumption::start(runtime& rt, mailbox::handler handle, void* context) {
    runtime_ = &rt;
    handled_ = handle != nullptr;
    connection_ = rt.connections();
    if (result<void> ok = subscribe(rt, handle, context); !ok) return ok;
    up_ = rt.connection().is_up();
    if (up_) handle_connected(rt);
    settle(rt);
    watcher_.emplace(watch(rt, *this));
    watcher_->start();
    return {};
}

bool consumption::take(runtime& rt, const nats::message_view& m) {
    const bool for_user = judge(rt, m);
    settle(rt);
    return for_user;
}

std::optional<message> consumption::take_at_once(runtime& rt) {
    while (!finished() && !called_) {
        const nats::message_view* const m = rt.take_now(box_, rt.in_dispatch());
        if (m == nullptr) break;
        if (take(rt, *m)) return message(*m);
    }
    return std::nullopt;
}

void consumption::stop(runtime& rt) {
    finish(errc::consumption_stopped);
    wake();
    if (box_.active()) (void)rt.unsubscribe(box_); // the reader may end it
}

void consumption::drain(runtime& rt) {
    if (finished() || std::exchange(draining_, true)) return;
    wake();
    if (!rt.drain(box_)) stop(rt);
}

void consumption::handle_end(const error& why) {
    finish(why == errc::drained ? error{errc::consumption_stopped} : why);
    wake();
}

void consumption::on_warning(notice::function f, void* context) {
    warning_.emplace(f, context);
}

void consumption::on_call(notice::function f, void* context) {
    call_.emplace(f, context);
}

void consumption::call_reader(runtime& rt) {
    if (!call_) return;
    if (handled_) return rt.post(*call_);
    called_ = true;
    rt.call_reader(box_);
}

/// After anything that may have made something due.
void consumption::settle(runtime& rt) {
    if (!finished() && !draining_) send(rt);
    if (finished() && box_.active()) rt.post(end_);
    if (warning_ && has_warning()) rt.post(*warning_);
}

void consumption::follow_connection(runtime& rt) {
    const bool up = rt.connection().is_up();
    const std::uint64_t number = rt.connections();
    if (up_ && (!up || number != connection_)) handle_disconnected(rt);
    if (up && (!up_ || number != connection_)) handle_connected(rt);
    up_ = up;
    connection_ = number;
}

time_point consumption::silence() const noexcept {
    return draining_ ? no_deadline : deadline();
}

op<result<void>> consumption::watch(runtime& rt, consumption& c) {
    bool looked = false; // once more, since the deadline has come
    while (!c.finished()) {
        std::optional<op<result<void>>> errand = c.errand(rt);
        if (errand) {
            result<void> done = co_await std::move(*errand);
            if (!done) co_return done;
        } else {
            time_point until = c.awaited() ? c.silence() : no_deadline;
            if (looked) until = rt.now();
            until = std::min(until, c.errand_at());
            result<void> woken = co_await rt.wait(c.wake_, until);
            if (!woken) co_return woken; // closed: the mailbox tells
        }
        c.follow_connection(rt);
        const bool silent = c.awaited() && c.silence() <= rt.now();
        if (silent && looked) c.handle_timeout(rt);
        looked = silent && !looked;
        c.settle(rt);
    }
    co_return result<void>();
}

op<result<std::optional<message>>> next(runtime& rt, consumption& c, time_point deadline) {
    const consumption::reading reader(c);
    c.settle(rt);
    if (std::optional<message> m = c.take_at_once(rt)) co_return std::move(m);
    bool looked = false;
    while (!c.finished()) {
        if (std::exchange(c.called_, false)) co_return std::optional<message>(std::in_place);
        const time_point until = looked ? rt.now() : std::min(deadline, c.silence());
        result<nats::message_view> m = co_await rt.next(c.box_, until);
        if (m) {
            looked = false;
            if (c.take(rt, *m)) co_return std::optional<message>(std::in_place, *m);
            continue;
        }
        const errc why = m.error().code();
        if (why == errc::in_use) co_return m.error();
        if (why == errc::slow_consumer) continue; // what was dropped is delivered again
        if (why == errc::timeout) {
            if (!std::exchange(looked, !looked)) continue;
            if (c.silence() <= rt.now())
                c.handle_timeout(rt);
            else if (deadline <= rt.now())
                co_return m.error();
            c.settle(rt);
            continue;
        }
        c.handle_end(m.error());
    }
    c.settle(rt);
    co_return std::optional<message>();
}

} // namespace nats::js

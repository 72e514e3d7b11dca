// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// All answers come to one subscription, `<inbox>.*`, and find their publish by the last part of the
// subject. A publish goes straight to the session, with headers made in memory that is used again,
// so that one that finds room costs no allocation.
//
// Ops wait in lists. Those that want to publish take turns: only the first one looks whether there
// is room, so that their order is kept. A waiting op is told by its own wakeup, and looks for
// itself.
//
// The watcher is the one who knows what time it is. It sleeps until the nearest deadline that it
// knew when it went to sleep; a later one needs no new alarm, so a steady flow of publishes wakes
// it once in an acknowledgement's time.

#include <natsproto/jetstream/publisher_state.hpp>

#include <algorithm>
#include <utility>

namespace nats::js {

publisher_state::publisher_state(const publisher_options& o, ack_handler f, void* context)
    : options_(o), handler_(f), context_(context) {}

publisher_state::~publisher_state() {
    for (auto* list : {&turns_, &idle_, &results_}) {
        while (!list->empty()) {
            waiting& w = list->pop_front();
            w.state = nullptr;
            w.changed.set();
        }
    }
}

publisher_state::waiting::~waiting() {
    if (state == nullptr) return;
    publisher_state& s = *state;
    if (about.value != 0 && s.window_->waiting(about) == &changed) {
        s.window_->set_waiting(about, nullptr);
        s.window_->release(about); // if it was kept for this one
    }
    unlink();
    if (in_turn) s.next_turn();
}

void publisher_state::next_turn() noexcept {
    if (!turns_.empty()) turns_.front().changed.set();
}

// --- publishing

/// Subscribes to the answers with the first publish.
result<void> publisher_state::prepare(runtime& rt) {
    if (box_.active()) return {};
    if (!window_) {
        reply_ = rt.new_inbox() + '.';
        std::uint64_t start = 0; // of the generations: what cannot be guessed is the inbox
        (void)read_base62(reply_.data() + reply_.size() - 5, 4, start);
        window_.emplace(options_, static_cast<std::uint32_t>(start));
        runtime_ = &rt;
    }
    const std::string answers =
        reply_.substr(0, reply_.rfind('.') + 1) + '*'; // the token is cut off
    const auto handle = [](void* self, const nats::message_view& m) {
        static_cast<publisher_state*>(self)->handle_answer(m);
    };
    if (result<void> ok = rt.subscribe(box_, answers, {}, handle, this); !ok) return ok;
    if (!watcher_) {
        reply_.append(publish_window::token_size, '0');
        watcher_.emplace(watch(rt, *this));
        watcher_->start();
    }
    return {};
}

/// Of the connection that is up, or else of the next one.
std::uint64_t publisher_state::connection_of(runtime& rt) noexcept {
    return rt.connections() + (rt.connection().is_up() ? 0 : 1);
}

result<publish_ticket> publisher_state::send(runtime& rt, std::string_view subject, bytes payload,
                                             header_view fields) {
    if (result<void> ok = prepare(rt); !ok) return ok.error();
    const publish_ticket t = window_->next();
    publish_window::write_token(t, reply_.data() + reply_.size() - publish_window::token_size);
    if (rt.output_full()) return error{errc::output_full};
    result<void> sent = rt.connection().publish(subject, payload, reply_, fields);
    if (!sent) return sent.error();
    window_->begin(subject, fields, payload, rt.now(), connection_of(rt));
    if (window_->deadline() < watched_until_) wake_watcher_.set();
    return t;
}

result<publish_ticket> publisher_state::try_publish(runtime& rt, std::string_view subject,
                                                    bytes payload, const publish_options& o) {
    if (!turns_.empty() || (window_ && window_->full())) return error{errc::acks_overdue};
    headers_.clear();
    if (result<void> ok = append_headers(headers_, o, payload); !ok) return ok.error();
    return send(rt, subject, payload, header_view(headers_));
}

op<result<publish_ticket>> publish(runtime& rt, publisher_state& s, result<publish_request> given) {
    if (!given) co_return given.error();
    const publish_request r = std::move(*given);
    const time_point deadline = deadline_after(rt.now(), s.options_.stall_wait);
    publisher_state::waiting turn(s);
    s.turns_.push_back(turn);
    turn.in_turn = true;
    while (true) {
        if (&s.turns_.front() == &turn && !(s.window_ && s.window_->full())) {
            result<publish_ticket> sent = s.send(rt, r.subject(), r.payload(), r.headers());
            if (sent || sent.error() != errc::output_full) co_return sent;
            result<void> room = co_await rt.room(deadline);
            if (turn.state == nullptr) co_return error(errc::invalid_subscription);
            if (!room && room.error() == errc::timeout) co_return sent;
            if (!room) co_return room.error();
            continue;
        }
        if (rt.now() >= deadline)
            co_return error(errc::acks_overdue, std::to_string(s.pending()) + " pending");
        result<void> changed = co_await rt.wait(turn.changed, deadline);
        if (turn.state == nullptr) co_return error(errc::invalid_subscription);
        if (!changed) co_return changed.error();
    }
}

// --- results

void publisher_state::handle_answer(const nats::message_view& m) {
    const std::size_t inbox = reply_.size() - publish_window::token_size;
    if (m.subject.size() != reply_.size() ||
        m.subject.substr(0, inbox) != std::string_view(reply_).substr(0, inbox))
        return;
    const std::optional<publish_ticket> t =
        window_->handle_answer(m.subject.substr(inbox), m, runtime_->now());
    if (t)
        report(*t);
    else if (window_->deadline() < watched_until_)
        wake_watcher_.set(); // it is to be sent again
}

/// One has its result: tells who waits for it, for room or for the end of all, and the handler.
void publisher_state::report(publish_ticket t) {
    const result<const result<pub_ack>*> known = window_->outcome(t);
    if (!known || *known == nullptr) return;
    const result<pub_ack>& r = **known;
    if (!r && !first_failure_) first_failure_ = r.error();
    if (wakeup* const w = window_->waiting(t); w != nullptr) w->set();
    next_turn();
    if (window_->pending() == 0) {
        for (waiting& w : idle_) w.changed.set();
    }
    struct releasing {
        publisher_state* s;
        publish_ticket t;
        ~releasing() { // also when the handler throws
            if (s->window_->waiting(t) == nullptr) s->window_->release(t);
        }
    } const at_end{this, t};
    if (handler_ != nullptr) handler_(context_, t, r);
}

op<result<pub_ack>> wait(runtime& rt, publisher_state& s, publish_ticket t) {
    if (!s.window_) co_return error(errc::invalid_argument, "no such publish");
    publisher_state::waiting w(s);
    while (true) {
        const result<const result<pub_ack>*> known = s.window_->outcome(t);
        if (!known) co_return known.error();
        if (*known != nullptr) co_return **known;
        if (w.about.value == 0) {
            if (s.window_->waiting(t) != nullptr) co_return error(errc::in_use);
            s.results_.push_back(w);
            s.window_->set_waiting(t, &w.changed);
            w.about = t;
        }
        result<void> changed = co_await rt.wait(w.changed, no_deadline);
        if (w.state == nullptr) co_return error(errc::invalid_subscription);
        if (!changed) {
            // The session is closed, and the watcher tells all of them the same.
            co_return error(errc::publish_unconfirmed, changed.error().message());
        }
    }
}

op<result<publish_counts>> complete(runtime& rt, publisher_state& s, duration timeout) {
    if (timeout <= duration::zero())
        co_return error(errc::invalid_argument, "timeout must be positive");
    const time_point deadline = deadline_after(rt.now(), timeout);
    publisher_state::waiting w(s);
    s.idle_.push_back(w);
    while (s.pending() != 0) {
        if (rt.now() >= deadline)
            co_return error(errc::acks_overdue, std::to_string(s.pending()) + " pending");
        result<void> changed = co_await rt.wait(w.changed, deadline);
        if (w.state == nullptr) co_return error(errc::invalid_subscription);
        if (!changed && s.pending() != 0) co_return changed.error();
    }
    const publish_counts now = s.counts();
    const publish_counts before = std::exchange(s.before_, now);
    publish_counts done;
    done.published = now.published - before.published;
    done.acknowledged = now.acknowledged - before.acknowledged;
    done.duplicates = now.duplicates - before.duplicates;
    done.failed = now.failed - before.failed;
    const std::optional<error> failed = std::exchange(s.first_failure_, std::nullopt);
    if (failed) co_return *failed;
    co_return done;
}

// --- time, and connections

void publisher_state::resend(runtime& rt) {
    while (std::optional<publish_window::message_to_send> m =
               window_->retry(rt.now(), connection_of(rt))) {
        publish_window::write_token(m->ticket,
                                    reply_.data() + reply_.size() - publish_window::token_size);
        result<void> sent = rt.connection().publish(m->subject, m->payload, reply_, m->headers);
        if (sent) continue;
        if (std::optional<publish_ticket> t =
                window_->handle_unsent(m->ticket, sent.error(), rt.now()))
            report(*t);
    }
}

void publisher_state::step(runtime& rt) {
    const bool up = rt.connection().is_up();
    if (up) {
        while (std::optional<publish_ticket> t = window_->lose(rt.connections())) report(*t);
    }
    const std::uint64_t now_up = up ? rt.connections() : 0;
    while (std::optional<publish_ticket> t = window_->expire(rt.now(), now_up)) report(*t);
    resend(rt);
}

op<result<void>> publisher_state::watch(runtime& rt, publisher_state& s) {
    while (true) {
        s.watched_until_ = s.window_->deadline();
        result<void> woken = co_await rt.wait(s.wake_watcher_, s.watched_until_);
        if (!woken) {
            const error why = woken.error();
            while (std::optional<publish_ticket> t = s.window_->abandon(why)) s.report(*t);
            co_return woken;
        }
        s.step(rt);
    }
}

} // namespace nats::js

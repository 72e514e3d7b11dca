// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// dispatch() looks at one event and hands it on. A message's cookie says where it belongs: the
// address of a mailbox, or of `inbox_cookie_` for replies. There it resumes the op that waits,
// calls the handler, or is queued. The op runs inside dispatch() to its next wait; only then does
// the driver ask the session for the next event, so views are valid as long as an op can use them.
//
// Whatever is resumed or called may destroy ops, mailboxes and handlers, also its own. So nothing
// is touched after a resume or a call but members of this object, and loops over lists take
// elements off one at a time.
//
// A handler that waits (a flush inside of it, say) drives this same runtime. Meanwhile messages for
// handlers are queued, and whoever waited before the handler was called is not resumed but put
// `behind_`, with a copy of its message: the views that it would get would have ended long before
// it can use them. When the outermost handler has returned, both catch up. When it has thrown, the
// waiters are resumed first, and the messages are looked at with the next event or deadline, which
// is then due at once.

#include <natsproto/runtime.hpp>

#include "core/output_ahead.hpp"

#include <algorithm>
#include <cassert>
#include <exception>
#include <utility>

namespace nats {

namespace {

constexpr unsigned request_slot_bits = 20;
constexpr std::uint32_t max_generation =
    (1U << 27U) - 1; // slot and generation fit 8 digits of base62
constexpr std::size_t token_size = 8;

} // namespace

runtime::runtime(session& s, random_source& random)
    : session_(&s),
      ids_(random),
      first_generation_(static_cast<std::uint32_t>(random.below(max_generation))) {}

runtime::~runtime() {
    while (!mailboxes_.empty()) {
        mailbox& box = mailboxes_.pop_front();
        box.id_.reset();
        box.ended_ = errc::connection_closed;
        box.runtime_ = nullptr;
    }
}

void runtime::observe(observer f, void* context) noexcept {
    observer_ = f;
    observer_context_ = context;
}

void runtime::tell(const event& e) {
    if (observer_ != nullptr && !session_->quiet()) observer_(observer_context_, e);
}

// --- resuming

void runtime::resume(waiter& w) {
    remove_deadline(w);
    if (w.depth_ < handlers_running_) {
        behind_.push_back(w);
        return;
    }
    w.unlink();
    std::exchange(w.handle_, {}).resume();
}

void runtime::fail(waiter& w, error why) {
    w.failed_ = true;
    w.failure_ = std::move(why);
    resume(w);
}

message_view runtime::keep_for(const waiter& w, const message_view& m) {
    if (w.depth_ >= handlers_running_) return m;
    kept_.emplace_back(m);
    return kept_.back().view();
}

void runtime::catch_up() {
    struct resume_rest {
        runtime* rt;
        ~resume_rest() { rt->resume_behind(); } // also when a handler throws
    } const guard{this};
    if (handlers_behind_) run_queued_handlers();
}

void runtime::resume_behind() {
    while (!behind_.empty()) resume(behind_.front());
}

// --- events

/// A handler has thrown: nothing else would wake who waits behind it.
void runtime::recover_from_throw() {
    if (handlers_running_ == 0) resume_behind();
}

/// The memory of the copy is kept for the next one.
void runtime::dispatch_put_off() {
    put_off_message m = std::exchange(put_off_, {});
    const message_view view = m.copy.view();
    dispatch_message({&view, m.sub, m.cookie, m.last});
    if (!put_off_.held) put_off_.copy = std::move(m.copy);
}

void runtime::dispatch(const event& e) {
    if (put_off_.held) dispatch_put_off(); // it has come before
    if (const auto* m = std::get_if<ev::message>(&e)) {
        dispatch_message(in_place(*m));
        while (put_off_.held) dispatch_put_off(); // there may be no further event
        return;
    }
    if (handlers_running_ == 0) kept_.clear();
    try {
        hand_on(e);
    } catch (...) {
        recover_from_throw();
        throw;
    }
    // After any event: a handler that threw left what was queued behind it to the next one.
    settle();
}

void runtime::dispatch_message(const message_in_place& m) {
    if (handlers_running_ == 0) kept_.clear();
    ++depth_;
    try {
        on_message(m);
    } catch (...) {
        --depth_;
        recover_from_throw();
        throw;
    }
    --depth_;
    settle();
}

bool runtime::dispatch_next() {
    if (put_off_.held) {
        dispatch_put_off();
        return true;
    }
    message_in_place m;
    if (session_->next_message(m)) {
        dispatch_message(m);
        return true;
    }
    event e;
    if (!session_->next(e)) return false;
    dispatch(e);
    return true;
}

void runtime::settle() {
    if (handlers_running_ != 0 || !has_duties()) return;
    wake_and_tell();
    if (!ends_.empty()) {
        tell_ends();
        wake_and_tell(); // there may be no further event
    }
    if (drain_pending_) step_drain();
    if (!barriers_.empty()) step_barriers();
}

void runtime::hand_on(const event& e) {
    wanted_mailbox about{mailbox_of(e), wanted_}; // which the observer may destroy
    std::exception_ptr thrown; // by the observer: those who wait have to hear of it all the same
    wanted_ = &about;
    try {
        tell(e);
    } catch (...) {
        thrown = std::current_exception();
    }
    wanted_ = about.outer;
    react(e, about.box);
    if (thrown) std::rethrow_exception(thrown);
}

/// Null for events that are not about a subscription.
mailbox* runtime::mailbox_of(const event& e) const noexcept {
    void* cookie = nullptr;
    if (const auto* drained = std::get_if<ev::subscription_drained>(&e))
        cookie = drained->cookie;
    else if (const auto* refused = std::get_if<ev::server_error>(&e); refused && refused->sub)
        cookie = refused->cookie;
    return cookie == &inbox_cookie_ ? nullptr : static_cast<mailbox*>(cookie);
}

void runtime::react(const event& e, mailbox* about) {
    if (const auto* p = std::get_if<ev::pong>(&e))
        on_pong(*p);
    else if (std::holds_alternative<ev::connected>(e) || std::holds_alternative<ev::reconnected>(e))
        on_connected();
    else if (std::holds_alternative<ev::connect_failed>(e)) {
        // When it is closed, `ev::closed` follows and fails them.
        if (session_->status() == session_status::reconnecting) resume_all(for_first_);
    } else if (const auto* d = std::get_if<ev::disconnected>(&e))
        on_disconnected(error(*d->why));
    else if (std::holds_alternative<ev::subscription_drained>(e))
        on_drained(about);
    else if (std::holds_alternative<ev::subscriptions_drained>(e))
        drain_pending_ = true;
    else if (const auto* refused = std::get_if<ev::server_error>(&e))
        on_refused(*refused, about);
    else if (const auto* c = std::get_if<ev::closed>(&e))
        on_closed(error(*c->why));
}

void runtime::on_message(const message_in_place& m) {
    if (m.cookie == &inbox_cookie_) {
        on_reply(*m.view);
        return;
    }
    if (m.cookie == nullptr) return; // of a subscription made at the session, not here
    mailbox& box = *static_cast<mailbox*>(m.cookie);
    if (m.last) {
        box.id_.reset();
        box.ended_ = errc::max_messages_reached;
        note_end(box);
    }
    deliver(box, *m.view, m.sub);
}

void runtime::deliver(mailbox& box, const message_view& m, sub_id id) {
    if (box.handler_ != nullptr && handlers_running_ == 0 && box.head_ == nullptr) {
        call_handler(box, m);
        return;
    }
    // One that has failed already waits behind a handler: the message is not for it.
    if (box.waiter_ != nullptr && !box.waiter_->failed_) {
        mailbox_waiter& w = *std::exchange(box.waiter_, nullptr);
        w.box_ = nullptr; // which may go before it is resumed
        ++box.delivered_;
        w.message_ = keep_for(w, m);
        resume(w);
        return;
    }
    if (box.push(m)) {
        if (box.handler_ != nullptr) handlers_behind_ = true;
        return;
    }
    if (std::exchange(box.slow_, true)) return;
    box.slow_unseen_ = true;
    if (box.trouble_ != nullptr) box.trouble_->set();
    tell(ev::slow_consumer{id, session_->subject_of(id), box.dropped_});
}

void runtime::call_handler(mailbox& box, const message_view& m) {
    struct leave {
        int* running;
        ~leave() { --*running; } // also when the handler throws
    };
    ++box.delivered_;
    ++handlers_running_;
    const leave guard{&handlers_running_};
    box.handler_(box.context_, m);
}

void runtime::run_queued_handlers() {
    while (std::exchange(handlers_behind_, false)) {
        for (mailbox& box : mailboxes_) {
            if (box.handler_ == nullptr || box.head_ == nullptr) continue;
            box.pop();
            const message kept = std::move(box.current_); // the handler may destroy the mailbox
            handlers_behind_ = true; // look again, from the start: the list may change
            call_handler(box, kept.view());
            break;
        }
    }
}

void runtime::on_pong(const ev::pong& p) {
    // PONGs come in the order of the PINGs; a flush that gave up is not in the list any more.
    if (flushes_.empty()) return;
    auto& w = static_cast<flush_waiter&>(flushes_.front());
    if (w.ping_ != p.id) return;
    w.rtt_ = p.rtt;
    resume(w);
}

/// Takes them one at a time off a list of its own: what is resumed may wait again, or end others.
void runtime::resume_all(detail::intrusive_list<waiter>& list) {
    detail::intrusive_list<waiter> ready;
    while (!list.empty()) ready.push_back(list.front());
    while (!ready.empty()) resume(ready.front());
}

void runtime::fail_all(detail::intrusive_list<waiter>& list, const error& why) {
    detail::intrusive_list<waiter> ready;
    while (!list.empty()) ready.push_back(list.front());
    while (!ready.empty()) fail(ready.front(), why);
}

void runtime::fail_requests(const error& why) {
    // By index: what is resumed may make the table grow.
    for (std::size_t i = 0; i < requests_.size(); ++i) { // NOLINT(modernize-loop-convert)
        if (requests_[i].waiting != nullptr) fail(*requests_[i].waiting, why);
    }
}

void runtime::on_connected() {
    ++connections_;
    wake_all();
    resume_all(for_first_);
    resume_all(for_connection_);
}

/// Their PONGs can not come any more; replies may, after the reconnect.
void runtime::on_disconnected(const error& why) {
    wake_all();
    fail_all(flushes_, why);
    if (session_->fails_requests_on_disconnect()) fail_requests(why);
    // What waited to be written is gone, or kept elsewhere.
    if (session_->status() != session_status::closed) {
        resume_all(for_room_);
        resume_all(for_written_);
    }
}

void runtime::on_drained(mailbox* box) {
    if (box == nullptr) return;
    box->id_.reset();
    box->ended_ = errc::drained;
    note_end(*box);
    if (box->waiter_ != nullptr) fail(*box->waiter_, box->ended_);
}

/// The reader of a refused subscription is told once; the server is asked again at the next
/// reconnect.
void runtime::on_refused(const ev::server_error& e, mailbox* box) {
    if (box == nullptr) return;
    error why = wire::to_error(e.what, e.text);
    if (box->waiter_ != nullptr) {
        fail(*box->waiter_, std::move(why));
        return;
    }
    box->refusal_ = std::move(why);
    box->refusal_unseen_ = true;
    if (box->trouble_ != nullptr) box->trouble_->set();
}

void runtime::on_closed(const error& why) {
    drain_pending_ = false;
    for (auto* list : {&flushes_, &for_connection_, &for_first_, &for_room_, &for_written_,
                       &asleep_, &barriers_, &for_wakeup_, &woken_})
        fail_all(*list, why);
    fail_requests(why);
    // The queues stay readable: what was received before the end is not lost.
    detail::intrusive_list<mailbox> ended;
    while (!mailboxes_.empty()) {
        mailbox& box = mailboxes_.front();
        ended.push_back(box);
        end_mailbox(box, why);
    }
    while (!ended.empty()) mailboxes_.push_back(ended.pop_front());
    resume_all(for_end_);
}

void runtime::end_mailbox(mailbox& box, error why) {
    if (box.id_) {
        box.id_.reset();
        box.ended_ = why;
        note_end(box);
    }
    if (box.waiter_ != nullptr) fail(*box.waiter_, std::move(why));
}

bool runtime::has_room() const noexcept {
    const std::size_t most = std::min(session_->bounds().max_output_bytes, output_ahead);
    return session_->untransmitted() < most / 2 + 1;
}

void runtime::transmitted(std::size_t n) {
    session_->transmitted(n);
    if (!for_room_.empty() && has_room()) resume_all(for_room_);
    if (!for_written_.empty() && session_->untransmitted() == 0) resume_all(for_written_);
}

// --- requests

result<void> runtime::begin_request(request_waiter& w) {
    if (session_->status() == session_status::closed) return session_->close_reason();
    if (session_->status() == session_status::draining_subs ||
        session_->status() == session_status::draining_pubs)
        return error{errc::draining};
    if (inbox_.empty()) {
        std::string inbox = new_inbox() + '.';
        result<sub_id> sub = session_->subscribe(inbox + '*', std::nullopt, &inbox_cookie_);
        if (!sub) return sub.error();
        inbox_ = std::move(inbox);
        inbox_id_ = *sub;
        reply_ = inbox_ + std::string(token_size, '0');
    }
    if (free_request_ == 0) {
        const std::size_t most =
            std::min<std::size_t>(session_->bounds().max_requests, 1U << request_slot_bits);
        if (requests_.size() >= most) return error{errc::too_many_requests};
        requests_.push_back({nullptr, first_generation_, 0});
        free_request_ = static_cast<std::uint32_t>(requests_.size());
    }
    const std::uint32_t number = free_request_;
    request_slot& slot = requests_[number - 1];
    const std::uint64_t token =
        (std::uint64_t{slot.generation} << request_slot_bits) | (number - 1);
    write_base62(reply_.data() + inbox_.size(), token_size, token);
    if (result<void> sent = session_->publish(w.subject_, w.payload_, reply_, w.headers_); !sent)
        return sent;
    free_request_ = slot.next_free;
    slot.waiting = &w;
    w.slot_ = number;
    ++requests_waiting_;
    return {};
}

void runtime::end_request(request_waiter& w) noexcept {
    request_slot& slot = requests_[w.slot_ - 1];
    slot.waiting = nullptr;
    slot.generation = (slot.generation + 1) & max_generation; // a late reply finds nothing
    slot.next_free = free_request_;
    free_request_ = std::exchange(w.slot_, 0);
    --requests_waiting_;
}

void runtime::on_reply(const message_view& m) {
    request_waiter* w = nullptr;
    std::uint64_t token = 0;
    if (m.subject.starts_with(inbox_)) {
        if (m.subject.size() != inbox_.size() + token_size) return;
        if (!read_base62(m.subject.data() + inbox_.size(), token_size, token)) return;
        const std::uint64_t slot = token & ((1U << request_slot_bits) - 1);
        if (slot >= requests_.size() || requests_[slot].generation != token >> request_slot_bits)
            return;
        w = requests_[slot].waiting;
    } else if (requests_waiting_ == 1) {
        // The subject was rewritten on the way (mappings, imports). With one request waiting there
        // is no doubt whose it is.
        for (const request_slot& s : requests_) {
            if (s.waiting != nullptr) w = s.waiting;
        }
    }
    if (w == nullptr) return;
    end_request(*w); // one reply only
    if (m.is_no_responders()) {
        fail(*w, error{errc::no_responders, 503, {}});
        return;
    }
    w->reply_ = keep_for(*w, m);
    resume(*w);
}

// --- subscriptions

std::string runtime::new_id() {
    const nuid::text id = ids_.next();
    return {id.data(), id.size()};
}

std::string runtime::new_inbox() {
    return session_->inbox_prefix() + '.' + new_id();
}

result<void> runtime::subscribe(mailbox& box, std::string_view subject, const subscribe_options& o,
                                mailbox::handler handle, void* context) {
    if (box.active()) return error{errc::in_use};
    if (o.pending) {
        if (result<void> ok = box.set_limits(*o.pending); !ok) return ok;
    } else {
        box.limits_ = session_->default_pending();
    }
    result<sub_id> id = session_->subscribe(subject, o.queue, &box);
    if (!id) return id.error();
    box.runtime_ = this;
    box.id_ = *id;
    box.handler_ = handle;
    box.context_ = context;
    box.draining_ = box.reading_ = box.refusal_unseen_ = false;
    mailboxes_.push_back(box);
    return {};
}

result<void> runtime::unsubscribe(mailbox& box, std::optional<std::uint64_t> after) {
    if (!box.id_) return error{errc::invalid_subscription};
    result<void> done = session_->unsubscribe(*box.id_, after);
    if (!done) return done;
    if (after && !session_->subject_of(*box.id_).empty())
        return {}; // it goes on until that many have come
    if (!after) {
        box.drop_queue();
        if (put_off_.cookie == &box) put_off_.held = false;
    }
    box.ended_ = after ? errc::max_messages_reached : errc::invalid_subscription;
    box.id_.reset();
    note_end(box);
    if (box.waiter_ != nullptr) fail(*box.waiter_, box.ended_);
    return {};
}

result<void> runtime::drain(mailbox& box) {
    if (!box.id_) return error{errc::invalid_subscription};
    result<void> begun = session_->drain(*box.id_, now_);
    if (begun) box.draining_ = true;
    return begun;
}

result<void> runtime::drain_connection(bool readers) {
    result<void> begun = session_->drain(now_, drain_mode::stepwise, inbox_id_);
    if (!begun) return begun;
    drain_readers_ = readers; // the last word counts: a reader may say that it reads no more
    for (mailbox& box : mailboxes_) box.draining_ = true;
    if (drain_pending_ && handlers_running_ == 0) step_drain();
    return {};
}

/// Whether all that was received has been dealt with; then the second half of the drain begins.
void runtime::step_drain() {
    if (drain_holds_ != 0) return;
    for (const mailbox& box : mailboxes_) {
        const bool counts = box.handler_ != nullptr || drain_readers_;
        if (counts && (box.head_ != nullptr || (box.handler_ == nullptr && box.reading_))) return;
    }
    drain_pending_ = false;
    session_->finish_drain(now_);
}

void runtime::release_drain() noexcept {
    if (--drain_holds_ == 0) post(released_);
}

void runtime::go_on_draining(void* self) {
    auto& rt = *static_cast<runtime*>(self);
    if (rt.drain_pending_) rt.step_drain();
}

void runtime::step_barriers() {
    detail::intrusive_list<waiter> waiting;
    while (!barriers_.empty()) waiting.push_back(barriers_.front());
    while (!waiting.empty()) {
        auto& w = static_cast<barrier_waiter&>(waiting.front());
        if (w.reached())
            resume(w);
        else
            barriers_.push_back(w);
    }
}

void runtime::note_end(mailbox& box) {
    if (box.end_handler_ == nullptr || std::exchange(box.end_untold_, true)) return;
    ends_.push_back(&box);
}

/// Tells the ends of those whose queue is empty. By index: what is called may end others.
void runtime::tell_ends() {
    std::vector<mailbox*> later;
    for (std::size_t i = 0; i < ends_.size(); ++i) { // NOLINT(modernize-loop-convert)
        mailbox* const box = ends_[i];
        if (box == nullptr) continue;
        if (box->head_ != nullptr) {
            later.push_back(box);
            continue;
        }
        ends_[i] = nullptr;
        box->end_untold_ = false;
        if (!box->id_) box->end_handler_(box->end_context_, error(box->ended_));
    }
    // One of those may have been destroyed by a call after it was looked at.
    std::erase_if(later, [this](mailbox* box) {
        return std::find(ends_.begin(), ends_.end(), box) == ends_.end();
    });
    ends_ = std::move(later);
}

/// A mailbox is being destroyed.
void runtime::forget(const mailbox& box) noexcept {
    if (put_off_.cookie == &box) put_off_.held = false;
    for (mailbox*& end : ends_) {
        if (end == &box) end = nullptr;
    }
    for (waiter& w : barriers_) {
        for (barrier_waiter::target& t : static_cast<barrier_waiter&>(w).targets_) {
            if (t.box == &box) t.box = nullptr;
        }
    }
}

} // namespace nats

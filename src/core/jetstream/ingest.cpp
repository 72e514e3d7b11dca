// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: messages go straight to the session as long as the machine lets them.
// Answers come to one subscription, and are given to the machine as they arrive. Only who waits
// looks at the time: an op, for room, for the first answer or for the last one. While it does, lost
// answers are asked for with pings, and so they are after a reconnect.

#include <natsproto/jetstream/ingest.hpp>

#include <natsproto/client/ops.hpp>

#include <utility>

namespace nats::js {

namespace {

error destroyed() {
    return {errc::ingest_incomplete, "it was destroyed"};
}

} // namespace

ingest_state::~ingest_state() {
    wake_.set(); // whoever waits finds out
}

result<void> ingest_state::check_open() const {
    if (slot_.taken()) return error{errc::in_use};
    if (ended_) return *ended_;
    return {};
}

/// Ends it; what the user is told then and later.
error ingest_state::end(error why) {
    if (box_.active() && runtime_ != nullptr) (void)runtime_->unsubscribe(box_);
    if (!ended_) ended_ = why;
    return why;
}

result<void> ingest_state::prepare(runtime& rt) {
    if (machine_) return {};
    runtime_ = &rt;
    ingest_machine fresh(options_, rt.new_inbox() + '.' + rt.new_id());
    const auto handle = [](void* self, const nats::message_view& m) {
        static_cast<ingest_state*>(self)->handle_answer(m);
    };
    result<void> subscribed = rt.subscribe(box_, fresh.subscription(), {}, handle, this);
    if (!subscribed) return subscribed;
    machine_.emplace(std::move(fresh));
    connection_ = rt.connections();
    return {};
}

void ingest_state::handle_answer(const nats::message_view& m) {
    machine_->handle_message(m, runtime_->now());
    wake_.set();
    while (std::optional<error> w = machine_->poll_warning()) {
        if (handler_ != nullptr) handler_(context_, *w);
    }
}

result<void> ingest_state::publish(runtime& rt, const publish_request& r, operation what) {
    result<void> sent =
        rt.connection().publish(r.subject(), r.payload(), machine_->reply_for(what), r.headers());
    if (!sent) return sent;
    subject_ = r.subject();
    machine_->handle_sent(what, rt.now());
    return {};
}

void ingest_state::ping(runtime& rt) {
    if (!rt.connection().is_up()) return;
    if (rt.connection().publish(subject_, {}, machine_->reply_for(operation::ping), {}))
        machine_->handle_sent(operation::ping, rt.now());
}

/// Notices a new connection, and does what is due.
void ingest_state::look_around(runtime& rt) {
    if (rt.connection().is_up() && rt.connections() != connection_) {
        connection_ = rt.connections();
        machine_->handle_new_connection();
    }
    if (machine_->ping_due()) ping(rt);
}

op<result<void>> ingest_state::until(runtime& rt, use& mine, condition reached) {
    mine.state->machine_->begin_wait(rt.now());
    while (true) {
        ingest_machine& m = *mine.state->machine_;
        m.handle_timeout(rt.now());
        mine.state->look_around(rt);
        if ((m.*reached)()) co_return result<void>();
        if (m.failure()) co_return mine.state->end(*m.failure());
        if (m.finished()) co_return mine.state->end({errc::ingest_incomplete, "it has ended"});
        result<void> woken = co_await rt.wait(mine.state->wake_, m.deadline());
        if (mine.state == nullptr) co_return destroyed();
        if (!woken) co_return mine.state->end(woken.error());
    }
}

/// Sends the first message, again while nobody listens to its subject.
op<result<void>> ingest_state::open_with(runtime& rt, use& mine, const publish_request& r,
                                         operation what) {
    const time_point deadline = deadline_after(rt.now(), r.timeout());
    for (int sent = 1;; ++sent) {
        result<void> first = mine.state->publish(rt, r, what);
        if (!first) co_return mine.state->end(first.error());
        result<void> told = co_await until(rt, mine, &ingest_machine::answered);
        if (!told) co_return told;
        ingest_machine& m = *mine.state->machine_;
        if (m.failure()) co_return mine.state->end(*m.failure());
        if (!m.unheard()) co_return result<void>();
        const std::optional<time_point> next = r.next_attempt(sent, rt.now(), deadline);
        if (!next) co_return mine.state->end(r.unheard());
        m.start_again();
        result<void> slept = co_await rt.sleep_until(*next);
        if (mine.state == nullptr) co_return destroyed();
        if (!slept) co_return mine.state->end(slept.error());
    }
}

op<result<void>> ingest_state::send(runtime& rt, use& mine, const publish_request& r,
                                    operation what) {
    if (rt.output_full()) {
        result<void> room = co_await ops::make_room(rt, deadline_after(rt.now(), r.timeout()));
        if (mine.state == nullptr) co_return destroyed();
        if (!room) co_return room;
    }
    if (result<void> ready = mine.state->prepare(rt); !ready) co_return ready;
    const bool first = mine.state->machine_->sequence() == 0;
    if (first && what == operation::add) what = operation::start;
    if (first) {
        result<void> begun = co_await open_with(rt, mine, r, what);
        co_return begun;
    }
    mine.state->look_around(rt);
    if (!mine.state->machine_->may_send()) {
        result<void> way = co_await until(rt, mine, &ingest_machine::may_send);
        if (!way) co_return way;
    }
    result<void> sent = mine.state->publish(rt, r, what);
    if (!sent) co_return mine.state->end(sent.error());
    co_return result<void>();
}

op<result<ingest_progress>> add(runtime& rt, ingest_state& s, result<publish_request> given) {
    if (!given) co_return given.error();
    const publish_request r = std::move(*given);
    if (result<void> ok = s.check_open(); !ok) co_return ok.error();
    ingest_state::use mine(s, s.slot_);
    result<void> sent = co_await ingest_state::send(rt, mine, r, ingest_state::operation::add);
    if (!sent) co_return sent.error();
    if (mine.state == nullptr) co_return destroyed();
    co_return mine.state->progress();
}

op<result<pub_ack>> ingest_state::end_with(runtime& rt, use& mine, publish_request r,
                                           operation what) {
    result<void> sent = co_await send(rt, mine, r, what);
    if (!sent) co_return sent.error();
    if (mine.state == nullptr) co_return destroyed();
    result<void> over = co_await until(rt, mine, &ingest_machine::finished);
    if (!over) co_return over.error();
    ingest_state& s = *mine.state;
    if (s.machine_->failure()) co_return s.end(*s.machine_->failure());
    (void)s.end({errc::ingest_incomplete, "it has ended"});
    co_return *s.machine_->outcome();
}

op<result<pub_ack>> commit(runtime& rt, ingest_state& s, result<publish_request> given) {
    if (!given) co_return given.error();
    publish_request r = std::move(*given);
    if (result<void> ok = s.check_open(); !ok) co_return ok.error();
    ingest_state::use mine(s, s.slot_);
    result<pub_ack> ack =
        co_await ingest_state::end_with(rt, mine, std::move(r), ingest_state::operation::commit);
    co_return std::move(ack);
}

op<result<pub_ack>> finish(runtime& rt, ingest_state& s) {
    if (result<void> ok = s.check_open(); !ok) co_return ok.error();
    if (s.progress().sequence == 0) co_return error(errc::invalid_argument, "nothing was added");
    result<publish_request> r = publish_request::make(s.subject_, {}, {});
    if (!r) co_return r.error();
    ingest_state::use mine(s, s.slot_);
    result<pub_ack> ack =
        co_await ingest_state::end_with(rt, mine, std::move(*r), ingest_state::operation::end);
    co_return std::move(ack);
}

result<void> keep_alive(runtime& rt, ingest_state& s) {
    if (result<void> ok = s.check_open(); !ok) return ok;
    if (s.progress().sequence == 0) return error{errc::invalid_argument, "nothing was added"};
    return rt.connection().publish(s.subject_, {},
                                   s.machine_->reply_for(ingest_state::operation::ping), {});
}

} // namespace nats::js

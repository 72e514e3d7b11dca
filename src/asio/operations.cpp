// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// An operation is in one of four lists: it waits; it is ready, to be delivered in this turn; it is
// ready, but ended as it began, and is delivered later, so that it does not complete inside of its
// initiating call; or it has its result and is held until the transport is gone. An op that ends
// says so from its last step, which moves its operation and does nothing else. The turn delivers
// when the runtime is at rest.
//
// A cancellation, or the end of the client, that comes while an op may be running (the runtime
// hands an event on, or an op is being started) is put off until it has stopped: it may be the one
// that would be destroyed.

#include <natsproto/asio/tcp_connector.hpp>
#include <natsproto/client/ops.hpp>

#include "asio/driver.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/system_executor.hpp>

#include <utility>

namespace nats::aio::detail {

boost::system::error_code aborted() noexcept {
    return boost::asio::error::operation_aborted;
}

const boost::asio::any_io_executor& executor_of(const driver* d) {
    static const boost::asio::any_io_executor fallback = boost::asio::system_executor();
    return d == nullptr || !d->executor() ? fallback : d->executor();
}

void operation_base::fail(const error& e) {
    ec = boost::system::error_code(code_of(e));
    if (why != nullptr) *why = e;
}

void canceller::operator()(boost::asio::cancellation_type_t wanted) const {
    if ((wanted & honoured_) == boost::asio::cancellation_type::none) return;
    const std::shared_ptr<driver> d = driver_.lock();
    if (d) d->enter([id = id_](driver& self) { self.cancel(id); });
}

void driver::op_done(void* o) noexcept {
    auto& done = *static_cast<operation_base*>(o);
    done.ready = true;
    driver& d = *done.owner;
    (d.later_.empty() ? d.ready_ : d.later_).push_back(done); // not before what ended earlier
}

void driver::listen(operation_base& o) {
    if (!o.can_be_cancelled()) return;
    o.cancel_id = cancels_.add(o);
    o.listen(weak_from_this(), o.cancel_id);
}

void driver::begin(operation_base* o) {
    if (ended_) return refuse(o, error{errc::connection_closed});
    if (o->cancelled_early) return end_early(o);
    o->owner = this;
    waiting_.push_back(*o);
    const bool outer = std::exchange(dispatching_, true);
    o->start(&op_done);
    dispatching_ = outer;
    if (o->ready) settle(*o);
    rest();
    touched();
}

void driver::begin_made(op_maker& m) {
    if (m.target().cancelled_early) return end_early(m.release());
    if (!core_) return refuse(m.release(), error{errc::not_connected});
    take_published();
    if (!in_turn_) core_->rt.advance(clock::now()); // a turn has just told the time
    m.make(core_->rt);
    begin(m.release());
}

/// Only in a turn is what comes next the turn's own to parse, and only while nothing waits for the
/// next turn: what is taken is delivered in this one.
const message_view* driver::take_now(mailbox& box) {
    if (!core_) return nullptr;
    const bool parse = in_turn_ && !dispatching_ && later_.empty();
    const message_view* const m = core_->rt.take_now(box, parse);
    if (core_->rt.is_behind()) touched();
    return m;
}

/// What a turn has read bounds how many end in it like this, but for what was queued before.
void driver::end_with_message(operation_base& o, bool was_queued) {
    if (was_queued || ended_) return end_now(o);
    o.owner = this;
    o.ready = true;
    ready_.push_back(o);
}

void driver::refuse(operation_base* o, const error& why) {
    o->fail(why);
    end_now(*o);
}

/// The cancellation, or the client's end, was on the executor before the start got there.
void driver::end_early(operation_base* o) {
    abort(*o);
    end_now(*o);
}

void driver::end_now(operation_base& o) {
    o.owner = this;
    if (ended_) { // there are no turns any more
        o.drop();
        return o.complete(delivery::posted);
    }
    o.ready = true;
    settle(o);
    touched();
}

/// It has ended as it began.
void driver::settle(operation_base& o) {
    if (in_turn_ && at_once_ > 0 && later_.empty()) {
        --at_once_;
        ready_.push_back(o);
        return;
    }
    later_.push_back(o);
    post_turn();
}

void driver::deliver(delivery how) {
    while (!ready_.empty()) {
        operation_base& o = ready_.pop_front();
        if (o.after_transport && has_transport())
            held_.push_back(o);
        else
            finish(o, how);
    }
}

void driver::finish(operation_base& o, delivery how) {
    if (o.cancel_id != 0) cancels_.remove(std::exchange(o.cancel_id, 0));
    operation_base* left = &o;
    struct discard_left {
        operation_base** o;
        ~discard_left() {
            if (*o != nullptr) (*o)->discard();
        }
    } const guard{&left};
    o.take(); // an op of the user's may have thrown
    left = nullptr;
    o.complete(how);
}

// --- the first and the last

/// How transports are opened, unless the user said that.
result<void> driver::prepare_connector(const core& made) {
    if (settings_.write_timeout <= duration::zero())
        return error{errc::invalid_argument, "write_timeout must be positive"};
    if (connector_ != nullptr) return {};
    auto tcp = std::make_unique<tcp_connector>(tcp_options{.addresses = settings_.addresses,
                                                           .local_address = settings_.local_address,
                                                           .randomize = made.randomize});
    if (result<void> ok = tcp->check(); !ok) return ok;
    own_connector_ = std::move(tcp);
    connector_ = own_connector_.get();
    return {};
}

void driver::start_session(operation_ptr<void> o, std::unique_ptr<core> made) {
    // With the client, the user's connector may be gone.
    if (o->cancelled_early || muted_) {
        connect_called_ = false;
        return end_early(o.release());
    }
    if (result<void> ok = prepare_connector(*made); !ok) {
        failure_ = ok.error();
        connect_called_ = false;
        return refuse(o.release(), failure_);
    }
    core_ = std::move(made);
    if (result<void> started = core_->connection.start(clock::now()); !started) {
        failure_ = started.error();
        core_.reset();
        connect_called_ = false;
        return refuse(o.release(), failure_);
    }
    tell_publishers();
    begin_with(std::move(o), [](runtime& rt) { return ops::wait_settled(rt); });
}

void driver::start_closing(operation_ptr<void> o) {
    if (!core_) return end_now(*o.release()); // there is nothing to close
    if (o->cancelled_early || muted_) {
        core_->connection.close(clock::now());
        return end_early(o.release());
    }
    gentle_ = core_->connection.is_up();
    begin_with(std::move(o), [this](runtime& rt) {
        return ops::close(rt, deadline_after(rt.now(), settings_.write_timeout));
    });
}

// --- cancelling

void driver::cancel(std::uint64_t id) {
    if (ended_) return;
    if (dispatching_) {
        cancel_later_.push_back(id);
        return;
    }
    operation_base* const o = cancels_.find(id);
    if (o == nullptr) return;
    if (o->owner == nullptr) {
        o->cancelled_early = true;
        return;
    }
    if (o->ready && !o->after_transport) return; // too late
    if (o->closes_when_cancelled && core_) {
        gentle_ = false;
        core_->connection.close(clock::now());
    }
    const bool closes = o->closes_when_cancelled;
    abort(*o);
    later_.push_back(*o);
    if (closes && linger_ != no_deadline) close_now();
    post_turn();
}

/// What could not be done while an op may have been running.
void driver::rest() {
    if (dispatching_) return;
    if (std::exchange(abort_later_, false)) give_up();
    if (cancel_later_.empty()) return;
    const std::vector<std::uint64_t> ids = std::exchange(cancel_later_, {});
    for (const std::uint64_t id : ids) cancel(id);
}

void driver::abort(operation_base& o) noexcept {
    o.drop();
    o.ec = aborted();
    o.ready = true;
    o.after_transport = false;
}

void driver::abort_all() noexcept {
    while (!later_.empty()) ready_.push_back(later_.front()); // these have ended before
    for (auto* list : {&waiting_, &held_}) {
        while (!list->empty()) {
            operation_base& o = list->pop_front();
            abort(o);
            ready_.push_back(o);
        }
    }
}

void driver::discard_all() noexcept {
    for (auto* list : {&waiting_, &ready_, &later_, &held_}) {
        while (!list->empty()) list->pop_front().discard();
    }
}

} // namespace nats::aio::detail

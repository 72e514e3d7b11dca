// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: each operation of the client is an op of the runtime. Where the caller is on
// the client's executor, the op is made from the caller's views, which it reads before its first
// wait; otherwise they are copied, and the op is made over there.

#include <natsproto/asio/client.hpp>
#include <natsproto/asio/tcp_connector.hpp>
#include <natsproto/client/ops.hpp>

#include "asio/driver.hpp"
#include "core/outgoing.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace nats::aio::detail {

namespace {

using boost::asio::cancellation_type;

std::optional<error> not_positive(duration d, const char* what) {
    if (d > duration::zero()) return std::nullopt;
    return error{errc::invalid_argument, std::string(what) + " must be positive"};
}

time_point deadline_of(const runtime& rt, duration timeout) {
    return deadline_after(rt.now(), std::max(timeout, duration::zero()));
}

/// Starts an op that `make(runtime&)` makes.
template <class T, class Make>
void start(const std::shared_ptr<driver>& d, operation_ptr<T> o, Make make) {
    d->listen(*o);
    d->enter(
        [o = std::move(o), make](driver& self) mutable { self.begin_with(std::move(o), make); });
}

/// Starts an op that `make(runtime&, const outgoing&)` makes.
template <class T, class Make>
void start_sending(const std::shared_ptr<driver>& d, operation_ptr<T> o, const outgoing& what,
                   Make make) {
    d->listen(*o);
    if (d->here()) {
        d->begin_with(std::move(o), [&](runtime& rt) { return make(rt, what); });
        return;
    }
    d->enter([o = std::move(o), kept = kept_outgoing(what), make](driver& self) mutable {
        self.begin_with(std::move(o), [&](runtime& rt) { return make(rt, kept.view()); });
    });
}

/// Ends an operation whose arguments are wrong.
template <class T>
void refuse(const std::shared_ptr<driver>& d, operation_ptr<T> o, const error& why) {
    d->enter([o = std::move(o), why](driver& self) mutable { self.refuse(o.release(), why); });
}

/// The common beginning of those with a timeout: false when they have been refused.
template <class T>
bool accept(const std::shared_ptr<driver>& d, operation_ptr<T>& o, duration timeout, error* why) {
    o->why = why;
    const std::optional<error> wrong = not_positive(timeout, "timeout");
    if (wrong) refuse(d, std::move(o), *wrong);
    return !wrong;
}

} // namespace

// --- the connection

void start_connect(const std::shared_ptr<driver>& d, operation_ptr<void> o, options given) {
    if (!d->claim_connect()) return refuse(d, std::move(o), error{errc::already_connected});
    o->closes_when_cancelled = true;
    d->listen(*o);
    auto made = std::make_unique<driver::core>(*d, given); // copies what the options view
    // NOLINTNEXTLINE(*-NewDeleteLeaks): the lambda has it
    d->enter([o = std::move(o), made = std::move(made)](driver& self) mutable {
        self.start_session(std::move(o), std::move(made));
    });
}

void start_connect_to(const std::shared_ptr<driver>& d, operation_ptr<void> o,
                      std::string_view servers) {
    start_connect(d, std::move(o), {.servers = servers});
}

void start_drain(const std::shared_ptr<driver>& d, operation_ptr<void> o, error* why) {
    o->why = why;
    o->after_transport = true;
    start(d, std::move(o), [](runtime& rt) { return ops::drain(rt); });
}

void start_close(const std::shared_ptr<driver>& d, operation_ptr<void> o) {
    o->after_transport = true;
    o->closes_when_cancelled = true;
    d->listen(*o);
    d->enter([o = std::move(o)](driver& self) mutable { self.start_closing(std::move(o)); });
}

// --- round trips

void start_flush(const std::shared_ptr<driver>& d, operation_ptr<duration> o, wait_options w) {
    if (!accept(d, o, w.timeout, w.why)) return;
    start(d, std::move(o), [w](runtime& rt) { return ops::flush(rt, deadline_of(rt, w.timeout)); });
}

void start_rtt(const std::shared_ptr<driver>& d, operation_ptr<duration> o, wait_options w) {
    if (!accept(d, o, w.timeout, w.why)) return;
    start(d, std::move(o),
          [w](runtime& rt) { return ops::measure_rtt(rt, deadline_of(rt, w.timeout)); });
}

void start_wait_connected(const std::shared_ptr<driver>& d, operation_ptr<void> o, wait_options w) {
    if (!accept(d, o, w.timeout, w.why)) return;
    start(d, std::move(o),
          [w](runtime& rt) { return ops::wait_connected(rt, deadline_of(rt, w.timeout)); });
}

void start_barrier(const std::shared_ptr<driver>& d, operation_ptr<void> o, wait_options w) {
    if (!accept(d, o, w.timeout, w.why)) return;
    start(d, std::move(o),
          [w](runtime& rt) { return ops::barrier(rt, deadline_of(rt, w.timeout)); });
}

// --- publishing and requests

void start_publish(const std::shared_ptr<driver>& d, operation_ptr<void> o,
                   std::string_view subject, bytes payload, publish_options p, error* why) {
    o->why = why;
    const duration timeout = d->settings().write_timeout;
    start_sending(d, std::move(o), {subject, payload, p.reply, p.headers},
                  [timeout](runtime& rt, const outgoing& m) {
                      return ops::publish(rt, m.subject, m.payload, m.reply, m.headers,
                                          deadline_of(rt, timeout));
                  });
}

namespace {

/// A request that was sent has happened, whatever becomes of its reply.
constexpr auto not_total = cancellation_type::terminal | cancellation_type::partial;

} // namespace

void start_request(const std::shared_ptr<driver>& d, operation_ptr<message> o,
                   std::string_view subject, bytes payload, request_options r) {
    o->honoured = not_total;
    if (!accept(d, o, r.timeout, r.why)) return;
    start_sending(d, std::move(o), {subject, payload, {}, r.headers},
                  [timeout = r.timeout](runtime& rt, const outgoing& m) {
                      return ops::request_message(rt, m.subject, m.payload, m.headers,
                                                  deadline_of(rt, timeout));
                  });
}

void start_request_into(const std::shared_ptr<driver>& d, operation_ptr<void> o, message* into,
                        std::string_view subject, bytes payload, request_options r) {
    o->honoured = not_total;
    if (!accept(d, o, r.timeout, r.why)) return;
    start_sending(d, std::move(o), {subject, payload, {}, r.headers},
                  [timeout = r.timeout, into](runtime& rt, const outgoing& m) {
                      return ops::request_into(rt, *into, m.subject, m.payload, m.headers,
                                               deadline_of(rt, timeout));
                  });
}

void start_request_by_inbox(const std::shared_ptr<driver>& d, operation_ptr<message> o,
                            std::string_view subject, bytes payload, request_options r) {
    o->honoured = not_total;
    if (!accept(d, o, r.timeout, r.why)) return;
    start_sending(d, std::move(o), {subject, payload, {}, r.headers},
                  [timeout = r.timeout](runtime& rt, const outgoing& m) {
                      return ops::request_by_inbox(rt, m.subject, m.payload, m.headers,
                                                   deadline_of(rt, timeout));
                  });
}

// --- reading

std::shared_ptr<driver> owner_of(const std::shared_ptr<subscription_state>& s) {
    return s ? s->owner : nullptr;
}

std::shared_ptr<driver> owner_of(const std::shared_ptr<replies_state>& s) {
    return s ? s->owner : nullptr;
}

namespace {

/// Starts an op on a subscription that may be gone by the time that it begins. None is needed when
/// the message is there: then `keep(operation, view)` makes it the result.
template <class T, class Make, class Keep>
void start_reading(const std::shared_ptr<driver>& d, operation_ptr<T> o,
                   std::weak_ptr<subscription_state> s, const next_options& w, Make make,
                   Keep keep) {
    o->why = w.why;
    if (!d) { // a subscription that is none
        o->fail(errc::invalid_subscription);
        return o.release()->complete(delivery::posted);
    }
    d->listen(*o);
    d->enter([o = std::move(o), s = std::move(s), timeout = w.timeout, make,
              keep](driver& self) mutable {
        const std::shared_ptr<subscription_state> state = s.lock();
        if (!state) return self.refuse(o.release(), error{errc::invalid_subscription});
        if (state->handler)
            return self.refuse(o.release(),
                               error{errc::invalid_argument, "this subscription has a handler"});
        const bool was_queued = state->box.pending_messages() != 0;
        const message_view* const now = o->cancelled_early ? nullptr : self.take_now(state->box);
        if (now != nullptr) {
            keep(*o, *now);
            return self.end_with_message(*o.release(), was_queued);
        }
        self.begin_with(std::move(o), [&](runtime& rt) {
            return make(rt, state->box, deadline_of(rt, timeout));
        });
    });
}

} // namespace

void start_next(const std::shared_ptr<driver>& d, operation_ptr<message> o,
                std::weak_ptr<subscription_state> s, next_options w) {
    start_reading(
        d, std::move(o), std::move(s), w,
        [](runtime& rt, mailbox& box, time_point deadline) {
            return ops::next_message(rt, box, deadline);
        },
        [](operation<message>& done, const message_view& m) { done.value = message(m); });
}

void start_next_into(const std::shared_ptr<driver>& d, operation_ptr<void> o,
                     std::weak_ptr<subscription_state> s, message* into, next_options w) {
    start_reading(
        d, std::move(o), std::move(s), w,
        [into](runtime& rt, mailbox& box, time_point deadline) {
            return ops::next_into(rt, box, *into, deadline);
        },
        [into](operation<void>&, const message_view& m) { into->assign(m); });
}

void start_next_in_range(const std::shared_ptr<driver>& d, operation_ptr<std::optional<message>> o,
                         std::weak_ptr<subscription_state> s, next_options w) {
    start_reading(
        d, std::move(o), std::move(s), w,
        [](runtime& rt, mailbox& box, time_point deadline) {
            return ops::next_or_end(rt, box, deadline);
        },
        [](operation<std::optional<message>>& done, const message_view& m) {
            done.value = message(m);
        });
}

void start_next_reply(const std::shared_ptr<driver>& d, operation_ptr<std::optional<message>> o,
                      std::weak_ptr<replies_state> s, error* why) {
    o->why = why;
    if (!d) return o.release()->complete(delivery::posted); // none: at its end
    d->listen(*o);
    d->enter([o = std::move(o), s = std::move(s)](driver& self) mutable {
        const std::shared_ptr<replies_state> state = s.lock();
        if (!state) return self.refuse(o.release(), error{errc::invalid_subscription});
        self.begin_with(std::move(o),
                        [&](runtime& rt) { return ops::next_reply_message(rt, state->many); });
    });
}

// --- ops of the user's

void begin(driver& d, operation_base* o) {
    d.listen(*o);
    d.begin(o);
}

runtime* runtime_of(driver& d) noexcept {
    driver::core* const c = d.session_or_null();
    if (c == nullptr) return nullptr;
    c->rt.advance(clock::now()); // an op that starts now needs to know when that is
    return &c->rt;
}

} // namespace nats::aio::detail

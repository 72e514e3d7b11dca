// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// To drain a subscription: UNSUB, then a PING. The server answers in order, so when its PONG comes,
// everything that it has sent for the subscription has been parsed. To drain the connection: the
// same for all subscriptions with one PING; when what they brought has been dealt with, the rest is
// unsubscribed and a last PING flushes what was published; its PONG ends the session.

#include <natsproto/session.hpp>

#include <algorithm>
#include <utility>

namespace nats {

namespace {

/// For the flush at the end (nats.go has the same).
constexpr auto flush_time = std::chrono::seconds(5);

} // namespace

result<void> session::drain(sub_id id, time_point now) {
    now_ = now;
    if (status_ == session_status::closed) return error{errc::connection_closed};
    subscription* s = find(static_cast<std::uint64_t>(id));
    if (s == nullptr) return error{errc::invalid_subscription};
    if (s->draining) return {};
    if (!is_up()) { // no server has it: there is nothing to come
        subscription_is_drained(*s);
        return {};
    }
    s->draining = true;
    (void)connection_.unsubscribe(s->sid);
    own_ping(ping_use::subscription, s->sid);
    return {};
}

result<void> session::drain(time_point now, drain_mode mode, std::optional<sub_id> spare) {
    now_ = now;
    if (is_draining()) return {};
    if (status_ != session_status::connected) {
        error why = not_up();
        if (status_ != session_status::idle) close(now);
        return why;
    }
    status_ = session_status::draining_subs;
    drain_mode_ = mode;
    at(timer::drain) = deadline_after(now, options_.drain_timeout);
    for (subscription& s : subs_) {
        if (s.sid == 0 || s.draining || (spare && *spare == sub_id{s.sid})) continue;
        s.draining = true;
        (void)connection_.unsubscribe(s.sid);
    }
    own_ping(ping_use::subscriptions);
    return {};
}

void session::subscription_is_drained(subscription& s) {
    events_.push_back({queued_kind::subscription_drained, {}, {}, sub_id{s.sid}, s.cookie});
    release(s);
}

void session::end_drained_subscriptions() {
    for (subscription& s : subs_) {
        if (s.sid != 0 && s.draining) subscription_is_drained(s);
    }
    if (status_ != session_status::draining_subs) return;
    events_.push_back({queued_kind::subscriptions_drained, {}, {}, {}, nullptr});
    if (drain_mode_ == drain_mode::automatic) finish_drain(now_);
}

void session::finish_drain(time_point now) {
    now_ = now;
    if (status_ != session_status::draining_subs) return;
    status_ = session_status::draining_pubs;
    for (subscription& s : subs_) {
        if (s.sid == 0) continue;
        if (!s.draining) (void)connection_.unsubscribe(s.sid);
        release(s);
    }
    at(timer::drain) = std::min(at(timer::drain), deadline_after(now, flush_time));
    own_ping(ping_use::publishes);
}

void session::drain_timed_out(time_point now) {
    at(timer::drain) = no_deadline;
    if (!is_draining()) return;
    warn(error{errc::drain_timeout, std::string(name_of(status_))});
    now_ = now;
    drop_transport(true);
    finish(errc::drain_timeout);
}

} // namespace nats

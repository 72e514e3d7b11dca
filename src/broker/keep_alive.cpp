// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// A peer has one alarm for all of its deadlines. Most of these are put off all the time, so the
// alarm is set earlier at once and later only when it goes off.
//
// PINGs: the first one comes soon after CONNECT, the others at an interval, but not to a client
// that was heard of within it. Once in an hour one is sent in any case, as nats-server does to
// measure the round trip. A client that owes too many answers is stale.

#include "broker/hub.hpp"
#include "broker/peer.hpp"

#include <algorithm>

namespace nats::embedded {

namespace {
constexpr duration at_least_each = std::chrono::hours(1);
} // namespace

void peer::arm(time_point& which, time_point when) {
    which = when;
    hub_.set_alarm(*this, when);
}

time_point peer::next_deadline() const noexcept {
    return std::min({ping_at_, write_at_, tls_at_, resume_at_, hold_until_, idle_at_,
                     connection_.poll_timeout().value_or(no_deadline)});
}

void peer::handle_timeout(time_point now) {
    if (tls_at_ <= now) return cut();
    if (write_at_ <= now) {
        ++hub_.stats_.slow_consumers;
        return cut();
    }
    release_if_due(now);
    connection_.handle_timeout(now);
    if (connection_.state() == wire::connection_state::closed && stage_ == stage::active)
        hub_.has_work(*this); // too late with its CONNECT
    if (resume_at_ <= now) resume();
    if (ping_at_ <= now) keep_alive(now);
    if (idle_at_ <= now) give_back_memory(now);
    if (stage_ != stage::ended) hub_.reset_alarm(*this, next_deadline());
}

void peer::keep_alive(time_point now) {
    const hub& h = hub_;
    ping_at_ = deadline_after(now, h.options_.ping_interval);
    const bool heard = now - last_in_ < h.options_.ping_interval;
    if (heard && pinged_ && now - last_ping_ < at_least_each) return;
    if (pings_out_ >= h.options_.max_pings_out) {
        ++hub_.stats_.stale_connections;
        return fail("Stale Connection");
    }
    if (!connection_.ping()) return; // not logged in yet
    pinged_ = true;
    last_ping_ = now;
    ++pings_out_;
    output_changed();
}

void peer::give_back_memory(time_point now) {
    const time_point idle = deadline_after(last_active_, idle_time);
    if (now < idle) {
        idle_at_ = idle;
    } else if (!waiting.linked() && connection_.unparsed() == 0 && untransmitted() == 0) {
        idle_at_ = no_deadline;
        connection_.shrink();
    } else {
        idle_at_ = deadline_after(now, idle_time);
    }
}

} // namespace nats::embedded

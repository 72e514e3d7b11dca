// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// An attempt is a `connect` action with a fresh id. It ends by being connected, by failing or by
// its deadline. The first pass tries each server once, without waiting. After it, and after a
// disconnect, the server that was current goes to the end of the pool and the first one is tried:
// at once, but for the last attempt of a pass over the pool, before which the wait comes (the rule
// of nats.go: with one server, every attempt waits).
//
// What a connection that has ended had not written is dropped, or kept if the user chose so, at the
// moment when the driver lets go of the buffers: until then a write may be going on.

#include <natsproto/session.hpp>
#include <natsproto/wire/kept_frames.hpp>

#include "core/auth/authenticator.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace nats {

namespace {

/// The server said so itself, by `-ERR`.
bool is_refusal(const error& e) noexcept {
    return e.code() >= errc::authorization_violation && e.code() < errc::timeout;
}

/// Says something of TLS or of logging in, which a dead server elsewhere does not explain.
bool is_security(const error& e) noexcept {
    return e.code() >= errc::tls_failed ||
           (e.code() >= errc::invalid_nkey && e.code() <= errc::file_unreadable);
}

/// Which of two failed attempts tells the user more: a refused login beats a dead server.
bool tells_more(const error& a, const error& than) noexcept {
    return is_refusal(a) || is_security(a) || !(is_refusal(than) || is_security(than));
}

/// Whether there is somebody to say goodbye to. What is written to a dead transport would count as
/// sent.
bool peer_listens(const error& why) noexcept {
    switch (why.code()) {
    case errc::eof:
    case errc::io_error:
    case errc::stale_connection:
    case errc::write_stalled:
    case errc::timeout: return false;
    default: return true;
    }
}

bool is_login_refusal(errc code) noexcept {
    return code == errc::authorization_violation || code == errc::authentication_expired ||
           code == errc::authentication_revoked;
}

} // namespace

void session::warn(error why) {
    events_.push_back({queued_kind::warning, std::move(why), {}, {}, nullptr});
}

void session::begin_attempt(time_point now) {
    if (transport_ != transport::none) {
        attempt_due_ = true;
        return;
    }
    attempt_ = attempt_id{static_cast<std::uint64_t>(attempt_) + 1};
    server_ = pool_.current()->url.where;
    transport_ = transport::opening;
    receiving_ = link_open_ = heard_in_tls_ = false;
    handing_over_ = tls_by_driver_ = info_in_clear_ = was_lame_duck_ = refused_ = false;
    transport_error_.reset();
    at(timer::connect) = deadline_after(now, options_.connect_timeout);
    actions_.push_back(action::connect{attempt_, &server_, at(timer::connect)});
}

void session::drop_transport(bool farewell) {
    at(timer::connect) = at(timer::ping) = at(timer::write) = no_deadline;
    pings_.clear();
    user_pings_ = 0;
    own_pings_out_ = 0;
    if (transport_ == transport::none || transport_ == transport::closing) return;
    transport_ = transport::closing;
    receiving_ = handing_over_ = false;
    farewell_ = farewell && !transport_error_;
    if (farewell_ && link_open_ && link_->state() == link_state::open) link_->end();
    actions_.push_back(action::close{attempt_});
}

/// Remembers a refused login; true when the same one was the last that happened with this server.
bool session::note_refusal(const error& why) {
    pool_server& server = *pool_.current();
    if (!is_login_refusal(why.code())) return false;
    const bool again = server.refusal == why.code();
    server.refusal = why.code();
    return again && !options_.ignore_auth_error_abort;
}

void session::attempt_failed(error why, time_point now) {
    drop_transport(peer_listens(why));
    const bool final = note_refusal(why);
    if (status_ == session_status::reconnecting) ++pool_.current()->failures;
    if (!has_failure_ || tells_more(why, best_failure_)) best_failure_ = why;
    has_failure_ = true;
    events_.push_back({queued_kind::connect_failed, why, {*server()}, {}, nullptr});
    if (final) {
        finish(std::move(why));
    } else if (status_ == session_status::reconnecting) {
        try_next(now);
    } else if (pool_.next_of_pass() != nullptr) {
        begin_attempt(now);
    } else {
        first_pass_failed(now);
    }
}

void session::first_pass_failed(time_point now) {
    if (options_.retry_on_failed_connect) {
        status_ = session_status::reconnecting;
        pass_position_ = 0;
        passes_ = 0;
        try_next(now);
    } else if (pool_.size() == 1 || is_refusal(best_failure_) || is_security(best_failure_)) {
        finish(best_failure_);
    } else {
        finish(error{errc::no_servers, "the last of " + std::to_string(pool_.size()) +
                                           " said: " + best_failure_.message()});
    }
}

void session::connection_lost(error why, time_point now) {
    if (status_ == session_status::connecting || status_ == session_status::reconnecting) {
        attempt_failed(std::move(why), now);
        return;
    }
    if (!is_up() && !is_draining()) return;
    const bool drained = is_draining();
    drop_transport(peer_listens(why));
    const bool final = note_refusal(why);
    events_.push_back({queued_kind::disconnected, why, {*server()}, {}, nullptr});
    if (drained || final || !options_.reconnect) {
        finish(std::move(why));
        return;
    }
    status_ = session_status::reconnecting;
    has_failure_ = false;
    pass_position_ = 0;
    passes_ = 0;
    for (subscription& s : subs_) { // the server has forgotten them, and nothing more can come
        if (s.sid != 0 && s.draining) subscription_is_drained(s);
    }
    try_next(now);
}

// --- which server, and when

/// The next attempt of a series.
void session::try_next(time_point now) {
    if (pool_.next(options_.max_reconnects) == nullptr) {
        finish(has_failure_ ? error{errc::no_servers, best_failure_.message()}
                            : error{errc::no_servers});
        return;
    }
    const bool pass_ends = ++pass_position_ >= pool_.size();
    if (pass_ends) {
        pass_position_ = 0;
        if (passes_ != std::numeric_limits<std::uint32_t>::max()) ++passes_;
    }
    std::optional<duration> wait = choose_server();
    if (!wait) wait = pass_ends ? usual_wait() : duration::zero();
    wait_or_begin(std::exchange(forced_, false) ? duration::zero() : *wait, now);
}

void session::wait_or_begin(duration wait, time_point now) {
    if (wait <= duration::zero()) {
        at(timer::reconnect) = no_deadline;
        begin_attempt(now);
    } else {
        at(timer::reconnect) = deadline_after(now, wait);
    }
}

std::vector<server_status> session::servers() const {
    std::vector<server_status> out;
    out.reserve(pool_.size());
    for (std::size_t i = 0; i < pool_.size(); ++i) {
        const pool_server& s = pool_[i];
        out.push_back(
            {&s.url.where, s.discovered, s.was_connected, &s == pool_.current(), s.failures});
    }
    return out;
}

/// Asks the user's callback. The wait that it wants; nothing when it leaves the choice to us.
std::optional<duration> session::choose_server() {
    const reconnect_handlers& h = options_.reconnecting;
    if (h.choose == nullptr) return std::nullopt;
    pool_.drop_failed(options_.max_reconnects);
    const std::vector<server_status> pool = servers();
    const server_choice choice = h.choose(h.context, pool, connection_.info());
    if (choice.index == server_choice::usual) return std::nullopt;
    if (pool_.choose(choice.index) == nullptr) {
        warn(error{errc::unknown_server, "number " + std::to_string(choice.index) + " of " +
                                             std::to_string(pool.size())});
        return std::nullopt;
    }
    return std::max(choice.wait, duration::zero());
}

duration session::usual_wait() {
    const reconnect_handlers& h = options_.reconnecting;
    if (h.wait != nullptr) return h.wait(h.context, passes_);
    duration wait = options_.reconnect_wait;
    if (wait > duration::zero()) { // doubling nothing would go on for as long as there are passes
        for (std::uint32_t i = 1; i < passes_ && wait < options_.reconnect_wait_max; ++i)
            wait = wait > options_.reconnect_wait_max / 2 ? options_.reconnect_wait_max : wait * 2;
    }
    const duration jitter =
        wants_tls() || was_secure_ ? options_.reconnect_jitter_tls : options_.reconnect_jitter;
    if (jitter <= duration::zero()) return wait;
    const auto extra = world_.random->below(static_cast<std::uint64_t>(jitter.count()) + 1);
    // Waits are bounded by check(), so the sum cannot overflow.
    return wait + duration(static_cast<duration::rep>(extra));
}

result<void> session::force_reconnect(time_point now) {
    now_ = now;
    if (status_ == session_status::reconnecting) {
        if (at(timer::reconnect) != no_deadline) wait_or_begin(duration::zero(), now);
        return {};
    }
    if (status_ == session_status::draining_subs || status_ == session_status::draining_pubs)
        return error{errc::draining};
    if (status_ != session_status::connected) return not_up();
    if (!options_.reconnect) return error{errc::invalid_argument, "reconnecting is off"};
    forced_ = true;
    connection_lost(errc::reconnect_forced, now);
    return {};
}

// --- the end

/// The buffers of the connection that has ended are ours again: what it had not written goes behind
/// what was kept before, and before what was published since.
void session::keep_for_later() {
    if (status_ == session_status::reconnecting && options_.keep_unsent) {
        wire::output_queue unsent;
        const auto all = [](void*, const wire::frame&) { return true; };
        const std::size_t found =
            wire::keep_unsent(connection_.output(), unsent, all, nullptr).frames;
        if (kept_unconfirmed_) {
            // The kept publishes went out first and are all sent again: only what was published
            // after them is new.
            std::size_t again = found - std::min<std::size_t>(found, published_since_);
            const auto skip = [](void* left, const wire::frame&) {
                auto& n = *static_cast<std::size_t*>(left);
                if (n == 0) return true;
                --n;
                return false;
            };
            wire::output_queue rest;
            (void)wire::keep_unsent(unsent, rest, skip, &again);
            unsent = std::move(rest);
        }
        kept_.append(std::move(unsent));
    }
    kept_unconfirmed_ = false;
    kept_.append(std::move(kept_since_));
}

void session::finish(error why) {
    status_ = session_status::closed;
    timers_.fill(no_deadline);
    attempt_due_ = wants_room_ = false; // a write that is under way may still complete
    kept_.clear();
    kept_since_.clear();
    close_reason_ = why;
    events_.push_back({queued_kind::closed, std::move(why), {}, {}, nullptr});
}

} // namespace nats

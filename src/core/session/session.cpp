// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// The session owns the pool of servers, the table of subscriptions and one `client_connection`,
// which is replaced for each attempt, with a link between it and the transport where there is TLS.
// What happens outside of parsing (failed attempts, warnings, the end) is queued and comes out of
// next() in order, before anything is parsed.
//
//   session.cpp        construction, inputs, deadlines, outputs: what a driver touches
//   attempts.cpp       which server is tried when, and what the end of a connection means
//   handshake.cpp      from an open transport to the first PONG: TLS, login, what is restored
//   commands.cpp       publishing, PINGs, the pool, closing
//   subscriptions.cpp  the table of subscriptions and their messages
//   drain.cpp          ends without loss
//
// A transport is `none`, `opening`, `open` or `closing`. It stays `closing`, with all buffers in
// place, until the driver says that it is closed; only then does the next attempt begin. PONGs come
// in the order of the PINGs: a queue says what each one means.

#include <natsproto/session.hpp>

#include "core/auth/authenticator.hpp"

#include <algorithm>
#include <utility>

namespace nats {

std::string_view name_of(session_status s) noexcept {
    switch (s) {
    case session_status::idle: return "idle";
    case session_status::connecting: return "connecting";
    case session_status::connected: return "connected";
    case session_status::reconnecting: return "reconnecting";
    case session_status::draining_subs: return "draining subscriptions";
    case session_status::draining_pubs: return "draining publishes";
    case session_status::closed: return "closed";
    }
    return "unknown";
}

session::session(const options& o, const environment& world)
    : options_{secret(o.servers),
               secret(o.first_server),
               std::string(o.name),
               o.verbose,
               o.pedantic,
               o.no_echo,
               o.no_responders,
               o.randomize,
               o.ignore_discovered,
               o.retry_on_failed_connect,
               o.reconnect,
               o.keep_unsent,
               o.fail_requests_on_disconnect,
               o.ignore_auth_error_abort,
               o.leave_lame_duck,
               o.no_events_after_close,
               o.connect_timeout,
               o.ping_interval,
               o.write_timeout,
               o.drain_timeout,
               o.reconnect_wait,
               o.reconnect_wait_max,
               o.reconnect_jitter,
               o.reconnect_jitter_tls,
               o.reconnect_buffer,
               o.max_pings_out,
               o.max_reconnects,
               o.reconnecting},
      checked_(check(o)), // now: the options' views end with this call
      tls_(o.tls),
      login_(std::make_unique<authenticator>(
          login_settings{o.user, o.password, o.token, o.nkey, o.nkey_seed, o.nkey_seed_file, o.jwt,
                         o.jwt_file, o.credentials, o.credentials_file, o.login})),
      world_(world),
      inbox_prefix_(o.inbox_prefix),
      limits_(o.bounds),
      pending_(o.pending),
      connection_(o.bounds) {}

session::~session() = default;

session::stored_tls::stored_tls(const tls_options& o)
    : required(o.required || o.first),
      first(o.first),
      hand_over(o.hand_over),
      accept_any(o.dangerously_accept_any_certificate),
      system_roots(o.system_roots || (o.ca.empty() && o.ca_file.empty())),
      ca(o.ca),
      ca_file(o.ca_file),
      expected_name(o.expected_name),
      certificate(o.certificate),
      certificate_file(o.certificate_file),
      key_file(o.key_file),
      ciphers(o.ciphers),
      cipher_suites(o.cipher_suites),
      key(o.key),
      key_password(o.key_password),
      minimum(o.minimum),
      verify(o.verify),
      verify_context(o.verify_context) {}

const endpoint* session::server() const noexcept {
    return server_.host.empty() ? nullptr : &server_;
}

std::size_t session::untransmitted() const noexcept {
    if (link_ == nullptr) return receiving_ ? connection_.untransmitted() : 0;
    if (!receiving_) return farewell_ ? link_->untransmitted() : 0;
    return link_->untransmitted() + connection_.untransmitted() - in_link_;
}

// --- B: inputs

void session::commit(std::size_t n, time_point now) {
    now_ = now;
    stats_.socket_in += n;
    if (link_ != nullptr) {
        link_->commit(n);
        return;
    }
    if (!receiving_ || handing_over_) return; // of a transport that has been given up
    connection_.commit(n);
    if (tap_.see != nullptr) tap_.see(tap_.context, false, false, connection_.newest(n));
}

void session::handle_connected(attempt_id id, time_point now) {
    now_ = now;
    if (id != attempt_ || transport_ != transport::opening) return;
    transport_ = transport::open;
    receiving_ = true;
    if (tap_.see != nullptr) tap_.see(tap_.context, false, true, {});
    if (tls_.first) start_tls();
}

void session::handle_connect_failed(attempt_id id, error why, time_point now) {
    now_ = now;
    if (id != attempt_ || transport_ != transport::opening) return;
    transport_ = transport::none; // there is none to close
    attempt_failed(std::move(why), now);
}

void session::handle_eof(attempt_id id, time_point now) {
    now_ = now;
    if (id != attempt_ || !receiving_) return;
    if (link_ == nullptr) {
        connection_.handle_eof();
        return;
    }
    if (!transport_error_) transport_error_ = errc::eof;
    link_->handle_eof();
}

void session::handle_io_error(attempt_id id, const std::error_code& why, time_point now) {
    now_ = now;
    if (id != attempt_ || !receiving_) return;
    if (link_ == nullptr) {
        connection_.handle_eof(error{errc::io_error, why.message()});
        return;
    }
    transport_error_ = error{errc::io_error, why.message()};
    link_->handle_eof();
}

void session::handle_closed(attempt_id id, time_point now) {
    now_ = now;
    if (id != attempt_ || transport_ != transport::closing) return;
    transport_ = transport::none;
    keep_for_later();
    link_.reset();
    in_link_ = 0;
    server_info last = connection_.info();
    connection_ = wire::client_connection(limits_);
    connection_.carry_info(std::move(last));
    if (std::exchange(attempt_due_, false)) begin_attempt(now);
}

void session::handle_write_blocked(time_point now) {
    now_ = now;
    if (receiving_ && at(timer::write) == no_deadline)
        at(timer::write) = deadline_after(now, options_.write_timeout);
}

void session::handle_timeout(time_point now) {
    now_ = now;
    if (at(timer::connect) <= now) {
        const char* missing =
            transport_ != transport::open                        ? "no connection"
            : (link_ != nullptr && !link_open_) || handing_over_ ? "no end of the TLS handshake"
            : connection_.state() == wire::connection_state::awaiting_info ? "no INFO"
                                                                           : "no PONG";
        const auto ms =
            std::chrono::duration_cast<std::chrono::milliseconds>(options_.connect_timeout).count();
        attempt_failed(error{errc::timeout, std::string(missing) + " from " + server()->text() +
                                                " within " + std::to_string(ms) + " ms"},
                       now);
    }
    if (at(timer::write) <= now) {
        at(timer::write) = no_deadline;
        connection_lost(error{errc::write_stalled, server()->text()}, now);
    }
    if (at(timer::ping) <= now) keep_alive(now);
    if (at(timer::drain) <= now) drain_timed_out(now);
    if (at(timer::reconnect) <= now) {
        at(timer::reconnect) = no_deadline;
        begin_attempt(now);
    }
}

void session::shrink() noexcept {
    if (link_ == nullptr)
        connection_.shrink();
    else
        connection_.output().shrink(); // a link's input goes into the connection in its own time
}

void session::keep_alive(time_point now) {
    connection_.output().shrink();
    if (own_pings_out_ >= options_.max_pings_out) {
        connection_lost(error{errc::stale_connection, "PINGs were not answered"}, now);
        return;
    }
    at(timer::ping) = deadline_after(now, options_.ping_interval);
    ++own_pings_out_; // counted even when the output is full: that peer does not read
    if (connection_.ping()) pings_.push_back({ping_use::keep_alive, 0, now});
}

// --- D: outputs

bool session::take_queued(event& out) {
    if (events_.empty()) return false;
    queued_event e = events_.pop_front();
    reported_ = std::move(e.why);
    reported_servers_ = std::move(e.servers);
    const endpoint* server = reported_servers_.empty() ? nullptr : reported_servers_.data();
    switch (e.kind) {
    case queued_kind::connect_failed:
        out.emplace<ev::connect_failed>(ev::connect_failed{server, &reported_});
        break;
    case queued_kind::disconnected:
        out.emplace<ev::disconnected>(ev::disconnected{server, &reported_});
        break;
    case queued_kind::discovered:
        out.emplace<ev::discovered>(ev::discovered{reported_servers_});
        break;
    case queued_kind::lame_duck: out.emplace<ev::lame_duck>(ev::lame_duck{server}); break;
    case queued_kind::subscription_drained:
        out.emplace<ev::subscription_drained>(ev::subscription_drained{e.sub, e.cookie});
        break;
    case queued_kind::subscriptions_drained: out.emplace<ev::subscriptions_drained>(); break;
    case queued_kind::room: out.emplace<ev::room>(); break;
    case queued_kind::warning: out.emplace<ev::warning>(ev::warning{&reported_}); break;
    case queued_kind::closed: out.emplace<ev::closed>(ev::closed{&reported_}); break;
    }
    return true;
}

/// The message that the connection has parsed; false when nobody wants it.
inline bool session::take_message(message_in_place& out) {
    const wire::frame& f = connection_.current();
    ++stats_.in_messages;
    stats_.in_bytes += f.message_view::size();
    subscription* s = find(f.sid);
    if (s == nullptr) return false; // it was unsubscribed while this was on its way
    ++s->delivered;
    const bool last = s->max != 0 && s->delivered >= s->max;
    out = {&f, sub_id{f.sid}, s->cookie, last};
    if (last) release(*s);
    return true;
}

/// One step of the connection. True: `out` is an event. `more` is false when input is needed.
inline bool session::advance(event& out, bool& more) {
    using step = wire::client_connection::step;
    switch (connection_.advance()) {
    case step::message: {
        message_in_place m;
        if (!take_message(m)) return false;
        out.emplace<ev::message>(ev::message{*m.view, m.sub, m.cookie, m.last});
        return true;
    }
    case step::need_more: more = pull_link(); return false;
    case step::connect_requested: on_info_first(); return false;
    case step::connected: return on_connected(out);
    case step::pong: return on_pong(out);
    case step::info: return on_later_info(out);
    case step::server_error: return on_server_error(out);
    case step::closed:
        // The reason that the server gave before it closed says more than the end of the stream.
        connection_lost(refused_ && connection_.close_reason().code() >= errc::eof
                            ? last_refusal_
                            : connection_.close_reason(),
                        now_);
        return false;
    }
    return false;
}

bool session::next_message(message_in_place& out) {
    if (!events_.empty() || !receiving_ || handing_over_) return false;
    while (connection_.advance_plain()) {
        if (take_message(out)) return true;
    }
    return false;
}

bool session::next(event& out) {
    while (true) {
        if (take_queued(out)) return true;
        if (!receiving_ || handing_over_) return false;
        bool more = true;
        if (advance(out, more)) return true;
        if (!more) return false;
    }
}

bool session::on_pong(event& out) {
    if (pings_.empty()) return false; // nobody asked
    const ping_record ping = pings_.pop_front();
    own_pings_out_ = 0; // the server is there
    rtt_ = now_ - ping.sent;
    switch (ping.use) {
    case ping_use::keep_alive: return false;
    case ping_use::kept_publishes:
        kept_unconfirmed_ = false;
        kept_.clear();
        return false;
    case ping_use::subscription:
        if (subscription* s = find(ping.id); s != nullptr && s->draining)
            subscription_is_drained(*s);
        return false;
    case ping_use::subscriptions: end_drained_subscriptions(); return false;
    case ping_use::publishes: close(now_); return false;
    case ping_use::leave:
        forced_ = true;
        connection_lost(error{errc::lame_duck, server()->text()}, now_);
        return false;
    case ping_use::user: break;
    }
    --user_pings_;
    out.emplace<ev::pong>(ev::pong{ping_id{ping.id}, rtt_});
    return true;
}

void session::own_ping(ping_use use, std::uint64_t id) {
    connection_.force_ping();
    pings_.push_back({use, id, now_});
}

bool session::on_server_error(event& out) {
    const wire::server_error_class& what = connection_.current_error();
    const std::string_view text = connection_.current().text;
    if (what.closes) {
        refused_ = true;
        last_refusal_ = wire::to_error(what, text);
        if (!is_up() && !is_draining()) { // do not wait for the server to close
            attempt_failed(last_refusal_, now_);
            return false;
        }
    }
    ev::server_error e{text, what, std::nullopt, nullptr};
    if (const subscription* s = what.subscription ? find_refused(what) : nullptr) {
        e.sub = sub_id{s->sid};
        e.cookie = s->cookie;
    }
    out.emplace<ev::server_error>(e);
    return true;
}

std::optional<session_action> session::poll_action() {
    if (actions_.empty()) return std::nullopt;
    return actions_.pop_front();
}

std::size_t session::poll_transmit(std::span<const_buffer> out) {
    if (link_ != nullptr) {
        if (receiving_) push_link();
        return receiving_ || farewell_ ? link_->poll_transmit(out) : 0;
    }
    return receiving_ && !handing_over_ ? connection_.poll_transmit(out) : 0;
}

void session::transmitted(std::size_t n) {
    stats_.socket_out += n;
    at(timer::write) = no_deadline;
    if (link_ != nullptr) {
        n = link_->transmitted(n);
        in_link_ -= n;
    } else if (tap_.see != nullptr) {
        tap_sent(n, 0);
    }
    connection_.transmitted(n);
    if (wants_room_ && untransmitted() < limits_.max_output_bytes / 2 + 1) {
        wants_room_ = false;
        events_.push_back({queued_kind::room, {}, {}, {}, nullptr});
    }
}

void session::tap_sent(std::size_t n, std::size_t skip) const {
    std::array<const_buffer, 16> pieces;
    while (n != 0) {
        const std::size_t count = connection_.poll_transmit(pieces, skip);
        if (count == 0) return;
        for (std::size_t i = 0; i < count && n != 0; ++i) {
            const std::size_t part = std::min(n, pieces[i].size);
            tap_.see(tap_.context, true, false, {pieces[i].data, part});
            skip += part;
            n -= part;
        }
    }
}

std::optional<time_point> session::poll_timeout() const noexcept {
    const time_point next = *std::min_element(timers_.begin(), timers_.end());
    return next == no_deadline ? std::nullopt : std::optional(next);
}

} // namespace nats

// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// The first INFO decides. Where TLS is wanted or required, the connection stops at it: nothing may
// follow in plain text (that is the STARTTLS injection), a link is put between the transport and
// the connection, and CONNECT waits for the end of its handshake. With `first` the link is there
// before INFO; with `hand_over` the driver does it and nothing flows meanwhile.
//
// What INFO told in plain text before TLS is not trusted with names: of the servers that it lists,
// only bare addresses are taken, which are verified against the name of this one.
//
// After the first PONG: subscriptions first, then the publishes that were kept, and behind them a
// PING whose PONG says that they have arrived. Until then they stay kept.

#include <natsproto/session.hpp>
#include <natsproto/wire/kept_frames.hpp>

#include "core/auth/authenticator.hpp"

#include <array>
#include <utility>

namespace nats {

bool session::wants_tls() const noexcept {
    return tls_.required || pool_.tls();
}

std::string_view session::tls_name() const noexcept {
    return tls_.expected_name.empty() ? std::string_view(pool_.current()->tls_name)
                                      : std::string_view(tls_.expected_name);
}

/// The first INFO is there.
void session::on_info_first() {
    const server_info& info = connection_.info();
    if (secure()) { // TLS came first: INFO may still say tls_required, and is not asked again
        send_connect();
        return;
    }
    info_in_clear_ = true;
    if (!wants_tls() && !info.tls_required) {
        send_connect();
    } else if (!info.tls_required && !info.tls_available) {
        attempt_failed(error{errc::tls_not_offered, server()->text()}, now_);
    } else if (connection_.unparsed() != 0) {
        attempt_failed(error{errc::tls_plaintext, server()->text()}, now_);
    } else {
        start_tls();
    }
}

void session::start_tls() {
    if (tls_.hand_over) {
        handing_over_ = true;
        actions_.push_back(action::start_tls{attempt_, tls_name()});
        return;
    }
    result<std::unique_ptr<link>> made = make_link();
    if (made)
        link_ = std::move(*made);
    else
        attempt_failed(made.error(), now_);
}

result<void> session::read_file(std::string_view path, bool is_secret, secret& out) {
    if (path.empty()) return {};
    if (world_.files == nullptr)
        return error{errc::file_unreadable, "this driver reads no files: " + std::string(path)};
    bool exposed = false;
    result<void> read = world_.files->read(path, max_option_file, out, exposed);
    if (read && exposed && is_secret) warn(error{errc::credentials_exposed, std::string(path)});
    return read;
}

result<std::unique_ptr<link>> session::make_link() {
    if (world_.crypto == nullptr) return error{errc::tls_unavailable, server()->text()};
    secret ca(tls_.ca);
    secret certificate(tls_.certificate);
    secret key(tls_.key.view());
    if (result<void> ok = read_file(tls_.ca_file, false, ca); !ok) return ok.error();
    if (result<void> ok = read_file(tls_.certificate_file, false, certificate); !ok)
        return ok.error();
    if (result<void> ok = read_file(tls_.key_file, true, key); !ok) return ok.error();
    tls_parameters p;
    p.server_name = tls_name();
    p.ca = ca.view();
    p.system_roots = tls_.system_roots;
    p.certificate = certificate.view();
    p.key = key.view();
    p.key_password = tls_.key_password.view();
    p.ciphers = tls_.ciphers;
    p.cipher_suites = tls_.cipher_suites;
    p.minimum = tls_.minimum;
    p.accept_any_certificate = tls_.accept_any;
    p.verify = tls_.verify;
    p.verify_context = tls_.verify_context;
    return world_.crypto->tls_client(p);
}

void session::handle_tls_started(attempt_id id, time_point now) {
    now_ = now;
    if (id != attempt_ || !handing_over_) return;
    handing_over_ = false;
    tls_by_driver_ = true;
    if (connection_.state() == wire::connection_state::awaiting_connect) send_connect();
}

void session::handle_tls_failed(attempt_id id, error why, time_point now) {
    now_ = now;
    if (id != attempt_ || !handing_over_) return;
    attempt_failed(std::move(why), now);
}

// --- the link

/// Moves NATS bytes from the link to the connection. False: nothing changed.
bool session::pull_link() {
    if (link_ == nullptr) return false;
    const std::span<char> space = connection_.prepare();
    const std::size_t n = link_->read(space);
    if (!link_open_ && link_->state() == link_state::open) {
        link_open_ = true;
        if (connection_.state() == wire::connection_state::awaiting_connect) send_connect();
    }
    if (n != 0) {
        if (!receiving_) return true;
        heard_in_tls_ = true;
        connection_.commit(n);
        if (tap_.see != nullptr) tap_.see(tap_.context, false, false, connection_.newest(n));
        return true;
    }
    if (!receiving_) return true; // the login failed: there are events
    switch (link_->state()) {
    case link_state::handshaking:
    case link_state::open: return false;
    case link_state::ended:
    case link_state::failed: connection_.handle_eof(link_failure()); return true;
    }
    return false;
}

/// Why a link that is not open any more has ended.
error session::link_failure() const {
    const bool ended = link_->state() == link_state::ended;
    const error& why = link_->failure();
    if (!ended && why != errc::tls_truncated) return why;
    // An end without a reason: what the transport said is the better one.
    const error end = transport_error_ ? *transport_error_ : ended ? error{errc::eof} : why;
    if (link_open_ && !heard_in_tls_) {
        return {errc::tls_closed, server()->text() + ": " + end.message() +
                                      "; it may want another client certificate, or one at all"};
    }
    return ended || end == errc::io_error ? end : why;
}

/// Gives the link what it takes of the output. The output keeps it until it is on the wire, so that
/// what a broken connection had not written is known exactly.
void session::push_link() {
    while (in_link_ < connection_.untransmitted()) {
        std::array<const_buffer, 32> pieces;
        const std::size_t count = connection_.poll_transmit(pieces, in_link_);
        if (count == 0) return;
        const std::size_t taken = link_->write({pieces.data(), count});
        if (taken == 0) return;
        if (tap_.see != nullptr) tap_sent(taken, in_link_);
        in_link_ += taken;
    }
}

// --- login

void session::send_connect() {
    std::vector<std::string> exposed;
    result<login> with = login_->log_in(pool_.current()->url, connection_.info(), world_.crypto,
                                        world_.files, exposed);
    for (std::string& path : exposed) warn(error{errc::credentials_exposed, std::move(path)});
    if (!with) {
        attempt_failed(with.error(), now_);
        return;
    }
    wire::connect_fields fields;
    fields.verbose = options_.verbose;
    fields.pedantic = options_.pedantic;
    fields.echo = !options_.no_echo;
    fields.no_responders = options_.no_responders;
    fields.tls_required = secure();
    fields.name = options_.name;
    fields.user = with->user.view();
    fields.password = with->password.view();
    fields.token = with->token.view();
    fields.jwt = with->jwt.view();
    fields.nkey = with->nkey.view();
    fields.signature = with->signature.view();
    result<void> sent = connection_.connect(fields);
    if (!sent)
        attempt_failed(sent.error(), now_);
    else
        handshake_ping_ = now_;
}

// --- up

bool session::on_connected(event& out) {
    status_ = session_status::connected;
    at(timer::connect) = no_deadline;
    at(timer::ping) = deadline_after(now_, options_.ping_interval);
    own_pings_out_ = 0;
    rtt_ = now_ - handshake_ping_;
    has_failure_ = false;
    was_secure_ = secure();
    pool_server& server = *pool_.current();
    server.failures = 0;
    server.was_connected = true;
    server.refusal.reset();
    connection_.output().shrink(); // what the handshake took
    restore_subscriptions();
    send_kept();
    if (std::exchange(ever_connected_, true)) {
        ++stats_.reconnects;
        out.emplace<ev::reconnected>(
            ev::reconnected{&connection_.info(), &server_, stats_.reconnects});
    } else {
        out.emplace<ev::connected>(ev::connected{&connection_.info(), &server_});
    }
    discover();
    note_lame_duck();
    return true;
}

void session::restore_subscriptions() {
    for (subscription& s : subs_) {
        if (s.sid == 0) continue;
        s.before = s.delivered;
        connection_.restore(s.subject, s.queue, s.sid);
        // The server counts from this SUB on.
        if (s.max != 0) (void)connection_.unsubscribe(s.sid, s.max - s.delivered);
    }
}

void session::send_kept() {
    if (kept_.empty()) return;
    struct server_limits {
        std::size_t max_payload;
        bool headers;
    } const now_valid{connection_.info().max_payload > 0
                          ? static_cast<std::size_t>(connection_.info().max_payload)
                          : static_cast<std::size_t>(-1),
                      connection_.headers_enabled()};
    const auto acceptable = [](void* context, const wire::frame& f) {
        const auto& most = *static_cast<const server_limits*>(context);
        return f.message_view::size() <= most.max_payload && (most.headers || !f.has_headers);
    };
    wire::output_queue good;
    const std::size_t dropped =
        wire::keep_unsent(kept_, good, acceptable, const_cast<server_limits*>(&now_valid)) // NOLINT
            .refused;
    kept_ = std::move(good);
    if (dropped != 0) {
        warn(error{errc::publish_dropped,
                   std::to_string(dropped) + ", by the limits of " + server()->text()});
    }
    connection_.queue_frames(kept_);
    kept_unconfirmed_ = true;
    published_since_ = 0;
    own_ping(ping_use::kept_publishes);
}

void session::discover() {
    if (options_.ignore_discovered) return;
    const bool told_in_clear = info_in_clear_ && secure();
    std::vector<endpoint> found =
        pool_.discover(connection_.info().connect_urls,
                       options_.randomize ? world_.random : nullptr, told_in_clear);
    if (found.empty()) return;
    events_.push_back({queued_kind::discovered, {}, std::move(found), {}, nullptr});
}

/// Told once a connection.
void session::note_lame_duck() {
    if (!connection_.info().lame_duck || std::exchange(was_lame_duck_, true)) return;
    events_.push_back({queued_kind::lame_duck, {}, {*server()}, {}, nullptr});
    if (options_.leave_lame_duck && status_ == session_status::connected && pool_.size() > 1)
        own_ping(ping_use::leave);
}

bool session::on_later_info(event& out) {
    if (secure()) info_in_clear_ = false;         // this one came inside of TLS
    if (!is_up() && !is_draining()) return false; // the newest one counts at the first PONG
    discover();
    out.emplace<ev::info>(ev::info{&connection_.info()});
    note_lame_duck();
    return true;
}

} // namespace nats

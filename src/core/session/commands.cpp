// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a publish goes straight to the connection while it is up. While there is
// none but one is being looked for, it is checked by what the last server said, and kept. Nothing
// changes when a command fails.

#include <natsproto/session.hpp>
#include <natsproto/wire/encoder.hpp>

#include "core/auth/authenticator.hpp"

#include <algorithm>
#include <utility>

namespace nats {

result<void> session::start(time_point now) {
    if (status_ != session_status::idle) {
        return error{status_ == session_status::closed ? errc::connection_closed
                                                       : errc::already_connected};
    }
    if (!checked_) return checked_;
    if (world_.random == nullptr)
        return error{errc::invalid_argument, "a session needs a source of random numbers"};
    if (result<void> ok = login_->check(world_.crypto, world_.files); !ok) return ok;
    const bool reads_files =
        !tls_.ca_file.empty() || !tls_.certificate_file.empty() || !tls_.key_file.empty();
    if (reads_files && world_.files == nullptr)
        return error{errc::invalid_argument, "a file is named, and this driver reads none"};
    result<std::vector<server_url>> list = parse_server_list(options_.servers.view());
    if (!list) return list.error();
    pool_.assign(std::move(*list), options_.randomize ? world_.random : nullptr);
    if (!options_.first_server.empty()) {
        result<server_url> first = parse_server_url(options_.first_server.view());
        if (!first) return first.error();
        pool_.put_first(std::move(*first));
    }
    if (result<void> ok = check_tls(pool_.tls()); !ok) return ok;
    now_ = now;
    status_ = session_status::connecting;
    (void)pool_.first();
    begin_attempt(now);
    return {};
}

/// Whether there is what TLS needs; and if so, whether its settings are usable.
result<void> session::check_tls(bool wanted_by_url) const {
    if (tls_.hand_over) return {};
    if (!wanted_by_url && !tls_.required) return {};
    if (world_.crypto == nullptr)
        return error{errc::tls_unavailable, "tls:// or a TLS option needs it"};
    return {};
}

result<void> session::set_servers(std::string_view list) {
    if (status_ == session_status::closed) return error{errc::connection_closed};
    result<std::vector<server_url>> servers = parse_server_list(list);
    if (!servers) return servers.error();
    bool tls = false;
    for (const server_url& s : *servers) tls = tls || s.tls;
    if (result<void> ok = check_tls(tls); !ok) return ok;
    if (status_ == session_status::idle) {
        options_.servers.assign(list);
        return {};
    }
    pool_.assign(std::move(*servers), options_.randomize ? world_.random : nullptr);
    return {};
}

inline void session::count_publish(std::size_t size) noexcept {
    ++stats_.out_messages;
    stats_.out_bytes += size;
    if (kept_unconfirmed_ && is_up()) ++published_since_; // behind the kept ones
}

error session::not_up() const {
    switch (status_) {
    case session_status::closed: return errc::connection_closed;
    case session_status::draining_pubs: return errc::draining;
    default: return errc::not_connected;
    }
}

bool session::keeps_publishes() const noexcept {
    return status_ == session_status::reconnecting ||
           (status_ == session_status::connecting && options_.retry_on_failed_connect);
}

bool session::try_publish(std::string_view subject, bytes payload, std::string_view reply,
                          header_view headers) {
    if (!is_up() || !connection_.try_publish(subject, payload, reply, headers)) return false;
    count_publish(payload.size() + headers.raw().size());
    return true;
}

result<void> session::publish(std::string_view subject, bytes payload, std::string_view reply,
                              header_view headers) {
    if (try_publish(subject, payload, reply, headers)) return {};
    if (!is_up()) return keep_publish(subject, payload, reply, headers);
    result<void> done = connection_.publish(subject, payload, reply, headers);
    if (done)
        count_publish(payload.size() + headers.raw().size());
    else if (done.error() == errc::output_full)
        wants_room_ = true;
    return done;
}

result<void> session::publish_borrowed(std::string_view subject, bytes payload,
                                       std::string_view reply, header_view headers) {
    if (!is_up()) return keep_publish(subject, payload, reply, headers);
    result<void> done = connection_.publish_borrowed(subject, payload, reply, headers);
    if (done)
        count_publish(payload.size() + headers.raw().size());
    else if (done.error() == errc::output_full)
        wants_room_ = true;
    return done;
}

result<void> session::keep_publish(std::string_view subject, bytes payload, std::string_view reply,
                                   header_view headers) {
    if (!keeps_publishes()) return not_up();
    result<void> ok =
        connection_.check_publish(subject, payload.size(), reply, headers.raw().size());
    if (!ok) return ok;
    const std::size_t size = wire::pub_size(subject, reply, headers.raw(), payload.text());
    const auto most =
        static_cast<std::size_t>(std::max<std::int64_t>(options_.reconnect_buffer, 0));
    if (kept() >= most || size > most - kept()) {
        return error{errc::reconnect_buffer_full,
                     std::to_string(kept()) + " bytes are kept, of " + std::to_string(most)};
    }
    // While the old transport is being closed, what it leaves unsent comes before this.
    wire::encode_pub(transport_ == transport::closing ? kept_since_ : kept_, subject, reply,
                     headers.raw(), payload.text());
    count_publish(payload.size() + headers.raw().size());
    return {};
}

result<ping_id> session::ping(time_point now) {
    now_ = now;
    if (!is_up()) return not_up();
    if (user_pings_ >= limits_.max_pings)
        return error{errc::too_many_requests, "PINGs without their PONG"};
    if (result<void> sent = connection_.ping(); !sent) {
        if (sent.error() == errc::output_full) wants_room_ = true;
        return sent.error();
    }
    ++user_pings_;
    pings_.push_back({ping_use::user, ++last_ping_, now});
    return ping_id{last_ping_};
}

void session::close(time_point now) {
    now_ = now;
    if (status_ == session_status::closed) return;
    quiet_ = options_.no_events_after_close && status_ != session_status::draining_pubs;
    drop_transport(true);
    finish(errc::connection_closed);
}

} // namespace nats

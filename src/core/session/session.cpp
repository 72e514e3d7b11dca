// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// The session owns the list of servers, the table of subscriptions and one `client_connection`,
// which is replaced for each attempt. An attempt is a `connect` action with a fresh id; it ends by
// being connected, by failing (then the next server is tried) or by its deadline. What happens
// outside of parsing (failed attempts, the end) is queued and comes out of next() in order, before
// anything is parsed.
//
// A subscription is a slot of a table. Its sid holds the slot's number in the low 20 bits and how
// often the slot was used before in the rest, so finding it is one index and one comparison, and a
// late message for a subscription that has ended finds nothing. PONGs come in the order of the
// PINGs: a queue says whose each one is.

#include <natsproto/session.hpp>

#include <natsproto/subject.hpp>

#include <algorithm>
#include <utility>

namespace nats {

namespace {

constexpr unsigned slot_bits = 20;
constexpr std::uint64_t slot_mask = (std::uint64_t{1} << slot_bits) - 1;

constexpr std::uint64_t sid_of(std::size_t slot, std::uint32_t generation) noexcept {
    return (std::uint64_t{generation} << slot_bits) | (slot + 1);
}

/// The server said so itself, by `-ERR`.
bool is_refusal(const error& e) noexcept {
    return e.code() >= errc::authorization_violation && e.code() < errc::timeout;
}

/// Which of two failed attempts tells the user more: a refused login beats a dead server.
bool tells_more(const error& a, const error& than) noexcept {
    return is_refusal(a) || !is_refusal(than);
}

} // namespace

std::string_view name_of(session_status s) noexcept {
    switch (s) {
    case session_status::idle: return "idle";
    case session_status::connecting: return "connecting";
    case session_status::connected: return "connected";
    case session_status::closed: return "closed";
    }
    return "unknown";
}

session::session(const options& o)
    : options_{std::string(o.servers),
               std::string(o.name),
               std::string(o.user),
               std::string(o.password),
               std::string(o.token),
               o.verbose,
               o.pedantic,
               o.no_echo,
               o.connect_timeout,
               o.ping_interval,
               o.max_pings_out},
      inbox_prefix_(o.inbox_prefix),
      limits_(o.bounds),
      pending_(o.pending),
      connection_(o.bounds) {}

const endpoint* session::server() const noexcept {
    return servers_.empty() ? nullptr : &servers_[server_].where;
}

// --- attempts

result<void> session::start(time_point now) {
    if (status_ != session_status::idle) {
        return error{status_ == session_status::closed ? errc::connection_closed
                                                       : errc::already_connected};
    }
    options o;
    o.servers = options_.servers;
    o.name = options_.name;
    o.user = options_.user;
    o.password = options_.password;
    o.token = options_.token;
    o.inbox_prefix = inbox_prefix_;
    o.connect_timeout = options_.connect_timeout;
    o.ping_interval = options_.ping_interval;
    o.max_pings_out = options_.max_pings_out;
    o.pending = pending_;
    o.bounds = limits_;
    if (result<void> ok = check(o); !ok) return ok;
    servers_ = *parse_server_list(options_.servers);
    try_server(0, now);
    return {};
}

void session::try_server(std::size_t index, time_point now) {
    status_ = session_status::connecting;
    server_ = index;
    attempt_ = attempt_id{static_cast<std::uint64_t>(attempt_) + 1};
    connection_ = wire::client_connection(limits_);
    transport_open_ = true;
    connection_up_ = false;
    refused_ = false;
    at(timer::connect) = deadline_after(now, options_.connect_timeout);
    actions_.push_back(action::connect{attempt_, &servers_[index].where, at(timer::connect)});
}

void session::drop_transport() {
    if (!std::exchange(transport_open_, false)) return;
    connection_up_ = false;
    actions_.push_back(action::close{attempt_});
}

void session::attempt_failed(error why, time_point now) {
    drop_transport();
    at(timer::connect) = at(timer::ping) = no_deadline;
    if (!has_failure_ || tells_more(why, best_failure_)) best_failure_ = why;
    has_failure_ = true;
    events_.push_back({queued_kind::connect_failed, std::move(why), server_});
    if (server_ + 1 < servers_.size()) {
        try_server(server_ + 1, now);
        return;
    }
    if (servers_.size() == 1 || is_refusal(best_failure_)) {
        finish(best_failure_);
    } else {
        finish(error{errc::no_servers, "the last of " + std::to_string(servers_.size()) +
                                           " said: " + best_failure_.message()});
    }
}

void session::connection_lost(error why, time_point now) {
    if (status_ == session_status::connecting) {
        attempt_failed(std::move(why), now);
        return;
    }
    if (status_ != session_status::connected) return;
    drop_transport();
    events_.push_back({queued_kind::disconnected, why, server_});
    finish(std::move(why));
}

void session::finish(error why) {
    status_ = session_status::closed;
    timers_.fill(no_deadline);
    pings_.clear();
    user_pings_ = 0;
    close_reason_ = why;
    events_.push_back({queued_kind::closed, std::move(why), server_});
}

// --- B: inputs

void session::commit(std::size_t n, time_point now) {
    now_ = now;
    stats_.socket_in += n;
    connection_.commit(n);
}

void session::handle_connected(attempt_id id, time_point now) {
    now_ = now;
    if (id == attempt_ && transport_open_) connection_up_ = true;
}

void session::handle_connect_failed(attempt_id id, error why, time_point now) {
    now_ = now;
    if (id != attempt_ || !transport_open_ || connection_up_) return;
    transport_open_ = false; // there is none to close
    attempt_failed(std::move(why), now);
}

void session::handle_eof(time_point now) {
    now_ = now;
    if (connection_up_) connection_.handle_eof();
}

void session::handle_io_error(attempt_id id, const std::error_code& why, time_point now) {
    now_ = now;
    if (id != attempt_ || !connection_up_) return;
    connection_.handle_eof(error{errc::io_error, why.message()});
}

void session::handle_timeout(time_point now) {
    now_ = now;
    if (at(timer::connect) <= now) {
        const char* missing = !connection_up_ ? "no connection"
                              : connection_.state() == wire::connection_state::awaiting_info
                                  ? "no INFO"
                                  : "no PONG";
        const auto ms =
            std::chrono::duration_cast<std::chrono::milliseconds>(options_.connect_timeout).count();
        attempt_failed(
            error{errc::timeout, std::string(missing) + " from " + servers_[server_].where.text() +
                                     " within " + std::to_string(ms) + " ms"},
            now);
    }
    if (at(timer::ping) <= now) keep_alive(now);
}

void session::keep_alive(time_point now) {
    if (own_pings_out_ >= options_.max_pings_out) {
        connection_lost(error{errc::stale_connection, "PINGs were not answered"}, now);
        return;
    }
    at(timer::ping) = deadline_after(now, options_.ping_interval);
    ++own_pings_out_; // counted even when the output is full: that peer does not read
    if (connection_.ping()) pings_.push_back({ping_id{0}, now});
}

// --- C: commands

void session::count_publish(std::size_t size) noexcept {
    ++stats_.out_messages;
    stats_.out_bytes += size;
}

error session::not_up() const {
    return status_ == session_status::closed ? errc::connection_closed : errc::not_connected;
}

result<void> session::publish(std::string_view subject, bytes payload, std::string_view reply,
                              header_view headers) {
    if (status_ != session_status::connected) return not_up();
    result<void> done = connection_.publish(subject, payload, reply, headers);
    if (done) count_publish(payload.size() + headers.raw().size());
    return done;
}

result<void> session::publish_borrowed(std::string_view subject, bytes payload,
                                       std::string_view reply, header_view headers) {
    if (status_ != session_status::connected) return not_up();
    result<void> done = connection_.publish_borrowed(subject, payload, reply, headers);
    if (done) count_publish(payload.size() + headers.raw().size());
    return done;
}

result<sub_id> session::subscribe(std::string_view subject, std::optional<std::string_view> queue,
                                  void* cookie) {
    if (status_ == session_status::closed) return error{errc::connection_closed};
    const std::size_t slot = free_sub_ != 0 ? free_sub_ - 1 : subs_.size();
    if (slot >= std::min<std::size_t>(limits_.max_subscriptions, slot_mask))
        return error{errc::too_many_subscriptions};
    const std::uint32_t generation = slot < subs_.size() ? subs_[slot].generation : 0;
    const std::uint64_t sid = sid_of(slot, generation);
    if (status_ == session_status::connected) {
        if (result<void> sent = connection_.subscribe(subject, queue, sid); !sent)
            return sent.error();
    } else if (result<void> ok = connection_.check_subscribe(subject, queue, sid); !ok) {
        return ok.error();
    }
    if (slot == subs_.size()) subs_.emplace_back();
    subscription& s = subs_[slot];
    free_sub_ = s.next_free;
    s.sid = sid;
    s.delivered = s.max = 0;
    s.cookie = cookie;
    s.next_free = 0;
    s.subject = subject;
    s.queue = queue.value_or(std::string_view{});
    ++active_subs_;
    return sub_id{sid};
}

result<void> session::unsubscribe(sub_id id, std::optional<std::uint64_t> after) {
    if (status_ == session_status::closed) return error{errc::connection_closed};
    subscription* s = find(static_cast<std::uint64_t>(id));
    if (s == nullptr) return error{errc::invalid_subscription};
    if (after && *after == 0) return error{errc::invalid_argument, "unsubscribe after 0 messages"};
    const bool now = !after || *after <= s->delivered;
    if (status_ == session_status::connected) {
        result<void> sent = connection_.unsubscribe(s->sid, now ? std::nullopt : after);
        if (!sent) return sent;
    }
    if (now)
        release(*s);
    else
        s->max = *after;
    return {};
}

result<ping_id> session::ping(time_point now) {
    now_ = now;
    if (status_ != session_status::connected) return not_up();
    if (user_pings_ >= limits_.max_pings)
        return error{errc::too_many_requests, "PINGs without their PONG"};
    if (result<void> sent = connection_.ping(); !sent) return sent.error();
    ++user_pings_;
    pings_.push_back({ping_id{++last_ping_}, now});
    return ping_id{last_ping_};
}

void session::close(time_point now) {
    now_ = now;
    if (status_ == session_status::closed) return;
    drop_transport();
    finish(errc::connection_closed);
}

// --- subscriptions

session::subscription* session::find(std::uint64_t sid) noexcept {
    const std::uint64_t slot = (sid & slot_mask) - 1; // wraps for 0, which is no sid of ours
    return slot < subs_.size() && subs_[slot].sid == sid ? &subs_[slot] : nullptr;
}

const session::subscription* session::find(std::uint64_t sid) const noexcept {
    return const_cast<session*>(this)->find(sid); // NOLINT(cppcoreguidelines-pro-type-const-cast)
}

void session::release(subscription& s) noexcept {
    s.sid = 0;
    s.cookie = nullptr;
    s.subject.clear();
    s.queue.clear();
    ++s.generation;
    s.next_free = free_sub_;
    free_sub_ = static_cast<std::uint32_t>(&s - subs_.data()) + 1;
    --active_subs_;
}

std::string_view session::subject_of(sub_id id) const noexcept {
    const subscription* s = find(static_cast<std::uint64_t>(id));
    return s != nullptr ? std::string_view(s->subject) : std::string_view{};
}

result<void> session::send_subscription(const subscription& s) {
    const auto queue = s.queue.empty() ? std::nullopt : std::optional<std::string_view>(s.queue);
    if (result<void> sent = connection_.subscribe(s.subject, queue, s.sid); !sent) return sent;
    if (s.max == 0) return {};
    // The server counts from this SUB on.
    return connection_.unsubscribe(s.sid, s.max - s.delivered);
}

// --- D: outputs

bool session::take_queued(event& out) {
    if (events_.empty()) return false;
    queued_event e = events_.pop_front();
    reported_ = std::move(e.why);
    switch (e.kind) {
    case queued_kind::connect_failed:
        out.emplace<ev::connect_failed>(ev::connect_failed{&servers_[e.server].where, &reported_});
        break;
    case queued_kind::disconnected:
        out.emplace<ev::disconnected>(ev::disconnected{&reported_});
        break;
    case queued_kind::closed: out.emplace<ev::closed>(ev::closed{&reported_}); break;
    }
    return true;
}

bool session::next(event& out) {
    using step = wire::client_connection::step;
    while (true) {
        if (take_queued(out)) return true;
        if (!connection_up_) return false;
        switch (connection_.advance()) {
        case step::need_more: return false;
        case step::message:
            if (on_message(out)) return true;
            break;
        case step::connect_requested: send_connect(); break;
        case step::connected:
            if (on_connected(out)) return true;
            break;
        case step::pong:
            if (on_pong(out)) return true;
            break;
        case step::info:
            if (status_ != session_status::connected) break;
            out.emplace<ev::info>(ev::info{&connection_.info()});
            return true;
        case step::server_error:
            if (on_server_error(out)) return true;
            break;
        case step::closed:
            // The reason that the server gave before it closed says more than the end of the
            // stream.
            connection_lost(refused_ && connection_.close_reason().code() >= errc::eof
                                ? last_refusal_
                                : connection_.close_reason(),
                            now_);
            break;
        }
    }
}

void session::send_connect() {
    const server_url& server = servers_[server_];
    if (connection_.info().tls_required) {
        attempt_failed(
            error{errc::tls_required, server.where.text() + ": this build cannot do TLS"}, now_);
        return;
    }
    wire::connect_fields fields;
    fields.verbose = options_.verbose;
    fields.pedantic = options_.pedantic;
    fields.echo = !options_.no_echo;
    fields.name = options_.name;
    const bool own_login =
        !server.user.empty() || !server.password.empty() || !server.token.empty();
    fields.user = own_login ? server.user : options_.user;
    fields.password = own_login ? server.password : options_.password;
    fields.token = own_login ? server.token : options_.token;
    if (result<void> sent = connection_.connect(fields); !sent) attempt_failed(sent.error(), now_);
}

bool session::on_connected(event& out) {
    status_ = session_status::connected;
    at(timer::connect) = no_deadline;
    at(timer::ping) = deadline_after(now_, options_.ping_interval);
    own_pings_out_ = 0;
    for (const subscription& s : subs_) {
        if (s.sid == 0) continue;
        if (result<void> sent = send_subscription(s); !sent) {
            connection_lost(sent.error(), now_);
            return false;
        }
    }
    out.emplace<ev::connected>(ev::connected{&connection_.info(), &servers_[server_].where});
    return true;
}

bool session::on_message(event& out) {
    const wire::frame& f = connection_.current();
    ++stats_.in_messages;
    stats_.in_bytes += f.header.size() + f.payload.size();
    subscription* s = find(f.sid);
    if (s == nullptr) return false; // it was unsubscribed while this was on its way
    ++s->delivered;
    const bool last = s->max != 0 && s->delivered >= s->max;
    out.emplace<ev::message>(
        ev::message{message_view{f.subject, f.reply, header_view(f.header), f.payload},
                    sub_id{f.sid}, s->cookie, last});
    if (last) release(*s);
    return true;
}

bool session::on_pong(event& out) {
    if (pings_.empty()) return false; // nobody asked
    const ping_record ping = pings_.pop_front();
    own_pings_out_ = 0; // the server is there
    if (ping.id == ping_id{0}) return false;
    --user_pings_;
    out.emplace<ev::pong>(ev::pong{ping.id, now_ - ping.sent});
    return true;
}

bool session::on_server_error(event& out) {
    const wire::server_error_class& what = connection_.current_error();
    const std::string_view text = connection_.current().text;
    if (what.closes) {
        refused_ = true;
        last_refusal_ = wire::to_error(what, text);
        if (status_ == session_status::connecting) { // do not wait for the server to close
            attempt_failed(last_refusal_, now_);
            return false;
        }
    }
    ev::server_error e{text, what, std::nullopt, nullptr};
    if (what.subscription) {
        for (const subscription& s : subs_) {
            if (s.sid == 0 || s.subject != what.subject || s.queue != what.queue) continue;
            e.sub = sub_id{s.sid};
            e.cookie = s.cookie;
            break;
        }
    }
    out.emplace<ev::server_error>(e);
    return true;
}

std::optional<session_action> session::poll_action() {
    if (actions_.empty()) return std::nullopt;
    return actions_.pop_front();
}

std::size_t session::poll_transmit(std::span<const_buffer> out) const noexcept {
    return connection_up_ ? connection_.poll_transmit(out) : 0;
}

void session::transmitted(std::size_t n) {
    stats_.socket_out += n;
    connection_.transmitted(n);
}

std::optional<time_point> session::poll_timeout() const noexcept {
    const time_point next = *std::min_element(timers_.begin(), timers_.end());
    return next == no_deadline ? std::nullopt : std::optional(next);
}

} // namespace nats

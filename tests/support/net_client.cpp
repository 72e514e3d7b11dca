// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: work() does one thing of the session's contract at a time: an event, an
// action, a write, a read. When there is none, step() lets the network or a deadline happen,
// whichever comes first. A proactor's read holds the span that prepare() gave until bytes come or
// the transport is closed; its write holds pieces, and that they do not change is checked.

#include "support/net_client.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace nats::test {

namespace {

constexpr std::size_t most_steps_at_once = 200'000;

std::string time_text(duration d) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(d).count();
    std::string out = std::to_string(us / 1000);
    if (us % 1000 != 0) out += '.' + std::to_string(1000 + us % 1000).substr(1);
    return out;
}

} // namespace

net_client::net_client(network& net, const options& o, const client_settings& s)
    : net_(net),
      settings_(s),
      most_kept_(static_cast<std::size_t>(std::max<std::int64_t>(o.reconnect_buffer, 0)) +
                 (o.keep_unsent ? o.bounds.max_output_bytes + 70'000 : 0)),
      random_(s.seed),
      session_(o, {&random_, s.crypto, s.files}),
      runtime_(session_, random_) {
    runtime_.advance(net_.now());
    runtime_.observe(
        [](void* self, const event& e) {
            auto& me = *static_cast<net_client*>(self);
            me.note(line_of(e));
            if (me.observer) me.observer(e);
        },
        this);
}

net_client::~net_client() {
    for (const std::string& b : broken_) ADD_FAILURE() << b;
    for (place* p : net_.places()) {
        for (const std::string& b : p->server.broken()) ADD_FAILURE() << p->name << ": " << b;
    }
    if (socket_) socket_->close();
}

void net_client::note(const std::string& line) {
    events_.push_back(line);
    log_.push_back(time_text(since_start()) + ' ' + line);
}

std::size_t net_client::count(std::string_view line_start) const {
    return static_cast<std::size_t>(
        std::count_if(events_.begin(), events_.end(),
                      [&](const std::string& l) { return l.starts_with(line_start); }));
}

// --- driving

bool net_client::step(time_point until) {
    if (net_.now() != here_) {
        here_ = net_.now();
        steps_here_ = 0;
    }
    if (++steps_here_ > most_steps_at_once) throw std::logic_error("a busy loop");
    runtime_.advance(net_.now());
    if (work()) {
        check_bounds();
        timeout_done_.reset();
        return true;
    }
    net_.collect();
    const time_point arrival = net_.next();
    const time_point deadline = runtime_.poll_timeout().value_or(no_deadline);
    const time_point next = std::min(arrival, deadline);
    if (next == no_deadline || next > until) return false;
    if (deadline < arrival) {
        net_.set_now(std::max(net_.now(), deadline));
        // An op that it resumes may wait until now once more, to let what has arrived be read.
        timeouts_here_ = timeout_done_ == net_.now() ? timeouts_here_ + 1 : 0;
        if (timeouts_here_ > 4)
            throw std::logic_error("handle_timeout leaves a deadline that is over");
        runtime_.advance(net_.now());
        runtime_.handle_timeout(net_.now());
        timeout_done_ = net_.now();
    } else {
        net_.run_first();
        runtime_.advance(net_.now());
    }
    return true;
}

void net_client::advance(duration d) {
    const time_point end = net_.now() + d;
    while (step(end)) {
    }
    net_.set_now(end);
    runtime_.advance(end);
}

void net_client::settle() {
    while (true) {
        while (step(net_.now())) {
        }
        net_.collect();
        if (net_.next() == no_deadline) return;
        step(net_.next());
    }
}

void net_client::until(const std::function<bool()>& done) {
    while (!done()) {
        if (!step()) throw std::logic_error("nothing can happen any more");
    }
}

bool net_client::connect() {
    if (const result<void> started = session_.start(net_.now()); !started)
        throw std::logic_error(started.error().message());
    until([this] { return session_.status() != session_status::connecting; });
    while (work()) {
    }
    return session_.status() == session_status::connected;
}

bool net_client::work() {
    if (take_event()) return true;
    if (do_action()) return true;
    if (wire_ != wire::open) return false;
    if (write_some()) return true;
    return read_some();
}

bool net_client::take_event() {
    event e;
    if (!session_.next(e)) return false;
    check_order(e);
    if (std::holds_alternative<ev::message>(e)) note(line_of(e));
    if (std::holds_alternative<ev::message>(e) && observer) observer(e);
    runtime_.dispatch(e);
    return true;
}

bool net_client::do_action() {
    const std::optional<session_action> a = session_.poll_action();
    if (!a) return false;
    if (const auto* c = std::get_if<action::connect>(&*a))
        begin_connect(*c);
    else if (const auto* end = std::get_if<action::close>(&*a))
        begin_close(*end);
    return true;
}

void net_client::begin_connect(const action::connect& c) {
    if (wire_ != wire::none) fail("a connect before the transport before it was closed");
    place& to = net_.at(c.to->text());
    ++to.attempts;
    note("try " + c.to->text());
    attempt_ = c.id;
    wire_ = wire::opening;
    end_told_ = false;
    const time_point then = net_.now() + to.latency;
    if (to.how == reach::silent) return;
    if (to.how != reach::accepts) {
        const errc why = to.how == reach::refused ? errc::connect_failed : errc::resolve_failed;
        net_.call_at(then, [this, id = c.id, why, at = to.name] {
            if (attempt_ != id || wire_ != wire::opening) return;
            wire_ = wire::none;
            session_.handle_connect_failed(id, error{why, at}, net_.now());
        });
        return;
    }
    socket_ = net_.open(to);
    net_.call_at(then, [this, id = c.id] {
        if (attempt_ == id && wire_ == wire::opening) wire_ = wire::open;
        session_.handle_connected(id, net_.now()); // also late: it is to be ignored then
    });
}

void net_client::begin_close(const action::close& c) {
    if (c.id != attempt_ || wire_ == wire::none) {
        fail("a close of what is not open");
        return;
    }
    if (wire_ == wire::open && !writing_) (void)write_some(); // the end of TLS
    wire_ = wire::closing;
    if (settings_.close_takes == duration::zero() && !settings_.proactor) {
        closed(c.id);
        return;
    }
    net_.call_at(net_.now() + settings_.close_takes, [this, id = c.id] { closed(id); });
}

void net_client::closed(attempt_id id) {
    if (reading_ && socket_ && !socket_->arrived().empty()) finish_read();
    reading_.reset();
    if (writing_) (void)finish_write(true);
    writing_.reset();
    if (socket_) socket_->close();
    socket_.reset();
    wire_ = wire::none;
    session_.handle_closed(id, net_.now());
}

// --- bytes

bool net_client::write_some() {
    if (!socket_) return false;
    if (writing_) return finish_write(false);
    std::array<const_buffer, 8> pieces;
    const std::size_t count = session_.poll_transmit(pieces);
    if (count == 0) return false;
    std::size_t offered = 0;
    for (std::size_t i = 0; i < count; ++i) offered += pieces[i].size;
    if (settings_.proactor && wire_ == wire::open) {
        writing_.emplace();
        writing_->pieces.assign(pieces.begin(), pieces.begin() + static_cast<long>(count));
        for (const const_buffer& p : writing_->pieces) writing_->copy.append(p.data, p.size);
        session_.handle_write_blocked(net_.now());
        return true;
    }
    const std::size_t n = socket_->write({pieces.data(), count});
    if (n != 0) {
        if (settings_.transcript) transcript_ += "> " + std::to_string(n) + '\n';
        runtime_.transmitted(n);
    }
    if (n < offered) session_.handle_write_blocked(net_.now());
    return n != 0;
}

/// A proactor's write completes when the socket takes something. `at_end`: it is being cancelled,
/// and may still have been done.
bool net_client::finish_write(bool at_end) {
    std::string now;
    for (const const_buffer& p : writing_->pieces) now.append(p.data, p.size);
    if (now != writing_->copy) fail("bytes under way were changed");
    const std::size_t n =
        at_end && net_.random().below(2) == 0 ? 0 : socket_->write(writing_->pieces);
    if (n == 0) return false;
    if (settings_.transcript) transcript_ += "> " + std::to_string(n) + '\n';
    writing_.reset();
    runtime_.transmitted(n);
    return true;
}

void net_client::finish_read() {
    std::string& from = socket_->arrived();
    const std::size_t n = std::min(net_.piece_of(from.size(), settings_.input), reading_->size());
    std::memcpy(reading_->data(), from.data(), n);
    if (settings_.transcript) transcript_ += "< " + shown(from.substr(0, n)) + '\n';
    from.erase(0, n);
    reading_.reset();
    session_.commit(n, net_.now());
}

bool net_client::read_some() {
    if (!socket_) return false;
    if (settings_.proactor && !reading_) {
        reading_ = session_.prepare();
        if (reading_->empty()) fail("no space to read into");
    }
    if (!socket_->failure() && !socket_->arrived().empty()) {
        if (!reading_) reading_ = session_.prepare();
        finish_read();
        return true;
    }
    if (end_told_ || (!socket_->failure() && !socket_->at_eof())) return false;
    end_told_ = true;
    reading_.reset();
    if (socket_->failure())
        session_.handle_io_error(attempt_, socket_->failure(), net_.now());
    else
        session_.handle_eof(attempt_, net_.now());
    return true;
}

// --- what must hold

void net_client::check_order(const event& e) {
    if (phase_ == phase::closed) fail("an event after closed: " + line_of(e));
    if (std::holds_alternative<ev::connected>(e)) {
        if (phase_ != phase::before || ever_up_) fail("connected twice");
        phase_ = phase::up;
        ever_up_ = true;
    } else if (std::holds_alternative<ev::reconnected>(e)) {
        if (phase_ != phase::down) fail("reconnected without disconnected");
        phase_ = phase::up;
    } else if (std::holds_alternative<ev::disconnected>(e)) {
        if (phase_ != phase::up) fail("disconnected without connected");
        phase_ = phase::down;
    } else if (std::holds_alternative<ev::closed>(e)) {
        phase_ = phase::closed;
        if (session_.status() != session_status::closed) fail("closed, and the status is not");
    } else if (std::holds_alternative<ev::message>(e) || std::holds_alternative<ev::pong>(e)) {
        if (phase_ != phase::up) fail("it came without a connection: " + line_of(e));
    } else if (std::holds_alternative<ev::connect_failed>(e)) {
        if (phase_ == phase::up) fail("connect_failed while connected");
    }
}

void net_client::check_bounds() {
    if (session_.kept() > most_kept_)
        fail(std::to_string(session_.kept()) + " bytes are kept, at most " +
             std::to_string(most_kept_) + " should be");
    if (session_.status() == session_status::closed && session_.poll_timeout())
        fail("a closed session has a deadline");
}

} // namespace nats::test

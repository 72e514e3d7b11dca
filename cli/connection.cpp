// SPDX-License-Identifier: Apache-2.0
//
// The connection of a command.
//
// Theory of operation: whatever happens to the connection comes as an event, at any time. What the
// server refuses is told at once and remembered for the exit code. A task ends with its connection,
// and the call that fails by it says why; a service connects again, and tells here how it fares:
// of a long row of failed attempts only numbers 1, 2, 4, 8, ...

#include <natsproto/options.hpp>
#include <natsproto/wire/server_error.hpp>

#include "common.hpp"

#include <fmt/format.h>

#include <bit>
#include <variant>

namespace nats::cli {

namespace {

/// A publisher that is refused gets one -ERR a message; more lines would tell nothing new.
constexpr std::uint64_t refusals_shown = 10;

} // namespace

client connection::connect(const global_options& g, std::string_view server) {
    options o = options_of(g);
    if (!server.empty()) o.servers = server;
    o.reconnect = lifetime_ == lifetime::service;
    o.max_reconnects = -1;
    blocking_options b;
    b.write_timeout = g.timeout;
    b.on_event = [](void* self, const event& e) { static_cast<connection*>(self)->on_event(e); };
    b.on_event_context = this;
    if (g.trace) b.trace = [](void*, std::string_view line) { tell(line); };
    return client::connect(o, b).value();
}

connection::connection(const global_options& g, lifetime l, std::string_view server)
    : lifetime_(l), timeout_(g.timeout), client_(connect(g, server)) {}

void connection::flush() {
    client_.flush(timeout_).value();
}

bool connection::wait_ready() {
    while (true) {
        const result<duration> up = client_.flush(timeout_);
        if (up) return true;
        if (up.error() == errc::interrupted) return false;
        if (client_.status() != session_status::reconnecting) throw exception(up.error());
    }
}

void connection::note_kept() noexcept {
    kept_ = kept_ || (client_.status() == session_status::reconnecting && client_.kept() != 0);
}

bool connection::start_drain() {
    note_kept();
    return client_.start_drain().has_value();
}

void connection::drain() {
    note_kept();
    const result<void> drained = client_.drain();
    if (drained) return;
    if (client_.status() != session_status::closed) throw exception(drained.error());
    const error& why = client_.close_reason();
    if (why != errc::connection_closed) throw exception(why);
    if (kept_) throw exception(error{errc::not_connected, "some messages were not sent"});
}

void connection::on_event(const event& e) {
    if (const auto* slow = std::get_if<ev::slow_consumer>(&e)) {
        tell_error(fmt::format("messages on \"{}\" come too fast: {} dropped so far",
                               printable(slow->subject), slow->dropped));
    } else if (const auto* warning = std::get_if<ev::warning>(&e)) {
        tell_error("warning: " + warning->why->message());
    } else if (const auto* refusal = std::get_if<ev::server_error>(&e)) {
        on_refusal(*refusal);
    } else if (lifetime_ == lifetime::service) {
        tell_of_service(e);
    }
}

void connection::on_refusal(const ev::server_error& e) {
    if (e.what.closes) return; // the end of the connection tells it
    if (++refusals_ < refusals_shown)
        tell_error(wire::to_error(e.what, e.text).message());
    else if (refusals_ == refusals_shown)
        tell_error("further errors of the server are not shown");
    if (interrupt_) client_.interrupt();
}

void connection::tell_of_service(const event& e) {
    if (std::holds_alternative<ev::connected>(e)) {
        was_up_ = true;
    } else if (const auto* lost = std::get_if<ev::disconnected>(&e)) {
        attempts_ = 0;
        tell_error(
            fmt::format("disconnected from {}: {}", lost->server->text(), lost->why->message()));
    } else if (const auto* failed = std::get_if<ev::connect_failed>(&e)) {
        // Before the first connection, the call that connects tells.
        if (was_up_ && std::has_single_bit(++attempts_))
            tell_error(
                fmt::format("attempt {} to reconnect: {}", attempts_, failed->why->message()));
    } else if (const auto* back = std::get_if<ev::reconnected>(&e)) {
        tell_error("reconnected to " + back->server->text());
    } else if (const auto* ldm = std::get_if<ev::lame_duck>(&e)) {
        tell_error(ldm->server->text() + " is about to shut down");
    }
}

} // namespace nats::cli

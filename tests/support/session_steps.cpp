// SPDX-License-Identifier: Apache-2.0

#include "support/session_steps.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <variant>

namespace nats::test {

std::string shown(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
        if (c == '\r')
            out += "\\r";
        else if (c == '\n')
            out += "\\n";
        else
            out += printable({&c, 1});
    }
    return out;
}

std::string in_ms(duration d) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(d).count()) + "ms";
}

namespace {

std::string number(auto id) {
    return std::to_string(static_cast<std::uint64_t>(id));
}

std::string line_of_message(const ev::message& m) {
    std::string out = "message " + number(m.sub) + ' ' + shown(m.view.subject);
    if (!m.view.reply.empty()) out += " reply " + shown(m.view.reply);
    if (!m.view.headers.empty()) out += " header \"" + shown(m.view.headers.raw()) + '"';
    out += " \"" + shown(m.view.payload) + '"';
    return m.last ? out + " last" : out;
}

std::string line_of_error(const ev::server_error& e) {
    std::string out =
        "server_error \"" + shown(e.text) + "\": " + std::string(describe(e.what.code));
    return e.sub ? out + " sub " + number(*e.sub) : out;
}

} // namespace

std::string line_of(const event& e) {
    return std::visit(
        [](const auto& x) -> std::string {
            using type = std::decay_t<decltype(x)>;
            if constexpr (std::is_same_v<type, ev::message>) {
                return line_of_message(x);
            } else if constexpr (std::is_same_v<type, ev::connected>) {
                return "connected " + x.server->text();
            } else if constexpr (std::is_same_v<type, ev::connect_failed>) {
                return "connect_failed " + x.server->text() + ": " + x.why->message();
            } else if constexpr (std::is_same_v<type, ev::disconnected>) {
                return "disconnected: " + x.why->message();
            } else if constexpr (std::is_same_v<type, ev::pong>) {
                return "pong " + number(x.id) + " after " + in_ms(x.rtt);
            } else if constexpr (std::is_same_v<type, ev::info>) {
                return "info max_payload " + std::to_string(x.info->max_payload);
            } else if constexpr (std::is_same_v<type, ev::server_error>) {
                return line_of_error(x);
            } else if constexpr (std::is_same_v<type, ev::reconnected>) {
                return "reconnected " + x.server->text() + " number " + std::to_string(x.count);
            } else if constexpr (std::is_same_v<type, ev::lame_duck>) {
                return "lame_duck " + x.server->text();
            } else if constexpr (std::is_same_v<type, ev::discovered>) {
                std::string line = "discovered";
                for (const endpoint& server : x.servers) line += ' ' + server.text();
                return line;
            } else if constexpr (std::is_same_v<type, ev::subscription_drained>) {
                return "drained " + number(x.sub);
            } else if constexpr (std::is_same_v<type, ev::subscriptions_drained>) {
                return "all drained";
            } else if constexpr (std::is_same_v<type, ev::room>) {
                return "room";
            } else if constexpr (std::is_same_v<type, ev::warning>) {
                return "warning: " + x.why->message();
            } else if constexpr (std::is_same_v<type, ev::slow_consumer>) {
                return "slow_consumer " + number(x.sub) + ' ' + std::string(x.subject) +
                       " dropped " + std::to_string(x.dropped);
            } else if constexpr (std::is_same_v<type, ev::closed>) {
                return "closed: " + x.why->message();
            } else {
                return "none";
            }
        },
        e);
}

std::string stepper::drain() {
    std::string out;
    event e;
    while (s.next(e)) out += line_of(e) + '\n';
    while (const auto a = s.poll_action()) {
        if (const auto* c = std::get_if<action::connect>(&*a)) {
            newest = c->id;
            out += "connect " + number(c->id) + ' ' + c->to->text() + " by " +
                   in_ms(c->deadline - start_of_time) + '\n';
        } else if (const auto* t = std::get_if<action::start_tls>(&*a)) {
            out += "start_tls " + number(t->id) + ' ' + std::string(t->server_name) + '\n';
        } else {
            const attempt_id id = std::get<action::close>(*a).id;
            out += "close " + number(id) + '\n';
            if (!slow_close) s.handle_closed(id, now);
        }
        while (s.next(e)) out += line_of(e) + '\n';
    }
    std::string bytes;
    const_buffer piece[1];
    while (s.poll_transmit(piece) != 0) {
        bytes.append(piece[0].data, piece[0].size);
        s.transmitted(piece[0].size);
    }
    return bytes.empty() ? out : out + "> " + shown(bytes) + '\n';
}

std::string stepper::start() {
    const result<void> ok = s.start(now);
    return (ok ? "" : "error: " + ok.error().message() + '\n') + drain();
}

std::string stepper::connected(std::uint64_t attempt) {
    s.handle_connected(attempt_id{attempt}, now);
    return drain();
}

std::string stepper::connect_failed(std::uint64_t attempt, error why) {
    s.handle_connect_failed(attempt_id{attempt}, std::move(why), now);
    return drain();
}

std::string stepper::receive(std::string_view bytes) {
    std::string out;
    while (!bytes.empty()) {
        const std::span<char> space = s.prepare();
        const std::size_t n = std::min(space.size(), bytes.size());
        std::memcpy(space.data(), bytes.data(), n);
        s.commit(n, now);
        bytes.remove_prefix(n);
        out += drain();
    }
    return out;
}

std::string stepper::closed(std::uint64_t attempt) {
    s.handle_closed(attempt_id{attempt}, now);
    return drain();
}

std::string stepper::eof() {
    s.handle_eof(newest, now);
    return drain();
}

std::string stepper::io_error(std::uint64_t attempt) {
    s.handle_io_error(attempt_id{attempt}, std::make_error_code(std::errc::connection_reset), now);
    return drain();
}

std::string stepper::wait(duration d) {
    now += d;
    s.handle_timeout(now);
    return drain();
}

std::string stepper::close() {
    s.close(now);
    return drain();
}

bool stepper::open(std::string_view info) {
    (void)start();
    (void)connected();
    (void)receive(info);
    (void)receive("PONG\r\n");
    return s.status() == session_status::connected;
}

} // namespace nats::test

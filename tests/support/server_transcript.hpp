// SPDX-License-Identifier: Apache-2.0
//
// The server's counterpart of transcript.hpp: its events as text, and a conversation that decides
// about logins. No test framework in here: the fuzz targets use it too.

#pragma once

#include <natsproto/wire/server_connection.hpp>

#include "support/transcript.hpp"

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <variant>

namespace nats::test {

inline std::string to_text(const wire::connect_request& r) {
    std::string out;
    for (const auto& [set, name] :
         {std::pair(r.verbose, " verbose"), std::pair(r.pedantic, " pedantic"),
          std::pair(r.echo, " echo"), std::pair(r.headers, " headers"),
          std::pair(r.no_responders, " no_responders")}) {
        if (set) out += name;
    }
    return out + " protocol " + std::to_string(r.protocol) + " name " + in_quotes(r.name) +
           " user " + in_quotes(r.user.view());
}

inline std::string to_text(const wire::server_connection_event& e) {
    namespace ev = wire::server_event;
    return std::visit(
        [](const auto& x) -> std::string {
            using event_type = std::decay_t<decltype(x)>;
            if constexpr (std::is_same_v<event_type, ev::connect>) {
                return std::string("connect") + (x.again ? " again" : "") + to_text(*x.request) +
                       '\n';
            } else if constexpr (std::is_same_v<event_type, ev::published>) {
                return "pub " + in_quotes(x.view.subject) + " reply " + in_quotes(x.view.reply) +
                       " header " + in_quotes(x.view.headers.raw()) + " payload " +
                       in_quotes(x.view.payload) + '\n';
            } else if constexpr (std::is_same_v<event_type, ev::subscribed>) {
                return "sub " + in_quotes(x.subject) + " queue " + in_quotes(x.queue) + " sid " +
                       in_quotes(x.sid) + '\n';
            } else if constexpr (std::is_same_v<event_type, ev::unsubscribed>) {
                return "unsub " + in_quotes(x.sid) +
                       (x.max ? " max " + std::to_string(*x.max) : "") + '\n';
            } else if constexpr (std::is_same_v<event_type, ev::ping>) {
                return "ping\n";
            } else if constexpr (std::is_same_v<event_type, ev::pong>) {
                return "pong\n";
            } else if constexpr (std::is_same_v<event_type, ev::closed>) {
                return failed(x.why->code());
            } else {
                return "none\n";
            }
        },
        e);
}

/// All that a server's connection has to send now.
inline std::string drain_output(wire::server_connection& c) {
    std::string out;
    const_buffer piece[1];
    while (c.poll_transmit(piece) != 0) {
        out.append(piece[0].data, piece[0].size);
        c.transmitted(piece[0].size);
    }
    return out;
}

/// Whoever names no user may come in where no login is required; else it is `u` with `p`.
inline void decide(wire::server_connection& c) {
    const wire::connect_request& r = c.request();
    const bool welcome =
        !c.info().auth_required || (r.user.view() == "u" && r.password.view() == "p");
    if (welcome)
        (void)c.accept();
    else
        c.refuse("Authorization Violation");
}

/// All that a server's connection has to report now, with logins decided.
inline std::string drain_events(wire::server_connection& c) {
    std::string out;
    wire::server_connection_event e;
    while (c.next(e)) {
        out += to_text(e);
        if (std::holds_alternative<wire::server_event::connect>(e)) decide(c);
    }
    return out;
}

inline server_info plain_server() {
    server_info i;
    i.server_id = "S";
    i.max_payload = 100;
    i.headers = true;
    return i;
}

inline server_info login_server() {
    server_info i = plain_server();
    i.auth_required = true;
    return i;
}

/// What a server's connection makes of some bytes. What was sent is without the INFO.
struct served {
    std::string events;
    std::string sent;
    std::size_t rest = 0; ///< bytes that were not an operation yet
    wire::connection_state state{};
    friend bool operator==(const served&, const served&) = default;
    friend std::ostream& operator<<(std::ostream& out, const served& s) {
        return out << s.events << "sent " << in_quotes(s.sent) << " rest " << s.rest;
    }
};

inline served serve(const chunks& input, const server_info& info = plain_server(),
                    const wire::server_connection_options& o = {}) {
    wire::server_connection c(o);
    served out;
    if (!c.start(info, {})) out.events = "no start\n";
    (void)drain_output(c);
    for (const std::string_view chunk : input) {
        c.feed(chunk);
        out.events += drain_events(c);
        out.sent += drain_output(c);
    }
    out.rest = c.unparsed();
    out.state = c.state();
    return out;
}

} // namespace nats::test

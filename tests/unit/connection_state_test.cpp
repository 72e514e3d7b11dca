// SPDX-License-Identifier: Apache-2.0
//
// The transition tables, every state with every input: the client's says what is written down here
// again (the server's stands in docs/server.md, which a test compares), a closed connection stays
// closed, and real connections do what the tables say.

#include <natsproto/wire/connection_state.hpp>

#include "support/server_transcript.hpp"
#include "support/transcript.hpp"

#include <gtest/gtest.h>

#include <iterator>
#include <set>
#include <string>

namespace nats::test {

namespace {

using wire::connection_action;
using wire::connection_input;
using wire::connection_state;

constexpr connection_state states[] = {
    connection_state::awaiting_info, connection_state::awaiting_connect,
    connection_state::handshaking, connection_state::open, connection_state::closed};
/// Of a client.
constexpr connection_input inputs[] = {connection_input::info,    connection_input::msg,
                                       connection_input::ping,    connection_input::pong,
                                       connection_input::ok,      connection_input::err,
                                       connection_input::connect, connection_input::command,
                                       connection_input::eof,     connection_input::violation};
static_assert(std::size(states) == wire::connection_states);

const wire::transition& at(connection_state s, connection_input i) {
    return wire::client_transitions[static_cast<std::size_t>(s)][static_cast<std::size_t>(i)];
}

/// One line for each state: what it does about each input, and the next state where that is another
/// one.
std::string table_text() {
    std::string out;
    for (const connection_state s : states) {
        out += std::string(name_of(s)) + ":\n";
        for (const connection_input i : inputs) {
            const wire::transition& t = at(s, i);
            out += std::string("  ") + name_of(i) + ": " + name_of(t.action);
            if (t.action != connection_action::refuse && t.next != s)
                out += std::string(" -> ") + name_of(t.next);
            out += '\n';
        }
    }
    return out;
}

constexpr std::string_view expected_table = R"(awaiting_info:
  INFO: request_connect -> awaiting_connect
  MSG: refuse
  PING: refuse
  PONG: refuse
  +OK: refuse
  -ERR: report_error
  connect: refuse
  command: refuse
  EOF: close -> closed
  violation: close -> closed
awaiting_connect:
  INFO: report_info
  MSG: refuse
  PING: owe_pong
  PONG: refuse
  +OK: ignore
  -ERR: report_error
  connect: send_connect -> handshaking
  command: refuse
  EOF: close -> closed
  violation: close -> closed
handshaking:
  INFO: report_info
  MSG: refuse
  PING: answer_ping
  PONG: report_connected -> open
  +OK: ignore
  -ERR: report_error
  connect: refuse
  command: refuse
  EOF: close -> closed
  violation: close -> closed
open:
  INFO: report_info
  MSG: deliver
  PING: answer_ping
  PONG: report_pong
  +OK: ignore
  -ERR: report_error
  connect: refuse
  command: accept_command
  EOF: close -> closed
  violation: close -> closed
closed:
  INFO: refuse
  MSG: refuse
  PING: refuse
  PONG: refuse
  +OK: refuse
  -ERR: refuse
  connect: refuse
  command: refuse
  EOF: refuse
  violation: refuse
)";

wire::client_connection connection_in(connection_state s) {
    wire::client_connection c;
    if (s == connection_state::open || s == connection_state::closed) {
        EXPECT_TRUE(open(c));
    } else if (s != connection_state::awaiting_info) {
        c.feed(info_line);
        (void)drain_events(c);
        if (s == connection_state::handshaking) {
            EXPECT_TRUE(c.connect({}));
            (void)drain_output(c);
        }
    }
    if (s == connection_state::closed) {
        c.handle_eof();
        (void)drain_events(c);
    }
    EXPECT_EQ(c.state(), s);
    return c;
}

/// What a connection visibly did.
struct observed {
    std::string events;
    std::string sent;
    bool call_accepted = true;
};

observed apply(wire::client_connection& c, connection_input i) {
    observed out;
    switch (i) {
    case connection_input::info: c.feed("INFO {\"server_id\":\"S\"}\r\n"); break;
    case connection_input::msg: c.feed("MSG a 1 0\r\n\r\n"); break;
    case connection_input::ping: c.feed("PING\r\n"); break;
    case connection_input::pong: c.feed("PONG\r\n"); break;
    case connection_input::ok: c.feed("+OK\r\n"); break;
    case connection_input::err: c.feed("-ERR 'e'\r\n"); break;
    case connection_input::connect: out.call_accepted = c.connect({}).has_value(); break;
    case connection_input::command: out.call_accepted = c.publish("a", "").has_value(); break;
    case connection_input::eof: c.handle_eof(); break;
    case connection_input::violation: c.feed("BAD\r\n"); break;
    default: ADD_FAILURE() << "no input of a client: " << name_of(i);
    }
    out.events = drain_events(c);
    out.sent = drain_output(c);
    return out;
}

/// What each action looks like from outside. A closed connection says nothing at all.
std::string events_of(connection_action a, connection_state s, connection_input i) {
    switch (a) {
    case connection_action::request_connect: return "connect_requested \"S\"\n";
    case connection_action::report_connected: return "connected \"S\"\n";
    case connection_action::deliver: return "message 1 \"a\" reply \"\" header \"\" payload \"\"\n";
    case connection_action::report_pong: return "pong\n";
    case connection_action::report_info: return "info \"S\" max_payload 0\n";
    case connection_action::report_error: return "server_error \"e\"\n";
    case connection_action::close:
        return failed(i == connection_input::eof ? errc::eof : errc::unknown_operation);
    case connection_action::refuse:
        if (s == connection_state::closed || i == connection_input::connect ||
            i == connection_input::command)
            return "";
        return failed(errc::unexpected_operation);
    case connection_action::send_connect:
    case connection_action::accept_command:
    case connection_action::answer_ping:
    case connection_action::owe_pong:
    case connection_action::ignore: return "";
    default: return "no action of a client";
    }
}

bool is_call(connection_input i) {
    return i == connection_input::connect || i == connection_input::command;
}

} // namespace

TEST(connection_state, the_table_is_this_one) {
    EXPECT_EQ(table_text(), expected_table);
}

TEST(connection_state, closed_is_absorbing) {
    for (const connection_input i : inputs) {
        EXPECT_EQ(at(connection_state::closed, i).action, connection_action::refuse) << name_of(i);
        EXPECT_EQ(at(connection_state::closed, i).next, connection_state::closed) << name_of(i);
    }
}

TEST(connection_state, nothing_leads_back) {
    for (const connection_state s : states) {
        for (const connection_input i : inputs) {
            if (is_call(i) && at(s, i).action == connection_action::refuse)
                continue; // nothing changes
            EXPECT_GE(at(s, i).next, s) << name_of(s) << ' ' << name_of(i);
        }
    }
}

TEST(connection_state, the_end_of_the_transport_always_closes) {
    for (const connection_state s : states) {
        EXPECT_EQ(at(s, connection_input::eof).next, connection_state::closed) << name_of(s);
        EXPECT_EQ(at(s, connection_input::violation).next, connection_state::closed) << name_of(s);
    }
}

TEST(connection_state, a_connection_does_what_the_table_says) {
    for (const connection_state s : states) {
        for (const connection_input i : inputs) {
            SCOPED_TRACE(std::string(name_of(s)) + ", " + name_of(i));
            const wire::transition& t = at(s, i);
            wire::client_connection c = connection_in(s);
            const observed o = apply(c, i);
            const bool refused = t.action == connection_action::refuse;
            EXPECT_EQ(o.events, events_of(t.action, s, i));
            EXPECT_EQ(c.state(), refused && is_call(i) ? s : t.next);
            EXPECT_EQ(o.call_accepted, !is_call(i) || !refused);
            EXPECT_EQ(o.sent == "PONG\r\n", t.action == connection_action::answer_ping);
            EXPECT_EQ(o.sent.starts_with("CONNECT {"), t.action == connection_action::send_connect);
            EXPECT_EQ(o.sent == "PUB a 0\r\n\r\n", t.action == connection_action::accept_command);
        }
    }
}

// --- a server

const wire::transition& server_at(connection_state s, connection_input i) {
    return wire::server_transitions[static_cast<std::size_t>(s)][static_cast<std::size_t>(i)];
}

connection_input input_at(std::size_t i) {
    return static_cast<connection_input>(i);
}

wire::server_connection server_in(connection_state s) {
    wire::server_connection c;
    if (s != connection_state::awaiting_info) {
        EXPECT_TRUE(c.start(login_server(), time_point{}));
    }
    if (s == connection_state::handshaking || s == connection_state::open) {
        c.feed("CONNECT {\"verbose\":false,\"headers\":true}\r\n");
        wire::server_connection_event e;
        EXPECT_TRUE(c.next(e));
        if (s == connection_state::open) {
            EXPECT_TRUE(c.accept());
        }
    }
    if (s == connection_state::closed) {
        c.close();
        (void)drain_events(c);
    }
    (void)drain_output(c);
    EXPECT_EQ(c.state(), s);
    return c;
}

/// What a server's connection visibly did; a login is not decided.
observed apply(wire::server_connection& c, connection_input i) {
    observed out;
    switch (i) {
    case connection_input::info: c.feed("INFO {}\r\n"); break;
    case connection_input::ping: c.feed("PING\r\n"); break;
    case connection_input::pong: c.feed("PONG\r\n"); break;
    case connection_input::ok: c.feed("+OK\r\n"); break;
    case connection_input::err: c.feed("-ERR 'e'\r\n"); break;
    case connection_input::connect_frame: c.feed("CONNECT {}\r\n"); break;
    case connection_input::pub: c.feed("PUB a 0\r\n\r\n"); break;
    case connection_input::sub: c.feed("SUB a 1\r\n"); break;
    case connection_input::unsub: c.feed("UNSUB 1\r\n"); break;
    case connection_input::violation: c.feed("CBAD\r\n"); break;
    case connection_input::eof: c.handle_eof(); break;
    case connection_input::timeout: c.handle_timeout(time_point{} + std::chrono::hours(1)); break;
    case connection_input::end: c.close(); break;
    case connection_input::start:
        out.call_accepted = c.start(login_server(), {}).has_value();
        break;
    case connection_input::start_open:
        out.call_accepted = c.start(plain_server(), {}).has_value();
        break;
    case connection_input::announce:
        out.call_accepted = c.send_info(login_server()).has_value();
        break;
    case connection_input::accept: out.call_accepted = c.accept().has_value(); break;
    case connection_input::refuse: c.refuse("no"); break;
    case connection_input::command: out.call_accepted = c.ping().has_value(); break;
    default: break; // a client's
    }
    wire::server_connection_event e;
    while (c.next(e)) out.events += to_text(e);
    out.sent = drain_output(c);
    return out;
}

bool is_server_call(connection_input i) {
    return i == connection_input::start || i == connection_input::start_open ||
           i == connection_input::announce || i == connection_input::accept ||
           i == connection_input::command;
}

bool is_frame(connection_input i) {
    return i <= connection_input::err ||
           (i >= connection_input::connect_frame && i <= connection_input::unsub);
}

/// What `i` leads to, with what is done about received bytes before their operation is known.
wire::transition server_does(connection_state s, connection_input i) {
    if (!is_frame(i) && i != connection_input::violation) return server_at(s, i);
    const wire::transition& received = server_at(s, connection_input::received);
    if (received.action == connection_action::refuse || received.action == connection_action::wait)
        return received;
    if (received.action == connection_action::expect_connect && is_frame(i) &&
        i != connection_input::connect_frame)
        return {connection_action::close, connection_state::closed};
    return server_at(s, i);
}

/// The first word of the event that an action is seen by.
std::string server_event_of(connection_action a) {
    switch (a) {
    case connection_action::request_login: return "connect";
    case connection_action::publish: return "pub";
    case connection_action::subscribe: return "sub";
    case connection_action::unsubscribe: return "unsub";
    case connection_action::answer_ping: return "ping";
    case connection_action::report_pong: return "pong";
    case connection_action::close: return "failed:";
    default: return "";
    }
}

TEST(connection_state, a_server_does_what_the_table_says) {
    for (const connection_state s : states) {
        for (std::size_t n = 0; n < wire::connection_inputs; ++n) {
            const connection_input i = input_at(n);
            if (i == connection_input::msg || i == connection_input::connect ||
                i == connection_input::received)
                continue;
            SCOPED_TRACE(std::string(name_of(s)) + ", " + name_of(i));
            const wire::transition t = server_does(s, i);
            wire::server_connection c = server_in(s);
            const observed o = apply(c, i);
            const bool refused = t.action == connection_action::refuse;
            EXPECT_EQ(c.state(), refused ? s : t.next);
            EXPECT_EQ(o.call_accepted, !is_server_call(i) || !refused);
            const std::string event = server_event_of(t.action);
            EXPECT_EQ(o.events.substr(0, o.events.find_first_of(" \n")), event);
            EXPECT_EQ(o.sent == "PONG\r\n", t.action == connection_action::answer_ping);
            EXPECT_EQ(o.sent.starts_with("INFO {"),
                      t.action == connection_action::send_info ||
                          (t.action == connection_action::accept_command &&
                           i == connection_input::announce));
        }
    }
}

TEST(connection_state, a_server_never_goes_back_but_for_another_login) {
    for (const connection_state s : states) {
        for (std::size_t n = 0; n < wire::connection_inputs; ++n) {
            const wire::transition& t = server_at(s, input_at(n));
            if (s == connection_state::closed) {
                EXPECT_EQ(t.action, connection_action::refuse) << name_of(input_at(n));
            } else if (t.action != connection_action::refuse &&
                       t.action != connection_action::request_login) {
                EXPECT_GE(t.next, s) << name_of(s) << ' ' << name_of(input_at(n));
            }
        }
    }
}

TEST(connection_state, names_differ) {
    std::set<std::string> names;
    for (const connection_state s : states) names.insert(name_of(s));
    EXPECT_EQ(names.size(), std::size(states));
    names.clear();
    for (std::size_t i = 0; i < wire::connection_inputs; ++i) names.insert(name_of(input_at(i)));
    EXPECT_EQ(names.size(), wire::connection_inputs);
    names.clear();
    constexpr auto last = static_cast<int>(connection_action::unsubscribe);
    for (int a = 0; a <= last; ++a) names.insert(name_of(static_cast<connection_action>(a)));
    EXPECT_EQ(names.size(), static_cast<std::size_t>(last) + 1);
}

} // namespace nats::test

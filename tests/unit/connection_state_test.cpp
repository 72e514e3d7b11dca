// SPDX-License-Identifier: Apache-2.0
//
// The transition table, every state with every input: it says what is written down here again, a
// closed connection stays closed, and a real connection does what the table says.

#include <natsproto/wire/connection_state.hpp>

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
constexpr connection_input inputs[] = {connection_input::info,    connection_input::msg,
                                       connection_input::ping,    connection_input::pong,
                                       connection_input::ok,      connection_input::err,
                                       connection_input::connect, connection_input::command,
                                       connection_input::eof,     connection_input::violation};
static_assert(std::size(states) == wire::connection_states);
static_assert(std::size(inputs) == wire::connection_inputs);

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
    }
    return "no such action";
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

TEST(connection_state, names_differ) {
    std::set<std::string> names;
    for (const connection_state s : states) names.insert(name_of(s));
    EXPECT_EQ(names.size(), std::size(states));
    names.clear();
    for (const connection_input i : inputs) names.insert(name_of(i));
    EXPECT_EQ(names.size(), std::size(inputs));
    names.clear();
    constexpr auto last = static_cast<int>(connection_action::close);
    for (int a = 0; a <= last; ++a) names.insert(name_of(static_cast<connection_action>(a)));
    EXPECT_EQ(names.size(), static_cast<std::size_t>(last) + 1);
}

} // namespace nats::test

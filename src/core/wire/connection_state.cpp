// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// Rule 1: everything that moves a connection from one state to another is in this file. Rule 2:
// this file holds data. A connection looks up (state, input), does the action, and goes to the next
// state; what is not listed is refused.

#include <natsproto/wire/connection_state.hpp>

namespace nats::wire {

namespace {

using in = connection_input;
using act = connection_action;
using st = connection_state;

struct row {
    st from;
    in input;
    act action;
    st to;
};

constexpr row client_rows[] = {
    {st::awaiting_info, in::info, act::request_connect, st::awaiting_connect},
    {st::awaiting_info, in::err, act::report_error,
     st::awaiting_info}, // such as throttling, before any INFO
    {st::awaiting_info, in::eof, act::close, st::closed},
    {st::awaiting_info, in::violation, act::close, st::closed},

    {st::awaiting_connect, in::info, act::report_info, st::awaiting_connect},
    {st::awaiting_connect, in::ping, act::owe_pong, st::awaiting_connect},
    {st::awaiting_connect, in::ok, act::ignore, st::awaiting_connect},
    {st::awaiting_connect, in::err, act::report_error, st::awaiting_connect},
    {st::awaiting_connect, in::connect, act::send_connect, st::handshaking},
    {st::awaiting_connect, in::eof, act::close, st::closed},
    {st::awaiting_connect, in::violation, act::close, st::closed},

    {st::handshaking, in::info, act::report_info, st::handshaking},
    {st::handshaking, in::ping, act::answer_ping, st::handshaking},
    {st::handshaking, in::pong, act::report_connected, st::open},
    {st::handshaking, in::ok, act::ignore, st::handshaking}, // verbose: the answer to CONNECT
    {st::handshaking, in::err, act::report_error, st::handshaking},
    {st::handshaking, in::eof, act::close, st::closed},
    {st::handshaking, in::violation, act::close, st::closed},

    {st::open, in::info, act::report_info, st::open},
    {st::open, in::msg, act::deliver, st::open},
    {st::open, in::ping, act::answer_ping, st::open},
    {st::open, in::pong, act::report_pong, st::open},
    {st::open, in::ok, act::ignore, st::open},
    {st::open, in::err, act::report_error, st::open},
    {st::open, in::command, act::accept_command, st::open},
    {st::open, in::eof, act::close, st::closed},
    {st::open, in::violation, act::close, st::closed},
};

constexpr row server_rows[] = {
    {st::awaiting_info, in::received, act::wait, st::awaiting_info}, // a client that is hasty
    {st::awaiting_info, in::start, act::send_info, st::awaiting_connect},
    {st::awaiting_info, in::start_open, act::send_info, st::open},
    {st::awaiting_info, in::end, act::close, st::closed},
    {st::awaiting_info, in::eof, act::close, st::closed},

    {st::awaiting_connect, in::received, act::expect_connect, st::awaiting_connect},
    {st::awaiting_connect, in::connect_frame, act::request_login, st::handshaking},
    {st::awaiting_connect, in::announce, act::accept_command, st::awaiting_connect},
    {st::awaiting_connect, in::timeout, act::close, st::closed},
    {st::awaiting_connect, in::end, act::close, st::closed},
    {st::awaiting_connect, in::eof, act::close, st::closed},
    {st::awaiting_connect, in::violation, act::close, st::closed},

    {st::handshaking, in::received, act::wait, st::handshaking},
    {st::handshaking, in::accept, act::accept_login, st::open},
    {st::handshaking, in::refuse, act::close, st::closed},
    {st::handshaking, in::announce, act::accept_command, st::handshaking},
    // without a login there may be subscriptions before CONNECT
    {st::handshaking, in::command, act::accept_command, st::handshaking},
    {st::handshaking, in::timeout, act::close, st::closed},
    {st::handshaking, in::end, act::close, st::closed},
    {st::handshaking, in::eof, act::wait, st::handshaking}, // what came before it still counts

    {st::open, in::received, act::parse, st::open},
    {st::open, in::connect_frame, act::request_login, st::handshaking},
    {st::open, in::pub, act::publish, st::open},
    {st::open, in::sub, act::subscribe, st::open},
    {st::open, in::unsub, act::unsubscribe, st::open},
    {st::open, in::ping, act::answer_ping, st::open},
    {st::open, in::pong, act::report_pong, st::open},
    {st::open, in::ok, act::ignore, st::open},
    {st::open, in::info, act::ignore, st::open},
    {st::open, in::err, act::close, st::closed},
    {st::open, in::announce, act::accept_command, st::open},
    {st::open, in::command, act::accept_command, st::open},
    {st::open, in::end, act::close, st::closed},
    {st::open, in::eof, act::close, st::closed},
    {st::open, in::violation, act::close, st::closed},
};

constexpr transition_table table_of(const row* rows, std::size_t count) {
    transition_table table;
    // Not by `table{}`: for a table of this size g++ 12 leaves the last elements 0.
    for (auto& of_state : table) {
        for (transition& t : of_state) t = transition();
    }
    for (std::size_t i = 0; i < count; ++i) {
        table[static_cast<std::size_t>(rows[i].from)][static_cast<std::size_t>(rows[i].input)] = {
            rows[i].action, rows[i].to};
    }
    return table;
}

} // namespace

constinit const transition_table client_transitions = table_of(client_rows, std::size(client_rows));
constinit const transition_table server_transitions = table_of(server_rows, std::size(server_rows));

const char* name_of(connection_state s) noexcept {
    constexpr const char* names[connection_states] = {"awaiting_info", "awaiting_connect",
                                                      "handshaking", "open", "closed"};
    return names[static_cast<std::size_t>(s)];
}

const char* name_of(connection_input i) noexcept {
    constexpr const char* names[connection_inputs] = {
        "INFO",       "MSG",       "PING",    "PONG",   "+OK", "-ERR",   "connect",  "command",
        "EOF",        "violation", "CONNECT", "PUB",    "SUB", "UNSUB",  "received", "start",
        "start_open", "announce",  "accept",  "refuse", "end", "timeout"};
    return names[static_cast<std::size_t>(i)];
}

const char* name_of(connection_action a) noexcept {
    constexpr const char* names[] = {
        "refuse",         "request_connect", "send_connect",  "accept_command", "report_connected",
        "deliver",        "answer_ping",     "owe_pong",      "report_pong",    "report_info",
        "report_error",   "ignore",          "close",         "send_info",      "wait",
        "expect_connect", "parse",           "request_login", "accept_login",   "publish",
        "subscribe",      "unsubscribe"};
    return names[static_cast<std::size_t>(a)];
}

} // namespace nats::wire

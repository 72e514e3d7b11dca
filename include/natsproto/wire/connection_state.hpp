// SPDX-License-Identifier: Apache-2.0
//
// The states of a connection and every transition between them, as one table of data. This file
// does not know which role it plays: it is told the table of the role.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace nats::wire {

/// Where one transport's conversation is, for a client | for a server.
enum class connection_state : std::uint8_t {
    awaiting_info,    ///< nothing has been received | INFO was not sent
    awaiting_connect, ///< INFO was received: the user is to call connect() | a login must come
    handshaking,      ///< CONNECT and PING were sent | a CONNECT waits for its verdict
    open,             ///< the first PONG was received | operations are accepted
    closed,           ///< ended, well or not; stays so
};
inline constexpr std::size_t connection_states = 5;

/// What can happen to a connection: an operation of the peer, a call of the user, or the end of the
/// transport. The first ten are all of a client's.
enum class connection_input : std::uint8_t {
    info,
    msg,
    ping,
    pong,
    ok,
    err,
    connect,   ///< the user's call
    command,   ///< a call: publish, subscribe, unsubscribe or ping | deliver or ping
    eof,       ///< the transport ended
    violation, ///< the peer's bytes are not the protocol
    // --- of a server
    connect_frame,
    pub,
    sub,
    unsub,
    received,   ///< there are bytes to look at
    start,      ///< the call, when a login is required
    start_open, ///< the call, when none is
    announce,   ///< a call: send_info or send_err
    accept,     ///< the call
    refuse,     ///< the call, about a login
    end,        ///< a call: close or fail
    timeout,    ///< the login did not come in time
};
inline constexpr std::size_t connection_inputs = 22;

/// What a connection does about it.
enum class connection_action : std::uint8_t {
    refuse,          ///< input of the peer: a protocol error; a call: an error, nothing changes
    request_connect, ///< tell the user that CONNECT can be sent
    send_connect,
    accept_command,
    report_connected,
    deliver,
    answer_ping,
    owe_pong, ///< a PONG before CONNECT would be taken for a missing login: answer after CONNECT
    report_pong,
    report_info,
    report_error,
    ignore,
    close,
    // --- of a server
    send_info,
    wait,           ///< leave the bytes where they are
    expect_connect, ///< parse, but only a CONNECT
    parse,
    request_login,
    accept_login,
    publish,
    subscribe,
    unsubscribe,
};

struct transition {
    connection_action action = connection_action::refuse;
    connection_state next = connection_state::closed;
};

using transition_table = std::array<std::array<transition, connection_inputs>, connection_states>;

extern const transition_table client_transitions;
extern const transition_table server_transitions;

[[nodiscard]] const char* name_of(connection_state) noexcept;
[[nodiscard]] const char* name_of(connection_input) noexcept;
[[nodiscard]] const char* name_of(connection_action) noexcept;

} // namespace nats::wire

// SPDX-License-Identifier: Apache-2.0
//
// The states of a connection and every transition between them, as one table of data. This file
// does not know which role it plays: it is told the table of the role.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace nats::wire {

/// Where one transport's conversation is.
enum class connection_state : std::uint8_t {
    awaiting_info,    ///< nothing has been received
    awaiting_connect, ///< INFO was received: the user is to call connect()
    handshaking,      ///< CONNECT and PING were sent
    open,             ///< the first PONG was received
    closed,           ///< ended, well or not; stays so
};
inline constexpr std::size_t connection_states = 5;

/// What can happen to a connection: an operation of the peer, a call of the user, or the end of the
/// transport.
enum class connection_input : std::uint8_t {
    info,
    msg,
    ping,
    pong,
    ok,
    err,
    connect,   ///< the user's call
    command,   ///< the user's publish, subscribe, unsubscribe or ping
    eof,       ///< the transport ended
    violation, ///< the peer's bytes are not the protocol
};
inline constexpr std::size_t connection_inputs = 10;

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
};

struct transition {
    connection_action action = connection_action::refuse;
    connection_state next = connection_state::closed;
};

using transition_table = std::array<std::array<transition, connection_inputs>, connection_states>;

/// The client's transitions.
extern const transition_table client_transitions;

[[nodiscard]] const char* name_of(connection_state) noexcept;
[[nodiscard]] const char* name_of(connection_input) noexcept;
[[nodiscard]] const char* name_of(connection_action) noexcept;

} // namespace nats::wire

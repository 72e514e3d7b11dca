// SPDX-License-Identifier: Apache-2.0
//
// Every bound of the library in one place, each with a default and the reason for it. Reaching one
// is an error with a code of its own, never a crash and never silent growth.

#pragma once

#include <cstddef>
#include <cstdint>

namespace nats {

struct limits {
    // --- what a peer may send
    // -----------------------------------------------------------------------------------
    /// Bytes of a control line's arguments (MSG, HMSG, -ERR, ...; for a server all, CONNECT too).
    /// 64 KiB: far above what a server with its default max_control_line of 4096 can produce, small
    /// enough to be held for each connection.
    std::size_t max_line = 64 * 1024;
    /// Bytes of INFO from a server. A cluster of a thousand servers fits.
    std::size_t max_info = 1024 * 1024;
    /// Headers and payload of one message. 64 MiB: the greatest max_payload that nats-server
    /// accepts.
    std::size_t max_message = 64 * 1024 * 1024;
    /// The header block alone. As large as a message by default: any publisher of the account may
    /// send large headers, so a smaller value lets a stranger end the connection.
    std::size_t max_header_block = 64 * 1024 * 1024;
    /// Nesting of INFO's JSON; real ones nest twice.
    std::size_t max_json_depth = 32;
    /// `connect_urls` kept of one INFO; the rest are ignored.
    std::size_t max_discovered = 1000;

    // --- what we send
    // -------------------------------------------------------------------------------------------
    /// Bytes of the arguments of PUB, HPUB, SUB and UNSUB: what nats-server accepts by default
    /// (`max_control_line`). INFO does not carry the server's value, so a server with another one
    /// needs this changed.
    std::size_t max_control_line = 4096;
    /// Bytes that wait for the peer to read them; over it a publish fails with `output_full`.
    std::size_t max_output_bytes = 64 * 1024 * 1024;
    /// Unsent bytes of automatic PONGs; further ones are counted and sent when there is room.
    std::size_t max_pong_bytes = 4096;

    // --- tables
    // -------------------------------------------------------------------------------------------------
    std::uint32_t max_subscriptions = 1'000'000;
    std::uint32_t max_requests = 1'000'000;
    /// PINGs of the user that wait for their PONG.
    std::uint32_t max_pings = 65'536;
};

/// Bounds of one subscription's queue. Past one of them the newest messages are dropped and
/// counted.
struct pending_limits {
    std::int64_t messages = 500'000; ///< negative: no limit; 0 is refused
    std::int64_t bytes =
        64 * 1024 * 1024; ///< headers and payload; negative: no limit; 0 is refused
};

} // namespace nats

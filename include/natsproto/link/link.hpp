// SPDX-License-Identifier: Apache-2.0
//
// A layer between the transport and the protocol: wire bytes on one side, NATS bytes on the other.
// TLS is one. Without a link, the wire bytes are the NATS bytes.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/error.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace nats {

enum class link_state : std::uint8_t {
    handshaking, ///< no NATS byte can pass yet; wire bytes may be waiting to be sent
    open,
    ended,  ///< the peer has ended it in order: what it sent before can still be read
    failed, ///< `failure` says why; what wire bytes wait (an alert) should still be sent
};

/// No I/O. Serves one transport. Not thread-safe. It never throws because of the peer.
class link {
public:
    link() = default;
    link(const link&) = delete;
    link& operator=(const link&) = delete;
    virtual ~link() = default;

    [[nodiscard]] virtual link_state state() const noexcept = 0;
    [[nodiscard]] virtual const error& failure() const noexcept = 0;

    // --- from the wire
    /// Space for wire bytes, at least `at_least`; it stays put until `commit`.
    [[nodiscard]] virtual std::span<char> prepare(std::size_t at_least) = 0;
    virtual void commit(std::size_t n) = 0;
    /// The transport will not deliver more. Without the peer's orderly end before it this is a
    /// failure (`tls_truncated`), once all that was received is read.
    virtual void handle_eof() = 0;
    /// NATS bytes, as many as there are and fit; 0: none now.
    [[nodiscard]] virtual std::size_t read(std::span<char> into) = 0;

    // --- to the wire
    /// Takes NATS bytes from the front of `pieces`; how many. It takes none while handshaking, and
    /// none while about 64 KiB of wire bytes wait: memory stays bounded.
    [[nodiscard]] virtual std::size_t write(std::span<const const_buffer> pieces) = 0;
    /// Tells the peer that this side has ended (close_notify). Nothing can be written after it.
    virtual void end() = 0;
    /// Fills `out` with wire bytes to be sent, in order; how many pieces. They stay valid and in
    /// place until `transmitted` covers them.
    [[nodiscard]] virtual std::size_t poll_transmit(std::span<const_buffer> out) const noexcept = 0;
    /// The first `n` wire bytes were sent. Returns how many NATS bytes of those that `write` took
    /// have by that become completely sent: the wire bytes of a NATS byte's whole record are.
    [[nodiscard]] virtual std::size_t transmitted(std::size_t n) = 0;
    /// Wire bytes that wait to be sent.
    [[nodiscard]] virtual std::size_t untransmitted() const noexcept = 0;
};

} // namespace nats

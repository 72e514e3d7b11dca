// SPDX-License-Identifier: Apache-2.0
//
// A client's end of a transport to a broker in the same process: bytes are copied, nothing waits.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/time.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace nats {

enum class client_id : std::uint64_t;

/// Movable; the destructor closes it. It may outlive the broker: then it has ended. Not
/// thread-safe, and to be used in the broker's thread.
class memory_transport {
public:
    memory_transport() noexcept; ///< of nobody: it has ended
    memory_transport(memory_transport&& other) noexcept;
    memory_transport& operator=(memory_transport&& other) noexcept;
    memory_transport(const memory_transport&) = delete;
    memory_transport& operator=(const memory_transport&) = delete;
    ~memory_transport();

    /// Gives the broker bytes, which it acts upon before this returns. Takes all of them unless the
    /// client is held or slowed (see `broker_peer::wants_read`): then none. False: it has ended.
    bool write(bytes from_client, std::size_t& taken, time_point now);
    /// What the broker has for this client, as much as fits; 0: nothing now.
    [[nodiscard]] std::size_t read(std::span<char> into, time_point now);
    /// Nothing more will come: the broker has closed it, or it was cut.
    [[nodiscard]] bool ended() const noexcept;
    /// As a client that closes its socket.
    void close(time_point now);
    /// The broker's name of this connection.
    [[nodiscard]] client_id id() const noexcept;

private:
    friend class broker;
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace nats

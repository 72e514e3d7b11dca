// SPDX-License-Identifier: Apache-2.0
//
// What stands between a `memory_transport` and its peer. When the peer has ended, what it has left
// to say is kept here.

#pragma once

#include <natsproto/broker/memory_transport.hpp>

#include "broker/hub.hpp"

#include <string>

namespace nats {

namespace embedded {

class memory_end {
public:
    peer* other = nullptr; ///< null: it has ended
    hub* owner = nullptr;  ///< valid while there is a peer
    client_id id{};

    /// The peer is about to be destroyed. What it has to say waits until `until`.
    void take_rest(peer& p, time_point until);
    bool write(bytes from_client, std::size_t& taken, time_point now) const;
    [[nodiscard]] std::size_t read(std::span<char> into, time_point now);
    void close(time_point now);
    [[nodiscard]] bool ended() const noexcept { return other == nullptr && read_ == rest_.size(); }

private:
    [[nodiscard]] std::size_t read_once(std::span<char> into, time_point now);

    std::string rest_;
    std::size_t read_ = 0;
    time_point held_until_{};
};

} // namespace embedded

struct memory_transport::state : embedded::memory_end {};

} // namespace nats

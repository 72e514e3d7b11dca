// SPDX-License-Identifier: Apache-2.0
//
// How a user's own code takes part in choosing servers, and when to try them (ADR-40).

#pragma once

#include <natsproto/server_info.hpp>
#include <natsproto/server_url.hpp>
#include <natsproto/time.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace nats {

/// One server of the pool, as a callback sees it. Lives during the call.
struct server_status {
    const endpoint* where = nullptr;
    bool discovered = false;    ///< told by a server, not by the user
    bool was_connected = false; ///< once at least
    bool current = false; ///< the one of the attempt or connection that is going on, or was last
    std::uint32_t failures = 0; ///< attempts since it was last connected
};

/// Which server is tried next, and after which wait.
struct server_choice {
    /// The usual choice and the usual wait.
    static constexpr std::size_t usual = static_cast<std::size_t>(-1);
    std::size_t index = usual; ///< in the pool that was shown
    duration wait{};
};

/// Both may be null. They must not call the session.
struct reconnect_handlers {
    /// `last`: the newest INFO, of the connection before. A choice outside of the pool is told as
    /// `ev::warning`, and the usual one is made.
    server_choice (*choose)(void* context, std::span<const server_status> pool,
                            const server_info& last) = nullptr;
    /// Instead of the options' wait and jitter. `passes`: how often the whole pool was tried.
    duration (*wait)(void* context, std::uint32_t passes) = nullptr;
    void* context = nullptr;
};
static_assert(std::is_trivially_destructible_v<reconnect_handlers>);

} // namespace nats

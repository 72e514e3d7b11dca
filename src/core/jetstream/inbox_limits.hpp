// SPDX-License-Identifier: Apache-2.0
//
// How much an inbox of pulled messages may hold: twice what was asked for, since pulls from before
// a reset may still be answered, and the statuses. A server that sends more is not listened to.

#pragma once

#include <natsproto/jetstream/pull_machine.hpp>
#include <natsproto/limits.hpp>

#include <algorithm>
#include <cstdint>

namespace nats::js {

[[nodiscard]] inline pending_limits limits_for(const pull_rules& r) noexcept {
    constexpr std::uint64_t most = 1U << 30U;
    constexpr std::uint64_t spare = 1024;
    constexpr std::uint64_t spare_bytes = 1U << 20U;
    pending_limits l;
    l.messages = static_cast<std::int64_t>(2 * std::min(r.max_messages, most) + spare);
    l.bytes = -1; // so many messages of any size that the server may send
    if (r.max_bytes != 0)
        l.bytes = static_cast<std::int64_t>(2 * std::min(r.max_bytes, most) + spare_bytes);
    return l;
}

} // namespace nats::js

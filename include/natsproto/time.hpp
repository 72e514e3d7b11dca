// SPDX-License-Identifier: Apache-2.0
//
// Time goes in as an argument. The protocol layers never read a clock: they compare and add the
// points that they are given.

#pragma once

#include <chrono>

namespace nats {

using clock = std::chrono::steady_clock;
using time_point = clock::time_point;
using duration = clock::duration;

/// "Never": the deadline of a wait that has none.
inline constexpr time_point no_deadline = time_point::max();

/// `now + d` without overflow; a wait too long to be represented is `no_deadline`.
[[nodiscard]] constexpr time_point deadline_after(time_point now, duration d) noexcept {
    return d >= no_deadline - now ? no_deadline : now + d;
}

} // namespace nats

// SPDX-License-Identifier: Apache-2.0
//
// Times of day as JetStream has them: RFC 3339 with up to nine digits of a second. The library
// never reads this clock; they come from the server, or from the user.

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace nats::js {

/// UTC, in nanoseconds: from the year 1677 to 2262.
using wall_time = std::chrono::sys_time<std::chrono::nanoseconds>;

/// Reads `2026-11-28T07:31:57.123456789Z`, with or without a fraction, in UTC or with an offset.
/// Digits after the ninth are cut off; a time out of range becomes the nearest that is not. Empty
/// for what is no time, and for the server's way to say "never", `0001-01-01T00:00:00Z`.
[[nodiscard]] std::optional<wall_time> parse_wall_time(std::string_view text) noexcept;

/// In UTC, with as many digits of a second as it needs.
[[nodiscard]] std::string format_wall_time(wall_time t);

} // namespace nats::js

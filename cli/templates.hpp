// SPDX-License-Identifier: Apache-2.0
//
// The placeholders of --templates: {{Count}}, {{Time}}, {{TimeStamp}}, {{Unix}}, {{UnixNano}},
// {{ID}}, and {{Request}} in replies; each may be written with a dot, as {{.Count}}.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nats::cli {

/// `text` with its placeholders filled, once: what is put in is not searched again. Unknown ones
/// stay.
[[nodiscard]] std::string expand(std::string_view text, std::uint64_t count,
                                 std::string_view request = {});

/// The inside of the placeholder that begins at `at` in `text`, without its dot and blanks; `end`
/// gets where it ends. Empty when there is none.
[[nodiscard]] std::string_view placeholder_at(std::string_view text, std::size_t at,
                                              std::size_t& end) noexcept;

/// The wall clock in UTC, as in 2026-01-31T12:00:00.123456Z.
[[nodiscard]] std::string timestamp();

} // namespace nats::cli

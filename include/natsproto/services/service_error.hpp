// SPDX-License-Identifier: Apache-2.0
//
// How services tell whoever asked that something is wrong: two headers (ADR-32).

#pragma once

#include <natsproto/error.hpp>
#include <natsproto/headers.hpp>
#include <natsproto/message.hpp>
#include <natsproto/result.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace nats::services {

inline constexpr std::string_view error_header = "Nats-Service-Error";
inline constexpr std::string_view error_code_header = "Nats-Service-Error-Code";

/// The headers of an error response, in front of `others`. Errors: `invalid_argument` for code 0
/// and an empty description; `invalid_header` for one with a line break.
[[nodiscard]] result<headers> error_headers(std::uint16_t code, std::string_view description,
                                            header_view others = {});

/// The error that a reply tells of: `service_error`, whose `status()` is the code and whose
/// `detail()` is the description. Empty if it tells of none. A code that is no number up to 65535
/// is 0, and in front of the description.
[[nodiscard]] std::optional<error> error_of(const message_view& reply);

/// The reply, unless it tells of an error.
[[nodiscard]] result<message> unless_error(result<message> reply);

} // namespace nats::services

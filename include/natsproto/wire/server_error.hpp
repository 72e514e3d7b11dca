// SPDX-License-Identifier: Apache-2.0
//
// The catalogue of `-ERR` texts (specification 2.3): what each means, and whether the server closes
// the connection.

#pragma once

#include <natsproto/error.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace nats::wire {

/// What to do about a `-ERR`.
enum class severity : std::uint8_t {
    notice,     ///< the connection goes on: report it
    permission, ///< the connection goes on: one subject is refused; belongs to a subscription if
                ///< `subject` matches
    authentication, ///< the server closes; twice the same from one server is final
    retry,          ///< the server closes; another server, or the same one later, may accept
    fatal,          ///< the server closes, because of what this client did
};

struct server_error_class {
    errc code = errc::server_error;
    severity level = severity::notice;
    bool closes = false;       ///< the server closes the connection after it
    bool subscription = false; ///< permission: it was a SUB that was refused
    std::string_view subject;  ///< permission: the refused subject, a view into the text
    std::string_view queue;    ///< permission: the queue group of the refused subscription, if any
    std::uint64_t sid = 0;     ///< permission: its sid, which servers tell after a change; 0: none
};

/// Classifies the text of a `-ERR`. Compares without regard to case; a text that is not in the
/// catalogue is a `notice` with `errc::server_error`.
[[nodiscard]] server_error_class classify_server_error(std::string_view text) noexcept;

/// The text as an error of the class's code, with the text as its detail.
[[nodiscard]] error to_error(const server_error_class& c, std::string_view text);

} // namespace nats::wire

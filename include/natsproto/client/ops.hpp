// SPDX-License-Identifier: Apache-2.0
//
// The sequences that every client offers, written once for all drivers. Arguments that are views
// must live until the op has sent what it sends, which is before its first wait; `subject` of
// `request` until it is done, for the error.

#pragma once

#include <natsproto/message.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/time.hpp>

namespace nats::ops {

/// Sends a request and waits for its reply. `no_responders` names the subject. The view lives until
/// the next event.
[[nodiscard]] op<result<message_view>> request(runtime& rt, std::string_view subject, bytes payload,
                                               header_view headers, time_point deadline);

/// PING, and its PONG: everything that was published before has been processed by the server. The
/// round trip time.
[[nodiscard]] op<result<duration>> flush(runtime& rt, time_point deadline);

/// Until the connection is up, or cannot be.
[[nodiscard]] op<result<void>> wait_connected(runtime& rt);

/// Until a publish that failed with `output_full` is worth another try.
[[nodiscard]] op<result<void>> wait_room(runtime& rt, time_point deadline);

/// The next message of a mailbox. The view lives until the next event.
[[nodiscard]] op<result<message_view>> next(runtime& rt, mailbox& box, time_point deadline);

} // namespace nats::ops

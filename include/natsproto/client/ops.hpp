// SPDX-License-Identifier: Apache-2.0
//
// The sequences that every client offers, written once for all drivers. Arguments that are views
// must live until the op has sent what it sends, which is before its first wait; `subject` of
// `request` until it is done, for the error.

#pragma once

#include <natsproto/message.hpp>
#include <natsproto/op.hpp>
#include <natsproto/request_many.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/time.hpp>

#include <optional>
#include <string_view>

namespace nats::ops {

/// Sends a request and waits for its reply. `no_responders` names the subject. The view lives until
/// the next event.
[[nodiscard]] op<result<message_view>> request(runtime& rt, std::string_view subject, bytes payload,
                                               header_view headers, time_point deadline);

/// The same with an inbox and a subscription of its own, as clients did before there was one inbox
/// for all; for servers and permissions that want it.
[[nodiscard]] op<result<message>> request_by_inbox(runtime& rt, std::string_view subject,
                                                   bytes payload, header_view headers,
                                                   time_point deadline);

/// PING, and its PONG: everything that was published before has been processed by the server. The
/// round trip time. Waits for a connection first, if there is none, and for room in the output.
[[nodiscard]] op<result<duration>> flush(runtime& rt, time_point deadline);
/// The same without waiting for a connection: `not_connected`.
[[nodiscard]] op<result<duration>> measure_rtt(runtime& rt, time_point deadline);

/// Until the connection is up, or cannot be.
[[nodiscard]] op<result<void>> wait_connected(runtime& rt, time_point deadline = no_deadline);
/// Until the first attempts have come to a result: connected, reconnecting or closed.
[[nodiscard]] op<result<void>> wait_settled(runtime& rt);

/// Until all messages that are queued now were handled.
[[nodiscard]] op<result<void>> barrier(runtime& rt, time_point deadline);

/// Until a publish that failed with `output_full` is worth another try.
[[nodiscard]] op<result<void>> wait_room(runtime& rt, time_point deadline);
/// Until `runtime::output_full` is false; for ops that publish, where it is true.
[[nodiscard]] op<result<void>> make_room(runtime& rt, time_point deadline);

/// The next message of a mailbox. The view lives until the next event.
[[nodiscard]] op<result<message_view>> next(runtime& rt, mailbox& box, time_point deadline);

// --- for drivers that run several ops at once: these end with values of their own, and wait for
// room in the output where a publish would fail with `output_full`.

/// `request` with an owning reply.
[[nodiscard]] op<result<message>> request_message(runtime& rt, std::string_view subject,
                                                  bytes payload, header_view headers,
                                                  time_point deadline);
/// The same into a message of the caller's, which must live until the op is done.
[[nodiscard]] op<result<void>> request_into(runtime& rt, message& into, std::string_view subject,
                                            bytes payload, header_view headers,
                                            time_point deadline);
[[nodiscard]] op<result<message>> next_message(runtime& rt, mailbox& box, time_point deadline);
[[nodiscard]] op<result<void>> next_into(runtime& rt, mailbox& box, message& into,
                                         time_point deadline);
/// Empty when the subscription has ended, whatever the reason. Errors: those after which it goes
/// on.
[[nodiscard]] op<result<std::optional<message>>> next_or_end(runtime& rt, mailbox& box,
                                                             time_point deadline);
/// `next_reply` with an owning message.
[[nodiscard]] op<result<std::optional<message>>> next_reply_message(runtime& rt,
                                                                    request_many_state& state);
[[nodiscard]] op<result<void>> publish(runtime& rt, std::string_view subject, bytes payload,
                                       std::string_view reply, header_view headers,
                                       time_point deadline);
/// Drains the connection, readers included, until it has closed.
[[nodiscard]] op<result<void>> drain(runtime& rt);
/// Closes when all that is queued has been written, or the deadline has come.
[[nodiscard]] op<result<void>> close(runtime& rt, time_point deadline);

} // namespace nats::ops

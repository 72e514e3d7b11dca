// SPDX-License-Identifier: Apache-2.0
//
// Formats operations into an output queue, for both roles. The encoder writes what it is told: the
// checks are in the connections, which know the limits in force.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/wire/output_queue.hpp>

#include <cstdint>
#include <string_view>

namespace nats::wire {

/// Payloads of at least this size are worth a piece of their own in a gathering write.
inline constexpr std::size_t borrow_threshold = 4096;

/// The greatest maximum of UNSUB: nats-server reads nine digits, and takes anything longer for
/// "now" (servers 2.9 to 2.15).
inline constexpr std::uint64_t max_unsub_after = 999'999'999;

// --- what a client sends
// --------------------------------------------------------------------------------------------
/// The queue wipes its memory of it.
void encode_connect(output_queue& out, std::string_view json);
/// PUB, or HPUB when `header` is not empty. `reply` may be empty.
void encode_pub(output_queue& out, std::string_view subject, std::string_view reply,
                std::string_view header, std::string_view payload);
/// The same, but the payload is borrowed until the whole frame is transmitted.
void encode_pub_borrowed(output_queue& out, std::string_view subject, std::string_view reply,
                         std::string_view header, std::string_view payload);
void encode_sub(output_queue& out, std::string_view subject, std::string_view queue,
                std::uint64_t sid);
void encode_unsub(output_queue& out, std::uint64_t sid);
void encode_unsub(output_queue& out, std::uint64_t sid, std::uint64_t max);

// --- what a server sends
// --------------------------------------------------------------------------------------------
void encode_info(output_queue& out, std::string_view json);
/// MSG, or HMSG when `header` is not empty.
void encode_msg(output_queue& out, std::string_view subject, std::string_view sid,
                std::string_view reply, std::string_view header, std::string_view payload);
void encode_ok(output_queue& out);
void encode_err(output_queue& out, std::string_view text);

// --- both
// -----------------------------------------------------------------------------------------------------------
void encode_ping(output_queue& out);
void encode_pong(output_queue& out);

/// Bytes of the whole PUB or HPUB that `encode_pub` makes of these.
[[nodiscard]] std::size_t pub_size(std::string_view subject, std::string_view reply,
                                   std::string_view header, std::string_view payload) noexcept;

/// Bytes of the arguments of PUB or HPUB, as nats-server counts them for max_control_line.
[[nodiscard]] std::size_t pub_arguments_size(std::size_t subject, std::size_t reply,
                                             std::size_t header, std::size_t payload) noexcept;

} // namespace nats::wire

// SPDX-License-Identifier: Apache-2.0
//
// What a message's reply subject says about where it comes from: stream, consumer, sequences.

#pragma once

#include <natsproto/result.hpp>

#include <chrono>
#include <cstdint>
#include <string_view>

namespace nats::js {

/// Views into the reply subject that it was read from.
struct metadata {
    std::string_view domain;       ///< empty: none, or a server that does not say
    std::string_view account_hash; ///< the same
    std::string_view stream;
    std::string_view consumer;
    std::uint64_t delivered = 0;         ///< how often this message was delivered, from 1
    std::uint64_t stream_sequence = 0;   ///< of the message in its stream
    std::uint64_t consumer_sequence = 0; ///< of this delivery by the consumer
    /// When it was stored.
    std::chrono::sys_time<std::chrono::nanoseconds> timestamp{};
    std::uint64_t pending = 0; ///< how many more match the consumer
};

/// Reads `$JS.ACK.<stream>...` of 9 tokens, and the form with domain and account, of 11 or more.
/// Errors: `not_jetstream`.
[[nodiscard]] result<metadata> parse_metadata(std::string_view reply);

/// Whether an acknowledgement can go there: it begins as those of consumers do.
[[nodiscard]] bool is_ack_subject(std::string_view reply) noexcept;

} // namespace nats::js

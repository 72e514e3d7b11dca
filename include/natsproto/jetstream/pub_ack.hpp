// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <natsproto/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace nats::js {

/// What the server says when a message is in a stream.
struct pub_ack {
    pub_ack() = default;

    std::string stream;
    std::uint64_t seq = 0;   ///< of the message in the stream; of a batch, that of its last one
    bool duplicate = false;  ///< its id was there already; `seq` is that of the first one
    std::string domain;      ///< where the stream is, if that has a name
    std::string val;         ///< of a counter, after the message: a whole number of any size (2.12)
    std::string batch;       ///< the id of an atomic batch (2.12)
    std::uint64_t count = 0; ///< how many messages the batch had

    friend bool operator==(const pub_ack&, const pub_ack&) = default;
};

/// Errors: those of the server's answer; `invalid_response` also for one that names no stream.
[[nodiscard]] result<void> decode(std::string_view json, pub_ack& into);
[[nodiscard]] result<std::string> to_json(const pub_ack& a);

} // namespace nats::js

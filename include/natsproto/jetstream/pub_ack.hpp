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
    std::uint64_t seq = 0; ///< of the message in the stream; of a batch, that of its last one
    /// Its id was there already; `seq` is that of the first one. While the fate of the first one is
    /// open there is no acknowledgement but the error `api_code::duplicate_in_process`: publish
    /// again later. A leader that was deposed may have lost it; then that lasts, before nats-server
    /// 2.11 until the stream's `duplicate_window` is over.
    bool duplicate = false;
    std::string domain;      ///< where the stream is, if that has a name
    std::string val;         ///< of a counter, after the message: a whole number of any size (2.12)
    std::string batch;       ///< the id of an atomic batch (2.12)
    std::uint64_t count = 0; ///< how many messages the batch had

    friend bool operator==(const pub_ack&, const pub_ack&) = default;
};

/// Errors: those of the server's answer; `invalid_response` also for one that names no stream, or
/// no sequence though it is not of a batch. A duplicate without a sequence, with which servers
/// before 2.11 say that the first one is not in the stream yet, is `jetstream_error` with
/// `api_code::duplicate_in_process`.
[[nodiscard]] result<void> decode(std::string_view json, pub_ack& into);
[[nodiscard]] result<std::string> to_json(const pub_ack& a);

} // namespace nats::js

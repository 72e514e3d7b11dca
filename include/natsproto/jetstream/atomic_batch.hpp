// SPDX-License-Identifier: Apache-2.0
//
// Several messages of one stream that are stored all together or not at all (2.12; ADR-50). The
// stream must have `allow_atomic`. A server forgets a batch to which nothing is added for ten
// seconds, and takes at most 1000 messages, and 50 batches for each stream at a time.

#pragma once

#include <natsproto/jetstream/exclusive_use.hpp>
#include <natsproto/jetstream/pub_ack.hpp>
#include <natsproto/jetstream/publish.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace nats::js {

/// A batch below its handle. One op at a time.
class batch_state {
public:
    static constexpr std::uint64_t most = 1000;

    batch_state() = default;
    batch_state(const batch_state&) = delete;
    batch_state& operator=(const batch_state&) = delete;
    ~batch_state() = default;

    /// Empty before the first message.
    [[nodiscard]] const std::string& id() const noexcept { return id_; }
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    /// Whether messages can be added: it was neither committed nor discarded, and has not failed.
    [[nodiscard]] bool open() const noexcept { return !ended_; }
    /// Nothing of it will be stored.
    void discard();

private:
    friend op<result<void>> add(runtime& rt, batch_state& s, result<publish_request> r);
    friend op<result<pub_ack>> commit(runtime& rt, batch_state& s, result<publish_request> r);
    friend op<result<pub_ack>> commit_as_it_is(runtime& rt, batch_state& s, duration timeout);

    enum class last : std::uint8_t { no, yes, not_stored };
    using use = exclusive_use<batch_state>;

    /// Ends it when the connection was lost.
    [[nodiscard]] result<void> check_open(runtime& rt);
    void append(runtime& rt, publish_request& r, last how);
    /// Ends it; what the user is told.
    error fail(const error& why);
    [[nodiscard]] result<pub_ack> check_ack(result<pub_ack> ack);
    [[nodiscard]] static op<result<void>> agree(runtime& rt, use& mine, const publish_request& r,
                                                time_point deadline);
    [[nodiscard]] static op<result<pub_ack>> close(runtime& rt, batch_state& s, publish_request r,
                                                   last how);

    std::string id_;
    std::string subject_; ///< of the last message
    std::uint64_t size_ = 0;
    std::uint64_t connection_ = 0;
    std::optional<error> ended_;
    use_slot<batch_state> slot_;
};

/// Adds a message. The first one waits until the server has agreed to a batch; the others are only
/// sent. While no stream listens, the first is sent again as its options say. Errors before
/// anything is sent, which leave the batch as it is: those that `r` holds; `in_use`;
/// `invalid_argument` for an expected last sequence of the stream that is not with the first
/// message, or too many messages. Errors that end it: `batch_failed`, with the server's number in
/// `api_code()`, also when the connection was lost; `no_stream_response`; `timeout`.
[[nodiscard]] op<result<void>> add(runtime& rt, batch_state& s, result<publish_request> r);
/// Adds the last message, and has all of them stored. Errors: as `add`; after `timeout` they may be
/// stored or not.
[[nodiscard]] op<result<pub_ack>> commit(runtime& rt, batch_state& s, result<publish_request> r);
/// Has what was added stored, without a last message (2.14). `invalid_argument` for an empty batch.
[[nodiscard]] op<result<pub_ack>> commit_as_it_is(runtime& rt, batch_state& s, duration timeout);

} // namespace nats::js

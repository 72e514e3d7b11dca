// SPDX-License-Identifier: Apache-2.0
//
// One publish into a stream: a request, whose answer says where the message is stored.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/headers.hpp>
#include <natsproto/jetstream/pub_ack.hpp>
#include <natsproto/jetstream/publish_options.hpp>
#include <natsproto/message.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nats::js {

/// A message and what is asked of the server for it, copied: one piece of memory.
class publish_request {
public:
    /// Errors: `invalid_subject`, and those of `append_headers` and of the options' ranges.
    [[nodiscard]] static result<publish_request> make(std::string_view subject, bytes payload,
                                                      const publish_options& o = {});

    /// Views that live as long as this object stays where it is.
    [[nodiscard]] std::string_view subject() const noexcept { return text(0, headers_at_); }
    [[nodiscard]] header_view headers() const noexcept {
        return header_view(text(headers_at_, payload_at_));
    }
    [[nodiscard]] bytes payload() const noexcept { return text(payload_at_, all_.size()); }

    /// Adds header fields behind those that there are: lines with their ends.
    void add_fields(std::string_view lines);

    [[nodiscard]] duration timeout() const noexcept { return timeout_; }
    /// When it is to be sent again after nobody has listened to it `sent` times; empty: not any
    /// more before `deadline`.
    [[nodiscard]] std::optional<time_point> next_attempt(int sent, time_point now,
                                                         time_point deadline) const noexcept;
    /// `code` about this publish.
    [[nodiscard]] error failure(errc code, std::uint16_t status = 0) const;
    /// What is told then.
    [[nodiscard]] error unheard() const { return failure(errc::no_stream_response, 503); }

private:
    publish_request() = default;
    [[nodiscard]] std::string_view text(std::size_t from, std::size_t to) const noexcept {
        return std::string_view(all_).substr(from, to - from);
    }

    std::string all_; ///< subject, headers, payload
    std::size_t headers_at_ = 0;
    std::size_t payload_at_ = 0;
    int retry_attempts_ = 0;
    duration retry_wait_{};
    duration timeout_{};
};

/// Reads the answer to a publish, into memory that `into` has already if that is enough. Errors:
/// `no_stream_response` for "no responders"; those of the server, by its JSON or by a status;
/// `invalid_response`.
[[nodiscard]] result<void> read_ack(const nats::message_view& answer, pub_ack& into);

/// Publishes, and waits for the answer. Errors: those that `r` holds; `no_stream_response` after
/// the last attempt; `timeout`, and then the message may be stored or not; those of `read_ack`.
[[nodiscard]] op<result<pub_ack>> publish(runtime& rt, result<publish_request> r);

/// The same for a counter: its value behind the message, a whole number of any size.
/// `invalid_response` when the stream is none, and has stored a message without meaning.
[[nodiscard]] op<result<std::string>> increment(runtime& rt, result<publish_request> r);

} // namespace nats::js

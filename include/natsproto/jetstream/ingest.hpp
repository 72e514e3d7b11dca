// SPDX-License-Identifier: Apache-2.0
//
// Publishing any number of messages into one stream at the speed that the stream can take (2.14;
// ADR-50): each is stored as it arrives, and the server says how many it acknowledges at a time.
// The stream must have `allow_batched`. A server forgets an ingest that sends nothing for ten
// seconds.

#pragma once

#include <natsproto/jetstream/exclusive_use.hpp>
#include <natsproto/jetstream/ingest_machine.hpp>
#include <natsproto/jetstream/pub_ack.hpp>
#include <natsproto/jetstream/publish.hpp>
#include <natsproto/mailbox.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace nats::js {

struct ingest_progress {
    std::uint64_t sequence = 0; ///< of the message among those of the ingest, from 1
    /// All messages up to this one are stored; with `continue_on_gap` but for those that a warning
    /// was about.
    std::uint64_t acknowledged = 0;
};

/// An ingest below its handle. One op at a time. It belongs to the runtime that it is first used
/// with.
class ingest_state {
public:
    /// Gets what went wrong and did not end it. It must neither destroy the state nor make waiting
    /// calls.
    using warning_handler = void (*)(void* context, const error& why);

    /// `o` must have been checked.
    explicit ingest_state(const ingest_options& o, warning_handler f = nullptr,
                          void* context = nullptr)
        : options_(o), handler_(f), context_(context) {}
    ingest_state(const ingest_state&) = delete;
    ingest_state& operator=(const ingest_state&) = delete;
    ~ingest_state();

    /// Whether messages can be added.
    [[nodiscard]] bool open() const noexcept {
        return !ended_ && !(machine_ && (machine_->finished() || machine_->ending()));
    }
    [[nodiscard]] ingest_progress progress() const noexcept {
        return machine_ ? ingest_progress{machine_->sequence(), machine_->acknowledged()}
                        : ingest_progress();
    }
    /// What the server has stored of an ingest that has ended, however it did, if it said so.
    [[nodiscard]] std::optional<pub_ack> outcome() const {
        return machine_ ? machine_->outcome() : std::nullopt;
    }

private:
    friend op<result<ingest_progress>> add(runtime& rt, ingest_state& s, result<publish_request> r);
    friend op<result<pub_ack>> commit(runtime& rt, ingest_state& s, result<publish_request> r);
    friend op<result<pub_ack>> finish(runtime& rt, ingest_state& s);
    friend result<void> keep_alive(runtime& rt, ingest_state& s);

    using operation = ingest_machine::operation;
    using condition = bool (ingest_machine::*)() const noexcept;
    using use = exclusive_use<ingest_state>;

    [[nodiscard]] result<void> check_open() const;
    [[nodiscard]] result<void> prepare(runtime& rt);
    [[nodiscard]] result<void> publish(runtime& rt, const publish_request& r, operation what);
    void ping(runtime& rt);
    void look_around(runtime& rt);
    void handle_answer(const nats::message_view& m);
    [[nodiscard]] error end(error why);
    [[nodiscard]] static op<result<void>> until(runtime& rt, use& mine, condition reached);
    [[nodiscard]] static op<result<void>> open_with(runtime& rt, use& mine,
                                                    const publish_request& r, operation what);
    [[nodiscard]] static op<result<void>> send(runtime& rt, use& mine, const publish_request& r,
                                               operation what);
    [[nodiscard]] static op<result<pub_ack>> end_with(runtime& rt, use& mine, publish_request r,
                                                      operation what);

    ingest_options options_;
    warning_handler handler_;
    void* context_;
    runtime* runtime_ = nullptr;
    std::optional<ingest_machine> machine_;
    std::uint64_t connection_ = 0;
    std::string subject_; ///< of the newest message
    mailbox box_;
    wakeup wake_;
    std::optional<error> ended_; ///< by us
    use_slot<ingest_state> slot_;
};

/// Adds a message, once there is room for it. The first one waits until the server has agreed.
/// Errors before anything is sent, which leave the ingest as it is: those that `r` holds; `in_use`.
/// Errors that end it: `ingest_incomplete`, with the server's number in `api_code()` if there is
/// one; `batch_failed` when the server or the stream has no fast ingest; `no_stream_response`;
/// `timeout`; those of a publish; the reason when the connection is closed.
[[nodiscard]] op<result<ingest_progress>> add(runtime& rt, ingest_state& s,
                                              result<publish_request> r);
/// Adds the last message, and waits for all: the `pub_ack` of the last one, with their count.
/// Errors: as `add`. `ingest_incomplete` also when the server has stored less than was added.
[[nodiscard]] op<result<pub_ack>> commit(runtime& rt, ingest_state& s, result<publish_request> r);
/// The same without a last message. `invalid_argument` when nothing was added.
[[nodiscard]] op<result<pub_ack>> finish(runtime& rt, ingest_state& s);
/// Says that there will be more. Errors: `invalid_argument` when nothing was added; those of a
/// publish.
[[nodiscard]] result<void> keep_alive(runtime& rt, ingest_state& s);

} // namespace nats::js

// SPDX-License-Identifier: Apache-2.0
//
// Where the messages that were there already end, when a stream is read in order: as a machine.
// Watches of buckets tell their users of it.

#pragma once

#include <cstdint>

namespace nats::js {

/// All that was there when the first consumer was made has been delivered, or is there no longer.
/// That is so exactly once, whatever consumers are made on the way; no session, no clock.
class initial_data {
public:
    /// A consumer was made, the first one or one that goes on where the last one was lost: so many
    /// messages match it and are still to come.
    void handle_consumer(std::uint64_t pending) noexcept;
    /// A message is given to the user; by its metadata so many follow it.
    void handle_message(std::uint64_t pending) noexcept;
    /// The server waits for new messages: what was to come has gone meanwhile.
    void handle_idle() noexcept;

    /// Whether the end has come.
    [[nodiscard]] bool complete() const noexcept { return complete_; }
    /// Whether it has come, and was not polled: behind the message that was given last.
    [[nodiscard]] bool end_due() const noexcept { return complete_ && !told_; }
    /// True once.
    [[nodiscard]] bool poll_end() noexcept;
    /// The same, but only if the end had come before the last message. For handlers, to which a
    /// message may come before the news of the end.
    [[nodiscard]] bool poll_end_before() noexcept { return due_before_ && poll_end(); }

private:
    std::uint64_t left_ = 0; ///< how many messages it can still take
    bool begun_ = false;     ///< a consumer is there
    bool complete_ = false;
    bool told_ = false;
    bool due_before_ = false; ///< it was due when the last message came
};

} // namespace nats::js

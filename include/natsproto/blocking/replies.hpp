// SPDX-License-Identifier: Apache-2.0
//
// The replies to one request of the blocking client (ADR-47). Destroying it ends the request.

#pragma once

#include <natsproto/message.hpp>
#include <natsproto/result.hpp>

#include <memory>
#include <optional>

namespace nats {

namespace blocking {
struct replies_state;
} // namespace blocking

class replies {
public:
    replies(replies&&) noexcept;
    replies& operator=(replies&&) noexcept;
    replies(const replies&) = delete;
    replies& operator=(const replies&) = delete;
    ~replies();

    /// Waits for the next reply; empty when one of the stop rules has ended it. Errors:
    /// no_responders; server_error with the status for any other status message; the reason when
    /// the connection is closed; interrupted (then it goes on).
    result<std::optional<message>> next();
    /// The same without a copy: the view lives until the next waiting call.
    result<std::optional<message_view>> next_view();

private:
    friend class client;
    explicit replies(std::unique_ptr<blocking::replies_state> s) noexcept;
    std::unique_ptr<blocking::replies_state> state_;
};

} // namespace nats

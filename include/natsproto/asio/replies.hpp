// SPDX-License-Identifier: Apache-2.0
//
// The replies to one request of the Asio client (ADR-47). Destroying it ends the request.

#pragma once

#include <natsproto/asio/detail/operation.hpp>
#include <natsproto/error.hpp>
#include <natsproto/message.hpp>

#include <boost/asio/deferred.hpp>

#include <memory>
#include <optional>

namespace nats::aio {

namespace detail {
struct replies_state;

[[nodiscard]] std::shared_ptr<driver> owner_of(const std::shared_ptr<replies_state>& s);
void start_next_reply(const std::shared_ptr<driver>& d, operation_ptr<std::optional<message>> o,
                      std::weak_ptr<replies_state> s, error* why);
} // namespace detail

class replies {
public:
    replies() noexcept; ///< none: `next` is at its end
    replies(replies&&) noexcept;
    replies& operator=(replies&&) noexcept;
    replies(const replies&) = delete;
    replies& operator=(const replies&) = delete;
    ~replies();

    /// The next reply: `void(error_code, std::optional<message>)`; empty when one of the stop rules
    /// has ended it. Errors: no_responders; server_error with the status for any other status
    /// message; the reason when the connection is closed; in_use while another `next` waits;
    /// `operation_aborted`, and then it goes on. Cancellation: all types.
    template <class Token = boost::asio::deferred_t>
    auto next(error* why = nullptr, Token&& token = Token()) {
        return detail::initiate<std::optional<message>>(
            std::forward<Token>(token), detail::owner_of(state_), detail::start_next_reply,
            std::weak_ptr(state_), why);
    }

private:
    friend class client;
    explicit replies(std::shared_ptr<detail::replies_state> s) noexcept;
    std::shared_ptr<detail::replies_state> state_;
};

} // namespace nats::aio

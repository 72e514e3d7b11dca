// SPDX-License-Identifier: Apache-2.0
//
// What other threads have published and the driver has not taken yet.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/headers.hpp>
#include <natsproto/publish_options.hpp>
#include <natsproto/result.hpp>
#include <natsproto/session.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

namespace nats::aio::detail {

class driver;

/// The buffer of all publishers of one client. `publish` and `waiting` in any thread, the rest on
/// the driver's executor.
struct shared_output {
    explicit shared_output(std::weak_ptr<driver> d) : driver_(std::move(d)) {}

    result<void> publish(std::string_view subject, bytes payload, const publish_options& o);
    [[nodiscard]] std::size_t waiting() const noexcept;

    /// Publishes are taken from now on, and checked as this session would.
    void allow(const session& s) noexcept;
    /// None is taken from now on.
    void refuse(error why) noexcept;
    /// Whether `hand_over` has anything to do.
    [[nodiscard]] bool pending() const noexcept {
        return woken_.load(std::memory_order_acquire) || at_ != taken_.size();
    }
    /// Gives what waits to the session: false when its output became full before the end of what
    /// it had taken. Refusals go to `warn`.
    bool hand_over(session& s, void (*warn)(void* context, const error& why), void* context);

private:
    struct sizes {
        std::size_t subject, reply, headers, payload;
    };
    [[nodiscard]] result<void> check(std::string_view subject, bytes payload,
                                     const publish_options& o) const;

    std::weak_ptr<driver> driver_;
    mutable std::mutex mutex_;
    std::vector<char> queue_;         ///< sizes and texts of each publish
    std::atomic<bool> woken_ = false; ///< the driver will look; set under the lock
    std::optional<error> refusal_ = error(errc::not_connected);
    std::size_t max_bytes_ = 0;
    std::size_t max_control_line_ = 0;
    std::int64_t max_payload_ = 0; ///< of the server; 0: none is known
    bool headers_ = true;
    std::size_t left_ = 0;    ///< bytes of `taken_` that the session has not got yet
    std::vector<char> taken_; ///< the driver's; what it has taken and not handed over yet
    std::size_t at_ = 0;
};

} // namespace nats::aio::detail

// SPDX-License-Identifier: Apache-2.0
//
// What happens to a flow of messages and does not end it, until somebody takes it.

#pragma once

#include <natsproto/error.hpp>

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

namespace nats::js {

/// In their order. Those that find it full are dropped: nobody takes them.
class warning_list {
public:
    static constexpr std::size_t most = 16;

    void push(error why) {
        if (kept_.size() < most) kept_.push_back(std::move(why));
    }
    [[nodiscard]] std::optional<error> poll() {
        if (kept_.empty()) return std::nullopt;
        error first = std::move(kept_.front());
        kept_.pop_front();
        return first;
    }
    [[nodiscard]] bool empty() const noexcept { return kept_.empty(); }

private:
    std::deque<error> kept_;
};

} // namespace nats::js

// SPDX-License-Identifier: Apache-2.0
//
// The tokens of a subject, one after another.

#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace nats::routing {

/// The text has to live as long. An empty text is one empty token.
class token_reader {
public:
    explicit token_reader(std::string_view subject) noexcept : rest_(subject) {}

    [[nodiscard]] bool more() const noexcept { return more_; }
    std::optional<std::string_view> next() noexcept {
        if (!more_) return std::nullopt;
        const std::size_t dot = rest_.find('.');
        const std::string_view token = rest_.substr(0, dot);
        more_ = dot != std::string_view::npos;
        if (more_) rest_.remove_prefix(dot + 1);
        return token;
    }

private:
    std::string_view rest_;
    bool more_ = true;
};

} // namespace nats::routing

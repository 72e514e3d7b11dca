// SPDX-License-Identifier: Apache-2.0
//
// The tokens of a subject: one after another, or where the dots between them are.

#pragma once

#include "core/text/control_scanner.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
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

inline constexpr std::size_t dots_block = 64;

/// Bit i: `s[i]` is a dot. At most `dots_block` bytes.
[[nodiscard]] inline std::uint64_t dots_of(std::string_view s) noexcept {
    std::uint64_t dots = 0;
#if defined(__SSE2__)
    if (s.empty()) return 0;
    char copy[dots_block]; // what stands behind the text may not be read
    std::memcpy(copy, s.data(), s.size());
    for (std::size_t i = 0; i < s.size(); i += 16) dots |= text::equal_bytes_16(copy + i, '.') << i;
    dots &= ~std::uint64_t{0} >> (dots_block - s.size());
#else
    for (std::size_t i = 0; i < s.size(); ++i) dots |= std::uint64_t{s[i] == '.' ? 1U : 0U} << i;
#endif
    return dots;
}

} // namespace nats::routing

// SPDX-License-Identifier: Apache-2.0
//
// JWTs and seeds as files have them: bare, or in blocks between lines of dashes.

#pragma once

#include <cstddef>
#include <string_view>

namespace nats {

/// The first two blocks of a text. Views into it.
struct decorated_blocks {
    std::size_t count = 0; ///< at most 2
    std::string_view first;
    std::string_view second;
};
[[nodiscard]] decorated_blocks find_blocks(std::string_view text) noexcept;

/// The first block, or without blocks the whole text, without blanks and line ends around it.
[[nodiscard]] std::string_view find_jwt(std::string_view text) noexcept;
/// The second block; without it the first line that looks like a seed; without that the whole text,
/// as for `find_jwt`.
[[nodiscard]] std::string_view find_seed(std::string_view text) noexcept;

/// Three parts of base64 for URLs. What is not this is never sent as a JWT: it could be a seed.
[[nodiscard]] bool is_jwt(std::string_view text) noexcept;

} // namespace nats

// SPDX-License-Identifier: Apache-2.0
//
// Bodies from standard input.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace nats::cli {

/// No nats-server takes more (the greatest max_payload that it accepts), so more is not read.
inline constexpr std::size_t longest_body = 64 * 1024 * 1024;

/// All of standard input, byte for byte. Throws std::runtime_error when it is longer than a message
/// can be, or cannot be read.
[[nodiscard]] std::string read_stdin();

/// Standard input a line at a time, without blocking more than one read.
class stdin_lines {
public:
    /// Reads once; false at the end of input.
    bool read();
    /// The next complete line without its line break; at the end of input also what follows the
    /// last line break. The view lives until the next `read`.
    [[nodiscard]] std::optional<std::string_view> next();

private:
    std::string waiting_;
    std::size_t taken_ = 0;    ///< bytes of `waiting_` that were returned
    std::size_t searched_ = 0; ///< there is no line break before
    bool ended_ = false;
};

} // namespace nats::cli

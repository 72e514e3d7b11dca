// SPDX-License-Identifier: Apache-2.0
//
// The text of a `.creds` file: a block with a JWT, then one with the seed of its key.

#pragma once

#include <natsproto/result.hpp>

#include <string_view>

namespace nats {

/// Views into the text.
struct credentials {
    std::string_view jwt;
    std::string_view seed;
};

/// Finds the blocks as specification 2.6 says: lines of three or more dashes around each, any text
/// before, CRLF or LF, blanks, a missing last line end. Errors: `invalid_credentials`; the text is
/// never a part of the error.
[[nodiscard]] result<credentials> parse_credentials(std::string_view text);

} // namespace nats

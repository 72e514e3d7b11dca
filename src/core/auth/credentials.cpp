// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the first block is the JWT, the second the seed. The shape of the JWT is
// looked at, so that a seed in its place is not taken for something to be sent.

#include <natsproto/auth/credentials.hpp>

#include "core/auth/decorated.hpp"

namespace nats {

result<credentials> parse_credentials(std::string_view text) {
    const decorated_blocks blocks = find_blocks(text);
    if (blocks.count == 0) return error{errc::invalid_credentials, "no block with a JWT"};
    if (!is_jwt(blocks.first))
        return error{errc::invalid_credentials, "the first block is not a JWT"};
    if (blocks.count == 1) return error{errc::invalid_credentials, "no block with a seed"};
    return credentials{blocks.first, blocks.second};
}

} // namespace nats

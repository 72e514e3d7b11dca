// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <cstddef>

namespace nats {

/// Who publishes faster than the network takes it, and can wait, is not let further ahead than
/// this: a longer queue makes nothing faster, but goes through memory that no cache holds.
inline constexpr std::size_t output_ahead = 1024 * 1024;

} // namespace nats

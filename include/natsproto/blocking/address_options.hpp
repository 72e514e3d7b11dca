// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <cstdint>

namespace nats {

/// Which addresses of a host are tried, and which of them first.
enum class address_order : std::uint8_t { any, v4_only, v6_only, v4_first, v6_first };

} // namespace nats

// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <natsproto/headers.hpp>

#include <string_view>
#include <type_traits>

namespace nats {

struct publish_options {
    std::string_view reply{}; ///< where answers should go; empty: nowhere
    header_view headers{};
};
static_assert(std::is_trivially_destructible_v<publish_options>);

} // namespace nats

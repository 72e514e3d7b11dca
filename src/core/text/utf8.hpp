// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <string_view>

namespace nats::text {

/// Well-formed UTF-8 of Unicode: no overlong forms, no surrogates, nothing over U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view s) noexcept;

} // namespace nats::text

// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <natsproto/limits.hpp>
#include <natsproto/result.hpp>

namespace nats {

/// 0 would be a subscription that drops everything, which nobody means.
[[nodiscard]] result<void> check_pending(const pending_limits& p);

} // namespace nats

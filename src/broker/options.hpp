// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <natsproto/broker/broker_options.hpp>
#include <natsproto/result.hpp>
#include <natsproto/server_info.hpp>
#include <natsproto/session.hpp>

namespace nats::embedded {

/// All that can be wrong with a broker's options, but for what only the TLS library can tell.
[[nodiscard]] result<void> check(const broker_options& o, const environment& world);
/// Whether all texts of `info` can be said in INFO.
[[nodiscard]] result<void> check(const server_info& info);

} // namespace nats::embedded

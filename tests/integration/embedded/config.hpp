// SPDX-License-Identifier: Apache-2.0
//
// The part of nats-server's configuration files that our broker can do.

#pragma once

#include <natsproto/broker/broker_options.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace nats::test {

struct server_config {
    broker_options options;
    std::uint16_t port = 0; ///< 0: a free one
    std::uint16_t monitor_port = 0;
    std::string ports_directory;
};

/// Throws std::runtime_error, which names what is wrong or what the broker cannot do.
[[nodiscard]] server_config read_config(std::string_view text);

} // namespace nats::test

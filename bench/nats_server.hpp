// SPDX-License-Identifier: Apache-2.0
//
// A nats-server 2.10 as scripts/servers fetches it.

#pragma once

#include "cli/server.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace nats::bench {

[[nodiscard]] inline test::server nats_server(std::string_view config = {}) {
    const auto binary = test::find_server({"v2_10", 10, 14});
    if (!binary) throw std::runtime_error("no nats-server 2.10: run scripts/servers");
    return test::server(*binary, config);
}

[[nodiscard]] inline std::uint16_t port_of(const std::string& url) {
    return static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
}

} // namespace nats::bench

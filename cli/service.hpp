// SPDX-License-Identifier: Apache-2.0
//
// The commands of `natsproto service`, and what they share.

#pragma once

#include <natsproto/services/service_config.hpp>

#include "common.hpp"

#include <CLI/App.hpp>

#include <string>

namespace nats::cli {

[[nodiscard]] command add_service_ls(CLI::App& group);
[[nodiscard]] command add_service_info(CLI::App& group);
[[nodiscard]] command add_service_stats(CLI::App& group);
[[nodiscard]] command add_service_ping(CLI::App& group);
[[nodiscard]] command add_service_request(CLI::App& group);
[[nodiscard]] command add_service_serve(CLI::App& group);

/// --prefix
void add_service_prefix(CLI::App& app, std::string& target);

} // namespace nats::cli

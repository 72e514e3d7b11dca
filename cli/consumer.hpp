// SPDX-License-Identifier: Apache-2.0
//
// The commands of `natsproto consumer`, and what they share.

#pragma once

#include <natsproto/jetstream/consumer_info.hpp>
#include <natsproto/jetstream/wall_time.hpp>

#include "common.hpp"

#include <CLI/App.hpp>

#include <string>

namespace nats::cli {

[[nodiscard]] command add_consumer_add(CLI::App& group);
[[nodiscard]] command add_consumer_edit(CLI::App& group);
[[nodiscard]] command add_consumer_ls(CLI::App& group);
[[nodiscard]] command add_consumer_info(CLI::App& group);
[[nodiscard]] command add_consumer_rm(CLI::App& group);
[[nodiscard]] command add_consumer_next(CLI::App& group);
[[nodiscard]] command add_consumer_sub(CLI::App& group);
[[nodiscard]] command add_consumer_pause(CLI::App& group);
[[nodiscard]] command add_consumer_resume(CLI::App& group);
[[nodiscard]] command add_consumer_unpin(CLI::App& group);
[[nodiscard]] command add_consumer_reset(CLI::App& group);

/// The configuration and the state, for people.
[[nodiscard]] std::string text_of(const js::consumer_info& i);

/// Prints a consumer, for people or as JSON.
void print_consumer(const js::consumer_info& i, bool json);

/// A time of day, or a duration from now on. Throws usage_error; `what` is what it is for.
[[nodiscard]] js::wall_time later(const std::string& what, const std::string& text);

} // namespace nats::cli

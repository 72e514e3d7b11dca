// SPDX-License-Identifier: Apache-2.0
//
// The commands of `natsproto stream`, and what they share.

#pragma once

#include <natsproto/jetstream/stream_info.hpp>

#include "common.hpp"

#include <CLI/App.hpp>

#include <string>
#include <vector>

namespace nats::cli {

[[nodiscard]] command add_stream_add(CLI::App& group);
[[nodiscard]] command add_stream_edit(CLI::App& group);
[[nodiscard]] command add_stream_ls(CLI::App& group);
[[nodiscard]] command add_stream_info(CLI::App& group);
[[nodiscard]] command add_stream_state(CLI::App& group);
[[nodiscard]] command add_stream_subjects(CLI::App& group);
[[nodiscard]] command add_stream_rm(CLI::App& group);
[[nodiscard]] command add_stream_seal(CLI::App& group);
[[nodiscard]] command add_stream_purge(CLI::App& group);
[[nodiscard]] command add_stream_get(CLI::App& group);
[[nodiscard]] command add_stream_rmm(CLI::App& group);
[[nodiscard]] command add_stream_view(CLI::App& group);
[[nodiscard]] std::vector<command> add_stream_cluster(CLI::App& group);

/// The configuration and the state, for people.
[[nodiscard]] std::string text_of(const js::stream_info& i);
/// The state alone.
[[nodiscard]] std::string text_of_state(const js::stream_info& i);

/// Prints a stream, for people or as JSON.
void print_stream(const js::stream_info& i, bool json);

} // namespace nats::cli

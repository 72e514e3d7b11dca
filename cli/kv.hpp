// SPDX-License-Identifier: Apache-2.0
//
// The commands of `natsproto kv`, and what they share.

#pragma once

#include <natsproto/blocking/key_value.hpp>
#include <natsproto/key_value/bucket_config.hpp>
#include <natsproto/key_value/entry.hpp>
#include <natsproto/key_value/names.hpp>

#include "common.hpp"
#include "js.hpp"

#include <CLI/App.hpp>

#include <string>

namespace nats::cli {

[[nodiscard]] command add_kv_add(CLI::App& group);
[[nodiscard]] command add_kv_edit(CLI::App& group);
[[nodiscard]] command add_kv_ls(CLI::App& group);
[[nodiscard]] command add_kv_info(CLI::App& group);
[[nodiscard]] command add_kv_get(CLI::App& group);
[[nodiscard]] command add_kv_put(CLI::App& group);
[[nodiscard]] command add_kv_create(CLI::App& group);
[[nodiscard]] command add_kv_update(CLI::App& group);
[[nodiscard]] command add_kv_revert(CLI::App& group);
[[nodiscard]] command add_kv_del(CLI::App& group);
[[nodiscard]] command add_kv_purge(CLI::App& group);
[[nodiscard]] command add_kv_compact(CLI::App& group);
[[nodiscard]] command add_kv_history(CLI::App& group);
[[nodiscard]] command add_kv_watch(CLI::App& group);

using kv_connection = bucket_connection<key_value>;

/// The name of a bucket, the first argument of a command, and that of a key behind it.
CLI::Option* add_bucket_name(CLI::App& app, std::string& target);
CLI::Option* add_key(CLI::App& app, std::string& target);
/// Throw nats::exception.
void check_bucket_name(std::string_view name);
void check_key(std::string_view key);

/// Prints a bucket, for people or as JSON.
void print_bucket(const kv::bucket_status& s, bool json);
/// A line about an entry: when, what and which revision.
[[nodiscard]] std::string line_of(const kv::entry& e);
/// A value that is no text is `value_base64` there.
[[nodiscard]] std::string json_of_entry(const kv::entry& e);

} // namespace nats::cli

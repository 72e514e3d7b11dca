// SPDX-License-Identifier: Apache-2.0
//
// The commands of `natsproto object`, and what they share.

#pragma once

#include <natsproto/blocking/object_store.hpp>

#include "common.hpp"
#include "js.hpp"

#include <CLI/App.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace nats::cli {

[[nodiscard]] command add_object_add(CLI::App& group);
[[nodiscard]] command add_object_edit(CLI::App& group);
[[nodiscard]] command add_object_put(CLI::App& group);
[[nodiscard]] command add_object_get(CLI::App& group);
[[nodiscard]] command add_object_del(CLI::App& group);
[[nodiscard]] command add_object_info(CLI::App& group);
[[nodiscard]] command add_object_ls(CLI::App& group);
[[nodiscard]] command add_object_watch(CLI::App& group);
[[nodiscard]] command add_object_seal(CLI::App& group);

/// The name of a bucket, the first argument of a command.
CLI::Option* add_object_bucket(CLI::App& app, std::string& target);
/// Throws nats::exception.
void check_object_bucket(std::string_view name);

using object_connection = bucket_connection<object_store>;

/// For people, or as JSON.
void print_bucket(const obj::bucket_status& s, bool json);
void print_object(const obj::object_info& i, bool json);

/// A bar on stderr while bytes are on their way, if that is a terminal and nobody has said no.
class progress_bar {
public:
    progress_bar(std::string what, bool wanted);
    progress_bar(const progress_bar&) = delete;
    progress_bar& operator=(const progress_bar&) = delete;
    ~progress_bar();
    /// For the options of a transfer.
    [[nodiscard]] obj::progress_listener listener() noexcept;
    /// How many bytes there will be, if the transfer cannot tell.
    void expect(std::uint64_t total) noexcept { total_ = total; }

private:
    void show(const obj::transfer_progress& p);

    std::string what_;
    bool shown_ = false; ///< on a terminal
    bool drawn_ = false;
    std::uint64_t total_ = 0;
    time_point begun_;
    time_point next_{};
};
/// One line of it, without its beginning and end.
[[nodiscard]] std::string text_of_progress(std::string_view what, std::uint64_t bytes,
                                           std::uint64_t total, duration since, std::size_t width);

} // namespace nats::cli

// SPDX-License-Identifier: Apache-2.0
//
// What a bucket of objects is to be, and what it is (ADR-20). A bucket is a stream `OBJ_<bucket>`:
// chunks of objects and, of each object, one message about it.

#pragma once

#include <natsproto/jetstream/stream_config.hpp>
#include <natsproto/jetstream/stream_info.hpp>
#include <natsproto/result.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace nats::obj {

struct bucket_config {
    bucket_config() = default;
    explicit bucket_config(std::string name) : bucket(std::move(name)) {}

    std::string bucket; ///< letters, digits, `-` and `_`
    std::string description;
    std::chrono::nanoseconds ttl{}; ///< how long objects live; 0: for ever, else at least 100 ms
    std::int64_t max_bytes = -1;    ///< of all objects together, roughly; -1 and 0: no limit
    js::storage_type storage = js::storage_type::file; ///< cannot be changed later
    std::int64_t replicas = 1;                         ///< 1 to 5
    std::optional<js::placement> placement;
    bool compressed = false;   ///< on the server's disk (2.10)
    js::metadata_map metadata; ///< 2.10

    friend bool operator==(const bucket_config&, const bucket_config&) = default;
};

struct bucket_status {
    bucket_status() = default;

    std::string bucket;
    std::string description;
    std::chrono::nanoseconds ttl{}; ///< 0: objects do not expire
    std::int64_t max_bytes = -1;
    js::storage_type storage = js::storage_type::file;
    std::int64_t replicas = 1;
    bool sealed = false;     ///< nothing can be changed any more
    bool compressed = false; ///< on the server's disk
    /// What all of it takes there, what describes the objects included.
    std::uint64_t size = 0;
    js::metadata_map metadata;
    js::stream_info stream; ///< all that the server knows

    /// What keeps buckets; there is only this.
    static constexpr std::string_view backing_store = "JetStream";
};

/// Errors: `invalid_name`.
[[nodiscard]] result<void> check_bucket(std::string_view name);

/// The stream of a bucket that is to be made. Errors: `invalid_name`.
[[nodiscard]] result<js::stream_config> stream_of(const bucket_config& c);
/// The same, of a bucket that has this stream already: what is not a bucket's to set stays.
[[nodiscard]] result<js::stream_config> stream_of(const bucket_config& c,
                                                  const js::stream_config& now);
/// The name of the bucket of a stream; empty for one that is none, by its name.
[[nodiscard]] std::string_view bucket_of_stream(std::string_view stream) noexcept;
/// Errors: `not_a_bucket`.
[[nodiscard]] result<bucket_status> status_of(js::stream_info i);
/// What it would take to make such a bucket once more.
[[nodiscard]] bucket_config config_of(const bucket_status& s);
/// As the command line tool prints it.
[[nodiscard]] result<std::string> to_json(const bucket_status& s);

} // namespace nats::obj

// SPDX-License-Identifier: Apache-2.0
//
// What a bucket is to be, and what it is (ADR-8, ADR-48, ADR-57). A bucket is a stream: everything
// here is a setting of that.

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
#include <vector>

namespace nats::kv {

inline constexpr std::int64_t most_history = 64;

struct bucket_config {
    bucket_config() = default;
    explicit bucket_config(std::string name) : bucket(std::move(name)) {}

    std::string bucket; ///< letters, digits, `-` and `_`
    std::string description;
    std::int64_t history = 1;         ///< how many revisions of each key are kept, from 1 to 64
    std::chrono::nanoseconds ttl{};   ///< how long each revision is kept; 0: for ever. Else 100 ms
    std::int64_t max_bytes = -1;      ///< of the whole bucket; -1: no limit
    std::int32_t max_value_size = -1; ///< in bytes; -1: no limit but the server's
    js::storage_type storage = js::storage_type::file; ///< cannot be changed later
    std::int64_t replicas = 1;                         ///< 1 to 5
    bool compression = false;                          ///< of what is on the disk (2.10)
    std::optional<js::placement> placement;
    std::optional<js::republish> republish;
    js::metadata_map metadata; ///< 2.10
    /// Keys can expire one by one, and each time the server stores a marker for so long, at least a
    /// second; 0: neither (2.11, ADR-48).
    std::chrono::nanoseconds limit_marker_ttl{};

    /// The bucket that this one is a copy of, which reads of this one are about; `name` is the
    /// bucket's, or that of its stream. Writes go to the origin.
    std::optional<js::stream_source> mirror;
    /// The buckets that this one has the keys of too; `name` is the bucket's. With
    /// `subject_transforms` of its own, it is that of a stream (2.10). Not with `mirror`.
    std::vector<js::stream_source> sources;

    friend bool operator==(const bucket_config&, const bucket_config&) = default;
};

/// The stream for a bucket. Errors: `invalid_name`, `invalid_argument`.
[[nodiscard]] result<js::stream_config> to_stream_config(const bucket_config& c);
/// Has a stream that is there become what `c` says. What a bucket does not speak of stays as it is.
[[nodiscard]] result<void> apply(const bucket_config& c, js::stream_config& existing);
/// Errors: `not_a_bucket`.
[[nodiscard]] result<bucket_config> to_bucket_config(const js::stream_config& s);

/// Whether a stream is what `wanted` says, but that it was made by a client of the days when other
/// settings were usual for a bucket: for what happens at its limit, and for direct reads.
[[nodiscard]] bool differs_by_age(const js::stream_config& existing,
                                  const js::stream_config& wanted);

/// What a bucket is, and what is in it.
class bucket_status {
public:
    bucket_status() = default; ///< of no bucket
    /// Errors: `not_a_bucket`.
    [[nodiscard]] static result<bucket_status> make(js::stream_info of);

    [[nodiscard]] const bucket_config& config() const noexcept { return config_; }
    [[nodiscard]] const std::string& bucket() const noexcept { return config_.bucket; }
    /// How many entries there are: of each key all that its history has, and markers.
    [[nodiscard]] std::uint64_t values() const noexcept { return info_.state.messages; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return info_.state.bytes; }
    [[nodiscard]] std::int64_t history() const noexcept { return config_.history; }
    [[nodiscard]] std::chrono::nanoseconds ttl() const noexcept { return config_.ttl; }
    [[nodiscard]] std::chrono::nanoseconds limit_marker_ttl() const noexcept {
        return config_.limit_marker_ttl;
    }
    [[nodiscard]] bool compressed() const noexcept { return config_.compression; }
    [[nodiscard]] const js::metadata_map& metadata() const noexcept { return config_.metadata; }
    [[nodiscard]] std::string_view backing_store() const noexcept { return "JetStream"; }
    /// Of the stream.
    [[nodiscard]] const js::stream_info& info() const noexcept { return info_; }

private:
    js::stream_info info_;
    bucket_config config_;
};

} // namespace nats::kv

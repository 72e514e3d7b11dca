// SPDX-License-Identifier: Apache-2.0
//
// One revision of a key, in two forms: `kv::entry` owns its text, `kv::entry_view` borrows it and
// is what handlers get.

#pragma once

#include <natsproto/headers.hpp>
#include <natsproto/jetstream/wall_time.hpp>
#include <natsproto/message.hpp>
#include <natsproto/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nats::kv {

enum class operation : std::uint8_t {
    put,   ///< the key has this value
    del,   ///< it was deleted; older revisions are there as far as the bucket's history goes
    purge, ///< it was deleted, and older revisions with it; or it has expired
};

/// "PUT", "DEL" or "PURGE".
[[nodiscard]] std::string_view to_string(operation o) noexcept;

/// What the headers of a stored message say. One that has an operation which is not known is
/// deleted (ADR-8). So is one that the server stored in place of what has expired or was removed
/// (2.11, ADR-48).
[[nodiscard]] operation read_operation(header_view h) noexcept;

/// The views live as long as the message that they were read from.
struct entry_view {
    std::string_view bucket;
    std::string_view key;
    std::string_view value;     ///< empty for a marker, and where only the size was asked for
    std::uint64_t revision = 0; ///< the sequence in the bucket's stream
    js::wall_time created{};    ///< when it was stored, by the server's clock
    std::uint64_t delta = 0;    ///< of a watch: how many entries follow it
    kv::operation operation = kv::operation::put;
    std::uint64_t size = 0; ///< of the value, in bytes

    /// Whether it says that the key was deleted.
    [[nodiscard]] bool is_marker() const noexcept { return operation != kv::operation::put; }
};

struct entry {
    entry() = default;
    explicit entry(const entry_view& v)
        : bucket(v.bucket),
          key(v.key),
          value(v.value),
          revision(v.revision),
          created(v.created),
          delta(v.delta),
          operation(v.operation),
          size(v.size) {}

    std::string bucket;
    std::string key;
    std::string value;
    std::uint64_t revision = 0;
    js::wall_time created{};
    std::uint64_t delta = 0;
    kv::operation operation = kv::operation::put;
    std::uint64_t size = 0;

    [[nodiscard]] bool is_marker() const noexcept { return operation != kv::operation::put; }

    friend bool operator==(const entry&, const entry&) = default;
};

/// Reads what a consumer has delivered. `prefix`: of the bucket's subjects, with the final dot.
/// `without_values`: the consumer sends only sizes. Empty for a message that is no entry of the
/// bucket.
[[nodiscard]] std::optional<entry_view> read_entry(const nats::message_view& m,
                                                   std::string_view bucket, std::string_view prefix,
                                                   bool without_values);

} // namespace nats::kv

// SPDX-License-Identifier: Apache-2.0
//
// What takes a look at many keys of a bucket: their names, their history, and the removal of the
// markers of deleted ones.

#pragma once

#include <natsproto/jetstream/wall_time.hpp>
#include <natsproto/key_value/entry.hpp>
#include <natsproto/key_value/location.hpp>
#include <natsproto/key_value/names.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace nats::kv {

/// How many keys or revisions are kept: more than a bucket has, so that a server which always has
/// one more comes to an end.
inline constexpr std::size_t most_entries = 50'000'000;

/// The keys that have a value, in the order of their bytes; none is no error. Errors:
/// `invalid_key`; `timeout` when nothing has come for the context's timeout; `invalid_response` for
/// more than `most`; those of a watch.
[[nodiscard]] op<result<std::vector<std::string>>> list_keys(runtime& rt, location at,
                                                             key_filters filters,
                                                             std::size_t most = most_entries);
/// All revisions that are there, markers too, in the order in which they were written. Errors: as
/// `list_keys`; `key_not_found` when there is none.
[[nodiscard]] op<result<std::vector<entry>>> history(runtime& rt, location at, key_filters filters,
                                                     std::size_t most = most_entries);

struct purge_deletes_options {
    /// Markers that are younger stay, and only what they have deleted goes. Less than 0: none stay.
    std::chrono::nanoseconds keep_younger_than = std::chrono::minutes(30);
    /// The time now; by default the clock of this computer has it.
    std::optional<js::wall_time> now{};
};
static_assert(std::is_trivially_destructible_v<purge_deletes_options>);

/// Removes what deleted keys have left: how many messages. What is written meanwhile stays.
/// `o.now` must be set. Errors: as `list_keys`, and those of the API; then some may be removed.
[[nodiscard]] op<result<std::uint64_t>> purge_deletes(runtime& rt, location at,
                                                      purge_deletes_options o,
                                                      std::size_t most = most_entries);

} // namespace nats::kv

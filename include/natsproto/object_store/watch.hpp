// SPDX-License-Identifier: Apache-2.0
//
// What happens to the objects of a bucket: what is there, and then each change.

#pragma once

#include <natsproto/jetstream/ordered_subscription.hpp>
#include <natsproto/jetstream/watch_request.hpp>
#include <natsproto/message.hpp>
#include <natsproto/object_store/bucket.hpp>
#include <natsproto/object_store/object_info.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/time.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace nats::obj {

struct watch_options {
    /// Also what an object was before, as far as the bucket still has it. Not with `updates_only`.
    bool include_history = false;
    bool ignore_deletes = false;
    /// Not what is there already: then the end of that comes first.
    bool updates_only = false;
};
static_assert(std::is_trivially_destructible_v<watch_options>);

/// An object that is there, was changed or deleted; or the end of what was there at the beginning,
/// which comes exactly once.
struct watch_update {
    watch_update() = default; ///< the end of what was there
    explicit watch_update(object_info i) : object(std::move(i)) {}

    std::optional<object_info> object;
    [[nodiscard]] bool initial_end() const noexcept { return !object; }
};

/// What a watch makes of messages. What is no description of an object is passed over.
class watch_reader {
public:
    using event = watch_update;
    using event_view = watch_update;

    explicit watch_reader(const watch_options& o) noexcept : ignore_deletes_(o.ignore_deletes) {}
    /// Empty for what the user is not to see.
    [[nodiscard]] std::optional<watch_update> read(const nats::message_view& m) const;
    [[nodiscard]] bool initial_only() const noexcept { return false; }

private:
    bool ignore_deletes_;
};

using watch_request = js::watch_request<watch_reader>;

/// Errors: `invalid_argument`.
[[nodiscard]] result<watch_request> encode_watch(const bucket& b, const watch_options& o);

/// The next update; empty when there will be none, and then `s.why()` tells. `s` must have been
/// told to `watch_initial`, and outlive the op, as must `reader`. Errors: `timeout`; `in_use`.
[[nodiscard]] op<result<std::optional<watch_update>>> next(runtime& rt, js::ordered_subscription& s,
                                                           const watch_reader& reader,
                                                           time_point deadline);

/// How many objects a list has at most: a server that always has one more comes to an end.
inline constexpr std::size_t most_objects = 10'000'000;

/// All objects of a bucket; with `deleted` also those that were. More than `most` are
/// `invalid_response`.
[[nodiscard]] op<result<std::vector<object_info>>> list_objects(runtime& rt, bucket b, bool deleted,
                                                                std::size_t most = most_objects);

} // namespace nats::obj

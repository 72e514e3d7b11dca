// SPDX-License-Identifier: Apache-2.0
//
// What happens to the objects of a bucket: what is there, and then each change.

#pragma once

#include <natsproto/jetstream/ordered_subscription.hpp>
#include <natsproto/message.hpp>
#include <natsproto/object_store/bucket.hpp>
#include <natsproto/object_store/object_info.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/time.hpp>

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
    [[nodiscard]] bool is_end_of_initial() const noexcept { return !object; }
};

/// Errors: `invalid_argument`.
[[nodiscard]] result<js::ordered_request> encode_watch(const bucket& b, const watch_options& o);

/// Its address must not change. It must not outlive its runtime. What is no description of an
/// object is passed over.
class watch_state {
public:
    watch_state(runtime& rt, js::ordered_request r, const watch_options& o)
        : runtime_(&rt), source_(rt, std::move(r)), ignore_deletes_(o.ignore_deletes) {}
    watch_state(const watch_state&) = delete;
    watch_state& operator=(const watch_state&) = delete;
    ~watch_state();

    [[nodiscard]] js::ordered_subscription& source() noexcept { return source_; }
    /// What a message means; empty: nothing for the user.
    [[nodiscard]] std::optional<watch_update> read(const nats::message_view& m) const;
    /// Whether the end of what was there has come; true once, to be asked behind each message.
    [[nodiscard]] bool poll_end_of_initial() noexcept { return source_.initial().poll_end(); }

private:
    runtime* runtime_;
    js::ordered_subscription source_;
    bool ignore_deletes_;
};

/// The next update; empty when there will be none, and then `s.source().why()` tells. Errors:
/// timeout; in_use. `s` must outlive the op.
[[nodiscard]] op<result<std::optional<watch_update>>> next_update(runtime& rt, watch_state& s,
                                                                  time_point deadline);

/// All objects of a bucket; with `deleted` also those that were.
[[nodiscard]] op<result<std::vector<object_info>>> list_objects(runtime& rt, bucket b,
                                                                bool deleted);

} // namespace nats::obj

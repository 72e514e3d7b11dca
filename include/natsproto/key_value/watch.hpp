// SPDX-License-Identifier: Apache-2.0
//
// Following the keys of a bucket: what is there, then the end of that, then each change as it
// comes. What a watch makes of the messages of an ordered subscription, without a session or a
// clock, and the op that waits for what comes next.

#pragma once

#include <natsproto/jetstream/ordered_subscription.hpp>
#include <natsproto/jetstream/watch_request.hpp>
#include <natsproto/key_value/entry.hpp>
#include <natsproto/key_value/location.hpp>
#include <natsproto/key_value/names.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/time.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace nats::kv {

struct watch_options {
    bool include_history = false;    ///< all revisions that are there, and not only the newest
    bool updates_only = false;       ///< nothing that is there already
    std::uint64_t from_revision = 0; ///< what is there from this revision on; 0: not so
    bool ignore_deletes = false;     ///< no markers
    bool meta_only = false;          ///< no values, but their sizes
    /// Ends behind what is there already: a list, and no watch.
    bool initial_only = false;
    std::uint64_t max_pending = 256; ///< how many entries may wait to be read. Must not be 0
    /// How often the server says that it is there, while nothing changes. Must be positive.
    duration heartbeat = std::chrono::seconds(5);
};
static_assert(std::is_trivially_destructible_v<watch_options>);

/// An entry, or the end of what was there at the beginning.
struct watch_event {
    watch_event() = default; ///< the end
    explicit watch_event(kv::entry e) : entry(std::move(e)) {}
    explicit watch_event(const entry_view& e) : entry(kv::entry(e)) {}

    std::optional<kv::entry> entry;

    /// All that was there has come; from now on each entry is a change. Once in each watch, at once
    /// where nothing is there, or nothing of that was asked for.
    [[nodiscard]] bool initial_end() const noexcept { return !entry; }
};

/// The same in a handler; the views live until that returns or waits.
struct watch_event_view {
    watch_event_view() = default;
    explicit watch_event_view(const entry_view& e) : entry(e) {}

    std::optional<entry_view> entry;

    [[nodiscard]] bool initial_end() const noexcept { return !entry; }
};

/// What a watch makes of messages.
class watch_reader {
public:
    using event = watch_event;
    using event_view = watch_event_view;

    watch_reader(std::string bucket, std::string prefix, const watch_options& o)
        : bucket_(std::move(bucket)),
          prefix_(std::move(prefix)),
          ignore_deletes_(o.ignore_deletes),
          meta_only_(o.meta_only),
          initial_only_(o.initial_only) {}

    /// Empty for what the user is not to see.
    [[nodiscard]] std::optional<entry_view> read(const nats::message_view& m) const;
    /// Whether there is nothing behind the end of what was there.
    [[nodiscard]] bool initial_only() const noexcept { return initial_only_; }

private:
    std::string bucket_;
    std::string prefix_;
    bool ignore_deletes_;
    bool meta_only_;
    bool initial_only_;
};

using watch_request = js::watch_request<watch_reader>;

/// Errors: `invalid_key`; `invalid_argument` for options that exclude each other.
[[nodiscard]] result<watch_request> encode_watch(const location& at, const key_filters& keys,
                                                 const watch_options& o = {});

/// What comes next; empty when there will be nothing more, and then `s.why()` tells. `s` must have
/// been told to `watch_initial`, and outlive the op, as must `reader`. Errors: `timeout`; `in_use`
/// while another one waits.
[[nodiscard]] op<result<std::optional<watch_event>>> next(runtime& rt, js::ordered_subscription& s,
                                                          const watch_reader& reader,
                                                          time_point deadline);

} // namespace nats::kv

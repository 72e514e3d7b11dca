// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a watch is a stream read in order, from the newest message of each subject
// on unless the options say otherwise. The subscription knows where the initial data ends; that is
// told behind the message with which it does, or when there is none to wait for.
//
// When the consumer has to be replaced before that, the next one begins behind the last message.
// Of a key that was not seen yet it may bring revisions that are not its newest, before that.

#include <natsproto/key_value/watch.hpp>

#include "core/jetstream/listing.hpp"

#include <vector>

namespace nats::kv {

namespace {

result<void> check(const watch_options& o) {
    const auto refused = [](const char* what) { return error{errc::invalid_argument, what}; };
    if (o.updates_only && o.include_history) return refused("updates_only and include_history");
    if (o.updates_only && o.from_revision != 0) return refused("updates_only and from_revision");
    if (o.updates_only && o.initial_only) return refused("updates_only and initial_only");
    if (o.max_pending == 0) return refused("max_pending");
    if (o.heartbeat <= duration::zero()) return refused("heartbeat");
    return {};
}

js::deliver_policy policy_of(const watch_options& o) noexcept {
    if (o.from_revision != 0) return js::deliver_policy::by_start_sequence;
    if (o.updates_only) return js::deliver_policy::new_;
    return o.include_history ? js::deliver_policy::all : js::deliver_policy::last_per_subject;
}

} // namespace

result<watch_request> encode_watch(const location& at, const key_filters& keys,
                                   const watch_options& o) {
    if (result<void> ok = check(o); !ok) return ok.error();
    std::vector<std::string> subjects;
    for (const std::string& filter : keys.all()) {
        if (result<void> ok = check_filter(filter); !ok) return ok.error();
        subjects.push_back(at.subject(filter));
    }
    if (subjects.empty()) subjects.push_back(at.subject(">"));
    const std::vector<std::string_view> filters(subjects.begin(), subjects.end());
    js::ordered_options ordered;
    ordered.filter_subjects = filters;
    ordered.deliver_policy = policy_of(o);
    ordered.opt_start_seq = o.from_revision;
    ordered.headers_only = o.meta_only;
    js::consume_options flow;
    flow.max_messages = o.max_pending;
    flow.idle_heartbeat = o.heartbeat;
    result<js::ordered_request> r = js::encode_ordered(at.settings, at.stream, ordered, flow);
    if (!r) return r.error();
    return watch_request(std::move(*r), watch_reader(at.bucket, at.read_prefix, o));
}

std::optional<entry_view> watch_reader::read(const nats::message_view& m) const {
    std::optional<entry_view> e = read_entry(m, bucket_, prefix_, meta_only_);
    if (e && ignore_deletes_ && e->is_marker()) e.reset();
    return e;
}

op<result<std::optional<watch_event>>> next(runtime& rt, js::ordered_subscription& s,
                                            const watch_reader& reader, time_point deadline) {
    result<std::optional<watch_event>> e = co_await js::next_watched(rt, s, reader, deadline);
    co_return std::move(e);
}

} // namespace nats::kv

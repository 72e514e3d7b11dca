// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: each of these watches until the end of what is there. A key may change
// before that end has come, so that it is seen twice; the last word counts.
//
// A deleted key is purged up to its marker and no further, for somebody may write the key again
// before the purge.

#include <natsproto/key_value/sequences.hpp>

#include <natsproto/jetstream/stream_requests.hpp>
#include <natsproto/key_value/watch.hpp>

#include "core/jetstream/listing.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <utility>

namespace nats::kv {

namespace {

watch_options listing() {
    watch_options o;
    o.initial_only = true;
    o.max_pending = 1000;
    o.heartbeat = std::chrono::seconds(1);
    return o;
}

error endless() {
    return {errc::invalid_response, "a bucket without an end"};
}

} // namespace

op<result<std::vector<std::string>>> list_keys(runtime& rt, location at, key_filters filters,
                                               std::size_t most) {
    watch_options o = listing();
    o.meta_only = true;
    result<watch_request> r = encode_watch(at, filters, o);
    if (!r) co_return r.error();
    js::listing<watch_reader> w(rt, std::move(*r));
    result<void> begun = w.source().start(rt);
    if (!begun) co_return begun.error();
    std::set<std::string> keys;
    while (true) {
        result<std::optional<watch_event>> next =
            co_await js::next_listed(rt, w, at.settings.timeout());
        if (!next) co_return next.error();
        if (!*next) break;
        entry& e = *(*next)->entry;
        if (e.is_marker())
            keys.erase(e.key);
        else
            keys.insert(std::move(e.key));
        if (keys.size() > most) co_return endless();
    }
    std::vector<std::string> all;
    all.reserve(keys.size());
    while (!keys.empty()) all.push_back(std::move(keys.extract(keys.begin()).value()));
    co_return std::move(all);
}

op<result<std::vector<entry>>> history(runtime& rt, location at, key_filters filters,
                                       std::size_t most) {
    watch_options o = listing();
    o.include_history = true;
    result<watch_request> r = encode_watch(at, filters, o);
    if (!r) co_return r.error();
    js::listing<watch_reader> w(rt, std::move(*r));
    result<void> begun = w.source().start(rt);
    if (!begun) co_return begun.error();
    std::vector<entry> all;
    while (true) {
        result<std::optional<watch_event>> next =
            co_await js::next_listed(rt, w, at.settings.timeout());
        if (!next) co_return next.error();
        if (!*next) break;
        all.push_back(std::move(*(*next)->entry));
        if (all.size() > most) co_return endless();
    }
    if (all.empty()) {
        const bool one = filters.all().size() == 1;
        co_return error(errc::key_not_found, one ? '"' + filters.all().front() + '"' : "");
    }
    co_return std::move(all);
}

namespace {

struct left_marker {
    std::uint64_t revision = 0;
    js::wall_time created{};
};
using left_markers = std::map<std::string, left_marker>;

op<result<left_markers>> find_markers(runtime& rt, const location& at, std::size_t most) {
    watch_options o = listing();
    o.meta_only = true;
    result<watch_request> r = encode_watch(at, {}, o);
    if (!r) co_return r.error();
    js::listing<watch_reader> w(rt, std::move(*r));
    result<void> begun = w.source().start(rt);
    if (!begun) co_return begun.error();
    left_markers found;
    while (true) {
        result<std::optional<watch_event>> next =
            co_await js::next_listed(rt, w, at.settings.timeout());
        if (!next) co_return next.error();
        if (!*next) co_return std::move(found);
        const entry& e = *(*next)->entry;
        if (e.is_marker())
            found.insert_or_assign(e.key, left_marker{e.revision, e.created});
        else
            found.erase(e.key);
        if (found.size() > most) co_return endless();
    }
}

} // namespace

op<result<std::uint64_t>> purge_deletes(runtime& rt, location at, purge_deletes_options o,
                                        std::size_t most) {
    if (!o.now) co_return error(errc::invalid_argument, "no time");
    if (at.stream != at.origin_stream) // its origin's deletions are its own
        co_return error(errc::invalid_argument, '"' + at.bucket + "\" is a mirror");
    result<left_markers> found = co_await find_markers(rt, at, most);
    if (!found) co_return found.error();
    std::uint64_t removed = 0;
    for (const auto& [key, marker] : *found) {
        const std::string subject = at.subject(key);
        const bool keep =
            o.keep_younger_than.count() >= 0 && *o.now - marker.created < o.keep_younger_than;
        js::purge_options p;
        p.filter = subject;
        p.seq = keep ? marker.revision : marker.revision + 1; // all before that
        result<js::api_request> ask = js::encode_purge_stream(at.settings, at.stream, p);
        result<js::purge_count> purged = co_await js::call<js::purge_count>(rt, std::move(ask));
        if (!purged) co_return purged.error();
        removed += purged->purged;
    }
    co_return removed;
}

} // namespace nats::kv

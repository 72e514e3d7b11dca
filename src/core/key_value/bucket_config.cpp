// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a bucket's stream takes messages on `$KV.<bucket>.>`, keeps as many of each
// subject as there is history, refuses what is too much, and lets a message replace the others of
// its subject. A mirror has no subjects: it gets what its origin has, under the origin's subjects.
//
// An update begins with the stream as it is, so that settings that only a newer client knows stay.

#include <natsproto/key_value/bucket_config.hpp>

#include <natsproto/key_value/names.hpp>

#include "core/jetstream/bucket_streams.hpp"

#include <algorithm>
#include <limits>

namespace nats::kv {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds usual_duplicate_window = 2min;

error out_of_range(std::string_view what) {
    return {errc::invalid_argument, std::string(what)};
}

std::string subjects_of(std::string_view bucket) {
    return "$KV." + std::string(bucket) + ".>";
}

result<void> check_limits(const bucket_config& c) {
    if (c.history < 1 || c.history > most_history) return out_of_range("history");
    if (c.ttl < 0ns || (c.ttl > 0ns && c.ttl < 100ms)) return out_of_range("ttl");
    if (c.limit_marker_ttl != 0ns && c.limit_marker_ttl < 1s)
        return out_of_range("limit_marker_ttl");
    if (c.replicas < 1 || c.replicas > 5) return out_of_range("replicas");
    if (c.max_bytes < -1) return out_of_range("max_bytes");
    if (c.max_value_size < -1) return out_of_range("max_value_size");
    if (c.mirror && !c.sources.empty()) return out_of_range("a mirror and sources");
    return {};
}

/// The bucket of a name that may be that of the bucket or of its stream.
std::string_view meant_bucket(std::string_view name) noexcept {
    const std::string_view of_stream = bucket_name(name);
    return of_stream.empty() ? name : of_stream;
}

result<js::stream_source> mirror_of(const js::stream_source& asked) {
    const std::string_view origin = meant_bucket(asked.name);
    if (result<void> ok = check_bucket(origin); !ok) return ok.error();
    js::stream_source s = asked;
    s.name = stream_name(origin);
    return s;
}

/// Its keys become those of `bucket`, unless somebody has said what becomes of them.
result<js::stream_source> source_of(const js::stream_source& asked, const std::string& bucket) {
    if (!asked.subject_transforms.empty()) return asked;
    const std::string from(meant_bucket(asked.name));
    if (result<void> ok = check_bucket(from); !ok) return ok.error();
    js::stream_source s = asked;
    s.name = stream_name(from);
    if (s.filter_subject.empty() && (!s.external || from != bucket))
        s.subject_transforms.emplace_back(subjects_of(from), subjects_of(bucket));
    return s;
}

result<void> apply_origins(const bucket_config& c, js::stream_config& s) {
    s.subjects.clear();
    s.sources.clear();
    s.mirror.reset();
    s.mirror_direct = c.mirror.has_value();
    if (c.mirror) {
        result<js::stream_source> m = mirror_of(*c.mirror);
        if (!m) return m.error();
        s.mirror = std::move(*m);
        return {};
    }
    s.subjects.push_back(subjects_of(c.bucket));
    for (const js::stream_source& asked : c.sources) {
        result<js::stream_source> one = source_of(asked, c.bucket);
        if (!one) return one.error();
        s.sources.push_back(std::move(*one));
    }
    return {};
}

void apply_limits(const bucket_config& c, js::stream_config& s) {
    s.max_msgs_per_subject = c.history;
    s.max_age = c.ttl;
    s.max_bytes = c.max_bytes == 0 ? -1 : c.max_bytes;
    s.max_msg_size = c.max_value_size == 0 ? -1 : c.max_value_size;
    s.max_msgs = -1;
    s.max_consumers = -1;
    s.duplicate_window =
        c.ttl > 0ns ? std::min(c.ttl, usual_duplicate_window) : usual_duplicate_window;
    s.subject_delete_marker_ttl = c.limit_marker_ttl;
    if (c.limit_marker_ttl > 0ns) s.allow_msg_ttl = true; // it cannot be switched off again
}

} // namespace

result<void> apply(const bucket_config& c, js::stream_config& existing) {
    if (result<void> ok = check_bucket(c.bucket); !ok) return ok;
    if (result<void> ok = check_limits(c); !ok) return ok;
    js::stream_config s = existing;
    if (result<void> ok = apply_origins(c, s); !ok) return ok;
    apply_limits(c, s);
    s.name = stream_name(c.bucket);
    s.description = c.description;
    s.retention = js::retention_policy::limits;
    s.discard = js::discard_policy::new_;
    s.storage = c.storage;
    s.num_replicas = c.replicas;
    s.placement = c.placement;
    s.republish = c.republish;
    s.compression = c.compression ? js::store_compression::s2 : js::store_compression::none;
    s.metadata = c.metadata;
    s.allow_rollup_hdrs = true;
    s.deny_delete = true;
    s.allow_direct = true;
    existing = std::move(s);
    return {};
}

result<js::stream_config> to_stream_config(const bucket_config& c) {
    js::stream_config s;
    if (result<void> ok = apply(c, s); !ok) return ok.error();
    return s;
}

result<bucket_config> to_bucket_config(const js::stream_config& s) {
    const std::string_view name = bucket_name(s.name);
    if (!check_bucket(name) || s.max_msgs_per_subject < 1)
        return error{errc::not_a_bucket, '"' + printable(s.name) + '"'};
    bucket_config c{std::string(name)};
    c.description = s.description;
    c.history = s.max_msgs_per_subject;
    c.ttl = s.max_age;
    c.max_bytes = s.max_bytes;
    c.max_value_size = s.max_msg_size == 0 ? -1 : s.max_msg_size;
    c.storage = s.storage;
    c.replicas = s.num_replicas;
    c.compression = s.compression != js::store_compression::none;
    c.placement = s.placement;
    c.republish = s.republish;
    c.metadata = s.metadata;
    c.limit_marker_ttl = s.subject_delete_marker_ttl;
    c.mirror = s.mirror;
    c.sources = s.sources;
    return c;
}

bool differs_by_age(const js::stream_config& existing, const js::stream_config& wanted) {
    js::stream_config e = existing;
    if (e.discard == wanted.discard && e.allow_direct == wanted.allow_direct) return false;
    e.discard = wanted.discard;
    e.allow_direct = wanted.allow_direct;
    std::erase_if(e.metadata, [](const auto& m) { return js::is_of_server(m.first); });
    if (e.max_msg_size == 0) e.max_msg_size = -1;
    if (e.consumer_limits == js::consumer_limits()) e.consumer_limits.reset(); // of 2.10
    e.extra.clear(); // what a newer server has added
    return e == wanted;
}

result<bucket_status> bucket_status::make(js::stream_info of) {
    result<bucket_config> c = to_bucket_config(of.config);
    if (!c) return c.error();
    bucket_status s;
    s.config_ = std::move(*c);
    s.info_ = std::move(of);
    return s;
}

} // namespace nats::kv

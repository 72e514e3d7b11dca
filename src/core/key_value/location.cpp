// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// Subjects of buckets are no part of JetStream's API, but the way to them is: in another account or
// domain, messages go to the API's prefix and the bucket's subject (ADR-19). What is said inside of
// a request, and what comes back, has the stream's own subjects.
//
// A mirror has the subjects of its origin, unless it transforms them. What is written goes to the
// origin, for an external one by the prefix that the mirror's configuration has for it.

#include <natsproto/key_value/location.hpp>

#include <natsproto/key_value/names.hpp>

#include <utility>

namespace nats::kv {

namespace {

constexpr std::string_view usual_api = "$JS.API.";

std::string prefix_of(std::string_view bucket) {
    return "$KV." + std::string(bucket) + '.';
}

/// What a mirror calls the subjects that its origin calls `origin`.
std::string transformed(const js::stream_source& mirror, const std::string& origin) {
    for (const js::subject_transform& t : mirror.subject_transforms) {
        const std::string_view to = t.dest;
        if (t.src == origin + '>' && to.ends_with(".>")) return t.dest.substr(0, to.size() - 1);
    }
    return origin;
}

result<void> locate_origin(const js::stream_source& mirror, location& at) {
    const std::string_view name = bucket_name(mirror.name);
    const std::string origin(name.empty() ? std::string_view(mirror.name) : name);
    if (!check_bucket(origin))
        return error{errc::not_a_bucket, "the origin \"" + printable(mirror.name) + '"'};
    at.origin_stream = mirror.name;
    at.origin_prefix = prefix_of(origin);
    at.read_prefix = transformed(mirror, at.origin_prefix);
    at.expiring = true; // the origin knows
    at.replicated = true;
    if (!mirror.external || mirror.external->api.empty()) return {};
    js::context_options o;
    o.api_prefix = mirror.external->api;
    o.timeout = at.settings.timeout();
    result<js::context> c = js::context::make(o);
    if (!c) return c.error();
    at.origin_settings = std::move(*c);
    return {};
}

} // namespace

result<location> locate(const js::context& c, const bucket_status& s) {
    const js::stream_config& stream = s.info().config;
    location at;
    at.bucket = s.bucket();
    at.stream = stream.name;
    at.settings = at.origin_settings = c;
    at.read_prefix = at.origin_prefix = prefix_of(at.bucket);
    at.origin_stream = at.stream;
    at.direct = stream.allow_direct;
    at.replicated = stream.num_replicas > 1;
    at.expiring = stream.allow_msg_ttl;
    if (stream.mirror) {
        if (result<void> ok = locate_origin(*stream.mirror, at); !ok) return ok.error();
    }
    const std::string& api = at.origin_settings.prefix();
    at.write_prefix = api == usual_api ? at.origin_prefix : api + at.origin_prefix;
    return at;
}

} // namespace nats::kv

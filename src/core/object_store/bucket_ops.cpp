// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: calls of JetStream's API about the bucket's stream. An update begins with
// what the server has, so that nothing is lost of what this library does not set.

#include <natsproto/object_store/bucket_ops.hpp>

#include <natsproto/jetstream/api_code.hpp>
#include <natsproto/jetstream/stream_requests.hpp>

#include "core/jetstream/bucket_streams.hpp"

#include <utility>

namespace nats::obj {

namespace {

result<bucket_status> status_from(result<js::stream_info> i, const std::string& name) {
    if (!i) return js::bucket_error(i.error(), name);
    return status_of(std::move(*i));
}

result<bucket> bucket_from(js::context c, result<bucket_status> s) {
    if (!s) return s.error();
    const bool direct = s->stream.config.allow_direct || s->stream.config.mirror_direct;
    return bucket(std::move(c), std::move(s->bucket), direct);
}

} // namespace

op<result<bucket>> create_bucket(runtime& rt, js::context c, bucket_config config) {
    result<js::stream_config> s = stream_of(config);
    if (!s) co_return s.error();
    result<js::stream_info> made = co_await js::create_stream(rt, c, std::move(*s));
    co_return bucket_from(std::move(c), status_from(std::move(made), config.bucket));
}

op<result<bucket>> update_bucket(runtime& rt, js::context c, bucket_config config) {
    result<bucket_status> now = co_await get_status(rt, c, config.bucket);
    if (!now) co_return now.error();
    result<js::stream_config> s = stream_of(config, now->stream.config);
    if (!s) co_return s.error();
    result<js::stream_info> made = co_await js::update_stream(rt, c, std::move(*s));
    co_return bucket_from(std::move(c), status_from(std::move(made), config.bucket));
}

op<result<bucket>> create_or_update_bucket(runtime& rt, js::context c, bucket_config config) {
    result<bucket> updated = co_await update_bucket(rt, c, config);
    if (updated || updated.error() != errc::bucket_not_found) co_return std::move(updated);
    result<bucket> created = co_await create_bucket(rt, std::move(c), std::move(config));
    co_return std::move(created);
}

op<result<bucket>> bind_bucket(runtime& rt, js::context c, std::string name) {
    result<bucket_status> s = co_await get_status(rt, c, std::move(name));
    co_return bucket_from(std::move(c), std::move(s));
}

op<result<void>> remove_bucket(runtime& rt, js::context c, std::string name) {
    if (result<void> ok = check_bucket(name); !ok) co_return ok.error();
    result<js::api_request> r = js::encode_delete_stream(c, "OBJ_" + name);
    result<js::done> gone = co_await js::call<js::done>(rt, std::move(r));
    if (!gone) co_return js::bucket_error(gone.error(), name);
    co_return result<void>();
}

op<result<std::vector<std::string>>> bucket_names(runtime& rt, js::context c) {
    std::string subject = "$O.*.C.>";
    result<std::vector<std::string>> streams =
        co_await js::list_stream_names(rt, std::move(c), std::move(subject));
    if (!streams) co_return streams.error();
    std::vector<std::string> names;
    for (const std::string& s : *streams) {
        if (const std::string_view b = bucket_of_stream(s); !b.empty()) names.emplace_back(b);
    }
    co_return std::move(names);
}

op<result<std::vector<bucket_status>>> list_buckets(runtime& rt, js::context c) {
    std::string subject = "$O.*.C.>";
    result<std::vector<js::stream_info>> streams =
        co_await js::list_streams(rt, std::move(c), std::move(subject));
    if (!streams) co_return streams.error();
    std::vector<bucket_status> all;
    for (js::stream_info& i : *streams) {
        if (result<bucket_status> s = status_of(std::move(i))) all.push_back(std::move(*s));
    }
    co_return std::move(all);
}

op<result<bucket_status>> get_status(runtime& rt, js::context c, std::string name) {
    if (result<void> ok = check_bucket(name); !ok) co_return ok.error();
    result<js::api_request> r = js::encode_stream_info(c, "OBJ_" + name);
    result<js::stream_info> i = co_await js::call<js::stream_info>(rt, std::move(r));
    co_return status_from(std::move(i), name);
}

op<result<bucket_status>> seal_bucket(runtime& rt, js::context c, std::string name) {
    result<bucket_status> now = co_await get_status(rt, c, name);
    if (!now) co_return now.error();
    now->stream.config.sealed = true;
    result<js::api_request> r = js::encode_update_stream(c, now->stream.config);
    result<js::stream_info> sealed = co_await js::call<js::stream_info>(rt, std::move(r));
    co_return status_from(std::move(sealed), name);
}

} // namespace nats::obj

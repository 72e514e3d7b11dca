// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: calls of JetStream's management, with the bucket's words for what goes
// wrong. A bucket that was made by an old client differs in settings that nobody chose; it is
// updated instead of refused.

#include <natsproto/key_value/bucket_ops.hpp>

#include <natsproto/jetstream/account_info.hpp>
#include <natsproto/jetstream/api_code.hpp>
#include <natsproto/jetstream/stream_requests.hpp>
#include <natsproto/key_value/names.hpp>

#include "core/jetstream/bucket_streams.hpp"

#include <chrono>
#include <utility>

namespace nats::kv {

namespace {

constexpr std::uint32_t level_with_markers = 1;

result<bucket_status> status_of(result<js::stream_info> info, const std::string& bucket) {
    if (!info) return js::bucket_error(info.error(), bucket);
    return bucket_status::make(std::move(*info));
}

/// Servers before 2.11 drop what they do not know without a word.
op<result<void>> look_for_markers(runtime& rt, const js::context& c) {
    result<js::api_request> ask = js::encode_account_info(c);
    result<js::account_info> account = co_await js::call<js::account_info>(rt, std::move(ask));
    if (!account) co_return account.error();
    if (account->api.level < level_with_markers)
        co_return error(errc::ttl_not_supported, "limit markers need server 2.11");
    co_return result<void>();
}

op<result<js::stream_info>> stream_of(runtime& rt, const js::context& c, const std::string& name) {
    result<js::api_request> ask = js::encode_stream_info(c, stream_name(name));
    result<js::stream_info> info = co_await js::call<js::stream_info>(rt, std::move(ask));
    co_return std::move(info);
}

} // namespace

op<result<bucket_status>> create_bucket(runtime& rt, js::context c, bucket_config b) {
    result<js::stream_config> wanted = to_stream_config(b);
    if (!wanted) co_return wanted.error();
    if (b.limit_marker_ttl > std::chrono::nanoseconds::zero()) {
        result<void> known = co_await look_for_markers(rt, c);
        if (!known) co_return known.error();
    }
    js::context for_creation = c;
    js::stream_config to_create = *wanted;
    result<js::stream_info> made =
        co_await js::create_stream(rt, std::move(for_creation), std::move(to_create));
    if (made || !(made.error() == js::api_code::stream_name_in_use))
        co_return status_of(std::move(made), b.bucket);
    result<js::stream_info> there = co_await stream_of(rt, c, b.bucket);
    if (!there) co_return js::bucket_error(there.error(), b.bucket);
    if (!differs_by_age(there->config, *wanted)) co_return js::bucket_error(made.error(), b.bucket);
    result<js::stream_info> updated =
        co_await js::update_stream(rt, std::move(c), std::move(*wanted));
    co_return status_of(std::move(updated), b.bucket);
}

op<result<bucket_status>> update_bucket(runtime& rt, js::context c, bucket_config b) {
    result<js::stream_config> possible = to_stream_config(b);
    if (!possible) co_return possible.error();
    result<js::stream_info> there = co_await stream_of(rt, c, b.bucket);
    if (!there) co_return js::bucket_error(there.error(), b.bucket);
    if (result<bucket_status> is = bucket_status::make(*there); !is) co_return is.error();
    if (b.limit_marker_ttl > std::chrono::nanoseconds::zero()) {
        result<void> known = co_await look_for_markers(rt, c);
        if (!known) co_return known.error();
    }
    if (result<void> ok = apply(b, there->config); !ok) co_return ok.error();
    js::stream_config changed = std::move(there->config);
    result<js::stream_info> updated =
        co_await js::update_stream(rt, std::move(c), std::move(changed));
    co_return status_of(std::move(updated), b.bucket);
}

op<result<bucket_status>> create_or_update_bucket(runtime& rt, js::context c, bucket_config b) {
    js::context for_update = c;
    bucket_config changed = b;
    result<bucket_status> updated =
        co_await update_bucket(rt, std::move(for_update), std::move(changed));
    if (updated || updated.error() != errc::bucket_not_found) co_return std::move(updated);
    result<bucket_status> created = co_await create_bucket(rt, std::move(c), std::move(b));
    co_return std::move(created);
}

op<result<bucket_status>> find_bucket(runtime& rt, js::context c, std::string name) {
    if (result<void> ok = check_bucket(name); !ok) co_return ok.error();
    result<js::stream_info> there = co_await stream_of(rt, c, name);
    co_return status_of(std::move(there), name);
}

op<result<void>> remove_bucket(runtime& rt, js::context c, std::string name) {
    if (result<void> ok = check_bucket(name); !ok) co_return ok.error();
    result<js::api_request> r = js::encode_delete_stream(c, stream_name(name));
    result<js::done> gone = co_await js::call<js::done>(rt, std::move(r));
    if (!gone) co_return js::bucket_error(gone.error(), name);
    co_return result<void>();
}

namespace {

std::string subjects_of_buckets(bool mirrors) {
    return mirrors ? std::string() : std::string("$KV.*.>");
}

} // namespace

op<result<std::vector<bucket_status>>> list_buckets(runtime& rt, js::context c, bool mirrors) {
    std::string subjects = subjects_of_buckets(mirrors);
    result<std::vector<js::stream_info>> streams =
        co_await js::list_streams(rt, std::move(c), std::move(subjects));
    if (!streams) co_return streams.error();
    std::vector<bucket_status> all;
    for (js::stream_info& i : *streams) {
        result<bucket_status> one = bucket_status::make(std::move(i));
        if (one) all.push_back(std::move(*one));
    }
    co_return std::move(all);
}

op<result<std::vector<std::string>>> list_bucket_names(runtime& rt, js::context c, bool mirrors) {
    std::string subjects = subjects_of_buckets(mirrors);
    result<std::vector<std::string>> streams =
        co_await js::list_stream_names(rt, std::move(c), std::move(subjects));
    if (!streams) co_return streams.error();
    std::vector<std::string> all;
    for (const std::string& s : *streams) {
        const std::string_view name = bucket_name(s);
        if (check_bucket(name)) all.emplace_back(name);
    }
    co_return std::move(all);
}

} // namespace nats::kv

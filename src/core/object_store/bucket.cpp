// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a bucket is a stream by convention. What makes it one are its name and its
// subjects; the rest is what ADR-20 wants of it, and what the user may choose.

#include <natsproto/object_store/bucket.hpp>

#include <natsproto/object_store/bucket_config.hpp>
#include <natsproto/object_store/transfer_options.hpp>

#include "core/jetstream/bucket_streams.hpp"
#include "core/text/ascii.hpp"
#include "core/text/base64.hpp"

#include <algorithm>
#include <utility>

namespace nats::obj {

namespace {

constexpr std::string_view stream_prefix = "OBJ_";

std::vector<std::string> subjects_of(const std::string& name) {
    return {"$O." + name + ".C.>", "$O." + name + ".M.>"};
}

/// Mirrors have no subjects of their own.
bool is_bucket(const js::stream_config& c, std::string_view name) {
    if (c.mirror) return true;
    const std::vector<std::string> wanted = subjects_of(std::string(name));
    const std::string all = "$O." + std::string(name) + ".>";
    const auto has = [&](const std::string& s) {
        return std::ranges::find(c.subjects, s) != c.subjects.end();
    };
    return has(all) || std::ranges::all_of(wanted, has);
}

} // namespace

std::string bucket::meta_subject(std::string_view object) const {
    return "$O." + name_ + ".M." + text::encode_base64url_padded(object);
}

result<void> check_bucket(std::string_view name) {
    const bool good = !name.empty() && name.size() <= 255 - stream_prefix.size() &&
                      std::ranges::all_of(name, text::is_name_character);
    if (good) return {};
    return error{errc::invalid_name, "bucket \"" + printable(name) + '"'};
}

result<js::stream_config> stream_of(const bucket_config& c) {
    if (result<void> ok = check_bucket(c.bucket); !ok) return ok.error();
    js::stream_config s(std::string(stream_prefix) + c.bucket, subjects_of(c.bucket));
    s.discard = js::discard_policy::new_;
    s.allow_rollup_hdrs = true;
    s.allow_direct = true;
    return stream_of(c, s);
}

result<js::stream_config> stream_of(const bucket_config& c, const js::stream_config& now) {
    if (result<void> ok = check_bucket(c.bucket); !ok) return ok.error();
    js::stream_config s = now;
    s.description = c.description;
    s.max_age = c.ttl;
    s.max_bytes = c.max_bytes == 0 ? -1 : c.max_bytes;
    s.storage = c.storage;
    s.num_replicas = c.replicas;
    s.placement = c.placement;
    s.compression = c.compressed ? js::store_compression::s2 : js::store_compression::none;
    // The server has metadata of its own in it.
    std::erase_if(s.metadata, [](const auto& m) { return !js::is_of_server(m.first); });
    s.metadata.insert(c.metadata.begin(), c.metadata.end());
    return s;
}

std::string_view bucket_of_stream(std::string_view stream) noexcept {
    if (!stream.starts_with(stream_prefix)) return {};
    stream.remove_prefix(stream_prefix.size());
    return std::ranges::all_of(stream, text::is_name_character) ? stream : std::string_view();
}

result<bucket_status> status_of(js::stream_info i) {
    const std::string_view name = bucket_of_stream(i.config.name);
    if (name.empty() || !is_bucket(i.config, name))
        return error{errc::not_a_bucket, '"' + printable(i.config.name) + '"'};
    bucket_status s;
    s.bucket = name;
    s.description = i.config.description;
    s.ttl = i.config.max_age;
    s.max_bytes = i.config.max_bytes;
    s.storage = i.config.storage;
    s.replicas = i.config.num_replicas;
    s.sealed = i.config.sealed;
    s.compressed = i.config.compression != js::store_compression::none;
    s.size = i.state.bytes;
    s.metadata = i.config.metadata;
    s.stream = std::move(i);
    return s;
}

bucket_config config_of(const bucket_status& s) {
    bucket_config c(s.bucket);
    c.description = s.description;
    c.ttl = s.ttl;
    c.max_bytes = s.max_bytes;
    c.storage = s.storage;
    c.replicas = s.replicas;
    c.placement = s.stream.config.placement;
    c.compressed = s.compressed;
    c.metadata = s.metadata;
    std::erase_if(c.metadata, [](const auto& m) { return js::is_of_server(m.first); });
    return c;
}

result<void> check(const put_options& o) {
    if (o.timeout <= duration::zero())
        return error{errc::invalid_argument, "timeout must be positive"};
    return {};
}

result<void> check(const get_options& o) {
    if (o.timeout <= duration::zero())
        return error{errc::invalid_argument, "timeout must be positive"};
    return {};
}

} // namespace nats::obj

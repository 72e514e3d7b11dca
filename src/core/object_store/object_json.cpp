// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: an object's description is JSON that any client may have written, so what
// is not known is kept, and what becomes a part of subjects is looked at. The time in it means
// nothing: clients write the year 1, and the server's time of the message counts.

#include <natsproto/jetstream/context.hpp>
#include <natsproto/object_store/bucket_config.hpp>
#include <natsproto/object_store/object_info.hpp>

#include "core/jetstream/reader.hpp"
#include "core/jetstream/stream_fields.hpp"
#include "core/jetstream/writer.hpp"
#include "core/text/base64.hpp"

#include <type_traits>
#include <utility>

namespace nats::obj {

namespace {

constexpr std::string_view digest_prefix = "SHA-256=";

} // namespace

template <class V, js::codec::is<object_link> S>
void fields(V& v, S& s) {
    v.always("bucket", s.bucket);
    v("name", s.name);
}

template <class V, js::codec::is<object_options> S>
void fields(V& v, S& s) {
    v("link", s.link);
    v("max_chunk_size", s.max_chunk_size);
}

template <class V, js::codec::is<object_info> S>
void fields(V& v, S& s) {
    v.always("name", s.name);
    v("description", s.description);
    v("headers", s.headers);
    v("metadata", s.metadata);
    v("options", s.options);
    v.always("bucket", s.bucket);
    v.always("nuid", s.nuid);
    v.always("size", s.size);
    if constexpr (std::is_const_v<S>) {
        const std::string time =
            s.mtime ? js::format_wall_time(*s.mtime) : std::string("0001-01-01T00:00:00Z");
        v.always("mtime", time);
    } else {
        std::string time;
        v.always("mtime", time);
        s.mtime = js::parse_wall_time(time);
    }
    v.always("chunks", s.chunks);
    v("digest", s.digest);
    v("deleted", s.deleted);
}

bool is_complete(const object_info& i) noexcept {
    if (i.name.empty()) return false;
    const bool has_chunks = i.chunks != 0 && !i.deleted;
    return i.nuid.empty() ? !has_chunks : static_cast<bool>(js::check_name("nuid", i.nuid));
}

template <class V, js::codec::is<bucket_status> S>
void fields(V& v, S& s) {
    v.always("bucket", s.bucket);
    v("description", s.description);
    v.always("ttl", s.ttl);
    v.always("max_bytes", s.max_bytes);
    v.always("storage", s.storage);
    v.always("replicas", s.replicas);
    v.always("sealed", s.sealed);
    v.always("compressed", s.compressed);
    v.always("size", s.size);
    v.always("backing_store", std::string(bucket_status::backing_store));
    v("metadata", s.metadata);
    v.always("stream_info", s.stream);
}

result<void> decode(std::string_view json, object_info& into) {
    const result<boost::json::object> o = js::codec::parse_object(json);
    if (!o) return o.error();
    js::codec::reading whole;
    object_info fresh;
    if (!js::codec::reader::read_fields(*o, json, whole, fresh))
        return js::codec::invalid(whole.wrong);
    into = std::move(fresh);
    return {};
}

result<object_info> info_of(const js::stored_message& m) {
    object_info i;
    if (result<void> read = decode(m.payload, i); !read) return read.error();
    i.mtime = m.time;
    return i;
}

result<std::string> to_json(const object_info& i) {
    return js::codec::encode(i);
}

result<std::string> to_json(const bucket_status& s) {
    return js::codec::encode(s);
}

// --- digests

std::string digest_text(const std::array<unsigned char, 32>& hash) {
    return std::string(digest_prefix) + text::encode_base64url_padded(hash);
}

bool same_digest(std::string_view a, std::string_view b) noexcept {
    const auto bare = [](std::string_view& s) {
        if (!s.starts_with(digest_prefix)) return false;
        s.remove_prefix(digest_prefix.size());
        while (s.ends_with('=')) s.remove_suffix(1);
        return !s.empty();
    };
    if (!bare(a) || !bare(b) || a.size() != b.size()) return false;
    const auto url = [](char c) { return c == '+' ? '-' : c == '/' ? '_' : c; };
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (url(a[i]) != url(b[i])) return false;
    }
    return true;
}

} // namespace nats::obj

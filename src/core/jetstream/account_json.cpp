// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: one table of fields, read and written; the account's answer has the members
// of a tier beside its own.

#include <natsproto/jetstream/account_info.hpp>
#include <natsproto/jetstream/api.hpp>
#include <natsproto/jetstream/api_code.hpp>
#include <natsproto/jetstream/pub_ack.hpp>

#include "core/jetstream/reader.hpp"
#include "core/jetstream/writer.hpp"

#include <cstdint>
#include <utility>

namespace nats::js {

template <class V, codec::is<account_limits> S>
void fields(V& v, S& s) {
    v.always("max_memory", s.max_memory);
    v.always("max_storage", s.max_storage);
    v.always("max_streams", s.max_streams);
    v.always("max_consumers", s.max_consumers);
    v.always("max_ack_pending", s.max_ack_pending);
    v.always("memory_max_stream_bytes", s.memory_max_stream_bytes);
    v.always("storage_max_stream_bytes", s.storage_max_stream_bytes);
    v.always("max_bytes_required", s.max_bytes_required);
}

namespace {

template <class V, class S>
void tier_fields(V& v, S& s) {
    v.always("memory", s.memory);
    v.always("storage", s.storage);
    v("reserved_memory", s.reserved_memory);
    v("reserved_storage", s.reserved_storage);
    v.always("streams", s.streams);
    v.always("consumers", s.consumers);
    v.always("limits", s.limits);
}

} // namespace

template <class V, codec::is<account_tier> S>
void fields(V& v, S& s) {
    tier_fields(v, s);
}

template <class V, codec::is<api_stats> S>
void fields(V& v, S& s) {
    v("level", s.level);
    v.always("total", s.total);
    v.always("errors", s.errors);
    v("inflight", s.inflight);
}

template <class V, codec::is<account_info> S>
void fields(V& v, S& s) {
    tier_fields(v, s);
    v("domain", s.domain);
    v.always("api", s.api);
    v("tiers", s.tiers);
}

template <class V, codec::is<pub_ack> S>
void fields(V& v, S& s) {
    v.always("stream", s.stream);
    v.always("seq", s.seq);
    v("duplicate", s.duplicate);
    v("domain", s.domain);
    v("val", s.val);
    v("batch", s.batch);
    v("count", s.count);
}

/// Of a batch nothing may be stored: who sent it looks at the count.
static bool has_sequence(const pub_ack& a) noexcept {
    return a.seq != 0 || !a.batch.empty();
}

static bool is_complete(const pub_ack& a) noexcept {
    return !a.stream.empty() && (has_sequence(a) || a.duplicate);
}

namespace {

struct success {
    bool value = true;
};

template <class V, codec::is<success> S>
void fields(V& v, S& s) {
    v("success", s.value);
}

bool is_complete(const success& s) noexcept {
    return s.value;
}

} // namespace

result<void> decode(std::string_view json, done&) {
    success s;
    return codec::decode_answer(json, s);
}

result<void> decode(std::string_view json, account_info& into) {
    return codec::decode_answer(json, into);
}

result<void> decode(std::string_view json, pub_ack& into) {
    pub_ack fresh;
    if (result<void> read = codec::decode_answer(json, fresh); !read) return read;
    if (!has_sequence(fresh)) {
        return error{errc::jetstream_error, 409, "duplicate message id is in process",
                     static_cast<std::uint16_t>(api_code::duplicate_in_process)};
    }
    into = std::move(fresh);
    return {};
}

result<std::string> to_json(const account_info& i) {
    return codec::encode(i);
}

result<std::string> to_json(const pub_ack& a) {
    return codec::encode(a);
}

} // namespace nats::js

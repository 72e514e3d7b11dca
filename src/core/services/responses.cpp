// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: one list of fields for each kind of answer, read and written as JetStream's
// are (see jetstream/codec.hpp). An answer may come from anybody who listens to the question, so
// only its type, its name and its id are asked for; a member of the wrong type spoils it.

#include <natsproto/services/responses.hpp>

#include "core/jetstream/reader.hpp"
#include "core/jetstream/writer.hpp"

#include <boost/json/parse.hpp>

namespace nats::services {

namespace codec = js::codec;

namespace {

constexpr std::string_view ping_type = "io.nats.micro.v1.ping_response";
constexpr std::string_view info_type = "io.nats.micro.v1.info_response";
constexpr std::string_view stats_type = "io.nats.micro.v1.stats_response";

template <class V, class S>
void identity_fields(V& v, S& s) {
    v.always("name", s.name);
    v.always("id", s.id);
    v.always("version", s.version);
    v.always("metadata", s.metadata);
}

template <class T>
result<void> read_as(std::string_view type, std::string_view json, T& into) {
    const result<boost::json::object> o = codec::parse_object(json);
    if (!o) return o.error();
    const boost::json::value* const t = o->if_contains("type");
    const boost::json::string* const text = t != nullptr ? t->if_string() : nullptr;
    if (text == nullptr || std::string_view(text->data(), text->size()) != type)
        return codec::invalid("type");
    codec::reading whole;
    T fresh;
    if (!codec::reader::read_fields(*o, json, whole, fresh)) return codec::invalid(whole.wrong);
    if (fresh.name.empty()) return codec::invalid("name");
    if (fresh.id.empty()) return codec::invalid("id");
    into = std::move(fresh);
    return {};
}

template <class T>
result<std::string> write_as(std::string_view type, const T& answer) {
    codec::writer w;
    w.open();
    w.always("type", type);
    w.members(answer);
    w.end();
    return w.take();
}

} // namespace

template <class V, codec::is<ping_response> S>
void fields(V& v, S& s) {
    identity_fields(v, s);
}

template <class V, codec::is<endpoint_info> S>
void fields(V& v, S& s) {
    v.always("name", s.name);
    v.always("subject", s.subject);
    v.always("queue_group", s.queue_group);
    v.always("metadata", s.metadata);
}

template <class V, codec::is<info_response> S>
void fields(V& v, S& s) {
    identity_fields(v, s);
    v.always("description", s.description);
    v.always("endpoints", s.endpoints);
}

template <class V, codec::is<endpoint_stats> S>
void fields(V& v, S& s) {
    v.always("name", s.name);
    v.always("subject", s.subject);
    v.always("queue_group", s.queue_group);
    v.always("num_requests", s.num_requests);
    v.always("num_errors", s.num_errors);
    v.always("last_error", s.last_error);
    v.always("processing_time", s.processing_time);
    v.always("average_processing_time", s.average_processing_time);
}

template <class V, codec::is<stats_response> S>
void fields(V& v, S& s) {
    identity_fields(v, s);
    v.always("started", s.started);
    v.always("endpoints", s.endpoints);
}

std::string_view endpoint_stats::data() const {
    const std::string_view value = codec::raw_member(extra, "data");
    return value == "null" ? std::string_view() : value;
}

result<std::string> to_json(const ping_response& r) {
    return write_as(ping_type, r);
}
result<std::string> to_json(const info_response& r) {
    return write_as(info_type, r);
}
result<std::string> to_json(const stats_response& r) {
    return write_as(stats_type, r);
}

result<void> decode(std::string_view json, ping_response& into) {
    return read_as(ping_type, json, into);
}
result<void> decode(std::string_view json, info_response& into) {
    return read_as(info_type, json, into);
}
result<void> decode(std::string_view json, stats_response& into) {
    return read_as(stats_type, json, into);
}

bool is_json(std::string_view text) {
    boost::json::parse_options options;
    options.max_depth = codec::max_depth;
    boost::json::error_code ec;
    (void)boost::json::parse(text, ec, {}, options);
    return !ec;
}

} // namespace nats::services

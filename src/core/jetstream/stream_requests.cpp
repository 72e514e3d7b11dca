// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: each request is its subject and the few members of its body. The answers
// that are more than one structure of the public headers have theirs here.

#include <natsproto/jetstream/stream_requests.hpp>

#include <natsproto/subject.hpp>

#include "core/jetstream/reader.hpp"
#include "core/jetstream/requests.hpp"
#include "core/jetstream/stream_fields.hpp"
#include "core/text/base64.hpp"

namespace nats::js {

template <class V, codec::is<purge_count> S>
void fields(V& v, S& s) {
    v.always("purged", s.purged);
}

result<void> decode(std::string_view json, purge_count& into) {
    return codec::decode_answer(json, into);
}

namespace {

/// A message as the API sends it.
struct raw_message {
    std::string subject;
    std::uint64_t seq = 0;
    std::string hdrs;
    std::string data;
    std::optional<wall_time> time;
};

template <class V, codec::is<raw_message> S>
void fields(V& v, S& s) {
    v.always("subject", s.subject);
    v.always("seq", s.seq);
    v("hdrs", s.hdrs);
    v("data", s.data);
    v("time", s.time);
}

struct message_answer {
    std::optional<raw_message> message;
};

template <class V, codec::is<message_answer> S>
void fields(V& v, S& s) {
    v("message", s.message);
}

bool is_complete(const message_answer& a) noexcept {
    return a.message && !a.message->subject.empty() && a.message->seq != 0;
}

result<void> check_subjects(std::string_view subject) {
    if (is_subscribe_subject(subject)) return {};
    return error{errc::invalid_subject, "filter \"" + printable(subject) + '"'};
}

result<api_request> encode_stream(const context& c, std::string_view verb, const stream_config& s) {
    return make_stream_request(c, verb, s.name, [&](codec::writer& w) {
        w.members(s);
        w("pedantic", c.pedantic());
    });
}

} // namespace

result<void> decode(std::string_view json, stored_message& into) {
    message_answer a;
    if (result<void> ok = codec::decode_answer(json, a); !ok) return ok;
    stored_message m;
    if (!text::decode_base64(a.message->hdrs, m.header_block)) return codec::invalid("hdrs");
    if (!text::decode_base64(a.message->data, m.payload)) return codec::invalid("data");
    m.subject = std::move(a.message->subject);
    m.sequence = a.message->seq;
    m.time = a.message->time;
    into = std::move(m);
    return {};
}

result<std::string> to_json(const stored_message& m) {
    raw_message raw;
    raw.subject = m.subject;
    raw.seq = m.sequence;
    raw.hdrs = text::encode_base64(m.header_block);
    raw.data = text::encode_base64(m.payload);
    raw.time = m.time;
    return codec::encode(raw);
}

result<api_request> encode_account_info(const context& c) {
    return api_request(c, "INFO");
}

result<api_request> encode_create_stream(const context& c, const stream_config& s) {
    return encode_stream(c, "STREAM.CREATE.", s);
}

result<api_request> encode_update_stream(const context& c, const stream_config& s) {
    return encode_stream(c, "STREAM.UPDATE.", s);
}

result<api_request> encode_stream_info(const context& c, std::string_view stream,
                                       const stream_info_options& o, std::uint64_t offset) {
    if (!o.subjects_filter.empty()) {
        if (result<void> ok = check_subjects(o.subjects_filter); !ok) return ok.error();
    }
    return make_stream_request(c, "STREAM.INFO.", stream, [&](codec::writer& w) {
        w("deleted_details", o.deleted_details);
        w("subjects_filter", o.subjects_filter);
        w("offset", offset);
    });
}

result<api_request> encode_delete_stream(const context& c, std::string_view stream) {
    return make_stream_request(c, "STREAM.DELETE.", stream, without_body);
}

result<api_request> encode_purge_stream(const context& c, std::string_view stream,
                                        const purge_options& o) {
    if (o.seq != 0 && o.keep != 0) return error{errc::invalid_argument, "a purge by seq and keep"};
    if (!o.filter.empty()) {
        if (result<void> ok = check_subjects(o.filter); !ok) return ok.error();
    }
    return make_stream_request(c, "STREAM.PURGE.", stream, [&](codec::writer& w) {
        w("filter", o.filter);
        w("seq", o.seq);
        w("keep", o.keep);
    });
}

result<api_request> encode_get_message(const context& c, std::string_view stream,
                                       std::uint64_t seq) {
    if (seq == 0) return error{errc::invalid_argument, "sequences begin with 1"};
    return make_stream_request(c, "STREAM.MSG.GET.", stream,
                               [&](codec::writer& w) { w("seq", seq); });
}

result<api_request> encode_get_last_message(const context& c, std::string_view stream,
                                            std::string_view subject) {
    if (result<void> ok = check_subjects(subject); !ok) return ok.error();
    return make_stream_request(c, "STREAM.MSG.GET.", stream,
                               [&](codec::writer& w) { w("last_by_subj", subject); });
}

result<api_request> encode_get_next_message(const context& c, std::string_view stream,
                                            std::string_view subject, std::uint64_t seq) {
    if (result<void> ok = check_subjects(subject); !ok) return ok.error();
    return make_stream_request(c, "STREAM.MSG.GET.", stream, [&](codec::writer& w) {
        w("seq", seq);
        w("next_by_subj", subject);
    });
}

result<api_request> encode_delete_message(const context& c, std::string_view stream,
                                          std::uint64_t seq, bool erase) {
    if (seq == 0) return error{errc::invalid_argument, "sequences begin with 1"};
    return make_stream_request(c, "STREAM.MSG.DELETE.", stream, [&](codec::writer& w) {
        w("seq", seq);
        w("no_erase", !erase);
    });
}

result<api_request> encode_step_down_stream(const context& c, std::string_view stream,
                                            std::string_view preferred) {
    return make_stream_request(c, "STREAM.LEADER.STEPDOWN.", stream, preferring(preferred));
}

result<api_request> encode_remove_peer(const context& c, std::string_view stream,
                                       std::string_view peer) {
    if (peer.empty()) return error{errc::invalid_argument, "no peer to remove"};
    return make_stream_request(c, "STREAM.PEER.REMOVE.", stream,
                               [&](codec::writer& w) { w("peer", peer); });
}

} // namespace nats::js

// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: what takes several requests about streams, or a look at what the server has
// made of one. Servers before 2.10 drop members that they do not know without a word, and a
// transform that is not there makes a stream of other messages, so that it is looked for in what
// comes back.
//
// Lists end with the first page that brings nothing, or when as many have come as the last page
// says that there are: both may change while they are read.

#include <natsproto/jetstream/api_code.hpp>
#include <natsproto/jetstream/stream_requests.hpp>
#include <natsproto/subject.hpp>

#include "core/jetstream/paging.hpp"
#include "core/jetstream/requests.hpp"
#include "core/jetstream/stream_fields.hpp"

#include <algorithm>

namespace nats::js {

namespace {

/// A stream with a part of its subjects.
struct subject_page {
    page_position position;
    stream_info info;
};

template <class V, codec::is<subject_page> S>
void fields(V& v, S& s) {
    fields(v, s.position);
    fields(v, s.info);
}

bool is_complete(const subject_page& p) noexcept {
    return is_complete(p.info);
}

result<void> decode(std::string_view json, subject_page& into) {
    return codec::decode_answer(json, into);
}

bool taken(const stream_source& asked, const stream_source* got) noexcept {
    return asked.subject_transforms.empty() || (got != nullptr && !got->subject_transforms.empty());
}

/// Whether `got` has transforms wherever `asked` has some.
bool transforms_taken(const stream_config& asked, const stream_config& got) {
    if (asked.subject_transform && !got.subject_transform) return false;
    if (asked.mirror && !taken(*asked.mirror, got.mirror ? &*got.mirror : nullptr)) return false;
    return std::ranges::all_of(asked.sources, [&](const stream_source& s) {
        return std::ranges::any_of(
            got.sources, [&](const stream_source& g) { return g.name == s.name && taken(s, &g); });
    });
}

/// Sends `r` for `asked`, and looks at what came of it.
op<result<stream_info>> make_stream(runtime& rt, result<api_request> r,
                                    const stream_config& asked) {
    result<stream_info> made = co_await call<stream_info>(rt, std::move(r));
    if (made && !transforms_taken(asked, made->config))
        co_return error(errc::filters_not_taken, "subject transforms need server 2.10");
    co_return std::move(made);
}

} // namespace

op<result<stream_info>> create_stream(runtime& rt, context c, stream_config s) {
    result<api_request> r = encode_create_stream(c, s);
    result<stream_info> made = co_await make_stream(rt, std::move(r), s);
    co_return std::move(made);
}

op<result<stream_info>> update_stream(runtime& rt, context c, stream_config s) {
    result<api_request> r = encode_update_stream(c, s);
    result<stream_info> made = co_await make_stream(rt, std::move(r), s);
    co_return std::move(made);
}

op<result<stream_info>> create_or_update_stream(runtime& rt, context c, stream_config s) {
    result<api_request> update = encode_update_stream(c, s);
    result<stream_info> updated = co_await make_stream(rt, std::move(update), s);
    if (updated || !(updated.error() == api_code::stream_not_found)) co_return std::move(updated);
    result<api_request> create = encode_create_stream(c, s);
    result<stream_info> created = co_await make_stream(rt, std::move(create), s);
    co_return std::move(created);
}

op<result<stream_info>> get_stream_info(runtime& rt, context c, std::string stream,
                                        bool deleted_details, std::string subjects_filter) {
    stream_info_options o;
    o.deleted_details = deleted_details;
    o.subjects_filter = subjects_filter;
    result<api_request> first = encode_stream_info(c, stream, o);
    result<subject_page> page = co_await call<subject_page>(rt, std::move(first));
    if (!page) co_return page.error();
    stream_info all = std::move(page->info);
    std::uint64_t offset = all.state.subjects.size();
    o.deleted_details = false;
    for (int pages = 1; !subjects_filter.empty() && offset < page->position.total; ++pages) {
        result<api_request> next = encode_stream_info(c, stream, o, offset);
        page = co_await call<subject_page>(rt, std::move(next));
        if (!page) co_return page.error();
        const std::size_t count = page->info.state.subjects.size();
        if (count == 0) break;
        offset += count;
        if (offset > most_subjects || pages == most_pages) co_return too_long();
        all.state.subjects.merge(page->info.state.subjects);
    }
    co_return std::move(all);
}

op<result<std::vector<stream_info>>> list_streams(runtime& rt, context c, std::string subject) {
    result<std::vector<stream_info>> all = co_await list_all<stream_info, streams_list>(
        rt, std::move(c), std::string("STREAM.LIST"), std::move(subject));
    co_return std::move(all);
}

op<result<std::vector<std::string>>> list_stream_names(runtime& rt, context c,
                                                       std::string subject) {
    result<std::vector<std::string>> all = co_await list_all<std::string, streams_list>(
        rt, std::move(c), std::string("STREAM.NAMES"), std::move(subject));
    co_return std::move(all);
}

op<result<std::string>> find_stream_name(runtime& rt, context c, std::string subject) {
    if (!is_subscribe_subject(subject))
        co_return error(errc::invalid_subject, '"' + printable(subject) + '"');
    result<api_request> r =
        make_request(c, "STREAM.NAMES", [&](codec::writer& w) { w("subject", subject); });
    using names = page<std::string, streams_list>;
    result<names> found = co_await call<names>(rt, std::move(r));
    if (!found) co_return found.error();
    if (found->items.empty()) {
        co_return error(errc::jetstream_error, 404, "no stream listens to \"" + subject + '"',
                        static_cast<std::uint16_t>(api_code::stream_not_found));
    }
    co_return std::move(found->items.front());
}

op<result<stream_info>> seal_stream(runtime& rt, context c, std::string stream) {
    result<api_request> ask = encode_stream_info(c, stream);
    result<stream_info> found = co_await call<stream_info>(rt, std::move(ask));
    if (!found) co_return found.error();
    found->config.sealed = true;
    result<api_request> update = encode_update_stream(c, found->config);
    result<stream_info> sealed = co_await call<stream_info>(rt, std::move(update));
    co_return std::move(sealed);
}

} // namespace nats::js

// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the descriptions of all objects, read in order. Each is the only one of its
// subject, so a list of them is what a watch brings before it says that this was all.

#include <natsproto/object_store/watch.hpp>

#include <natsproto/jetstream/delivery.hpp>
#include <natsproto/jetstream/metadata.hpp>

#include "core/jetstream/bucket_streams.hpp"
#include "core/jetstream/listing.hpp"

#include <cstddef>
#include <utility>

namespace nats::obj {

result<watch_request> encode_watch(const bucket& b, const watch_options& o) {
    if (o.include_history && o.updates_only)
        return error{errc::invalid_argument, "include_history and updates_only"};
    const std::string subject = b.all_meta();
    const std::string_view filter[] = {subject};
    js::ordered_options how;
    how.filter_subjects = filter;
    how.deliver_policy = o.updates_only      ? js::deliver_policy::new_
                         : o.include_history ? js::deliver_policy::all
                                             : js::deliver_policy::last_per_subject;
    const js::consume_options flow;
    result<js::ordered_request> r = js::encode_ordered(b.settings(), b.stream(), how, flow);
    if (!r) return r.error();
    return watch_request(std::move(*r), watch_reader(o));
}

std::optional<watch_update> watch_reader::read(const nats::message_view& m) const {
    object_info i;
    if (!decode(m.payload, i)) return std::nullopt;
    if (ignore_deletes_ && i.deleted) return std::nullopt;
    if (const result<js::metadata> of = js::parse_metadata(m.reply)) i.mtime = of->timestamp;
    return watch_update(std::move(i));
}

op<result<std::optional<watch_update>>> next(runtime& rt, js::ordered_subscription& s,
                                             const watch_reader& reader, time_point deadline) {
    result<std::optional<watch_update>> u = co_await js::next_watched(rt, s, reader, deadline);
    co_return std::move(u);
}

op<result<std::vector<object_info>>> list_objects(runtime& rt, bucket b, bool deleted,
                                                  std::size_t most) {
    watch_options o;
    o.ignore_deletes = !deleted;
    result<watch_request> r = encode_watch(b, o);
    if (!r) co_return r.error();
    js::listing<watch_reader> all_there(rt, std::move(*r));
    if (result<void> begun = all_there.source().start(rt); !begun) co_return begun.error();
    std::vector<object_info> all;
    while (true) { // each has the whole timeout
        result<std::optional<watch_update>> u =
            co_await js::next_listed(rt, all_there, b.settings().timeout());
        if (!u) co_return js::bucket_error(u.error(), b.name());
        if (!*u) co_return std::move(all);
        if (all.size() == most) co_return error(errc::invalid_response, "a list without an end");
        all.push_back(std::move(*(*u)->object));
    }
}

} // namespace nats::obj

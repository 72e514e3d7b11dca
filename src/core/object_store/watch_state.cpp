// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the descriptions of all objects, read in order. Each is the only one of its
// subject, so a list of them is what a watch brings before it says that this was all.

#include <natsproto/object_store/watch_state.hpp>

#include <natsproto/jetstream/delivery.hpp>
#include <natsproto/jetstream/metadata.hpp>

#include "core/object_store/bucket_errors.hpp"

#include <utility>

namespace nats::obj {

namespace {

constexpr std::size_t most_objects = 10'000'000; ///< of a list; a server that has no end ends here

} // namespace

result<js::ordered_request> encode_watch(const bucket& b, const watch_options& o) {
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
    return js::encode_ordered(b.settings(), b.stream(), how, flow);
}

watch_state::~watch_state() {
    try {
        if (!source_.ended()) source_.stop(*runtime_);
    } catch (...) {
        return; // no memory; the server forgets the consumer by itself
    }
}

std::optional<watch_update> watch_state::read(const nats::message_view& m) const {
    object_info i;
    if (!decode(m.payload, i)) return std::nullopt;
    if (ignore_deletes_ && i.deleted) return std::nullopt;
    if (const result<js::metadata> of = js::parse_metadata(m.reply)) i.mtime = of->timestamp;
    return watch_update(std::move(i));
}

op<result<std::optional<watch_update>>> next_update(runtime& rt, watch_state& s,
                                                    time_point deadline) {
    while (true) {
        if (s.poll_end_of_initial()) co_return std::optional<watch_update>(watch_update());
        result<std::optional<js::message>> m = co_await js::next(rt, s.source(), deadline);
        if (!m) co_return m.error();
        if (!*m) {
            if (s.source().initial().end_due()) continue;
            co_return std::optional<watch_update>();
        }
        if ((*m)->subject().empty()) continue; // the end of what was there
        std::optional<watch_update> u = s.read((*m)->view());
        if (u) co_return std::move(u);
    }
}

op<result<std::vector<object_info>>> list_objects(runtime& rt, bucket b, bool deleted) {
    watch_options o;
    o.ignore_deletes = !deleted;
    result<js::ordered_request> r = encode_watch(b, o);
    if (!r) co_return r.error();
    watch_state s(rt, std::move(*r), o);
    s.source().watch_initial(nullptr, nullptr);
    if (result<void> begun = s.source().start(rt); !begun) co_return begun.error();
    std::vector<object_info> all;
    while (true) { // each has the whole timeout
        const time_point deadline = deadline_after(rt.now(), b.settings().timeout());
        result<std::optional<watch_update>> u = co_await next_update(rt, s, deadline);
        if (!u) co_return u.error();
        if (!*u) co_return bucket_error(s.source().why(), b.name());
        if ((*u)->is_end_of_initial()) co_return std::move(all);
        if (all.size() == most_objects)
            co_return error(errc::invalid_response, "a list without an end");
        all.push_back(std::move(*(*u)->object));
    }
}

} // namespace nats::obj

// SPDX-License-Identifier: Apache-2.0
//
// What ops do with watches of buckets, of keys or of objects; see watch_request.hpp for what a
// reader is.

#pragma once

#include <natsproto/jetstream/consumption.hpp>
#include <natsproto/jetstream/initial_data.hpp>
#include <natsproto/jetstream/ordered_subscription.hpp>
#include <natsproto/jetstream/watch_request.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/time.hpp>

#include <optional>
#include <utility>

namespace nats::js {

/// What comes next; empty when there will be nothing more.
template <class Reader>
op<result<std::optional<typename Reader::event>>> next_watched(runtime& rt, ordered_subscription& s,
                                                               const Reader& reader,
                                                               time_point deadline) {
    using event = typename Reader::event;
    while (true) {
        if (s.initial().poll_end()) co_return std::optional<event>(std::in_place);
        if (reader.initial_only() && s.initial().complete() && !s.ended()) s.stop(rt);
        result<std::optional<message>> m = co_await next(rt, s, deadline);
        if (!m) co_return m.error();
        if (!*m) {
            if (s.initial().end_due()) continue;
            co_return std::optional<event>();
        }
        if ((*m)->subject().empty()) continue; // it was a call: the end of what was there
        auto e = reader.read((*m)->view());
        if (e) co_return std::optional<event>(std::in_place, *std::move(e));
    }
}

/// A watch that an op has for itself.
template <class Reader>
class listing {
public:
    listing(runtime& rt, watch_request<Reader> r)
        : runtime_(rt), reader_(std::move(r.reader)), source_(rt, std::move(r.ordered)) {
        source_.watch_initial([](void*) {}, nullptr);
    }
    listing(const listing&) = delete;
    listing& operator=(const listing&) = delete;
    ~listing() {
        try {
            if (!source_.ended()) source_.stop(runtime_); // has its consumer deleted
        } catch (...) {
            return; // no memory; the server forgets the consumer by itself
        }
    }
    [[nodiscard]] ordered_subscription& source() noexcept { return source_; }
    [[nodiscard]] const Reader& reader() const noexcept { return reader_; }

private:
    runtime& runtime_;
    Reader reader_;
    ordered_subscription source_;
};

/// The next event of what is there; empty at its end, of which each may take so long.
template <class Reader>
op<result<std::optional<typename Reader::event>>> next_listed(runtime& rt, listing<Reader>& l,
                                                              duration patience) {
    using event = typename Reader::event;
    const time_point deadline = deadline_after(rt.now(), patience);
    result<std::optional<event>> e = co_await next_watched(rt, l.source(), l.reader(), deadline);
    if (!e) co_return e.error();
    if (!*e) co_return l.source().why(); // before the end of what is there
    if ((*e)->initial_end()) co_return std::optional<event>();
    co_return std::move(e);
}

} // namespace nats::js

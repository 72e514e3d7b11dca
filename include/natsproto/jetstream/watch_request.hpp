// SPDX-License-Identifier: Apache-2.0
//
// What a watch of a bucket is made of, of keys or of objects: the ordered subscription that brings
// messages, and a reader that makes something of them.
//
// A reader has the types `event`, which owns, and `event_view`, which handlers get; without a value
// either is the end of what was there. `read` gives what an event is made of, if a message is for
// the user, and `initial_only` tells whether there is nothing behind that end. An op
// `next(runtime&, js::ordered_subscription&, const Reader&, time_point)` of its namespace waits for
// the next event.

#pragma once

#include <natsproto/jetstream/ordered_subscription.hpp>

#include <utility>

namespace nats::js {

template <class Reader>
struct watch_request {
    watch_request(ordered_request o, Reader r) : ordered(std::move(o)), reader(std::move(r)) {}
    ordered_request ordered;
    Reader reader;
};

} // namespace nats::js

// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the machine judges each reply and knows the nearest of its deadlines; the op
// around it waits on the inbox until then. With a maximum the server is told at once, so that it
// stops by itself.

#include <natsproto/request_many.hpp>

#include <natsproto/runtime.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace nats {

result<void> check(const request_many_options& o) {
    if (o.timeout <= duration::zero())
        return error{errc::invalid_argument, "timeout must be positive"};
    if (o.stall && *o.stall <= duration::zero())
        return error{errc::invalid_argument, "stall must be positive"};
    if (o.max_messages && *o.max_messages == 0)
        return error{errc::invalid_argument, "max_messages must not be 0"};
    return {};
}

request_many_machine::request_many_machine(const request_many_options& o, time_point now) noexcept
    : options_(o), last_(deadline_after(now, o.timeout)) {}

time_point request_many_machine::deadline() const noexcept {
    return std::min(last_, stall_);
}

request_many_machine::verdict request_many_machine::handle_message(const message_view& m,
                                                                   time_point now) {
    if (finished_) return verdict::stop;
    if (m.payload.empty() && m.status() != 0) {
        finished_ = true;
        failure_ = m.is_no_responders() ? error{errc::no_responders, 503, {}}
                                        : error{errc::server_error, m.status(),
                                                std::string(m.headers.description())};
        return verdict::failed;
    }
    if ((options_.until_empty && m.payload.empty()) ||
        (options_.until != nullptr && options_.until(m))) {
        finished_ = true;
        return verdict::stop;
    }
    if (options_.stall) stall_ = deadline_after(now, *options_.stall);
    if (options_.max_messages && ++received_ >= *options_.max_messages) {
        finished_ = true;
        return verdict::deliver_and_stop;
    }
    return verdict::deliver;
}

result<void> start_request_many(runtime& rt, request_many_state& state, std::string_view subject,
                                bytes payload, header_view headers, const request_many_options& o) {
    if (result<void> ok = check(o); !ok) return ok;
    const std::string inbox = rt.new_inbox();
    if (result<void> ok = rt.subscribe(state.box, inbox); !ok) return ok;
    if (o.max_messages) {
        if (result<void> ok = rt.unsubscribe(state.box, o.max_messages); !ok) return ok;
    }
    result<void> sent = rt.connection().publish(subject, payload, inbox, headers);
    if (!sent && state.box.active()) (void)rt.unsubscribe(state.box);
    return sent;
}

op<result<std::optional<message_view>>> next_reply(runtime& rt, request_many_state& state) {
    using verdict = request_many_machine::verdict;
    if (state.machine.finished()) co_return std::optional<message_view>();
    while (true) {
        result<message_view> m = co_await rt.next(state.box, state.machine.deadline());
        if (!m) {
            const bool regular =
                m.error() == errc::timeout || m.error() == errc::max_messages_reached;
            if (!regular && m.error() == errc::slow_consumer)
                continue; // told to the observer; what is left is delivered
            state.machine.stop();
            if (state.box.active()) (void)rt.unsubscribe(state.box);
            if (regular) co_return std::optional<message_view>();
            co_return m.error();
        }
        const verdict v = state.machine.handle_message(*m, rt.now());
        if (v == verdict::deliver) co_return std::optional<message_view>(*m);
        // The view stays valid: unsubscribing parses nothing, and the message that it points into
        // is the current one.
        if (state.box.active()) (void)rt.unsubscribe(state.box);
        if (v == verdict::deliver_and_stop) co_return std::optional<message_view>(*m);
        if (v == verdict::failed) co_return state.machine.failure();
        co_return std::optional<message_view>();
    }
}

} // namespace nats

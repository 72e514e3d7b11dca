// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: each is its waits in order; see op.hpp for the rules they keep.

#include <natsproto/client/ops.hpp>

#include "core/outgoing.hpp"
#include "core/output_ahead.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

namespace nats::ops {

namespace {

/// A subject for an error, without memory of its own: an op that may wait cannot keep the view.
class short_text {
public:
    explicit short_text(std::string_view s) noexcept
        : size_(std::min(s.size(), text_.size())), cut_(s.size() > text_.size()) {
        std::ranges::copy(s.substr(0, size_), text_.begin());
    }
    [[nodiscard]] std::string quoted() const {
        return '"' + printable({text_.data(), size_}) + (cut_ ? "...\"" : "\"");
    }

private:
    std::array<char, 96> text_{};
    std::size_t size_;
    bool cut_;
};

error about_request(const error& e, const short_text& subject) {
    if (e != errc::no_responders && e != errc::timeout) return e;
    return {e.code(), e.status(), "request to " + subject.quoted()};
}

} // namespace

op<result<void>> make_room(runtime& rt, time_point deadline) {
    while (rt.output_full()) {
        result<void> room = co_await rt.room(deadline);
        if (!room) co_return room.error();
    }
    co_return result<void>();
}

op<result<message_view>> request(runtime& rt, std::string_view subject, bytes payload,
                                 header_view headers, time_point deadline) {
    result<message_view> reply = co_await rt.request(subject, payload, headers, deadline);
    if (!reply && (reply.error() == errc::no_responders || reply.error() == errc::timeout)) {
        co_return error(reply.error().code(), reply.error().status(),
                        "request to \"" + printable(subject) + '"');
    }
    co_return std::move(reply);
}

op<result<duration>> flush(runtime& rt, time_point deadline) {
    while (true) {
        result<void> up = co_await rt.connected(deadline);
        if (!up) co_return up.error();
        if (!rt.output_full()) break;
        result<void> room = co_await rt.room(deadline); // also when the connection has ended
        if (!room) co_return room.error();
    }
    result<duration> rtt = co_await rt.flush(deadline);
    co_return std::move(rtt);
}

op<result<duration>> measure_rtt(runtime& rt, time_point deadline) {
    result<void> room = co_await make_room(rt, deadline);
    if (!room) co_return room.error();
    result<duration> rtt = co_await rt.flush(deadline);
    co_return std::move(rtt);
}

op<result<void>> wait_connected(runtime& rt, time_point deadline) {
    result<void> up = co_await rt.connected(deadline);
    co_return std::move(up);
}

op<result<void>> wait_settled(runtime& rt) {
    result<void> up = co_await rt.settled(no_deadline); // the attempts have deadlines of their own
    co_return std::move(up);
}

op<result<void>> barrier(runtime& rt, time_point deadline) {
    result<void> handled = co_await rt.barrier(deadline);
    co_return std::move(handled);
}

op<result<message>> request_by_inbox(runtime& rt, std::string_view subject, bytes payload,
                                     header_view headers, time_point deadline) {
    mailbox box;
    const std::string inbox = rt.new_inbox();
    if (result<void> ok = rt.subscribe(box, inbox); !ok) co_return ok.error();
    result<void> ok = rt.unsubscribe(box, 1);
    if (ok) ok = rt.connection().publish(subject, payload, inbox, headers);
    if (!ok) co_return ok.error();
    result<message_view> reply = co_await rt.next(box, deadline);
    if (!reply) co_return reply.error();
    if (reply->is_no_responders()) co_return error(errc::no_responders, 503, {});
    co_return message(*reply);
}

op<result<void>> wait_room(runtime& rt, time_point deadline) {
    result<void> room = co_await rt.room(deadline);
    co_return std::move(room);
}

op<result<message_view>> next(runtime& rt, mailbox& box, time_point deadline) {
    result<message_view> m = co_await rt.next(box, deadline);
    co_return std::move(m);
}

// --- with values of their own

op<result<void>> request_into(runtime& rt, message& into, std::string_view subject, bytes payload,
                              header_view headers, time_point deadline) {
    const short_text name(subject);
    outgoing m{subject, payload, {}, headers};
    std::optional<kept_outgoing> kept;
    if (rt.output_full()) {
        m = kept.emplace(m).view();
        result<void> room = co_await make_room(rt, deadline);
        if (!room) co_return room.error();
    }
    result<message_view> reply = co_await rt.request(m.subject, m.payload, m.headers, deadline);
    if (!reply) co_return about_request(reply.error(), name);
    into.assign(*reply);
    co_return result<void>();
}

op<result<message>> request_message(runtime& rt, std::string_view subject, bytes payload,
                                    header_view headers, time_point deadline) {
    message reply;
    result<void> done = co_await request_into(rt, reply, subject, payload, headers, deadline);
    if (!done) co_return done.error();
    co_return std::move(reply);
}

op<result<void>> next_into(runtime& rt, mailbox& box, message& into, time_point deadline) {
    result<message_view> m = co_await rt.next(box, deadline);
    if (!m) co_return m.error();
    into.assign(*m);
    co_return result<void>();
}

op<result<message>> next_message(runtime& rt, mailbox& box, time_point deadline) {
    result<message_view> m = co_await rt.next(box, deadline);
    if (!m) co_return m.error();
    co_return message(*m);
}

op<result<std::optional<message>>> next_or_end(runtime& rt, mailbox& box, time_point deadline) {
    result<message_view> m = co_await rt.next(box, deadline);
    if (m) co_return std::optional<message>(message(*m));
    const errc why = m.error().code();
    const bool goes_on = why == errc::timeout || why == errc::slow_consumer ||
                         why == errc::permissions_violation || why == errc::in_use;
    if (goes_on) co_return m.error();
    co_return std::optional<message>();
}

op<result<std::optional<message>>> next_reply_message(runtime& rt, request_many_state& state) {
    result<std::optional<message_view>> m = co_await next_reply(rt, state);
    if (!m) co_return m.error();
    if (!*m) co_return std::optional<message>();
    co_return std::optional<message>(message(**m));
}

op<result<void>> publish(runtime& rt, std::string_view subject, bytes payload,
                         std::string_view reply, header_view headers, time_point deadline) {
    outgoing m{subject, payload, reply, headers};
    std::optional<kept_outgoing> kept;
    while (true) {
        const bool ahead =
            rt.connection().is_up() && rt.connection().untransmitted() >= output_ahead;
        if (!ahead && !rt.output_full()) {
            result<void> queued = rt.connection().publish(m.subject, m.payload, m.reply, m.headers);
            if (queued || queued.error() != errc::output_full) co_return queued;
        }
        if (!kept) m = kept.emplace(m).view();
        result<void> room = co_await rt.room(deadline);
        if (!room) co_return room.error();
    }
}

op<result<void>> drain(runtime& rt) {
    result<void> begun = rt.drain_connection(true);
    if (!begun) co_return begun;
    result<void> ended = co_await rt.closed(no_deadline);
    if (!ended) co_return ended;
    const error& why = rt.connection().close_reason();
    if (why == errc::connection_closed) co_return result<void>();
    co_return why;
}

op<result<void>> close(runtime& rt, time_point deadline) {
    if (rt.connection().is_up()) {
        // Whatever it says: then it is closed.
        [[maybe_unused]] result<void> written = co_await rt.written(deadline);
    }
    rt.connection().close(rt.now());
    result<void> ended = co_await rt.closed(no_deadline);
    co_return std::move(ended);
}

} // namespace nats::ops

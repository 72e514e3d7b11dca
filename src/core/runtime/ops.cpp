// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: each is its waits in order; see op.hpp for the rules they keep.

#include <natsproto/client/ops.hpp>

#include <string>
#include <utility>

namespace nats::ops {

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
    result<void> up = co_await rt.connected(deadline);
    if (!up) co_return up.error();
    result<duration> rtt = co_await rt.flush(deadline);
    co_return std::move(rtt);
}

op<result<duration>> measure_rtt(runtime& rt, time_point deadline) {
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

} // namespace nats::ops

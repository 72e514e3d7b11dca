// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the machine says what to send; this publishes it with the inbox as reply
// subject. A server that does not know the consumer says 503, and one before 2.10 nothing: then the
// API is asked, since the same happens while a cluster looks for a leader.

#include <natsproto/jetstream/pull_subscription.hpp>

#include <natsproto/client/ops.hpp>
#include <natsproto/jetstream/consumer_requests.hpp>

#include "core/jetstream/inbox_limits.hpp"

#include <utility>

namespace nats::js {

namespace {

template <class Options>
result<pull_request> encode(const context& c, std::string_view stream, std::string_view consumer,
                            const Options& o) {
    result<api_request> info = encode_consumer_info(c, stream, consumer);
    if (!info) return info.error();
    if (result<void> ok = check(o); !ok) return ok.error();
    pull_request r(
        c.prefix() + "CONSUMER.MSG.NEXT." + std::string(stream) + '.' + std::string(consumer),
        pull_rules(o));
    r.info = std::move(*info);
    return r;
}

} // namespace

result<pull_request> encode_pull(const context& c, std::string_view stream,
                                 std::string_view consumer, const fetch_options& o) {
    return encode(c, stream, consumer, o);
}

result<pull_request> encode_pull(const context& c, std::string_view stream,
                                 std::string_view consumer, const consume_options& o) {
    return encode(c, stream, consumer, o);
}

result<pull_request> encode_ack_next(std::string_view reply, const fetch_options& o) {
    if (result<void> ok = check(o); !ok) return ok.error();
    pull_request r{std::string(reply), pull_rules(o)};
    r.before_body = "+NXT ";
    return r;
}

pull_subscription::pull_subscription(pull_request r, time_point now)
    : request_(std::move(r)), machine_(request_.rules, now) {}

result<void> pull_subscription::subscribe(runtime& rt, mailbox::handler handle, void* context) {
    inbox_ = rt.new_inbox();
    return rt.subscribe(box(), inbox_, {.pending = limits_for(machine_.rules())}, handle, context);
}

bool pull_subscription::judge(runtime& rt, const nats::message_view& m) {
    const bool for_user = machine_.handle_message(m, rt.now());
    if (!for_user) wake(); // a status may have made an errand, or a deadline nearer
    return for_user;
}

void pull_subscription::send(runtime& rt) {
    const std::optional<std::string> body = machine_.poll_pull(rt.now());
    if (!body) return;
    const std::string text = request_.before_body + *body;
    if (!rt.connection().publish(request_.subject, text, inbox_, {}))
        machine_.handle_not_sent(rt.now());
    wake(); // a deadline may be nearer
}

std::optional<op<result<void>>> pull_subscription::errand(runtime& rt) {
    if (!machine_.poll_doubt() || !request_.info) return std::nullopt;
    return look_for_consumer(rt, *this);
}

op<result<void>> pull_subscription::look_for_consumer(runtime& rt, pull_subscription& s) {
    api_request info = *s.request_.info;
    result<std::optional<error>> loss = co_await find_loss(rt, std::move(info));
    if (loss && *loss) s.machine_.finish(std::move(**loss));
    co_return result<void>();
}

op<result<message>> next_message(runtime& rt, result<pull_request> r) {
    if (!r) co_return r.error();
    r->rules.max_messages = 1;
    pull_subscription s(std::move(*r), rt.now());
    result<void> begun = s.start(rt);
    if (!begun) co_return begun.error();
    result<std::optional<message>> m = co_await next(rt, s, no_deadline);
    if (!m) co_return m.error();
    if (!*m) co_return s.why();
    co_return std::move(**m);
}

op<result<std::vector<message>>> fetch_all(runtime& rt, result<pull_request> r) {
    if (!r) co_return r.error();
    pull_subscription s(std::move(*r), rt.now());
    result<void> begun = s.start(rt);
    if (!begun) co_return begun.error();
    std::vector<message> all;
    while (true) {
        if (std::optional<message> more = s.take_at_once(rt)) {
            all.push_back(std::move(*more));
            continue;
        }
        result<std::optional<message>> m = co_await next(rt, s, no_deadline);
        if (!m) co_return m.error();
        if (!*m) break;
        all.push_back(std::move(**m));
    }
    const bool regular = s.why() == errc::consumption_stopped || s.why() == errc::timeout;
    if (all.empty() && !regular) co_return s.why();
    co_return std::move(all);
}

op<result<void>> confirm_ack(runtime& rt, result<std::string> reply, duration timeout) {
    if (!reply) co_return reply.error();
    const time_point deadline = deadline_after(rt.now(), timeout);
    const bytes body(ack_body);
    const header_view no_headers;
    result<nats::message> answer =
        co_await ops::request_message(rt, *reply, body, no_headers, deadline);
    if (!answer) co_return answer.error();
    co_return result<void>();
}

} // namespace nats::js

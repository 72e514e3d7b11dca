// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a question is a request with many replies, which ends when no further one
// has come for a while. Anybody may answer, so what cannot be read is left out.

#include <natsproto/services/discovery.hpp>

#include <natsproto/client/ops.hpp>
#include <natsproto/request_many.hpp>
#include <natsproto/services/service_error.hpp>
#include <natsproto/subject.hpp>

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

namespace nats::services {

namespace {

bool is_token(std::string_view s) noexcept {
    return is_publish_subject(s) && s.find('.') == std::string_view::npos;
}

request_many_options replies_to(const question& q) noexcept {
    return {.timeout = q.timeout, .stall = q.stall, .max_messages = q.max_answers};
}

void note_time(ping_response& r, duration took) noexcept {
    r.round_trip = took;
}
template <class T>
void note_time(T& /*answer*/, duration /*took*/) noexcept {}

/// Asks, and reads the answers.
template <class T>
op<result<std::vector<T>>> collect(runtime& rt, result<question> q) {
    if (!q) co_return q.error();
    result<void> room = co_await ops::make_room(rt, deadline_after(rt.now(), q->timeout));
    if (!room) co_return room.error();
    const time_point asked = rt.now();
    const request_many_options o = replies_to(*q);
    request_many_state replies(o, asked);
    result<void> sent = start_request_many(rt, replies, q->subject, {}, {}, o);
    if (!sent) co_return sent.error();
    std::vector<T> all;
    std::optional<error> unreadable;
    std::uint64_t received = 0;
    while (true) {
        result<std::optional<message_view>> m = co_await next_reply(rt, replies);
        if (!m && m.error() == errc::no_responders) break;
        if (!m) co_return m.error();
        if (!*m) break;
        received += (*m)->payload.size();
        if (received > q->max_bytes) co_return error(errc::invalid_response, "too much");
        T answer;
        result<void> read = decode((*m)->payload, answer);
        if (read) {
            note_time(answer, rt.now() - asked);
            all.push_back(std::move(answer));
        } else {
            unreadable = read.error();
        }
    }
    if (all.empty() && unreadable) co_return std::move(*unreadable);
    co_return std::move(all);
}

bool by_version(const identity& a, const identity& b) {
    return std::tie(a.version, a.id) < std::tie(b.version, b.id);
}

std::vector<found_service> by_name(std::vector<ping_response> all) {
    std::sort(all.begin(), all.end(),
              [](const ping_response& a, const ping_response& b) { return a.name < b.name; });
    std::vector<found_service> out;
    for (ping_response& r : all) {
        if (out.empty() || out.back().name != r.name) out.emplace_back(r.name);
        out.back().instances.push_back(std::move(r));
    }
    for (found_service& s : out) std::sort(s.instances.begin(), s.instances.end(), by_version);
    return out;
}

} // namespace

result<question> encode_query(std::string_view prefix, verb v, const query& q) {
    if (!is_publish_subject(prefix))
        return error{errc::invalid_subject, "prefix \"" + printable(prefix) + '"'};
    if (!q.name.empty() && !is_service_name(q.name))
        return error{errc::invalid_service_name, '"' + printable(q.name) + '"'};
    if (!q.id.empty() && !is_token(q.id))
        return error{errc::invalid_service_name, "id \"" + printable(q.id) + '"'};
    if (!q.id.empty() && q.name.empty())
        return error{errc::invalid_argument, "an id without the name of its service"};
    if (q.max_bytes == 0) return error{errc::invalid_argument, "max_bytes must not be 0"};
    question out(monitoring_subject(prefix, v, q.name, q.id), q);
    if (result<void> ok = check(replies_to(out)); !ok) return ok.error();
    return out;
}

op<result<std::vector<ping_response>>> ping(runtime& rt, result<question> q) {
    return collect<ping_response>(rt, std::move(q));
}
op<result<std::vector<info_response>>> info(runtime& rt, result<question> q) {
    return collect<info_response>(rt, std::move(q));
}
op<result<std::vector<stats_response>>> stats(runtime& rt, result<question> q) {
    return collect<stats_response>(rt, std::move(q));
}

op<result<std::vector<found_service>>> discover(runtime& rt, result<question> q) {
    result<std::vector<ping_response>> all = co_await collect<ping_response>(rt, std::move(q));
    if (!all) co_return all.error();
    co_return by_name(std::move(*all));
}

outgoing_request::outgoing_request(std::string_view to, bytes body, const request_options& o)
    : subject(to), payload(body.text()), headers(o.headers.raw()), timeout(o.timeout) {}

op<result<message>> request(runtime& rt, outgoing_request c) {
    if (c.timeout <= duration::zero())
        co_return error(errc::invalid_argument, "timeout must be positive");
    const bytes body(c.payload);
    const header_view fields(c.headers);
    const time_point deadline = deadline_after(rt.now(), c.timeout);
    result<message> reply = co_await ops::request_message(rt, c.subject, body, fields, deadline);
    co_return unless_error(std::move(reply));
}

} // namespace nats::services

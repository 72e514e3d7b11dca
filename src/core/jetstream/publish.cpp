// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a request, and again after a pause while nobody listens, which is how a
// stream looks whose leader has just gone.
//
// The answer to nearly every publish is a flat object of short texts and whole numbers. A scan of a
// screen's length reads those without memory of its own; whatever else comes (escapes, an error,
// nonsense) is left to the JSON library.

#include <natsproto/jetstream/publish.hpp>

#include <natsproto/client/ops.hpp>
#include <natsproto/subject.hpp>

#include "core/jetstream/ack_scan.hpp"

#include <utility>

namespace nats::js {

result<publish_request> publish_request::make(std::string_view subject, bytes payload,
                                              const publish_options& o) {
    constexpr std::size_t usual_headers = 192;
    if (!is_publish_subject(subject))
        return error{errc::invalid_subject, '"' + printable(subject) + '"'};
    if (o.timeout <= duration::zero())
        return error{errc::invalid_argument, "timeout must be positive"};
    if (o.retry_wait <= duration::zero())
        return error{errc::invalid_argument, "retry_wait must be positive"};
    publish_request r;
    r.all_.reserve(subject.size() + o.headers.raw().size() + usual_headers + payload.size());
    r.all_.append(subject);
    r.headers_at_ = r.all_.size();
    if (result<void> ok = append_headers(r.all_, o, payload); !ok) return ok.error();
    r.payload_at_ = r.all_.size();
    r.all_.append(payload.text());
    r.retry_attempts_ = o.retry_attempts;
    r.retry_wait_ = o.retry_wait;
    r.timeout_ = o.timeout;
    return r;
}

void publish_request::add_fields(std::string_view lines) {
    std::string block(headers().raw());
    if (block.empty())
        block = "NATS/1.0\r\n";
    else
        block.resize(block.size() - 2); // the empty line at the end
    block.append(lines).append("\r\n");
    all_.replace(headers_at_, payload_at_ - headers_at_, block);
    payload_at_ = headers_at_ + block.size();
}

std::optional<time_point> publish_request::next_attempt(int sent, time_point now,
                                                        time_point deadline) const noexcept {
    if (retry_attempts_ >= 0 && sent > retry_attempts_) return std::nullopt;
    const time_point next = deadline_after(now, retry_wait_);
    return next < deadline ? std::optional(next) : std::nullopt;
}

error publish_request::failure(errc code, std::uint16_t status) const {
    return {code, status, "publish to \"" + printable(subject()) + '"'};
}

result<void> read_ack(const nats::message_view& answer, pub_ack& into) {
    if (answer.payload.empty() && answer.status() != 0) {
        if (answer.is_no_responders()) return error{errc::no_stream_response, 503, {}};
        return error{errc::jetstream_error, answer.status(),
                     std::string(answer.headers.description())};
    }
    if (scan_ack(answer.payload, into)) return {};
    into = pub_ack();
    return decode(answer.payload, into);
}

op<result<pub_ack>> publish(runtime& rt, result<publish_request> given) {
    if (!given) co_return given.error();
    const publish_request r = std::move(*given);
    const time_point deadline = deadline_after(rt.now(), r.timeout());
    for (int sent = 1;; ++sent) {
        if (rt.output_full()) {
            result<void> room = co_await ops::make_room(rt, deadline);
            if (!room) co_return room.error();
        }
        result<nats::message_view> reply =
            co_await rt.request(r.subject(), r.payload(), r.headers(), deadline);
        if (reply) {
            pub_ack ack;
            result<void> read = read_ack(*reply, ack);
            if (!read) co_return read.error();
            co_return std::move(ack);
        }
        if (reply.error() == errc::timeout) co_return r.failure(errc::timeout);
        if (reply.error() != errc::no_responders) co_return reply.error();
        const std::optional<time_point> next = r.next_attempt(sent, rt.now(), deadline);
        if (!next) co_return r.unheard();
        result<void> slept = co_await rt.sleep_until(*next);
        if (!slept) co_return slept.error();
    }
}

op<result<std::string>> increment(runtime& rt, result<publish_request> r) {
    result<pub_ack> ack = co_await publish(rt, std::move(r));
    if (!ack) co_return ack.error();
    if (ack->val.empty())
        co_return error(errc::invalid_response, '"' + ack->stream + "\" has no counters");
    co_return std::move(ack->val);
}

} // namespace nats::js

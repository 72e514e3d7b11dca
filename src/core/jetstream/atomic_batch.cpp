// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: each message carries the batch's id and its own number. The first is a
// request, so that a server or a stream that has no batches says so before the rest is sent; the
// last one is a request whose answer is about all. In between nothing is answered: what is wrong
// with those the server says at the end.
//
// A server from before batches stores the first message and acknowledges it, which gives it away.
// A batch belongs to one connection: what was sent before it was lost may not have arrived.

#include <natsproto/jetstream/atomic_batch.hpp>

#include <natsproto/client/ops.hpp>

#include <utility>

namespace nats::js {

void batch_state::discard() {
    if (!ended_) ended_ = error{errc::batch_failed, "it was discarded"};
}

result<void> batch_state::check_open(runtime& rt) {
    if (slot_.taken()) return error{errc::in_use};
    if (ended_) return *ended_;
    if (size_ == 0) return {};
    if (size_ >= most) return error{errc::invalid_argument, "more than 1000 messages"};
    if (rt.connection().is_up() && rt.connections() == connection_) return {};
    return fail({errc::batch_failed, "the connection was lost"});
}

void batch_state::append(runtime& rt, publish_request& r, last how) {
    if (size_ == 0) {
        id_ = rt.new_id();
        connection_ = rt.connections();
    }
    subject_ = r.subject();
    ++size_;
    std::string fields =
        "Nats-Batch-Id: " + id_ + "\r\nNats-Batch-Sequence: " + std::to_string(size_) + "\r\n";
    if (how != last::no)
        fields += how == last::yes ? "Nats-Batch-Commit: 1\r\n" : "Nats-Batch-Commit: eob\r\n";
    r.add_fields(fields);
}

error batch_state::fail(const error& why) {
    const bool as_it_is = why == errc::timeout || why == errc::no_stream_response;
    error told =
        as_it_is ? why
                 : error(errc::batch_failed, why.status(),
                         why.detail().empty() ? std::string(describe(why.code())) : why.detail(),
                         why.api_code());
    ended_ = error(errc::batch_failed, told.status(), told.message(), told.api_code());
    return told;
}

namespace {

/// Of the first message: nothing is said when all is well.
result<void> read_agreement(const nats::message_view& answer) {
    if (answer.payload.empty() && answer.status() == 0) return {};
    pub_ack ack;
    result<void> read = read_ack(answer, ack);
    if (!read) return read;
    return error{errc::batch_failed, "the server has no batches: it stored the message alone"};
}

result<void> check_expectation(const publish_request& r, std::uint64_t size) {
    if (size == 0 || !r.headers().get("Nats-Expected-Last-Sequence")) return {};
    return error{errc::invalid_argument, "expected_last_sequence behind the first message"};
}

} // namespace

/// The server's word on the first message, which is sent again while nobody listens.
op<result<void>> batch_state::agree(runtime& rt, use& mine, const publish_request& r,
                                    time_point deadline) {
    for (int sent = 1;; ++sent) {
        result<nats::message_view> answer =
            co_await rt.request(r.subject(), r.payload(), r.headers(), deadline);
        if (mine.state == nullptr) co_return error(errc::batch_failed, "it was destroyed");
        if (answer) {
            result<void> agreed = read_agreement(*answer);
            if (!agreed) co_return mine.state->fail(agreed.error());
            co_return result<void>();
        }
        if (answer.error() != errc::no_responders) co_return mine.state->fail(answer.error());
        const std::optional<time_point> next = r.next_attempt(sent, rt.now(), deadline);
        if (!next) co_return mine.state->fail(r.unheard());
        result<void> slept = co_await rt.sleep_until(*next);
        if (mine.state == nullptr) co_return error(errc::batch_failed, "it was destroyed");
        if (!slept) co_return mine.state->fail(slept.error());
    }
}

op<result<void>> add(runtime& rt, batch_state& s, result<publish_request> given) {
    if (!given) co_return given.error();
    publish_request r = std::move(*given);
    if (result<void> ok = s.check_open(rt); !ok) co_return ok;
    if (result<void> ok = check_expectation(r, s.size()); !ok) co_return ok;
    const time_point deadline = deadline_after(rt.now(), r.timeout());
    batch_state::use mine(s, s.slot_);
    if (rt.output_full()) {
        result<void> room = co_await ops::make_room(rt, deadline);
        if (mine.state == nullptr) co_return error(errc::batch_failed, "it was destroyed");
        if (!room) co_return room.error();
    }
    const bool first = s.size() == 0;
    s.append(rt, r, batch_state::last::no);
    if (!first) {
        result<void> sent = rt.connection().publish(r.subject(), r.payload(), {}, r.headers());
        if (!sent) co_return s.fail(sent.error());
        co_return result<void>();
    }
    result<void> agreed = co_await batch_state::agree(rt, mine, r, deadline);
    co_return agreed;
}

/// Whether the answer to the last message is about this batch.
result<pub_ack> batch_state::check_ack(result<pub_ack> ack) {
    if (!ack) return fail(ack.error());
    if (ack->batch != id_) return fail({errc::batch_failed, "the server has no batches"});
    ended_ = error{errc::batch_failed, "it was committed"};
    return ack;
}

op<result<pub_ack>> batch_state::close(runtime& rt, batch_state& s, publish_request r, last how) {
    use mine(s, s.slot_);
    s.append(rt, r, how);
    result<publish_request> given(std::move(r));
    result<pub_ack> ack = co_await publish(rt, std::move(given));
    if (mine.state == nullptr) co_return error(errc::batch_failed, "it was destroyed");
    co_return s.check_ack(std::move(ack));
}

op<result<pub_ack>> commit(runtime& rt, batch_state& s, result<publish_request> given) {
    if (!given) co_return given.error();
    publish_request r = std::move(*given);
    if (result<void> ok = s.check_open(rt); !ok) co_return ok.error();
    if (result<void> ok = check_expectation(r, s.size()); !ok) co_return ok.error();
    result<pub_ack> ack = co_await batch_state::close(rt, s, std::move(r), batch_state::last::yes);
    co_return std::move(ack);
}

op<result<pub_ack>> commit_as_it_is(runtime& rt, batch_state& s, duration timeout) {
    if (result<void> ok = s.check_open(rt); !ok) co_return ok.error();
    if (s.size() == 0) co_return error(errc::invalid_argument, "an empty batch");
    publish_options o;
    o.timeout = timeout;
    result<publish_request> r = publish_request::make(s.subject_, {}, o);
    if (!r) co_return r.error();
    result<pub_ack> ack =
        co_await batch_state::close(rt, s, std::move(*r), batch_state::last::not_stored);
    co_return std::move(ack);
}

} // namespace nats::js

// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a message carries no header for this. Its reply subject says all: the id,
// the flow that is wished for, what is to happen with gaps, its number, and whether it is the
// first, another or the last one. The server answers every so many messages, and an answer is about
// all before it, so that a lost one costs nothing but time; a ping asks for the newest again, and
// carries the number of the last message.
//
// An ingest that the server cuts short ends with the same acknowledgement as a whole one. The count
// in it tells them apart.

#include <natsproto/jetstream/ingest_machine.hpp>

#include <natsproto/jetstream/publish.hpp>

#include "core/jetstream/reader.hpp"

#include <algorithm>
#include <utility>

namespace nats::js {

namespace {

/// What comes before the end.
struct ingest_frame {
    std::string type;
    std::uint64_t seq = 0;
    std::uint64_t last_seq = 0;
    std::uint64_t msgs = 0;
};

template <class V, codec::is<ingest_frame> S>
void fields(V& v, S& s) {
    v("type", s.type);
    v("seq", s.seq);
    v("last_seq", s.last_seq);
    v("msgs", s.msgs);
}

std::string numbers(std::uint64_t first, std::uint64_t last) {
    return first == last ? "message " + std::to_string(first)
                         : "messages " + std::to_string(first) + " to " + std::to_string(last);
}

} // namespace

result<void> check(const ingest_options& o) {
    if (o.flow == 0) return error{errc::invalid_argument, "flow must not be 0"};
    if (o.max_outstanding < 1 || o.max_outstanding > 3)
        return error{errc::invalid_argument, "max_outstanding must be from 1 to 3"};
    if (o.ack_timeout <= duration::zero())
        return error{errc::invalid_argument, "ack_timeout must be positive"};
    return {};
}

ingest_machine::ingest_machine(const ingest_options& o, std::string inbox)
    : options_(o), inbox_(std::move(inbox)) {}

std::string_view ingest_machine::id() const noexcept {
    return std::string_view(inbox_).substr(inbox_.rfind('.') + 1);
}

// --- sending

bool ingest_machine::may_send() const noexcept {
    if (finished_ || ending_) return false;
    const std::uint64_t window = every_ * static_cast<std::uint64_t>(options_.max_outstanding);
    return sequence_ == 0 || (started_ && acknowledged_ + window > sequence_);
}

const std::string& ingest_machine::reply_for(operation what) {
    const std::uint64_t number = what == operation::ping ? sequence_ : sequence_ + 1;
    reply_.assign(inbox_).append(1, '.').append(std::to_string(options_.flow));
    reply_.append(options_.continue_on_gap ? ".ok." : ".fail.").append(std::to_string(number));
    reply_.append(1, '.').append(std::to_string(static_cast<int>(what))).append(".$FI");
    return reply_;
}

void ingest_machine::handle_sent(operation what, time_point now) {
    if (what == operation::ping) {
        ping_due_ = false;
        ping_at_ = deadline_after(now, options_.ack_timeout / 3);
        return;
    }
    ++sequence_;
    ending_ = ending_ || what == operation::commit || what == operation::end;
    expected_ = what == operation::end ? sequence_ - 1 : sequence_;
}

void ingest_machine::start_again() noexcept {
    sequence_ = 0;
    unheard_ = false;
    ending_ = false;
}

// --- receiving

void ingest_machine::handle_message(const nats::message_view& m, time_point now) {
    if (finished_) return;
    if (give_up_at_ != no_deadline) begin_wait(now);
    if (m.is_no_responders()) {
        // Later than the first: it was lost, as the server that answers next will notice.
        if (sequence_ == 1 && !started_) unheard_ = true;
        return;
    }
    const result<boost::json::object> o = codec::parse_object(m.payload);
    ingest_frame f;
    codec::reading whole;
    if (!o || o->if_contains("type") == nullptr ||
        !codec::reader::read_fields(*o, m.payload, whole, f))
        return handle_end(m);
    if (f.type == "ack") return handle_flow(f.seq, f.msgs);
    if (f.type == "gap") return handle_gap(f.last_seq, f.seq);
    if (f.type == "err") return handle_refusal(f.seq, codec::error_in(*o).value_or(error()));
    handle_end(m);
}

void ingest_machine::handle_flow(std::uint64_t sequence, std::uint64_t every) {
    started_ = true;
    if (sequence < acknowledged_ || sequence > sequence_) return; // older than another, or nonsense
    acknowledged_ = sequence;
    every_ = std::clamp<std::uint64_t>(every, 1, options_.flow);
}

void ingest_machine::handle_gap(std::uint64_t first, std::uint64_t next) {
    if (next <= first) return;
    trouble({errc::ingest_incomplete, numbers(first, next - 1) + " did not arrive"});
}

void ingest_machine::handle_refusal(std::uint64_t sequence, const error& why) {
    trouble({errc::ingest_incomplete, why.status(),
             numbers(sequence, sequence) + ": " + why.detail(), why.api_code()});
}

/// Ends it, unless it goes on over gaps; then the last word is still to come.
void ingest_machine::trouble(error why) {
    if (options_.continue_on_gap) return warnings_.push(std::move(why));
    if (!trouble_) trouble_ = std::move(why);
    ending_ = true;
}

void ingest_machine::handle_end(const nats::message_view& m) {
    pub_ack ack;
    result<void> read = read_ack(m, ack);
    if (!read) {
        const error& e = read.error();
        const errc code = started_ ? errc::ingest_incomplete : errc::batch_failed;
        if (e == errc::invalid_response) return fail(e);
        return fail(trouble_ ? *trouble_ : error(code, e.status(), e.detail(), e.api_code()));
    }
    if (ack.batch != id())
        return fail({errc::batch_failed, "the server has no fast ingest: it stored the message"});
    const std::uint64_t stored = ack.count;
    outcome_ = std::move(ack);
    if (trouble_) return fail(*trouble_);
    const bool complete = ending_ && stored >= expected_;
    if (!complete) {
        return fail({errc::ingest_incomplete, "the server has ended it with " +
                                                  std::to_string(stored) + " of " +
                                                  std::to_string(sequence_) + " messages"});
    }
    acknowledged_ = sequence_ = expected_;
    finished_ = true;
}

// --- waiting

void ingest_machine::begin_wait(time_point now) noexcept {
    ping_at_ = deadline_after(now, options_.ack_timeout / 3);
    give_up_at_ = deadline_after(now, options_.ack_timeout);
}

time_point ingest_machine::deadline() const noexcept {
    return finished_ ? no_deadline : std::min(ping_at_, give_up_at_);
}

void ingest_machine::handle_timeout(time_point now) {
    if (finished_) return;
    if (now >= give_up_at_) {
        if (trouble_) return fail(*trouble_);
        return fail({errc::timeout, "no sign of the server in " + std::to_string(sequence_) +
                                        " messages of fast ingest"});
    }
    if (now < ping_at_) return;
    ping_due_ = true;
    ping_at_ = give_up_at_;
}

void ingest_machine::fail(error why) {
    if (finished_) return;
    finished_ = true;
    failure_ = std::move(why);
}

} // namespace nats::js

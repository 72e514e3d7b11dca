// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a server that pushes waits for an answer to its flow control before it sends
// more, so the answer is due when all before it was handled, which is when the next message is
// looked at. A heartbeat of a server that waits in vain, since its question was lost, names the
// subject again.

#include <natsproto/jetstream/push_machine.hpp>

#include <natsproto/jetstream/metadata.hpp>
#include <natsproto/jetstream/pull_machine.hpp>

#include "core/text/ascii.hpp"

namespace nats::js {

bool push_machine::handle_message(const nats::message_view& m, time_point now) {
    if (finished_) return false;
    if (silent_at_ != no_deadline) touch(now);
    if (is_status(m)) {
        handle_status(m);
        return false;
    }
    if (const result<metadata> of = parse_metadata(m.reply); of)
        last_delivery_ = of->consumer_sequence;
    return true;
}

void push_machine::handle_status(const nats::message_view& m) {
    const std::uint16_t status = m.status();
    const std::string why(m.headers.description());
    if (status == 100 && !m.reply.empty()) {
        answer_ = m.reply;
    } else if (status == 100) {
        handle_heartbeat(m.headers);
    } else if (status == 409 && text::starts_with_nocase(why, "consumer deleted")) {
        finish({errc::consumer_deleted, status, why});
    } else {
        warnings_.push({errc::pull_refused, status, why});
    }
}

void push_machine::handle_heartbeat(header_view h) {
    if (const auto stalled = h.get("Nats-Consumer-Stalled")) answer_ = *stalled;
    std::uint64_t sent = 0;
    if (!text::parse_decimal(h.get("Nats-Last-Consumer").value_or(""), sent)) return;
    if (grouped_ || last_delivery_ == 0 || sent <= last_delivery_) return;
    warnings_.push({errc::slow_consumer, "delivery " + std::to_string(sent) + " was sent, and " +
                                             std::to_string(last_delivery_) +
                                             " is the last that has come"});
    last_delivery_ = sent; // told once
}

void push_machine::touch(time_point now) noexcept {
    if (heartbeat_ > duration::zero()) silent_at_ = deadline_after(now, 2 * heartbeat_);
}

void push_machine::handle_begin(time_point now) {
    touch(now);
}

void push_machine::handle_timeout(time_point now) {
    if (finished_ || silent_at_ > now) return;
    warnings_.push(errc::no_heartbeat);
    doubt_ = true;
    touch(now);
}

std::optional<std::string> push_machine::poll_answer() {
    if (answer_.empty()) return std::nullopt;
    return std::exchange(answer_, {});
}

void push_machine::finish(error why) {
    if (finished_) return;
    finished_ = true;
    outcome_ = std::move(why);
}

} // namespace nats::js

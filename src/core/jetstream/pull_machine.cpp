// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// `pending` is what the server owes: a pull adds its batch, a message takes one away, and a status
// that ends a pull says how much of it will not come. When it is below the threshold, the rest up
// to the maximum is asked for.
//
// What can make it drift ends by silence: the server owes a heartbeat as long as a pull stands, so
// two missing ones mean that none does, or that nobody is there. Then, and when the connection or
// the consumer's leader has changed, it begins at 0 again with one full pull.
//
// A server that ends each pull at once, again and again, is not asked again at once.

#include <natsproto/jetstream/pull_machine.hpp>

#include <natsproto/jetstream/metadata.hpp>

#include "core/json/object_writer.hpp"
#include "core/text/ascii.hpp"

#include <algorithm>
#include <utility>

namespace nats::js {

namespace {

using namespace std::chrono_literals;

constexpr duration first_backoff = 100ms;
constexpr duration longest_backoff = 5s;
constexpr duration grace = 1s;           // for the server's own timer, and the way
constexpr duration no_wait_timeout = 5s; // an answer to it comes at once
constexpr std::size_t longest_pin_id = 128;

std::uint64_t number_in(header_view h, std::string_view name) noexcept {
    std::uint64_t n = 0;
    return text::parse_decimal(h.get(name).value_or(""), n) ? n : 0;
}

void take(std::uint64_t& from, std::uint64_t n) noexcept {
    from -= std::min(from, n);
}

bool says(std::string_view description, std::string_view start) noexcept {
    return text::starts_with_nocase(description, start);
}

/// What ends any pull, and every other one after it; empty: nothing does.
std::optional<error> fatal(std::uint16_t status, std::string_view why) {
    if (status == 409 && says(why, "consumer deleted"))
        return error{errc::consumer_deleted, status, std::string(why)};
    if (status == 409 && says(why, "consumer is push based"))
        return error{errc::consumer_is_push, status, std::string(why)};
    if (status == 400) return error{errc::pull_refused, status, std::string(why)};
    return std::nullopt;
}

std::uint64_t size_of(const nats::message_view& m) noexcept {
    return m.subject.size() + m.reply.size() + m.size();
}

} // namespace

bool is_status(const nats::message_view& m) noexcept {
    return m.status() != 0 && m.payload.empty() && !is_ack_subject(m.reply);
}

pull_machine::pull_machine(pull_rules rules, time_point now) : rules_(std::move(rules)) {
    if (rules_.again) return;
    ends_at_ = deadline_after(now, rules_.no_wait ? no_wait_timeout : rules_.expires);
    if (!rules_.no_wait) ends_at_ = deadline_after(ends_at_, grace);
}

// --- what comes

bool pull_machine::handle_message(const nats::message_view& m, time_point now) {
    if (finished_) return false;
    if (silent_at_ != no_deadline) touch(now);
    if (is_status(m)) {
        handle_status(m, now);
        return false;
    }
    if (m.reply.empty()) return false; // a stranger's
    count(m);
    return true;
}

void pull_machine::count(const nats::message_view& m) {
    fruitless_ = false;
    backoff_ = duration::zero();
    ++received_;
    received_bytes_ += size_of(m);
    settle_debt(1, size_of(m));
    if (!rules_.group.empty()) {
        const std::optional<std::string_view> pin = m.headers.get("Nats-Pin-Id");
        const auto plain = [](char c) { return c > ' ' && c <= '~'; };
        if (pin && pin->size() <= longest_pin_id && std::ranges::all_of(*pin, plain))
            pin_id_ = *pin;
    }
    const bool all = rules_.again
                         ? rules_.stop_after && received_ >= *rules_.stop_after
                         : received_ >= rules_.max_messages ||
                               (rules_.max_bytes != 0 && received_bytes_ >= rules_.max_bytes);
    if (all) finish(errc::consumption_stopped);
}

void pull_machine::handle_status(const nats::message_view& m, time_point now) {
    const std::uint16_t status = m.status();
    if (status == 100) return; // heartbeats are only a sign of life
    subtract_pending(m.headers);
    const std::string_view text = m.headers.description();
    if (std::optional<error> end = fatal(status, text)) return finish(std::move(*end));
    if (rules_.again)
        handle_consume_status(status, text, now);
    else
        handle_fetch_status(status, text);
}

void pull_machine::subtract_pending(header_view h) {
    settle_debt(number_in(h, "Nats-Pending-Messages"), number_in(h, "Nats-Pending-Bytes"));
}

/// A pull of which all bytes have come owes no messages either, nor the reverse, and no status says
/// so.
void pull_machine::settle_debt(std::uint64_t messages, std::uint64_t size) noexcept {
    take(pending_messages_, messages);
    take(pending_bytes_, size);
    if (rules_.max_bytes == 0 || (pending_messages_ != 0 && pending_bytes_ != 0)) return;
    pending_messages_ = pending_bytes_ = 0;
}

/// Any status is the end of the only pull.
void pull_machine::handle_fetch_status(std::uint16_t status, std::string_view why) {
    if (status == 404 || status == 408) return finish({errc::timeout, status, std::string(why)});
    const bool full = says(why, "batch completed") ||
                      (says(why, "message size exceeds maxbytes") && received_ != 0);
    if (status == 409 && full) return finish(errc::consumption_stopped);
    const errc code = status == 503 ? errc::no_responders : errc::pull_refused;
    finish({code, status, std::string(why)});
}

void pull_machine::handle_consume_status(std::uint16_t status, std::string_view why,
                                         time_point now) {
    if (status == 404 || status == 408) return pull_ended(now);
    if (status == 409 && says(why, "batch completed")) return;
    if (status == 409 && says(why, "message size exceeds maxbytes")) {
        if (fruitless_) warnings_.push({errc::pull_refused, status, std::string(why)});
        return pull_ended(now);
    }
    const bool moved =
        status == 409 && (says(why, "leadership change") || says(why, "server shutdown"));
    if (moved || status == 423 || status == 503) {
        if (status == 423) pin_id_.clear();
        if (status == 503) doubt_ = true;
        reset_pending();
        pull_ended(now);
    }
    // Of the others, such as one that exceeds a limit, nothing says how much will not come. The
    // heartbeats that it has none of will tell.
    if (status != 423) {
        warnings_.push(
            {status == 503 ? errc::no_responders : errc::pull_refused, status, std::string(why)});
    }
}

// --- time

void pull_machine::touch(time_point now) noexcept {
    const duration silence =
        rules_.heartbeat > duration::zero() ? 2 * rules_.heartbeat : rules_.expires + grace;
    silent_at_ = deadline_after(now, silence);
}

void pull_machine::reset_pending() noexcept {
    pending_messages_ = pending_bytes_ = 0;
    silent_at_ = no_deadline;
}

/// Not after its time, and without a message: then the next one may be no better.
void pull_machine::pull_ended(time_point now) {
    if (!fruitless_ || now - pulled_at_ >= std::min<duration>(1s, rules_.expires / 2)) return;
    backoff_ =
        backoff_ == duration::zero() ? first_backoff : std::min(2 * backoff_, longest_backoff);
    retry_at_ = now + backoff_;
}

void pull_machine::handle_timeout(time_point now) {
    if (finished_) return;
    if (ends_at_ <= now) return finish(errc::timeout);
    if (silent_at_ > now) return;
    if (!rules_.again) {
        if (rules_.heartbeat > duration::zero()) finish(errc::no_heartbeat);
        silent_at_ = no_deadline;
        return;
    }
    if (rules_.heartbeat > duration::zero()) warnings_.push(errc::no_heartbeat);
    doubt_ = true;
    reset_pending();
}

void pull_machine::handle_connected(time_point now) {
    connected_ = true;
    asked_ = false;
    retry_at_ = now;
    backoff_ = duration::zero();
    reset_pending();
}

void pull_machine::handle_disconnected() {
    connected_ = false;
    silent_at_ = no_deadline;
}

time_point pull_machine::deadline() const noexcept {
    if (finished_) return no_deadline;
    const time_point retry = wants_pull() ? retry_at_ : no_deadline;
    return std::min({ends_at_, silent_at_, retry});
}

// --- what goes out

std::uint64_t pull_machine::batch() const noexcept {
    if (!rules_.again) return rules_.max_messages - received_;
    std::uint64_t most = rules_.max_messages;
    if (rules_.count_messages) most -= std::min(most, pending_messages_);
    if (rules_.stop_after) {
        const std::uint64_t coming = received_ + pending_messages_;
        most = std::min(most, *rules_.stop_after - std::min(*rules_.stop_after, coming));
    }
    return most;
}

bool pull_machine::wants_pull() const noexcept {
    if (!connected_ || finished_) return false;
    if (!rules_.again) return !asked_;
    const bool few = rules_.count_messages && pending_messages_ < rules_.threshold_messages;
    const bool short_of_bytes = rules_.max_bytes != 0 && pending_bytes_ < rules_.threshold_bytes;
    return (few || short_of_bytes) && batch() != 0 &&
           (rules_.max_bytes == 0 || pending_bytes_ < rules_.max_bytes);
}

std::optional<std::string> pull_machine::poll_pull(time_point now) {
    if (!wants_pull() || now < retry_at_) return std::nullopt;
    duration expires = rules_.expires;
    std::uint64_t bytes = rules_.max_bytes;
    if (!rules_.again) {
        if (!rules_.no_wait) expires = std::min(expires, ends_at_ - grace - now);
        asked_ = true;
        if (expires <= duration::zero()) return std::nullopt; // it only waits for its end
        bytes -= std::min(bytes, received_bytes_);
    } else if (bytes != 0) {
        bytes -= pending_bytes_;
    }
    last_batch_ = batch();
    last_bytes_ = bytes;
    pending_messages_ += last_batch_;
    pending_bytes_ += last_bytes_;
    fruitless_ = true;
    pulled_at_ = now;
    touch(now);
    return encode(last_batch_, last_bytes_, expires);
}

void pull_machine::handle_not_sent(time_point now) {
    take(pending_messages_, last_batch_);
    take(pending_bytes_, last_bytes_);
    asked_ = false;
    pull_ended(now);
    retry_at_ = std::max(retry_at_, now + first_backoff);
}

std::string pull_machine::encode(std::uint64_t batch, std::uint64_t bytes, duration expires) {
    const auto ns = [](duration d) { return std::chrono::nanoseconds(d).count(); };
    json_text::object_writer<std::string> w;
    w.number("batch", batch);
    if (rules_.no_wait)
        w.flag("no_wait", true);
    else
        w.number("expires", ns(expires));
    if (bytes != 0) w.number("max_bytes", bytes);
    const duration heartbeat = std::min(rules_.heartbeat, expires / 2);
    if (heartbeat > duration::zero()) w.number("idle_heartbeat", ns(heartbeat));
    w.text("group", rules_.group);
    if (rules_.min_pending) w.number("min_pending", *rules_.min_pending);
    if (rules_.min_ack_pending) w.number("min_ack_pending", *rules_.min_ack_pending);
    w.text("id", pin_id_);
    if (rules_.priority) w.number("priority", unsigned{*rules_.priority});
    w.end();
    return std::move(w.out);
}

// --- what is told

bool pull_machine::poll_doubt() noexcept {
    return std::exchange(doubt_, false);
}

void pull_machine::finish(error why) {
    if (finished_) return;
    finished_ = true;
    outcome_ = std::move(why);
}

} // namespace nats::js

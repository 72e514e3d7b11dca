// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// A ticket is slot and generation, as a token of the runtime's requests is: an answer that comes
// late, twice, or from a stranger who guesses finds nothing. All publishes have the same time to be
// acknowledged, so the order in which they were sent is the order of their deadlines, and also that
// of their connections; what is over is always at the front. One that is sent again leaves that
// order while it waits for its next try, and then begins anew at the end.
//
// A place that is done goes to the end of the free ones and is taken from the front, but only when
// there are more of them than results to be kept; before that the table grows. So it has at most
// `max_pending + keep_results` places, and a few more while handlers are being told.

#include <natsproto/jetstream/publish_window.hpp>

#include <natsproto/jetstream/publish.hpp>
#include <natsproto/nuid.hpp>

#include <algorithm>
#include <utility>

namespace nats::js {

namespace {

constexpr unsigned slot_bits = 20;
constexpr std::uint32_t max_generation = (1U << 27U) - 1;
constexpr std::uint32_t most = 65536;

constexpr std::uint32_t generation_after(std::uint32_t g) noexcept {
    return (g + 1) & max_generation;
}

} // namespace

result<void> check(const publisher_options& o) {
    const auto wrong = [](const char* what) { return error{errc::invalid_argument, what}; };
    if (o.max_pending == 0 || o.max_pending > most) return wrong("max_pending");
    if (o.keep_results > most) return wrong("keep_results");
    if (o.stall_wait < duration::zero()) return wrong("stall_wait is negative");
    if (o.ack_timeout <= duration::zero()) return wrong("ack_timeout must be positive");
    if (o.retry_attempts != 0 && o.retry_wait <= duration::zero())
        return wrong("retry_wait must be positive");
    return {};
}

publish_window::publish_window(const publisher_options& o, std::uint32_t first_generation)
    : options_(o), first_generation_(first_generation & max_generation) {}

// --- places

publish_ticket publish_window::ticket_of(index i, std::uint32_t generation) noexcept {
    return {((std::uint64_t{generation} << slot_bits) | i) + 1};
}

publish_window::index publish_window::index_of(publish_ticket t) noexcept {
    return static_cast<index>((t.value - 1) & ((1U << slot_bits) - 1));
}

const publish_window::slot* publish_window::find(publish_ticket t) const noexcept {
    if (t.value == 0) return nullptr;
    const index i = index_of(t);
    if (i >= slots_.size() || slots_[i].where == phase::unused) return nullptr;
    return ticket_of(i, slots_[i].generation) == t ? &slots_[i] : nullptr;
}

publish_window::slot* publish_window::find(publish_ticket t) noexcept {
    return const_cast<slot*>(std::as_const(*this).find(t)); // NOLINT(*-const-cast): of this table
}

void publish_window::push_back(list& l, index i) noexcept {
    slots_[i].previous = l.last;
    slots_[i].next = none;
    (l.last != none ? slots_[l.last].next : l.first) = i;
    l.last = i;
    ++l.size;
}

void publish_window::push_front(list& l, index i) noexcept {
    slots_[i].previous = none;
    slots_[i].next = l.first;
    (l.first != none ? slots_[l.first].previous : l.last) = i;
    l.first = i;
    ++l.size;
}

void publish_window::remove(list& l, index i) noexcept {
    const slot& s = slots_[i];
    (s.previous != none ? slots_[s.previous].next : l.first) = s.next;
    (s.next != none ? slots_[s.next].previous : l.last) = s.previous;
    --l.size;
}

publish_window::list& publish_window::list_of(const slot& s) noexcept {
    return s.where == phase::retrying ? retrying_ : waiting_;
}

// --- publishing

publish_ticket publish_window::next() {
    const bool reusable = free_.first != none && (free_.size > options_.keep_results ||
                                                  slots_[free_.first].where == phase::unused);
    if (!reusable) { // to the front: it is the next one, also if that is asked for twice
        slots_.emplace_back();
        slots_.back().generation = first_generation_;
        push_front(free_, static_cast<index>(slots_.size() - 1));
    }
    const index i = free_.first;
    if (slots_[i].where == phase::unused) return ticket_of(i, slots_[i].generation);
    return ticket_of(i, generation_after(slots_[i].generation));
}

void publish_window::write_token(publish_ticket t, char* out) noexcept {
    write_base62(out, token_size, t.value);
}

void publish_window::begin(std::string_view subject, header_view headers, bytes payload,
                           time_point now, std::uint64_t connection) {
    const publish_ticket t = next();
    const index i = index_of(t);
    slot& s = slots_[i];
    if (options_.retry_attempts != 0) {
        s.message.assign(subject);
        s.headers_at = s.message.size();
        s.message.append(headers.raw());
        s.payload_at = s.message.size();
        s.message.append(payload.text());
    }
    remove(free_, i);
    if (s.where == phase::done) s.generation = generation_after(s.generation);
    s.where = phase::pending;
    s.released = false;
    s.tries = 0;
    s.deadline = deadline_after(now, options_.ack_timeout);
    s.connection = connection;
    s.waiting = nullptr;
    push_back(waiting_, i);
    ++pending_;
    ++counts_.published;
}

// --- ends

publish_ticket publish_window::finish(index i) {
    slot& s = slots_[i];
    remove(list_of(s), i);
    s.where = phase::done;
    --pending_;
    if (s.outcome) {
        ++counts_.acknowledged;
        if (s.outcome->duplicate) ++counts_.duplicates;
    } else {
        ++counts_.failed;
    }
    return ticket_of(i, s.generation);
}

publish_ticket publish_window::fail(index i, error why) {
    slots_[i].outcome = std::move(why);
    return finish(i);
}

std::optional<publish_ticket> publish_window::handle_answer(std::string_view token,
                                                            const nats::message_view& answer,
                                                            time_point now) {
    publish_ticket t;
    if (token.size() != token_size || !read_base62(token.data(), token_size, t.value))
        return std::nullopt;
    slot* const s = find(t);
    if (s == nullptr || s->where != phase::pending) return std::nullopt;
    const index i = index_of(t);
    if (answer.is_no_responders() && s->tries < options_.retry_attempts) {
        retry_later(i, now);
        return std::nullopt;
    }
    if (!s->outcome) s->outcome = pub_ack();
    result<void> read = read_ack(answer, *s->outcome);
    if (!read) return fail(i, read.error());
    return finish(i);
}

std::optional<publish_ticket> publish_window::expire(time_point now, std::uint64_t connection) {
    const index i = waiting_.first;
    if (i == none || slots_[i].deadline > now) return std::nullopt;
    if (slots_[i].connection != connection) return fail(i, errc::publish_unconfirmed);
    return fail(i, error{errc::timeout, "no acknowledgement"});
}

std::optional<publish_ticket> publish_window::lose(std::uint64_t connection) {
    const index i = waiting_.first;
    if (i == none || slots_[i].connection >= connection) return std::nullopt;
    return fail(i, errc::publish_unconfirmed);
}

std::optional<publish_ticket> publish_window::abandon(const error& why) {
    const index i = waiting_.first != none ? waiting_.first : retrying_.first;
    if (i == none) return std::nullopt;
    return fail(i, error{errc::publish_unconfirmed, why.message()});
}

void publish_window::release(publish_ticket t) {
    slot* const s = find(t);
    if (s == nullptr || s->where != phase::done || std::exchange(s->released, true)) return;
    push_back(free_, index_of(t));
}

// --- sending again

std::optional<publish_window::message_to_send> publish_window::retry(time_point now,
                                                                     std::uint64_t connection) {
    const index i = retrying_.first;
    if (i == none || slots_[i].retry_at > now) return std::nullopt;
    slot& s = slots_[i];
    remove(retrying_, i);
    s.where = phase::pending;
    s.deadline = deadline_after(now, options_.ack_timeout);
    s.connection = connection;
    push_back(waiting_, i);
    const std::string_view all = s.message;
    return message_to_send{ticket_of(i, s.generation), all.substr(0, s.headers_at),
                           header_view(all.substr(s.headers_at, s.payload_at - s.headers_at)),
                           all.substr(s.payload_at)};
}

std::optional<publish_ticket> publish_window::handle_unsent(publish_ticket t, const error& why,
                                                            time_point now) {
    const index i = index_of(t);
    if (slots_[i].tries >= options_.retry_attempts) return fail(i, why);
    retry_later(i, now);
    return std::nullopt;
}

void publish_window::retry_later(index i, time_point now) {
    slot& s = slots_[i];
    ++s.tries;
    remove(waiting_, i);
    s.where = phase::retrying;
    s.retry_at = deadline_after(now, options_.retry_wait);
    push_back(retrying_, i);
}

time_point publish_window::deadline() const noexcept {
    time_point due = no_deadline;
    if (waiting_.first != none) due = slots_[waiting_.first].deadline;
    if (retrying_.first != none) due = std::min(due, slots_[retrying_.first].retry_at);
    return due;
}

// --- results

result<const result<pub_ack>*> publish_window::outcome(publish_ticket t) const {
    const slot* const s = find(t);
    if (s == nullptr)
        return error{errc::invalid_argument, "no such publish, or its result is not kept any more"};
    return s->where == phase::done ? &s->outcome : nullptr;
}

wakeup* publish_window::waiting(publish_ticket t) const noexcept {
    const slot* const s = find(t);
    return s != nullptr ? s->waiting : nullptr;
}

void publish_window::set_waiting(publish_ticket t, wakeup* w) noexcept {
    slot* const s = find(t);
    if (s != nullptr) s->waiting = w;
}

} // namespace nats::js

// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a subscription is a slot of a table. Its sid holds the slot's number in the
// low 20 bits and how often the slot was used before in the rest, so finding it is one index and
// one comparison, and a late message for a subscription that has ended finds nothing.

#include <natsproto/session.hpp>

#include <algorithm>

namespace nats {

result<sub_id> session::subscribe(std::string_view subject, std::optional<std::string_view> queue,
                                  void* cookie) {
    if (status_ == session_status::closed) return error{errc::connection_closed};
    if (is_draining()) return error{errc::draining};
    const std::size_t slot = free_sub_ != 0 ? free_sub_ - 1 : subs_.size();
    if (slot >= std::min<std::size_t>(limits_.max_subscriptions, slot_mask))
        return error{errc::too_many_subscriptions};
    const std::uint32_t generation = slot < subs_.size() ? subs_[slot].generation : 0;
    const std::uint64_t sid = (std::uint64_t{generation} << slot_bits) | (slot + 1);
    if (status_ == session_status::connected) {
        if (result<void> sent = connection_.subscribe(subject, queue, sid); !sent) {
            if (sent.error() == errc::output_full) wants_room_ = true;
            return sent.error();
        }
    } else if (result<void> ok = connection_.check_subscribe(subject, queue, sid); !ok) {
        return ok.error();
    }
    if (slot == subs_.size()) subs_.emplace_back();
    subscription& s = subs_[slot];
    free_sub_ = s.next_free;
    s.sid = sid;
    s.delivered = s.max = s.before = 0;
    s.cookie = cookie;
    s.next_free = 0;
    s.draining = false;
    s.subject = subject;
    s.queue = queue.value_or(std::string_view{});
    ++active_subs_;
    return sub_id{sid};
}

result<void> session::unsubscribe(sub_id id, std::optional<std::uint64_t> after) {
    subscription* s = find(static_cast<std::uint64_t>(id));
    if (s == nullptr && !after) forget_drained(id);
    if (status_ == session_status::closed) return error{errc::connection_closed};
    if (s == nullptr) return error{errc::invalid_subscription};
    if (after && *after == 0) return error{errc::invalid_argument, "unsubscribe after 0 messages"};
    if (result<void> ok = connection_.check_unsubscribe(after); !ok) return ok;
    const bool now = !after || *after <= s->delivered;
    if ((is_up() || is_draining()) && !s->draining) { // a draining one has its UNSUB
        // The server counts from the SUB of this connection on.
        result<void> sent =
            connection_.unsubscribe(s->sid, now ? std::nullopt : std::optional(*after - s->before));
        if (!sent) return sent;
    }
    if (now)
        release(*s);
    else
        s->max = *after;
    return {};
}

/// What the cookie of an event that is still to be taken was for may be gone by then.
void session::forget_drained(sub_id id) noexcept {
    for (std::size_t i = 0; i < events_.size(); ++i) {
        queued_event& e = events_[i];
        if (e.kind == queued_kind::subscription_drained && e.sub == id) e.cookie = nullptr;
    }
}

/// Whose SUB a permission error is about.
const session::subscription* session::find_refused(const wire::server_error_class& what) const {
    if (what.sid != 0) return find(what.sid);
    for (const subscription& s : subs_) {
        if (s.sid != 0 && s.subject == what.subject && s.queue == what.queue) return &s;
    }
    return nullptr;
}

void session::release(subscription& s) noexcept {
    s.sid = 0;
    s.cookie = nullptr;
    s.subject.clear();
    s.queue.clear();
    ++s.generation;
    s.next_free = free_sub_;
    free_sub_ = static_cast<std::uint32_t>(&s - subs_.data()) + 1;
    --active_subs_;
}

std::string_view session::subject_of(sub_id id) const noexcept {
    const subscription* s = find(static_cast<std::uint64_t>(id));
    return s != nullptr ? std::string_view(s->subject) : std::string_view{};
}

} // namespace nats

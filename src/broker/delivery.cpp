// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// A message goes to each plain subscription that its subject matches, and to one member of each
// queue group: members of one name stand together whatever pattern they match by, one is chosen
// evenly, and when that one cannot take the message, the next. What a subject matches is kept until
// subscriptions change: publishers repeat themselves.
//
// While a message is routed no subscription comes or goes, and no peer is closed. What that asks
// for is noted, and done in finish_route() and hub::run().
//
// A client that has more than three quarters of its bound waiting slows down whoever publishes to
// it: that client's input waits until this one has read, but no longer than a moment, so that one
// who never reads cannot stop the others. Then it is cut off at the bound.

#include <natsproto/subject.hpp>

#include "broker/hub.hpp"

#include <algorithm>
#include <utility>

namespace nats::embedded {

// --- subscriptions

result<void> hub::insert(subscription& s, std::string_view subject, std::string_view queue) {
    found_valid_ = false;
    result<void> ok = router_.insert(s.route, subject, queue);
    if (ok) ++stats_.subscriptions;
    return ok;
}

void hub::erase(subscription& s) noexcept {
    if (!s.route.inserted()) return;
    found_valid_ = false;
    router_.erase(s.route);
    --stats_.subscriptions;
}

void hub::look_up(std::string_view subject) {
    if (found_valid_ && subject == found_subject_) return;
    found_valid_ = false;
    router_.match(subject, found_);
    found_subject_ = subject;
    found_valid_ = true;
}

// --- routing

/// True: somebody got it.
bool hub::route(const outgoing& m) {
    look_up(m.subject);
    routing_ = true;
    bool heard = false;
    for (const auto& routes : found_.plain) {
        for (const subject_router::route* const r : routes)
            heard = deliver(*static_cast<subscription*>(r->owner()), m) || heard;
    }
    const std::span<const subject_router::queue_match> queues = found_.queues;
    for (std::size_t i = 0, end = 0; i < queues.size(); i = end) {
        for (end = i + 1; end < queues.size() && queues[end].name == queues[i].name;) ++end;
        heard = deliver_to_one(queues.subspan(i, end - i), m) || heard;
    }
    routing_ = false;
    finish_route();
    return heard;
}

bool hub::deliver_to_one(std::span<const subject_router::queue_match> parts, const outgoing& m) {
    std::size_t members = 0;
    for (const subject_router::queue_match& part : parts) members += part.members.size();
    std::size_t part = 0;
    std::size_t at = members == 1 ? 0 : static_cast<std::size_t>(random_.below(members));
    for (; at >= parts[part].members.size(); ++part) at -= parts[part].members.size();
    for (std::size_t tried = 0; tried < members; ++tried) {
        while (at == parts[part].members.size()) {
            part = part + 1 == parts.size() ? 0 : part + 1;
            at = 0;
        }
        if (deliver(*static_cast<subscription*>(parts[part].members[at]->owner()), m)) return true;
        ++at;
    }
    return false;
}

bool hub::deliver(subscription& s, const outgoing& m) {
    const bool taken = s.receiver != nullptr
                           ? s.receiver->deliver(s, m)
                           : deliver_locally(static_cast<local_subscription&>(s), m);
    if (!taken) return false;
    ++stats_.out_messages;
    stats_.out_bytes += m.size();
    return true;
}

/// Does what could not be done while the subscriptions were gone through.
void hub::finish_route() {
    for (subscription* const s : spent_) {
        peer& p = *s->receiver;
        erase(*s);
        p.subscriptions.erase(p.subscriptions.find(s->sid));
    }
    spent_.clear();
    if (!std::exchange(locals_removed_, false)) return;
    for (auto i = locals_.begin(); i != locals_.end();) {
        if (!i->second.removed) {
            ++i;
            continue;
        }
        erase(i->second);
        i = locals_.erase(i);
    }
}

// --- publishing

void hub::publish(peer& from, const outgoing& m) {
    const bool heard = route(m);
    if (!heard && !m.reply.empty() && from.active() && from.connection().no_responders())
        answer_no_responders(from, m.reply);
    deliver_queued();
}

/// Only where the client itself listens for the reply, and not as one of a queue group.
void hub::answer_no_responders(peer& from, std::string_view reply) {
    router_.match(reply, reply_found_);
    for (const auto& routes : reply_found_.plain) {
        for (const subject_router::route* const r : routes) {
            const auto& s = *static_cast<const subscription*>(r->owner());
            if (s.receiver != &from) continue;
            constexpr std::string_view no_responders = "NATS/1.0 503\r\n\r\n";
            (void)from.connection().deliver(reply, s.sid, {}, header_view(no_responders), {});
            return;
        }
    }
}

result<bool> hub::publish(std::string_view subject, bytes payload, std::string_view reply,
                          header_view headers) {
    if (!is_publish_subject(subject))
        return error{errc::invalid_subject, "publish to \"" + printable(subject) + '"'};
    if (!reply.empty() && !is_publish_subject(reply))
        return error{errc::invalid_subject, "reply subject \"" + printable(reply) + '"'};
    const outgoing m{nullptr, subject, reply, headers.raw(), payload.text()};
    if (m.size() > static_cast<std::size_t>(options_.max_payload))
        return error{errc::payload_too_large, std::to_string(m.size()) + " bytes"};
    if (routing_) return queue_publish(m);
    ++stats_.in_messages;
    stats_.in_bytes += m.size();
    return route(m);
}

// --- one client

bool peer::deliver(subscription& s, const outgoing& m) {
    if (stage_ != stage::active) return false;
    if (m.from == this && !connection_.request().echo) return false;
    if (s.filter != nullptr && !may_receive(s, m.subject)) return false;
    if (s.max != 0) {
        if (s.delivered >= s.max) return false;
        if (s.delivered + 1 == s.max) hub_.is_spent(s);
    }
    ++s.delivered;
    if (replies_ != nullptr && !m.reply.empty()) replies_->note(m.reply, hub_.now_);
    (void)connection_.deliver(m.subject, s.sid, m.reply, header_view(m.header), m.payload);
    ++out_messages_;
    if (!named_) output_changed();
    if (connection_.untransmitted() > hub_.stall_mark()) overfull(m.from, m.size());
    return true;
}

/// By what its user may do now, which another CONNECT may have changed.
bool peer::may_receive(const subscription& s, std::string_view subject) const {
    return who_.allowed == nullptr || who_.allowed->may_receive(subject, *s.filter);
}

/// Much waits for this client.
void peer::overfull(peer* from, std::size_t size) {
    if (connection_.untransmitted() > hub_.options_.max_pending) {
        if (stage_ == stage::active) ++hub_.stats_.slow_consumers;
        cut();
        return;
    }
    if (from == nullptr) return;
    if (excused_ != 0) {
        excused_ -= std::min(excused_, size);
        return;
    }
    if (slow_since_ == no_deadline) slow_since_ = hub_.now_;
    const time_point end = deadline_after(slow_since_, longest_wait);
    if (hub_.now_ < end) {
        from->wait_for(*this, end);
    } else {
        slow_since_ = no_deadline;
        excused_ = bytes_between_waits;
    }
}

void peer::wait_for(peer& slower, time_point end) {
    if (stage_ != stage::active || waiting.linked()) return;
    slower.those_waiting.push_back(waiting);
    arm(resume_at_, end);
    hub_.name(*this); // it does not want to read any more
}

/// There is room again.
void peer::has_caught_up() {
    excused_ = 0;
    slow_since_ = no_deadline;
    let_others_go_on();
}

void peer::let_others_go_on() {
    while (!those_waiting.empty()) those_waiting.front().owner->resume();
}

void peer::resume() {
    waiting.unlink();
    resume_at_ = no_deadline;
    hub_.has_work(*this);
    hub_.name(*this);
}

} // namespace nats::embedded

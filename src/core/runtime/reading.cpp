// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: what a reader can have without waiting. First what is queued for it, and the
// trouble that it has to hear of before; then, for those who ask so, the very next message that has
// come, which is parsed here and given to it where it stands. What is parsed on the way and is for
// somebody else is dispatched, or put off where that must not be.

#include <natsproto/runtime.hpp>

#include <utility>

namespace nats {

std::optional<error> runtime::take_trouble(mailbox& box) {
    if (std::exchange(box.slow_unseen_, false))
        return error{errc::slow_consumer, std::to_string(box.dropped_) + " dropped so far"};
    if (std::exchange(box.refusal_unseen_, false)) return box.refusal_;
    return std::nullopt;
}

result<std::optional<message_view>> runtime::try_next(mailbox& box) {
    result<const message_view*> queued = queued_for(box);
    if (!queued) return queued.error();
    return *queued != nullptr ? std::optional(**queued) : std::optional<message_view>();
}

/// The next queued message, or null.
result<const message_view*> runtime::queued_for(mailbox& box) {
    box.reading_ = false; // whoever asks for the next one has dealt with the last
    if (std::optional<error> why = take_trouble(box)) return std::move(*why);
    if (box.head_ != nullptr) return give_queued(box);
    if (handlers_running_ == 0) {
        if (drain_pending_) step_drain();
        if (!barriers_.empty()) step_barriers();
        if (!ends_.empty()) tell_ends();
    }
    if (!box.active()) return box.end_reason();
    return nullptr;
}

const message_view* runtime::give_queued(mailbox& box) {
    ++box.delivered_;
    box.reading_ = true;
    return box.pop();
}

/// Nobody else is to have it, and nothing is queued before it.
inline bool runtime::goes_to_reader(const message_in_place& m, const mailbox& box) const noexcept {
    return m.cookie == &box && box.handler_ == nullptr && box.waiter_ == nullptr &&
           box.head_ == nullptr;
}

inline const message_view* runtime::give_to_reader(const message_in_place& m, mailbox& box) {
    ++box.delivered_;
    box.reading_ = true;
    if (m.last) {
        box.id_.reset();
        box.ended_ = errc::max_messages_reached;
        note_end(box);
    }
    return m.view;
}

const message_view* runtime::take_now(mailbox& box, bool parse) {
    if (box.has_trouble() || box.handler_ != nullptr || box.waiter_ != nullptr) return nullptr;
    if (box.head_ != nullptr) return give_queued(box);
    if (!parse || !box.id_ || handlers_running_ != 0 || is_behind()) return nullptr;
    box.reading_ = false;
    message_in_place m;
    if (!session_->next_message(m)) return nullptr;
    if (goes_to_reader(m, box)) return give_to_reader(m, box);
    put_off_.copy.assign(*m.view);
    put_off_.held = true;
    put_off_.last = m.last;
    put_off_.sub = m.sub;
    put_off_.cookie = m.cookie;
    return nullptr;
}

result<const message_view*> runtime::next_for(mailbox& box) {
    using queued = result<const message_view*>;
    const bool at_rest = box.head_ == nullptr && box.id_ && !box.has_trouble() && !is_behind();
    if (at_rest) // the usual case, where `queued_for` does only this
        box.reading_ = false;
    else if (queued first = queued_for(box); !first || *first != nullptr)
        return first;
    wanted_mailbox wanted{&box, wanted_};
    wanted_ = &wanted;
    struct leave {
        runtime* rt;
        ~leave() { rt->wanted_ = rt->wanted_->outer; }
    } const guard{this};
    while (true) {
        message_in_place m;
        bool parsed = false; // a plain message of somebody else
        if (put_off_.held) {
            dispatch_put_off(); // of an op that ran in between
        } else if (session_->next_message(m)) {
            if (goes_to_reader(m, box)) return give_to_reader(m, box);
            dispatch_message(m);
            parsed = true;
        } else {
            if (!session_->next(other_)) return nullptr;
            const auto* cut = std::get_if<ev::message>(&other_); // or not plainly written
            if (cut != nullptr && goes_to_reader(in_place(*cut), box))
                return give_to_reader(in_place(*cut), box);
            dispatch(event(other_)); // what it calls may come here again
        }
        if (wanted.box == nullptr) return error{errc::invalid_subscription};
        if (parsed && box.head_ == nullptr && box.active()) continue; // nothing for it
        if (queued next = queued_for(box); !next || *next != nullptr) return next;
    }
}

} // namespace nats

// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a handler runs while its message is being routed. What it publishes is
// copied and routed afterwards, in order; a handler that goes on publishing to itself does not keep
// a call from returning: after a number of messages the rest waits for the next handle_timeout,
// which is due at once.

#include <natsproto/subject.hpp>

#include "broker/hub.hpp"

#include <algorithm>
#include <utility>

namespace nats::embedded {

result<local_sub_id> hub::subscribe(std::string_view subject, std::string_view queue,
                                    broker::handler h, void* context) {
    if (routing_) return error{errc::in_use, "subscribe from inside of a handler"};
    if (h == nullptr) return error{errc::invalid_argument, "no handler"};
    if (!queue.empty() && !is_queue_group(queue))
        return error{errc::invalid_queue_group, '"' + printable(queue) + '"'};
    const local_sub_id id{++last_local_};
    const auto at = locals_.try_emplace(id, h, context).first;
    if (result<void> ok = insert(at->second, subject, queue); !ok) {
        locals_.erase(at);
        return error{errc::invalid_subject, "subscribe to \"" + printable(subject) + '"'};
    }
    return id;
}

void hub::unsubscribe(local_sub_id id) {
    const auto found = locals_.find(id);
    if (found == locals_.end()) return;
    if (routing_) { // it is called no more, and goes when the message has been routed
        found->second.removed = locals_removed_ = true;
        return;
    }
    erase(found->second);
    locals_.erase(found);
}

bool hub::deliver_locally(local_subscription& s, const outgoing& m) const {
    if (s.removed) return false;
    ++s.delivered;
    s.handler(s.context, *face_,
              message_view{m.subject, m.reply, header_view(m.header), m.payload});
    return true;
}

/// True if anybody subscribes to it now.
result<bool> hub::queue_publish(const outgoing& m) {
    if (queued_.size() >= most_queued || queued_bytes_ + m.size() > most_queued_bytes)
        return error{errc::output_full, "published by handlers, and not delivered yet"};
    queued_.push_back(message(message_view{m.subject, m.reply, header_view(m.header), m.payload}));
    queued_bytes_ += m.size();
    router_.match(m.subject, reply_found_);
    return !reply_found_.empty();
}

void hub::deliver_queued() {
    while (!queued_.empty() && left_at_once_ != 0) {
        --left_at_once_;
        const message next = queued_.pop_front();
        queued_bytes_ -= next.size();
        ++stats_.in_messages;
        stats_.in_bytes += next.size();
        (void)route({nullptr, next.subject(), next.reply(), next.headers().raw(), next.payload()});
    }
}

} // namespace nats::embedded

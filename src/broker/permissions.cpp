// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// Publishing is asked for each message, so its lists are routers: the cost is that of the subject's
// tokens. Subscribing is rare and is asked with wildcards: an entry allows or denies a subscription
// when it contains it. A wildcard subscription that a denied subject overlaps is allowed, and its
// messages are filtered.
//
// As in nats-server, what allows a queue group outweighs what allows the subject alone: once there
// are entries for groups on the subject, they alone decide about a queue subscription. An entry of
// the other list denies in any case (since 2.15; before, the same rule held there too). And whoever
// may answer requests may publish nothing else unless a list allows it.
//
// Two things are stricter than in nats-server: `foo.*` does not allow a subscription to `foo.>`,
// and messages are filtered as by 2.15, also where a denied subject only overlaps (`*.b` and
// `a.*`).

#include "broker/permissions.hpp"

#include <algorithm>

namespace nats::embedded {

pattern_set::~pattern_set() {
    for (subject_router::route& r : routes_) router_.erase(r);
}

result<void> pattern_set::add(std::string_view pattern) {
    if (result<void> ok = router_.insert(routes_.emplace_back(), pattern); !ok) {
        routes_.pop_back();
        return ok;
    }
    return {};
}

bool pattern_set::matches(std::string_view subject) const {
    if (routes_.empty()) return false;
    router_.match(subject, found_);
    return !found_.empty();
}

namespace {

void add_all(pattern_set& set, const std::vector<std::string>& patterns) {
    for (const std::string& p : patterns) (void)set.add(p); // they are checked
}

error bad_entry(std::string_view of, const char* list, std::string_view entry) {
    return {errc::invalid_subject,
            std::string(list) + " permission \"" + printable(entry) + "\" of " + std::string(of)};
}

} // namespace

permission_set::entry permission_set::split(std::string_view text) {
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos) return {std::string(text), {}};
    return {std::string(text.substr(0, space)), std::string(text.substr(space + 1))};
}

result<void> permission_set::check(const permissions& p, std::string_view of) {
    for (const auto* list : {&p.publish.allow, &p.publish.deny}) {
        for (const std::string& text : *list) {
            if (!is_server_subject(text)) return bad_entry(of, "publish", text);
        }
    }
    for (const auto* list : {&p.subscribe.allow, &p.subscribe.deny}) {
        for (const std::string& text : *list) {
            const entry e = split(text);
            const bool has_queue = text.size() != e.subject.size();
            if (!is_server_subject(e.subject) || (has_queue && !is_server_subject(e.queue)))
                return bad_entry(of, "subscribe", text);
        }
    }
    if (p.responses && p.responses->expires < duration::zero())
        return error{errc::invalid_argument, "responses.expires of " + std::string(of)};
    return {};
}

permission_set::permission_set(const permissions& p, random_source& random)
    : publish_all_(p.publish.allow.empty() && !p.responses),
      publish_allow_(random),
      publish_deny_(random),
      receive_deny_(random),
      responses_(p.responses) {
    add_all(publish_allow_, p.publish.allow);
    add_all(publish_deny_, p.publish.deny);
    for (const std::string& text : p.subscribe.allow) subscribe_allow_.push_back(split(text));
    for (const std::string& text : p.subscribe.deny) {
        subscribe_deny_.push_back(split(text));
        if (subscribe_deny_.back().queue.empty())
            (void)receive_deny_.add(text);
        else
            group_deny_.push_back(subscribe_deny_.back());
    }
}

bool permission_set::may_publish(std::string_view subject) const {
    return (publish_all_ || publish_allow_.matches(subject)) && !publish_deny_.matches(subject);
}

permission_set::verdict permission_set::look_up(const std::vector<entry>& list,
                                                std::string_view subject, std::string_view queue) {
    verdict v;
    for (const entry& e : list) {
        if (!subject_contains(e.subject, subject)) continue;
        if (e.queue.empty()) {
            v.plain = true;
        } else {
            v.groups = true;
            v.group = v.group || is_about(e, queue);
        }
    }
    return v;
}

bool permission_set::may_subscribe(std::string_view subject, std::string_view queue) const {
    if (!subscribe_allow_.empty()) {
        const verdict v = look_up(subscribe_allow_, subject, queue);
        if (!(!queue.empty() && v.groups ? v.group : v.plain)) return false;
    }
    const verdict v = look_up(subscribe_deny_, subject, queue);
    return !v.plain && !v.group;
}

bool permission_set::is_about(const entry& e, std::string_view queue) {
    return e.queue.empty() || (!queue.empty() && subject_contains(e.queue, queue));
}

bool permission_set::filters(std::string_view pattern, std::string_view queue) const {
    return std::any_of(subscribe_deny_.begin(), subscribe_deny_.end(), [&](const entry& e) {
        return is_about(e, queue) && subjects_overlap(pattern, e.subject);
    });
}

bool permission_set::may_receive(std::string_view subject, std::string_view queue) const {
    if (receive_deny_.matches(subject)) return false;
    return std::none_of(group_deny_.begin(), group_deny_.end(), [&](const entry& e) {
        return is_about(e, queue) && subject_contains(e.subject, subject);
    });
}

// --- replies

void reply_permits::drop(permit& p) {
    bytes_ -= p.reply.size() + overhead;
    permits_.erase(permits_.find(p.reply));
}

void reply_permits::note(std::string_view reply, time_point now) {
    auto found = permits_.find(reply);
    if (found == permits_.end()) {
        found = permits_.try_emplace(std::string(reply)).first;
        found->second.reply = found->first;
        bytes_ += reply.size() + overhead;
    }
    permit& p = found->second;
    p.since = now;
    p.used = 0;
    oldest_first_.push_back(p);
    while (bytes_ > most_bytes) drop(oldest_first_.front());
}

bool reply_permits::take(std::string_view subject, const response_permission& p, time_point now) {
    const auto found = permits_.find(subject);
    if (found == permits_.end()) return false;
    permit& one = found->second;
    const bool expired = p.expires != duration::zero() && now - one.since > p.expires;
    if (!expired) ++one.used;
    if (expired || (p.max_messages != 0 && one.used >= p.max_messages)) drop(one);
    return !expired;
}

} // namespace nats::embedded

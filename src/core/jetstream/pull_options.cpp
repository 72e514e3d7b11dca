// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: what a server would refuse is refused here, where the caller can see which
// option it was; then every default gets its number.

#include <natsproto/jetstream/pull_machine.hpp>

#include <algorithm>

namespace nats::js {

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t any_number = 1'000'000; // of messages, where bytes are the limit
constexpr std::size_t longest_group = 16;
constexpr std::uint8_t lowest_priority = 9;

error wrong(const char* what) {
    return {errc::invalid_argument, what};
}

bool is_group_character(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '/' || c == '=';
}

/// What both kinds have.
template <class Options>
result<void> check_common(const Options& o) {
    if (o.max_messages && *o.max_messages == 0) return wrong("max_messages must not be 0");
    if (o.max_bytes && *o.max_bytes == 0) return wrong("max_bytes must not be 0");
    if (o.expires <= duration::zero()) return wrong("expires must be positive");
    if (o.idle_heartbeat && *o.idle_heartbeat < duration::zero())
        return wrong("idle_heartbeat must not be negative");
    if (o.idle_heartbeat && *o.idle_heartbeat > o.expires / 2)
        return wrong("idle_heartbeat must be at most half of expires");
    if (o.group.size() > longest_group || !std::ranges::all_of(o.group, is_group_character))
        return wrong("group must have at most 16 of A-Z a-z 0-9 - _ / =");
    if (o.group.empty() && (o.min_pending || o.min_ack_pending || o.priority))
        return wrong("min_pending, min_ack_pending and priority need a group");
    if (o.priority && *o.priority > lowest_priority) return wrong("priority must be 0 to 9");
    return {};
}

template <class Options>
void take_common(const Options& o, std::uint64_t usual, pull_rules& into) {
    into.count_messages = o.max_messages.has_value() || !o.max_bytes;
    into.max_messages = o.max_messages.value_or(o.max_bytes ? any_number : usual);
    into.max_bytes = o.max_bytes.value_or(0);
    into.expires = o.expires;
    into.group = o.group;
    into.min_pending = o.min_pending;
    into.min_ack_pending = o.min_ack_pending;
    into.priority = o.priority;
}

std::uint64_t half_of(std::uint64_t n) noexcept {
    return n / 2 + n % 2;
}

} // namespace

result<void> check(const fetch_options& o) {
    return check_common(o);
}

result<void> check(const consume_options& o) {
    if (result<void> ok = check_common(o); !ok) return ok;
    if (o.stop_after && *o.stop_after == 0) return wrong("stop_after must not be 0");
    const pull_rules r(o);
    if (o.threshold_messages &&
        (*o.threshold_messages == 0 || r.threshold_messages > r.max_messages))
        return wrong("threshold_messages must be 1 to max_messages");
    if (o.threshold_bytes && !o.max_bytes) return wrong("threshold_bytes needs max_bytes");
    if (o.threshold_bytes && (*o.threshold_bytes == 0 || r.threshold_bytes > r.max_bytes))
        return wrong("threshold_bytes must be 1 to max_bytes");
    return {};
}

pull_rules::pull_rules(const fetch_options& o) : no_wait(o.no_wait) {
    take_common(o, 100, *this);
    if (no_wait) return;
    heartbeat = o.idle_heartbeat.value_or(expires >= 10s ? 5s : 0s);
}

pull_rules::pull_rules(const consume_options& o) : again(true), stop_after(o.stop_after) {
    take_common(o, 500, *this);
    threshold_messages = o.threshold_messages.value_or(half_of(max_messages));
    threshold_bytes = o.threshold_bytes.value_or(half_of(max_bytes));
    heartbeat = o.idle_heartbeat.value_or(std::min<duration>(expires / 2, 30s));
}

} // namespace nats::js

// SPDX-License-Identifier: Apache-2.0
//
// The fields of what consumer_config.hpp and consumer_info.hpp have, a line each.

#pragma once

#include <natsproto/jetstream/consumer_info.hpp>

#include "core/jetstream/codec.hpp"
#include "core/jetstream/stream_fields.hpp"

namespace nats::js {

inline std::span<const codec::word<deliver_policy>> words_of(deliver_policy) noexcept {
    static constexpr codec::word<deliver_policy> words[] = {
        {deliver_policy::all, "all"},
        {deliver_policy::last, "last"},
        {deliver_policy::new_, "new"},
        {deliver_policy::by_start_sequence, "by_start_sequence"},
        {deliver_policy::by_start_time, "by_start_time"},
        {deliver_policy::last_per_subject, "last_per_subject"},
    };
    return words;
}

inline std::span<const codec::word<ack_policy>> words_of(ack_policy) noexcept {
    static constexpr codec::word<ack_policy> words[] = {
        {ack_policy::none, "none"},
        {ack_policy::all, "all"},
        {ack_policy::explicit_, "explicit"},
        {ack_policy::flow_control, "flow_control"},
    };
    return words;
}

inline std::span<const codec::word<replay_policy>> words_of(replay_policy) noexcept {
    static constexpr codec::word<replay_policy> words[] = {
        {replay_policy::instant, "instant"},
        {replay_policy::original, "original"},
    };
    return words;
}

inline std::span<const codec::word<priority_policy>> words_of(priority_policy) noexcept {
    static constexpr codec::word<priority_policy> words[] = {
        {priority_policy::none, "none"},
        {priority_policy::overflow, "overflow"},
        {priority_policy::pinned_client, "pinned_client"},
        {priority_policy::prioritized, "prioritized"},
    };
    return words;
}

template <class V, codec::is<consumer_config> S>
void fields(V& v, S& s) {
    v("durable_name", s.durable_name);
    v("name", s.name);
    v("description", s.description);
    v.always("deliver_policy", s.deliver_policy);
    v("opt_start_seq", s.opt_start_seq);
    v("opt_start_time", s.opt_start_time);
    v.always("ack_policy", s.ack_policy);
    v("ack_wait", s.ack_wait);
    v("max_deliver", s.max_deliver);
    v("backoff", s.backoff);
    v("filter_subject", s.filter_subject);
    v("filter_subjects", s.filter_subjects);
    v.always("replay_policy", s.replay_policy);
    v("rate_limit_bps", s.rate_limit_bps);
    v("sample_freq", s.sample_freq);
    v("max_waiting", s.max_waiting);
    v("max_ack_pending", s.max_ack_pending);
    v("deliver_subject", s.deliver_subject);
    v("deliver_group", s.deliver_group);
    v("flow_control", s.flow_control);
    v("idle_heartbeat", s.idle_heartbeat);
    v("headers_only", s.headers_only);
    v("max_batch", s.max_batch);
    v("max_expires", s.max_expires);
    v("max_bytes", s.max_bytes);
    v("inactive_threshold", s.inactive_threshold);
    v("num_replicas", s.num_replicas);
    v("mem_storage", s.mem_storage);
    v("metadata", s.metadata);
    v("pause_until", s.pause_until);
    v("priority_groups", s.priority_groups);
    v("priority_policy", s.priority_policy);
    v("priority_timeout", s.priority_timeout);
    v("direct", s.direct);
    v("sourcing", s.sourcing);
}

template <class V, codec::is<sequence_info> S>
void fields(V& v, S& s) {
    v.always("consumer_seq", s.consumer_seq);
    v.always("stream_seq", s.stream_seq);
    v("last_active", s.last_active);
}

template <class V, codec::is<priority_group_state> S>
void fields(V& v, S& s) {
    v.always("group", s.group);
    v("pinned_client_id", s.pinned_client_id);
    v("pinned_ts", s.pinned_ts);
}

template <class V, codec::is<consumer_info> S>
void fields(V& v, S& s) {
    v.always("stream_name", s.stream_name);
    v.always("name", s.name);
    v("created", s.created);
    v.always("config", s.config);
    v.always("delivered", s.delivered);
    v.always("ack_floor", s.ack_floor);
    v.always("num_ack_pending", s.num_ack_pending);
    v.always("num_redelivered", s.num_redelivered);
    v.always("num_waiting", s.num_waiting);
    v.always("num_pending", s.num_pending);
    v("cluster", s.cluster);
    v("push_bound", s.push_bound);
    v("ts", s.ts);
    v("paused", s.paused);
    v("pause_remaining", s.pause_remaining);
    v("priority_groups", s.priority_groups);
}

/// An answer that is about no consumer is none.
inline bool is_complete(const consumer_info& i) noexcept {
    return !i.name.empty() && !i.stream_name.empty();
}

} // namespace nats::js

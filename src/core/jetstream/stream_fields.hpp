// SPDX-License-Identifier: Apache-2.0
//
// The fields of what stream_config.hpp, stream_info.hpp and cluster_info.hpp have, a line each.

#pragma once

#include <natsproto/jetstream/stream_info.hpp>

#include "core/jetstream/codec.hpp"

namespace nats::js {

inline std::span<const codec::word<retention_policy>> words_of(retention_policy) noexcept {
    static constexpr codec::word<retention_policy> words[] = {
        {retention_policy::limits, "limits"},
        {retention_policy::interest, "interest"},
        {retention_policy::workqueue, "workqueue"},
    };
    return words;
}

inline std::span<const codec::word<storage_type>> words_of(storage_type) noexcept {
    static constexpr codec::word<storage_type> words[] = {
        {storage_type::file, "file"},
        {storage_type::memory, "memory"},
    };
    return words;
}

inline std::span<const codec::word<discard_policy>> words_of(discard_policy) noexcept {
    static constexpr codec::word<discard_policy> words[] = {
        {discard_policy::old, "old"},
        {discard_policy::new_, "new"},
    };
    return words;
}

inline std::span<const codec::word<store_compression>> words_of(store_compression) noexcept {
    static constexpr codec::word<store_compression> words[] = {
        {store_compression::none, "none"},
        {store_compression::s2, "s2"},
    };
    return words;
}

inline std::span<const codec::word<persistence>> words_of(persistence) noexcept {
    static constexpr codec::word<persistence> words[] = {
        {persistence::default_, "default"},
        {persistence::async, "async"},
    };
    return words;
}

template <class V, codec::is<subject_transform> S>
void fields(V& v, S& s) {
    v.always("src", s.src);
    v.always("dest", s.dest);
}

template <class V, codec::is<external_stream> S>
void fields(V& v, S& s) {
    v.always("api", s.api);
    v.always("deliver", s.deliver);
}

template <class V, codec::is<source_consumer> S>
void fields(V& v, S& s) {
    v("name", s.name);
    v("deliver_subject", s.deliver_subject);
}

template <class V, codec::is<stream_source> S>
void fields(V& v, S& s) {
    v.always("name", s.name);
    v("opt_start_seq", s.opt_start_seq);
    v("opt_start_time", s.opt_start_time);
    v("filter_subject", s.filter_subject);
    v("subject_transforms", s.subject_transforms);
    v("external", s.external);
    v("consumer", s.consumer);
}

template <class V, codec::is<placement> S>
void fields(V& v, S& s) {
    v("cluster", s.cluster);
    v("tags", s.tags);
    v("preferred", s.preferred);
}

template <class V, codec::is<republish> S>
void fields(V& v, S& s) {
    v("src", s.src);
    v.always("dest", s.dest);
    v("headers_only", s.headers_only);
}

template <class V, codec::is<consumer_limits> S>
void fields(V& v, S& s) {
    v("inactive_threshold", s.inactive_threshold);
    v("max_ack_pending", s.max_ack_pending);
}

template <class V, codec::is<stream_config> S>
void fields(V& v, S& s) {
    v.always("name", s.name);
    v("description", s.description);
    v("subjects", s.subjects);
    v.always("retention", s.retention);
    v.always("max_consumers", s.max_consumers);
    v.always("max_msgs", s.max_msgs);
    v.always("max_bytes", s.max_bytes);
    v.always("max_age", s.max_age);
    v("max_msgs_per_subject", s.max_msgs_per_subject);
    v("max_msg_size", s.max_msg_size);
    v("discard", s.discard);
    v("discard_new_per_subject", s.discard_new_per_subject);
    v.always("storage", s.storage);
    v.always("num_replicas", s.num_replicas);
    v("no_ack", s.no_ack);
    v("template_owner", s.template_owner);
    v("duplicate_window", s.duplicate_window);
    v("placement", s.placement);
    v("mirror", s.mirror);
    v("sources", s.sources);
    v("compression", s.compression);
    v("first_seq", s.first_seq);
    v("subject_transform", s.subject_transform);
    v("republish", s.republish);
    v("allow_direct", s.allow_direct);
    v("mirror_direct", s.mirror_direct);
    v("sealed", s.sealed);
    v("deny_delete", s.deny_delete);
    v("deny_purge", s.deny_purge);
    v("allow_rollup_hdrs", s.allow_rollup_hdrs);
    v("consumer_limits", s.consumer_limits);
    v("allow_msg_ttl", s.allow_msg_ttl);
    v("subject_delete_marker_ttl", s.subject_delete_marker_ttl);
    v("allow_msg_counter", s.allow_msg_counter);
    v("allow_atomic", s.allow_atomic);
    v("allow_msg_schedules", s.allow_msg_schedules);
    v("persist_mode", s.persist_mode);
    v("allow_batched", s.allow_batched);
    v("metadata", s.metadata);
}

template <class V, codec::is<peer_info> S>
void fields(V& v, S& s) {
    v.always("name", s.name);
    v.always("current", s.current);
    v("offline", s.offline);
    v("observer", s.observer);
    v.always("active", s.active);
    v("lag", s.lag);
    v("peer", s.peer);
}

template <class V, codec::is<cluster_info> S>
void fields(V& v, S& s) {
    v("name", s.name);
    v("raft_group", s.raft_group);
    v("leader", s.leader);
    v("leader_since", s.leader_since);
    v("system_account", s.system_account);
    v("traffic_account", s.traffic_account);
    v("replicas", s.replicas);
}

template <class V, codec::is<lost_messages> S>
void fields(V& v, S& s) {
    v.always("msgs", s.msgs);
    v.always("bytes", s.bytes);
}

template <class V, codec::is<stream_state> S>
void fields(V& v, S& s) {
    v.always("messages", s.messages);
    v.always("bytes", s.bytes);
    v.always("first_seq", s.first_seq);
    v("first_ts", s.first_ts);
    v.always("last_seq", s.last_seq);
    v("last_ts", s.last_ts);
    v("num_subjects", s.num_subjects);
    v("subjects", s.subjects);
    v("num_deleted", s.num_deleted);
    v("deleted", s.deleted);
    v("lost", s.lost);
    v.always("consumer_count", s.consumer_count);
}

template <class V, codec::is<source_error> S>
void fields(V& v, S& s) {
    v.always("code", s.code);
    v("err_code", s.err_code);
    v("description", s.description);
}

template <class V, codec::is<stream_source_info> S>
void fields(V& v, S& s) {
    v.always("name", s.name);
    v.always("lag", s.lag);
    v.always("active", s.active);
    v("filter_subject", s.filter_subject);
    v("subject_transforms", s.subject_transforms);
    v("external", s.external);
    v("error", s.error);
}

template <class V, codec::is<stream_alternate> S>
void fields(V& v, S& s) {
    v.always("name", s.name);
    v("domain", s.domain);
    v("cluster", s.cluster);
}

template <class V, codec::is<stream_info> S>
void fields(V& v, S& s) {
    v.always("config", s.config);
    v("created", s.created);
    v.always("state", s.state);
    v("cluster", s.cluster);
    v("mirror", s.mirror);
    v("sources", s.sources);
    v("domain", s.domain);
    v("alternates", s.alternates);
    v("ts", s.ts);
}

/// An answer that is about no stream is none.
inline bool is_complete(const stream_info& i) noexcept {
    return !i.config.name.empty();
}

} // namespace nats::js

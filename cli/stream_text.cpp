// SPDX-License-Identifier: Apache-2.0
//
// What a stream looks like for people.
//
// Theory of operation: limits and policies are always shown, and what few streams have only where
// it is so; --json shows everything.

#include "js_text.hpp"
#include "output.hpp"
#include "stream.hpp"

#include <fmt/format.h>

#include <string_view>

namespace nats::cli {

namespace {

constexpr std::string_view unknown = "of a newer server, see --json";

std::string_view word(js::retention_policy p) noexcept {
    switch (p) {
    case js::retention_policy::limits: return "limits";
    case js::retention_policy::interest: return "interest";
    case js::retention_policy::workqueue: return "workqueue";
    default: return unknown;
    }
}

std::string_view word(js::storage_type s) noexcept {
    switch (s) {
    case js::storage_type::file: return "file";
    case js::storage_type::memory: return "memory";
    default: return unknown;
    }
}

std::string_view word(js::discard_policy d) noexcept {
    switch (d) {
    case js::discard_policy::old: return "old";
    case js::discard_policy::new_: return "new";
    default: return unknown;
    }
}

std::string text_of(const js::stream_source& s) {
    std::string out = s.name;
    if (!s.filter_subject.empty()) out += ", " + s.filter_subject;
    for (const js::subject_transform& t : s.subject_transforms)
        out += fmt::format(", {} to {}", t.src, t.dest);
    if (s.opt_start_seq != 0) out += fmt::format(", from {}", s.opt_start_seq);
    if (s.opt_start_time) out += ", from " + js::format_wall_time(*s.opt_start_time);
    if (s.external) out += ", by " + s.external->api;
    return out;
}

void add_sources(facts& f, const js::stream_config& c) {
    if (c.mirror) f.add("Mirror of", text_of(*c.mirror));
    for (const js::stream_source& s : c.sources) f.add("Source", text_of(s));
    if (c.subject_transform) {
        f.add("Subject transform",
              fmt::format("{} to {}", c.subject_transform->src, c.subject_transform->dest));
    }
    if (c.republish) {
        f.add("Republish", fmt::format("{} to {}{}", c.republish->src, c.republish->dest,
                                       c.republish->headers_only ? ", headers only" : ""));
    }
}

void add_limits(facts& f, const js::stream_config& c) {
    f.add_limit("Messages", c.max_msgs);
    f.add_limit("Messages a subject", c.max_msgs_per_subject);
    f.add_limit_of_bytes("Bytes", c.max_bytes);
    f.add_limit("Age", c.max_age);
    f.add_limit_of_bytes("Message size", c.max_msg_size);
    f.add_limit("Consumers", c.max_consumers);
    if (!c.consumer_limits) return;
    f.add_limit("Consumer inactivity", c.consumer_limits->inactive_threshold);
    f.add_limit("Consumer unacked", c.consumer_limits->max_ack_pending);
}

void add_options(facts& f, const js::stream_config& c) {
    f.add("Replicas", static_cast<std::uint64_t>(c.num_replicas));
    f.add_text("Compression", c.compression == js::store_compression::s2 ? "s2" : "");
    if (c.duplicate_window.count() != 0) f.add("Duplicate window", exact(c.duplicate_window));
    if (c.first_seq != 0) f.add("First sequence", c.first_seq);
    if (c.placement) {
        f.add_text("Cluster", c.placement->cluster);
        f.add_list("Tags", c.placement->tags);
    }
    f.add_flag("Acknowledges nothing", c.no_ack);
    f.add_flag("Discards per subject", c.discard_new_per_subject);
    f.add_flag("Direct get", c.allow_direct);
    f.add_flag("Direct get of origin", c.mirror_direct);
    f.add_flag("Rollups", c.allow_rollup_hdrs);
    f.add_flag("Deletes denied", c.deny_delete);
    f.add_flag("Purges denied", c.deny_purge);
    f.add_flag("Message TTLs", c.allow_msg_ttl);
    if (c.subject_delete_marker_ttl.count() != 0)
        f.add("Delete markers stay", exact(c.subject_delete_marker_ttl));
    f.add_flag("Counter", c.allow_msg_counter);
    f.add_flag("Atomic batches", c.allow_atomic);
    f.add_flag("Schedules", c.allow_msg_schedules);
    f.add_flag("Fast ingest", c.allow_batched);
    f.add_text("Persistence", c.persist_mode == js::persistence::async ? "async" : "");
    f.add_flag("Sealed", c.sealed);
    f.add_metadata(c.metadata);
}

std::string text_of(const js::stream_source_info& s) {
    std::string out = fmt::format("{}, {} messages behind", s.name, s.lag);
    if (s.active.count() >= 0) out += fmt::format(", heard of {} ago", exact(s.active));
    if (s.error) out += ": " + s.error->description;
    return out;
}

void add_state(facts& f, const js::stream_info& i) {
    const js::stream_state& s = i.state;
    f.add("Messages", s.messages);
    f.add("Bytes", text_of_bytes(s.bytes));
    f.add("First sequence", s.first_seq);
    if (s.messages != 0) f.add_time("First stored", s.first_ts);
    f.add("Last sequence", s.last_seq);
    f.add_time("Last stored", s.last_ts);
    f.add("Subjects", s.num_subjects);
    if (s.num_deleted != 0) f.add("Deleted messages", s.num_deleted);
    if (s.lost) f.add("Lost messages", static_cast<std::uint64_t>(s.lost->msgs.size()));
    f.add("Consumers", s.consumer_count);
    if (i.mirror) f.add("Mirror of", text_of(*i.mirror));
    for (const js::stream_source_info& source : i.sources) f.add("Source", text_of(source));
    for (const js::stream_alternate& a : i.alternates) f.add("Alternate", a.name);
}

} // namespace

std::string text_of(const js::stream_info& i) {
    const js::stream_config& c = i.config;
    facts f;
    f.section("Stream " + c.name);
    f.add_time("Created", i.created);
    f.add_text("Domain", i.domain);
    f.add_text("Description", c.description);
    f.add_list("Subjects", c.subjects);
    add_sources(f, c);
    f.add("Storage", word(c.storage));
    f.add("Retention", word(c.retention));
    f.add("Discard", word(c.discard));
    add_options(f, c);
    f.section("Limits");
    add_limits(f, c);
    f.add_cluster(i.cluster);
    return f.text() + '\n' + text_of_state(i);
}

std::string text_of_state(const js::stream_info& i) {
    facts f;
    f.section("State");
    add_state(f, i);
    return f.text();
}

void print_stream(const js::stream_info& i, bool json) {
    print(json ? indented(js::to_json(i).value()) : text_of(i));
}

} // namespace nats::cli

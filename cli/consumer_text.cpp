// SPDX-License-Identifier: Apache-2.0
//
// What a consumer looks like for people: as stream_text.cpp.

#include "consumer.hpp"
#include "js_text.hpp"
#include "output.hpp"

#include <fmt/format.h>

#include <string_view>

namespace nats::cli {

namespace {

std::string word(const js::consumer_config& c, js::deliver_policy p) {
    switch (p) {
    case js::deliver_policy::all: return "all";
    case js::deliver_policy::last: return "last";
    case js::deliver_policy::new_: return "new";
    case js::deliver_policy::by_start_sequence: return fmt::format("from {}", c.opt_start_seq);
    case js::deliver_policy::by_start_time:
        return c.opt_start_time ? "from " + js::format_wall_time(*c.opt_start_time) : "from a time";
    case js::deliver_policy::last_per_subject: return "last of each subject";
    default: return "of a newer server, see --json";
    }
}

std::string_view word(js::ack_policy p) noexcept {
    switch (p) {
    case js::ack_policy::none: return "none";
    case js::ack_policy::all: return "all";
    case js::ack_policy::explicit_: return "explicit";
    case js::ack_policy::flow_control: return "flow control";
    default: return "of a newer server, see --json";
    }
}

std::string_view word(js::priority_policy p) noexcept {
    switch (p) {
    case js::priority_policy::none: return "none";
    case js::priority_policy::overflow: return "overflow";
    case js::priority_policy::pinned_client: return "pinned client";
    case js::priority_policy::prioritized: return "prioritized";
    default: return "of a newer server, see --json";
    }
}

void add_delivery(facts& f, const js::consumer_config& c) {
    f.add("Delivery", c.deliver_subject.empty() ? "pull" : "push to " + c.deliver_subject);
    f.add_text("Group", c.deliver_group);
    f.add_flag("Flow control", c.flow_control);
    if (c.idle_heartbeat.count() > 0) f.add("Heartbeat", exact(c.idle_heartbeat));
    f.add_text("Filter", c.filter_subject);
    f.add_list("Filters", c.filter_subjects);
    f.add("Begins with", word(c, c.deliver_policy));
    f.add("Replay", c.replay_policy == js::replay_policy::original ? "original" : "instant");
    f.add_flag("Headers only", c.headers_only);
    if (c.rate_limit_bps != 0) f.add("Bits a second", c.rate_limit_bps);
}

void add_acknowledgement(facts& f, const js::consumer_config& c) {
    f.add("Acknowledgement", word(c.ack_policy));
    if (c.ack_policy != js::ack_policy::none && c.ack_wait.count() > 0)
        f.add("Ack wait", exact(c.ack_wait));
    f.add_limit("Deliveries", c.max_deliver);
    std::vector<std::string> backoff;
    for (const std::chrono::nanoseconds d : c.backoff) backoff.push_back(exact(d));
    f.add_list("Backoff", backoff);
    f.add_limit("Unacked messages", c.max_ack_pending);
    f.add_text("Sampling", c.sample_freq);
}

void add_pull_limits(facts& f, const js::consumer_config& c) {
    if (c.max_waiting > 0) f.add_limit("Waiting pulls", c.max_waiting);
    if (c.max_batch > 0) f.add_limit("Pull batch", c.max_batch);
    if (c.max_expires.count() > 0) f.add_limit("Pull expiry", c.max_expires);
    if (c.max_bytes > 0) f.add_limit_of_bytes("Pull bytes", c.max_bytes);
}

void add_rest(facts& f, const js::consumer_config& c) {
    if (c.inactive_threshold.count() > 0) f.add("Inactivity allowed", exact(c.inactive_threshold));
    if (c.num_replicas > 0) f.add("Replicas", static_cast<std::uint64_t>(c.num_replicas));
    f.add_flag("In memory", c.mem_storage);
    if (!c.priority_groups.empty()) {
        f.add_list("Priority groups", c.priority_groups);
        f.add("Priority policy", word(c.priority_policy));
        if (c.priority_timeout.count() > 0) f.add("Priority timeout", exact(c.priority_timeout));
    }
    f.add_metadata(c.metadata);
}

std::string text_of(const js::sequence_info& s) {
    return fmt::format("consumer sequence {}, stream sequence {}{}", s.consumer_seq, s.stream_seq,
                       s.last_active ? ", at " + js::format_wall_time(*s.last_active) : "");
}

void add_state(facts& f, const js::consumer_info& i) {
    f.add("Last delivered", text_of(i.delivered));
    f.add("Acknowledged up to", text_of(i.ack_floor));
    f.add("Unacknowledged", i.num_ack_pending);
    f.add("Redelivered", i.num_redelivered);
    f.add("Unprocessed", i.num_pending);
    if (i.config.deliver_subject.empty())
        f.add("Waiting pulls", i.num_waiting);
    else
        f.add("Somebody listens", i.push_bound ? "yes" : "no");
    if (i.paused) f.add("Paused", "for " + exact(i.pause_remaining));
    for (const js::priority_group_state& g : i.priority_groups) {
        f.add("Group " + printable(g.group),
              g.pinned_client_id.empty() ? "nobody is pinned" : "pinned: " + g.pinned_client_id);
    }
}

} // namespace

std::string text_of(const js::consumer_info& i) {
    facts f;
    f.section(fmt::format("Consumer {} of stream {}", i.name, i.stream_name));
    f.add_time("Created", i.created);
    f.add_text("Description", i.config.description);
    f.add("Durable", i.config.durable_name.empty() ? "no" : "yes");
    add_delivery(f, i.config);
    add_acknowledgement(f, i.config);
    add_pull_limits(f, i.config);
    add_rest(f, i.config);
    f.add_cluster(i.cluster);
    f.section("State");
    add_state(f, i);
    return f.text();
}

void print_consumer(const js::consumer_info& i, bool json) {
    print(json ? indented(js::to_json(i).value()) : text_of(i));
}

} // namespace nats::cli

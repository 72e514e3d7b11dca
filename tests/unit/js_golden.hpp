// SPDX-License-Identifier: Apache-2.0
//
// Each structure of JetStream's API with every field set, each to another value, and its JSON.

#pragma once

#include <natsproto/jetstream/account_info.hpp>
#include <natsproto/jetstream/consumer_info.hpp>
#include <natsproto/jetstream/pub_ack.hpp>
#include <natsproto/jetstream/stream_info.hpp>

#include <string_view>

namespace nats::test {

/// Both sides of each test.
template <class T>
struct golden {
    T value;
    std::string_view json;
};

[[nodiscard]] inline js::wall_time at(std::string_view time) {
    return js::parse_wall_time(time).value();
}

[[nodiscard]] inline js::subject_transform transform(std::string from, std::string to) {
    return {std::move(from), std::move(to)};
}

[[nodiscard]] inline js::external_stream external(std::string api, std::string deliver) {
    js::external_stream e(std::move(api));
    e.deliver = std::move(deliver);
    return e;
}

[[nodiscard]] inline golden<js::stream_config> whole_stream_config() {
    using namespace std::chrono_literals;
    js::stream_config c("ORDERS", {"orders.>", "more"});
    c.description = "all of \"it\"";
    c.retention = js::retention_policy::workqueue;
    c.max_consumers = 11;
    c.max_msgs = 9'007'199'254'740'993; // 2^53 + 1
    c.max_bytes = 13;
    c.max_age = 14ns;
    c.max_msgs_per_subject = 15;
    c.max_msg_size = 16;
    c.discard = js::discard_policy::new_;
    c.discard_new_per_subject = true;
    c.storage = js::storage_type::memory;
    c.num_replicas = 3;
    c.no_ack = true;
    c.template_owner = "owner";
    c.duplicate_window = 17ns;
    c.placement.emplace();
    c.placement->cluster = "east";
    c.placement->tags = {"ssd", "big"};
    c.placement->preferred = "n1";
    c.mirror.emplace("ORIGIN");
    c.mirror->opt_start_seq = 18'446'744'073'709'551'615U;
    c.mirror->opt_start_time = at("2026-01-02T03:04:05.000000006Z");
    c.mirror->filter_subject = "f.*";
    c.mirror->subject_transforms = {transform("a", "b")};
    c.mirror->external = external("$JS.x.API", "deliver.x");
    c.mirror->consumer.emplace();
    c.mirror->consumer->name = "ready";
    c.mirror->consumer->deliver_subject = "to.me";
    c.sources = {js::stream_source("ONE"), js::stream_source("TWO", "hub")};
    c.compression = js::store_compression::s2;
    c.first_seq = 18;
    c.subject_transform = transform("in", "out");
    c.republish.emplace("orders.>", "copy.>");
    c.republish->headers_only = true;
    c.allow_direct = c.mirror_direct = c.sealed = c.deny_delete = c.deny_purge = true;
    c.allow_rollup_hdrs = true;
    c.consumer_limits.emplace();
    c.consumer_limits->inactive_threshold = 19ns;
    c.consumer_limits->max_ack_pending = 20;
    c.allow_msg_ttl = true;
    c.subject_delete_marker_ttl = 21ns;
    c.allow_msg_counter = c.allow_atomic = c.allow_msg_schedules = true;
    c.persist_mode = js::persistence::async;
    c.allow_batched = true;
    c.metadata = {{"key", "value"}, {"other", ""}};
    return {c,
            R"({"name":"ORDERS","description":"all of \"it\"","subjects":["orders.>","more"],)"
            R"("retention":"workqueue","max_consumers":11,"max_msgs":9007199254740993,)"
            R"("max_bytes":13,"max_age":14,"max_msgs_per_subject":15,"max_msg_size":16,)"
            R"("discard":"new","discard_new_per_subject":true,"storage":"memory","num_replicas":3,)"
            R"("no_ack":true,"template_owner":"owner","duplicate_window":17,)"
            R"("placement":{"cluster":"east","tags":["ssd","big"],"preferred":"n1"},)"
            R"("mirror":{"name":"ORIGIN","opt_start_seq":18446744073709551615,)"
            R"("opt_start_time":"2026-01-02T03:04:05.000000006Z","filter_subject":"f.*",)"
            R"("subject_transforms":[{"src":"a","dest":"b"}],)"
            R"("external":{"api":"$JS.x.API","deliver":"deliver.x"},)"
            R"("consumer":{"name":"ready","deliver_subject":"to.me"}},)"
            R"("sources":[{"name":"ONE"},{"name":"TWO",)"
            R"("external":{"api":"$JS.hub.API","deliver":""}}],"compression":"s2","first_seq":18,)"
            R"("subject_transform":{"src":"in","dest":"out"},)"
            R"("republish":{"src":"orders.>","dest":"copy.>","headers_only":true},)"
            R"("allow_direct":true,"mirror_direct":true,"sealed":true,"deny_delete":true,)"
            R"("deny_purge":true,"allow_rollup_hdrs":true,)"
            R"("consumer_limits":{"inactive_threshold":19,"max_ack_pending":20},)"
            R"("allow_msg_ttl":true,"subject_delete_marker_ttl":21,"allow_msg_counter":true,)"
            R"("allow_atomic":true,"allow_msg_schedules":true,"persist_mode":"async",)"
            R"("allow_batched":true,"metadata":{"key":"value","other":""}})"};
}

[[nodiscard]] inline js::cluster_info some_cluster() {
    js::cluster_info c;
    c.name = "east";
    c.raft_group = "S-R3F-x";
    c.leader = "n1";
    c.leader_since = at("2026-01-02T03:04:05Z");
    c.system_account = true;
    c.traffic_account = "T";
    c.replicas.resize(2);
    c.replicas[0].name = "n2";
    c.replicas[0].current = true;
    c.replicas[0].active = std::chrono::nanoseconds(31);
    c.replicas[0].peer = "p2";
    c.replicas[1].name = "n3";
    c.replicas[1].offline = c.replicas[1].observer = true;
    c.replicas[1].lag = 32;
    return c;
}

inline constexpr std::string_view some_cluster_json =
    R"({"name":"east","raft_group":"S-R3F-x","leader":"n1",)"
    R"("leader_since":"2026-01-02T03:04:05Z","system_account":true,"traffic_account":"T",)"
    R"("replicas":[{"name":"n2","current":true,"active":31,"peer":"p2"},)"
    R"({"name":"n3","current":false,"offline":true,"observer":true,"active":0,"lag":32}]})";

[[nodiscard]] inline js::stream_state some_state() {
    js::stream_state s;
    s.messages = 41;
    s.bytes = 9'007'199'254'740'993;
    s.first_seq = 43;
    s.first_ts = at("2026-01-02T03:04:05.1Z");
    s.last_seq = 18'446'744'073'709'551'615U;
    s.last_ts = at("2026-01-02T03:04:05.123456789Z");
    s.num_subjects = 45;
    s.subjects = {{"a.b", 46}, {"c", 47}};
    s.num_deleted = 2;
    s.deleted = {48, 49};
    s.lost.emplace();
    s.lost->msgs = {50};
    s.lost->bytes = 51;
    s.consumer_count = 52;
    return s;
}

[[nodiscard]] inline golden<js::stream_info> whole_stream_info() {
    js::stream_info i;
    i.config = js::stream_config("S", {"s"});
    i.created = at("2026-01-02T03:04:05.12Z");
    i.state = some_state();
    i.cluster = some_cluster();
    i.mirror.emplace();
    i.mirror->name = "M";
    i.mirror->lag = 61;
    i.mirror->active = std::chrono::nanoseconds(-1);
    i.mirror->filter_subject = "f";
    i.mirror->subject_transforms = {transform("a", "b")};
    i.mirror->external = external("A", "D");
    i.mirror->error.emplace();
    i.mirror->error->code = 503;
    i.mirror->error->err_code = 10012;
    i.mirror->error->description = "gone";
    i.sources.emplace_back().name = "X";
    i.domain = "hub";
    i.alternates.resize(1);
    i.alternates[0].name = "S2";
    i.alternates[0].domain = "leaf";
    i.alternates[0].cluster = "west";
    i.ts = at("2026-01-02T03:04:06Z");
    static const std::string text =
        R"({"config":{"name":"S","subjects":["s"],"retention":"limits","max_consumers":-1,)"
        R"("max_msgs":-1,"max_bytes":-1,"max_age":0,"storage":"file","num_replicas":1},)"
        R"("created":"2026-01-02T03:04:05.12Z","state":{"messages":41,)"
        R"("bytes":9007199254740993,"first_seq":43,"first_ts":"2026-01-02T03:04:05.1Z",)"
        R"("last_seq":18446744073709551615,"last_ts":"2026-01-02T03:04:05.123456789Z",)"
        R"("num_subjects":45,"subjects":{"a.b":46,"c":47},"num_deleted":2,"deleted":[48,49],)"
        R"("lost":{"msgs":[50],"bytes":51},"consumer_count":52},"cluster":)" +
        std::string(some_cluster_json) +
        R"(,"mirror":{"name":"M","lag":61,"active":-1,"filter_subject":"f",)"
        R"("subject_transforms":[{"src":"a","dest":"b"}],"external":{"api":"A","deliver":"D"},)"
        R"("error":{"code":503,"err_code":10012,"description":"gone"}},)"
        R"("sources":[{"name":"X","lag":0,"active":0}],"domain":"hub",)"
        R"("alternates":[{"name":"S2","domain":"leaf","cluster":"west"}],)"
        R"("ts":"2026-01-02T03:04:06Z"})";
    return {i, text};
}

[[nodiscard]] inline golden<js::consumer_config> whole_consumer_config() {
    using namespace std::chrono_literals;
    js::consumer_config c("d");
    c.name = "n";
    c.description = "text";
    c.deliver_policy = js::deliver_policy::by_start_time;
    c.opt_start_seq = 1;
    c.opt_start_time = at("2026-01-02T03:04:05Z");
    c.ack_policy = js::ack_policy::flow_control;
    c.ack_wait = 2ns;
    c.max_deliver = 3;
    c.backoff = {4ns, 5ns};
    c.filter_subject = "f";
    c.filter_subjects = {"g", "h.>"};
    c.replay_policy = js::replay_policy::original;
    c.rate_limit_bps = 6;
    c.sample_freq = "50%";
    c.max_waiting = 7;
    c.max_ack_pending = -1;
    c.deliver_subject = "to";
    c.deliver_group = "group";
    c.flow_control = true;
    c.idle_heartbeat = 8ns;
    c.headers_only = true;
    c.max_batch = 9;
    c.max_expires = 10ns;
    c.max_bytes = 11;
    c.inactive_threshold = 12ns;
    c.num_replicas = 5;
    c.mem_storage = true;
    c.metadata = {{"k", "v"}};
    c.pause_until = at("2026-01-02T03:04:06Z");
    c.priority_groups = {"pg"};
    c.priority_policy = js::priority_policy::pinned_client;
    c.priority_timeout = 13ns;
    c.direct = c.sourcing = true;
    return {c, R"({"durable_name":"d","name":"n","description":"text",)"
               R"("deliver_policy":"by_start_time","opt_start_seq":1,)"
               R"("opt_start_time":"2026-01-02T03:04:05Z","ack_policy":"flow_control",)"
               R"("ack_wait":2,"max_deliver":3,"backoff":[4,5],"filter_subject":"f",)"
               R"("filter_subjects":["g","h.>"],"replay_policy":"original","rate_limit_bps":6,)"
               R"("sample_freq":"50%","max_waiting":7,"max_ack_pending":-1,"deliver_subject":"to",)"
               R"("deliver_group":"group","flow_control":true,"idle_heartbeat":8,)"
               R"("headers_only":true,"max_batch":9,"max_expires":10,"max_bytes":11,)"
               R"("inactive_threshold":12,"num_replicas":5,"mem_storage":true,)"
               R"("metadata":{"k":"v"},"pause_until":"2026-01-02T03:04:06Z",)"
               R"("priority_groups":["pg"],"priority_policy":"pinned_client",)"
               R"("priority_timeout":13,"direct":true,"sourcing":true})"};
}

[[nodiscard]] inline golden<js::consumer_info> whole_consumer_info() {
    js::consumer_info i;
    i.stream_name = "S";
    i.name = "c";
    i.created = at("2026-01-02T03:04:05Z");
    i.config = js::consumer_config("c");
    i.delivered.consumer_seq = 1;
    i.delivered.stream_seq = 18'446'744'073'709'551'615U;
    i.delivered.last_active = at("2026-01-02T03:04:07Z");
    i.ack_floor.consumer_seq = 3;
    i.ack_floor.stream_seq = 4;
    i.num_ack_pending = 5;
    i.num_redelivered = 6;
    i.num_waiting = 7;
    i.num_pending = 9'007'199'254'740'993;
    i.cluster = some_cluster();
    i.push_bound = true;
    i.ts = at("2026-01-02T03:04:08Z");
    i.paused = true;
    i.pause_remaining = std::chrono::nanoseconds(9);
    i.priority_groups.resize(1);
    i.priority_groups[0].group = "pg";
    i.priority_groups[0].pinned_client_id = "id";
    i.priority_groups[0].pinned_ts = at("2026-01-02T03:04:09Z");
    static const std::string text =
        R"({"stream_name":"S","name":"c","created":"2026-01-02T03:04:05Z",)"
        R"("config":{"durable_name":"c","deliver_policy":"all","ack_policy":"explicit",)"
        R"("replay_policy":"instant"},"delivered":{"consumer_seq":1,)"
        R"("stream_seq":18446744073709551615,"last_active":"2026-01-02T03:04:07Z"},)"
        R"("ack_floor":{"consumer_seq":3,"stream_seq":4},"num_ack_pending":5,)"
        R"("num_redelivered":6,"num_waiting":7,"num_pending":9007199254740993,"cluster":)" +
        std::string(some_cluster_json) +
        R"(,"push_bound":true,"ts":"2026-01-02T03:04:08Z","paused":true,"pause_remaining":9,)"
        R"("priority_groups":[{"group":"pg","pinned_client_id":"id",)"
        R"("pinned_ts":"2026-01-02T03:04:09Z"}]})";
    return {i, text};
}

[[nodiscard]] inline golden<js::account_info> whole_account_info() {
    js::account_info i;
    i.memory = 1;
    i.storage = 9'007'199'254'740'993;
    i.reserved_memory = 3;
    i.reserved_storage = 18'446'744'073'709'551'615U;
    i.streams = 5;
    i.consumers = 6;
    i.limits.max_memory = -1;
    i.limits.max_storage = 8;
    i.limits.max_streams = 9;
    i.limits.max_consumers = 10;
    i.limits.max_ack_pending = 11;
    i.limits.memory_max_stream_bytes = 12;
    i.limits.storage_max_stream_bytes = 13;
    i.limits.max_bytes_required = true;
    i.domain = "hub";
    i.api.level = 2;
    i.api.total = 14;
    i.api.errors = 15;
    i.api.inflight = 16;
    i.tiers["R3"].streams = 17;
    return {i, R"({"memory":1,"storage":9007199254740993,"reserved_memory":3,)"
               R"("reserved_storage":18446744073709551615,"streams":5,"consumers":6,)"
               R"("limits":{"max_memory":-1,"max_storage":8,"max_streams":9,"max_consumers":10,)"
               R"("max_ack_pending":11,"memory_max_stream_bytes":12,)"
               R"("storage_max_stream_bytes":13,"max_bytes_required":true},"domain":"hub",)"
               R"("api":{"level":2,"total":14,"errors":15,"inflight":16},)"
               R"("tiers":{"R3":{"memory":0,"storage":0,"streams":17,"consumers":0,)"
               R"("limits":{"max_memory":0,"max_storage":0,"max_streams":0,"max_consumers":0,)"
               R"("max_ack_pending":0,"memory_max_stream_bytes":0,"storage_max_stream_bytes":0,)"
               R"("max_bytes_required":false}}}})"};
}

[[nodiscard]] inline golden<js::pub_ack> whole_pub_ack() {
    js::pub_ack a;
    a.stream = "S";
    a.seq = 9'007'199'254'740'993;
    a.duplicate = true;
    a.domain = "hub";
    a.val = "123456789012345678901234567890";
    a.batch = "b";
    a.count = 3;
    return {a, R"({"stream":"S","seq":9007199254740993,"duplicate":true,"domain":"hub",)"
               R"("val":"123456789012345678901234567890","batch":"b","count":3})"};
}

} // namespace nats::test

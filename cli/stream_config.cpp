// SPDX-License-Identifier: Apache-2.0
//
// natsproto stream add and edit: configurations from flags and files.
//
// Theory of operation: add begins with the defaults or the file and makes the changes of the flags;
// edit begins with what the server has. A file for edit replaces all of that but the name. Nothing
// is sent that nobody asked for, so that old servers take it too.

#include <natsproto/jetstream/stream_config.hpp>

#include <natsproto/subject.hpp>

#include "js.hpp"
#include "js_flags.hpp"
#include "stream.hpp"

#include <CLI/App.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nats::cli {

namespace {

using js::stream_config;
using stream_flags = config_flags<stream_config>;

struct stream_edit_options {
    explicit stream_edit_options(CLI::App& app) : flags(app) {}

    stream_flags flags;
    std::string name;
    std::string config;
    bool json = false;
};

/// The sources of these names; those that are there already stay as they are.
std::vector<js::stream_source> sources_of(const std::vector<js::stream_source>& before,
                                          const std::vector<std::string>& names) {
    std::vector<js::stream_source> all;
    for (const std::string& name : names) {
        check_stream_name(name);
        const auto old = std::find_if(before.begin(), before.end(),
                                      [&](const js::stream_source& s) { return s.name == name; });
        all.push_back(old != before.end() ? *old : js::stream_source(name));
    }
    return all;
}

void add_sources(stream_flags& f) {
    f.add_list("--subjects", "SUBJECTS", "What it stores: a comma list; may be repeated",
               [](std::vector<std::string> subjects) {
                   return [subjects](stream_config& c) { c.subjects = subjects; };
               });
    f.add("--mirror", "STREAM", "It is a copy of this stream", [](const std::string& name) {
        return [name](stream_config& c) {
            check_stream_name(name);
            c.mirror.emplace(name);
        };
    });
    f.add_list("--source", "STREAMS",
               "It also gets what these streams get: a comma list; may be repeated",
               [](std::vector<std::string> names) {
                   return [names](stream_config& c) { c.sources = sources_of(c.sources, names); };
               });
    f.add("--transform-source", "SUBJECT", "Which subjects --transform-destination is for",
          [](const std::string& subject) {
              return [subject](stream_config& c) {
                  if (!c.subject_transform) c.subject_transform.emplace();
                  c.subject_transform->src = subject;
              };
          });
    f.add("--transform-destination", "SUBJECT", "What subjects become before they are stored",
          [](const std::string& subject) {
              return [subject](stream_config& c) {
                  if (!c.subject_transform) c.subject_transform.emplace();
                  c.subject_transform->dest = subject;
              };
          });
}

void add_policies(stream_flags& f) {
    f.choice("--retention", "When messages go: limits, interest, work (or workqueue)",
             &stream_config::retention,
             stream_flags::words<js::retention_policy>{
                 {"limits", js::retention_policy::limits},
                 {"interest", js::retention_policy::interest},
                 {"work", js::retention_policy::workqueue},
                 {"workq", js::retention_policy::workqueue},
                 {"workqueue", js::retention_policy::workqueue},
             });
    f.choice("--discard", "What goes at a limit: old, new", &stream_config::discard,
             stream_flags::words<js::discard_policy>{{"old", js::discard_policy::old},
                                                     {"new", js::discard_policy::new_}});
    f.toggle("--discard-per-subject,!--no-discard-per-subject",
             "With --discard new: at the limit of a subject too",
             &stream_config::discard_new_per_subject);
    f.choice("--compression", "Of files: none, s2 (2.10)", &stream_config::compression,
             stream_flags::words<js::store_compression>{{"none", js::store_compression::none},
                                                        {"s2", js::store_compression::s2}});
}

void add_limits(stream_flags& f) {
    f.number("--max-msgs", "N", "Messages that it holds; -1: no limit", &stream_config::max_msgs);
    f.number("--max-msgs-per-subject", "N", "The same for each subject; -1: no limit",
             &stream_config::max_msgs_per_subject);
    f.bytes("--max-bytes", "Bytes that it holds, such as 1G; -1: no limit",
            &stream_config::max_bytes);
    f.time("--max-age", "How long messages stay; -1: no limit", &stream_config::max_age);
    f.bytes("--max-msg-size", "Bytes that a message may have; -1: no limit",
            &stream_config::max_msg_size);
    f.number("--max-consumers", "N", "Consumers that it may have; -1: no limit",
             &stream_config::max_consumers);
    f.time("--dupe-window", "How long message ids are remembered",
           &stream_config::duplicate_window);
}

void add_permissions(stream_flags& f) {
    f.add_switch("--ack,!--no-ack", "Acknowledge publishes; so unless told",
                 [](stream_config& c, bool on) { c.no_ack = !on; });
    f.toggle("--allow-rollup,!--no-allow-rollup", "Messages may replace all before them",
             &stream_config::allow_rollup_hdrs);
    f.toggle("--deny-delete,!--no-deny-delete", "Messages cannot be deleted",
             &stream_config::deny_delete);
    f.toggle("--deny-purge,!--no-deny-purge", "It cannot be purged", &stream_config::deny_purge);
    f.toggle("--allow-direct,!--no-allow-direct",
             "Messages can be read from any replica; so unless told", &stream_config::allow_direct);
    f.toggle("--allow-mirror-direct,!--no-allow-mirror-direct",
             "A mirror answers for its origin too", &stream_config::mirror_direct);
    f.toggle("--allow-msg-ttl,!--no-allow-msg-ttl", "Messages may say how long they stay (2.11)",
             &stream_config::allow_msg_ttl);
    f.time("--subject-del-markers-ttl", "How long markers of deleted subjects stay (2.11)",
           &stream_config::subject_delete_marker_ttl);
    f.toggle("--allow-batch,!--no-allow-batch", "Atomic batches of messages (2.12)",
             &stream_config::allow_atomic);
    f.toggle("--allow-schedules,!--no-allow-schedules", "Messages with a schedule (2.12)",
             &stream_config::allow_msg_schedules);
}

/// What cannot be changed later.
void add_creation(stream_flags& f) {
    f.choice("--storage", "Where it is kept: file, memory", &stream_config::storage,
             stream_flags::words<js::storage_type>{{"file", js::storage_type::file},
                                                   {"f", js::storage_type::file},
                                                   {"memory", js::storage_type::memory},
                                                   {"m", js::storage_type::memory}});
    f.number("--first-sequence", "N", "Where counting begins (2.10)", &stream_config::first_seq, 1);
    f.toggle("--allow-counter", "Its messages count (2.12)", &stream_config::allow_msg_counter);
    f.choice("--persist-mode", "When a message counts as stored: default, async (2.12)",
             &stream_config::persist_mode,
             stream_flags::words<js::persistence>{{"default", js::persistence::default_},
                                                  {"async", js::persistence::async}});
    f.add("--limit-consumer-inactive", "DURATION", "How long its consumers may be unused (2.10)",
          [](const std::string& text) {
              const auto d = parse_limit("--limit-consumer-inactive", text);
              return [d](stream_config& c) {
                  if (!c.consumer_limits) c.consumer_limits.emplace();
                  c.consumer_limits->inactive_threshold = d;
              };
          });
    f.add("--limit-consumer-max-pending", "N",
          "Unacknowledged messages that its consumers may have (2.10)",
          [](const std::string& text) {
              const auto n = parse_number("--limit-consumer-max-pending", text, -1,
                                          std::numeric_limits<std::int64_t>::max());
              return [n](stream_config& c) {
                  if (!c.consumer_limits) c.consumer_limits.emplace();
                  c.consumer_limits->max_ack_pending = n;
              };
          });
}

void add_removals(stream_flags& f) {
    f.add_switch("--no-mirror", "It is no mirror any more (2.12)",
                 [](stream_config& c, bool) { c.mirror.reset(); });
    f.add_switch("--no-transform", "Subjects stay as they are",
                 [](stream_config& c, bool) { c.subject_transform.reset(); });
    f.add_switch("--no-republish", "Nothing is published once more",
                 [](stream_config& c, bool) { c.republish.reset(); });
}

void add_flags(CLI::App& app, stream_edit_options& o) {
    add_stream_name(app, o.name);
    app.add_option("--config", o.config, "File with a configuration, JSON; flags beat it")
        ->type_name("FILE");
    add_sources(o.flags);
    o.flags.text("--description", "TEXT", "What it is for", &stream_config::description);
    o.flags.metadata("--metadata", "Something to keep with it (2.10); may be repeated",
                     &stream_config::metadata);
    add_policies(o.flags);
    add_limits(o.flags);
    add_placement(o.flags, &stream_config::num_replicas, "--tag");
    add_permissions(o.flags);
    add_republish(o.flags, "stored");
    add_json(app, o.json);
}

void check(const stream_config& c) {
    check_stream_name(c.name);
    for (const std::string& s : c.subjects) check_filter(s);
    if (c.mirror && !c.subjects.empty())
        throw usage_error("--mirror does not go with --subjects: a mirror has those of its origin");
}

stream_config new_config(const stream_edit_options& o) {
    stream_config c;
    if (o.config.empty())
        c.allow_direct = true; // as natscli
    else
        c = config_from<stream_config>(o.config);
    if (!o.name.empty()) c.name = o.name;
    o.flags.apply(c);
    if (c.name.empty())
        throw usage_error("the stream's name is missing: natsproto stream add NAME");
    if (o.config.empty() && c.subjects.empty() && !c.mirror && c.sources.empty())
        throw usage_error("--subjects is missing, or --mirror, --source or --config instead");
    check(c);
    return c;
}

int run_add(const global_options& g, const stream_edit_options& o) {
    const stream_config c = new_config(o);
    js_connection j(g);
    const js::stream_info made = j.take(j->create_stream(c));
    if (!o.json) tell("Created stream " + printable(made.config.name));
    print_stream(made, o.json);
    return j.nats().outcome();
}

int run_edit(const global_options& g, const stream_edit_options& o) {
    check_stream_name(o.name);
    if (o.flags.empty() && o.config.empty())
        throw usage_error("nothing to change: give a flag, or --config");
    std::optional<stream_config> c;
    if (!o.config.empty()) c = config_from<stream_config>(o.config);
    js_connection j(g);
    if (!c) c = j.take(j->stream_info(o.name)).config;
    c->name = o.name;
    o.flags.apply(*c);
    check(*c);
    const js::stream_info made = j.take(j->update_stream(*c));
    if (!o.json) tell("Changed stream " + printable(made.config.name));
    print_stream(made, o.json);
    return j.nats().outcome();
}

} // namespace

command add_stream_add(CLI::App& group) {
    CLI::App* const c = group.add_subcommand("add", "Make a stream");
    c->alias("create")->alias("new");
    const auto o = std::make_shared<stream_edit_options>(*c);
    add_flags(*c, *o);
    add_creation(o->flags);
    c->add_flag_callback("--defaults", [] {}, "Means nothing here: there are no questions");
    return {c, [o](const global_options& g) { return run_add(g, *o); }};
}

command add_stream_edit(CLI::App& group) {
    CLI::App* const c = group.add_subcommand("edit", "Change what a stream is");
    c->alias("update");
    const auto o = std::make_shared<stream_edit_options>(*c);
    add_flags(*c, *o);
    c->get_option("stream")->required();
    add_removals(o->flags);
    accept_force(*c);
    return {c, [o](const global_options& g) { return run_edit(g, *o); }};
}

} // namespace nats::cli

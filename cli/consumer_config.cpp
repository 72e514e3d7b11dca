// SPDX-License-Identifier: Apache-2.0
//
// natsproto consumer add and edit: as stream_config.cpp.
//
// Theory of operation: what a flag means may depend on others, such as --ack on --target, so those
// are looked at when all are known. A consumer is durable unless --ephemeral is given.

#include <natsproto/jetstream/consumer_config.hpp>

#include "consumer.hpp"
#include "js.hpp"
#include "js_flags.hpp"

#include <CLI/App.hpp>
#include <CLI/Error.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nats::cli {

namespace {

using js::consumer_config;
using consumer_flags = config_flags<consumer_config>;
using std::chrono::nanoseconds;

/// `linear` is made of these.
struct backoff_options {
    std::string mode; ///< empty: not given
    std::uint64_t steps = 10;
    duration least = std::chrono::minutes(1);
    duration most = std::chrono::minutes(20);
};

struct consumer_edit_options {
    explicit consumer_edit_options(CLI::App& app) : flags(app) {}

    consumer_flags flags;
    std::string stream;
    std::string name;
    std::string config;
    backoff_options backoff;
    bool pull = false;
    bool ephemeral = false;
    CLI::Option* target = nullptr;
    CLI::Option* ack = nullptr;
    bool json = false;
};

// --- what begins where

/// The whole of `text`, as a number.
std::optional<std::uint64_t> number_of(const std::string& text) {
    if (text.empty() || text.size() > std::numeric_limits<std::uint64_t>::digits10 ||
        text.find_first_not_of("0123456789") != std::string::npos)
        return {};
    return std::stoull(text);
}

consumer_flags::change begin_at(js::wall_time t) {
    return [t](consumer_config& c) {
        c.deliver_policy = js::deliver_policy::by_start_time;
        c.opt_start_time = t;
    };
}

consumer_flags::change begin_at(js::deliver_policy p) {
    return [p](consumer_config& c) { c.deliver_policy = p; };
}

consumer_flags::change parse_deliver(const std::string& text) {
    if (text == "all") return begin_at(js::deliver_policy::all);
    if (text == "new") return begin_at(js::deliver_policy::new_);
    if (text == "last") return begin_at(js::deliver_policy::last);
    if (text == "subject" || text == "last_per_subject")
        return begin_at(js::deliver_policy::last_per_subject);
    if (const std::optional<std::uint64_t> seq = number_of(text)) {
        return [seq](consumer_config& c) {
            c.deliver_policy = js::deliver_policy::by_start_sequence;
            c.opt_start_seq = *seq;
        };
    }
    if (const std::optional<js::wall_time> t = js::parse_wall_time(text)) return begin_at(*t);
    if (const std::optional<duration> ago = parse_duration(text))
        return begin_at(
            std::chrono::time_point_cast<nanoseconds>(std::chrono::system_clock::now()) - *ago);
    throw CLI::ValidationError(
        fmt::format("--deliver: \"{}\" is none of these: all, new, last, subject, a sequence, a "
                    "duration such as 1h, a time such as 2026-01-31T12:00:00Z",
                    printable(text)));
}

// --- flags

void add_filters(consumer_flags& f) {
    f.add_list("--filter", "SUBJECTS", "Only what matches: a comma list; may be repeated",
               [](std::vector<std::string> filters) {
                   return [filters](consumer_config& c) {
                       const bool one = filters.size() == 1;
                       c.filter_subject = one ? filters.front() : std::string();
                       c.filter_subjects = one ? std::vector<std::string>() : filters;
                   };
               });
}

void add_common(consumer_flags& f) {
    f.text("--description", "TEXT", "What it is for", &consumer_config::description);
    add_filters(f);
    f.time("--wait", "How long an acknowledgement may take; 30s unless told",
           &consumer_config::ack_wait);
    f.number("--max-deliver", "N", "How often a message is delivered; -1: no limit",
             &consumer_config::max_deliver);
    f.number("--max-pending", "N", "Unacknowledged messages at a time; -1: no limit",
             &consumer_config::max_ack_pending);
    f.add("--sample", "PERCENT", "How many acknowledgements are measured",
          [](const std::string& text) {
              const auto n = parse_number("--sample", text, 0, 100);
              return [n](consumer_config& c) { c.sample_freq = fmt::format("{}%", n); };
          });
    f.time("--inactive-threshold", "How long it stays when nobody uses it",
           &consumer_config::inactive_threshold);
    f.toggle("--headers-only,!--no-headers-only", "Deliver headers, and no payloads",
             &consumer_config::headers_only);
    f.number("--max-pull-batch", "N", "Messages that a pull may ask for",
             &consumer_config::max_batch, 0);
    f.time("--max-pull-expire", "How long a pull may wait", &consumer_config::max_expires);
    f.bytes("--max-pull-bytes", "Bytes that a pull may ask for", &consumer_config::max_bytes);
    f.number("--replicas", "N", "How many servers keep it; 0: as many as the stream",
             &consumer_config::num_replicas, 0, 5);
    f.metadata("--metadata", "Something to keep with it (2.10); may be repeated",
               &consumer_config::metadata);
}

void add_groups(consumer_flags& f) {
    const auto grouped = [](js::priority_policy p) {
        return [p](std::vector<std::string> groups) {
            return [p, groups](consumer_config& c) {
                c.priority_policy = p;
                c.priority_groups = groups;
            };
        };
    };
    f.add_list("--pinned-groups", "GROUPS", "Of each group one client gets everything (2.11)",
               grouped(js::priority_policy::pinned_client));
    f.add_list("--overflow-groups", "GROUPS", "Groups that get what others leave (2.11)",
               grouped(js::priority_policy::overflow));
    f.add_list("--prioritized-groups", "GROUPS", "Groups whose clients have priorities (2.12)",
               grouped(js::priority_policy::prioritized));
    f.time("--pinned-ttl", "How long a pinned client may be silent; 2m unless told",
           &consumer_config::priority_timeout);
}

/// What cannot be changed later.
void add_creation(CLI::App& app, consumer_edit_options& o) {
    consumer_flags& f = o.flags;
    app.add_flag("--pull", o.pull, "Messages are asked for; so without --target");
    app.add_flag("--ephemeral", o.ephemeral, "It goes when it was not used for a while");
    f.choice("--ack",
             "What is acknowledged: explicit, all, none; explicit for pulls unless told, "
             "else none",
             &consumer_config::ack_policy,
             consumer_flags::words<js::ack_policy>{{"explicit", js::ack_policy::explicit_},
                                                   {"all", js::ack_policy::all},
                                                   {"none", js::ack_policy::none}});
    o.ack = app.get_option("--ack");
    f.add("--deliver", "WHERE",
          "Where it begins: all, new, last, subject (the last of each), a sequence, a duration "
          "ago, or a time; all unless told",
          parse_deliver);
    f.choice("--replay", "How fast: instant, or as slowly as it came: original",
             &consumer_config::replay_policy,
             consumer_flags::words<js::replay_policy>{{"instant", js::replay_policy::instant},
                                                      {"original", js::replay_policy::original}});
    f.text("--deliver-group", "GROUP", "Push to one of the members of this group",
           &consumer_config::deliver_group);
    f.toggle("--flow-control", "Push only as fast as it is taken", &consumer_config::flow_control);
    f.time("--heartbeat", "Of a push consumer: how often it says that it is there",
           &consumer_config::idle_heartbeat);
    f.number("--bps", "N", "Push no more bits a second", &consumer_config::rate_limit_bps, 0);
    f.number("--max-waiting", "N", "Pulls that wait at a time", &consumer_config::max_waiting, 0);
    f.toggle("--memory", "Keep its state in memory", &consumer_config::mem_storage);
    f.add("--pause", "WHEN", "Deliver nothing until then: a time, or a duration (2.11)",
          [](const std::string& text) {
              return [text](consumer_config& c) { c.pause_until = later("--pause", text); };
          });
    add_groups(f);
}

void add_backoff(CLI::App& app, backoff_options& b) {
    app.add_option("--backoff", b.mode,
                   "How long to wait before each further delivery: none, linear, or a comma list "
                   "of durations")
        ->type_name("MODE");
    app.add_option("--backoff-steps", b.steps, "Of linear: how many")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str()
        ->type_name("N");
    add_duration(app, "--backoff-min", b.least, "Of linear: the first; 1m unless told");
    add_duration(app, "--backoff-max", b.most, "Of linear: the last; 20m unless told");
}

void add_flags(CLI::App& app, consumer_edit_options& o) {
    add_stream_name(app, o.stream)->required();
    add_consumer_name(app, o.name);
    app.add_option("--config", o.config, "File with a configuration, JSON; flags beat it")
        ->type_name("FILE");
    add_common(o.flags);
    add_backoff(app, o.backoff);
    o.flags.text("--target", "SUBJECT", "Messages are pushed to this subject",
                 &consumer_config::deliver_subject);
    o.target = app.get_option("--target");
    add_json(app, o.json);
}

// --- configurations

std::vector<nanoseconds> steps_of(const backoff_options& b) {
    if (b.mode == "none") return {};
    std::vector<nanoseconds> all;
    if (b.mode == "linear") {
        if (b.least > b.most) throw usage_error("--backoff-min is more than --backoff-max");
        const auto gaps = static_cast<std::int64_t>(std::max<std::uint64_t>(b.steps - 1, 1));
        for (std::int64_t i = 0; i < static_cast<std::int64_t>(b.steps); ++i)
            all.emplace_back(b.least + (b.most - b.least) / gaps * i);
        return all;
    }
    for (const std::string& text : parse_list("--backoff", {b.mode})) {
        const std::optional<duration> d = parse_duration(text);
        if (!d) {
            throw usage_error(
                fmt::format("--backoff: \"{}\" is none of these: none, linear, a "
                            "comma list of durations",
                            printable(text)));
        }
        all.emplace_back(*d);
    }
    return all;
}

void apply(const consumer_edit_options& o, consumer_config& c) {
    o.flags.apply(c);
    if (!o.backoff.mode.empty()) c.backoff = steps_of(o.backoff);
}

void check(const consumer_config& c) {
    if (!c.filter_subject.empty()) check_filter(c.filter_subject);
    for (const std::string& s : c.filter_subjects) check_filter(s);
    if (!c.deliver_subject.empty()) check_filter(c.deliver_subject);
}

consumer_config new_config(const consumer_edit_options& o) {
    consumer_config c;
    const bool push = o.target != nullptr && *o.target;
    if (o.pull && push) throw usage_error("--pull and --target exclude each other");
    if (!o.config.empty())
        c = config_from<consumer_config>(o.config);
    else if (push && !*o.ack)
        c.ack_policy = js::ack_policy::none; // as natscli
    if (!o.name.empty()) c.name = o.name;
    if (c.name.empty()) c.name = c.durable_name;
    if (c.name.empty() && !o.ephemeral)
        throw usage_error("the consumer's name is missing, or --ephemeral");
    if (!c.name.empty()) check_consumer_name(c.name);
    c.durable_name = o.ephemeral ? std::string() : c.name;
    apply(o, c);
    check(c);
    return c;
}

int run_add(const global_options& g, const consumer_edit_options& o) {
    check_stream_name(o.stream);
    const consumer_config c = new_config(o);
    js_connection j(g);
    const js::consumer_info made = j.take(j->create_consumer(o.stream, c));
    if (!o.json) tell(fmt::format("Created consumer {}", printable(made.name)));
    print_consumer(made, o.json);
    return j.nats().outcome();
}

int run_edit(const global_options& g, const consumer_edit_options& o) {
    check_stream_name(o.stream);
    check_consumer_name(o.name);
    if (o.flags.empty() && o.config.empty() && o.backoff.mode.empty())
        throw usage_error("nothing to change: give a flag, or --config");
    std::optional<consumer_config> c;
    if (!o.config.empty()) c = config_from<consumer_config>(o.config);
    js_connection j(g);
    const js::consumer_info before = j.take(j->consumer_info(o.stream, o.name));
    if (!c) c = before.config;
    c->name = o.name;
    c->durable_name = before.config.durable_name;
    apply(o, *c);
    check(*c);
    const js::consumer_info made = j.take(j->update_consumer(o.stream, *c));
    if (!o.json) tell(fmt::format("Changed consumer {}", printable(made.name)));
    print_consumer(made, o.json);
    return j.nats().outcome();
}

} // namespace

js::wall_time later(const std::string& what, const std::string& text) {
    if (const std::optional<js::wall_time> t = js::parse_wall_time(text)) return *t;
    const std::optional<duration> d = parse_duration(text);
    if (!d) {
        throw usage_error(fmt::format(
            "{}: \"{}\" is neither a duration such as 1h nor a time such as 2026-01-31T12:00:00Z",
            what, printable(text)));
    }
    return std::chrono::time_point_cast<nanoseconds>(std::chrono::system_clock::now()) + *d;
}

command add_consumer_add(CLI::App& group) {
    CLI::App* const c = group.add_subcommand("add", "Make a consumer");
    c->alias("create")->alias("new");
    const auto o = std::make_shared<consumer_edit_options>(*c);
    add_flags(*c, *o);
    add_creation(*c, *o);
    c->add_flag_callback("--defaults", [] {}, "Means nothing here: there are no questions");
    return {c, [o](const global_options& g) { return run_add(g, *o); }};
}

command add_consumer_edit(CLI::App& group) {
    CLI::App* const c = group.add_subcommand("edit", "Change what a consumer is");
    c->alias("update");
    const auto o = std::make_shared<consumer_edit_options>(*c);
    add_flags(*c, *o);
    c->get_option("consumer")->required();
    accept_force(*c);
    return {c, [o](const global_options& g) { return run_edit(g, *o); }};
}

} // namespace nats::cli

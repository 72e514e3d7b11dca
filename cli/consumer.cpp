// SPDX-License-Identifier: Apache-2.0
//
// natsproto consumer: what there is, and what is done to it as a whole. Making and changing is
// consumer_config.cpp, messages are consumer_next.cpp and consumer_sub.cpp.
//
// Theory of operation: as stream.cpp.

#include "consumer.hpp"
#include "js.hpp"
#include "js_text.hpp"
#include "output.hpp"

#include <CLI/App.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nats::cli {

namespace {

struct consumer_options {
    std::string stream;
    std::string name;
    std::string argument; ///< a time or a group
    std::optional<std::uint64_t> seq;
    bool names = false;
    bool force = false;
    bool json = false;
};

void check_names(const consumer_options& o) {
    check_stream_name(o.stream);
    check_consumer_name(o.name);
}

// --- ls

std::string table_of(const std::vector<js::consumer_info>& all) {
    table t({"NAME", "DELIVERY", ">UNACKED", ">REDELIVERED", ">UNPROCESSED", "DESCRIPTION"});
    for (const js::consumer_info& i : all) {
        t.add({i.name, i.config.deliver_subject.empty() ? "pull" : "push",
               fmt::format("{}", i.num_ack_pending), fmt::format("{}", i.num_redelivered),
               fmt::format("{}", i.num_pending), i.config.description});
    }
    return t.text();
}

int run_ls(const global_options& g, const consumer_options& o) {
    check_stream_name(o.stream);
    js_connection j(g);
    if (o.names) {
        print_names(j.take(j->consumer_names(o.stream)), o.json);
        return j.nats().outcome();
    }
    std::vector<js::consumer_info> all = j.take(j->consumers(o.stream));
    std::sort(all.begin(), all.end(), [](const js::consumer_info& a, const js::consumer_info& b) {
        return a.name < b.name;
    });
    if (all.empty() && !o.json) {
        tell("No consumers");
        return j.nats().outcome();
    }
    print(o.json ? json_of(all) : table_of(all));
    return j.nats().outcome();
}

// --- one consumer

int run_info(const global_options& g, const consumer_options& o) {
    check_names(o);
    js_connection j(g);
    print_consumer(j.take(j->consumer_info(o.stream, o.name)), o.json);
    return j.nats().outcome();
}

int run_rm(const global_options& g, const consumer_options& o) {
    check_names(o);
    require_force(o.force, "consumer rm deletes the consumer");
    js_connection j(g);
    j.take(j->delete_consumer(o.stream, o.name));
    tell(fmt::format("Deleted consumer {} of stream {}", o.name, o.stream));
    return j.nats().outcome();
}

int run_pause(const global_options& g, const consumer_options& o) {
    check_names(o);
    const js::wall_time until = later("until", o.argument);
    js_connection j(g);
    const js::pause_state now = j.take(j->pause_consumer(o.stream, o.name, until));
    // A server that does not know the request's member, or a time that has passed.
    if (!now.paused) throw exception(error{errc::invalid_argument, "it is not paused"});
    tell(fmt::format("Paused consumer {} of stream {} until {}", o.name, o.stream,
                     js::format_wall_time(now.pause_until.value_or(until))));
    return j.nats().outcome();
}

int run_resume(const global_options& g, const consumer_options& o) {
    check_names(o);
    js_connection j(g);
    (void)j.take(j->resume_consumer(o.stream, o.name));
    tell(fmt::format("Consumer {} of stream {} goes on", o.name, o.stream));
    return j.nats().outcome();
}

int run_unpin(const global_options& g, const consumer_options& o) {
    check_names(o);
    js_connection j(g);
    j.take(j->unpin_consumer(o.stream, o.name, o.argument));
    tell(fmt::format("Nobody is pinned in group {} any more", printable(o.argument)));
    return j.nats().outcome();
}

int run_reset(const global_options& g, const consumer_options& o) {
    check_names(o);
    js_connection j(g);
    const js::consumer_info i = j.take(j->reset_consumer(o.stream, o.name, o.seq.value_or(0)));
    if (!o.json) tell(fmt::format("Reset consumer {} of stream {}", o.name, o.stream));
    print_consumer(i, o.json);
    return j.nats().outcome();
}

CLI::App* add_one(CLI::App& group, const std::string& name, const std::string& what,
                  consumer_options& o) {
    CLI::App* const c = group.add_subcommand(name, what);
    add_stream_name(*c, o.stream)->required();
    add_consumer_name(*c, o.name)->required();
    return c;
}

} // namespace

command add_consumer_ls(CLI::App& group) {
    const auto o = std::make_shared<consumer_options>();
    CLI::App* const c = group.add_subcommand("ls", "List the consumers of a stream");
    c->alias("list");
    add_stream_name(*c, o->stream)->required();
    c->add_flag("-n,--names", o->names, "Only their names, one a line");
    add_json(*c, o->json);
    return {c, [o](const global_options& g) { return run_ls(g, *o); }};
}

command add_consumer_info(CLI::App& group) {
    const auto o = std::make_shared<consumer_options>();
    CLI::App* const c = add_one(group, "info", "Show a consumer", *o);
    c->alias("nfo");
    add_json(*c, o->json);
    return {c, [o](const global_options& g) { return run_info(g, *o); }};
}

command add_consumer_rm(CLI::App& group) {
    const auto o = std::make_shared<consumer_options>();
    CLI::App* const c = add_one(group, "rm", "Delete a consumer", *o);
    c->alias("delete")->alias("del");
    add_force(*c, o->force);
    return {c, [o](const global_options& g) { return run_rm(g, *o); }};
}

command add_consumer_pause(CLI::App& group) {
    const auto o = std::make_shared<consumer_options>();
    CLI::App* const c = add_one(group, "pause", "Deliver nothing for a while (2.11)", *o);
    c->add_option("until", o->argument, "Until when: a time, or a duration from now on")
        ->required()
        ->type_name("");
    accept_force(*c);
    return {c, [o](const global_options& g) { return run_pause(g, *o); }};
}

command add_consumer_resume(CLI::App& group) {
    const auto o = std::make_shared<consumer_options>();
    CLI::App* const c = add_one(group, "resume", "Go on after a pause (2.11)", *o);
    accept_force(*c);
    return {c, [o](const global_options& g) { return run_resume(g, *o); }};
}

command add_consumer_unpin(CLI::App& group) {
    const auto o = std::make_shared<consumer_options>();
    CLI::App* const c =
        add_one(group, "unpin", "Let another client of a group be the pinned one (2.11)", *o);
    c->add_option("group", o->argument, "The priority group")->required()->type_name("");
    accept_force(*c);
    return {c, [o](const global_options& g) { return run_unpin(g, *o); }};
}

command add_consumer_reset(CLI::App& group) {
    const auto o = std::make_shared<consumer_options>();
    CLI::App* const c = add_one(group, "reset", "Deliver once more (2.14)", *o);
    c->add_option("sequence", o->seq, "From here on; else from what was acknowledged")
        ->check(at_least_one())
        ->type_name("");
    accept_force(*c);
    add_json(*c, o->json);
    return {c, [o](const global_options& g) { return run_reset(g, *o); }};
}

std::vector<command> add_consumer(CLI::App& app) {
    CLI::App* const group =
        app.add_subcommand("consumer", "Consumers, which deliver what streams store");
    group->alias("con")->alias("c");
    group->require_subcommand(1);
    group->footer(exit_codes);
    return {add_consumer_add(*group),   add_consumer_edit(*group),  add_consumer_ls(*group),
            add_consumer_info(*group),  add_consumer_rm(*group),    add_consumer_next(*group),
            add_consumer_sub(*group),   add_consumer_pause(*group), add_consumer_resume(*group),
            add_consumer_unpin(*group), add_consumer_reset(*group)};
}

} // namespace nats::cli

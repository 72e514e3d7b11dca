// SPDX-License-Identifier: Apache-2.0
//
// natsproto stream: what there is, and the end of it. Making and changing is stream_config.cpp,
// messages are stream_messages.cpp.
//
// Theory of operation: each command is one call, whose answer is printed: as text, or as the JSON
// that JetStream's API has for it.

#include "js.hpp"
#include "js_text.hpp"
#include "output.hpp"
#include "stream.hpp"

#include <CLI/App.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace nats::cli {

namespace {

struct stream_ls_options {
    std::string subject;
    bool names = false;
    bool all = false;
    bool json = false;
};

struct stream_options {
    std::string name;
    std::string filter = ">";
    std::string sort = "messages";
    bool force = false;
    bool json = false;
    bool state = false;
    bool names = false;
    bool reverse = false;
};

/// Of key-value buckets, object stores and MQTT.
bool is_internal(std::string_view name) noexcept {
    return name.starts_with("KV_") || name.starts_with("OBJ_") || name.starts_with("$MQTT_");
}

// --- ls

int list_names(js_connection& j, const stream_ls_options& o) {
    std::vector<std::string> names = j.take(j->stream_names(o.subject));
    if (!o.all) std::erase_if(names, is_internal);
    print_names(std::move(names), o.json);
    return j.nats().outcome();
}

std::string table_of(const std::vector<js::stream_info>& all) {
    table t({"NAME", "CREATED", ">MESSAGES", ">SIZE", "LAST MESSAGE", "DESCRIPTION"});
    const auto time = [](const std::optional<js::wall_time>& w) {
        return text_of_second(w, "never");
    };
    for (const js::stream_info& i : all) {
        t.add({i.config.name, time(i.created), fmt::format("{}", i.state.messages),
               text_of_bytes(i.state.bytes), time(i.state.last_ts), i.config.description});
    }
    return t.text();
}

int run_ls(const global_options& g, const stream_ls_options& o) {
    if (!o.subject.empty()) check_filter(o.subject);
    js_connection j(g);
    if (o.names) return list_names(j, o);
    std::vector<js::stream_info> all = j.take(j->streams(o.subject));
    if (!o.all)
        std::erase_if(all, [](const js::stream_info& i) { return is_internal(i.config.name); });
    std::sort(all.begin(), all.end(), [](const js::stream_info& a, const js::stream_info& b) {
        return a.config.name < b.config.name;
    });
    if (o.json) {
        print(json_of(all));
    } else if (all.empty()) {
        tell("No streams");
    } else {
        print(table_of(all));
    }
    return j.nats().outcome();
}

// --- one stream

int run_info(const global_options& g, const stream_options& o) {
    check_stream_name(o.name);
    js_connection j(g);
    const js::stream_info i = j.take(j->stream_info(o.name));
    if (o.state && !o.json)
        print(text_of_state(i));
    else
        print_stream(i, o.json);
    return j.nats().outcome();
}

using subject_count = std::pair<std::string, std::uint64_t>;

void sort(std::vector<subject_count>& all, const stream_options& o) {
    // They come in the order of their names.
    if (o.sort == "messages" || o.sort == "count") {
        std::sort(all.begin(), all.end(), [](const subject_count& a, const subject_count& b) {
            return std::tie(a.second, a.first) < std::tie(b.second, b.first);
        });
    }
    if (o.reverse) std::reverse(all.begin(), all.end());
}

std::string json_of(const std::vector<subject_count>& all) {
    std::string out;
    for (const auto& [subject, count] : all)
        out += fmt::format("{}{}:{}", out.empty() ? "" : ",", json_string(subject), count);
    return indented('{' + out + '}');
}

int run_subjects(const global_options& g, const stream_options& o) {
    check_stream_name(o.name);
    check_filter(o.filter);
    js_connection j(g);
    js::stream_info_options wanted;
    wanted.subjects_filter = o.filter;
    const js::stream_info i = j.take(j->stream_info(o.name, wanted));
    std::vector<subject_count> all(i.state.subjects.begin(), i.state.subjects.end());
    sort(all, o);
    std::string names;
    table counts({"SUBJECT", ">MESSAGES"});
    for (const auto& [subject, count] : all) {
        names += printable(subject) + '\n';
        counts.add({subject, fmt::format("{}", count)});
    }
    if (o.json)
        print(json_of(all));
    else if (all.empty())
        tell(fmt::format("No subjects match \"{}\"", printable(o.filter)));
    else
        print(o.names ? names : counts.text());
    return j.nats().outcome();
}

int run_rm(const global_options& g, const stream_options& o) {
    check_stream_name(o.name);
    require_force(o.force, "stream rm deletes the stream and all its messages");
    js_connection j(g);
    j.take(j->delete_stream(o.name));
    tell("Deleted stream " + o.name);
    return j.nats().outcome();
}

int run_seal(const global_options& g, const stream_options& o) {
    check_stream_name(o.name);
    require_force(o.force, "stream seal lets nothing into the stream any more, and nothing out");
    js_connection j(g);
    const js::stream_info sealed = j.take(j->seal_stream(o.name));
    tell("Sealed stream " + printable(sealed.config.name));
    return j.nats().outcome();
}

CLI::App* add_one(CLI::App& group, const std::string& name, const std::string& what,
                  stream_options& o) {
    CLI::App* const c = group.add_subcommand(name, what);
    add_stream_name(*c, o.name)->required();
    return c;
}

} // namespace

command add_stream_ls(CLI::App& group) {
    const auto o = std::make_shared<stream_ls_options>();
    CLI::App* const c = group.add_subcommand("ls", "List the streams");
    c->alias("list");
    c->add_option("--subject", o->subject, "Only those that listen to what this matches")
        ->type_name("SUBJECT");
    c->add_flag("-n,--names", o->names, "Only their names, one a line");
    c->add_flag("-a,--all", o->all, "Also those of key-value buckets, object stores and MQTT");
    add_json(*c, o->json);
    return {c, [o](const global_options& g) { return run_ls(g, *o); }};
}

command add_stream_info(CLI::App& group) {
    const auto o = std::make_shared<stream_options>();
    CLI::App* const c = add_one(group, "info", "Show a stream: what it is, and what is in it", *o);
    c->alias("nfo");
    c->add_flag("--state", o->state, "Only what is in it");
    add_json(*c, o->json);
    return {c, [o](const global_options& g) { return run_info(g, *o); }};
}

command add_stream_state(CLI::App& group) {
    const auto o = std::make_shared<stream_options>();
    o->state = true;
    CLI::App* const c = add_one(group, "state", "Show what is in a stream", *o);
    add_json(*c, o->json);
    return {c, [o](const global_options& g) { return run_info(g, *o); }};
}

command add_stream_subjects(CLI::App& group) {
    const auto o = std::make_shared<stream_options>();
    CLI::App* const c =
        add_one(group, "subjects", "Show which subjects a stream has messages of", *o);
    c->add_option("filter", o->filter, "Which subjects; * and > are wildcards")
        ->capture_default_str()
        ->type_name("");
    c->add_option("--sort", o->sort, "By messages or name")
        ->check(CLI::IsMember({"messages", "count", "name", "subjects"}))
        ->type_name("WORD");
    c->add_flag("-R,--reverse", o->reverse, "In reverse order");
    c->add_flag("--names", o->names, "Only the subjects, one a line");
    add_json(*c, o->json);
    return {c, [o](const global_options& g) { return run_subjects(g, *o); }};
}

command add_stream_rm(CLI::App& group) {
    const auto o = std::make_shared<stream_options>();
    CLI::App* const c = add_one(group, "rm", "Delete a stream and all its messages", *o);
    c->alias("delete")->alias("del");
    add_force(*c, o->force);
    return {c, [o](const global_options& g) { return run_rm(g, *o); }};
}

command add_stream_seal(CLI::App& group) {
    const auto o = std::make_shared<stream_options>();
    CLI::App* const c = add_one(group, "seal", "Let nothing in or out any more", *o);
    add_force(*c, o->force);
    return {c, [o](const global_options& g) { return run_seal(g, *o); }};
}

std::vector<command> add_stream(CLI::App& app) {
    CLI::App* const group = app.add_subcommand("stream", "Streams, which store messages");
    group->alias("str")->alias("st")->alias("s");
    group->require_subcommand(1);
    group->footer(exit_codes);
    std::vector<command> all{
        add_stream_add(*group),  add_stream_edit(*group),  add_stream_ls(*group),
        add_stream_info(*group), add_stream_state(*group), add_stream_subjects(*group),
        add_stream_rm(*group),   add_stream_purge(*group), add_stream_get(*group),
        add_stream_view(*group), add_stream_rmm(*group),   add_stream_seal(*group)};
    for (command& c : add_stream_cluster(*group)) all.push_back(std::move(c));
    return all;
}

} // namespace nats::cli

// SPDX-License-Identifier: Apache-2.0
//
// natsproto kv get, ls, history and watch.
//
// Theory of operation: get prints a value, and the rest lines about entries, with values where they
// are asked for; as JSON one object for each. A watch connects again, for ever, as sub.cpp does.

#include <natsproto/headers.hpp>

#include "js_text.hpp"
#include "kv.hpp"
#include "output.hpp"
#include "signals.hpp"

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

struct read_options {
    std::string bucket;
    std::string key;
    std::vector<std::string> keys;
    std::uint64_t revision = 0;
    std::optional<std::uint64_t> count;
    bool raw = false;
    bool json = false;
    bool names = false;
    bool values = false;
    bool include_history = false;
    bool updates_only = false;
    bool ignore_deletes = false;
    bool meta_only = false;
};

/// What people see of a value: printable, with its line breaks.
void print_value(output& out, const kv::entry& e) {
    message_view v;
    v.payload = e.value;
    print_content(out, v, {});
}

// --- get

int run_get(const global_options& g, const read_options& o) {
    check_bucket_name(o.bucket);
    check_key(o.key);
    kv_connection k(g);
    kv_bucket b = k.bind(o.bucket);
    const kv::entry e = k.take(b.get(o.key, {.revision = o.revision}));
    output out;
    if (o.json) {
        out.write(indented(json_of_entry(e)));
    } else if (o.raw) {
        out.write(e.value);
    } else {
        out.write(line_of(e) + "\n\n");
        print_value(out, e);
    }
    out.flush();
    return k.nats().outcome();
}

// --- ls

std::string table_of(const std::vector<kv::bucket_status>& all) {
    table t({"BUCKET", "CREATED", ">VALUES", ">SIZE", "LAST UPDATE", "DESCRIPTION"});
    const auto time = [](const std::optional<js::wall_time>& w) {
        return text_of_second(w, "never");
    };
    for (const kv::bucket_status& s : all) {
        t.add({s.bucket(), time(s.info().created), fmt::format("{}", s.values()),
               text_of_bytes(s.bytes()), time(s.info().state.last_ts), s.config().description});
    }
    return t.text();
}

int list_buckets(const global_options& g, const read_options& o) {
    kv_connection k(g);
    if (o.names) {
        print_names(k.take(k->names(true)), o.json);
        return k.nats().outcome();
    }
    std::vector<kv::bucket_status> all = k.take(k->list(true));
    std::sort(all.begin(), all.end(), [](const kv::bucket_status& a, const kv::bucket_status& b) {
        return a.bucket() < b.bucket();
    });
    if (o.json) {
        std::vector<js::stream_info> infos;
        for (const kv::bucket_status& s : all) infos.push_back(s.info());
        print(json_of(infos));
    } else if (all.empty()) {
        tell("No buckets");
    } else {
        print(table_of(all));
    }
    return k.nats().outcome();
}

void print_entries(const std::vector<kv::entry>& all, const read_options& o) {
    if (o.json) {
        std::vector<std::string> items;
        for (const kv::entry& e : all) items.push_back(json_of_entry(e));
        return print(indented(json_array(items)));
    }
    output out;
    for (const kv::entry& e : all) {
        out.write(line_of(e) + '\n');
        if (o.values && !e.is_marker()) print_value(out, e);
    }
    out.flush();
}

int list_keys(const global_options& g, const read_options& o) {
    kv_connection k(g);
    kv_bucket b = k.bind(o.bucket);
    const std::vector<std::string> keys = k.take(b.keys());
    if (o.values)
        print_entries(k.take(b.get_many(keys)), o);
    else if (keys.empty() && !o.json)
        tell("No keys");
    else
        print_names(keys, o.json);
    return k.nats().outcome();
}

int run_ls(const global_options& g, const read_options& o) {
    if (o.bucket.empty()) return list_buckets(g, o);
    check_bucket_name(o.bucket);
    return list_keys(g, o);
}

int run_info(const global_options& g, const read_options& o) {
    check_bucket_name(o.bucket);
    kv_connection k(g);
    print_bucket(k.take(k->status(o.bucket)), o.json);
    return k.nats().outcome();
}

int run_history(const global_options& g, const read_options& o) {
    check_bucket_name(o.bucket);
    check_key(o.key);
    kv_connection k(g);
    kv_bucket b = k.bind(o.bucket);
    print_entries(k.take(b.history(o.key)), o);
    return k.nats().outcome();
}

// --- watch

kv::watch_options options_of(const read_options& o) {
    kv::watch_options w;
    w.include_history = o.include_history;
    w.updates_only = o.updates_only;
    w.ignore_deletes = o.ignore_deletes;
    w.meta_only = o.meta_only;
    w.from_revision = o.revision;
    return w;
}

void print_watched(const kv::entry& e, const read_options& o) {
    output out;
    if (o.json) {
        out.write(json_of_entry(e) + '\n');
    } else {
        const std::string size = fmt::format(" ({} bytes)", e.size);
        out.write(line_of(e) + (o.meta_only && !e.is_marker() ? size : "") + '\n');
        if (!o.meta_only && !e.is_marker()) print_value(out, e);
    }
    out.flush();
}

/// Until there is a reason to end; how many were printed.
std::uint64_t follow(kv_connection& k, kv_watch& w, const read_options& o) {
    std::uint64_t printed = 0;
    while (!o.count || printed < *o.count) {
        result<std::optional<kv::watch_event>> e = w.next();
        if (!e && e.error() == errc::interrupted && stop_signals::received() != 0) return printed;
        const std::optional<kv::watch_event> got = k.take(std::move(e));
        if (!got) {
            const error why = w.why().value_or(errc::consumption_stopped);
            if (why != errc::consumption_stopped) throw exception(why);
            return printed;
        }
        if (got->initial_end()) continue;
        print_watched(*got->entry, o);
        ++printed;
    }
    return printed;
}

int run_watch(const global_options& g, const read_options& o) {
    check_bucket_name(o.bucket);
    for (const std::string& key : o.keys) kv::check_filter(key).value();
    if (o.updates_only && (o.include_history || o.revision != 0))
        throw usage_error("--updates-only excludes --history and --revision");
    kv_connection k(g, lifetime::service);
    kv_bucket b = k.bind(o.bucket);
    const stop_signals signals(*k.nats());
    kv_watch w = k.take(b.watch(o.keys, options_of(o)));
    w.on_warning([](const error& why) { tell_error(why.message()); });
    tell(fmt::format("Watching bucket {}", o.bucket));
    const std::uint64_t printed = follow(k, w, o);
    w.stop();
    if (!o.count || printed >= *o.count) return exit_code::ok;
    const int signal = stop_signals::received();
    return signal != 0 ? exit_code::signalled + signal : exit_code::timed_out;
}

CLI::App* add_command(CLI::App& group, const std::string& name, const std::string& what,
                      read_options& o) {
    CLI::App* const c = group.add_subcommand(name, what);
    add_json(*c, o.json);
    return c;
}

} // namespace

command add_kv_get(CLI::App& group) {
    const auto o = std::make_shared<read_options>();
    CLI::App* const c = add_command(group, "get", "Show a value", *o);
    add_bucket_name(*c, o->bucket)->required();
    add_key(*c, o->key)->required();
    c->add_option("--revision", o->revision, "This revision, and not the newest")
        ->check(at_least_one())
        ->type_name("N");
    c->add_flag("-r,--raw", o->raw, "Print the value only, byte for byte");
    return {c, [o](const global_options& g) { return run_get(g, *o); }};
}

command add_kv_ls(CLI::App& group) {
    const auto o = std::make_shared<read_options>();
    CLI::App* const c = add_command(group, "ls", "List the buckets, or the keys of one", *o);
    c->alias("list");
    add_bucket_name(*c, o->bucket);
    c->add_flag("-n,--names", o->names, "Only the names of buckets, one a line");
    c->add_flag("--display-value", o->values, "Show the values of keys too");
    return {c, [o](const global_options& g) { return run_ls(g, *o); }};
}

command add_kv_info(CLI::App& group) {
    const auto o = std::make_shared<read_options>();
    CLI::App* const c =
        add_command(group, "info", "Show a bucket: what it is, and what is in it", *o);
    c->alias("view")->alias("status");
    add_bucket_name(*c, o->bucket)->required();
    return {c, [o](const global_options& g) { return run_info(g, *o); }};
}

command add_kv_history(CLI::App& group) {
    const auto o = std::make_shared<read_options>();
    o->values = true;
    CLI::App* const c = add_command(group, "history", "Show all that is kept of a key", *o);
    add_bucket_name(*c, o->bucket)->required();
    add_key(*c, o->key)->required();
    return {c, [o](const global_options& g) { return run_history(g, *o); }};
}

command add_kv_watch(CLI::App& group) {
    const auto o = std::make_shared<read_options>();
    CLI::App* const c =
        add_command(group, "watch", "Show what is in a bucket, and each change as it comes", *o);
    add_bucket_name(*c, o->bucket)->required();
    c->add_option("keys", o->keys, "Only these keys; * and > are wildcards")->type_name("");
    c->add_flag("--history", o->include_history, "All revisions that are there");
    c->add_flag("--updates-only", o->updates_only, "Nothing that is there already");
    c->add_flag("--ignore-deletes", o->ignore_deletes, "No deletions");
    c->add_flag("--meta-only", o->meta_only, "No values, but their sizes");
    c->add_option("--revision", o->revision, "Begin at this revision")
        ->check(at_least_one())
        ->type_name("N");
    c->add_option("--count", o->count, "End after this many entries")
        ->check(at_least_one())
        ->type_name("N");
    return {c, [o](const global_options& g) { return run_watch(g, *o); }};
}

std::vector<command> add_kv(CLI::App& app) {
    CLI::App* const group = app.add_subcommand("kv", "Key-value buckets");
    group->require_subcommand(1);
    group->footer(exit_codes);
    return {add_kv_add(*group),    add_kv_edit(*group),   add_kv_ls(*group),
            add_kv_info(*group),   add_kv_get(*group),    add_kv_put(*group),
            add_kv_create(*group), add_kv_update(*group), add_kv_revert(*group),
            add_kv_del(*group),    add_kv_purge(*group),  add_kv_compact(*group),
            add_kv_watch(*group),  add_kv_history(*group)};
}

} // namespace nats::cli

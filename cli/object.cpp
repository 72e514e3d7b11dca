// SPDX-License-Identifier: Apache-2.0
//
// natsproto object: what there is, what happens to it, and the end of it. Buckets are made and
// changed in object_config.cpp, objects are written and read in object_transfer.cpp.
//
// Theory of operation: each command is one call, whose answer is printed: as text, or as the JSON
// that stands in the bucket.

#include "js_text.hpp"
#include "object.hpp"
#include "output.hpp"
#include "signals.hpp"

#include <CLI/App.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nats::cli {

namespace {

struct object_options {
    std::string bucket;
    std::string object;
    bool force = false;
    bool json = false;
    bool names = false;
};

/// What a link leads to.
std::string target_of(const obj::object_link& l) {
    return l.name.empty() ? "bucket " + l.bucket : l.bucket + '/' + l.name;
}

// --- ls

std::string table_of_buckets(const std::vector<obj::bucket_status>& all) {
    table t({"BUCKET", "CREATED", ">SIZE", "DESCRIPTION"});
    for (const obj::bucket_status& s : all)
        t.add({s.bucket, text_of_second(s.stream.created, "unknown"), text_of_bytes(s.size),
               s.description});
    return t.text();
}

int list_buckets(object_connection& c, const object_options& o) {
    if (o.names) {
        print_names(c.take(c->names()), o.json);
        return c.nats().outcome();
    }
    std::vector<obj::bucket_status> all = c.take(c->list());
    std::sort(all.begin(), all.end(),
              [](const auto& a, const auto& b) { return a.bucket < b.bucket; });
    if (o.json)
        print(json_of(all));
    else if (all.empty())
        tell("No buckets of objects");
    else
        print(table_of_buckets(all));
    return c.nats().outcome();
}

std::string table_of_objects(const std::vector<obj::object_info>& all) {
    table t({"NAME", ">SIZE", "TIME"});
    for (const obj::object_info& i : all) {
        const obj::object_link* const to = i.link();
        t.add({to == nullptr ? i.name : i.name + " -> " + target_of(*to), text_of_bytes(i.size),
               text_of_second(i.mtime, "unknown")});
    }
    return t.text();
}

int run_ls(const global_options& g, const object_options& o) {
    if (!o.bucket.empty()) check_object_bucket(o.bucket);
    object_connection c(g);
    if (o.bucket.empty()) return list_buckets(c, o);
    std::vector<obj::object_info> all = c.take(c.bind(o.bucket).list());
    std::sort(all.begin(), all.end(),
              [](const obj::object_info& a, const obj::object_info& b) { return a.name < b.name; });
    if (o.names) {
        std::vector<std::string> names;
        for (const obj::object_info& i : all) names.push_back(i.name);
        print_names(std::move(names), o.json);
    } else if (o.json) {
        print(json_of(all));
    } else if (all.empty()) {
        tell("No objects in bucket " + o.bucket);
    } else {
        print(table_of_objects(all));
    }
    return c.nats().outcome();
}

// --- info

std::string text_of(const obj::bucket_status& s) {
    facts f;
    f.section("Bucket " + s.bucket);
    f.add_text("Description", s.description);
    f.add_time("Created", s.stream.created);
    f.add("Storage", s.storage == js::storage_type::memory ? "memory" : "file");
    f.add("Replicas", static_cast<std::uint64_t>(s.replicas));
    f.add("Time to live", s.ttl.count() == 0 ? "unlimited" : exact(s.ttl));
    f.add_limit_of_bytes("Maximum size", s.max_bytes);
    f.add("Size", text_of_bytes(s.size));
    f.add("Sealed", s.sealed ? "yes" : "no");
    f.add("Compressed", s.compressed ? "yes" : "no");
    f.add("Backing store", obj::bucket_status::backing_store);
    f.add("Stream", s.stream.config.name);
    f.add_metadata(s.metadata);
    f.add_cluster(s.stream.cluster);
    return f.text();
}

std::string text_of(const obj::object_info& i) {
    facts f;
    f.section("Object " + i.name);
    f.add_text("Description", i.description);
    f.add("Bucket", i.bucket);
    if (const obj::object_link* const to = i.link()) f.add("Link to", target_of(*to));
    f.add_time("Modified", i.mtime);
    f.add("Size", fmt::format("{} ({} bytes)", text_of_bytes(i.size), i.size));
    f.add("Chunks", i.chunks);
    f.add_text("Digest", i.digest);
    f.add("Id", i.nuid);
    for (const auto& [name, values] : i.headers) f.add_list("Header " + name, values);
    f.add_metadata(i.metadata);
    return f.text();
}

int run_info(const global_options& g, const object_options& o) {
    check_object_bucket(o.bucket);
    object_connection c(g);
    if (o.object.empty())
        print_bucket(c.take(c->status(o.bucket)), o.json);
    else
        print_object(c.take(c.bind(o.bucket).info(o.object)), o.json);
    return c.nats().outcome();
}

// --- the end of it

int run_del(const global_options& g, const object_options& o) {
    check_object_bucket(o.bucket);
    if (o.object.empty())
        require_force(o.force, "object del without an object deletes the bucket with all of them");
    else
        require_force(o.force, "object del deletes the object");
    object_connection c(g);
    if (o.object.empty()) {
        c.take(c->remove(o.bucket));
        tell("Deleted bucket " + o.bucket);
    } else {
        c.take(c.bind(o.bucket).remove(o.object));
        tell(fmt::format("Deleted {} of bucket {}", printable(o.object), o.bucket));
    }
    return c.nats().outcome();
}

int run_seal(const global_options& g, const object_options& o) {
    check_object_bucket(o.bucket);
    require_force(o.force, "object seal lets nothing in the bucket be changed any more");
    object_connection c(g);
    (void)c.take(c.bind(o.bucket).seal());
    tell("Sealed bucket " + o.bucket);
    return c.nats().outcome();
}

// --- watch

class object_watcher {
public:
    object_watcher(const global_options& g, const object_options& o)
        : options_(o), connection_(g, lifetime::service) {}

    int run() {
        const stop_signals signals(*connection_.nats());
        object_watch w = connection_.take(connection_.bind(options_.bucket).watch());
        tell("Watching on bucket " + options_.bucket);
        while (true) {
            result<std::optional<obj::watch_update>> u = w.next();
            if (!u && u.error() == errc::interrupted && stop_signals::received() != 0) break;
            const std::optional<obj::watch_update> got = connection_.take(std::move(u));
            if (!got) throw exception(*w.why());
            if (!got->initial_end()) show(*got->object);
        }
        w.stop();
        connection_.nats().drain();
        return exit_code::ok;
    }

private:
    void show(const obj::object_info& i) const {
        if (options_.json) return print(obj::to_json(i).value() + '\n');
        const obj::object_link* const to = i.link();
        const std::string what = i.deleted       ? "deleted"
                                 : to != nullptr ? "-> " + target_of(*to)
                                                 : text_of_bytes(i.size);
        print(fmt::format("[{}] {}: {}\n", text_of_second(i.mtime, "unknown"), printable(i.name),
                          printable(what)));
    }

    const object_options& options_;
    object_connection connection_;
};

int run_watch(const global_options& g, const object_options& o) {
    check_object_bucket(o.bucket);
    return object_watcher(g, o).run();
}

} // namespace

CLI::Option* add_object_bucket(CLI::App& app, std::string& target) {
    return app.add_option("bucket", target, "The bucket's name")->type_name("");
}

void check_object_bucket(std::string_view name) {
    obj::check_bucket(name).value();
}

void print_bucket(const obj::bucket_status& s, bool json) {
    print(json ? indented(obj::to_json(s).value()) : text_of(s));
}

void print_object(const obj::object_info& i, bool json) {
    print(json ? indented(obj::to_json(i).value()) : text_of(i));
}

command add_object_ls(CLI::App& group) {
    const auto o = std::make_shared<object_options>();
    CLI::App* const c = group.add_subcommand("ls", "List the buckets, or the objects of one");
    c->alias("list");
    add_object_bucket(*c, o->bucket);
    c->add_flag("-n,--names", o->names, "Only their names, one a line");
    add_json(*c, o->json);
    return {c, [o](const global_options& g) { return run_ls(g, *o); }};
}

command add_object_info(CLI::App& group) {
    const auto o = std::make_shared<object_options>();
    CLI::App* const c = group.add_subcommand("info", "Show a bucket, or an object");
    c->alias("show")->alias("i");
    add_object_bucket(*c, o->bucket)->required();
    c->add_option("object", o->object, "The object's name")->type_name("");
    add_json(*c, o->json);
    return {c, [o](const global_options& g) { return run_info(g, *o); }};
}

command add_object_del(CLI::App& group) {
    const auto o = std::make_shared<object_options>();
    CLI::App* const c = group.add_subcommand("del", "Delete an object, or a bucket with all of it");
    c->alias("rm");
    add_object_bucket(*c, o->bucket)->required();
    c->add_option("object", o->object, "The object's name")->type_name("");
    add_force(*c, o->force);
    return {c, [o](const global_options& g) { return run_del(g, *o); }};
}

command add_object_seal(CLI::App& group) {
    const auto o = std::make_shared<object_options>();
    CLI::App* const c = group.add_subcommand("seal", "Let nothing be changed any more in a bucket");
    add_object_bucket(*c, o->bucket)->required();
    add_force(*c, o->force);
    return {c, [o](const global_options& g) { return run_seal(g, *o); }};
}

command add_object_watch(CLI::App& group) {
    const auto o = std::make_shared<object_options>();
    CLI::App* const c =
        group.add_subcommand("watch", "Print what is in a bucket, and what happens to it");
    add_object_bucket(*c, o->bucket)->required();
    add_json(*c, o->json);
    return {c, [o](const global_options& g) { return run_watch(g, *o); }};
}

std::vector<command> add_object(CLI::App& app) {
    CLI::App* const group = app.add_subcommand("object", "Objects of any size, in buckets");
    group->alias("obj");
    group->require_subcommand(1);
    group->footer(exit_codes);
    return {add_object_add(*group), add_object_edit(*group),  add_object_put(*group),
            add_object_get(*group), add_object_del(*group),   add_object_info(*group),
            add_object_ls(*group),  add_object_watch(*group), add_object_seal(*group)};
}

} // namespace nats::cli

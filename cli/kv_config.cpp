// SPDX-License-Identifier: Apache-2.0
//
// natsproto kv add and edit: buckets from flags.
//
// Theory of operation: as stream_config.cpp: add begins with the defaults, edit with what the
// server has, and each flag is a change.

#include <natsproto/key_value/bucket_config.hpp>

#include "js_flags.hpp"
#include "kv.hpp"

#include <CLI/App.hpp>

#include <memory>
#include <string>
#include <vector>

namespace nats::cli {

namespace {

using kv::bucket_config;
using bucket_flags = config_flags<bucket_config>;

struct bucket_edit_options {
    explicit bucket_edit_options(CLI::App& app) : flags(app) {}

    bucket_flags flags;
    std::string name;
    std::string mirror_domain;
    bool json = false;
};

void add_limits(bucket_flags& f) {
    f.number("--history", "N", "How many revisions of each key are kept, 1 to 64",
             &bucket_config::history, 1, kv::most_history);
    f.time("--ttl", "How long each revision is kept; -1: no limit", &bucket_config::ttl);
    f.time("--marker-ttl", "Keys may expire one by one, and leave a marker for so long (2.11)",
           &bucket_config::limit_marker_ttl);
    f.bytes("--max-value-size", "Bytes that a value may have; -1: no limit",
            &bucket_config::max_value_size);
    f.bytes("--max-bucket-size", "Bytes that it holds, such as 1G; -1: no limit",
            &bucket_config::max_bytes);
    f.toggle("--compress,!--no-compress", "Compress what is on the disk (2.10)",
             &bucket_config::compression);
}

void add_flags(CLI::App& app, bucket_edit_options& o) {
    add_bucket_name(app, o.name)->required();
    o.flags.text("--description", "TEXT", "What it is for", &bucket_config::description);
    o.flags.metadata("--metadata", "Something to keep with it (2.10); may be repeated",
                     &bucket_config::metadata);
    add_limits(o.flags);
    add_placement(o.flags, &bucket_config::replicas, "--tags");
    add_republish(o.flags, "written");
    add_json(app, o.json);
}

/// What cannot be changed later.
void add_creation(CLI::App& app, bucket_edit_options& o) {
    o.flags.choice("--storage", "Where it is kept: file, memory", &bucket_config::storage,
                   bucket_flags::words<js::storage_type>{{"file", js::storage_type::file},
                                                         {"f", js::storage_type::file},
                                                         {"memory", js::storage_type::memory},
                                                         {"m", js::storage_type::memory}});
    o.flags.add("--mirror", "BUCKET", "It is a copy of this bucket", [](const std::string& name) {
        return [name](bucket_config& c) { c.mirror.emplace(name); };
    });
    app.add_option("--mirror-domain", o.mirror_domain, "The domain of the bucket of --mirror")
        ->type_name("DOMAIN");
    o.flags.add_list("--source", "BUCKETS",
                     "It also has the keys of these buckets (2.10): a comma list; may be repeated",
                     [](std::vector<std::string> names) {
                         return [names](bucket_config& c) {
                             for (const std::string& name : names) c.sources.emplace_back(name);
                         };
                     });
}

int run_add(const global_options& g, const bucket_edit_options& o) {
    bucket_config c(o.name);
    o.flags.apply(c);
    if (!o.mirror_domain.empty()) {
        if (!c.mirror) throw usage_error("--mirror-domain is for --mirror, which is missing");
        c.mirror.emplace(c.mirror->name, o.mirror_domain);
    }
    (void)kv::to_stream_config(c).value();
    kv_connection k(g);
    kv_bucket made = k.take(k->create(c));
    if (!o.json) tell("Created bucket " + o.name);
    print_bucket(k.take(made.status()), o.json);
    return k.nats().outcome();
}

int run_edit(const global_options& g, const bucket_edit_options& o) {
    check_bucket_name(o.name);
    if (o.flags.empty()) throw usage_error("nothing to change: give a flag");
    kv_connection k(g);
    bucket_config c = k.take(k->status(o.name)).config();
    o.flags.apply(c);
    kv_bucket changed = k.take(k->update(c));
    if (!o.json) tell("Changed bucket " + o.name);
    print_bucket(k.take(changed.status()), o.json);
    return k.nats().outcome();
}

} // namespace

command add_kv_add(CLI::App& group) {
    CLI::App* const c = group.add_subcommand("add", "Make a bucket");
    c->alias("new");
    const auto o = std::make_shared<bucket_edit_options>(*c);
    add_flags(*c, *o);
    add_creation(*c, *o);
    return {c, [o](const global_options& g) { return run_add(g, *o); }};
}

command add_kv_edit(CLI::App& group) {
    CLI::App* const c = group.add_subcommand("edit", "Change what a bucket is");
    const auto o = std::make_shared<bucket_edit_options>(*c);
    add_flags(*c, *o);
    o->flags.add_switch("--no-republish", "Nothing is published once more",
                        [](bucket_config& config, bool) { config.republish.reset(); });
    accept_force(*c);
    return {c, [o](const global_options& g) { return run_edit(g, *o); }};
}

} // namespace nats::cli

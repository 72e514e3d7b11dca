// SPDX-License-Identifier: Apache-2.0
//
// natsproto object add and edit: buckets from flags.
//
// Theory of operation: add begins with the defaults, edit with what the server has, and both make
// the changes of the flags.

#include "js_flags.hpp"
#include "object.hpp"

#include <CLI/App.hpp>

#include <memory>
#include <string>
#include <utility>

namespace nats::cli {

namespace {

using obj::bucket_config;
using bucket_flags = config_flags<bucket_config>;

struct object_edit_options {
    explicit object_edit_options(CLI::App& app) : flags(app) {}

    bucket_flags flags;
    std::string bucket;
    bool json = false;
};

void add_bucket_flags(bucket_flags& f) {
    f.text("--description", "TEXT", "What it is for", &bucket_config::description);
    f.time("--ttl", "How long objects live; -1: for ever", &bucket_config::ttl);
    f.bytes("--max-bucket-size", "How large it may be; -1: no limit", &bucket_config::max_bytes);
    f.choice("--storage", "Where it is kept: file, memory", &bucket_config::storage,
             bucket_flags::words<js::storage_type>{{"file", js::storage_type::file},
                                                   {"memory", js::storage_type::memory}});
    add_placement(f, &bucket_config::replicas, "--tags");
    f.toggle("--compress,!--no-compress", "Compress it on the server's disk (2.10)",
             &bucket_config::compressed);
    f.metadata("--metadata", "What else there is to say (2.10); may be repeated",
               &bucket_config::metadata);
}

int run_add(const global_options& g, const object_edit_options& o) {
    check_object_bucket(o.bucket);
    bucket_config c(o.bucket);
    o.flags.apply(c);
    object_connection nc(g);
    const object_bucket made = nc.take(nc->create(std::move(c)));
    tell("Created bucket " + made.name());
    print_bucket(nc.take(nc->status(o.bucket)), o.json);
    return nc.nats().outcome();
}

int run_edit(const global_options& g, const object_edit_options& o) {
    check_object_bucket(o.bucket);
    if (o.flags.empty()) throw usage_error("nothing to change");
    object_connection nc(g);
    bucket_config c = obj::config_of(nc.take(nc->status(o.bucket)));
    o.flags.apply(c);
    (void)nc.take(nc->update(std::move(c)));
    tell("Changed bucket " + o.bucket);
    print_bucket(nc.take(nc->status(o.bucket)), o.json);
    return nc.nats().outcome();
}

std::shared_ptr<object_edit_options> add_edit_options(CLI::App& c) {
    auto o = std::make_shared<object_edit_options>(c);
    add_object_bucket(c, o->bucket)->required();
    add_bucket_flags(o->flags);
    add_json(c, o->json);
    return o;
}

} // namespace

command add_object_add(CLI::App& group) {
    CLI::App* const c = group.add_subcommand("add", "Make a bucket");
    c->alias("new");
    const auto o = add_edit_options(*c);
    return {c, [o](const global_options& g) { return run_add(g, *o); }};
}

command add_object_edit(CLI::App& group) {
    CLI::App* const c = group.add_subcommand("edit", "Change a bucket");
    const auto o = add_edit_options(*c);
    accept_force(*c);
    return {c, [o](const global_options& g) { return run_edit(g, *o); }};
}

} // namespace nats::cli

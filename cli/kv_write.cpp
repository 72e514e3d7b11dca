// SPDX-License-Identifier: Apache-2.0
//
// natsproto kv put, create, update, revert, del, purge and compact.
//
// Theory of operation: a value that is not on the command line is all of standard input, which is
// read before it connects. What was written is told by its revision, alone on standard output.

#include "js_text.hpp"
#include "kv.hpp"
#include "output.hpp"
#include "stdin_body.hpp"

#include <CLI/App.hpp>
#include <fmt/core.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace nats::cli {

namespace {

struct write_options {
    std::string bucket;
    std::string key;
    std::optional<std::string> value;
    std::optional<std::uint64_t> revision;
    std::optional<duration> ttl;
    duration older_than = std::chrono::minutes(30);
    bool force = false;
    bool json = false;
};

void check_names(const write_options& o) {
    check_bucket_name(o.bucket);
    check_key(o.key);
}

int told(kv_connection& k, const write_options& o, std::uint64_t revision) {
    if (o.json)
        print(indented(fmt::format(R"({{"bucket":{},"key":{},"revision":{}}})",
                                   json_string(o.bucket), json_string(o.key), revision)));
    else
        print(fmt::format("{}\n", revision));
    return k.nats().outcome();
}

int run_put(const global_options& g, const write_options& o) {
    check_names(o);
    const std::string value = o.value ? *o.value : read_stdin();
    kv_connection k(g);
    kv_bucket b = k.bind(o.bucket);
    return told(k, o, k.take(b.put(o.key, value)));
}

int run_create(const global_options& g, const write_options& o) {
    check_names(o);
    const std::string value = o.value ? *o.value : read_stdin();
    kv_connection k(g);
    kv_bucket b = k.bind(o.bucket);
    return told(k, o, k.take(b.create(o.key, value, {.ttl = o.ttl})));
}

int run_update(const global_options& g, const write_options& o) {
    check_names(o);
    if (!o.revision) throw usage_error("kv update: the revision that is expected is missing");
    kv_connection k(g);
    kv_bucket b = k.bind(o.bucket);
    return told(k, o, k.take(b.update(o.key, *o.value, *o.revision)));
}

/// Writes an old value once more, if nobody else writes meanwhile.
int run_revert(const global_options& g, const write_options& o) {
    check_names(o);
    kv_connection k(g);
    kv_bucket b = k.bind(o.bucket);
    const kv::entry old = k.take(b.get(o.key, {.revision = o.revision.value_or(0)}));
    const kv::entry newest = k.take(b.get(o.key, {.markers = true}));
    return told(k, o, k.take(b.update(o.key, old.value, newest.revision)));
}

int run_del(const global_options& g, const write_options& o) {
    check_bucket_name(o.bucket);
    if (o.key.empty()) {
        require_force(o.force, "kv del without a key deletes the bucket and all that is in it");
        kv_connection k(g);
        k.take(k->remove(o.bucket));
        tell("Deleted bucket " + o.bucket);
        return k.nats().outcome();
    }
    check_key(o.key);
    kv_connection k(g);
    kv_bucket b = k.bind(o.bucket);
    return told(k, o, k.take(b.remove(o.key, {.revision = o.revision})));
}

int run_purge(const global_options& g, const write_options& o) {
    check_names(o);
    require_force(o.force, "kv purge removes the history of the key");
    kv_connection k(g);
    kv_bucket b = k.bind(o.bucket);
    return told(k, o, k.take(b.purge(o.key, {.revision = o.revision, .ttl = o.ttl})));
}

int run_compact(const global_options& g, const write_options& o) {
    check_bucket_name(o.bucket);
    require_force(o.force, "kv compact removes what deleted keys have left");
    kv_connection k(g);
    kv_bucket b = k.bind(o.bucket);
    const std::uint64_t removed = k.take(b.purge_deletes({.keep_younger_than = o.older_than}));
    if (o.json)
        print(indented(fmt::format(R"({{"removed":{}}})", removed)));
    else
        tell(fmt::format("Removed {} messages from bucket {}", removed, o.bucket));
    return k.nats().outcome();
}

CLI::App* add_command(CLI::App& group, const std::string& name, const std::string& what,
                      write_options& o) {
    CLI::App* const c = group.add_subcommand(name, what);
    add_bucket_name(*c, o.bucket)->required();
    add_json(*c, o.json);
    return c;
}

void add_value(CLI::App& app, write_options& o) {
    app.add_option("value", o.value, "The value; without it, all of standard input")->type_name("");
}

CLI::Option* add_revision(CLI::App& app, const std::string& names, const std::string& help,
                          write_options& o) {
    return app.add_option(names, o.revision, help)->type_name(names[0] == '-' ? "N" : "");
}

void add_ttl(CLI::App& app, write_options& o, const std::string& help) {
    add_duration(app, "--ttl", o.ttl, help);
}

} // namespace

command add_kv_put(CLI::App& group) {
    const auto o = std::make_shared<write_options>();
    CLI::App* const c = add_command(group, "put", "Write a value; prints its revision", *o);
    add_key(*c, o->key)->required();
    add_value(*c, *o);
    return {c, [o](const global_options& g) { return run_put(g, *o); }};
}

command add_kv_create(CLI::App& group) {
    const auto o = std::make_shared<write_options>();
    CLI::App* const c =
        add_command(group, "create", "Write a value if the key has none; prints its revision", *o);
    add_key(*c, o->key)->required();
    add_value(*c, *o);
    add_ttl(*c, *o, "How long the key lives (2.11)");
    return {c, [o](const global_options& g) { return run_create(g, *o); }};
}

command add_kv_update(CLI::App& group) {
    const auto o = std::make_shared<write_options>();
    CLI::App* const c = add_command(
        group, "update", "Write a value if the key's revision is still the one that is given", *o);
    add_key(*c, o->key)->required();
    c->add_option("value", o->value, "The value")->required()->type_name("");
    add_revision(*c, "revision", "The revision that the key has; 0: it has none", *o);
    return {c, [o](const global_options& g) { return run_update(g, *o); }};
}

command add_kv_revert(CLI::App& group) {
    const auto o = std::make_shared<write_options>();
    CLI::App* const c =
        add_command(group, "revert", "Write the value of an older revision once more", *o);
    add_key(*c, o->key)->required();
    add_revision(*c, "revision", "The older revision", *o)->required()->check(at_least_one());
    accept_force(*c);
    return {c, [o](const global_options& g) { return run_revert(g, *o); }};
}

command add_kv_del(CLI::App& group) {
    const auto o = std::make_shared<write_options>();
    CLI::App* const c =
        add_command(group, "del", "Delete a key, or without one the whole bucket", *o);
    c->alias("rm");
    add_key(*c, o->key);
    add_revision(*c, "--revision", "Only if this is its revision", *o);
    add_force(*c, o->force);
    return {c, [o](const global_options& g) { return run_del(g, *o); }};
}

command add_kv_purge(CLI::App& group) {
    const auto o = std::make_shared<write_options>();
    CLI::App* const c = add_command(group, "purge", "Delete a key and its history", *o);
    add_key(*c, o->key)->required();
    add_revision(*c, "--revision", "Only if this is its revision", *o);
    add_ttl(*c, *o, "How long the marker of that stays (2.11)");
    add_force(*c, o->force);
    return {c, [o](const global_options& g) { return run_purge(g, *o); }};
}

command add_kv_compact(CLI::App& group) {
    const auto o = std::make_shared<write_options>();
    CLI::App* const c = add_command(group, "compact", "Remove what deleted keys have left", *o);
    add_duration(*c, "--older-than", o->older_than,
                 "Markers that are younger stay, and only what they deleted goes", {});
    add_force(*c, o->force);
    return {c, [o](const global_options& g) { return run_compact(g, *o); }};
}

} // namespace nats::cli

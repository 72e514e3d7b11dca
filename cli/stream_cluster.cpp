// SPDX-License-Identifier: Apache-2.0
//
// natsproto stream cluster: which servers of a cluster keep a stream, and which of them leads.
//
// Theory of operation: each is one call; how the cluster has changed is seen by `stream info` when
// it has.

#include "js.hpp"
#include "stream.hpp"

#include <CLI/App.hpp>
#include <fmt/core.h>

#include <memory>
#include <string>
#include <vector>

namespace nats::cli {

namespace {

struct stream_cluster_options {
    std::string stream;
    std::string server;
    bool force = false;
};

int run_step_down(const global_options& g, const stream_cluster_options& o) {
    check_stream_name(o.stream);
    js_connection j(g);
    j.take(j->step_down_stream(o.stream, o.server));
    tell(fmt::format("The leader of stream {} has stepped down", o.stream));
    return j.nats().outcome();
}

int run_peer_remove(const global_options& g, const stream_cluster_options& o) {
    check_stream_name(o.stream);
    require_force(o.force, "stream cluster peer-remove deletes what the server has of the stream");
    js_connection j(g);
    j.take(j->remove_peer(o.stream, o.server));
    tell(fmt::format("Server {} keeps stream {} no longer", printable(o.server), o.stream));
    return j.nats().outcome();
}

command add_step_down(CLI::App& group) {
    const auto o = std::make_shared<stream_cluster_options>();
    CLI::App* const c =
        group.add_subcommand("step-down", "Have another server of the cluster lead");
    c->alias("stepdown")->alias("sd")->alias("elect")->alias("down")->alias("d");
    add_stream_name(*c, o->stream)->required();
    c->add_option("--preferred", o->server, "Which one, by its name (2.11)")->type_name("SERVER");
    accept_force(*c);
    return {c, [o](const global_options& g) { return run_step_down(g, *o); }};
}

command add_peer_remove(CLI::App& group) {
    const auto o = std::make_shared<stream_cluster_options>();
    CLI::App* const c = group.add_subcommand(
        "peer-remove", "Have another server keep the stream instead of this one");
    c->alias("pr");
    add_stream_name(*c, o->stream)->required();
    c->add_option("server", o->server, "The name of the server")->required()->type_name("");
    add_force(*c, o->force);
    return {c, [o](const global_options& g) { return run_peer_remove(g, *o); }};
}

} // namespace

std::vector<command> add_stream_cluster(CLI::App& group) {
    CLI::App* const c = group.add_subcommand("cluster", "The servers that keep a stream");
    c->alias("c");
    c->require_subcommand(1);
    c->footer(exit_codes);
    return {add_step_down(*c), add_peer_remove(*c)};
}

} // namespace nats::cli

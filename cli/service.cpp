// SPDX-License-Identifier: Apache-2.0
//
// natsproto service: which services there are, and what they say of themselves. Asking them is
// service_request.cpp, being one service_serve.cpp.
//
// Theory of operation: each command is one question, whose answers are printed when no further one
// comes: as text, or as the JSON that services speak.

#include <natsproto/blocking/service.hpp>

#include "js.hpp"
#include "js_text.hpp"
#include "output.hpp"
#include "service.hpp"

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

struct service_options {
    std::string name;
    std::string id;
    std::string prefix{services::default_prefix};
    duration stall = services::query().stall;
    bool json = false;
};

/// Asks by `call`, a member of the client of services. `nc` outlives what it returns.
template <class Call>
auto ask(const global_options& g, const service_options& o, Call call) {
    services::query q;
    q.name = o.name;
    q.id = o.id;
    q.timeout = g.timeout;
    q.stall = o.stall;
    (void)services::encode_query(o.prefix, services::verb::ping, q).value(); // before connecting
    connection nc(g, lifetime::task);
    nc.interrupt_when_refused();
    service_client sc(*nc, o.prefix);
    auto all = unless_refused(nc, call(sc, q));
    nc.check();
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
        return std::tie(a.name, a.version, a.id) < std::tie(b.name, b.version, b.id);
    });
    return all;
}

/// Prints the answers; that there are none is only told, unless somebody was named.
template <class T, class Text>
int print_all(const std::vector<T>& all, const service_options& o, Text text_of_all) {
    if (all.empty() && !o.name.empty())
        throw exception(error{errc::no_responders, "service " + o.name});
    if (o.json)
        print(json_of(all));
    else if (all.empty())
        tell("No services");
    else
        print(text_of_all(all));
    return exit_code::ok;
}

// --- ls

std::string list_of(const std::vector<services::info_response>& all) {
    table t({"NAME", "VERSION", "ID", ">ENDPOINTS", "DESCRIPTION"});
    for (const services::info_response& i : all)
        t.add({i.name, i.version, i.id, fmt::format("{}", i.endpoints.size()), i.description});
    return t.text();
}

int run_ls(const global_options& g, const service_options& o) {
    const auto all =
        ask(g, o, [](service_client& sc, const services::query& q) { return sc.info(q); });
    return print_all(all, o, list_of);
}

// --- info

std::string details_of(const std::vector<services::info_response>& all) {
    facts f;
    for (const services::info_response& i : all) {
        f.section(fmt::format("Service {} {}", i.name, i.version));
        f.add("Id", i.id);
        f.add_text("Description", i.description);
        f.add_metadata(i.metadata);
        for (const services::endpoint_info& e : i.endpoints) {
            f.section("Endpoint " + e.name);
            f.add("Subject", e.subject);
            f.add("Queue group", e.queue_group.empty() ? "none" : e.queue_group);
            f.add_metadata(e.metadata);
        }
    }
    return f.text();
}

int run_info(const global_options& g, const service_options& o) {
    const auto all =
        ask(g, o, [](service_client& sc, const services::query& q) { return sc.info(q); });
    return print_all(all, o, details_of);
}

// --- stats

std::string numbers_of(const std::vector<services::stats_response>& all) {
    table t(
        {"SERVICE", "ID", "ENDPOINT", ">REQUESTS", ">ERRORS", ">TIME", ">AVERAGE", "LAST ERROR"});
    for (const services::stats_response& s : all) {
        for (const services::endpoint_stats& e : s.endpoints) {
            t.add({s.name, s.id, e.name, fmt::format("{}", e.num_requests),
                   fmt::format("{}", e.num_errors), text_of(e.processing_time),
                   text_of(e.average_processing_time), e.last_error});
        }
    }
    return t.text();
}

int run_stats(const global_options& g, const service_options& o) {
    const auto all =
        ask(g, o, [](service_client& sc, const services::query& q) { return sc.stats(q); });
    return print_all(all, o, numbers_of);
}

// --- ping

std::string times_of(const std::vector<services::ping_response>& all) {
    table t({"SERVICE", "VERSION", "ID", ">RTT"});
    for (const services::ping_response& p : all)
        t.add({p.name, p.version, p.id, text_of(p.round_trip)});
    return t.text();
}

int run_ping(const global_options& g, const service_options& o) {
    const auto all =
        ask(g, o, [](service_client& sc, const services::query& q) { return sc.ping(q); });
    return print_all(all, o, times_of);
}

// --- what they have in common

command add_question(CLI::App& group, const std::string& name, const std::string& what, bool named,
                     int (*run)(const global_options&, const service_options&)) {
    const auto o = std::make_shared<service_options>();
    CLI::App* const c = group.add_subcommand(name, what);
    CLI::Option* const service = c->add_option("service", o->name, "The service's name");
    service->type_name("");
    if (named) service->required();
    c->add_option("id", o->id, "The id of one of its instances")->type_name("");
    add_service_prefix(*c, o->prefix);
    add_duration(*c, "--stall", o->stall,
                 "How long to wait after an answer for the next; 300ms unless told");
    c->add_flag("-j,--json", o->json, "Print JSON: the answers themselves");
    return {c, [o, run](const global_options& g) { return run(g, *o); }};
}

} // namespace

void add_service_prefix(CLI::App& app, std::string& target) {
    app.add_option("--prefix", target, "Where services are asked for")
        ->capture_default_str()
        ->type_name("SUBJECT");
}

command add_service_ls(CLI::App& group) {
    command c = add_question(group, "ls", "List the services, an instance a line", false, run_ls);
    c.app->alias("list");
    return c;
}

command add_service_info(CLI::App& group) {
    return add_question(group, "info", "Show a service and its endpoints", true, run_info);
}

command add_service_stats(CLI::App& group) {
    return add_question(group, "stats", "Show how much endpoints had to do", false, run_stats);
}

command add_service_ping(CLI::App& group) {
    return add_question(group, "ping", "Measure how fast services answer", false, run_ping);
}

std::vector<command> add_service(CLI::App& app) {
    CLI::App* const group =
        app.add_subcommand("service", "Services, which are found and asked by their name");
    group->alias("micro");
    group->require_subcommand(1);
    group->footer(exit_codes);
    return {add_service_ls(*group),   add_service_info(*group),    add_service_stats(*group),
            add_service_ping(*group), add_service_request(*group), add_service_serve(*group)};
}

} // namespace nats::cli

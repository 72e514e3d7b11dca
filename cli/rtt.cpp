// SPDX-License-Identifier: Apache-2.0
//
// natsproto rtt: how long a PING takes, for each server of the list.
//
// Theory of operation: every URL of the list is a connection of its own, so that each server is
// measured and not only the first that answers.

#include <natsproto/blocking/client.hpp>

#include "common.hpp"
#include "output.hpp"

#include <CLI/App.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace nats::cli {

namespace {

struct rtt_options {
    int iterations = 5;
    bool json = false;
};

struct measurement {
    std::string server;
    duration least = duration::max();
    duration mean = duration::zero();
    duration most = duration::zero();
};

measurement measure(const global_options& g, std::string_view url, int iterations) {
    connection nc(g, lifetime::task, url);
    measurement m;
    m.server = "nats://" + nc->server().text();
    for (int i = 0; i < iterations; ++i) {
        const duration rtt = nc->rtt(g.timeout).value();
        m.least = std::min(m.least, rtt);
        m.most = std::max(m.most, rtt);
        m.mean += rtt;
    }
    m.mean /= iterations;
    return m;
}

/// Server names come from the command line and are checked host names: no character of them needs
/// an escape in JSON.
std::string json_of(const std::vector<measurement>& all, int iterations) {
    std::string out = "[";
    for (const measurement& m : all) {
        const auto ns = [](duration d) { return std::chrono::nanoseconds(d).count(); };
        out += fmt::format(
            "{}\n  {{\"server\": \"{}\", \"count\": {}, \"min_ns\": {}, \"mean_ns\": "
            "{}, \"max_ns\": {}}}",
            out.size() == 1 ? "" : ",", m.server, iterations, ns(m.least), ns(m.mean), ns(m.most));
    }
    return out + (all.empty() ? "]\n" : "\n]\n");
}

std::string text_of(const std::vector<measurement>& all) {
    std::string out;
    for (const measurement& m : all) {
        out += fmt::format("{}: {} (least {}, most {})\n", m.server, cli::text_of(m.mean),
                           cli::text_of(m.least), cli::text_of(m.most));
    }
    return out;
}

int run(const global_options& g, const rtt_options& o) {
    std::vector<measurement> all;
    int code = exit_code::ok;
    std::string_view rest = g.server;
    while (!rest.empty()) {
        const std::size_t comma = rest.find(',');
        try {
            all.push_back(measure(g, rest.substr(0, comma), o.iterations));
        } catch (const exception& e) { // the other servers are measured all the same
            tell_error(e.what());
            code = exit_code_for(e.why());
        }
        rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    }
    print(o.json ? json_of(all, o.iterations) : text_of(all));
    return code;
}

} // namespace

command add_rtt(CLI::App& app) {
    const auto o = std::make_shared<rtt_options>();
    CLI::App* const c = app.add_subcommand("rtt", "Measure the round trip time to each server");
    c->add_option("iterations", o->iterations, "How many round trips")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str()
        ->type_name("");
    c->add_flag("--json", o->json, "Print JSON");
    return {c, [o](const global_options& g) { return run(g, *o); }};
}

} // namespace nats::cli

// SPDX-License-Identifier: Apache-2.0
//
// Our side of node/services.js, with the same arguments and lines.

#include <natsproto/blocking/service.hpp>
#include <natsproto/headers.hpp>

#include "must.hpp"

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::chrono_literals;
namespace services = nats::services;

// --- serve

void echo(nats::service_request& r) {
    nats::headers h;
    must(h.set("Said", std::string(r.headers().get("Say").value_or("nothing"))), "header");
    must(r.respond(r.payload(), h), "respond");
}

int serve(nats::client& nc) {
    services::service_config c("interop", "1.2.3-rc.1+build");
    c.description = "made for both";
    c.metadata["color"] =
        "gr\xc3\xb6\xc3\x9f"
        "e";
    nats::service s = must(nats::service::start(nc, c), "start");
    s.on_stats([](const services::endpoint_stats& e) { return "{\"of\":\"" + e.name + "\"}"; });
    services::endpoint_config e("echo");
    e.metadata["schema"] = "text";
    must(s.add_endpoint(e, echo), "echo");
    auto v1 = must(s.group("v1", {.queue_group = "group"}), "group");
    services::endpoint_config any("any");
    any.subject = "any.*";
    must(v1.add_endpoint(any,
                         [](nats::service_request& r) { must(r.respond(r.subject()), "respond"); }),
         "any");
    must(s.add_endpoint("fail",
                        [](nats::service_request& r) {
                            must(r.respond_error(422, "cannot do it", "details"), "respond");
                        }),
         "fail");
    bool quit = false;
    must(s.add_endpoint("quit",
                        [&](nats::service_request& r) {
                            must(r.respond("bye"), "respond");
                            s.start_stop();
                            quit = true;
                        }),
         "quit");
    must(nc.flush(), "flush");
    std::cout << "ready" << std::endl;
    while (!quit) (void)must(nc.poll(10s), "poll");
    must(s.stop(10s), "stop");
    must(nc.flush(), "flush");
    return 0;
}

// --- ask

std::string text_of(const services::metadata_map& m) {
    std::string text;
    for (const auto& [key, value] : m) {
        if (!key.starts_with("_nats.")) text += ' ' + key + '=' + value;
    }
    return text;
}

void tell_identity(std::string_view what, const services::identity& i) {
    std::cout << what << ": " << i.name << ' ' << i.version << " id of " << i.id.size()
              << text_of(i.metadata) << '\n';
}

/// The other side has no code there.
std::string_view without_code(std::string_view text) {
    return text.starts_with("422:") ? text.substr(4) : text;
}

void tell_stats(nats::service_client& sc, const std::string& id) {
    const auto all = must(sc.stats({.name = "interop", .id = id, .timeout = 10s}), "stats");
    for (const services::stats_response& s : all) {
        tell_identity("stats", s);
        for (const services::endpoint_stats& e : s.endpoints) {
            const bool timed = e.num_requests == 0 || e.average_processing_time.count() >= 0;
            std::cout << "  " << e.name << ' ' << e.subject << ' ' << e.queue_group << ": "
                      << e.num_requests << " requests, " << e.num_errors << " errors ["
                      << without_code(e.last_error) << "] " << e.data()
                      << (s.started && timed ? "" : " no time") << '\n';
        }
    }
}

void tell_reply(const nats::result<nats::message>& r) {
    if (r) {
        std::cout << "reply: " << r->payload() << ' ' << r->headers().get("Said").value_or("-")
                  << '\n';
    } else if (r.error() == nats::errc::service_error) {
        std::cout << "service error " << r.error().status() << ": " << r.error().detail() << '\n';
    } else {
        std::cerr << r.error().message() << '\n';
        std::exit(1);
    }
}

int ask(nats::client& nc) {
    nats::service_client sc(nc);
    const auto pings = must(sc.ping({.name = "interop", .timeout = 10s}), "ping");
    for (const services::ping_response& p : pings) tell_identity("ping", p);
    if (pings.size() != 1) return 1;
    const std::string id = pings[0].id;
    for (const services::info_response& i : must(sc.info({.timeout = 10s}), "info")) {
        tell_identity("info", i);
        std::cout << "  " << i.description << '\n';
        for (const services::endpoint_info& e : i.endpoints) {
            std::cout << "  " << e.name << ' ' << e.subject << ' ' << e.queue_group
                      << text_of(e.metadata) << '\n';
        }
    }
    nats::headers h;
    must(h.set("Say", "hello"), "header");
    tell_reply(sc.request("echo", "gr\xc3\xbc\xc3\x9f", {.headers = h}));
    tell_reply(sc.request("echo", ""));
    tell_reply(sc.request("v1.any.thing"));
    tell_reply(sc.request("fail", "x"));
    tell_stats(sc, id);
    tell_reply(sc.request("quit"));
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    nats::client nc = must(nats::client::connect(std::string_view(argv[2])), "connect");
    return std::string_view(argv[1]) == "serve" ? serve(nc) : ask(nc);
}

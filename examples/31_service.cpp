// SPDX-License-Identifier: Apache-2.0
//
// A service: endpoints that answer and fail, a group, statistics, and a client that finds and asks
// it. Here both are one connection; usually they are two programs.
// Usage: 31_service [nats://host:port]

#include <natsproto/blocking/service.hpp>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

using namespace std::chrono_literals;
namespace services = nats::services;

namespace {

// [handler]
/// Answers with the double of a number.
void double_it(nats::service_request& request) {
    int n = 0;
    const std::string text(request.payload());
    const char* const end = text.data() + text.size();
    if (std::from_chars(text.data(), end, n).ptr != end || text.empty()) {
        (void)request.respond_error(400, "not a number"); // counts as an error
        return;
    }
    (void)request.respond(std::to_string(2 * n));
}
// [handler]

nats::service start(const nats::client& nc) {
    // [service]
    services::service_config config("numbers", "1.0.0");
    config.description = "does sums";
    config.metadata["team"] = "mathematics";
    nats::service service = nats::service::start(nc, config).value();
    service.add_endpoint("double", double_it).value();
    // [service]

    // [group]
    nats::service_group v2 = service.group("v2").value();
    services::endpoint_config shout("shout");
    shout.subject = "shout.*"; // v2.shout.*
    v2.add_endpoint(shout, [](nats::service_request& request) {
          (void)request.respond_json(R"({"heard":")" + std::string(request.subject()) + R"("})");
      }).value();
    // [group]

    // [watch]
    service.on_stats([](const services::endpoint_stats& of) {
        return of.name == "double" ? R"({"queued":0})" : ""; // `data` of its statistics
    });
    service.on_error([](std::string_view endpoint, const nats::error& why) {
        std::cerr << "endpoint " << endpoint << ": " << why.message() << '\n';
    });
    // [watch]
    return service;
}

std::uint64_t ask(const nats::client& nc) {
    // [ask]
    nats::service_client client(nc);
    const nats::message reply = client.request("double", "21").value();
    std::cout << "21 and 21 is " << reply.payload() << '\n';

    const nats::result<nats::message> refused = client.request("double", "many");
    if (!refused && refused.error() == nats::errc::service_error)
        std::cout << refused.error().status() << ": " << refused.error().detail() << '\n';
    // [ask]
    std::cout << client.request("v2.shout.hey").value().payload() << '\n';

    // [find]
    for (const services::found_service& s : client.discover().value())
        std::cout << s.name << ": " << s.instances.size() << " instance\n";
    std::uint64_t requests = 0;
    for (const services::stats_response& s : client.stats({.name = "numbers"}).value()) {
        for (const services::endpoint_stats& e : s.endpoints) requests += e.num_requests;
    }
    // [find]
    return requests;
}

} // namespace

int main(int argc, char** argv) try {
    const nats::client nc =
        nats::client::connect(argc > 1 ? argv[1] : "nats://127.0.0.1:4222").value();
    nats::service service = start(nc);
    const std::uint64_t requests = ask(nc);
    // [stop]
    service.on_stop([](const nats::error& why) { std::cout << why.message() << '\n'; });
    service.stop(10s).value(); // what the server has sent by now is still answered
    // [stop]
    std::cout << requests << " requests\n";
    return requests == 3 ? 0 : 1;
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
}

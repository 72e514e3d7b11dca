// SPDX-License-Identifier: Apache-2.0
//
// Requests: a service, its client, nobody there, and several replies. Service and client share one
// connection and one thread here: handlers run while the client waits.
// Usage: 04_request_reply [nats://host:port]

#include <natsproto/blocking/client.hpp>

#include <chrono>
#include <iostream>
#include <optional>
#include <string>

using namespace std::chrono_literals;

namespace {

bool one_reply(nats::client& nc) {
    // [service]
    const auto answer = [&nc](const nats::message_view& m) {
        nc.respond(m, std::to_string(m.payload.size())).value();
    };
    // Each request goes to one member of the queue group.
    const nats::subscription service = nc.subscribe("length", answer, {.queue = "workers"}).value();
    // [service]
    // [request]
    const nats::message reply = nc.request("length", "twelve bytes", 1s).value();
    std::cout << "length: " << reply.payload() << '\n';
    // [request]
    return reply.payload() == "12";
}

bool no_reply(nats::client& nc) {
    // [no_responders]
    const nats::result<nats::message> reply = nc.request("nobody.there", "hello?", 1s);
    if (!reply && reply.error() == nats::errc::no_responders)
        std::cout << reply.error().message() << '\n'; // at once, not after a second
    // [no_responders]
    return !reply && reply.error() == nats::errc::no_responders;
}

bool a_silent_service(nats::client& nc) {
    const nats::subscription silent = nc.subscribe("silent").value();
    const nats::result<nats::message> reply = nc.request("silent", {}, 50ms);
    if (!reply) std::cout << reply.error().message() << '\n';
    return !reply && reply.error() == nats::errc::timeout;
}

bool several_replies(nats::client& nc) {
    const auto answer = [&nc](const nats::message_view& m) { nc.respond(m, "here").value(); };
    const nats::subscription first = nc.subscribe("who", answer).value();
    const nats::subscription second = nc.subscribe("who", answer).value();
    // [many]
    // Until 200 ms go by without a reply, but for 2 s at most.
    nats::replies replies = nc.request_many("who", {}, {.timeout = 2s, .stall = 200ms}).value();
    int count = 0;
    while (const std::optional<nats::message> m = replies.next().value()) ++count;
    std::cout << count << " replies\n";
    // [many]
    return count == 2;
}

} // namespace

int main(int argc, char** argv) {
    const char* url = argc > 1 ? argv[1] : "nats://127.0.0.1:4222";
    nats::client nc = nats::client::connect(url).value();
    const bool good = one_reply(nc) && no_reply(nc) && a_silent_service(nc) && several_replies(nc);
    return good ? 0 : 1;
}

// SPDX-License-Identifier: Apache-2.0
//
// The life of a connection: an observer that tells of it, publishes while there is none, and an end
// that loses nothing. Usage: 08_reconnect [nats://host:port[,nats://host:port...]]

#include <natsproto/blocking/client.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <variant>

using namespace std::chrono_literals;
namespace ev = nats::ev;

namespace {

// [observer]
/// Gets every event but messages, in their order.
void tell(void*, const nats::event& e) {
    if (const auto* up = std::get_if<ev::connected>(&e))
        std::cout << "connected to " << up->server->text() << '\n';
    else if (const auto* lost = std::get_if<ev::disconnected>(&e))
        std::cout << "disconnected: " << lost->why->message() << '\n';
    else if (const auto* failed = std::get_if<ev::connect_failed>(&e))
        std::cout << "attempt failed: " << failed->why->message() << '\n';
    else if (const auto* back = std::get_if<ev::reconnected>(&e))
        std::cout << "reconnected to " << back->server->text() << '\n';
    else if (const auto* warning = std::get_if<ev::warning>(&e))
        std::cout << "warning: " << warning->why->message() << '\n';
    else if (const auto* end = std::get_if<ev::closed>(&e))
        std::cout << "closed: " << end->why->message() << '\n';
}
// [observer]

} // namespace

int main(int argc, char** argv) {
    // [connect]
    nats::options o;
    o.servers = argc > 1 ? argv[1] : "nats://127.0.0.1:4222";
    o.max_reconnects = -1;   // a service stays for ever
    o.reconnect_wait = 50ms; // the default is kinder to servers: 2 s
    nats::blocking_options b;
    b.on_event = tell;
    nats::client nc = nats::client::connect(o, b).value();
    // [connect]

    int orders = 0;
    const nats::subscription sub =
        nc.subscribe("orders", [&orders](const nats::message_view&) { ++orders; }).value();
    nc.flush().value();

    // [kept]
    nc.force_reconnect().value(); // as if the server had gone
    for (int i = 0; i < 3; ++i) nc.publish("orders", "number " + std::to_string(i)).value();
    std::cout << (nc.kept() != 0 ? "kept for later\n" : "");
    nc.wait_connected(10s).value(); // subscriptions first, then what was kept
    // [kept]

    // [drain]
    const nats::result<void> drained = nc.drain(); // handlers get all that was sent to them
    if (!drained) std::cout << "not drained: " << drained.error().message() << '\n';
    // [drain]
    std::cout << orders << " orders, " << nc.stats().reconnects << " reconnect\n";
    return drained && orders == 3 ? 0 : 1;
}

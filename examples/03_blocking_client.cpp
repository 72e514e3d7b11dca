// SPDX-License-Identifier: Apache-2.0
//
// The blocking client: publish, subscribe, headers, messages as owners and as views, handlers.
// Usage: 03_blocking_client [nats://host:port]

#include <natsproto/blocking/client.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

bool publish_and_subscribe(const char* url) {
    // [first]
    nats::client nc = nats::client::connect(url).value(); // value() throws what went wrong
    nats::subscription sub = nc.subscribe("greet.*").value();
    nc.publish("greet.joe", "hello").value();
    const nats::message m = sub.next(1s).value();
    std::cout << "received on " << m.subject() << ": " << m.payload() << '\n';
    // [first]
    return m.subject() == "greet.joe" && m.payload() == "hello" && m.reply().empty();
}

bool without_exceptions(const char* url) {
    // [errors]
    nats::result<nats::client> nc = nats::client::connect({.servers = url, .name = "example 03"});
    if (!nc) {
        std::cerr << nc.error().message() << '\n';
        return false;
    }
    const nats::result<void> sent = nc->publish("two..dots", "x");
    const bool refused = !sent && sent.error() == nats::errc::invalid_subject;
    if (refused) std::cout << "refused: " << sent.error().message() << '\n';
    // [errors]
    return refused;
}

bool publish_headers(nats::client& nc) {
    nats::subscription sub = nc.subscribe("orders").value();
    // [headers]
    nats::headers h;
    h.set("Content-Type", "text/plain").value();
    h.add("Tag", "red").value();
    h.add("Tag", "blue").value();
    nc.publish("orders", "one coffee", {.reply = {}, .headers = h}).value();

    const nats::message m = sub.next(1s).value();
    const std::vector<std::string_view> tags = m.headers().values("Tag");
    std::cout << m.payload() << ", " << m.headers().get("Content-Type").value_or("?") << ", "
              << tags.size() << " tags\n";
    // [headers]
    return m.payload() == "one coffee" && tags.size() == 2 && tags[1] == "blue";
}

bool many_messages(nats::client& nc) {
    constexpr int count = 10'000;
    nats::subscription sub = nc.subscribe("numbers").value();
    // [burst]
    {
        const auto burst = nc.burst(); // collect these into large writes
        for (int i = 0; i < count; ++i) nc.publish("numbers", std::to_string(i)).value();
    } // and send the rest
    // [burst]
    // [iterate]
    sub.unsubscribe(count).value(); // ends after that many
    auto messages = sub.messages(1s);
    std::size_t bytes = 0;
    for (const nats::message& m : messages) bytes += m.payload().size();
    const bool complete = messages.why() == nats::errc::max_messages_reached;
    // [iterate]
    std::cout << sub.queue().delivered() << " messages, " << bytes << " bytes\n";
    return complete && sub.queue().delivered() == count;
}

bool views(nats::client& nc) {
    nats::subscription sub = nc.subscribe("raw").value();
    nc.publish("raw", "not copied").value();
    // [view]
    const nats::message_view m = sub.next_view(1s).value(); // points into the input buffer
    nc.publish("copy", m.payload).value();                  // publishing keeps the view
    const std::string kept(m.payload);                      // the next waiting call ends it
    nc.flush().value();
    // [view]
    return kept == "not copied";
}

bool handlers(nats::client& nc) {
    // [handler]
    int seen = 0;
    const nats::subscription sub =
        nc.subscribe("events.>", [&seen](const nats::message_view&) { ++seen; }).value();
    nc.publish("events.start").value();
    nc.publish("events.stop").value();
    nc.flush().value(); // a waiting call: the handler runs in it, for all that came before its PONG
    // [handler]
    std::cout << "the handler saw " << seen << " events\n";
    return seen == 2;
}

} // namespace

int main(int argc, char** argv) {
    const char* url = argc > 1 ? argv[1] : "nats://127.0.0.1:4222";
    if (!publish_and_subscribe(url) || !without_exceptions(url)) return 1;
    nats::client nc = nats::client::connect(url).value();
    const bool good = publish_headers(nc) && many_messages(nc) && views(nc) && handlers(nc);
    return good ? 0 : 1;
}

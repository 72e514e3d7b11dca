// SPDX-License-Identifier: Apache-2.0
//
// JetStream: a stream, publishing into it one by one and in a window, consumers, acknowledgements,
// and reading it in order without any.
// Usage: 25_jetstream [nats://host:port]

#include <natsproto/blocking/jetstream.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

using namespace std::chrono_literals;
namespace js = nats::js;

namespace {

void make_stream(nats::jetstream& jetstream) {
    // [stream]
    js::stream_config orders("ORDERS");
    orders.subjects = {"orders.>"};
    orders.storage = js::storage_type::memory;
    orders.max_age = 24h;
    jetstream.create_or_update_stream(orders).value();
    // [stream]
}

void publish(nats::jetstream& jetstream) {
    // [publish]
    const js::pub_ack stored = jetstream.publish("orders.new", "one", {.message_id = "1"}).value();
    const js::pub_ack again = jetstream.publish("orders.new", "one", {.message_id = "1"}).value();
    std::cout << "stored as " << stored.seq << (again.duplicate ? ", and once\n" : "\n");
    // [publish]
    // [expected]
    const nats::result<js::pub_ack> late =
        jetstream.publish("orders.new", "two", {.expected_last_sequence = 0});
    if (!late && late.error() == js::api_code::wrong_last_sequence)
        std::cout << "somebody was faster\n";
    // [expected]
}

void publish_many(nats::jetstream& jetstream) {
    // [window]
    auto publisher = jetstream.make_publisher().value();
    for (int i = 0; i < 1000; ++i) publisher.publish("orders.many", std::to_string(i)).value();
    publisher.complete(10s).value(); // the first failure, if there is one
    // [window]
}

std::uint64_t consume(nats::jetstream& jetstream) {
    // [consume]
    js::consumer_config workers("workers");
    workers.filter_subject = "orders.many";
    jetstream.create_consumer("ORDERS", workers).value();

    auto consumer = jetstream.consumer("ORDERS", "workers");
    auto messages = consumer.messages().value(); // more are asked for before they are needed
    std::uint64_t done = 0;
    while (done < 1000) {
        std::optional<js::message> m = messages.next(5s).value();
        if (!m) break; // `messages.why()` tells
        jetstream.ack(*m).value();
        ++done;
    }
    // [consume]
    return done;
}

std::uint64_t fetch(nats::jetstream& jetstream) {
    js::consumer_config batches("batches");
    jetstream.create_consumer("ORDERS", batches).value();
    // [fetch]
    // What is there now, ten at most.
    std::vector<js::message> some = jetstream.consumer("ORDERS", "batches")
                                        .fetch_all({.max_messages = 10, .no_wait = true})
                                        .value();
    for (js::message& m : some) jetstream.ack(m).value();
    // [fetch]
    return some.size();
}

std::uint64_t handle(nats::client& nc, nats::jetstream& jetstream) {
    js::consumer_config all("handled");
    jetstream.create_consumer("ORDERS", all).value();
    // [handler]
    std::uint64_t seen = 0;
    auto consumption = jetstream.consumer("ORDERS", "handled")
                           .consume(
                               [&](js::message_view& m) {
                                   ++seen;
                                   jetstream.ack(m).value();
                               },
                               {.stop_after = 1001})
                           .value();
    while (!consumption.ended()) nc.poll(1s).value();
    // [handler]
    return seen;
}

} // namespace

int main(int argc, char** argv) try {
    nats::client nc = nats::client::connect(argc > 1 ? argv[1] : "nats://127.0.0.1:4222").value();
    nats::jetstream jetstream(nc);
    make_stream(jetstream);
    publish(jetstream);
    publish_many(jetstream);
    const std::uint64_t consumed = consume(jetstream);
    const std::uint64_t fetched = fetch(jetstream);
    const std::uint64_t handled = handle(nc, jetstream);
    std::cout << consumed << " consumed, " << fetched << " fetched, " << handled << " handled\n";
    jetstream.delete_stream("ORDERS").value();
    return consumed == 1000 && fetched == 10 && handled == 1001 ? 0 : 1;
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
}

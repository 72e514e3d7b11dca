// SPDX-License-Identifier: Apache-2.0
//
// Our side of node/jetstream.js, with the same arguments, steps and lines.

#include <natsproto/blocking/jetstream.hpp>

#include <natsproto/headers.hpp>

#include "must.hpp"

#include <chrono>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

namespace {

using namespace std::chrono_literals;

template <class Config>
void show(std::string_view kind, const Config& c) {
    std::cout << "configuration " << kind << ' ' << must(to_json(c), "to_json") << '\n';
}

std::string value_of(nats::header_view h, std::string_view name) {
    return std::string(h.get(name).value_or("none"));
}

/// Publishes numbered messages with ids and headers, and the first one once more.
void publish(nats::jetstream& js, const std::string& subject, const std::string& who, int first,
             int count) {
    const auto send = [&](int i) {
        nats::headers h;
        must(h.add("Number", std::to_string(i)), "header");
        must(h.add("Color", "red"), "header");
        must(h.add("Color", "dark blue"), "header");
        const std::string id = who + '-' + std::to_string(i);
        return must(
            js.publish(subject + (i % 2 == 0 ? ".even" : ".odd"), who + ' ' + std::to_string(i),
                       {.headers = h.view(), .message_id = id}),
            "publish");
    };
    std::uint64_t last = 0;
    for (int i = first; i < first + count; ++i) last = send(i).seq;
    const nats::js::pub_ack again = send(first);
    std::cout << "ours: published up to " << last << "; again: " << std::boolalpha
              << again.duplicate << ' ' << again.seq << '\n';
}

void tell(const nats::js::message& m) {
    std::cout << "ours: " << must(m.metadata(), "metadata").stream_sequence << ' ' << m.subject()
              << " [" << m.payload() << "] " << value_of(m.headers(), "Number") << ' '
              << value_of(m.headers(), "Nats-Msg-Id") << '\n';
}

void tell_state(const nats::js::consumer_info& c) {
    std::cout << "ours: acknowledged up to " << c.ack_floor.stream_seq << ", " << c.num_ack_pending
              << " not, " << c.num_pending << " to come\n";
}

void make(nats::jetstream& js) {
    nats::js::stream_config stream("OURS", {"ours.>"});
    stream.description = "made by ours";
    stream.storage = nats::js::storage_type::memory;
    stream.max_consumers = 5;
    stream.max_msgs = 2000;
    stream.max_bytes = 1 << 21;
    stream.max_age = 2h;
    stream.max_msgs_per_subject = 600;
    stream.max_msg_size = 8192;
    stream.duplicate_window = 80s;
    stream.deny_purge = true;
    stream.allow_direct = true;
    stream.metadata = {{"color", "größe"}};
    nats::js::republish copies;
    copies.src = "ours.>";
    copies.dest = "copy.ours.>";
    stream.republish = copies;
    show("stream", must(js.create_stream(stream), "create_stream").config);
    nats::js::consumer_config consumer("work");
    consumer.description = "also made by ours";
    consumer.ack_wait = 15s;
    consumer.max_deliver = 4;
    consumer.backoff = {15s, 20s};
    consumer.filter_subjects = {"ours.even", "ours.odd"};
    consumer.max_ack_pending = 30;
    consumer.max_batch = 25;
    consumer.max_expires = 60s;
    consumer.inactive_threshold = 2min;
    consumer.metadata = {{"kind", "test"}};
    show("consumer", must(js.create_consumer("OURS", consumer), "create_consumer").config);
    publish(js, "ours", "ours", 0, 10);
}

/// What node has made.
void use(nats::jetstream& js) {
    show("stream", must(js.stream_info("NODE"), "stream_info").config);
    show("consumer", must(js.consumer_info("NODE", "work"), "consumer_info").config);
    auto consumer = js.consumer("NODE", "work");
    for (nats::js::message& m : must(consumer.fetch_all({.max_messages = 5}), "fetch_all")) {
        tell(m);
        must(js.ack_confirmed(m, 5s), "ack_confirmed");
    }
    auto flow = must(consumer.messages({.max_messages = 4, .stop_after = 13}), "messages");
    while (std::optional<nats::js::message> m = must(flow.next(10s), "next")) {
        tell(*m);
        must(js.ack_confirmed(*m, 5s), "ack_confirmed");
    }
    tell_state(must(consumer.info(), "info"));
    publish(js, "node", "node", 19, 3); // the first of them is there
}

/// What node has done with the stream that was made here.
void check(nats::jetstream& js) {
    const nats::js::stream_info info = must(js.stream_info("OURS"), "stream_info");
    std::cout << "ours: " << info.state.messages << " messages, last " << info.state.last_seq
              << '\n';
    const nats::js::stored_message m =
        must(js.get_last_message("OURS", "ours.odd"), "get_last_message");
    std::cout << "ours: " << m.subject << " [" << m.payload << "] "
              << value_of(m.headers(), "Number");
    for (const std::string_view color : m.headers().values("Color")) std::cout << ' ' << color;
    std::cout << '\n';
    tell_state(must(js.consumer_info("OURS", "work"), "consumer_info"));
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    nats::options o;
    o.servers = argv[2];
    nats::client nc = must(nats::client::connect(o), "connect");
    nats::jetstream js(nc);
    const std::string_view step = argv[1];
    if (step == "make")
        make(js);
    else if (step == "use")
        use(js);
    else
        check(js);
    return 0;
}

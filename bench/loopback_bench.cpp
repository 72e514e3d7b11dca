// SPDX-License-Identifier: Apache-2.0
//
// Publishing to a server that discards and subscribing from a server that floods, over loopback.
// The server is a child process, so that the CPU time is the client's own.

#include "asio_contender.hpp"
#include "blocking_contender.hpp"
#include "harness.hpp"
#include "libnats_contender.hpp"
#include "limits.hpp"
#include "loopback_server.hpp"

#include <algorithm>
#include <memory>
#include <string>

namespace {

using namespace nats::bench; // NOLINT(google-build-using-namespace): all of it is used
using role = server::role;

void add_publish(suite& all, const std::string& name, const shape& s) {
    constexpr suite::counted_too counted;
    const auto to = [] { return server(role::discard, {}); };
    all.add(name, "raw", [=] { return raw_publish(to(), s); }, counted);
    all.add(name, "raw, protocol", [=] { return protocol_publish(to(), s); }, counted);
    all.add(
        name, "blocking",
        [=] {
            const server sink = to();
            nats::client nc = nats::client::connect(sink.url()).value();
            return blocking_publish(nc, s);
        },
        counted);
    all.add(
        name, "Asio",
        [=] {
            const server sink = to();
            return on_asio(
                {}, [&](auto& nc, figures& out) { return publish_all(nc, sink.url(), s, out); });
        },
        counted);
    all.add(
        name, "nats.c",
        [=] {
            const server sink = to();
            const libnats_connection c(sink.url());
            return libnats_publish(c.get(), s);
        },
        counted);
}

/// Connects the blocking client to a flood and has `run(client)` measured.
template <class Run>
figures from_flood(const shape& s, Run run) {
    const server source(role::flood, flood_of(s));
    nats::client nc = nats::client::connect(source.url(), {.write_timeout = at_once}).value();
    return run(nc);
}

void add_receive(suite& all, const std::string& name, const shape& s) {
    constexpr suite::counted_too counted;
    const auto from = [s] { return server(role::flood, flood_of(s)); };
    all.add(name, "raw", [=] { return raw_receive(from(), s); }, counted);
    all.add(name, "raw, protocol", [=] { return protocol_receive(from(), s); }, counted);
    all.add(
        name, "blocking, views",
        [=] {
            return from_flood(s, [&](auto& nc) { return blocking_receive(nc, s, kept::as_view); });
        },
        counted);
    all.add(
        name, "blocking, messages",
        [=] {
            return from_flood(s,
                              [&](auto& nc) { return blocking_receive(nc, s, kept::as_message); });
        },
        counted);
    all.add(
        name, "blocking, handler",
        [=] { return from_flood(s, [&](auto& nc) { return blocking_handler(nc, s); }); }, counted);
    all.add(
        name, "Asio, coroutine",
        [=] {
            const server source = from();
            return on_asio(
                {}, [&](auto& nc, figures& out) { return read_all(nc, source.url(), s, out); });
        },
        counted);
    all.add(
        name, "Asio, handler",
        [=] {
            const server source = from();
            return on_asio(
                {}, [&](auto& nc, figures& out) { return handle_all(nc, source.url(), s, out); });
        },
        counted);
    all.add(
        name, "nats.c",
        [=] {
            const server source = from();
            return libnats_receive(libnats_connection(source.url()), s);
        },
        counted);
}

/// Large ones are counted in small numbers: copying them under callgrind takes minutes.
std::size_t messages_of(const suite& all, const shape& s) {
    constexpr std::size_t most_bytes = 64 * 1024 * 1024;
    const std::size_t n = all.scaled(s.messages);
    return all.counted() ? std::min(n, most_bytes / (s.payload + 32)) : n;
}

} // namespace

int main(int argc, char** argv) {
    return run_suite(argc, argv, [](suite& all) {
        const struct {
            const char* name;
            shape s;
        } shapes[] = {
            {"16 B", {16, false, 2'000'000}},       {"16 B and 2 headers", {16, true, 1'000'000}},
            {"128 B", {128, false, 1'000'000}},     {"1 KiB", {1024, false, 400'000}},
            {"16 KiB", {16 * 1024, false, 40'000}}, {"1 MiB", {1024 * 1024, false, 800}}};
        for (auto [name, s] : shapes) {
            s.messages = messages_of(all, s);
            add_publish(all, std::string("publish ") + name, s);
        }
        for (auto [name, s] : shapes) {
            s.messages = messages_of(all, s);
            add_receive(all, std::string("subscribe ") + name, s);
        }
    });
}

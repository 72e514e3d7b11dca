// SPDX-License-Identifier: Apache-2.0
//
// Parse-and-deliver and encode in memory, each beside its physical limit in the same run: memchr,
// which only looks for the line ends, and memcpy, which only moves the bytes. Compare the rows of
// one run as ratios; absolute times drift.
//
// Input comes in chunks of 32 KiB, as a busy socket gives it, so messages are cut at chunk ends.

#include <natsproto/session.hpp>
#include <natsproto/wire/client_connection.hpp>
#include <natsproto/wire/encoder.hpp>
#include <natsproto/wire/server_connection.hpp>

#include "queue_text.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <cstring>
#include <string>
#include <string_view>

namespace {

constexpr std::size_t chunk = 32 * 1024;
constexpr std::string_view info =
    R"(INFO {"server_id":"X","version":"2.10.27","proto":1,"headers":true,"max_payload":1048576})"
    "\r\n";
constexpr std::string_view two_headers =
    "NATS/1.0\r\nTrace-Id: 4bf92f3577b34da6\r\nKind: order\r\n\r\n";

/// About a megabyte of one message, over and over, as a server or a client sends it.
std::string stream_of(std::string_view header, std::size_t payload, std::size_t& messages,
                      nats::wire::sender from = nats::wire::sender::server) {
    nats::wire::output_queue queue;
    const std::string body(payload, 'x');
    messages = std::max<std::size_t>(1, (1024 * 1024) / (payload + 40));
    for (std::size_t i = 0; i < messages; ++i) {
        if (from == nats::wire::sender::server)
            nats::wire::encode_msg(queue, "bench.subject", "1", "", header, body);
        else
            nats::wire::encode_pub(queue, "bench.subject", "", header, body);
    }
    return nats::bench::text_of(queue);
}

template <class Connection>
void drain(Connection& c) {
    std::array<nats::const_buffer, 64> pieces;
    while (const std::size_t n = c.poll_transmit(pieces)) {
        std::size_t size = 0;
        for (std::size_t i = 0; i < n; ++i) size += pieces[i].size;
        c.transmitted(size);
    }
}

void open(nats::wire::client_connection& c) {
    nats::wire::connection_event e;
    c.feed(info);
    while (c.next(e)) {
    }
    if (!c.connect({})) std::abort();
    c.feed("PONG\r\n");
    while (c.next(e)) {
    }
    drain(c);
}

void open(nats::wire::server_connection& c) {
    nats::server_info i;
    i.headers = true;
    i.max_payload = 1048576;
    nats::wire::server_connection_event e;
    if (!c.start(i, {})) std::abort();
    c.feed("CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true}\r\n");
    if (!c.next(e) || !c.accept()) std::abort();
    drain(c);
}

std::string_view header_of(const benchmark::State& state) {
    return state.range(1) != 0 ? two_headers : std::string_view{};
}

void report(benchmark::State& state, std::size_t messages) {
    state.counters["ns/msg"] = benchmark::Counter(
        static_cast<double>(state.iterations()) * static_cast<double>(messages) / 1e9,
        benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

/// The limit of reading: find every line end, as one call over the whole stream does not skip
/// anything.
void receive_memchr(benchmark::State& state) {
    std::size_t messages = 0;
    const std::string stream =
        stream_of(header_of(state), static_cast<std::size_t>(state.range(0)), messages);
    for (auto _ : state) {
        std::size_t lines = 0;
        const char* p = stream.data();
        const char* const end = p + stream.size();
        while (p != end) {
            const void* lf = std::memchr(p, '\n', static_cast<std::size_t>(end - p));
            if (lf == nullptr) break;
            p = static_cast<const char*>(lf) + 1;
            ++lines;
        }
        benchmark::DoNotOptimize(lines);
    }
    report(state, messages);
}

/// The other limit: the bytes only have to be moved into the input buffer.
void receive_memcpy(benchmark::State& state) {
    std::size_t messages = 0;
    const std::string stream =
        stream_of(header_of(state), static_cast<std::size_t>(state.range(0)), messages);
    std::string into(chunk, '\0');
    for (auto _ : state) {
        for (std::size_t at = 0; at < stream.size(); at += chunk) {
            std::memcpy(into.data(), stream.data() + at, std::min(chunk, stream.size() - at));
            benchmark::DoNotOptimize(into.data());
            benchmark::ClobberMemory();
        }
    }
    report(state, messages);
}

void receive_connection(benchmark::State& state) {
    std::size_t messages = 0;
    const std::string stream =
        stream_of(header_of(state), static_cast<std::size_t>(state.range(0)), messages);
    nats::wire::client_connection c;
    open(c);
    nats::wire::connection_event e;
    std::size_t seen = 0;
    std::size_t bytes = 0;
    for (auto _ : state) {
        for (std::size_t at = 0; at < stream.size(); at += chunk) {
            c.feed(std::string_view(stream).substr(at, chunk));
            while (c.next(e)) {
                const auto& m = std::get<nats::wire::event::message>(e);
                ++seen;
                bytes += m.view.payload.size();
            }
        }
    }
    benchmark::DoNotOptimize(bytes);
    if (seen != messages * static_cast<std::size_t>(state.iterations()))
        state.SkipWithError("messages were lost");
    report(state, messages);
}

/// The mirror of it: a server takes what is published.
void receive_server_connection(benchmark::State& state) {
    std::size_t messages = 0;
    const std::string stream = stream_of(header_of(state), static_cast<std::size_t>(state.range(0)),
                                         messages, nats::wire::sender::client);
    nats::wire::server_connection c;
    open(c);
    nats::wire::server_connection_event e;
    std::size_t seen = 0;
    std::size_t bytes = 0;
    for (auto _ : state) {
        for (std::size_t at = 0; at < stream.size(); at += chunk) {
            c.feed(std::string_view(stream).substr(at, chunk));
            while (c.next(e)) {
                const auto& m = std::get<nats::wire::server_event::published>(e);
                ++seen;
                bytes += m.view.payload.size();
            }
        }
    }
    benchmark::DoNotOptimize(bytes);
    if (seen != messages * static_cast<std::size_t>(state.iterations()))
        state.SkipWithError("messages were lost");
    report(state, messages);
}

/// The parser alone, where the bytes are: what is left when neither copying nor the connection
/// count.
void receive_parser(benchmark::State& state) {
    std::size_t messages = 0;
    std::string stream =
        stream_of(header_of(state), static_cast<std::size_t>(state.range(0)), messages);
    const std::size_t one = stream.size() / messages;
    const std::size_t fit = std::max<std::size_t>(1, chunk / one); // whole messages in a chunk
    const std::string_view input = std::string_view(stream).substr(0, fit * one);
    nats::wire::parser parser(nats::wire::sender::server);
    nats::wire::frame f;
    std::size_t bytes = 0;
    for (auto _ : state) {
        std::string_view rest = input;
        while (parser.next(rest, f) == nats::wire::parser::status::frame) {
            bytes += f.payload.size();
            rest.remove_prefix(f.size);
        }
        if (!rest.empty()) state.SkipWithError("bytes were left");
    }
    benchmark::DoNotOptimize(bytes);
    report(state, fit);
}

void receive_session(benchmark::State& state) {
    std::size_t messages = 0;
    const std::string stream =
        stream_of(header_of(state), static_cast<std::size_t>(state.range(0)), messages);
    nats::seeded_random random(1);
    nats::session s(nats::options{}, {&random, nullptr, nullptr});
    const nats::time_point now{};
    if (!s.start(now) || !s.subscribe("bench.subject")) std::abort();
    const auto action = s.poll_action();
    s.handle_connected(std::get<nats::action::connect>(*action).id, now);
    nats::event e;
    const auto feed = [&](std::string_view bytes) {
        std::memcpy(s.prepare(bytes.size()).data(), bytes.data(), bytes.size());
        s.commit(bytes.size(), now);
    };
    feed(info);
    while (s.next(e)) {
    }
    feed("PONG\r\n");
    while (s.next(e)) {
    }
    std::size_t seen = 0;
    for (auto _ : state) {
        for (std::size_t at = 0; at < stream.size(); at += chunk) {
            feed(std::string_view(stream).substr(at, chunk));
            while (s.next(e)) seen += std::holds_alternative<nats::ev::message>(e) ? 1U : 0U;
        }
    }
    if (seen != messages * static_cast<std::size_t>(state.iterations()))
        state.SkipWithError("messages were lost");
    report(state, messages);
}

constexpr std::size_t burst = 1000;

/// The limit of writing: the payload and a ready-made line are copied.
void publish_memcpy(benchmark::State& state) {
    const std::string body(static_cast<std::size_t>(state.range(0)), 'x');
    const std::string_view line = "PUB bench.subject 16384\r\n";
    std::string out((body.size() + line.size() + 2) * burst, '\0');
    for (auto _ : state) {
        char* p = out.data();
        for (std::size_t i = 0; i < burst; ++i) {
            std::memcpy(p, line.data(), line.size());
            std::memcpy(p + line.size(), body.data(), body.size());
            std::memcpy(p + line.size() + body.size(), "\r\n", 2);
            p += line.size() + body.size() + 2;
            benchmark::ClobberMemory();
        }
    }
    report(state, burst);
}

void publish_connection(benchmark::State& state) {
    const std::string body(static_cast<std::size_t>(state.range(0)), 'x');
    nats::wire::client_connection c;
    open(c);
    const nats::header_view headers(header_of(state));
    for (auto _ : state) {
        for (std::size_t i = 0; i < burst; ++i) {
            if (!c.publish("bench.subject", body, {}, headers)) std::abort();
            if (c.untransmitted() >= 64 * 1024) drain(c);
        }
        drain(c);
    }
    report(state, burst);
}

/// The mirror of it: a server sends a message.
void deliver_server_connection(benchmark::State& state) {
    const std::string body(static_cast<std::size_t>(state.range(0)), 'x');
    nats::wire::server_connection c;
    open(c);
    const nats::header_view headers(header_of(state));
    for (auto _ : state) {
        for (std::size_t i = 0; i < burst; ++i) {
            if (!c.deliver("bench.subject", "1", {}, headers, body)) std::abort();
            if (c.untransmitted() >= 64 * 1024) drain(c);
        }
        drain(c);
    }
    report(state, burst);
}

} // namespace

BENCHMARK(receive_memchr)
    ->ArgNames({"payload", "headers"})
    ->ArgsProduct({{16, 128, 1024, 16384}, {0, 1}});
BENCHMARK(receive_memcpy)
    ->ArgNames({"payload", "headers"})
    ->ArgsProduct({{16, 128, 1024, 16384}, {0, 1}});
BENCHMARK(receive_parser)
    ->ArgNames({"payload", "headers"})
    ->ArgsProduct({{16, 128, 1024, 16384}, {0, 1}});
BENCHMARK(receive_connection)
    ->ArgNames({"payload", "headers"})
    ->ArgsProduct({{16, 128, 1024, 16384}, {0, 1}});
BENCHMARK(receive_server_connection)
    ->ArgNames({"payload", "headers"})
    ->ArgsProduct({{16, 128, 1024, 16384}, {0, 1}});
BENCHMARK(receive_session)
    ->ArgNames({"payload", "headers"})
    ->ArgsProduct({{16, 128, 1024, 16384}, {0, 1}});
BENCHMARK(publish_memcpy)
    ->ArgNames({"payload", "headers"})
    ->ArgsProduct({{16, 128, 1024, 16384}, {0}});
BENCHMARK(publish_connection)
    ->ArgNames({"payload", "headers"})
    ->ArgsProduct({{16, 128, 1024, 16384}, {0, 1}});
BENCHMARK(deliver_server_connection)
    ->ArgNames({"payload", "headers"})
    ->ArgsProduct({{16, 128, 1024, 16384}, {0, 1}});

BENCHMARK_MAIN();

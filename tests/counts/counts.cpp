// SPDX-License-Identifier: Apache-2.0
//
// What a message costs in things that can be counted. tests/counts/check runs this program under
// callgrind and compares instructions, system calls and allocations a message with limits.json;
// never a time. There is no peer and no limit of the machine here: those are for bench/.
//
// In memory a session is fed by hand; over loopback servers in child processes discard, flood and
// answer. What runs beside that may change how a client and a server meet, so they meet in the way
// that costs the client most: see cases.hpp. The first case does a known number of everything,
// which proves that the counting counts.

#include <natsproto/jetstream/publisher_state.hpp>
#include <natsproto/mailbox.hpp>
#include <natsproto/session.hpp>

#include "blocking_contender.hpp"
#include "counts/cases.hpp"
#include "harness.hpp"
#include "loopback_server.hpp"
#include "support/fed_session.hpp"

#include <boost/version.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <gnu/libc-version.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace nats::test {
namespace {

using bench::figures;
using bench::meter;
using bench::shape;
using bench::suite;

/// Ends the program unless all messages came.
void expect(std::size_t seen, std::size_t expected) {
    if (seen != expected) bench::die("messages were lost");
}

// --- the counter

/// Through a volatile pointer, so that no compiler leaves the allocation out.
void* volatile kept = nullptr;

figures known_counts(std::size_t n) {
    const meter m;
    for (std::size_t i = 0; i < n; ++i) {
        kept = ::operator new(64);
        ::operator delete(kept);
        (void)::syscall(SYS_getppid);
    }
    return m.cpu(n);
}

// --- in memory

/// `n` messages in chunks, as a socket gives them: messages are cut at their ends.
template <class Feed>
void in_chunks(const std::string& bytes, Feed feed) {
    constexpr std::size_t chunk = 32 * 1024;
    for (std::size_t at = 0; at < bytes.size(); at += chunk)
        feed(std::string_view(bytes).substr(at, chunk));
}

std::string input_of(const shape& s) {
    std::size_t count = 0;
    const std::string block = bench::flood_of(s);
    const std::size_t one = bench::frames(false, s.header(), s.payload, count).size() / count;
    std::string out;
    while (out.size() < s.messages * one) out += block;
    out.resize(s.messages * one);
    return out;
}

figures session_receive(const shape& s) {
    fed_session f;
    f.s.subscribe("bench.subject").value();
    const std::string bytes = input_of(s);
    std::size_t seen = 0;
    event e;
    const meter m;
    in_chunks(bytes, [&](std::string_view chunk) {
        f.receive(chunk);
        while (f.s.next(e)) {
            const auto* message = std::get_if<ev::message>(&e);
            if (message != nullptr && message->view.payload.size() == s.payload) ++seen;
        }
    });
    figures out = m.cpu(s.messages);
    expect(seen, s.messages);
    return out;
}

figures session_publish(const shape& s) {
    fed_session f;
    const std::string body(s.payload, 'x');
    const header_view headers(s.header());
    const auto nothing = [](std::string_view) {};
    const meter m;
    for (std::size_t i = 0; i < s.messages; ++i) {
        f.s.publish("bench.subject", body, {}, headers).value();
        if (f.s.untransmitted() >= bench::block) f.write(nothing);
    }
    f.write(nothing);
    return m.cpu(s.messages);
}

figures runtime_handler(const shape& s) {
    fed_session f;
    mailbox box;
    std::size_t seen = 0;
    const auto count = [](void* n, const message_view&) { ++*static_cast<std::size_t*>(n); };
    f.rt.subscribe(box, "bench.subject", {}, count, &seen).value();
    const std::string bytes = input_of(s);
    const meter m;
    in_chunks(bytes, [&](std::string_view chunk) { f.feed(chunk); });
    figures out = m.cpu(s.messages);
    expect(seen, s.messages);
    return out;
}

figures stream_publish(std::size_t n) {
    acknowledging net("S");
    std::size_t told = 0;
    const auto tell = [](void* count, js::publish_ticket /*t*/, const result<js::pub_ack>& r) {
        if (r && r->seq == 12345) ++*static_cast<std::size_t*>(count);
    };
    js::publisher_state publisher({.max_pending = 4, .keep_results = 10}, tell, &told);
    const meter m;
    for (std::size_t i = 0; i < n; ++i) {
        (void)publisher.try_publish(net.rt, "s", "payload", {});
        net.take_output();
        net.acknowledge("1");
    }
    figures out = m.cpu(n);
    expect(told, n);
    return out;
}

void add_memory_cases(suite& all) {
    constexpr suite::counted_too counted;
    const std::size_t n = all.scaled(many);
    all.add("known counts", "counter", [=] { return known_counts(n); }, counted);
    const shape small{16, false, n};
    const shape with_headers{16, true, n};
    const shape large{1024, false, n};
    all.add("parse 16 B", "session", [=] { return session_receive(small); }, counted);
    all.add(
        "parse 16 B and 2 headers", "session", [=] { return session_receive(with_headers); },
        counted);
    all.add("parse 1 KiB", "session", [=] { return session_receive(large); }, counted);
    all.add("encode 16 B", "session", [=] { return session_publish(small); }, counted);
    all.add("handle 16 B", "runtime", [=] { return runtime_handler(small); }, counted);
    all.add("JetStream publish", "runtime", [=] { return stream_publish(n); }, counted);
}

// --- the blocking client, over loopback

figures blocking_requests(client& nc, const shape& s) {
    const std::string body(s.payload, 'x');
    std::size_t bytes = 0;
    const meter m;
    for (std::size_t i = 0; i < s.messages; ++i)
        bytes += nc.request_view("bench.subject", body).value().payload.size();
    figures out = m.cpu(s.messages);
    expect(bytes, s.messages * s.payload);
    return out;
}

/// Connects to the server of that case and has `run(client)` measured.
template <class Run>
void add_blocking(suite& all, const char* measure, const char* who, peer with, std::size_t n,
                  Run run) {
    const shape s{16, false, all.scaled(n)};
    all.add(
        measure, who,
        [=] {
            const auto server = start(with, s);
            client nc = client::connect(server->url(), {.write_timeout = bench::at_once}).value();
            return run(nc, s);
        },
        suite::counted_too());
}

void add_blocking_cases(suite& all) {
    using bench::kept;
    const auto received = [](kept as) {
        return [as](client& nc, const shape& of) { return bench::blocking_receive(nc, of, as); };
    };
    add_blocking(all, "publish 16 B", "blocking", peer::discards, many, bench::blocking_publish);
    add_blocking(all, "subscribe 16 B", "blocking, views", peer::floods, many,
                 received(kept::as_view));
    add_blocking(all, "subscribe 16 B", "blocking, messages", peer::floods, many,
                 received(kept::as_message));
    add_blocking(all, "subscribe 16 B", "blocking, handler", peer::floods, many,
                 bench::blocking_handler);
    add_blocking(all, "request 16 B", "blocking", peer::answers_late, few, blocking_requests);
}

/// What else instructions depend on.
void print_build() {
    std::printf("%s %s, Boost %d.%d, glibc %s\n", NATSPROTO_COMPILER, NATSPROTO_BUILD_FLAGS,
                BOOST_VERSION / 100'000, BOOST_VERSION / 100 % 1000, ::gnu_get_libc_version());
}

} // namespace
} // namespace nats::test

int main(int argc, char** argv) {
    if (argc == 2 && std::string_view(argv[1]) == "--build") {
        nats::test::print_build();
        return 0;
    }
    return nats::bench::run_suite(argc, argv, [](nats::bench::suite& all) {
        nats::test::add_memory_cases(all);
        nats::test::add_blocking_cases(all);
#ifdef NATSPROTO_HAS_ASIO
        nats::test::add_asio_cases(all);
#endif
    });
}

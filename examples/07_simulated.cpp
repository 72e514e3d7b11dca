// SPDX-License-Identifier: Apache-2.0
//
// A conversation without a socket, in virtual time: what a unit test of code that uses NATS looks
// like. The bytes of the server are written by hand, the clock is a variable, and minutes take no
// time. It needs no server. Usage: 07_simulated

#include <natsproto/op.hpp>
#include <natsproto/random.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/session.hpp>

#include <array>
#include <chrono>
#include <iostream>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

using namespace std::chrono_literals;

namespace {

void expect(bool good, const std::string& what) {
    if (!good) throw std::runtime_error("expected " + what);
    std::cout << "ok: " << what << '\n';
}

// [subject]
/// What is tested: it asks the service "time". The string is a copy: the view ends with the op.
nats::op<nats::result<std::string>> ask_time(nats::runtime& rt, nats::time_point deadline) {
    const nats::header_view no_headers;
    nats::result<nats::message_view> reply = co_await rt.request("time", "", no_headers, deadline);
    if (!reply) co_return reply.error();
    co_return std::string(reply->payload);
}
// [subject]

// [world]
/// A client whose driver is the test: it says what was received and what time it is.
class world {
public:
    world() {
        session.start(now).value();
        const auto a = std::get<nats::action::connect>(session.poll_action().value());
        session.handle_connected(a.id, now);
    }

    void receive(std::string_view bytes) {
        for (const char byte : bytes) { // in the worst pieces a network can make
            const std::span<char> space = session.prepare();
            space[0] = byte;
            session.commit(1, now);
            dispatch();
        }
    }

    void sleep(nats::duration d) {
        now += d;
        rt.handle_timeout(now);
        dispatch();
    }

    /// What was sent since the last call.
    std::string sent() {
        std::string out;
        std::array<nats::const_buffer, 4> pieces;
        while (const std::size_t n = session.poll_transmit(pieces)) {
            const std::size_t before = out.size();
            for (std::size_t i = 0; i < n; ++i) out.append(pieces[i].data, pieces[i].size);
            rt.transmitted(out.size() - before);
        }
        return out;
    }

    nats::time_point now{};        // any beginning will do
    nats::seeded_random random{1}; // the same inbox names in every run
    nats::session session{{.servers = "nats://imaginary", .name = "test", .reconnect = false},
                          {&random, nullptr, nullptr}};
    nats::runtime rt{session, random};

private:
    void dispatch() {
        rt.advance(now);
        nats::event e;
        while (session.next(e)) rt.dispatch(e);
    }
};
// [world]

/// The reply subject of the PUB in what was sent: `PUB subject reply size`.
std::string reply_subject(std::string_view sent) {
    const std::string_view pub = sent.substr(sent.find("PUB "));
    const std::string_view reply = pub.substr(pub.find(' ', 4) + 1);
    return std::string(reply.substr(0, reply.find(' ')));
}

void handshake(world& w) {
    expect(w.sent().empty(), "a client that waits for INFO");
    w.receive("INFO {\"server_id\":\"X\",\"max_payload\":100,\"headers\":true,\"proto\":1}\r\n");
    const std::string sent = w.sent();
    expect(sent.starts_with("CONNECT {") && sent.ends_with("}\r\nPING\r\n"), "CONNECT and PING");
    w.receive("PONG\r\n");
    expect(w.session.status() == nats::session_status::connected, "a connection");
}

void request_and_reply(world& w) {
    // [request]
    auto asking = ask_time(w.rt, w.now + 2s);
    asking.start();
    const std::string sent = w.sent();
    const std::string inbox = reply_subject(sent);
    expect(sent == "SUB " + inbox.substr(0, inbox.rfind('.')) + ".* 1\r\nPUB time " + inbox +
                       " 0\r\n\r\n",
           "a subscription for replies, and a request");
    w.receive("MSG " + inbox + " 1 5\r\n12:34\r\n");
    expect(asking.done() && asking.take().value() == "12:34", "the reply");
    // [request]
}

void request_without_reply(world& w) {
    // [timeout]
    auto asking = ask_time(w.rt, w.now + 2s);
    asking.start();
    w.sleep(1999ms);
    expect(!asking.done(), "a request that still waits");
    w.sleep(1ms);
    expect(asking.done() && asking.take().error() == nats::errc::timeout, "its timeout");
    // [timeout]
    expect(!w.sent().empty(), "the request on the wire");
}

void a_message_too_large(world& w) {
    const nats::result<void> sent = w.session.publish("big", std::string(101, 'x'));
    expect(!sent && sent.error() == nats::errc::payload_too_large, "a publish that is refused");
    expect(w.sent().empty(), "nothing of it on the wire");
}

void a_server_that_dies(world& w) {
    for (int i = 0; i < 2; ++i) {
        w.sleep(2min);
        expect(w.sent() == "PING\r\n", "a PING after two minutes");
    }
    w.sleep(2min);
    expect(w.session.status() == nats::session_status::closed &&
               w.session.close_reason() == nats::errc::stale_connection,
           "a stale connection after two unanswered PINGs");
}

} // namespace

int main() {
    world w;
    handshake(w);
    request_and_reply(w);
    request_without_reply(w);
    a_message_too_large(w);
    a_server_that_dies(w);
    return 0;
}

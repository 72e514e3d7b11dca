// SPDX-License-Identifier: Apache-2.0
// Invariant: what a server's connection sends is whole well-formed operations, no more of them than
// what it was told and received is worth, and any cut of what it reads gives the same events and
// bytes.

#include <natsproto/wire/server_connection.hpp>

#include "support/fuzz_input.hpp"
#include "support/server_transcript.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace {

using namespace nats;
using test::require;

constexpr std::array<std::string_view, 24> phrases = {
    "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"name\":\"a\"}\r\n",
    "CONNECT {}\r\n",
    "CONNECT {\"headers\":true,\"no_responders\":true,\"protocol\":1,\"user\":\"\\u0075\"}\r\n",
    "CONNECT {\"name\":\"refused\"}\r\n",
    "CONNECT {\"name\":\"later\",\"verbose\":false}\r\n",
    "CONNECT {\"protocol\":2,\"x\":[{}]}\r\n",
    "CONNECT {\"user\":1}\r\n",
    "PUB a.b 5\r\nhello\r\n",
    "PUB a.subject.that.fills.some.blocks a.reply 3\r\nabc\r\n",
    "PUB a..* 0\r\n\r\n",
    "PUB a 41\r\n",
    "PUB a 5\r\nhel",
    "lo\r\n",
    "HPUB a r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
    "SUB a.* 1\r\nSUB a..b q 2\r\n",
    "UNSUB 1\r\nUNSUB 1 5\r\n",
    "PING\r\n",
    "PING\r\nPING\r\nPING\r\nPING\r\nPING\r\nPING\r\n",
    "PONG\r\n",
    "+OK\r\nINFO {}\r\n",
    "INFO nonsense\r\n",
    "-ERR 'x'\r\n",
    "PUB \r\n",
    "SUB a\rb 1\r\n",
};

/// Runs the operations that the input describes.
class script {
public:
    script(std::string_view input, bool byte_by_byte)
        : in_(input), byte_by_byte_(byte_by_byte), connection_(bounds()) {}

    std::string run() {
        while (!in_.empty()) step();
        decide();
        drain();
        transmit(static_cast<std::size_t>(-1));
        const test::parsed sent = test::parse(wire::sender::server, {sent_}, {});
        require(!sent.failed, "what was sent is well formed");
        require(sent.rest == 0, "what was sent is whole");
        require(connection_.untransmitted() == 0, "everything was sent");
        return events_ + sent.text;
    }

private:
    static wire::server_connection_options bounds() {
        wire::server_connection_options o;
        o.max_control_line = 100;
        o.max_pong_bytes = 24;
        o.max_json_depth = 4;
        return o;
    }

    void step() {
        switch (in_.byte() % 14) {
        case 0: feed(in_.text()); break;
        case 1:
        case 2:
        case 3: feed(phrases[in_.byte() % phrases.size()]); break;
        case 4: start(); break;
        case 5: info(); break;
        case 6: decide(); break;
        case 7: deliver(); break;
        case 8: command([](wire::server_connection& c) { return c.ping(); }); break;
        case 9: error_text(); break;
        case 10: transmit(in_.byte()); break;
        case 11: connection_.shrink(); break;
        case 12: connection_.handle_timeout(time_point{} + std::chrono::seconds(in_.byte())); break;
        default: end();
        }
        drain();
    }

    void feed(std::string_view bytes) {
        worth_ += 4 * bytes.size();
        for (const std::string_view chunk :
             test::pieces_of(bytes, byte_by_byte_ ? 1 : bytes.size() + 1)) {
            connection_.feed(chunk);
            drain();
        }
    }

    void drain() {
        wire::server_connection_event e;
        while (connection_.next(e)) {
            require(!closed_, "nothing follows the end");
            closed_ = std::holds_alternative<wire::server_event::closed>(e);
            require(closed_ == (connection_.state() == wire::connection_state::closed),
                    "closed is reported at once");
            events_ += test::to_text(e);
            if (const auto* m = std::get_if<wire::server_event::published>(&e)) echo(m->view);
            if (std::holds_alternative<wire::server_event::connect>(e) &&
                connection_.request().name != "later")
                decide();
        }
        require(connection_.untransmitted() <= worth_, "bounded output");
        const bool waits = connection_.state() == wire::connection_state::awaiting_info ||
                           connection_.state() == wire::connection_state::handshaking;
        require(waits || connection_.unparsed() <= 200, "a line or a message at most is kept");
    }

    /// As a broker does it for a publisher that is its own subscriber.
    void echo(const message_view& m) {
        require(m.size() <= static_cast<std::size_t>(most_), "max_payload is kept");
        connection_.ok();
        worth_ += m.subject.size() + m.reply.size() + m.size() + 64;
        require(connection_.deliver(m.subject, "1", m.reply, m.headers, m.payload).has_value(),
                "what was published can be delivered");
    }

    void decide() {
        if (connection_.state() != wire::connection_state::handshaking) return;
        worth_ += 64;
        if (connection_.request().name == "refused") {
            connection_.refuse("Authorization Violation");
        } else {
            require(connection_.accept().has_value(), "a login can be accepted");
        }
    }

    /// A refused call changes nothing.
    template <class Call>
    void command(Call call) {
        worth_ += 64;
        const std::size_t before = connection_.untransmitted();
        const auto state = connection_.state();
        const result<void> r = call(connection_);
        events_ += r ? "accepted\n" : "refused: " + r.error().message() + '\n';
        if (r) return;
        require(connection_.untransmitted() == before && connection_.state() == state,
                "a refusal changes nothing");
    }

    server_info described() {
        const std::uint8_t flags = in_.byte();
        server_info i;
        i.auth_required = (flags & 1U) != 0;
        i.headers = (flags & 2U) == 0;
        i.max_payload = flags / 4 + 1;
        i.server_name = in_.text();
        worth_ += 200 + 6 * i.server_name.size();
        return i;
    }

    void start() {
        const server_info i = described();
        command([&](wire::server_connection& c) { return c.start(i, time_point{}); });
    }

    void info() {
        const server_info i = described();
        command([&](wire::server_connection& c) { return c.send_info(i); });
    }

    void deliver() {
        const std::string_view block = (in_.byte() & 1U) != 0 ? "NATS/1.0\r\n\r\n" : "";
        const std::string_view payload = in_.text();
        worth_ += payload.size() + 100;
        command([&](wire::server_connection& c) {
            return c.deliver("a.b", "17", {}, header_view(block), payload);
        });
    }

    void error_text() {
        const std::uint8_t how = in_.byte();
        const std::string_view text = in_.text();
        worth_ += text.size() + 64;
        switch (how % 4) {
        case 0: connection_.refuse(text); break;
        case 1: connection_.fail(text); break;
        default: command([text](wire::server_connection& c) { return c.send_err(text); });
        }
    }

    void end() {
        const std::uint8_t how = in_.byte();
        if (how % 16 == 0) connection_.handle_eof();
        if (how % 16 == 1) connection_.close();
    }

    void transmit(std::size_t most) {
        std::array<const_buffer, 3> pieces{};
        while (most != 0) {
            const std::size_t n = connection_.poll_transmit(pieces);
            if (n == 0) return;
            std::size_t taken = 0;
            for (std::size_t i = 0; i < n && taken != most; ++i) {
                const std::size_t part = std::min(pieces[i].size, most - taken);
                sent_.append(pieces[i].data, part);
                taken += part;
            }
            connection_.transmitted(taken);
            most -= taken;
        }
    }

    static constexpr std::int64_t most_ = 64; ///< the largest max_payload of `described`

    test::fuzz_input in_;
    bool byte_by_byte_;
    bool closed_ = false;
    std::size_t worth_ = 0;
    wire::server_connection connection_;
    std::string events_;
    std::string sent_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { // NOLINT
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    test::require_same(script(bytes, false).run(), script(bytes, true).run(), "byte by byte");
    return 0;
}

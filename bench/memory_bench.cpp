// SPDX-License-Identifier: Apache-2.0
//
// Parse-and-deliver and encode in memory. The limits: memchr, which only looks for the line ends,
// memcpy, which only moves the bytes, and the least of a parser. Input comes in chunks, as a socket
// gives it, so messages are cut at chunk ends. The "session" is what a driver runs: it owns the
// subscription and hands out a view of the message. nats.c has no row, since its parser cannot be
// reached without a socket; loopback_bench has it with one.

#include <natsproto/session.hpp>
#include <natsproto/wire/client_connection.hpp>
#include <natsproto/wire/encoder.hpp>
#include <natsproto/wire/server_connection.hpp>

#include "harness.hpp"
#include "limits.hpp"
#include "loopback_server.hpp"
#include "queue_text.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <string_view>

namespace {

using namespace nats::bench; // NOLINT(google-build-using-namespace): all of it is used

/// So that nothing that is computed is left out.
template <class T>
void keep(const T& value) {
    asm volatile("" : : "r,m"(value) : "memory");
}

/// About a megabyte of one message, over and over, as a server or a client sends it.
struct input {
    input(const shape& s, std::size_t chunk_size, bool from_client) : chunk(chunk_size) {
        nats::wire::output_queue queue;
        const std::string body(s.payload, 'x');
        messages = std::max<std::size_t>(1, (1024 * 1024) / (s.payload + 40));
        for (std::size_t i = 0; i < messages; ++i) {
            if (from_client)
                nats::wire::encode_pub(queue, "bench.subject", "", s.header(), body);
            else
                nats::wire::encode_msg(queue, "bench.subject", "1", "", s.header(), body);
        }
        bytes = text_of(queue);
        rounds = std::max<std::size_t>(1, s.messages / messages);
    }
    [[nodiscard]] std::size_t total() const { return rounds * messages; }
    /// `f(string_view)` for each chunk of all rounds.
    template <class F>
    void feed(F f) const {
        for (std::size_t i = 0; i < rounds; ++i) {
            for (std::size_t at = 0; at < bytes.size(); at += chunk)
                f(std::string_view(bytes).substr(at, chunk));
        }
    }

    std::string bytes;
    std::size_t chunk;
    std::size_t messages; ///< in `bytes`
    std::size_t rounds;
};

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
    if (!c.connect({})) die("connect");
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
    if (!c.start(i, {})) die("start");
    c.feed("CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true}\r\n");
    if (!c.next(e) || !c.accept()) die("accept");
    drain(c);
}

/// A session after its handshake, with one subscription.
class open_session {
public:
    open_session() : session(nats::options{}, {&random_, nullptr, nullptr}) {
        if (!session.start(now_) || !session.subscribe("bench.subject")) die("start");
        const auto action = session.poll_action();
        session.handle_connected(std::get<nats::action::connect>(*action).id, now_);
        nats::event e;
        for (const std::string_view bytes : {info, std::string_view("PONG\r\n")}) {
            feed(bytes);
            while (session.next(e)) {
            }
        }
        drain(session);
    }
    void feed(std::string_view bytes) {
        std::memcpy(session.prepare(bytes.size()).data(), bytes.data(), bytes.size());
        session.commit(bytes.size(), now_);
    }

private:
    nats::seeded_random random_{1};
    nats::time_point now_{};

public:
    nats::session session;
};

void expect(std::size_t seen, std::size_t expected) {
    if (seen == expected) return;
    errno = EPROTO;
    die("messages were lost");
}

// --- reading

figures memchr_lines(const input& in) {
    std::size_t lines = 0;
    const meter m;
    for (std::size_t i = 0; i < in.rounds; ++i) {
        const char* p = in.bytes.data();
        const char* const end = p + in.bytes.size();
        while (p != end) {
            p = static_cast<const char*>(std::memchr(p, '\n', static_cast<std::size_t>(end - p)));
            ++p;
            ++lines;
        }
    }
    keep(lines);
    return m.cpu(in.total());
}

figures memcpy_chunks(const input& in) {
    std::string into(in.chunk, '\0');
    const meter m;
    in.feed([&](std::string_view bytes) {
        std::memcpy(into.data(), bytes.data(), bytes.size());
        keep(into.data());
    });
    return m.cpu(in.total());
}

/// Copies each chunk behind what is left of the one before, and finds the frames.
figures least_parser(const input& in) {
    std::string buffer(in.chunk + in.bytes.size() / in.messages, '\0');
    std::size_t held = 0;
    std::size_t seen = 0;
    const meter m;
    in.feed([&](std::string_view bytes) {
        std::memcpy(buffer.data() + held, bytes.data(), bytes.size());
        held += bytes.size();
        take_frames(buffer, held, [&](std::string_view) {
            ++seen;
            return true;
        });
    });
    figures out = m.cpu(in.total());
    expect(seen, in.total());
    return out;
}

/// Where the bytes are: neither copying nor the connection count.
figures parser_alone(const input& in) {
    nats::wire::parser parser(nats::wire::sender::server);
    nats::wire::frame f;
    std::size_t seen = 0;
    const meter m;
    for (std::size_t i = 0; i < in.rounds; ++i) {
        std::string_view rest = in.bytes;
        while (parser.next(rest, f) == nats::wire::parser::status::frame) {
            ++seen;
            rest.remove_prefix(f.size);
        }
    }
    figures out = m.cpu(in.total());
    expect(seen, in.total());
    return out;
}

template <class Connection, class Event, class Message>
figures connection(const input& in) {
    Connection c;
    open(c);
    Event e;
    std::size_t seen = 0;
    std::size_t bytes = 0;
    const meter m;
    in.feed([&](std::string_view chunk) {
        c.feed(chunk);
        while (c.next(e)) {
            bytes += std::get<Message>(e).view.payload.size();
            ++seen;
        }
    });
    figures out = m.cpu(in.total());
    keep(bytes);
    expect(seen, in.total());
    return out;
}

figures session(const input& in) {
    open_session s;
    nats::event e;
    std::size_t seen = 0;
    const meter m;
    in.feed([&](std::string_view chunk) {
        s.feed(chunk);
        while (s.session.next(e)) seen += std::holds_alternative<nats::ev::message>(e) ? 1U : 0U;
    });
    figures out = m.cpu(in.total());
    expect(seen, in.total());
    return out;
}

void add_parse(suite& all, const std::string& name, const shape& s, std::size_t chunk) {
    using namespace nats::wire; // NOLINT(google-build-using-namespace)
    const auto each = [&](const char* who, figures (*run)(const input&), bool from_client) {
        all.add(name, who, [=] { return run(input(s, chunk, from_client)); }, suite::counted_too());
    };
    each("raw", memchr_lines, false);
    each("raw, memcpy", memcpy_chunks, false);
    each("raw, protocol", least_parser, false);
    each("parser", parser_alone, false);
    each("connection", connection<client_connection, connection_event, event::message>, false);
    each("session", session, false);
    each("server connection",
         connection<server_connection, server_connection_event, server_event::published>, true);
}

// --- writing

figures memcpy_frames(const shape& s) {
    const std::string body(s.payload, 'x');
    const std::string line = "PUB bench.subject " + std::to_string(s.payload) + "\r\n";
    std::string out(block + s.payload + 256, '\0');
    const meter m;
    std::size_t at = 0;
    for (std::size_t i = 0; i < s.messages; ++i) {
        if (at >= block) at = 0;
        for (const std::string_view piece : {std::string_view(line), s.header(),
                                             std::string_view(body), std::string_view("\r\n")}) {
            std::memcpy(out.data() + at, piece.data(), piece.size());
            at += piece.size();
        }
        keep(out.data());
    }
    return m.cpu(s.messages);
}

template <class Target, class Publish>
figures encode(Target& to, const shape& s, Publish publish) {
    const std::string body(s.payload, 'x');
    const nats::header_view headers(s.header());
    const meter m;
    for (std::size_t i = 0; i < s.messages; ++i) {
        if (!publish(headers, body)) die("publish");
        if (to.untransmitted() >= block) drain(to);
    }
    drain(to);
    return m.cpu(s.messages);
}

figures connection_publish(const shape& s) {
    nats::wire::client_connection c;
    open(c);
    return encode(c, s, [&](const nats::header_view& headers, const std::string& body) {
        return c.publish("bench.subject", body, {}, headers).has_value();
    });
}

figures session_publish(const shape& s) {
    open_session o;
    return encode(o.session, s, [&](const nats::header_view& headers, const std::string& body) {
        return o.session.publish("bench.subject", body, {}, headers).has_value();
    });
}

figures server_deliver(const shape& s) {
    nats::wire::server_connection c;
    open(c);
    return encode(c, s, [&](const nats::header_view& headers, const std::string& body) {
        return c.deliver("bench.subject", "1", {}, headers, body).has_value();
    });
}

void add_encode(suite& all, const std::string& name, const shape& s) {
    const auto each = [&](const char* who, figures (*run)(const shape&)) {
        all.add(name, who, [=] { return run(s); }, suite::counted_too());
    };
    each("raw", memcpy_frames);
    each("connection", connection_publish);
    each("session", session_publish);
    each("server connection", server_deliver);
}

} // namespace

int main(int argc, char** argv) {
    return run_suite(argc, argv, [](suite& all) {
        const auto of = [&](std::size_t payload, bool headers = false) {
            const std::size_t bytes = payload + 80;
            return shape{payload, headers,
                         all.scaled(std::min<std::size_t>(2'000'000, 1'000'000'000 / bytes))};
        };
        constexpr std::size_t usual = 32 * 1024;
        const struct {
            const char* name;
            shape s;
        } shapes[] = {
            {"0 B", of(0)},           {"16 B", of(16)},    {"16 B and 2 headers", of(16, true)},
            {"128 B", of(128)},       {"1 KiB", of(1024)}, {"16 KiB", of(16 * 1024)},
            {"64 KiB", of(64 * 1024)}};
        for (const auto& [name, s] : shapes) add_parse(all, std::string("parse ") + name, s, usual);
        add_parse(all, "parse 16 B in chunks of 512 B", of(16), 512);
        add_parse(all, "parse 16 B in chunks of 4 KiB", of(16), 4096);
        for (const auto& [name, s] : shapes) add_encode(all, std::string("encode ") + name, s);
    });
}

// SPDX-License-Identifier: Apache-2.0
//
// A canonical text form of frames and events, one line each, and the loops that produce it from
// bytes cut in any way. No test framework in here: the fuzz targets use it too.

#pragma once

#include <natsproto/wire/client_connection.hpp>
#include <natsproto/wire/parser.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace nats::test {

using chunks = std::vector<std::string_view>;

/// `bytes` between quotes, with all that is not printable ASCII as \xNN.
inline std::string in_quotes(std::string_view bytes) {
    constexpr std::string_view hex = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\') {
            out += c;
        } else {
            out += "\\x";
            out += hex[byte >> 4U];
            out += hex[byte & 15U];
        }
    }
    return out + '"';
}

/// The line of a failure. Only its code: the detail of a violation shows the bytes that had arrived
/// by then.
inline std::string failed(errc why) {
    return "failed: " + std::string(describe(why)) + '\n';
}

inline std::string to_text(const wire::frame& f) {
    const auto with_payload = [&f](std::string_view name) {
        return std::string(f.has_headers ? "h" : "") + std::string(name) + ' ' +
               in_quotes(f.subject) + " reply " + in_quotes(f.reply) + " header " +
               in_quotes(f.headers.raw()) + " payload " + in_quotes(f.payload) + '\n';
    };
    switch (f.kind) {
    case wire::op::info: return "info " + in_quotes(f.text) + '\n';
    case wire::op::connect: return "connect " + in_quotes(f.text) + '\n';
    case wire::op::pub: return with_payload("pub");
    case wire::op::sub:
        return "sub " + in_quotes(f.subject) + " queue " + in_quotes(f.queue) + " sid " +
               in_quotes(f.sid_text) + '\n';
    case wire::op::unsub:
        return "unsub " + in_quotes(f.sid_text) +
               (f.has_max ? " max " + std::to_string(f.max) : "") + '\n';
    case wire::op::msg:
        return std::to_string(f.sid) + ' ' + in_quotes(f.sid_text) + ' ' + with_payload("msg");
    case wire::op::ping: return "ping\n";
    case wire::op::pong: return "pong\n";
    case wire::op::ok: return "ok\n";
    case wire::op::err: return "err " + in_quotes(f.text) + '\n';
    }
    return "no such operation\n";
}

inline std::string to_text(const wire::connection_event& e) {
    namespace ev = wire::event;
    return std::visit(
        [](const auto& x) -> std::string {
            using event_type = std::decay_t<decltype(x)>;
            if constexpr (std::is_same_v<event_type, ev::connect_requested>) {
                return "connect_requested " + in_quotes(x.info->server_id) + '\n';
            } else if constexpr (std::is_same_v<event_type, ev::connected>) {
                return "connected " + in_quotes(x.info->server_id) + '\n';
            } else if constexpr (std::is_same_v<event_type, ev::message>) {
                return "message " + std::to_string(x.sid) + ' ' + in_quotes(x.view.subject) +
                       " reply " + in_quotes(x.view.reply) + " header " +
                       in_quotes(x.view.headers.raw()) + " payload " + in_quotes(x.view.payload) +
                       '\n';
            } else if constexpr (std::is_same_v<event_type, ev::pong>) {
                return "pong\n";
            } else if constexpr (std::is_same_v<event_type, ev::info>) {
                return "info " + in_quotes(x.info->server_id) + " max_payload " +
                       std::to_string(x.info->max_payload) + '\n';
            } else if constexpr (std::is_same_v<event_type, ev::server_error>) {
                return "server_error " + in_quotes(x.text) + '\n';
            } else if constexpr (std::is_same_v<event_type, ev::closed>) {
                return failed(x.why->code());
            } else {
                return "none\n";
            }
        },
        e);
}

/// Bytes in a block of exactly their size, so that a sanitizer sees a read behind their end.
class exact_copy {
public:
    explicit exact_copy(std::string_view bytes)
        : block_(new char[bytes.size()]), size_(bytes.size()) {
        if (!bytes.empty()) std::memcpy(block_.get(), bytes.data(), bytes.size());
    }
    [[nodiscard]] std::string_view view() const noexcept { return {block_.get(), size_}; }

private:
    std::unique_ptr<char[]> block_;
    std::size_t size_;
};

/// What a parser made of some bytes.
struct parsed {
    std::string text;     ///< a line for each frame, and one for a failure
    std::size_t rest = 0; ///< bytes behind the last frame that were not an operation yet
    bool failed = false;
    errc why{}; ///< of a failure
    friend bool operator==(const parsed&, const parsed&) = default;
    friend std::ostream& operator<<(std::ostream& out, const parsed& p) {
        return out << p.text << "rest " << p.rest;
    }
};

/// Feeds the chunks one after the other, as a transport would.
inline parsed parse(wire::sender from, const chunks& input, const limits& bounds = {}) {
    wire::parser parser(from, bounds);
    parsed out;
    std::string buffer;
    for (const std::string_view chunk : input) {
        buffer += chunk;
        const exact_copy exact(buffer);
        std::size_t used = 0;
        wire::frame f;
        wire::parser::status status{};
        while ((status = parser.next(exact.view().substr(used), f)) ==
               wire::parser::status::frame) {
            out.text += to_text(f);
            used += f.size;
        }
        buffer.erase(0, used);
        if (status == wire::parser::status::failed) {
            out.failed = true;
            out.why = parser.failure();
            out.text += failed(out.why);
            break;
        }
    }
    if (!out.failed) out.rest = buffer.size();
    return out;
}

/// `bytes` in pieces of `size`; the last one may be shorter.
inline chunks pieces_of(std::string_view bytes, std::size_t size) {
    chunks out;
    for (; bytes.size() > size; bytes.remove_prefix(size)) out.push_back(bytes.substr(0, size));
    out.push_back(bytes);
    return out;
}

/// `bytes` cut at places that `seed` decides: what a fuzz target compares with the whole.
inline chunks pieces_by_seed(std::string_view bytes, std::uint64_t seed) {
    chunks out;
    while (!bytes.empty()) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        const std::size_t size =
            std::min<std::size_t>(bytes.size(), 1 + static_cast<std::size_t>((seed >> 33U) % 40));
        out.push_back(bytes.substr(0, size));
        bytes.remove_prefix(size);
    }
    return out;
}

/// All that a connection has to report now.
inline std::string drain_events(wire::client_connection& c) {
    std::string out;
    wire::connection_event e;
    while (c.next(e)) out += to_text(e);
    return out;
}

/// All that a connection has to send now, taken in steps of at most `step` bytes.
inline std::string drain_output(wire::client_connection& c,
                                std::size_t step = static_cast<std::size_t>(-1)) {
    std::string out;
    const_buffer piece[1];
    while (c.poll_transmit(piece) != 0) {
        const std::size_t n = std::min(step, piece[0].size);
        out.append(piece[0].data, n);
        c.transmitted(n);
    }
    return out;
}

inline constexpr std::string_view info_line =
    R"(INFO {"server_id":"S","version":"2.10.27","proto":1,"headers":true,"max_payload":1048576} )"
    "\r\n";

/// For connections with small limits.
inline constexpr std::string_view short_info_line =
    "INFO {\"server_id\":\"S\",\"headers\":true}\r\n";

/// Brings a new connection to the open state, and drops what it said and sent on the way. False: it
/// did not get there.
inline bool open(wire::client_connection& c, const wire::connect_fields& fields = {},
                 std::string_view info = info_line) {
    c.feed(info);
    (void)drain_events(c);
    if (!c.connect(fields)) return false;
    c.feed("PONG\r\n");
    (void)drain_events(c);
    (void)drain_output(c);
    return c.state() == wire::connection_state::open;
}

/// What an open connection makes of some bytes.
struct conversation {
    std::string events;
    std::string sent;
    std::size_t rest = 0; ///< bytes that were not an operation yet
    friend bool operator==(const conversation&, const conversation&) = default;
    friend std::ostream& operator<<(std::ostream& out, const conversation& c) {
        return out << c.events << "sent " << in_quotes(c.sent) << " rest " << c.rest;
    }
};

inline conversation converse(const chunks& input, const limits& bounds = {}) {
    wire::client_connection c(bounds);
    conversation out;
    if (!open(c, {}, short_info_line)) {
        out.events = "the handshake failed\n";
        return out;
    }
    for (const std::string_view chunk : input) {
        c.feed(chunk);
        out.events += drain_events(c);
        out.sent += drain_output(c);
    }
    out.rest = c.unparsed();
    // How much was sent before a failure depends on how much was read at once.
    if (c.state() == wire::connection_state::closed) out.sent.clear();
    return out;
}

} // namespace nats::test

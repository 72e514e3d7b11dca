// SPDX-License-Identifier: Apache-2.0
//
// What the benchmarks on loopback share: a server in a child process, so that the CPU time of this
// one is the client's own, and frames made before anything is measured.

#pragma once

#include <natsproto/wire/encoder.hpp>
#include <natsproto/wire/output_queue.hpp>

#include "child_server.hpp"
#include "harness.hpp"
#include "queue_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace nats::bench {

inline constexpr std::string_view info =
    R"(INFO {"server_id":"B","version":"2.10.27","proto":1,"headers":true,"max_payload":1048576})"
    "\r\n";
inline constexpr std::string_view two_headers =
    "NATS/1.0\r\nTrace-Id: 4bf92f3577b34da6\r\nKind: order\r\n\r\n";
inline constexpr std::size_t block = 64 * 1024;

/// A request of 16 bytes, its payload, and how its reply ends.
inline constexpr std::string_view raw_ask =
    "PUB bench.subject _INBOX.raw 16\r\nxxxxxxxxxxxxxxxx\r\n";
inline constexpr std::string_view request_body = "xxxxxxxxxxxxxxxx";
inline constexpr std::string_view raw_answer_end = "xxxxxxxxxxxxxxxx\r\n";

inline void send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) return; // the client has gone
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

/// Appends to `in` until `what` is in it, or the connection ends.
inline void read_until(int fd, std::string& in, std::string_view what) {
    std::array<char, 4096> buffer{};
    while (in.find(what) == std::string::npos) {
        const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (n <= 0) return;
        in.append(buffer.data(), static_cast<std::size_t>(n));
    }
}

/// A raw connection to a server on loopback.
[[nodiscard]] inline int connect_socket_to(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) != 0) die("connect");
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

/// The same, after the handshake.
[[nodiscard]] inline int connect_raw_to(std::uint16_t port) {
    const int fd = connect_socket_to(port);
    std::string in;
    read_until(fd, in, "\r\n");
    send_all(fd, "CONNECT {\"verbose\":false}\r\nPING\r\n");
    read_until(fd, in, "PONG\r\n");
    return fd;
}

/// The server's side of a handshake.
inline void greet(int fd) {
    send_all(fd, info);
    std::string in;
    read_until(fd, in, "PING\r\n");
    send_all(fd, "PONG\r\n");
}

/// What messages of a measurement look like, and how many they are.
struct shape {
    std::size_t payload;
    bool headers;
    std::size_t messages;

    [[nodiscard]] constexpr std::string_view header() const {
        return headers ? two_headers : std::string_view{};
    }
};

/// A block of whole frames of one kind.
inline std::string frames(bool publish, std::string_view header, std::size_t payload,
                          std::size_t& count) {
    wire::output_queue queue;
    const std::string body(payload, 'x');
    count = std::max<std::size_t>(1, block / (payload + header.size() + 32));
    for (std::size_t i = 0; i < count; ++i) {
        if (publish)
            wire::encode_pub(queue, "bench.subject", {}, header, body);
        else
            wire::encode_msg(queue, "bench.subject", "1", {}, header, body);
    }
    return text_of(queue);
}

/// What a flooding server sends over and over.
inline std::string flood_of(const shape& s) {
    std::size_t count = 0;
    return frames(false, s.header(), s.payload, count);
}

/// `PUB subject reply size` and what follows; how much of that is its payload.
inline std::size_t answer(std::string_view line, std::string_view rest, const std::string& sid,
                          std::string& out) {
    const std::size_t last = line.rfind(' ');
    const std::size_t before = line.rfind(' ', last - 1);
    const std::size_t size =
        std::min(static_cast<std::size_t>(std::atoi(line.data() + last)) + 2, rest.size());
    out += "MSG ";
    out += line.substr(before + 1, last - before - 1);
    out += ' ' + sid;
    out += line.substr(last);
    out += "\r\n";
    out += rest.substr(0, size);
    return size;
}

/// Answers each request in `in` with its payload. For one request at a time: whole frames in one
/// read. `sid` is that of the newest subscription.
inline void echo_frames(std::string_view in, std::string& sid, std::string& out) {
    while (!in.empty()) {
        const std::size_t end = in.find("\r\n");
        if (end == std::string_view::npos) break;
        const std::string_view line = in.substr(0, end);
        in.remove_prefix(end + 2);
        if (line.starts_with("SUB ")) sid = line.substr(line.rfind(' ') + 1);
        if (line == "PING") out += "PONG\r\n";
        if (line.starts_with("PUB ")) in.remove_prefix(answer(line, in, sid, out));
    }
}

/// Does that until the connection ends; `before` is called before each answer.
template <class Before>
void echo_all(int fd, std::vector<char>& buffer, Before before) {
    std::string sid = "1";
    std::string out;
    while (true) {
        const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (n <= 0) return;
        out.clear();
        echo_frames({buffer.data(), static_cast<std::size_t>(n)}, sid, out);
        before();
        send_all(fd, out);
    }
}

/// Serves one connection after another in one of three ways.
class server : public child_server {
public:
    /// `echo` answers each request with its payload.
    enum class role { discard, flood, echo };

    server(role r, const std::string& flood_block)
        : child_server([&](int listener) {
              std::vector<char> buffer(1024 * 1024);
              accept_each(listener, [&](int fd) {
                  greet(fd);
                  if (r == role::discard) discard(fd, buffer);
                  if (r == role::flood) flood(fd, flood_block);
                  if (r == role::echo) echo_all(fd, buffer, [] {});
              });
          }) {}

    /// A raw connection after the handshake.
    [[nodiscard]] int connect_raw() const { return connect_raw_to(port()); }

private:
    /// The last frame of a round is a PING: answering it says that everything was read.
    static void discard(int fd, std::vector<char>& buffer) {
        while (true) {
            const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
            if (n <= 0) return;
            if (std::string_view(buffer.data(), static_cast<std::size_t>(n)).ends_with("PING\r\n"))
                send_all(fd, "PONG\r\n");
        }
    }

    static void flood(int fd, const std::string& flood_block) {
        std::string in;
        read_until(fd, in, "SUB");
        while (::send(fd, flood_block.data(), flood_block.size(), MSG_NOSIGNAL) > 0) {
        }
    }
};

} // namespace nats::bench

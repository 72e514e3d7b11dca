// SPDX-License-Identifier: Apache-2.0
//
// The physical limits: sockets that move the same bytes and nothing else, and the same with the
// least that the protocol asks for, as somebody would write it who needs nothing but this message.

#pragma once

#include "harness.hpp"
#include "loopback_server.hpp"

#include <charconv>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

namespace nats::bench {

inline void wait_for_pong(int fd) {
    send_all(fd, "PING\r\n");
    std::string in;
    read_until(fd, in, "PONG\r\n");
}

inline figures raw_publish(const server& to, const shape& s) {
    std::size_t count = 0;
    const std::string bytes = frames(true, s.header(), s.payload, count);
    const int fd = to.connect_raw();
    const meter m;
    std::size_t sent = 0;
    for (; sent < s.messages; sent += count) send_all(fd, bytes);
    wait_for_pong(fd);
    figures out = m.cpu_and_rate(sent);
    ::close(fd);
    return out;
}

/// The line of a PUB or HPUB.
inline char* format_publish(char* p, const shape& s) {
    const std::string_view head = s.headers ? "HPUB bench.subject " : "PUB bench.subject ";
    std::memcpy(p, head.data(), head.size());
    p += head.size();
    if (s.headers) {
        p = std::to_chars(p, p + 20, two_headers.size()).ptr;
        *p++ = ' ';
    }
    p = std::to_chars(p, p + 20, s.header().size() + s.payload).ptr;
    std::memcpy(p, "\r\n", 2);
    return p + 2;
}

inline figures protocol_publish(const server& to, const shape& s) {
    const std::string body(s.payload, 'x');
    std::vector<char> buffer(block + s.payload + 256);
    const int fd = to.connect_raw();
    const meter m;
    char* p = buffer.data();
    for (std::size_t i = 0; i < s.messages; ++i) {
        p = format_publish(p, s);
        std::memcpy(p, s.header().data(), s.header().size());
        p += s.header().size();
        std::memcpy(p, body.data(), body.size());
        std::memcpy(p + body.size(), "\r\n", 2);
        p += body.size() + 2;
        if (static_cast<std::size_t>(p - buffer.data()) < block && i + 1 < s.messages) continue;
        send_all(fd, {buffer.data(), p});
        p = buffer.data();
    }
    wait_for_pong(fd);
    figures out = m.cpu_and_rate(s.messages);
    ::close(fd);
    return out;
}

inline figures raw_receive(const server& from, const shape& s) {
    std::size_t count = 0;
    const std::size_t one = frames(false, s.header(), s.payload, count).size() / count;
    const int fd = from.connect_raw();
    std::vector<char> buffer(block);
    const meter m;
    send_all(fd, "SUB bench.subject 1\r\n");
    for (std::size_t got = 0; got < s.messages * one;) {
        const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (n <= 0) die("recv");
        got += static_cast<std::size_t>(n);
    }
    figures out = m.cpu_and_rate(s.messages);
    ::close(fd);
    return out;
}

/// How long the frame at the front is, with its payload; 0: not all of it is there.
inline std::size_t frame_size(std::string_view in) {
    const std::size_t end = in.find('\n');
    if (end == std::string_view::npos) return 0;
    std::size_t digit = end - 1; // at the CR
    while (in[digit - 1] != ' ') --digit;
    std::size_t payload = 0;
    std::from_chars(in.data() + digit, in.data() + end - 1, payload);
    const std::size_t all = end + 1 + payload + 2;
    return in.size() < all ? 0 : all;
}

inline figures protocol_receive(const server& from, const shape& s) {
    const int fd = from.connect_raw();
    std::vector<char> buffer(block + s.payload + 256);
    const meter m;
    send_all(fd, "SUB bench.subject 1\r\n");
    std::size_t held = 0;
    for (std::size_t seen = 0; seen < s.messages;) {
        const ssize_t n = ::recv(fd, buffer.data() + held, buffer.size() - held, 0);
        if (n <= 0) die("recv");
        std::string_view in(buffer.data(), held + static_cast<std::size_t>(n));
        while (const std::size_t size = frame_size(in)) {
            in.remove_prefix(size);
            ++seen;
        }
        held = in.size();
        std::memmove(buffer.data(), in.data(), held);
    }
    figures out = m.cpu_and_rate(s.messages);
    ::close(fd);
    return out;
}

} // namespace nats::bench

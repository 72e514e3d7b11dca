// SPDX-License-Identifier: Apache-2.0
//
// The physical limits: sockets that move the same bytes and nothing else, and the same with the
// least that the protocol asks for, as somebody would write it who needs nothing but this message.

#pragma once

#include "harness.hpp"
#include "loopback_server.hpp"
#include "read_frames.hpp"

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

/// A whole PUB or HPUB.
inline char* format_publish(char* p, const shape& s, std::string_view body) {
    const auto put = [&p](std::string_view text) {
        std::memcpy(p, text.data(), text.size());
        p += text.size();
    };
    put(s.headers ? "HPUB bench.subject " : "PUB bench.subject ");
    if (s.headers) {
        p = std::to_chars(p, p + 20, two_headers.size()).ptr;
        *p++ = ' ';
    }
    p = std::to_chars(p, p + 20, s.header().size() + body.size()).ptr;
    put("\r\n");
    put(s.header());
    put(body);
    put("\r\n");
    return p;
}

inline figures protocol_publish(const server& to, const shape& s) {
    const std::string body(s.payload, 'x');
    std::vector<char> buffer(block + s.payload + 256);
    const int fd = to.connect_raw();
    const meter m;
    char* p = buffer.data();
    for (std::size_t i = 0; i < s.messages; ++i) {
        p = format_publish(p, s, body);
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

inline figures protocol_receive(const server& from, const shape& s) {
    const int fd = from.connect_raw();
    const meter m;
    send_all(fd, "SUB bench.subject 1\r\n");
    std::size_t seen = 0;
    read_frames(fd, [&](std::string_view) { return ++seen < s.messages; }, s.payload + 256);
    figures out = m.cpu_and_rate(s.messages);
    ::close(fd);
    return out;
}

} // namespace nats::bench

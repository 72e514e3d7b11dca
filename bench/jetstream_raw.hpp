// SPDX-License-Identifier: Apache-2.0
//
// The limits of JetStream: raw sockets that ask the same server for the same things. Answers of
// publishes are counted by their lines; what is pulled is parsed as far as it has to be, since
// subjects to acknowledge at differ in length.

#pragma once

#include "harness.hpp"
#include "limits.hpp"
#include "loopback_server.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

namespace nats::bench {

/// A raw connection with a subscription to `_INBOX.raw`.
class raw_asker {
public:
    explicit raw_asker(std::uint16_t port) : fd_(connect_raw_to(port)) {
        send_all(fd_, "SUB _INBOX.raw 1\r\n");
        wait_for_pong(fd_);
    }
    raw_asker(const raw_asker&) = delete;
    raw_asker& operator=(const raw_asker&) = delete;
    ~raw_asker() { ::close(fd_); }

    [[nodiscard]] int fd() const noexcept { return fd_; }
    void send(std::string_view bytes) const { send_all(fd_, bytes); }
    /// One request; its answer ends with `end`.
    const std::string& ask(std::string_view request, std::string_view end) {
        send(request);
        in_.clear();
        read_until(fd_, in_, end);
        if (!in_.ends_with(end)) die("another answer");
        return in_;
    }
    /// What there is, at least a byte, behind `held` bytes of `buffer`: all of it.
    std::string_view receive(std::vector<char>& buffer, std::size_t held = 0) const {
        const ssize_t n = ::recv(fd_, buffer.data() + held, buffer.size() - held, 0);
        if (n <= 0) die("recv");
        return {buffer.data(), held + static_cast<std::size_t>(n)};
    }

private:
    int fd_;
    std::string in_;
};

/// A publish that asks for an acknowledgement.
[[nodiscard]] inline std::string raw_request(std::string_view subject, std::string_view body) {
    std::string out = "PUB ";
    out += subject;
    out += " _INBOX.raw " + std::to_string(body.size()) + "\r\n";
    out += body;
    out += "\r\n";
    return out;
}

inline figures raw_one_by_one(std::uint16_t port, std::string_view subject, std::string_view body,
                              std::size_t messages) {
    raw_asker to(port);
    const std::string request = raw_request(subject, body);
    const meter m;
    for (std::size_t i = 0; i < messages; ++i) (void)to.ask(request, "}\r\n");
    return m.cpu_and_clock(messages);
}

/// At most `window` have no answer yet. An answer has two lines.
inline figures raw_windowed(std::uint16_t port, std::string_view subject, std::string_view body,
                            std::size_t messages, std::size_t window) {
    const raw_asker to(port);
    const std::string one = raw_request(subject, body);
    const std::size_t in_block = std::min(window, block / one.size());
    std::string bytes;
    for (std::size_t i = 0; i < in_block; ++i) bytes += one;
    std::vector<char> buffer(block);
    std::size_t sent = 0;
    std::size_t lines = 0;
    const meter m;
    while (lines < 2 * messages) {
        const std::size_t n = std::min(in_block, messages - sent);
        if (n != 0 && sent + n - lines / 2 <= window) {
            to.send(std::string_view(bytes).substr(0, n * one.size()));
            sent += n;
            continue;
        }
        const std::string_view in = to.receive(buffer);
        lines += static_cast<std::size_t>(std::count(in.begin(), in.end(), '\n'));
    }
    return m.cpu_and_rate(messages);
}

/// How messages are pulled: at most `most` are on their way, and more are asked for when that many
/// fewer than `most` are.
struct raw_pull {
    std::string_view stream;
    std::string_view consumer;
    std::size_t most;
    std::size_t more;
    bool acknowledged;
};

/// Acknowledges the message at the front, `MSG subject sid reply size`, if it is one.
inline void append_ack(std::string& out, std::string_view frame) {
    const std::string_view line = frame.substr(0, frame.find('\r'));
    const std::size_t last = line.rfind(' ');
    const std::size_t before = line.rfind(' ', last - 1);
    out += "PUB ";
    out += line.substr(before + 1, last - before - 1);
    out += " 4\r\n+ACK\r\n";
}

inline figures raw_pulled(std::uint16_t port, const raw_pull& how, std::size_t messages) {
    const raw_asker to(port);
    const std::string next =
        "$JS.API.CONSUMER.MSG.NEXT." + std::string(how.stream) + '.' + std::string(how.consumer);
    std::vector<char> buffer(block);
    std::string out;
    std::size_t asked = 0;
    std::size_t told = 0; // of these
    std::size_t seen = 0;
    std::size_t held = 0;
    const meter m;
    while (seen < messages) {
        while (asked < messages && asked - seen + how.more <= how.most) {
            const std::size_t n = std::min(asked == 0 ? how.most : how.more, messages - asked);
            out += raw_request(next, "{\"batch\":" + std::to_string(n) + '}');
            asked += n;
        }
        if (asked != told || out.size() >= block) { // acknowledgements go with the next request
            to.send(out);
            out.clear();
            told = asked;
        }
        held = to.receive(buffer, held).size();
        take_frames(buffer, held, [&](std::string_view frame) {
            if (!frame.starts_with("MSG ")) die("no message");
            if (how.acknowledged) append_ack(out, frame);
            ++seen;
            return true;
        });
    }
    to.send(out);
    wait_for_pong(to.fd());
    return m.cpu_and_rate(messages);
}

} // namespace nats::bench

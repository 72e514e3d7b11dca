// SPDX-License-Identifier: Apache-2.0
//
// A connected session with a runtime, fed by hand, and one whose server acknowledges publishes into
// a stream: for what is counted, since nothing here costs more than a copy of the bytes.

#pragma once

#include <natsproto/random.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/session.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace nats::test {

struct fed_session {
    fed_session() {
        if (!s.start(now)) throw std::logic_error("a session that does not start");
        (void)s.poll_action();
        s.handle_connected(attempt_id{1}, now);
        feed(R"(INFO {"proto":1,"headers":true,"max_payload":1048576} )"
             "\r\n");
        feed("PONG\r\n");
        if (s.status() != session_status::connected) throw std::logic_error("not connected");
        write([](std::string_view) {});
    }
    /// Its events are still to be taken.
    void receive(std::string_view bytes) {
        while (!bytes.empty()) {
            const std::span<char> space = s.prepare();
            const std::size_t n = std::min(space.size(), bytes.size());
            std::memcpy(space.data(), bytes.data(), n);
            s.commit(n, now);
            bytes.remove_prefix(n);
        }
    }
    void feed(std::string_view bytes) {
        receive(bytes);
        event e;
        while (s.next(e)) rt.dispatch(e);
        rt.settle();
    }
    /// Takes all of the output, as a socket would, and shows its pieces.
    template <class Look>
    void write(Look look) {
        std::array<const_buffer, 8> pieces;
        std::size_t n = 0;
        while ((n = s.poll_transmit(pieces)) != 0) {
            std::size_t bytes = 0;
            for (std::size_t i = 0; i < n; ++i) {
                look(std::string_view(pieces[i].data, pieces[i].size));
                bytes += pieces[i].size;
            }
            rt.transmitted(bytes);
        }
    }

    time_point now{std::chrono::hours(1)};
    seeded_random random{1};
    session s{options{}, {&random, nullptr, nullptr}};
    runtime rt{s, random};
};

/// Its server acknowledges the newest publish to "s".
struct acknowledging : fed_session {
    explicit acknowledging(std::string_view stream) : ack(R"({"stream":")") {
        ack.append(stream).append(R"(","seq":12345})");
    }
    /// Notes where answers to the newest publish go.
    void take_output() {
        write([this](std::string_view sent) { note_reply(sent); });
    }
    void note_reply(std::string_view sent) {
        const std::size_t at = sent.find("PUB s ");
        if (at == std::string_view::npos) return;
        sent.remove_prefix(at + 6);
        sent = sent.substr(0, sent.find(' '));
        reply_size = sent.copy(reply.data(), reply.size());
    }
    void acknowledge(std::string_view sid) {
        std::array<char, 256> line{};
        char* end = std::copy_n("MSG ", 4, line.data());
        end = std::copy_n(reply.data(), reply_size, end);
        *end++ = ' ';
        end = std::copy_n(sid.data(), sid.size(), end);
        *end++ = ' ';
        end = std::to_chars(end, line.data() + line.size(), ack.size()).ptr;
        for (const std::string_view part :
             {std::string_view("\r\n"), std::string_view(ack), std::string_view("\r\n")})
            end = std::copy_n(part.data(), part.size(), end);
        feed({line.data(), static_cast<std::size_t>(end - line.data())});
    }

    std::string ack;
    std::array<char, 64> reply{};
    std::size_t reply_size = 0;
};

} // namespace nats::test

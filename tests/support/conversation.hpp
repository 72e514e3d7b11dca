// SPDX-License-Identifier: Apache-2.0
//
// Raw conversations with a broker in virtual time: text in, text out. `|` stands for CR LF.

#pragma once

#include <natsproto/broker/broker.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace nats::test {

inline std::string with_crlf(std::string_view text) {
    std::string out;
    for (const char c : text) c == '|' ? out += "\r\n" : out += c;
    return out;
}
inline std::string without_crlf(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool end = text.substr(i, 2) == "\r\n";
        out += end ? '|' : text[i];
        i += end ? 1 : 0;
    }
    return out;
}

/// A broker, and its time.
class broker_world {
public:
    explicit broker_world(broker_options o = {}, const crypto_provider* crypto = nullptr) {
        result<std::unique_ptr<broker>> made =
            broker::create(std::move(o), environment{&random, crypto, nullptr}, now);
        if (made)
            b = std::move(*made);
        else
            ADD_FAILURE() << made.error().message();
    }
    /// Time goes on; the broker is woken whenever it wants to be.
    void wait(duration d) {
        const time_point end = now + d;
        for (int woken = 0;; ++woken) {
            const std::optional<time_point> next = b->poll_timeout();
            if (!next || *next > end) break;
            if (woken == 1'000'000) {
                ADD_FAILURE() << "the broker does not let time go on";
                break;
            }
            now = std::max(now, *next);
            b->handle_timeout(now);
        }
        now = end;
        b->handle_timeout(now);
    }

    seeded_random random{1};
    time_point now{std::chrono::minutes(10)};
    std::unique_ptr<broker> b;
};

/// A client that speaks by hand.
class talker {
public:
    explicit talker(broker_world& w) : world(w), transport(w.b->connect(w.now)) {}
    /// Connects with the options of usual libraries.
    static talker connected(broker_world& w, std::string_view more = "") {
        talker t(w);
        t.hear();
        t.say(connect_line(more));
        return t;
    }
    static std::string connect_line(std::string_view more = "") {
        return R"(CONNECT {"verbose":false,"pedantic":false,"protocol":1,"headers":true,)"
               R"("no_responders":true)" +
               std::string(more) + "}|";
    }

    /// Sends without listening; false: nothing was taken.
    bool tell(std::string_view text) {
        const std::string bytes = with_crlf(text);
        std::size_t taken = 0;
        return transport.write(bytes, taken, world.now) && taken == bytes.size();
    }
    /// What the broker has for it by now.
    std::string hear(std::size_t most = std::string::npos) {
        std::string all;
        std::array<char, 4096> part{};
        while (all.size() < most) {
            const std::size_t n = transport.read(
                std::span(part).first(std::min(part.size(), most - all.size())), world.now);
            if (n == 0) break;
            all.append(part.data(), n);
        }
        return without_crlf(all);
    }
    std::string say(std::string_view text) {
        EXPECT_TRUE(tell(text)) << text;
        return hear();
    }
    [[nodiscard]] bool ended() const { return transport.ended(); }
    [[nodiscard]] client_id id() const { return transport.id(); }
    [[nodiscard]] client_status status() const {
        for (const client_status& s : world.b->clients()) {
            if (s.id == id()) return s;
        }
        return {};
    }

    broker_world& world;
    memory_transport transport;
};

} // namespace nats::test

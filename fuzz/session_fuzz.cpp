// SPDX-License-Identifier: Apache-2.0
// Invariant: whatever the peer, the driver, the user and the clock do, each connection is sent
// whole well-formed commands, events come in their order with nothing behind closed, what is kept
// is bounded, no transport is opened while another one is there, and a deadline that was dealt with
// is over.

#include <natsproto/session.hpp>

#include <natsproto/headers.hpp>
#include <natsproto/random.hpp>
#include <natsproto/runtime.hpp>

#include "support/fuzz_input.hpp"
#include "support/transcript.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace nats;
using test::require;

constexpr std::array<std::string_view, 16> phrases = {
    test::info_line,
    "INFO {\"server_id\":\"T\",\"max_payload\":40,\"connect_urls\":[\"10.0.0.1:1\",\"b:2\"]}\r\n",
    "INFO {\"server_id\":\"T\",\"headers\":true,\"proto\":1,\"ldm\":true}\r\n",
    "INFO {\"tls_required\":true}\r\n",
    "INFO {}\r\n",
    "PONG\r\n",
    "PONG\r\nPONG\r\nPONG\r\n",
    "PING\r\n",
    "+OK\r\n",
    "-ERR 'Stale Connection'\r\n",
    "-ERR 'Authorization Violation'\r\n",
    "-ERR 'Permissions Violation for Subscription to \"a\"'\r\n",
    "MSG a 1 5\r\nhello\r\n",
    "HMSG a 2 r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
    "MSG a 1048577 5\r\nhello\r\n",
    "MSG a 1 5\r\nhel",
};

/// Drives one session by the input.
class script {
public:
    explicit script(std::string_view input)
        : in_(input),
          session_(choose_options(), environment{&random_, nullptr, nullptr}),
          runtime_(session_, random_) {
        runtime_.advance(now_);
    }

    void run() {
        for (int steps = 0; !in_.empty() && steps < 2000; ++steps) {
            step();
            drain();
        }
        session_.close(now_);
        drain();
        require(session_.status() == session_status::closed && closed_ == 1, "one end");
        require(!session_.poll_timeout(), "no deadline behind the end");
        end_transport();
    }

private:
    static constexpr std::int64_t buffer = 400;

    options choose_options() {
        const std::uint8_t a = in_.byte();
        const std::uint8_t b = in_.byte();
        options o;
        o.servers = (a & 1U) != 0 ? "nats://a:1" : "nats://a:1,nats://b:2,nats://c:3";
        o.randomize = (a & 2U) != 0;
        o.retry_on_failed_connect = (a & 4U) != 0;
        o.keep_unsent = keep_unsent_ = (a & 8U) != 0;
        o.reconnect = (a & 16U) == 0;
        o.leave_lame_duck = (a & 32U) != 0;
        o.ignore_auth_error_abort = (a & 64U) != 0;
        o.no_echo = (a & 128U) != 0;
        o.reconnect_buffer = (b & 1U) != 0 ? 0 : buffer;
        o.max_reconnects = (b & 2U) != 0 ? 2 : -1;
        o.reconnect_wait = std::chrono::milliseconds((b & 4U) != 0 ? 0 : 20);
        o.reconnect_wait_max = std::chrono::milliseconds((b & 8U) != 0 ? 100 : 0);
        o.ping_interval = std::chrono::milliseconds(50);
        o.connect_timeout = std::chrono::milliseconds(40);
        o.write_timeout = std::chrono::milliseconds(60);
        o.drain_timeout = std::chrono::milliseconds(200);
        o.bounds.max_output_bytes = 3000;
        o.bounds.max_message = 1000;
        o.bounds.max_subscriptions = 20;
        o.bounds.max_pings = 5;
        return o;
    }

    void step() {
        switch (in_.byte() % 18) {
        case 0: feed(in_.text()); break;
        case 1:
        case 2: feed(phrases[in_.byte() % phrases.size()]); break;
        case 3: (void)session_.start(now_); break;
        case 4: session_.handle_connected(some_attempt(), now_); break;
        case 5: session_.handle_connect_failed(some_attempt(), errc::connect_failed, now_); break;
        case 6: session_.handle_eof(some_attempt(), now_); break;
        case 7:
            session_.handle_io_error(some_attempt(),
                                     std::make_error_code(std::errc::connection_reset), now_);
            break;
        case 8: let_go(); break;
        case 9: pass_time(); break;
        case 10: publish(); break;
        case 11: (void)session_.subscribe(in_.text(), {}, nullptr); break;
        case 12: unsubscribe(); break;
        case 13: (void)session_.ping(now_); break;
        case 14: transmit(in_.byte()); break;
        case 15: session_.handle_write_blocked(now_); break;
        case 16: (void)session_.force_reconnect(now_); break;
        default: rare();
        }
    }

    void rare() {
        switch (in_.byte() % 16) {
        case 0: session_.close(now_); break;
        case 1: (void)session_.drain(now_); break;
        case 2: (void)session_.drain(now_, drain_mode::stepwise); break;
        case 3: session_.finish_drain(now_); break;
        case 4: (void)session_.set_servers(in_.text()); break;
        case 5: (void)session_.drain(sub_id{in_.byte()}, now_); break;
        default: // what a connection needs, so that inputs get far
            session_.handle_connected(attempt_, now_);
            feed(phrases[0]);
            drain();
            feed("PONG\r\n");
        }
    }

    /// Mostly the one that is going on.
    attempt_id some_attempt() {
        const std::uint8_t which = in_.byte();
        return which < 200 ? attempt_ : attempt_id{which - 199U};
    }

    void feed(std::string_view bytes) {
        while (!bytes.empty()) {
            const std::span<char> space = session_.prepare();
            require(!space.empty(), "space to read into");
            const std::size_t n = std::min(space.size(), bytes.size());
            std::memcpy(space.data(), bytes.data(), n);
            session_.commit(n, now_);
            bytes.remove_prefix(n);
            drain();
        }
    }

    void pass_time() {
        now_ += std::chrono::milliseconds(in_.byte());
        runtime_.advance(now_);
        runtime_.handle_timeout(now_);
        drain();
        const auto next = runtime_.poll_timeout();
        require(!next || *next > now_, "the deadline has moved");
    }

    void publish() {
        const std::uint8_t flags = in_.byte();
        const std::string_view subject = in_.text();
        headers h;
        if ((flags & 1U) != 0) (void)h.add("Name", in_.text());
        lent_.emplace_back(in_.text());
        if ((flags & 2U) != 0) lent_.back().append(300, 'x');
        const std::size_t kept = session_.kept();
        const std::size_t waiting = session_.untransmitted();
        const result<void> ok = (flags & 4U) != 0
                                    ? session_.publish_borrowed(subject, lent_.back(), {}, h)
                                    : session_.publish(subject, lent_.back(), {}, h);
        require(ok || (session_.kept() == kept && session_.untransmitted() == waiting),
                "a refusal changes nothing");
    }

    void unsubscribe() {
        const std::uint8_t flags = in_.byte();
        const sub_id id{1 + in_.byte() % 4U};
        (void)session_.unsubscribe(
            id, (flags & 1U) != 0 ? std::optional<std::uint64_t>(flags) : std::nullopt);
    }

    void transmit(std::size_t most) {
        std::array<const_buffer, 3> pieces{};
        while (most != 0) {
            const std::size_t n = session_.poll_transmit(pieces);
            require(n == 0 || open_, "bytes without a transport");
            if (n == 0) return;
            std::size_t taken = 0;
            for (std::size_t i = 0; i < n && taken != most; ++i) {
                const std::size_t part = std::min(pieces[i].size, most - taken);
                sent_.append(pieces[i].data, part);
                taken += part;
            }
            runtime_.transmitted(taken);
            most -= taken;
        }
    }

    void let_go() {
        if (!closing_) return;
        end_transport();
        open_ = closing_ = false;
        session_.handle_closed(attempt_, now_);
    }

    /// What a transport was sent may end anywhere, but up to there it is the protocol.
    void end_transport() {
        const test::parsed p = test::parse(wire::sender::client, {sent_}, {});
        require(!p.failed, "what was sent is well formed");
        sent_.clear();
    }

    void drain() {
        event e;
        while (session_.next(e)) {
            see(e);
            runtime_.dispatch(e);
        }
        if (failed_ == attempt_ && !closing_) open_ = false; // it has nothing to close
        while (const auto a = session_.poll_action()) {
            if (const auto* c = std::get_if<action::connect>(&*a)) {
                require(!open_, "one transport at a time");
                require(c->id > attempt_, "fresh numbers");
                attempt_ = c->id;
                open_ = true;
            } else if (const auto* end = std::get_if<action::close>(&*a)) {
                require(open_ && !closing_ && end->id == attempt_, "a close of what is open");
                closing_ = true;
            }
        }
        require(session_.kept() <= buffer + (keep_unsent_ ? 12'000U : 0U), "bounded");
    }

    void see(const event& e) {
        require(closed_ == 0, "nothing follows the end");
        if (std::holds_alternative<ev::connected>(e) ||
            std::holds_alternative<ev::reconnected>(e)) {
            require(!up_, "connected twice");
            require(std::holds_alternative<ev::connected>(e) != ever_up_, "which of the two");
            up_ = ever_up_ = true;
        } else if (std::holds_alternative<ev::disconnected>(e)) {
            require(up_, "disconnected without a connection");
            up_ = false;
        } else if (std::holds_alternative<ev::connect_failed>(e)) {
            require(!up_, "an attempt while it is connected");
            if (*std::get<ev::connect_failed>(e).why == errc::connect_failed) failed_ = attempt_;
        } else if (std::holds_alternative<ev::message>(e)) {
            require(up_, "a message without a connection");
        } else if (std::holds_alternative<ev::closed>(e)) {
            ++closed_;
        }
    }

    test::fuzz_input in_;
    bool keep_unsent_ = false;
    seeded_random random_{1};
    time_point now_{std::chrono::hours(1)};
    session session_;
    runtime runtime_;
    attempt_id attempt_{};
    attempt_id failed_{};
    bool open_ = false;
    bool closing_ = false;
    bool up_ = false;
    bool ever_up_ = false;
    int closed_ = 0;
    std::string sent_;
    std::deque<std::string> lent_; ///< to the end: some of it may be kept
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { // NOLINT
    script(std::string_view(reinterpret_cast<const char*>(data), size)).run();
    return 0;
}

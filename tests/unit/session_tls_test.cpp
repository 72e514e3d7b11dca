// SPDX-License-Identifier: Apache-2.0
//
// Proves where TLS begins in a session, and what must not happen before: each mode, against an
// OpenSSL server without a network. What the link itself can do is proven in tls_link_test.cpp.

#include <natsproto/openssl/provider.hpp>
#include <natsproto/session.hpp>

#include "support/certificates.hpp"
#include "support/session_steps.hpp"
#include "support/tls_server.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nats::test {
namespace {

using namespace std::chrono_literals;

const certificate_authority& authority() {
    static const certificate_authority ca;
    return ca;
}

const identity& server_identity() {
    static const identity id = authority().server("nats.test");
    return id;
}

class memory_files : public file_reader {
public:
    result<void> read(std::string_view path, std::size_t /*max*/, secret& content,
                      bool& others_can_read) override {
        ++reads;
        const auto found = content_of.find(path);
        if (found == content_of.end()) return error{errc::file_unreadable, std::string(path)};
        content.assign(found->second);
        others_can_read = exposed;
        return {};
    }
    std::map<std::string, std::string, std::less<>> content_of;
    bool exposed = false;
    int reads = 0;
};

/// A session and one server at a time, whose TLS begins when the test says so.
class tls_world {
public:
    explicit tls_world(options o, bool with_provider = true) {
        o.randomize = false;
        if (o.tls.ca.empty() && o.tls.ca_file.empty()) o.tls.ca = authority().root();
        s.emplace(o, environment{&random, with_provider ? &provider : nullptr, &files});
        const result<void> started = s->start(now);
        if (!started) ADD_FAILURE() << started.error().message();
        run();
    }

    /// The transport is there; what was said on the one before is forgotten.
    void accept() {
        server.reset();
        plain.clear();
        wire.clear();
        s->handle_connected(attempt, now);
        run();
    }
    void begin_tls(const tls_server_options& o = {.self = server_identity()}) {
        server.emplace(o);
        server->receive(wire); // the ClientHello that was written already
    }
    /// In plain text.
    void send_wire(std::string_view bytes) {
        while (!bytes.empty()) {
            const std::span<char> space = s->prepare();
            const std::size_t n = std::min(space.size(), bytes.size());
            std::memcpy(space.data(), bytes.data(), n);
            s->commit(n, now);
            bytes.remove_prefix(n);
            run();
        }
    }
    /// Inside of TLS.
    void send(std::string_view text) {
        server->send(text);
        exchange();
    }
    /// Until nothing moves.
    void exchange() {
        while (true) {
            run();
            if (!server) return;
            const std::string out = server->take_output();
            if (out.empty()) return;
            send_wire(out);
        }
    }
    void eof() {
        s->handle_eof(attempt, now);
        run();
    }
    void wait(duration d) {
        now += d;
        s->handle_timeout(now);
        run();
    }
    /// To an open connection, with TLS after INFO.
    void connect(std::string_view info = R"(INFO {"proto":1,"headers":true,"tls_required":true})"
                                         "\r\n") {
        accept();
        send_wire(info);
        begin_tls();
        exchange();
        ASSERT_NE(plain.find("PING\r\n"), std::string::npos) << log();
        send("PONG\r\n");
        ASSERT_TRUE(s->is_up()) << log();
    }
    [[nodiscard]] std::string log() const {
        std::string out;
        for (const std::string& e : events) out += e + '\n';
        return out;
    }
    [[nodiscard]] bool happened(std::string_view start) const {
        for (const std::string& e : events) {
            if (e.starts_with(start)) return true;
        }
        return false;
    }
    /// Takes at most so many wire bytes; the rest waits.
    std::size_t room = SIZE_MAX;

    openssl::provider provider;
    memory_files files;
    seeded_random random{1};
    std::optional<session> s;
    time_point now = start_of_time;
    attempt_id attempt{};
    std::optional<tls_server> server;
    std::string wire;  ///< what the client wrote in all
    std::string plain; ///< what it said inside of TLS
    std::vector<std::string> events;
    std::vector<std::string> actions;

private:
    void run() {
        for (bool again = true; again;) {
            again = false;
            event e;
            while (s->next(e)) events.push_back(line_of(e));
            while (const auto a = s->poll_action()) {
                again = true;
                if (const auto* c = std::get_if<action::connect>(&*a)) {
                    attempt = c->id;
                    actions.push_back("connect " + c->to->text());
                } else if (const auto* t = std::get_if<action::start_tls>(&*a)) {
                    actions.push_back("start_tls " + std::string(t->server_name));
                } else {
                    transmit();
                    actions.emplace_back("close");
                    s->handle_closed(attempt, now);
                }
            }
            transmit();
        }
    }
    void transmit() {
        const_buffer piece[1];
        while (room != 0 && s->poll_transmit(piece) != 0) {
            const std::size_t n = std::min(room, piece[0].size);
            const std::string bytes(piece[0].data, n);
            s->transmitted(n);
            if (room != SIZE_MAX) room -= n;
            wire += bytes;
            if (!server) continue;
            server->receive(bytes);
            plain += server->take_plain();
        }
    }
};

constexpr std::string_view info_required = R"(INFO {"proto":1,"headers":true,"tls_required":true})"
                                           "\r\n";
constexpr std::string_view info_plain = "INFO {\"proto\":1,\"headers\":true}\r\n";
constexpr std::string_view info_available =
    R"(INFO {"proto":1,"headers":true,"tls_available":true})"
    "\r\n";

options to(std::string_view servers, tls_options tls = {}) {
    options o;
    o.servers = servers;
    o.password = "s3cret";
    o.user = "ann";
    o.reconnect = false;
    o.tls = tls;
    return o;
}

TEST(session_tls, a_server_that_requires_it_gets_it_unasked) {
    tls_world w(to("nats.test"));
    w.accept();
    w.send_wire(info_required);
    EXPECT_FALSE(w.wire.empty()) << "a ClientHello";
    EXPECT_EQ(w.wire.find("CONNECT"), std::string::npos);
    w.begin_tls();
    w.exchange();
    EXPECT_TRUE(w.plain.starts_with("CONNECT {")) << w.plain;
    EXPECT_NE(w.plain.find(R"("tls_required":true)"), std::string::npos) << w.plain;
    EXPECT_NE(w.plain.find(R"("pass":"s3cret")"), std::string::npos);
    EXPECT_EQ(w.wire.find("s3cret"), std::string::npos);
    EXPECT_FALSE(w.happened("connected"));
    w.send("PONG\r\n");
    EXPECT_TRUE(w.happened("connected nats.test:4222")) << w.log();
    EXPECT_TRUE(w.s->secure());
    EXPECT_EQ(w.server->sni(), "nats.test");
}

TEST(session_tls, wanted_and_not_offered_sends_nothing) {
    for (const options& o : {to("tls://nats.test"), to("nats.test", {.required = true})}) {
        tls_world w(o);
        w.accept();
        w.send_wire(info_plain);
        EXPECT_EQ(w.wire, "");
        EXPECT_EQ(w.s->close_reason(), errc::tls_not_offered);
    }
}

TEST(session_tls, available_is_used_by_who_wants_it) {
    for (const options& o : {to("tls://nats.test"), to("nats.test", {.required = true})}) {
        tls_world w(o);
        w.connect(info_available);
        EXPECT_TRUE(w.s->secure());
    }
    tls_world w(to("nats.test"));
    w.accept();
    w.send_wire(info_available);
    EXPECT_TRUE(w.wire.starts_with("CONNECT {")) << w.wire;
    EXPECT_FALSE(w.s->secure());
}

TEST(session_tls, first_begins_before_info_and_is_not_begun_twice) {
    tls_world w(to("nats.test", {.first = true}));
    w.accept();
    EXPECT_FALSE(w.wire.empty());
    w.begin_tls();
    w.exchange();
    ASSERT_TRUE(w.server->open());
    EXPECT_EQ(w.plain, "") << "INFO comes first";
    w.send(info_required);
    EXPECT_TRUE(w.plain.starts_with("CONNECT {")) << w.plain;
    w.send("PONG\r\n");
    EXPECT_TRUE(w.happened("connected")) << w.log();
}

TEST(session_tls, first_takes_no_info_in_plain_text) {
    tls_world w(to("nats.test", {.first = true}));
    w.accept();
    w.send_wire(info_plain);
    EXPECT_EQ(w.wire.find("CONNECT"), std::string::npos);
    EXPECT_EQ(w.s->close_reason(), errc::tls_protocol) << w.log();
}

TEST(session_tls, plain_bytes_behind_info_end_the_connection) {
    for (const char* const injected : {"P", "PING\r\n", "INFO {}\r\n", "\x16\x03\x03"}) {
        tls_world w(to("nats.test"));
        w.accept();
        w.send_wire(std::string(info_required) + injected);
        EXPECT_EQ(w.s->close_reason(), errc::tls_plaintext) << w.log();
        EXPECT_EQ(w.wire, "");
    }
}

TEST(session_tls, plain_bytes_in_a_read_of_their_own_are_no_tls) {
    tls_world w(to("nats.test"));
    w.accept();
    w.send_wire(info_required);
    w.send_wire("INFO {\"connect_urls\":[\"evil:4222\"]}\r\n");
    EXPECT_EQ(w.s->close_reason(), errc::tls_protocol) << w.log();
    EXPECT_EQ(w.s->servers().size(), 1U);
}

TEST(session_tls, what_is_wrong_with_a_certificate_is_the_reason) {
    const struct {
        identity id;
        errc why;
    } cases[] = {
        {authority().server("other.test"), errc::tls_wrong_name},
        {certificate_authority("stranger").server("nats.test"), errc::tls_unknown_authority},
        {authority().issue({.dns = {"nats.test"}, .first_day = -9, .last_day = -2}),
         errc::tls_certificate_expired},
    };
    for (const auto& c : cases) {
        tls_world w(to("nats.test"));
        w.accept();
        w.send_wire(info_required);
        w.begin_tls({.self = c.id});
        w.exchange();
        EXPECT_EQ(w.s->close_reason(), c.why) << w.log();
        EXPECT_EQ(w.plain, "");
        EXPECT_NE(w.server->problem(), "") << "the server was told, before the transport closed";
    }
}

TEST(session_tls, the_expected_name_replaces_that_of_the_url) {
    tls_world w(to("127.0.0.1", {.expected_name = "nats.test"}));
    w.connect();
    EXPECT_EQ(w.server->sni(), "nats.test");
}

TEST(session_tls, an_end_right_after_the_handshake_says_that_it_was_then) {
    for (const bool reset : {false, true}) {
        tls_world w(to("nats.test"));
        w.accept();
        w.send_wire(info_required);
        w.begin_tls();
        w.exchange();
        ASSERT_TRUE(w.server->open());
        if (reset) {
            w.s->handle_io_error(w.attempt, std::make_error_code(std::errc::connection_reset),
                                 w.now);
        }
        w.eof();
        EXPECT_EQ(w.s->close_reason(), errc::tls_closed) << w.log();
        const std::string& detail = w.s->close_reason().detail();
        EXPECT_NE(detail.find(reset ? "reset" : "closed the connection"), std::string::npos)
            << detail;
    }
}

TEST(session_tls, a_demanded_client_certificate_is_named) {
    tls_world w(to("nats.test"));
    w.accept();
    w.send_wire(info_required);
    w.begin_tls({.self = server_identity(),
                 .clients = client_certificate::required,
                 .client_ca = authority().root(),
                 .versions = tls_range::only_1_3});
    w.exchange();
    EXPECT_EQ(w.s->close_reason(), errc::tls_certificate_required) << w.log();
}

TEST(session_tls, a_later_end_is_that_of_the_stream) {
    tls_world w(to("nats.test"));
    w.connect();
    w.server->close();
    w.exchange();
    EXPECT_EQ(w.s->close_reason(), errc::eof) << w.log();
    tls_world cut(to("nats.test"));
    cut.connect();
    cut.eof();
    EXPECT_TRUE(cut.s->close_reason() == errc::tls_truncated) << cut.log();
}

TEST(session_tls, a_handshake_that_does_not_end_is_timed_out) {
    tls_world w(to("nats.test"));
    w.accept();
    w.send_wire(info_required);
    w.wait(2s);
    EXPECT_EQ(w.s->close_reason(), errc::timeout);
    EXPECT_NE(w.s->close_reason().detail().find("TLS handshake"), std::string::npos);
}

TEST(session_tls, messages_and_publishes_pass_in_any_size) {
    tls_world w(to("nats.test"));
    w.connect();
    ASSERT_TRUE(w.s->subscribe("a"));
    const std::string big(300'000, 'b');
    ASSERT_TRUE(w.s->publish("out", big));
    w.exchange();
    EXPECT_TRUE(w.plain.ends_with("PUB out 300000\r\n" + big + "\r\n"));
    w.send("MSG a 1 300000\r\n" + big + "\r\n");
    EXPECT_EQ(w.s->stats().in_bytes, 300'000U);
    EXPECT_EQ(w.s->untransmitted(), 0U);
}

TEST(session_tls, closing_tells_the_server_inside_of_tls) {
    tls_world w(to("nats.test"));
    w.connect();
    w.s->close(w.now);
    w.exchange();
    EXPECT_TRUE(w.server->client_closed());
    EXPECT_EQ(w.actions.back(), "close");
}

TEST(session_tls, what_was_not_on_the_wire_is_kept_and_whole) {
    options o = to("nats.test");
    o.reconnect = true;
    o.keep_unsent = true;
    o.reconnect_wait = o.reconnect_jitter_tls = 0ms;
    std::size_t resent_before = 100;
    for (const std::size_t room : {0U, 1U, 20'000U, 50'000U, 90'000U, 1'000'000U}) {
        tls_world w(o);
        w.connect();
        w.plain.clear();
        w.room = room;
        for (int i = 0; i < 10; ++i)
            ASSERT_TRUE(w.s->publish("n" + std::to_string(i), std::string(10'000, 'x')));
        w.exchange();
        std::size_t arrived = 0;
        while (w.plain.find("PUB n" + std::to_string(arrived) + " 10000\r\n" +
                            std::string(10'000, 'x') + "\r\n") != std::string::npos)
            ++arrived;
        w.room = SIZE_MAX;
        w.eof();
        w.connect();
        const std::size_t first = w.plain.find("PUB n");
        const std::size_t resent = first == std::string::npos
                                       ? 0
                                       : 10 - static_cast<std::size_t>(w.plain[first + 5] - '0');
        EXPECT_GE(resent + arrived, 10U) << room << ": nothing is lost on this side";
        EXPECT_LE(resent, resent_before) << "more room, less to send again";
        resent_before = resent;
        for (std::size_t i = 10 - resent; i < 10; ++i) {
            EXPECT_NE(w.plain.find("PUB n" + std::to_string(i) + " 10000\r\n" +
                                   std::string(10'000, 'x') + "\r\n"),
                      std::string::npos)
                << room << ": number " << i;
        }
    }
    EXPECT_EQ(resent_before, 0U) << "all of it had been written";
}

// --- another stack

TEST(session_tls, the_driver_can_do_the_handshake) {
    tls_world w(to("nats.test", {.required = true, .hand_over = true}), false);
    w.accept();
    w.send_wire(info_required);
    ASSERT_EQ(w.actions.back(), "start_tls nats.test");
    EXPECT_EQ(w.wire, "");
    EXPECT_FALSE(w.s->secure());
    w.s->handle_tls_started(w.attempt, w.now);
    w.exchange();
    EXPECT_TRUE(w.wire.starts_with("CONNECT {")) << w.wire;
    EXPECT_NE(w.wire.find(R"("tls_required":true)"), std::string::npos);
    w.send_wire("PONG\r\n");
    EXPECT_TRUE(w.s->is_up());
    EXPECT_TRUE(w.s->secure());
}

TEST(session_tls, the_driver_can_do_it_first_and_can_fail) {
    tls_world w(to("nats.test", {.first = true, .hand_over = true}), false);
    w.accept();
    ASSERT_EQ(w.actions.back(), "start_tls nats.test");
    w.s->handle_tls_failed(attempt_id{99}, errc::tls_failed, w.now);
    EXPECT_EQ(w.s->status(), session_status::connecting) << "an id of nothing";
    w.s->handle_tls_failed(w.attempt, {errc::tls_unknown_authority, "mine"}, w.now);
    w.exchange();
    EXPECT_EQ(w.s->close_reason(), errc::tls_unknown_authority);
    EXPECT_EQ(w.actions.back(), "close");
}

TEST(session_tls, plain_bytes_behind_info_are_refused_before_a_hand_over_too) {
    tls_world w(to("nats.test", {.hand_over = true}), false);
    w.accept();
    w.send_wire(std::string(info_required) + "PING\r\n");
    EXPECT_EQ(w.s->close_reason(), errc::tls_plaintext);
}

// --- files

TEST(session_tls, files_are_read_at_each_connect) {
    options o = to("nats.test", {.ca_file = "ca.pem"});
    o.reconnect = true;
    o.reconnect_wait = o.reconnect_jitter_tls = 0ms;
    tls_world w(o);
    w.accept();
    w.send_wire(info_required);
    EXPECT_TRUE(w.happened("connect_failed nats.test:4222: " +
                           std::string(describe(errc::file_unreadable)) + ": ca.pem"))
        << w.log();
    EXPECT_EQ(w.s->close_reason(), errc::file_unreadable) << "the first pass has failed";
    o.retry_on_failed_connect = true;
    o.reconnect_jitter = 0ms;
    tls_world again(o);
    again.accept();
    again.send_wire(info_required);
    again.files.content_of["ca.pem"] = authority().root();
    again.connect();
    const int reads = again.files.reads;
    again.eof();
    again.connect();
    EXPECT_EQ(again.files.reads, reads + 1);
}

TEST(session_tls, a_key_that_others_can_read_is_a_warning) {
    const identity me = authority().client("me");
    options o = to("nats.test", {.certificate_file = "me.crt", .key_file = "me.key"});
    tls_world w(o);
    w.files.content_of = {{"me.crt", me.certificate}, {"me.key", me.key}};
    w.files.exposed = true;
    w.connect();
    EXPECT_TRUE(
        w.happened("warning: " + std::string(describe(errc::credentials_exposed)) + ": me.key"))
        << w.log();
    EXPECT_FALSE(
        w.happened("warning: " + std::string(describe(errc::credentials_exposed)) + ": me.crt"));
}

// --- discovery

TEST(session_tls, of_servers_told_in_plain_text_only_addresses_are_taken) {
    tls_world w(to("nats.test"));
    w.connect(R"(INFO {"proto":1,"tls_required":true,"connect_urls":["evil.test:1","10.0.0.9:2"]})"
              "\r\n");
    EXPECT_TRUE(w.happened("discovered 10.0.0.9:2")) << w.log();
    EXPECT_EQ(w.s->servers().size(), 2U);
    w.send("INFO {\"proto\":1,\"connect_urls\":[\"good.test:1\",\"10.0.0.9:2\"]}\r\n");
    EXPECT_TRUE(w.happened("discovered good.test:1")) << "that came inside of TLS";
}

TEST(session_tls, what_info_says_inside_of_tls_before_the_first_pong_is_trusted) {
    tls_world w(to("nats.test"));
    w.accept();
    w.send_wire(info_required);
    w.begin_tls();
    w.exchange();
    w.send("INFO {\"proto\":1,\"connect_urls\":[\"good.test:1\"]}\r\nPONG\r\n");
    EXPECT_TRUE(w.happened("discovered good.test:1")) << w.log();
}

TEST(session_tls, the_tap_sees_what_is_inside) {
    tls_world w(to("nats.test"));
    std::string seen;
    w.s->set_tap({[](void* context, bool sent, bool reset, std::string_view bytes) {
                      if (!reset)
                          *static_cast<std::string*>(context) +=
                              (sent ? "> " : "< ") + std::string(bytes);
                  },
                  &seen});
    w.connect();
    EXPECT_TRUE(seen.starts_with("< INFO {")) << seen;
    EXPECT_NE(seen.find("> CONNECT {"), std::string::npos) << seen;
    EXPECT_NE(seen.find("< PONG\r\n"), std::string::npos) << seen;
}

} // namespace
} // namespace nats::test

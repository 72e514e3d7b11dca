// SPDX-License-Identifier: Apache-2.0
//
// Proves what the client says to a server before it is connected, and what it makes of servers that
// are old, chatty or changing, with a scripted server that looks at every byte.

#include "integration/raw_server.hpp"
#include "integration/server_test.hpp"

#include <string>
#include <utility>
#include <vector>

namespace nats::test {
namespace {

/// What the client sent as CONNECT, when the server introduced itself by `info`.
std::string connect_line(options o, const std::string& info = info_line()) {
    std::string line;
    raw_server server([&](raw_peer& peer) {
        line = peer.shake_hands(info);
        peer.wait_for_close();
    });
    const std::string url = server.url();
    o.servers = url;
    EXPECT_TRUE(client::connect(o));
    EXPECT_EQ(server.outcome(), "");
    return line;
}

testing::AssertionResult has(const std::string& text, std::string_view part) {
    if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
    return testing::AssertionFailure() << part << " is not in " << text;
}

TEST(handshake, connect_says_what_the_server_would_assume_otherwise) {
    const std::string line = connect_line({});
    EXPECT_TRUE(line.starts_with("CONNECT {"));
    for (const std::string_view member :
         {R"("verbose":false)", R"("pedantic":false)", R"("echo":true)", R"("headers":true)",
          R"("no_responders":true)", R"("protocol":1)", R"("tls_required":false)", R"("lang":")",
          R"("version":")"}) {
        EXPECT_TRUE(has(line, member));
    }
    for (const std::string_view member : {"\"name\"", "\"user\"", "\"pass\"", "\"auth_token\""})
        EXPECT_FALSE(has(line, member));
}

TEST(handshake, connect_carries_the_options) {
    const std::string line = connect_line({.name = "na\"me\n",
                                           .user = "\xC3\xA4nn",
                                           .password = "back\\slash",
                                           .verbose = true,
                                           .pedantic = true,
                                           .no_echo = true});
    for (const std::string_view member :
         {R"("name":"na\"me\n")", "\"user\":\"\xC3\xA4nn\"", R"("pass":"back\\slash")",
          R"("verbose":true)", R"("pedantic":true)", R"("echo":false)"}) {
        EXPECT_TRUE(has(line, member));
    }
    EXPECT_TRUE(has(connect_line({.token = "tok"}), R"("auth_token":"tok")"));
}

TEST(handshake, a_server_without_headers_gets_none) {
    const std::string old = "INFO {\"server_id\":\"OLD\",\"version\":\"2.1.0\",\"proto\":1}\r\n";
    const std::string line = connect_line({}, old);
    EXPECT_TRUE(has(line, R"("headers":false)"));
    EXPECT_TRUE(has(line, R"("no_responders":false)"));

    std::string published;
    raw_server server([&](raw_peer& peer) {
        peer.shake_hands(old);
        published = peer.read_to_end();
    });
    client nc = client::connect(server.url()).value();
    headers h;
    ASSERT_TRUE(h.set("A", "b"));
    EXPECT_EQ(code_of(nc.publish("x", "y", {.reply = {}, .headers = h})),
              errc::headers_not_supported);
    const std::string large(3'000'000, 'l'); // INFO named no max_payload
    EXPECT_TRUE(nc.publish("x", large));
    nc.close();
    EXPECT_EQ(server.outcome(), "");
    EXPECT_EQ(published.size(), large.size() + std::string("PUB x 3000000\r\n\r\n").size());
}

TEST(handshake, no_echo_needs_a_server_that_can) {
    const raw_server server([](raw_peer& peer) {
        peer.send("INFO {\"server_id\":\"OLD\",\"proto\":0}\r\n");
        peer.wait_for_close();
    });
    const std::string url = server.url();
    EXPECT_EQ(code_of(client::connect({.servers = url, .no_echo = true})),
              errc::no_echo_not_supported);
}

TEST(handshake, a_server_that_demands_tls_gets_no_secret) {
    std::string got;
    raw_server server([&](raw_peer& peer) {
        peer.send(info_line(R"(,"tls_required":true)"));
        got = peer.read_to_end();
    });
    const std::string url = server.url();
    const result<client> nc = client::connect(
        {.servers = url, .user = "joe", .password = "secret", .connect_timeout = 200ms});
    EXPECT_EQ(code_of(nc), errc::timeout); // in the middle of the TLS handshake
    EXPECT_TRUE(has(nc.error().detail(), server.address()));
    EXPECT_EQ(server.outcome(), "");
    EXPECT_TRUE(got.starts_with('\x16')) << got; // TLS, and nothing in front of it
    EXPECT_FALSE(has(got, "joe"));
    EXPECT_FALSE(has(got, "secret"));
}

TEST(handshake, survives_everything_that_is_allowed_before_the_pong) {
    raw_server server([](raw_peer& peer) {
        peer.send(info_line() + "PING\r\n" + info_line(R"(,"server_name":"second")"));
        (void)peer.read_line();
        if (peer.read_line() != "PING") throw std::runtime_error("no PING");
        peer.send("+OK\r\nPI");
        peer.send("NG\r\n-ERR 'some notice'\r\npong\r\n");
        for (int i = 0; i < 2; ++i) {
            if (peer.read_line() != "PONG") throw std::runtime_error("no PONG");
        }
        peer.wait_for_close();
    });
    client nc = client::connect(server.url()).value();
    EXPECT_EQ(nc.info().server_name, "second");
    (void)nc.poll();
    nc.close();
    EXPECT_EQ(server.outcome(), "");
}

TEST(handshake, a_later_info_replaces_the_first) {
    raw_server server([](raw_peer& peer) {
        peer.shake_hands();
        peer.send("INFO {\"server_id\":\"RAW\",\"max_payload\":10,\"headers\":true}\r\n");
        peer.send("INFO not json\r\n"); // ignored: the one before stays
        (void)peer.read_line();
        peer.send("PONG\r\n");
        peer.wait_for_close();
    });
    client nc = client::connect(server.url()).value();
    ASSERT_TRUE(nc.flush(long_enough));
    EXPECT_EQ(nc.info().max_payload, 10);
    EXPECT_EQ(nc.info().version, "");
    EXPECT_TRUE(nc.publish("x", "0123456789"));
    EXPECT_EQ(code_of(nc.publish("x", "0123456789a")), errc::payload_too_large);
}

TEST(handshake, an_error_in_place_of_the_pong_is_the_reason) {
    const auto reason = [](std::string_view sent, bool before_info) {
        raw_server server([&](raw_peer& peer) {
            if (!before_info) {
                peer.send(info_line());
                (void)peer.read_line();
            }
            peer.send(sent);
        });
        return client::connect(server.url()).error();
    };
    EXPECT_EQ(reason("-ERR 'Authorization Violation'\r\n", false), errc::authorization_violation);
    EXPECT_EQ(reason("-ERR 'Authentication Timeout'\r\n", false), errc::authentication_timeout);
    EXPECT_EQ(reason("-ERR 'User Authentication Expired'\r\n", false),
              errc::authentication_expired);
    EXPECT_EQ(reason("-ERR 'maximum account active connections exceeded'\r\n", false),
              errc::max_connections_exceeded);
    EXPECT_EQ(reason("-ERR 'Unknown Protocol Operation'\r\n", false), errc::server_protocol_error);
    EXPECT_EQ(reason("-ERR 'Connection throttling is active. Please try again later.'\r\n", true),
              errc::connection_throttled);
    const error other = reason("-ERR 'never heard of'\r\n", false);
    EXPECT_EQ(other, errc::eof); // unknown ones do not end it; the close does
}

TEST(handshake, errors_of_a_running_connection_are_the_reason_of_its_end) {
    for (const auto& [text, code] :
         {std::pair("Stale Connection", errc::stale_connection),
          std::pair("Maximum Payload Violation", errc::server_max_payload),
          std::pair("User Authentication Revoked", errc::authentication_revoked)}) {
        for (const bool by_reset : {false, true}) {
            raw_server server([&, t = text](raw_peer& peer) {
                peer.shake_hands();
                (void)peer.read_line(); // so that nothing is unread, and the text arrives
                peer.send("-ERR '" + std::string(t) + "'\r\n");
                if (by_reset) (void)peer.read_line();
                if (by_reset) peer.reset();
            });
            client nc = client::connect(server.url()).value();
            if (by_reset) {
                nc.on_event([&nc](const event& e) {
                    if (!std::holds_alternative<ev::server_error>(e)) return;
                    EXPECT_TRUE(nc.publish("goodbye"));
                });
            }
            EXPECT_EQ(code_of(nc.flush(long_enough)), code) << text << by_reset;
            nc.close();
            EXPECT_EQ(server.outcome(), "");
        }
    }
}

TEST(handshake, notices_do_not_end_a_running_connection) {
    raw_server server([](raw_peer& peer) {
        peer.shake_hands();
        peer.send(
            "-ERR 'Invalid Subject'\r\n-ERR 'Invalid Publish Subject'\r\n"
            "-ERR 'never heard of'\r\n-ERR\r\n-err ' \x1b[31m '\r\n");
        (void)peer.read_line();
        peer.send("PONG\r\n");
        peer.wait_for_close();
    });
    client nc = client::connect(server.url()).value();
    std::vector<errc> told;
    nc.on_event([&told](const event& e) {
        if (const auto* s = std::get_if<ev::server_error>(&e)) told.push_back(s->what.code);
    });
    EXPECT_TRUE(nc.flush(long_enough));
    EXPECT_EQ(told,
              (std::vector<errc>{errc::server_invalid_subject, errc::server_invalid_subject,
                                 errc::server_error, errc::server_error, errc::server_error}));
    EXPECT_EQ(nc.status(), session_status::connected);
}

TEST(handshake, a_maximum_is_kept_when_the_server_sends_more) {
    std::string rest;
    raw_server server([&](raw_peer& peer) {
        peer.shake_hands();
        const std::string sub = peer.read_line();
        const std::string sid = sub.substr(sub.rfind(' ') + 1);
        if (peer.read_line() != "UNSUB " + sid + " 2") throw std::runtime_error("no UNSUB");
        for (int i = 0; i < 5; ++i)
            peer.send("MSG m " + sid + " 1\r\n" + std::to_string(i) + "\r\n");
        rest = peer.read_to_end();
    });
    client nc = client::connect(server.url()).value();
    {
        subscription sub = nc.subscribe("m").value();
        ASSERT_TRUE(sub.unsubscribe(2));
        EXPECT_EQ(next_payload(sub), "0");
        EXPECT_EQ(next_payload(sub), "1");
        EXPECT_EQ(code_of(sub.next(long_enough)), errc::max_messages_reached);
    }
    nc.close();
    EXPECT_EQ(server.outcome(), "");
    EXPECT_EQ(rest, ""); // the server knows that it has ended: no UNSUB
}

TEST(handshake, a_reply_on_a_rewritten_subject_is_for_the_only_request) {
    raw_server server([](raw_peer& peer) {
        peer.shake_hands();
        const std::string sub = peer.read_line();
        const std::string sid = sub.substr(sub.rfind(' ') + 1);
        (void)peer.read_line(); // PUB
        peer.send("MSG mapped.elsewhere " + sid + " 2\r\nhi\r\n");
        peer.wait_for_close();
    });
    client nc = client::connect(server.url()).value();
    EXPECT_EQ(nc.request("r", {}, long_enough).value().payload(), "hi");
}

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Proves when TLS is used and when not: required by the server, wanted by the user, offered, first;
// and that what goes through it is what went in.

#include "integration/event_log.hpp"
#include "integration/raw_server.hpp"
#include "integration/tls_fixture.hpp"
#include "support/tls_server.hpp"

#include <string>

namespace nats::test {
namespace {

class tls_modes : public tls_test {};
NATSPROTO_ON_EVERY_SERVER(tls_modes);

TEST_P(tls_modes, required_by_the_server) {
    start_tls();
    client nc = connect(trusting());
    EXPECT_TRUE(nc.secure());
    EXPECT_TRUE(nc.info().tls_required);
    subscription sub = subscribed(nc, "s");
    ASSERT_TRUE(nc.publish("s", "inside"));
    EXPECT_EQ(next_payload(sub), "inside");
    if (is_broker()) return; // it does not keep what follows
    EXPECT_NE(server().monitor("/connz").find("\"tls_version\": \"1."), std::string::npos);
}

TEST_P(tls_modes, wanted_by_url_or_option_and_not_offered) {
    const std::string tls_url = "tls://" + start().address();
    EXPECT_EQ(code_of(client::connect(tls_url)), errc::tls_not_offered);
    options o;
    o.tls.required = true;
    const result<client> nc = attempt(o);
    EXPECT_EQ(code_of(nc), errc::tls_not_offered);
    EXPECT_NE(nc.error().detail().find(server().address()), std::string::npos);
}

TEST(tls_wanted, a_server_without_it_gets_no_byte) {
    std::string got;
    raw_server server([&](raw_peer& peer) {
        peer.send(info_line());
        got = peer.read_to_end();
    });
    const std::string url = "tls://joe:secret@" + server.address();
    EXPECT_EQ(code_of(client::connect(url)), errc::tls_not_offered);
    EXPECT_EQ(server.outcome(), "");
    EXPECT_EQ(got, "");
}

TEST(tls_wanted, what_follows_info_in_plain_text_ends_it) {
    std::string got;
    raw_server server([&](raw_peer& peer) {
        peer.send(info_line(R"(,"tls_required":true)") + "MSG injected 1 2\r\nhi\r\n");
        got = peer.read_to_end();
    });
    EXPECT_EQ(code_of(client::connect(server.url())), errc::tls_plaintext);
    EXPECT_EQ(server.outcome(), "");
    EXPECT_EQ(got, "");
}

TEST_P(tls_modes, wanted_by_url_and_offered) {
    start_tls();
    options o = trusting();
    const std::string url = "tls://" + server().address();
    o.servers = url;
    EXPECT_TRUE(client::connect(o).value().secure());
}

TEST_P(tls_modes, optional_for_clients) {
    start(tls_config(good()) + "allow_non_tls: true");
    client plain = connect();
    EXPECT_FALSE(plain.secure());
    EXPECT_TRUE(plain.info().tls_available);
    options o = trusting();
    o.tls.required = true;
    client inside = connect(o);
    EXPECT_TRUE(inside.secure());
    subscription sub = subscribed(plain, "s");
    ASSERT_TRUE(inside.publish("s", "across"));
    EXPECT_EQ(next_payload(sub), "across");
}

TEST_P(tls_modes, first) {
    if (GetParam() == generation::v2_9) GTEST_SKIP() << "since 2.10.4";
    start_tls("handshake_first: true");
    options o = trusting();
    o.tls.first = true;
    client nc = connect(o);
    EXPECT_TRUE(nc.secure());
    EXPECT_TRUE(nc.info().tls_required); // and yet not done twice
    EXPECT_TRUE(nc.flush());
    o.tls.first = false; // waits for an INFO that does not come
    o.connect_timeout = 200ms;
    EXPECT_EQ(code_of(attempt(o)), errc::timeout);
}

TEST_P(tls_modes, first_or_not_as_the_client_likes) {
    if (GetParam() == generation::v2_9) GTEST_SKIP() << "since 2.10.4";
    if (is_broker()) GTEST_SKIP() << "our broker does not listen for who speaks first";
    start_tls("handshake_first: auto");
    options o = trusting();
    EXPECT_TRUE(connect(o).secure());
    o.tls.first = true;
    EXPECT_TRUE(connect(o).secure());
}

TEST_P(tls_modes, first_with_a_server_that_speaks_first) {
    start_tls();
    options o = trusting();
    o.tls.first = true;
    EXPECT_EQ(code_of(attempt(o)), errc::tls_protocol);
}

TEST_P(tls_modes, large_messages_both_ways) {
    start(tls_config(good()) + "max_payload: 8MB");
    client a = connect(trusting());
    client b = connect(trusting());
    subscription sub = subscribed(b, "s");
    std::string large(7'000'000, '\0');
    for (std::size_t i = 0; i < large.size(); ++i)
        large[i] = static_cast<char>(i * 2654435761U >> 24U);
    subscription back = subscribed(a, "back");
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(a.publish("s", large));
    ASSERT_TRUE(a.flush(long_enough));
    for (int i = 0; i < 3; ++i) {
        const message m = sub.next(long_enough).value();
        ASSERT_TRUE(m.payload() == large);
        ASSERT_TRUE(b.publish("back", m.payload()));
    }
    ASSERT_TRUE(b.flush(long_enough));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(back.next(long_enough).value().payload() == large);
}

TEST_P(tls_modes, many_small_messages_in_order) {
    start_tls();
    client a = connect(trusting(), {.policy = publish_policy::buffered});
    client b = connect(trusting());
    subscription sub = subscribed(b, "s");
    constexpr int count = 20'000;
    for (int i = 0; i < count; ++i) ASSERT_TRUE(a.publish("s", std::to_string(i)));
    a.close();
    for (int i = 0; i < count; ++i) ASSERT_EQ(next_payload(sub), std::to_string(i));
}

TEST_P(tls_modes, the_trace_shows_what_is_inside_but_no_secret) {
    start(tls_config(good()) + "authorization { user: joe, password: hunter2 }");
    std::string lines;
    const auto keep = [](void* context, std::string_view line) {
        *static_cast<std::string*>(context) += std::string(line) + '\n';
    };
    options o = trusting();
    o.user = "joe";
    o.password = "hunter2";
    client nc = connect(o, {.trace = keep, .trace_context = &lines});
    ASSERT_TRUE(nc.publish("traced.subject", "x"));
    ASSERT_TRUE(nc.flush());
    for (const std::string_view part :
         {"<- INFO", "-> CONNECT", "<- PONG", "-> PUB traced.subject"})
        EXPECT_NE(lines.find(part), std::string::npos) << lines;
    EXPECT_EQ(lines.find("hunter2"), std::string::npos);
}

TEST_P(tls_modes, statistics_count_what_is_on_the_wire) {
    start_tls();
    client nc = connect(trusting());
    const statistics before = nc.stats();
    ASSERT_TRUE(nc.publish("s", std::string(1000, 'x')));
    ASSERT_TRUE(nc.flush());
    EXPECT_EQ(nc.stats().out_bytes - before.out_bytes, 1000U);
    EXPECT_GT(nc.stats().socket_out - before.socket_out, 1000U);
    EXPECT_GT(nc.stats().socket_in, before.socket_in);
}

TEST_P(tls_modes, after_a_restart_it_is_inside_again_and_nothing_is_lost) {
    start_tls();
    client nc = connect(trusting());
    event_log log(nc);
    subscription sub = subscribed(nc, "s");
    server().stop();
    ASSERT_TRUE(work_until(nc, [&] { return log.count("disconnected") == 1; }, long_enough));
    ASSERT_TRUE(nc.publish("s", "kept"));
    EXPECT_GT(nc.kept(), 0U);
    server().restart();
    EXPECT_EQ(next_payload(sub), "kept");
    EXPECT_TRUE(nc.secure());
    EXPECT_EQ(log.count("disconnected"), 1U);
    EXPECT_EQ(log.count("reconnected"), 1U);
}

TEST_P(tls_modes, a_downgrade_at_a_reconnect_is_refused) {
    start_tls();
    options o = trusting();
    const std::string url = "tls://" + server().address();
    o.servers = url;
    o.max_reconnects = -1;
    client nc = client::connect(o).value();
    event_log log(nc);
    server().restart("");
    EXPECT_TRUE(work_until(
        nc, [&] { return log.reason("connect_failed") == errc::tls_not_offered; }, long_enough))
        << log.text();
    EXPECT_EQ(log.count("reconnected"), 0U);
}

// --- versions that nats-server cannot be told to keep to

/// A server that keeps to a TLS version and ciphers; which of them the client has got.
struct tls_outcome {
    std::string version;
    std::string cipher;
    result<void> up;
};
tls_outcome shake_hands_with(tls_server_options o, const certificate_authority& ca, tls_options t) {
    o.self = ca.issue({.ips = {"127.0.0.1"}});
    tls_outcome out;
    raw_server server([&](raw_peer& peer) {
        tls_server inside(o);
        peer.send(info_line(R"(,"tls_required":true)"));
        std::string said;
        bool told = false;
        for (std::string wire = peer.read_some(); !wire.empty(); wire = peer.read_some()) {
            inside.receive(wire);
            said += inside.take_plain();
            if (!told && said.ends_with("PING\r\n")) {
                told = true;
                out.version = inside.version();
                out.cipher = inside.cipher();
                inside.send("PONG\r\n");
            }
            if (const std::string back = inside.take_output(); !back.empty()) peer.send(back);
        }
    });
    t.ca = ca.root();
    const std::string url = server.url();
    {
        const result<client> nc = client::connect({.servers = url, .tls = t});
        if (!nc) out.up = nc.error();
    }
    (void)server.outcome();
    return out;
}

TEST(tls_versions, version_1_2_is_enough_and_its_ciphers_can_be_chosen) {
    const certificate_authority ca;
    const tls_outcome plain = shake_hands_with({.versions = tls_range::only_1_2}, ca, {});
    ASSERT_TRUE(plain.up) << plain.up.error().message();
    EXPECT_EQ(plain.version, "TLSv1.2");
    for (const char* cipher : {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"}) {
        const tls_outcome chosen =
            shake_hands_with({.versions = tls_range::only_1_2}, ca, {.ciphers = cipher});
        ASSERT_TRUE(chosen.up) << chosen.up.error().message();
        EXPECT_EQ(chosen.cipher, cipher);
    }
}

TEST(tls_versions, older_ones_than_wanted_are_refused) {
    const certificate_authority ca;
    EXPECT_EQ(code_of(shake_hands_with({.versions = tls_range::only_1_1}, ca, {}).up),
              errc::tls_protocol);
    EXPECT_EQ(code_of(shake_hands_with({.versions = tls_range::only_1_2}, ca,
                                       {.minimum = tls_version::v1_3})
                          .up),
              errc::tls_protocol);
    const tls_outcome newest =
        shake_hands_with({.versions = tls_range::only_1_3}, ca, {.minimum = tls_version::v1_3});
    ASSERT_TRUE(newest.up) << newest.up.error().message();
    EXPECT_EQ(newest.version, "TLSv1.3");
}

} // namespace
} // namespace nats::test

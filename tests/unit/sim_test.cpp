// SPDX-License-Identifier: Apache-2.0
//
// Proves that the test driver and its server can be trusted: routing as nats-server does it, the
// same bytes for the same seed, time that only moves when it is told to, and a drive that fails
// instead of hanging.

#include <natsproto/client/ops.hpp>

#include "support/sim.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace nats::test {
namespace {

TEST(sim, a_conversation_as_lines) {
    connected_sim net;
    ASSERT_TRUE(net.session().subscribe("a.*").has_value());
    ASSERT_TRUE(net.session().publish("a.b", "hello"));
    net.settle();
    EXPECT_TRUE(net.server().lines()[0].starts_with("CONNECT {"));
    const std::vector<std::string> rest(net.server().lines().begin() + 1,
                                        net.server().lines().end());
    EXPECT_EQ(rest, (std::vector<std::string>{"PING", "SUB a.* 1", "PUB a.b 5 hello"}));
    EXPECT_EQ(net.events(),
              (std::vector<std::string>{"connected 127.0.0.1:4222", "message 1 a.b \"hello\""}));
}

TEST(sim, routing_with_wildcards_queues_and_maximum) {
    connected_sim net;
    ASSERT_TRUE(net.session().subscribe("a.>").has_value());
    ASSERT_TRUE(net.session().subscribe("a.b", "q").has_value());
    ASSERT_TRUE(net.session().subscribe("a.*", "q").has_value());
    const auto limited = net.session().subscribe("a.b");
    ASSERT_TRUE(net.session().unsubscribe(*limited, 2));
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(net.session().publish("a.b", "x"));
    ASSERT_TRUE(net.session().publish("b", "nobody"));
    net.settle();
    EXPECT_EQ(net.count("message 1 "), 4U);
    EXPECT_EQ(net.count("message 2 "), 2U) << "a queue group shares";
    EXPECT_EQ(net.count("message 3 "), 2U);
    EXPECT_EQ(net.count("message 4 "), 2U);
    EXPECT_EQ(net.count("message"), 10U);
    EXPECT_EQ(net.server().subscriptions(), 3U);
}

TEST(sim, no_echo_is_kept_by_the_server) {
    connected_sim net({.no_echo = true});
    ASSERT_TRUE(net.session().subscribe("a").has_value());
    ASSERT_TRUE(net.session().publish("a", "own"));
    net.settle();
    EXPECT_EQ(net.count("message"), 0U);
    EXPECT_EQ(net.server().publish("a", "other"), 1U);
    net.settle();
    EXPECT_EQ(net.count("message 1 a \"other\""), 1U);
}

TEST(sim, verbose_answers_every_command) {
    connected_sim net({.verbose = true});
    ASSERT_TRUE(net.session().subscribe("a").has_value());
    ASSERT_TRUE(net.session().publish("a", "x"));
    net.settle();
    std::size_t oks = 0;
    for (std::size_t at = 0; (at = net.transcript().find("+OK", at)) != std::string::npos; ++at)
        ++oks;
    EXPECT_EQ(oks, 3U) << "CONNECT, SUB, PUB";
}

TEST(sim, latency_is_virtual_time) {
    connected_sim net({}, {.latency = 40ms});
    EXPECT_EQ(net.now() - start_of_time, 40ms * 3) << "INFO, then CONNECT and PING, then PONG";
    EXPECT_EQ(net.run(ops::flush(net.runtime(), no_deadline)).value(), 80ms);
    const time_point before = net.now();
    net.settle();
    EXPECT_EQ(net.now(), before) << "nothing was on the way";
}

TEST(sim, a_wait_that_cannot_end_fails) {
    sim net; // not started: nothing will ever happen
    EXPECT_THROW((void)net.run(ops::wait_connected(net.runtime())), std::logic_error);
}

TEST(sim, broken_bytes_of_a_client_are_noticed) {
    scripted_server server;
    server.accept();
    server.receive("PUB a 5\r\nhello world\r\n");
    ASSERT_EQ(server.lines().size(), 1U);
    EXPECT_TRUE(server.lines()[0].starts_with("not the protocol")) << server.lines()[0];
    EXPECT_TRUE(server.hung_up());
}

std::string whole_conversation(const sim_settings& settings) {
    sim net({.ping_interval = 1s}, settings);
    net.server().serve(
        "echo", [](scripted_server& s, const wire::frame& f) { s.publish(f.reply, f.payload); });
    net.connect();
    mailbox box;
    (void)net.runtime().subscribe(box, "a.>");
    for (int i = 0; i < 20; ++i) {
        (void)net.session().publish("a." + std::to_string(i),
                                    std::string(static_cast<std::size_t>(i * 37), 'x'));
        (void)net.run(ops::request(net.runtime(), "echo", std::to_string(i), {}, net.now() + 1s));
    }
    (void)net.run(ops::request(net.runtime(), "nobody", "", {}, net.now() + 1s));
    net.advance(5s);
    net.session().close(net.now());
    net.settle();
    std::string out = net.transcript();
    for (const std::string& e : net.events()) out += e + '\n';
    return out;
}

TEST(sim, the_same_seed_gives_the_same_bytes) {
    for (const cut how : {cut::whole, cut::bytes, cut::random}) {
        const sim_settings settings{.input = how, .output = how, .seed = 42};
        EXPECT_EQ(whole_conversation(settings), whole_conversation(settings));
    }
    EXPECT_NE(whole_conversation({.seed = 1}), whole_conversation({.seed = 2}))
        << "inbox names differ";
}

/// The client's side of it, however the stream was cut.
std::vector<std::string> events_of(cut how, std::uint64_t seed) {
    connected_sim net({}, {.input = how, .output = how, .seed = seed});
    for (int i = 0; i < 5; ++i) (void)net.session().subscribe("a.*");
    for (int i = 0; i < 10; ++i) (void)net.session().publish("a.b", "payload " + std::to_string(i));
    (void)net.session().ping(net.now());
    net.server().send("-ERR 'Invalid Subject'\r\nINFO {\"max_payload\":5}\r\n");
    net.settle();
    net.server().send("MSG a 1 x\r\n");
    net.settle();
    return net.events();
}

TEST(sim, cuts_change_no_event) {
    const std::vector<std::string> whole = events_of(cut::whole, 1);
    ASSERT_EQ(whole.size(), 1 + 50 + 1 + 2 + 2U);
    EXPECT_EQ(events_of(cut::bytes, 1), whole);
    for (std::uint64_t seed = 1; seed <= 30; ++seed)
        EXPECT_EQ(events_of(cut::random, seed), whole) << seed;
}

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Proves what a client does about what real servers do not allow: subjects, connections, payloads,
// readers that are too slow. Most of it is told, and only what the server ends is an end.

#include "integration/event_log.hpp"
#include "integration/server_test.hpp"

#include <optional>
#include <string>

namespace nats::test {
namespace {

class server_limits : public server_test {};
NATSPROTO_ON_EVERY_SERVER(server_limits);

TEST_P(server_limits, the_reader_of_a_refused_subscription_is_told_once) {
    start(R"(authorization { users: [ { user: joe, password: joe, permissions: {
        subscribe: { deny: ["closed.>", "work bad"] }
        publish: { deny: "secret" } } } ] })");
    options o = patient();
    o.user = o.password = "joe";
    client nc = connect(o);
    event_log log(nc);
    subscription bad = nc.subscribe("closed.door").value();
    subscription group = nc.subscribe("work", {.queue = "bad"}).value();
    subscription good = nc.subscribe("work", {.queue = "good"}).value();
    const result<message> refused = bad.next(long_enough);
    EXPECT_EQ(code_of(refused), errc::permissions_violation);
    EXPECT_NE(refused.error().detail().find("closed.door"), std::string::npos);
    EXPECT_EQ(code_of(bad.next(20ms)), errc::timeout);
    EXPECT_EQ(code_of(group.next(long_enough)), errc::permissions_violation);
    EXPECT_EQ(code_of(good.next(20ms)), errc::timeout);
    ASSERT_TRUE(nc.publish("secret"));
    ASSERT_TRUE(nc.publish("work", "goes on"));
    EXPECT_EQ(next_payload(good), "goes on");
    EXPECT_EQ(log.count("server_error"), 3U);
    EXPECT_EQ(log.last("server_error")->subject, "secret");
    // What is refused now may be allowed after a restart: it is asked for again.
    server().restart(R"(authorization { user: joe, password: joe })");
    ASSERT_TRUE(work_until(nc, [&] { return log.count("reconnected") == 1; }, long_enough));
    ASSERT_TRUE(nc.publish("closed.door", "open now"));
    EXPECT_EQ(next_payload(bad), "open now");
}

TEST_P(server_limits, a_full_server_is_passed_over) {
    start("max_connections: 1");
    nats_server other(program());
    const client holds = connect();
    const std::string list = server().url() + ',' + other.url();
    const client nc = client::connect({.servers = list, .randomize = false}).value();
    EXPECT_EQ(nc.server().text(), other.address());
}

TEST_P(server_limits, a_full_server_is_tried_until_there_is_room) {
    start("max_connections: 1");
    std::optional<client> holds = connect();
    const std::string url = server().url();
    options o = patient();
    o.servers = url;
    o.retry_on_failed_connect = true;
    client nc = client::connect(o).value();
    event_log log(nc);
    ASSERT_TRUE(work_until(nc, [&] { return log.count("connect_failed") >= 5; }, long_enough));
    EXPECT_EQ(log.reason("connect_failed"), errc::max_connections_exceeded);
    holds.reset();
    EXPECT_TRUE(work_until(nc, [&] { return log.count("connected") == 1; }, long_enough));
}

TEST_P(server_limits, a_reader_that_the_server_has_cut_off_comes_back) {
    start("max_pending: 100000\nmax_payload: 50000\nwrite_deadline: \"200ms\"");
    client reader = connect(patient());
    client publisher = connect();
    event_log log(reader);
    subscription sub = subscribed(reader, "flood");
    const std::string payload(40'000, 'f');
    const auto cut = [&] {
        for (int i = 0; i < 50; ++i) (void)publisher.publish("flood", payload).value();
        (void)publisher.flush(long_enough).value();
        return server().monitor("/connz").find("\"num_connections\": 1,") != std::string::npos;
    };
    ASSERT_TRUE(wait_until(cut, long_enough));
    // What had come is read first, then the end is seen.
    ASSERT_TRUE(wait_until(
        [&] {
            const result<message> m = sub.next(10ms);
            return (!m || m->payload() == payload) && log.count("reconnected") == 1;
        },
        long_enough));
    while (sub.next(0s)) continue;
    ASSERT_TRUE(reader.flush());
    ASSERT_TRUE(publisher.publish("flood", "goes on"));
    EXPECT_EQ(next_payload(sub), "goes on");
}

TEST_P(server_limits, a_command_that_only_the_server_finds_too_long_costs_a_reconnect) {
    start("max_control_line: 512"); // INFO does not tell
    client nc = connect(patient());
    event_log log(nc);
    subscription sub = subscribed(nc, "s");
    ASSERT_TRUE(nc.publish(std::string(600, 's'), "x"));
    ASSERT_TRUE(work_until(nc, [&] { return log.count("reconnected") == 1; }, long_enough));
    EXPECT_EQ(log.reason("disconnected"), errc::server_max_control_line);
    ASSERT_TRUE(nc.publish("s", "goes on"));
    EXPECT_EQ(next_payload(sub), "goes on");
}

TEST_P(server_limits, statistics_and_accessors_say_what_was) {
    start("server_name: one");
    client nc = connect();
    subscription sub = subscribed(nc, "s");
    headers h;
    ASSERT_TRUE(h.set("A", "b"));
    for (int i = 0; i < 10; ++i)
        ASSERT_TRUE(nc.publish("s", std::string(100, 'x'), {.reply = {}, .headers = h}));
    for (int i = 0; i < 10; ++i) ASSERT_EQ(next_payload(sub).size(), 100U);
    const statistics& s = nc.stats();
    EXPECT_EQ(s.out_messages, 10U);
    EXPECT_EQ(s.in_messages, 10U);
    EXPECT_EQ(s.in_bytes, s.out_bytes);
    EXPECT_GT(s.in_bytes, 1000U);
    EXPECT_GT(s.socket_out, s.out_bytes);
    EXPECT_GT(s.socket_in, s.in_bytes);
    EXPECT_EQ(nc.info().server_name, "one");
    EXPECT_EQ(nc.info().client_ip, "127.0.0.1");
    EXPECT_GT(nc.info().client_id, 0U);
    EXPECT_EQ(nc.server().text(), server().address());
    EXPECT_FALSE(nc.secure());
    const duration rtt = nc.rtt().value();
    EXPECT_GT(rtt, 0ns);
    EXPECT_EQ(nc.last_rtt(), rtt);
    // The server knows the same of this end.
    EXPECT_NE(server().monitor("/connz").find(
                  "\"port\": " + nc.local_address().substr(nc.local_address().rfind(':') + 1)),
              std::string::npos);
}

TEST_P(server_limits, a_barrier_ends_when_what_was_queued_is_handled) {
    client nc = connect();
    subscription sub = subscribed(nc, "b");
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(nc.publish("b", std::to_string(i)));
    ASSERT_TRUE(nc.flush()); // they are queued
    EXPECT_EQ(sub.queue().pending_messages(), 3U);
    EXPECT_EQ(code_of(nc.barrier(20ms)), errc::timeout);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(next_payload(sub), std::to_string(i));
    EXPECT_TRUE(nc.barrier(long_enough));
}

} // namespace
} // namespace nats::test

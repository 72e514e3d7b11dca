// SPDX-License-Identifier: Apache-2.0
//
// Proves what survives the restart of a real server: subscriptions with their counts and groups,
// publishes, requests; how often and how fast a client tries; and what ends it.

#include "integration/event_log.hpp"
#include "integration/process.hpp"
#include "integration/server_test.hpp"

#include <atomic>
#include <optional>
#include <string>
#include <thread>

namespace nats::test {
namespace {

class reconnecting : public server_test {
protected:
    /// Of a server that is killed: a reset, if it had not read everything.
    [[nodiscard]] static bool is_end(errc code) {
        return code == errc::eof || code == errc::io_error;
    }
    /// Stops the server, and lets the client notice.
    void go_down(client& nc) {
        server().stop();
        ASSERT_TRUE(work_until(
            nc, [&] { return nc.status() == session_status::reconnecting; }, long_enough));
    }
};
NATSPROTO_ON_EVERY_SERVER(reconnecting);

TEST_P(reconnecting, subscriptions_are_there_again) {
    start();
    client nc = connect(patient());
    event_log log(nc);
    subscription a = subscribed(nc, "a");
    std::string handled;
    const subscription b =
        nc.subscribe("b", [&](const message_view& m) { handled += m.payload; }).value();
    std::optional<subscription> gone = nc.subscribe("gone").value();
    go_down(nc);
    subscription added = nc.subscribe("added").value();
    gone.reset();
    server().restart();
    ASSERT_TRUE(nc.wait_connected(long_enough));
    client other = connect();
    for (const char* subject : {"a", "b", "added", "gone"})
        ASSERT_TRUE(other.publish(subject, "x"));
    ASSERT_TRUE(other.flush());
    EXPECT_EQ(next_payload(a), "x");
    EXPECT_EQ(next_payload(added), "x");
    ASSERT_TRUE(nc.flush());
    EXPECT_EQ(handled, "x");
    EXPECT_EQ(nc.stats().reconnects, 1U);
    EXPECT_EQ(log.count("disconnected"), 1U);
    EXPECT_EQ(log.count("reconnected"), 1U);
    EXPECT_EQ(log.count("connected"), 0U);
}

TEST_P(reconnecting, a_maximum_counts_across_it) {
    start();
    client nc = connect(patient());
    subscription sub = nc.subscribe("m").value();
    ASSERT_TRUE(sub.unsubscribe(5));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(nc.publish("m", std::to_string(i)));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(next_payload(sub), std::to_string(i));
    go_down(nc);
    server().restart();
    ASSERT_TRUE(nc.wait_connected(long_enough));
    for (int i = 3; i < 9; ++i) ASSERT_TRUE(nc.publish("m", std::to_string(i)));
    EXPECT_EQ(next_payload(sub), "3");
    EXPECT_EQ(next_payload(sub), "4");
    EXPECT_EQ(code_of(sub.next(long_enough)), errc::max_messages_reached);
}

TEST_P(reconnecting, groups_stay_groups) {
    start();
    client nc = connect(patient());
    int a = 0;
    int b = 0;
    const subscription first =
        nc.subscribe("q", [&a](const message_view&) { ++a; }, {.queue = "g"}).value();
    const subscription second =
        nc.subscribe("q", [&b](const message_view&) { ++b; }, {.queue = "g"}).value();
    go_down(nc);
    server().restart();
    ASSERT_TRUE(nc.wait_connected(long_enough));
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(nc.publish("q"));
    ASSERT_TRUE(nc.flush());
    EXPECT_EQ(a + b, 200);
    EXPECT_GT(a, 0);
    EXPECT_GT(b, 0);
}

TEST_P(reconnecting, publishes_are_kept_up_to_a_limit_and_arrive_in_order) {
    start();
    options o = patient();
    o.reconnect_buffer = 100'000;
    client nc = connect(o);
    client reader = connect(patient());
    subscription sub = subscribed(reader, "k");
    go_down(nc);
    std::size_t kept = 0;
    const std::string filler(1000, 'f');
    while (true) {
        const result<void> published = nc.publish("k", std::to_string(kept) + ' ' + filler);
        if (!published) {
            EXPECT_EQ(published.error(), errc::reconnect_buffer_full);
            break;
        }
        ++kept;
    }
    EXPECT_GT(kept, 90U);
    EXPECT_LE(nc.kept(), 100'000U);
    ASSERT_TRUE(work_until(
        reader, [&] { return reader.status() == session_status::reconnecting; }, long_enough));
    server().restart();
    ASSERT_TRUE(reader.wait_connected(long_enough));
    ASSERT_TRUE(reader.flush());
    ASSERT_TRUE(nc.flush(long_enough));
    EXPECT_EQ(nc.kept(), 0U);
    for (std::size_t i = 0; i < kept; ++i)
        ASSERT_TRUE(next_payload(sub).starts_with(std::to_string(i) + ' '));
}

TEST_P(reconnecting, without_a_buffer_a_publish_is_refused_at_once) {
    start();
    options o = patient();
    o.reconnect_buffer = 0;
    client nc = connect(o);
    go_down(nc);
    EXPECT_EQ(code_of(nc.publish("x")), errc::reconnect_buffer_full);
}

#ifndef NATSPROTO_TEST_ON_ASIO // a context runs by itself

TEST_P(reconnecting, a_program_that_only_publishes_gets_connected_again) {
    start();
    client nc = connect(patient());
    event_log log(nc);
    client reader = connect(patient());
    subscription sub = subscribed(reader, "p");
    server().stop();
    ASSERT_TRUE(wait_until(
        [&] { return nc.publish("lost") && nc.status() == session_status::reconnecting; },
        long_enough));
    ASSERT_TRUE(nc.publish("p", "kept"));
    ASSERT_TRUE(work_until(
        reader, [&] { return reader.status() == session_status::reconnecting; }, long_enough));
    server().restart();
    ASSERT_TRUE(reader.wait_connected(long_enough));
    ASSERT_TRUE(reader.flush());
    ASSERT_TRUE(
        wait_until([&] { return nc.publish("noise") && nc.status() == session_status::connected; },
                   long_enough));
    EXPECT_EQ(log.count("reconnected"), 1U);
    ASSERT_TRUE(nc.flush());
    EXPECT_EQ(next_payload(sub), "kept");
}

#endif

TEST_P(reconnecting, off_means_that_the_end_is_the_end) {
    start();
    client nc = connect({.reconnect = false});
    event_log log(nc);
    server().stop();
    ASSERT_TRUE(work_until(nc, [&] { return log.count("closed") == 1; }, long_enough));
    EXPECT_EQ(log.story(), "disconnected closed");
    EXPECT_TRUE(is_end(log.reason("closed").value_or(errc{})));
    EXPECT_EQ(code_of(nc.force_reconnect()), errc::connection_closed);
}

TEST_P(reconnecting, a_server_is_given_up_after_so_many_failures) {
    start();
    options o = patient();
    o.max_reconnects = 3;
    client nc = connect(o);
    event_log log(nc);
    server().stop();
    ASSERT_TRUE(work_until(nc, [&] { return log.count("closed") == 1; }, long_enough));
    EXPECT_EQ(log.count("connect_failed"), 3U);
    EXPECT_EQ(log.reason("closed"), errc::no_servers);
    EXPECT_EQ(log.story(), "disconnected connect_failed closed");
    EXPECT_EQ(log.count("disconnected"), 1U);
}

TEST_P(reconnecting, a_server_that_is_not_there_yet) {
    start();
    server().stop();
    const std::string url = server().url();
    options o = patient();
    o.servers = url;
    EXPECT_EQ(code_of(client::connect(o)), errc::connect_failed);
    o.retry_on_failed_connect = true;
    client nc = client::connect(o).value();
    EXPECT_EQ(nc.status(), session_status::reconnecting);
    event_log log(nc);
    subscription sub = nc.subscribe("s").value();
    ASSERT_TRUE(nc.publish("s", "kept"));
    EXPECT_EQ(code_of(nc.rtt()), errc::not_connected);
    server().restart();
    EXPECT_EQ(next_payload(sub), "kept");
    EXPECT_EQ(log.count("connected"), 1U);
    EXPECT_EQ(log.count("reconnected"), 0U);
    EXPECT_EQ(nc.stats().reconnects, 0U);
}

TEST_P(reconnecting, by_force_is_at_once_and_another_connection) {
    start();
    options o = patient();
    o.reconnect_wait = long_enough;
    client nc = connect(o);
    event_log log(nc);
    subscription sub = subscribed(nc, "f");
    for (int i = 1; i <= 3; ++i) {
        const std::uint64_t id = nc.info().client_id;
        const std::string end = nc.local_address();
        const stopwatch watch;
        ASSERT_TRUE(nc.publish("f", std::to_string(i)));
        EXPECT_EQ(next_payload(sub), std::to_string(i));
        ASSERT_TRUE(nc.force_reconnect());
        ASSERT_TRUE(nc.wait_connected(long_enough));
        EXPECT_LT(watch.elapsed(), at_once);
        EXPECT_NE(nc.info().client_id, id);
        EXPECT_NE(nc.local_address(), end);
        EXPECT_EQ(nc.stats().reconnects, static_cast<std::uint64_t>(i));
        EXPECT_EQ(log.reason("disconnected"), errc::reconnect_forced);
    }
    ASSERT_TRUE(nc.publish("f", "goes on"));
    EXPECT_EQ(next_payload(sub), "goes on");
}

TEST_P(reconnecting, by_force_ends_a_wait) {
    start();
    options o = patient();
    o.reconnect_wait = long_enough;
    client nc = connect(o);
    go_down(nc);
    server().restart();
    const stopwatch watch;
    ASSERT_TRUE(nc.force_reconnect());
    ASSERT_TRUE(nc.wait_connected(long_enough));
    EXPECT_LT(watch.elapsed(), at_once);
}

TEST_P(reconnecting, requests_wait_on_or_fail_as_was_chosen) {
    for (const bool fail : {false, true}) {
        start(); // a new one: a server ends with the thread that has started it
        options o = patient();
        o.fail_requests_on_disconnect = fail;
        client nc = connect(o);
        std::atomic<bool> done = false;
        // A responder that restarts the server, and answers afterwards.
        std::thread responds([&] {
            client other = connect(patient());
            subscription asked = subscribed(other, "ask");
            const message first = asked.next(long_enough).value();
            server().restart();
            ASSERT_TRUE(other.wait_connected(long_enough));
            while (!done) { // it arrives only when the inbox is subscribed again
                ASSERT_TRUE(other.publish(first.reply(), "late"));
                (void)other.poll(1ms);
            }
        });
        result<message> reply = error{errc::no_responders};
        while (!reply && reply.error() == errc::no_responders)
            reply = nc.request("ask", {}, long_enough);
        if (fail)
            EXPECT_TRUE(is_end(code_of(reply))) << reply.error().message();
        else
            EXPECT_EQ(reply.value().payload(), "late");
        done = true;
        responds.join();
    }
}

TEST_P(reconnecting, closing_needs_no_server) {
    start();
    options o = patient();
    o.reconnect_wait = long_enough;
    client nc = connect(o);
    event_log log(nc);
    subscription sub = subscribed(nc, "s");
    go_down(nc);
    const stopwatch watch;
    EXPECT_EQ(code_of(sub.next(20ms)), errc::timeout);
    EXPECT_EQ(code_of(nc.flush(20ms)), errc::timeout);
    EXPECT_EQ(code_of(nc.rtt()), errc::not_connected);
    nc.close();
    nc.close();
    EXPECT_LT(watch.elapsed(), at_once);
    EXPECT_EQ(log.count("closed"), 1U);
    EXPECT_EQ(code_of(sub.next(long_enough)), errc::connection_closed);
    EXPECT_EQ(nc.fd(), -1);
}

TEST_P(reconnecting, a_publish_that_a_smaller_server_would_not_take_is_dropped_and_told) {
    start();
    client nc = connect(patient());
    event_log log(nc);
    subscription sub = subscribed(nc, "s");
    go_down(nc);
    ASSERT_TRUE(nc.publish("s", std::string(5000, 'l')));
    ASSERT_TRUE(nc.publish("s", "small"));
    server().restart("max_payload: 1000");
    EXPECT_EQ(next_payload(sub), "small");
    EXPECT_EQ(log.reason("warning"), errc::publish_dropped);
    EXPECT_EQ(log.count("disconnected"), 1U);
    EXPECT_EQ(code_of(nc.publish("s", std::string(5000, 'l'))), errc::payload_too_large);
}

TEST_P(reconnecting, two_hundred_failures_leak_no_descriptor) {
    start();
    options o = patient();
    o.reconnect_wait = 1ms;
    client nc = connect(o);
    event_log log(nc);
    server().stop();
    ASSERT_TRUE(work_until(nc, [&] { return log.count("connect_failed") >= 5; }, long_enough));
    const std::size_t before = open_descriptors();
    ASSERT_TRUE(work_until(nc, [&] { return log.count("connect_failed") >= 205; }, long_enough));
    EXPECT_LE(open_descriptors(), before + 1); // an attempt may be going on
    EXPECT_EQ(threads(), 1U);
}

TEST_P(reconnecting, a_server_that_hangs_is_left_for_one_that_does_not) {
    start();
    nats_server other(program());
    const std::string list = server().url() + ',' + other.url();
    options o = patient();
    o.servers = list;
    o.randomize = false;
    o.ping_interval = 30ms;
    o.connect_timeout = 200ms;
    client nc = client::connect(o).value();
    event_log log(nc);
    subscription sub = subscribed(nc, "s");
    ASSERT_EQ(nc.server().text(), server().address());
    server().suspend();
    ASSERT_TRUE(work_until(nc, [&] { return log.count("reconnected") == 1; }, long_enough));
    EXPECT_EQ(log.reason("disconnected"), errc::stale_connection);
    EXPECT_EQ(nc.server().text(), other.address());
    ASSERT_TRUE(nc.publish("s", "goes on"));
    EXPECT_EQ(next_payload(sub), "goes on");
    server().resume();
}

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Proves when a publish reaches the kernel and in how many system calls: alone at once, in a burst
// in large pieces, from a handler with the call that ran it, and buffered when it is asked for.

#include "integration/process.hpp"
#include "integration/raw_server.hpp"
#include "integration/server_test.hpp"

#include <optional>
#include <string>

namespace nats::test {
namespace {

class writing : public server_test {
protected:
    [[nodiscard]] client buffering() { return connect({}, {.policy = publish_policy::buffered}); }
    static void expect_numbers(subscription& sub, int count) {
        for (int i = 0; i < count; ++i) ASSERT_EQ(next_payload(sub), std::to_string(i));
    }
};
NATSPROTO_ON_EVERY_SERVER(writing);

TEST_P(writing, a_lone_publish_arrives_without_any_further_call) {
    client writer = connect();
    client reader = connect();
    subscription sub = subscribed(reader, "w");
    const std::size_t before = write_calls();
    ASSERT_TRUE(writer.publish("w", "alone"));
    EXPECT_EQ(write_calls(), before + 1);
    EXPECT_EQ(writer.buffered(), 0U);
    EXPECT_EQ(next_payload(sub), "alone");
}

TEST_P(writing, a_burst_of_ten_thousand_makes_few_calls) {
    client writer = connect();
    client reader = connect();
    subscription sub = subscribed(reader, "w");
    constexpr int count = 10'000;
    const std::size_t before = write_calls();
    {
        const client::burst_scope burst = writer.burst();
        for (int i = 0; i < count; ++i) ASSERT_TRUE(writer.publish("w", std::to_string(i)));
        EXPECT_LE(writer.buffered(), 128 * 1024U);
    }
    // About 200 kB: a few pieces of 64 KiB, and some more if the socket was full for a moment.
    EXPECT_GE(write_calls() - before, 2U);
    EXPECT_LE(write_calls() - before, 40U);
    expect_numbers(sub, count);
}

TEST_P(writing, bursts_nest_and_move_and_end_with_the_outermost) {
    client writer = connect();
    client reader = connect();
    subscription sub = subscribed(reader, "w");
    const std::size_t before = write_calls();
    {
        client::burst_scope outer = writer.burst();
        {
            const client::burst_scope inner = writer.burst();
            ASSERT_TRUE(writer.publish("w", "0"));
        }
        const client::burst_scope moved = std::move(outer);
        ASSERT_TRUE(writer.publish("w", "1"));
        EXPECT_EQ(write_calls(), before);
        EXPECT_GT(writer.buffered(), 0U);
    }
    EXPECT_EQ(write_calls(), before + 1);
    expect_numbers(sub, 2);
}

TEST_P(writing, a_waiting_call_in_a_burst_writes_first) {
    client writer = connect();
    client reader = connect();
    subscription sub = subscribed(reader, "w");
    const client::burst_scope burst = writer.burst();
    ASSERT_TRUE(writer.publish("w", "0"));
    ASSERT_TRUE(writer.flush());
    EXPECT_EQ(writer.buffered(), 0U);
    ASSERT_TRUE(writer.publish("w", "1"));
    EXPECT_EQ(code_of(writer.request("nobody")), errc::no_responders);
    ASSERT_TRUE(writer.publish("w", "2"));
    ASSERT_TRUE(writer.poll());
    expect_numbers(sub, 3);
}

TEST_P(writing, what_handlers_publish_is_coalesced_and_not_left_behind) {
    client worker = connect();
    client other = connect();
    subscription results = subscribed(other, "out");
    int handled = 0;
    const subscription service = worker
                                     .subscribe("in",
                                                [&](const message_view& m) {
                                                    ++handled;
                                                    ASSERT_TRUE(worker.publish("out", m.payload));
                                                })
                                     .value();
    (void)worker.flush().value();
    constexpr int count = 2000;
    {
        const client::burst_scope burst = other.burst();
        for (int i = 0; i < count; ++i) ASSERT_TRUE(other.publish("in", std::to_string(i)));
    }
    ASSERT_TRUE(other.flush());
    const std::size_t before = write_calls();
    while (handled < count) ASSERT_TRUE(worker.poll(long_enough));
    EXPECT_LE(write_calls() - before, 200U);
    expect_numbers(results, count); // no further call of the worker
}

TEST_P(writing, buffered_waits_for_a_write) {
    client writer = buffering();
    client reader = connect();
    subscription sub = subscribed(reader, "w");
    const std::size_t before = write_calls();
    ASSERT_TRUE(writer.publish("w", "0"));
    ASSERT_TRUE(writer.publish("w", "1"));
    EXPECT_EQ(writer.buffered(), 2 * std::string_view("PUB w 1\r\n0\r\n").size());
    EXPECT_EQ(write_calls(), before);
    ASSERT_TRUE(writer.write());
    EXPECT_EQ(write_calls(), before + 1);
    EXPECT_EQ(writer.buffered(), 0U);
    expect_numbers(sub, 2);
}

TEST_P(writing, buffered_leaves_in_large_pieces_and_with_close) {
    client reader = connect();
    subscription sub = subscribed(reader, "w");
    constexpr int count = 10'000;
    {
        client writer = buffering();
        const std::size_t before = write_calls();
        for (int i = 0; i < count; ++i) ASSERT_TRUE(writer.publish("w", std::to_string(i)));
        EXPECT_GE(write_calls() - before, 2U);
        EXPECT_LE(write_calls() - before, 40U);
        EXPECT_GT(writer.buffered(), 0U);
    }
    expect_numbers(sub, count);
}

TEST_P(writing, a_subscription_needs_no_further_call_either) {
    client nc = connect();
    client other = connect();
    subscription sub = nc.subscribe("w").value();
    const auto there = [&] { return code_of(other.request("w", {}, 10ms)) == errc::timeout; };
    EXPECT_TRUE(wait_until(there, long_enough)); // until then: no responders
    EXPECT_TRUE(sub.valid());
}

// --- with a server that says exactly when

/// Sends what ends a wait and, in front of it, a message for a handler that publishes; expects what
/// the handler published while the client makes no further call.
void expect_written_with(std::string_view end, const std::function<void(client&)>& wait) {
    raw_server server([end](raw_peer& peer) {
        peer.shake_hands();
        const std::string sub = peer.read_line();
        const std::string sid = sub.substr(sub.rfind(' ') + 1);
        std::string line;
        std::string last;
        do { // the command of the waiting call
            line = peer.read_line();
            if (line.starts_with("SUB ")) last = line.substr(line.rfind(' ') + 1);
        } while (!line.starts_with("PING") && !line.starts_with("SUB last"));
        std::string bytes = "MSG in " + sid + " 1\r\nx\r\n" + std::string(end);
        if (const std::size_t at = bytes.find('?'); at != std::string::npos)
            bytes.replace(at, 1, last);
        peer.send(bytes);
        if (line = peer.read_line(); line != "PUB out 1")
            throw std::runtime_error("\"" + line + "\" in place of PUB");
    });
    client nc = client::connect(server.url()).value();
    const subscription in = nc.subscribe("in", [&nc](const message_view& m) {
                                  ASSERT_TRUE(nc.publish("out", m.payload));
                              }).value();
    wait(nc);
    EXPECT_EQ(server.outcome(), "");
}

TEST(written_from_a_handler, when_a_flush_ends) {
    expect_written_with("PONG\r\n", [](client& nc) { ASSERT_TRUE(nc.flush()); });
}

TEST(written_from_a_handler, when_next_ends) {
    expect_written_with("MSG last ? 0\r\n\r\n", [](client& nc) {
        subscription last = nc.subscribe("last").value();
        ASSERT_TRUE(last.next(long_enough));
    });
}

TEST(written_from_a_handler, when_it_throws) {
    raw_server server([](raw_peer& peer) {
        peer.shake_hands();
        const std::string sub = peer.read_line();
        peer.send("MSG in " + sub.substr(sub.rfind(' ') + 1) + " 1\r\nx\r\n");
        if (peer.read_line() != "PUB out 1") throw std::runtime_error("no PUB");
    });
    client nc = client::connect(server.url()).value();
    const subscription in = nc.subscribe("in", [&nc](const message_view& m) {
                                  ASSERT_TRUE(nc.publish("out", m.payload));
                                  throw std::runtime_error("from the handler");
                              }).value();
    EXPECT_THROW((void)nc.poll(long_enough), std::runtime_error);
    EXPECT_EQ(server.outcome(), "");
}

} // namespace
} // namespace nats::test

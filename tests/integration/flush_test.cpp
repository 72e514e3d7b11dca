// SPDX-License-Identifier: Apache-2.0
//
// Proves that flush means "the server has processed it", that PONGs find the flush or the
// keep-alive that they belong to, and that a server which does not answer is noticed.

#include "integration/raw_server.hpp"
#include "integration/server_test.hpp"

namespace nats::test {
namespace {

class flushing : public server_test {
protected:
    /// Counts the lines of a trace that are `wanted`.
    struct counter {
        std::string_view wanted;
        int count = 0;
        static void see(void* self, std::string_view line) {
            auto& c = *static_cast<counter*>(self);
            c.count += line == c.wanted ? 1 : 0;
        }
    };
};
NATSPROTO_ON_EVERY_SERVER(flushing);

TEST_P(flushing, returns_when_everything_was_processed) {
    client a = connect();
    client b = connect();
    subscription sub = subscribed(b, "f");
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(a.publish("f", std::to_string(i)));
    const duration rtt = a.flush().value();
    EXPECT_GT(rtt, 0s);
    EXPECT_LT(rtt, long_enough);
    ASSERT_TRUE(b.flush()); // what the server has for b comes before the PONG
    EXPECT_EQ(sub.queue().pending_messages(), 100U);
    EXPECT_GT(a.rtt().value(), 0s);
}

TEST_P(flushing, refuses_timeouts_that_are_none) {
    client nc = connect();
    for (const duration bad : {duration(0s), duration(-1s), duration::min()}) {
        EXPECT_EQ(code_of(nc.flush(bad)), errc::invalid_argument);
        EXPECT_EQ(code_of(nc.rtt(bad)), errc::invalid_argument);
    }
    EXPECT_TRUE(nc.flush(duration::max()));
}

TEST_P(flushing, times_out_and_the_late_pong_is_not_taken_for_the_next) {
    nats_server& server = start();
    client nc = connect();
    server.suspend();
    const stopwatch watch;
    EXPECT_EQ(code_of(nc.flush(50ms)), errc::timeout);
    EXPECT_EQ(code_of(nc.rtt(50ms)), errc::timeout);
    EXPECT_GE(watch.elapsed(), 100ms);
    EXPECT_LT(watch.elapsed(), at_once);
    server.resume();
    client other = connect();
    subscription sub = subscribed(other, "after");
    ASSERT_TRUE(nc.publish("after", "x"));
    // A PONG of before would let it return too early.
    ASSERT_TRUE(nc.flush(long_enough));
    ASSERT_TRUE(other.flush());
    EXPECT_EQ(sub.queue().pending_messages(), 1U);
}

TEST_P(flushing, and_the_keep_alive_do_not_mix_up_their_pongs) {
    nats_server& server = start();
    const std::string url = server.url();
    counter pings{"-> PING"};
    client nc = client::connect({.servers = url, .ping_interval = 1ms, .max_pings_out = 1000},
                                {.trace = &counter::see, .trace_context = &pings})
                    .value();
    int flushes = 0;
    const auto both = [&] {
        EXPECT_GT(nc.flush(long_enough).value(), 0s);
        (void)nc.run_for(1ms);
        ++flushes;
        return pings.count > flushes + 20; // twenty of the keep-alive
    };
    EXPECT_TRUE(wait_until(both, long_enough));
    EXPECT_EQ(nc.status(), session_status::connected);
}

TEST_P(flushing, an_idle_connection_is_kept_alive) {
    const nats_server& server = start();
    const std::string url = server.url();
    counter pongs{"<- PONG"};
    client nc = client::connect({.servers = url, .ping_interval = 20ms},
                                {.trace = &counter::see, .trace_context = &pongs})
                    .value();
    subscription sub = subscribed(nc, "idle");
    const auto answered = [&] {
        EXPECT_EQ(code_of(sub.next(50ms)), errc::timeout);
        return pongs.count >= 10;
    };
    EXPECT_TRUE(wait_until(answered, long_enough));
    EXPECT_EQ(nc.status(), session_status::connected);
}

TEST_P(flushing, a_server_that_answers_no_pings_is_given_up) {
    nats_server& server = start();
    client nc = connect({.ping_interval = 40ms, .max_pings_out = 2, .reconnect = false});
    subscription sub = subscribed(nc, "stale");
    server.suspend();
    const stopwatch watch;
    EXPECT_EQ(code_of(sub.next(long_enough)), errc::stale_connection);
    EXPECT_GE(watch.elapsed(), 80ms); // the third interval ends it; the first had begun
    EXPECT_LT(watch.elapsed(), at_once);
    EXPECT_EQ(nc.status(), session_status::closed);
    EXPECT_EQ(code_of(nc.flush()), errc::stale_connection); // and stays the reason
}

TEST(keep_alive, is_not_satisfied_by_other_traffic) {
    raw_server server([](raw_peer& peer) {
        peer.shake_hands();
        (void)peer.read_line(); // SUB
        (void)peer.send_until_closed("MSG noise 1 1\r\nx\r\n");
    });
    const std::string url = server.url();
    client nc = client::connect(
                    {.servers = url, .ping_interval = 40ms, .max_pings_out = 2, .reconnect = false})
                    .value();
    const subscription noise = nc.subscribe("noise", [](const message_view&) {}).value();
    const stopwatch watch;
    const result<void> end = nc.run_for(long_enough);
    EXPECT_EQ(code_of(end), errc::stale_connection);
    EXPECT_LT(watch.elapsed(), at_once);
    nc.close();
    EXPECT_EQ(server.outcome(), "");
}

TEST(keep_alive, pings_of_the_server_are_answered_while_waiting) {
    raw_server server([](raw_peer& peer) {
        peer.shake_hands();
        const std::string sub = peer.read_line();
        for (int i = 0; i < 3; ++i) {
            peer.send("PING\r\n");
            if (peer.read_line() != "PONG") throw std::runtime_error("no PONG");
        }
        peer.send("MSG done " + sub.substr(sub.rfind(' ') + 1) + " 0\r\n\r\n");
        peer.wait_for_close();
    });
    client nc = client::connect(server.url()).value();
    subscription sub = nc.subscribe("done").value();
    EXPECT_TRUE(sub.next(long_enough));
    nc.close();
    EXPECT_EQ(server.outcome(), "");
}

TEST(keep_alive, a_ping_in_front_of_a_message_is_answered_before_next_returns) {
    raw_server server([](raw_peer& peer) {
        peer.shake_hands();
        const std::string sub = peer.read_line();
        peer.send("PING\r\nMSG busy " + sub.substr(sub.rfind(' ') + 1) + " 0\r\n\r\n");
        if (peer.read_line() != "PONG") throw std::runtime_error("no PONG");
    });
    client nc = client::connect(server.url()).value();
    subscription sub = nc.subscribe("busy").value();
    ASSERT_TRUE(sub.next(long_enough));
    EXPECT_EQ(server.outcome(), ""); // no call is made any more
}

} // namespace
} // namespace nats::test

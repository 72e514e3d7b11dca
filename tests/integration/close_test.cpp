// SPDX-License-Identifier: Apache-2.0
//
// Proves both ends of a connection. Ours: what was published arrives, and everything afterwards
// says that it is closed. The server's: whoever waits hears of it at once, and why, and gets first
// what had come before.

#include "integration/process.hpp"
#include "integration/raw_server.hpp"
#include "integration/server_test.hpp"

#include <functional>
#include <optional>
#include <thread>
#include <vector>

namespace nats::test {
namespace {

class closing : public server_test {};
NATSPROTO_ON_EVERY_SERVER(closing);

TEST_P(closing, writes_what_was_published) {
    client reader = connect();
    subscription sub = subscribed(reader, "c");
    constexpr int count = 20'000;
    client writer = connect({}, {.policy = publish_policy::buffered});
    for (int i = 0; i < count; ++i) ASSERT_TRUE(writer.publish("c", std::to_string(i)));
    writer.close();
    for (int i = 0; i < count; ++i) ASSERT_EQ(next_payload(sub), std::to_string(i));
}

TEST_P(closing, writes_it_also_with_unread_input) {
    // To close a socket with unread input makes the kernel reset the connection.
    client reader = connect();
    subscription sub = subscribed(reader, "c");
    client flood = connect();
    client writer = connect();
    const subscription unread = subscribed(writer, "flood");
    const std::string payload(100'000, 'f');
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(flood.publish("flood", payload));
    ASSERT_TRUE(flood.flush(long_enough));
    {
        const client::burst_scope burst = writer.burst();
        for (int i = 0; i < 1000; ++i) ASSERT_TRUE(writer.publish("c", std::to_string(i)));
    }
    writer.close();
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(next_payload(sub), std::to_string(i));
}

TEST_P(closing, is_idempotent_and_every_call_says_so_afterwards) {
    client nc = connect();
    subscription sub = subscribed(nc, "c");
    int closed = 0;
    nc.on_event([&closed](const event& e) {
        if (const auto* c = std::get_if<ev::closed>(&e)) {
            EXPECT_EQ(c->why->code(), errc::connection_closed);
            ++closed;
        }
    });
    nc.close();
    nc.close();
    EXPECT_EQ(closed, 1);
    EXPECT_EQ(nc.status(), session_status::closed);
    EXPECT_EQ(nc.fd(), -1);
    EXPECT_EQ(code_of(nc.publish("c")), errc::connection_closed);
    EXPECT_EQ(code_of(nc.subscribe("c")), errc::connection_closed);
    EXPECT_EQ(code_of(nc.flush()), errc::connection_closed);
    EXPECT_EQ(code_of(nc.request("c")), errc::connection_closed);
    EXPECT_EQ(code_of(nc.poll()), errc::connection_closed);
    EXPECT_EQ(code_of(nc.run_for(long_enough)), errc::connection_closed);
    EXPECT_EQ(code_of(sub.next(long_enough)), errc::connection_closed);
    EXPECT_FALSE(sub.valid());
    EXPECT_FALSE(sub.unsubscribe());
    EXPECT_EQ(closed, 1);
}

TEST_P(closing, from_inside_a_handler) {
    client nc = connect();
    int calls = 0;
    const subscription sub = nc.subscribe("c", [&](const message_view&) {
                                   ++calls;
                                   nc.close();
                               }).value();
    ASSERT_TRUE(nc.publish("c"));
    ASSERT_TRUE(nc.publish("c"));
    EXPECT_EQ(code_of(nc.flush()), errc::connection_closed);
    EXPECT_GE(calls, 1);
    EXPECT_LE(calls, through_asio ? 2 : 1); // closing writes first what is queued
}

TEST_P(closing, subscriptions_and_replies_may_outlive_the_client) {
    std::optional<client> nc = connect();
    subscription sub = subscribed(*nc, "c");
    subscription other = subscribed(*nc, "other");
    replies many = nc->request_many("other", {}, {.timeout = long_enough}).value();
    ASSERT_TRUE(nc->publish("c", "received before"));
    ASSERT_TRUE(nc->flush());
    nc.reset();
    EXPECT_EQ(next_payload(sub), "received before");
    EXPECT_EQ(code_of(sub.next(long_enough)), errc::connection_closed);
    EXPECT_EQ(code_of(many.next()), errc::connection_closed);
    EXPECT_FALSE(sub.unsubscribe());
}

// --- the server ends it

class server_ends : public server_test {
protected:
    /// Ends a suspended server while `call` waits; the error that comes out.
    template <class Call>
    static errc end_of(nats_server& server, Call call) {
        const pid_t waiting = this_thread();
        std::thread ends([&server, waiting] {
            (void)wait_until([waiting] { return is_asleep(waiting); }, long_enough);
            server.kill();
        });
        const stopwatch watch;
        const errc code = code_of(call());
        EXPECT_LT(watch.elapsed(), at_once);
        ends.join();
        return code;
    }
    /// It may be a reset, if the server had not read everything.
    static void expect_end(errc code) {
        EXPECT_TRUE(code == errc::eof || code == errc::io_error) << describe(code);
    }
};
NATSPROTO_ON_EVERY_SERVER(server_ends);

TEST_P(server_ends, while_next_waits) {
    nats_server& server = start();
    client nc = connect({.reconnect = false});
    subscription sub = subscribed(nc, "s");
    EXPECT_EQ(end_of(server, [&] { return sub.next(long_enough); }), errc::eof);
    EXPECT_EQ(nc.status(), session_status::closed);
    EXPECT_EQ(code_of(sub.next(long_enough)), errc::eof); // and again
    EXPECT_EQ(code_of(nc.publish("s")), errc::connection_closed);
}

TEST_P(server_ends, while_a_flush_waits) {
    nats_server& server = start();
    client nc = connect({.reconnect = false});
    server.suspend();
    expect_end(end_of(server, [&] { return nc.flush(long_enough); }));
}

TEST_P(server_ends, while_a_request_waits) {
    nats_server& server = start();
    client nc = connect({.reconnect = false});
    server.suspend();
    expect_end(end_of(server, [&] { return nc.request("r", {}, long_enough); }));
}

TEST_P(server_ends, while_replies_are_awaited) {
    nats_server& server = start();
    client nc = connect({.reconnect = false});
    const subscription silent = subscribed(nc, "silent");
    replies r = nc.request_many("silent", {}, {.timeout = long_enough}).value();
    ASSERT_TRUE(nc.flush());
    EXPECT_EQ(end_of(server, [&] { return r.next(); }), errc::eof);
}

TEST_P(server_ends, while_a_publish_waits_for_room) {
    nats_server& server = start();
    options o{.reconnect = false};
    o.bounds.max_output_bytes = 100'000;
    client nc = connect(o, {.write_timeout = long_enough});
    server.suspend();
    const std::string payload(50'000, 'p');
    while (nc.buffered() < 100'000) ASSERT_TRUE(nc.publish("x", payload));
    expect_end(end_of(server, [&] { return nc.publish("x", payload); }));
}

TEST_P(server_ends, while_polling) {
    nats_server& server = start();
    client nc = connect({.reconnect = false});
    EXPECT_EQ(end_of(server, [&] { return nc.run_for(long_enough); }), errc::eof);
    EXPECT_EQ(code_of(nc.poll(long_enough)), errc::eof);
}

TEST_P(server_ends, what_had_come_before_is_still_delivered) {
    nats_server& server = start();
    client nc = connect({.reconnect = false});
    client other = connect();
    subscription queued = subscribed(nc, "queued");
    subscription unread = subscribed(nc, "unread");
    std::string handled;
    const subscription handler =
        nc.subscribe("handled", [&](const message_view& m) { handled += m.payload; }).value();
    ASSERT_TRUE(other.publish("queued", "q"));
    ASSERT_TRUE(other.flush());
    ASSERT_TRUE(nc.flush());
    const std::string large(100'000, 'l');
    for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(other.publish("unread", std::to_string(i)));
        ASSERT_TRUE(other.publish("handled", "h"));
    }
    ASSERT_TRUE(other.publish("unread", large));
    ASSERT_TRUE(other.flush());
    server.stop();
    for (int i = 0; i < 100; ++i) ASSERT_EQ(next_payload(unread), std::to_string(i));
    EXPECT_EQ(next_payload(unread), large);
    EXPECT_EQ(code_of(unread.next(long_enough)), errc::eof);
    EXPECT_EQ(next_payload(queued), "q");
    EXPECT_EQ(code_of(queued.next(long_enough)), errc::eof);
    EXPECT_EQ(handled, std::string(100, 'h'));
}

TEST_P(server_ends, lame_duck_is_told_and_the_connection_used_on) {
    nats_server& server = start();
    client nc = connect({.reconnect = false});
    bool told = false;
    nc.on_event([&told](const event& e) {
        if (const auto* info = std::get_if<ev::info>(&e)) told = told || info->info->lame_duck;
    });
    subscription sub = subscribed(nc, "ldm");
    EXPECT_FALSE(told);
    server.retire();
    EXPECT_TRUE(wait_until([&] { return !nc.poll(10ms) || told; }, long_enough));
    EXPECT_TRUE(told);
    ASSERT_TRUE(nc.publish("ldm", "still works"));
    EXPECT_EQ(next_payload(sub), "still works");
}

} // namespace
} // namespace nats::test

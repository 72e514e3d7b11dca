// SPDX-License-Identifier: Apache-2.0
//
// Proves what happens when the server reads slowly or not at all: every byte still leaves once and
// in order, also of payloads that were borrowed and changed afterwards; output is bounded; a
// publish then waits, and gives up in time.

#include "integration/raw_server.hpp"
#include "integration/server_test.hpp"

#include <optional>
#include <string>
#include <thread>

#include <linux/sockios.h>
#include <sys/ioctl.h>

namespace nats::test {
namespace {

/// A payload that no other number and no other place has.
std::string pattern(std::size_t number, std::size_t size) {
    std::string out(size, ' ');
    for (std::size_t i = 0; i < size; ++i)
        out[i] = static_cast<char>((i * 131 + number * 17 + i / 251) & 0xFFU);
    return out;
}

class slow_server : public server_test {};
NATSPROTO_ON_EVERY_SERVER(slow_server);

TEST_P(slow_server, large_payloads_are_intact_although_their_buffer_is_used_again) {
    nats_server& server = start();
    client writer = connect();
    client reader = connect();
    subscription sub = subscribed(reader, "big");
    server.suspend();
    constexpr std::size_t size = 1024 * 1024;
    std::string buffer;
    std::size_t count = 0;
    for (; writer.buffered() < 3 * size; ++count) {
        buffer = pattern(count, size);
        ASSERT_TRUE(writer.publish("big", buffer));
        buffer.assign(size, 'X');
        ASSERT_TRUE(writer.publish("big", std::to_string(count)));
    }
    server.resume();
    ASSERT_TRUE(writer.flush(long_enough));
    EXPECT_EQ(writer.buffered(), 0U);
    for (std::size_t i = 0; i < count; ++i) {
        ASSERT_TRUE(sub.next(long_enough).value().payload() == pattern(i, size)) << i;
        ASSERT_EQ(next_payload(sub), std::to_string(i));
    }
}

TEST_P(slow_server, a_full_output_waits_until_there_is_room) {
    nats_server& server = start();
    options o;
    o.bounds.max_output_bytes = 200'000;
    client writer = connect(o, {.write_timeout = long_enough});
    client reader = connect();
    subscription sub = subscribed(reader, "full");
    server.suspend();
    std::size_t count = 0;
    for (; writer.buffered() < 200'000; ++count)
        ASSERT_TRUE(writer.publish("full", pattern(count, 30'000)));
    std::thread later([&server] { server.resume(); });
    for (const std::size_t end = count + 20; count < end; ++count)
        EXPECT_TRUE(writer.publish("full", pattern(count, 30'000)));
    later.join();
    ASSERT_TRUE(writer.flush(long_enough));
    for (std::size_t i = 0; i < count; ++i)
        ASSERT_TRUE(sub.next(long_enough).value().payload() == pattern(i, 30'000)) << i;
}

TEST_P(slow_server, answers_to_views_survive_the_wait_for_room) {
    nats_server& server = start();
    options o;
    o.bounds.max_output_bytes = 100'000;
    client nc = connect(o, {.write_timeout = long_enough});
    client other = connect();
    subscription asked = subscribed(nc, "ask");
    subscription answers = subscribed(other, "answers");
    const std::string question = pattern(1, 3000);
    headers h;
    ASSERT_TRUE(h.set("Key", "value"));
    for (int i = 0; i < 30; ++i) // what is read while the answer waits
        ASSERT_TRUE(other.publish("ask", question, {.reply = "answers", .headers = h}));
    ASSERT_TRUE(other.flush());
    const message_view view = asked.next_view(long_enough).value();
    server.suspend();
    while (nc.buffered() < 100'000) ASSERT_TRUE(nc.publish("elsewhere", pattern(2, 50'000)));
    std::thread later([&server] { server.resume(); });
    EXPECT_TRUE(nc.respond(view, view.payload, view.headers));
    later.join();
    ASSERT_TRUE(nc.flush(long_enough));
    const message answer = answers.next(long_enough).value();
    EXPECT_TRUE(answer.payload() == question);
    EXPECT_EQ(answer.headers().get("Key"), "value");
}

TEST_P(slow_server, flush_and_request_wait_for_room_too) {
    nats_server& server = start();
    options o;
    o.bounds.max_output_bytes = 100'000;
    client nc = connect(o);
    const auto fill = [&] {
        server.suspend();
        while (nc.buffered() < 100'000) ASSERT_TRUE(nc.publish("x", pattern(1, 50'000)));
    };
    fill();
    EXPECT_EQ(code_of(nc.flush(50ms)), errc::timeout);
    EXPECT_EQ(code_of(nc.request("nobody", {}, 50ms)), errc::timeout);
    server.resume();
    EXPECT_TRUE(nc.flush(long_enough));
    fill();
    server.resume();
    EXPECT_EQ(code_of(nc.request("nobody", {}, long_enough)), errc::no_responders);
}

// --- a server that reads nothing, or what it likes

TEST(no_reader, a_publish_gives_up_after_the_write_timeout_and_the_connection_goes_on) {
    flag tested;
    raw_server server([&](raw_peer& peer) {
        peer.shake_hands();
        peer.wait_for(tested);
        while (peer.read_line() != "PING") continue;
        peer.send("PONG\r\n");
        peer.wait_for_close();
    });
    const std::string url = server.url();
    options o;
    o.servers = url;
    o.bounds.max_output_bytes = 256 * 1024;
    client nc = client::connect(o, {.write_timeout = 100ms}).value();
    const std::string payload(64 * 1024, 'p');
    stopwatch watch;
    result<void> published;
    while (published && watch.elapsed() < long_enough) {
        watch = stopwatch();
        published = nc.publish("x", payload);
    }
    EXPECT_EQ(code_of(published), errc::timeout);
    EXPECT_GE(watch.elapsed(), 100ms);
    EXPECT_LT(watch.elapsed(), at_once);
    EXPECT_LE(nc.buffered(), 256 * 1024 + payload.size() + 64);
    EXPECT_EQ(nc.status(), session_status::connected);
    tested.raise();
    EXPECT_TRUE(nc.flush(long_enough));
    EXPECT_TRUE(nc.publish("x", payload));
    nc.close();
    EXPECT_EQ(server.outcome(), "");
}

#ifndef NATSPROTO_TEST_ON_ASIO // it asks the kernel about the socket

TEST(no_reader, a_publish_goes_on_as_soon_as_there_is_room) {
    flag read;
    const auto says_nothing = [&](raw_peer& peer) {
        peer.shake_hands();
        peer.wait_for(read);
        peer.wait_for_close();
    };
    const raw_server server(says_nothing, 4096);
    const std::string url = server.url();
    options o;
    o.servers = url;
    o.ping_interval = 2 * at_once; // nothing else wakes it before that
    o.bounds.max_output_bytes = 100'000;
    client nc = client::connect(o, {.write_timeout = long_enough}).value();
    const std::string payload(50'000, 'p');
    while (nc.buffered() < 100'000) ASSERT_TRUE(nc.publish("x", payload));
    read.raise();
    const auto emptied = [fd = nc.fd()] { // all that the kernel had was taken
        int unsent = 0;
        return ::ioctl(fd, SIOCOUTQ, &unsent) == 0 && unsent == 0;
    };
    ASSERT_TRUE(wait_until(emptied, long_enough));
    const stopwatch watch;
    EXPECT_TRUE(nc.publish("x", payload));
    EXPECT_LT(watch.elapsed(), at_once);
}

#endif

TEST(no_reader, close_gives_up_after_the_write_timeout) {
    const raw_server server([](raw_peer& peer) {
        peer.shake_hands();
        flag never;
        peer.wait_for(never);
    });
    client nc = client::connect(server.url(), {.write_timeout = 100ms}).value();
    const std::string payload(1024 * 1024, 'p');
    while (nc.buffered() == 0) ASSERT_TRUE(nc.publish("x", payload));
    const stopwatch watch;
    nc.close();
    EXPECT_GE(watch.elapsed(), 100ms);
    EXPECT_LT(watch.elapsed(), at_once);
    EXPECT_EQ(nc.status(), session_status::closed);
}

TEST(no_reader, a_write_timeout_must_be_positive) {
    for (const duration bad : {duration(0s), duration(-1s)}) {
        EXPECT_EQ(code_of(client::connect("127.0.0.1:1", {.write_timeout = bad})),
                  errc::invalid_argument);
    }
}

TEST(exact_bytes, leave_once_and_in_order_through_partial_writes) {
    std::string expected;
    std::string got;
    flag blocked;
    raw_server server([&](raw_peer& peer) {
        peer.shake_hands();
        peer.wait_for(blocked);
        got = peer.read_to_end();
    });
    {
        client nc = client::connect(server.url()).value();
        for (std::size_t i = 0; i < 400; ++i) {
            const std::size_t size = i * i % 90'000; // around every threshold
            const std::string payload = pattern(i, size);
            expected += "PUB s." + std::to_string(i) + ' ' + std::to_string(size) + "\r\n" +
                        payload + "\r\n";
            std::optional<client::burst_scope> burst;
            if (i % 3 == 0) burst.emplace(nc.burst());
            ASSERT_TRUE(nc.publish("s." + std::to_string(i), payload));
        }
        EXPECT_GT(nc.buffered(), 0U); // so there were partial writes
        blocked.raise();
    }
    ASSERT_EQ(server.outcome(), "");
    EXPECT_EQ(got.size(), expected.size());
    EXPECT_TRUE(got == expected);
}

} // namespace
} // namespace nats::test

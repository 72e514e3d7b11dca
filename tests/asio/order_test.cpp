// SPDX-License-Identifier: Apache-2.0
//
// Proves that operations of the Asio client complete in the order in which what they wait for has
// come, also those that end as they begin, and however many there are.

#include <natsproto/asio/client.hpp>

#include "asio/asio_world.hpp"

#include <gtest/gtest.h>

#include <boost/asio/bind_executor.hpp>

#include <functional>
#include <numeric>
#include <string>
#include <vector>

namespace nats::test {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

class asio_order : public testing::Test {
protected:
    asio_order() {
        EXPECT_FALSE(w.outcome(nc.connect(broker.url())));
        echo = nc.subscribe("echo", [this](const message_view& m) {
                     EXPECT_TRUE(nc.respond(m, m.payload));
                 }).value();
    }
    /// A handler that writes a name down, or that it has failed.
    [[nodiscard]] auto noting(std::string name) {
        return [this, name = std::move(name)](error_code ec, auto&&...) {
            order.push_back(ec ? name + ": " + ec.message() : name);
        };
    }
    [[nodiscard]] auto noting_payload() {
        return [this](error_code ec, const message& m) {
            order.push_back(ec ? ec.message() : std::string(m.payload()));
        };
    }
    void publish_numbers(aio::client& from, int begin, int end) {
        for (int i = begin; i < end; ++i) EXPECT_TRUE(from.publish("n", std::to_string(i)));
    }
    [[nodiscard]] static std::vector<std::string> numbers(int end) {
        std::vector<std::string> all;
        for (int i = 0; i < end; ++i) all.push_back(std::to_string(i));
        return all;
    }
    [[nodiscard]] bool until_noted(std::size_t n) {
        return w.until([this, n] { return order.size() >= n; });
    }

    using names = std::vector<std::string>;
    asio_world w;
    tcp_broker& broker = w.serve();
    aio::client nc{w.io};
    aio::subscription echo;
    names order;
};

TEST_F(asio_order, requests_are_answered_in_order) {
    for (int i = 0; i < 50; ++i) nc.request("echo", std::to_string(i), {}, noting_payload());
    ASSERT_TRUE(until_noted(50));
    EXPECT_EQ(order, numbers(50));
}

TEST_F(asio_order, what_comes_later_ends_later) {
    aio::client other(w.io);
    ASSERT_FALSE(w.outcome(other.connect(broker.url())));
    const aio::subscription slow = other.subscribe("slow").value();
    std::string reply_to;
    const aio::subscription held =
        other.subscribe("held", [&](const message_view& m) { reply_to = std::string(m.reply); })
            .value();
    ASSERT_FALSE(w.outcome(other.flush()));
    nc.request("held", "x", {}, noting("first"));
    nc.request("echo", "x", {}, noting("second"));
    ASSERT_TRUE(until_noted(1));
    ASSERT_TRUE(w.until([&] { return !reply_to.empty(); }));
    ASSERT_TRUE(other.publish(reply_to));
    ASSERT_TRUE(until_noted(2));
    EXPECT_EQ(order, (names{"second", "first"}));
}

TEST_F(asio_order, several_flushes) {
    for (int i = 0; i < 10; ++i) nc.flush({}, noting(std::to_string(i)));
    ASSERT_TRUE(until_noted(10));
    EXPECT_EQ(order, numbers(10));
}

TEST_F(asio_order, next_and_request_as_sent) {
    aio::subscription sub = nc.subscribe("n").value();
    sub.next({}, noting("next"));
    EXPECT_TRUE(nc.publish("n"));
    nc.request("echo", "x", {}, noting("request"));
    nc.flush({}, noting("flush"));
    ASSERT_TRUE(until_noted(3));
    // The echo comes back after the PONG: it is sent when the request has come.
    EXPECT_EQ(order, (names{"next", "flush", "request"}));

    order.clear();
    sub.next({}, noting("next"));
    nc.request("echo", "x", {}, [this](error_code, const message&) {
        order.emplace_back("request");
        EXPECT_TRUE(nc.publish("n"));
    });
    ASSERT_TRUE(until_noted(2));
    EXPECT_EQ(order, (names{"request", "next"}));
}

TEST_F(asio_order, handlers_with_another_executor) {
    asio::io_context other;
    aio::subscription sub = nc.subscribe("n").value();
    const auto there = [&](auto handler) {
        return asio::bind_executor(other.get_executor(), std::move(handler));
    };
    sub.next({}, there(noting("next")));
    EXPECT_TRUE(nc.publish("n"));
    nc.flush({}, there(noting("flush")));
    nc.request("echo", "x", {}, there(noting("request")));
    ASSERT_TRUE(w.until([&] {
        (void)other.poll();
        return order.size() == 3;
    }));
    EXPECT_EQ(order, (names{"next", "flush", "request"}));
}

TEST_F(asio_order, refused_ones_end_in_the_order_of_their_start) {
    for (int i = 0; i < 300; ++i) nc.flush({.timeout = 0s}, noting(std::to_string(i)));
    ASSERT_TRUE(until_noted(300));
    for (int i = 0; i < 300; ++i)
        EXPECT_TRUE(order.at(static_cast<std::size_t>(i)).starts_with(std::to_string(i) + ":"));
}

/// Queued messages are taken at once, the last `next` waits for one that is on its way already.
TEST_F(asio_order, messages_that_are_there_before_one_that_comes) {
    aio::subscription sub = nc.subscribe("n").value();
    publish_numbers(nc, 0, 3);
    ASSERT_FALSE(w.outcome(nc.flush()));
    publish_numbers(nc, 3, 4);
    w.settle(); // nothing reads while nobody turns
    EXPECT_EQ(sub.queue().pending_messages(), 4U);
    aio::client other(w.io);
    ASSERT_FALSE(w.outcome(other.connect(broker.url())));
    publish_numbers(other, 4, 5);
    while (w.io.poll() != 0) {} // it is with the broker
    (void)broker.poll(0ms).value();
    (void)broker.poll(0ms).value(); // and in the client's socket, unread
    for (int i = 0; i < 5; ++i) sub.next({}, noting_payload());
    ASSERT_TRUE(until_noted(5));
    EXPECT_EQ(order, numbers(5));
}

/// The same from a handler inside of a turn, with more than a turn delivers at once, and an event
/// of the same read that ends one more.
TEST_F(asio_order, more_than_a_turn_delivers_before_what_the_turn_brings) {
    constexpr int queued = 200, more = 10;
    aio::subscription sub = nc.subscribe("n").value();
    publish_numbers(nc, 0, queued);
    nc.flush({}, [&](error_code ec, duration) {
        EXPECT_FALSE(ec);
        EXPECT_EQ(sub.queue().pending_messages(), static_cast<std::size_t>(queued));
        for (int i = 0; i <= queued; ++i) sub.next({}, noting_payload());
    });
    publish_numbers(nc, queued, queued + more); // come right behind the PONG
    ASSERT_TRUE(until_noted(queued + 1));
    EXPECT_EQ(order, numbers(queued + 1));
}

TEST_F(asio_order, those_that_have_ended_come_before_those_that_the_clients_end_aborts) {
    aio::subscription sub = nc.subscribe("n").value();
    publish_numbers(nc, 0, 1);
    ASSERT_FALSE(w.outcome(nc.flush()));
    nc.flush({}, noting("flush"));
    sub.next({}, noting("next"));
    {
        const aio::client gone(std::move(nc));
    }
    EXPECT_TRUE(order.empty());
    ASSERT_TRUE(until_noted(2));
    EXPECT_EQ(order.at(0), "next");
    EXPECT_TRUE(order.at(1).starts_with("flush: ")) << order.at(1);
}

} // namespace
} // namespace nats::test

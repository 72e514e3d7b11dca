// SPDX-License-Identifier: Apache-2.0
//
// Proves that what a handler of the user's throws leaves `io_context::run`, and that the next `run`
// goes on where that one was: every message comes, and none twice.

#include <natsproto/asio/client.hpp>
#include <natsproto/client/ops.hpp>

#include "asio/asio_world.hpp"

#include <gtest/gtest.h>

#include <boost/asio/bind_executor.hpp>

#include <functional>
#include <string>
#include <vector>

namespace nats::test {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

struct mine {};

op<result<int>> throws_at_once(runtime&) {
    throw mine();
    co_return 1;
}
op<result<int>> throws_after_flush(runtime& rt) {
    result<duration> r = co_await ops::flush(rt, no_deadline);
    EXPECT_TRUE(r);
    throw mine();
}

class asio_exception : public testing::TestWithParam<bool> {
protected:
    asio_exception() { EXPECT_FALSE(w.outcome(nc.connect(broker.url()))); }

    /// Lets everything go on until `holds`, and counts what is thrown.
    [[nodiscard]] bool until(const std::function<bool()>& holds) {
        const time_point deadline = clock::now() + asio_world::patience;
        while (clock::now() < deadline) {
            try {
                return w.until(holds, deadline - clock::now());
            } catch (const mine&) {
                ++thrown;
            }
        }
        return false;
    }
    void publish_numbers(int end) {
        for (int i = 0; i < end; ++i) EXPECT_TRUE(nc.publish("n", std::to_string(i)));
    }
    [[nodiscard]] static std::vector<std::string> numbers(int end) {
        std::vector<std::string> all;
        for (int i = 0; i < end; ++i) all.push_back(std::to_string(i));
        return all;
    }
    /// Nothing is thrown any more, and the client works.
    void expect_usable() {
        const int before = thrown;
        bool flushed = false;
        nc.flush({}, [&](error_code ec, duration) { flushed = !ec; });
        EXPECT_TRUE(until([&] { return flushed; }));
        w.settle();
        EXPECT_EQ(thrown, before);
    }

    asio_world w;
    tcp_broker& broker = w.serve();
    aio::client nc{w.io, {.serial = GetParam()}};
    int thrown = 0;
    std::vector<std::string> got;
};

INSTANTIATE_TEST_SUITE_P(on, asio_exception, testing::Bool(), [](const auto& of) {
    return std::string(of.param ? "a_serial_executor" : "a_strand");
});

TEST_P(asio_exception, message_handlers) {
    constexpr int n = 100;
    const aio::subscription sub = nc.subscribe("n", [this](const message_view& m) {
                                        got.emplace_back(m.payload);
                                        throw mine();
                                    }).value();
    publish_numbers(n);
    ASSERT_TRUE(until([&] { return got.size() == n && thrown == n; }));
    expect_usable();
    EXPECT_EQ(got, numbers(n));
    EXPECT_EQ(sub.queue().pending_messages(), 0U);
}

TEST_P(asio_exception, completion_handlers) {
    constexpr int n = 100;
    aio::subscription sub = nc.subscribe("n").value();
    std::function<void()> read = [&] {
        sub.next({}, [&](error_code ec, const message& m) {
            EXPECT_FALSE(ec) << ec.message();
            got.emplace_back(m.payload());
            read();
            throw mine();
        });
    };
    read();
    publish_numbers(n);
    ASSERT_TRUE(until([&] { return got.size() == n && thrown == n; }));
    expect_usable();
    EXPECT_EQ(got, numbers(n));
}

TEST_P(asio_exception, several_handlers_of_one_read) {
    int ended = 0;
    for (int i = 0; i < 20; ++i) {
        nc.flush({}, [&](error_code ec, duration) {
            EXPECT_FALSE(ec);
            ++ended;
            throw mine();
        });
    }
    ASSERT_TRUE(until([&] { return ended == 20 && thrown == 20; }));
    expect_usable();
    EXPECT_EQ(ended, 20);
}

TEST_P(asio_exception, handlers_of_what_ends_as_it_begins) {
    int ended = 0;
    for (int i = 0; i < 20; ++i) {
        nc.flush({.timeout = 0s}, [&](error_code ec, duration) {
            EXPECT_EQ(ec, errc::invalid_argument);
            ++ended;
            throw mine();
        });
    }
    ASSERT_TRUE(until([&] { return ended == 20 && thrown == 20; }));
    expect_usable();
    EXPECT_EQ(ended, 20);
}

TEST_P(asio_exception, handlers_of_timeouts) {
    aio::subscription sub = nc.subscribe("empty").value();
    int ended = 0;
    for (int i = 0; i < 3; ++i) {
        nc.request("empty", "x", {.timeout = 1ms}, [&](error_code ec, const message&) {
            EXPECT_EQ(ec, errc::timeout);
            ++ended;
            throw mine();
        });
    }
    ASSERT_TRUE(until([&] { return ended == 3 && thrown == 3; }));
    expect_usable();
    EXPECT_EQ(ended, 3);
}

TEST_P(asio_exception, handlers_on_another_executor) {
    asio::io_context other;
    bool ended = false;
    nc.flush({}, asio::bind_executor(other.get_executor(), [&](error_code, duration) {
                 ended = true;
                 throw mine();
             }));
    ASSERT_TRUE(until([&] {
        (void)other.poll();
        return ended;
    }));
    EXPECT_EQ(thrown, 1);
    expect_usable();
}

TEST_P(asio_exception, the_observer) {
    constexpr int n = 3;
    int disconnected = 0, connected = 0;
    nc.on_event([&](const event& e) {
        if (std::holds_alternative<ev::disconnected>(e)) ++disconnected;
        if (std::holds_alternative<ev::connected>(e)) ++connected;
        throw mine();
    });
    for (int i = 0; i < n; ++i) {
        ASSERT_TRUE(nc.force_reconnect());
        ASSERT_TRUE(until([&] { return connected == i + 1; }));
    }
    EXPECT_EQ(disconnected, n);
    EXPECT_EQ(nc.stats().reconnects, static_cast<std::uint64_t>(n));
    EXPECT_GE(thrown, 2 * n - 1);
    w.settle();
    nc.on_event({});
    expect_usable();
}

TEST_P(asio_exception, the_observer_takes_no_message_with_it) {
    constexpr int n = 50;
    const aio::subscription sub =
        nc.subscribe("n", [this](const message_view& m) {
              got.emplace_back(m.payload);
          }).value();
    const aio::subscription slow =
        nc.subscribe("n", {.pending = pending_limits{.messages = 1}}).value();
    nc.on_event([](const event&) { throw mine(); });
    publish_numbers(n);
    ASSERT_TRUE(until([&] { return got.size() == n && thrown > 0; }));
    nc.on_event({});
    expect_usable();
    EXPECT_EQ(got, numbers(n));
    EXPECT_EQ(slow.queue().pending_messages(), 1U);
}

TEST_P(asio_exception, the_end_of_a_subscription) {
    aio::subscription sub = nc.subscribe("n").value();
    int ended = 0;
    sub.on_end([&](const error&) {
        ++ended;
        throw mine();
    });
    ASSERT_TRUE(sub.drain());
    ASSERT_TRUE(until([&] { return ended == 1 && thrown == 1; }));
    expect_usable();
    EXPECT_EQ(ended, 1);
}

/// There is no result, so the handler is not called.
TEST_P(asio_exception, ops_of_the_users) {
    int called = 0;
    nc.run(throws_at_once(*nc.rt()), [&](error_code, int) { ++called; });
    ASSERT_TRUE(until([&] { return thrown == 1; }));
    nc.run(throws_after_flush(*nc.rt()), [&](error_code, int) { ++called; });
    const aio::subscription sub = nc.subscribe("n", [this](const message_view& m) {
                                        got.emplace_back(m.payload);
                                    }).value();
    publish_numbers(10);
    ASSERT_TRUE(until([&] { return thrown == 2 && got.size() == 10; }));
    expect_usable();
    EXPECT_EQ(called, 0);
    EXPECT_EQ(got, numbers(10));
}

/// What was queued before it threw is written.
TEST_P(asio_exception, what_a_handler_has_queued) {
    const aio::subscription sub = nc.subscribe("n", [this](const message_view& m) {
                                        got.emplace_back(m.payload);
                                    }).value();
    nc.flush({}, [&](error_code, duration) {
        publish_numbers(10);
        throw mine();
    });
    ASSERT_TRUE(until([&] { return got.size() == 10; }));
    EXPECT_EQ(thrown, 1);
    EXPECT_EQ(got, numbers(10));
}

} // namespace
} // namespace nats::test

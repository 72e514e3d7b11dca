// SPDX-License-Identifier: Apache-2.0
//
// Proves publishing from other threads: the order of each of them, flush that covers it, the limit,
// what is refused, and the end of the client.
//
// Nothing waits without an end, and nothing waits for time to pass. ThreadSanitizer looks at these
// tests (tsan/), and there they do less of the same.

#include <natsproto/asio/client.hpp>
#include <natsproto/tcp/tcp_broker.hpp>

#include "asio/threads.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <sys/resource.h>

namespace nats::test {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using namespace threads; // NOLINT(google-build-using-namespace): made for this

class asio_publisher : public testing::Test {
protected:
    /// Has two threads run the context until the client has connected. Then nobody runs it.
    void connect(const options& o) {
        const crew threads(io, 2);
        EXPECT_FALSE(ended(nc.connect(o)));
        io.stop();
    }
    /// Publishes until that fails, with output_full: how many were taken.
    [[nodiscard]] int fill(std::size_t thread, std::size_t size) const {
        const aio::publisher p = nc.get_publisher();
        for (int n = 0;; ++n) {
            const result<void> ok = p.publish(subject_of(thread), numbered(n, size));
            if (ok) continue;
            EXPECT_EQ(ok.error(), errc::output_full);
            return n;
        }
    }

    server s;
    std::string url = s.url();
    tally arrived;
    asio::io_context io{static_cast<int>(thread_count)};
    aio::client nc{io};
};

TEST_F(asio_publisher, keeps_the_order_of_each_thread_and_flush_covers_it) {
    s.count_into(arrived, "from.*");
    {
        const crew threads(io);
        EXPECT_FALSE(ended(nc.connect(url)));
        in_threads([&](std::size_t thread) {
            const aio::publisher p = nc.get_publisher();
            for (int n = 0; n < publishes; ++n) {
                ASSERT_TRUE(p.publish(subject_of(thread), numbered(n)));
                if (n % 100 != 99) continue;
                ASSERT_FALSE(ended(nc.flush({.timeout = patience})));
                ASSERT_EQ(arrived.seen.at(thread), n + 1) << "flush came too early";
            }
        });
        EXPECT_FALSE(ended(nc.close()));
    }
    EXPECT_EQ(arrived.misplaced, 0);
}

TEST_F(asio_publisher, is_full_while_nobody_runs_the_client) {
    constexpr std::size_t limit = 10'000;
    s.count_into(arrived, "from.*");
    connect({.servers = url, .bounds = {.max_output_bytes = limit}});
    std::array<int, thread_count> taken{};
    in_threads([&](std::size_t thread) { taken.at(thread) = fill(thread, 100); });
    const std::size_t waiting = nc.get_publisher().waiting();
    EXPECT_GE(waiting, limit);
    EXPECT_LT(waiting, limit + 200) << "more than one was taken beyond the limit";
    io.restart();
    {
        const crew threads(io);
        EXPECT_FALSE(ended(nc.flush({.timeout = patience})));
        EXPECT_EQ(nc.get_publisher().waiting(), 0U);
        for (std::size_t i = 0; i < thread_count; ++i)
            EXPECT_EQ(arrived.seen.at(i), taken.at(i)) << i;
        EXPECT_TRUE(nc.get_publisher().publish("there.is", "room")) << "it stays full";
        EXPECT_FALSE(ended(nc.close()));
    }
    EXPECT_EQ(arrived.misplaced, 0);
}

TEST_F(asio_publisher, is_full_while_the_server_does_not_read) {
    constexpr std::size_t limit = 50'000;
    s.count_into(arrived, "from.*");
    const crew threads(io);
    ASSERT_FALSE(ended(nc.connect({.servers = url, .bounds = {.max_output_bytes = limit}})));
    const auto hold_until = [&](duration from_now) {
        s.with([&](broker& b, time_point now) { b.hold(b.clients().at(0).id, now + from_now); });
    };
    hold_until(1h);
    // It may be full for a moment only; in the end both this queue and the client's are.
    const aio::publisher p = nc.get_publisher();
    const time_point deadline = clock::now() + patience;
    int n = 0;
    while (clock::now() < deadline) {
        const result<void> ok = p.publish(subject_of(0), numbered(n, 10'000));
        if (ok) {
            ++n;
            continue;
        }
        ASSERT_EQ(ok.error(), errc::output_full);
        const auto unwritten = [this] { return nc.buffered(); };
        if (on(nc.get_executor(), unwritten) >= limit && p.waiting() >= limit) break;
    }
    EXPECT_GE(p.waiting(), limit);
    hold_until(0s);
    EXPECT_FALSE(ended(nc.flush({.timeout = patience})));
    EXPECT_EQ(arrived.seen.at(0), n);
    EXPECT_EQ(arrived.misplaced, 0);
    EXPECT_FALSE(ended(nc.close()));
}

TEST_F(asio_publisher, says_what_is_wrong) {
    const aio::publisher p = nc.get_publisher();
    EXPECT_EQ(p.publish("a", "b").error(), errc::not_connected);
    {
        const crew threads(io);
        EXPECT_FALSE(ended(nc.connect(url)));
        in_threads([&](std::size_t) {
            EXPECT_TRUE(p.publish("a", "b"));
            EXPECT_EQ(p.publish("a b", "c").error(), errc::invalid_subject);
            EXPECT_EQ(p.publish("a.*", "c").error(), errc::invalid_subject);
            EXPECT_EQ(p.publish("a", "b", {.reply = "c.>"}).error(), errc::invalid_subject);
            EXPECT_EQ(p.publish("a", std::string(1024UL * 1024 + 1, 'x')).error(),
                      errc::payload_too_large);
        });
        EXPECT_FALSE(ended(nc.close()));
    }
    EXPECT_EQ(p.publish("a", "b").error(), errc::connection_closed);
}

TEST_F(asio_publisher, outlives_a_client_that_has_not_connected) {
    std::optional<aio::client> short_lived(std::in_place, io);
    const aio::publisher p = short_lived->get_publisher();
    short_lived.reset();
    EXPECT_EQ(p.publish("a", "b").error(), errc::connection_closed);
}

TEST_F(asio_publisher, goes_on_until_the_client_is_destroyed) {
    std::optional<aio::client> short_lived(std::in_place, io);
    const crew threads(io);
    ASSERT_FALSE(ended(short_lived->connect(url)));
    const aio::publisher original = short_lived->get_publisher();
    const asio::any_io_executor ex = short_lived->get_executor();
    std::atomic<int> published = 0;
    in_threads([&](std::size_t) {
        const aio::publisher p = original;
        const time_point deadline = clock::now() + patience;
        result<void> ok;
        while (clock::now() < deadline) {
            ok = p.publish("a", "b");
            if (!ok && ok.error() != errc::output_full) break;
            if (ok && ++published == publishes) asio::post(ex, [&] { short_lived.reset(); });
        }
        ASSERT_FALSE(ok);
        EXPECT_EQ(ok.error(), errc::connection_closed);
    });
    EXPECT_GE(published, publishes);
}

TEST_F(asio_publisher, wakes_a_client_on_a_serial_executor) {
    s.count_into(arrived, "from.*");
    asio::io_context one{1};
    {
        aio::client serial(one, {.serial = true});
        const crew thread(one, 1);
        const auto there = [&](auto operation) {
            const outcome end;
            asio::post(one, [end, operation] { operation()(end.handler()); });
            return end.get();
        };
        ASSERT_FALSE(there([&] { return serial.connect(url); }));
        in_threads([&](std::size_t number) {
            const aio::publisher p = serial.get_publisher();
            for (int n = 0; n < publishes; ++n)
                ASSERT_TRUE(p.publish(subject_of(number), numbered(n)));
        });
        EXPECT_FALSE(there([&] { return serial.flush({.timeout = patience}); }));
        for (const std::atomic<int>& n : arrived.seen) EXPECT_EQ(n, publishes);
        EXPECT_EQ(arrived.misplaced, 0);
        EXPECT_FALSE(there([&] { return serial.close(); }));
    }
    EXPECT_TRUE(one.stopped());
}

} // namespace
} // namespace nats::test

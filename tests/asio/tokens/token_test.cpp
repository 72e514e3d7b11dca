// SPDX-License-Identifier: Apache-2.0
//
// Proves that every operation of the Asio client takes every completion token, calls its handler
// once, on the handler's executor, with nothing left of the memory that it took from the handler's
// allocator and nothing in its cancellation slot.

#include <natsproto/asio/client.hpp>
#include <natsproto/client/ops.hpp>

#include "asio/client_executor.hpp"
#include "asio/tokens/every_operation.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace nats::test {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::error::operation_aborted;
using namespace every_operation; // NOLINT(google-build-using-namespace): made for this

// --- tokens

TEST(asio_token, copyable_callbacks) {
    on_stages([](stage& s, auto launch) {
        int calls = 0;
        const told handler([&calls](error_code ec) {
            EXPECT_FALSE(ec) << ec.message();
            ++calls;
        });
        launch(s, handler);
        EXPECT_TRUE(s.w.until([&] { return calls == 1; }));
        s.w.settle();
        EXPECT_EQ(calls, 1);
    });
}

TEST(asio_token, callbacks_that_only_move) {
    on_stages([](stage& s, auto launch) {
        int calls = 0;
        launch(s, [&calls, owned = std::make_unique<int>(7)](error_code ec, auto&&...) {
            EXPECT_FALSE(ec) << ec.message();
            if (owned) calls += *owned;
        });
        EXPECT_TRUE(s.w.until([&] { return calls == 7; }));
    });
}

TEST(asio_token, use_awaitable) {
    on_stages([](stage& s, auto launch) {
        bool after = false;
        s.w.run([&]() -> asio::awaitable<void> {
            auto waits = launch(s, asio::use_awaitable);
            co_await std::move(waits);
            after = true;
        });
        EXPECT_TRUE(after);
    });
}

TEST(asio_token, deferred_and_stored) {
    on_stages([](stage& s, auto launch) {
        int calls = 0;
        auto later = launch(s, asio::deferred);
        s.w.settle();
        std::move(later)(told([&calls](error_code ec) {
            EXPECT_FALSE(ec) << ec.message();
            ++calls;
        }));
        EXPECT_TRUE(s.w.until([&] { return calls == 1; }));
    });
}

TEST(asio_token, deferred_and_awaited) {
    on_stages([](stage& s, auto launch) {
        bool after = false;
        auto later = launch(s, asio::deferred);
        s.w.run([&]() -> asio::awaitable<void> {
            co_await std::move(later);
            after = true;
        });
        EXPECT_TRUE(after);
    });
}

TEST(asio_token, use_future) {
    on_stages([](stage& s, auto launch) {
        auto ends = launch(s, asio::use_future);
        ASSERT_TRUE(s.w.until([&] { return ends.wait_for(0s) == std::future_status::ready; }));
        EXPECT_NO_THROW((void)ends.get());
    });
}

TEST(asio_token, as_tuple) {
    on_stages([](stage& s, auto launch) {
        error_code ec = operation_aborted;
        s.w.run([&]() -> asio::awaitable<void> {
            auto waits = launch(s, asio::as_tuple(asio::use_awaitable));
            const auto got = co_await std::move(waits);
            ec = std::get<0>(got);
        });
        EXPECT_FALSE(ec) << ec.message();
    });
}

TEST(asio_token, redirect_error) {
    on_stages([](stage& s, auto launch) {
        error_code ec = operation_aborted;
        s.w.run([&]() -> asio::awaitable<void> {
            auto waits = launch(s, asio::redirect_error(asio::use_awaitable, ec));
            co_await std::move(waits);
        });
        EXPECT_FALSE(ec) << ec.message();
    });
}

TEST(asio_token, detached) {
    stage s;
    s.nc.connect(s.url, asio::detached);
    ASSERT_TRUE(s.w.until([&] { return s.nc.status() == session_status::connected; }));
    s.sub = s.nc.subscribe("s").value();
    s.nc.publish_when_room("s", "x", {}, asio::detached);
    EXPECT_EQ(s.w.value<message>(s.sub.next()).payload(), "x");
    s.nc.close(asio::detached);
    EXPECT_TRUE(s.w.until([&] { return s.nc.status() == session_status::closed; }));
}

TEST(asio_token, results_and_errors_reach_the_awaiter) {
    stage s;
    s.connect();
    s.w.run([&]() -> asio::awaitable<void> {
        message m = co_await s.nc.request("echo", "hello");
        EXPECT_EQ(m.payload(), "hello");
        int n = co_await s.nc.run(seven(*s.nc.rt()));
        EXPECT_EQ(n, 7);
        std::optional<error_code> thrown;
        try {
            (void)co_await s.nc.request("nobody");
        } catch (const boost::system::system_error& e) {
            thrown = e.code();
        }
        EXPECT_EQ(thrown, errc::no_responders);
    });
}

// --- executors

TEST(asio_token, the_handler_runs_on_the_clients_executor) {
    on_stages([](stage& s, auto launch) {
        const auto ex = s.nc.get_executor();
        const auto* strand = ex.target<aio::detail::client_executor>();
        ASSERT_NE(strand, nullptr);
        std::optional<bool> there;
        launch(s, told([&](error_code) { there = strand->running_in_this_thread(); }));
        ASSERT_TRUE(s.w.until([&] { return there.has_value(); }));
        EXPECT_TRUE(*there);
    });
}

TEST(asio_token, the_handler_runs_on_its_own_executor) {
    on_stages([](stage& s, auto launch) {
        asio::io_context other;
        const auto strand = asio::make_strand(other);
        std::optional<bool> there;
        launch(s, asio::bind_executor(strand, told([&](error_code ec) {
                                          EXPECT_FALSE(ec) << ec.message();
                                          there = strand.running_in_this_thread() &&
                                                  other.get_executor().running_in_this_thread() &&
                                                  !s.w.io.get_executor().running_in_this_thread();
                                      })));
        // It has work for as long as the handler may come.
        EXPECT_EQ(other.poll(), 0U);
        EXPECT_FALSE(other.stopped());
        ASSERT_TRUE(s.w.until([&] {
            (void)other.poll();
            return there.has_value();
        }));
        EXPECT_TRUE(*there);
    });
}

// --- memory

/// What was taken and not given back, and how often it was taken.
struct tally {
    std::size_t live = 0;
    std::size_t times = 0;
};

template <class T>
struct counting_allocator {
    using value_type = T;
    tally* counts;

    explicit counting_allocator(tally& t) noexcept : counts(&t) {}
    template <class U>
    counting_allocator(const counting_allocator<U>& other) noexcept // NOLINT(*-explicit-*)
        : counts(other.counts) {}
    [[nodiscard]] T* allocate(std::size_t n) {
        counts->live += n * sizeof(T);
        ++counts->times;
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* at, std::size_t n) noexcept {
        counts->live -= n * sizeof(T);
        std::allocator<T>().deallocate(at, n);
    }
    template <class U>
    bool operator==(const counting_allocator<U>& other) const noexcept {
        return counts == other.counts;
    }
};

TEST(asio_token, memory_is_given_back_before_the_handler_is_called) {
    on_stages([](stage& s, auto launch) {
        tally t;
        std::optional<std::size_t> live;
        launch(s, asio::bind_allocator(counting_allocator<void>(t),
                                       told([&](error_code) { live = t.live; })));
        EXPECT_GT(t.times, 0U);
        ASSERT_TRUE(s.w.until([&] { return live.has_value(); }));
        EXPECT_EQ(*live, 0U);
    });
}

TEST(asio_token, memory_is_given_back_on_another_executor_too) {
    on_stages([](stage& s, auto launch) {
        asio::io_context other;
        tally t;
        std::optional<std::size_t> live;
        auto handler = asio::bind_allocator(counting_allocator<void>(t),
                                            told([&](error_code) { live = t.live; }));
        launch(s, asio::bind_executor(other.get_executor(), std::move(handler)));
        ASSERT_TRUE(s.w.until([&] {
            (void)other.poll();
            return live.has_value();
        }));
        EXPECT_GT(t.times, 1U); // the operation, and the way to the other executor
        EXPECT_EQ(*live, 0U);
    });
}

TEST(asio_token, memory_is_given_back_with_a_context_that_ends_before) {
    tally t;
    bool called = false;
    {
        stage s;
        s.nc.connect(s.url, asio::bind_allocator(counting_allocator<void>(t),
                                                 [&](error_code) { called = true; }));
        EXPECT_GT(t.live, 0U);
    }
    EXPECT_EQ(t.live, 0U);
    EXPECT_FALSE(called);
}

// --- cancellation

TEST(asio_token, the_slot_is_empty_when_the_handler_is_called) {
    on_stages([](stage& s, auto launch) {
        asio::cancellation_signal signal;
        std::optional<bool> left;
        launch(s, asio::bind_cancellation_slot(signal.slot(), told([&](error_code) {
                                                   left = signal.slot().has_handler();
                                               })));
        EXPECT_TRUE(signal.slot().has_handler());
        ASSERT_TRUE(s.w.until([&] { return left.has_value(); }));
        EXPECT_FALSE(*left);
    });
}

/// Starts by `launch`, cancels when `s.w.io` has nothing to do (the server does nothing meanwhile),
/// and checks how that ends.
template <class Launch>
void cancel_one(stage& s, Launch launch) {
    asio::cancellation_signal signal;
    std::optional<error_code> ended;
    bool left = true;
    launch(s, asio::bind_cancellation_slot(signal.slot(), told([&](error_code ec) {
                                               ended = ec;
                                               left = signal.slot().has_handler();
                                           })));
    while (s.w.io.poll() != 0) {
    }
    ASSERT_FALSE(ended);
    signal.emit(asio::cancellation_type::terminal);
    EXPECT_FALSE(ended); // not from inside
    ASSERT_TRUE(s.w.until([&] { return ended.has_value(); }));
    EXPECT_EQ(*ended, operation_aborted);
    EXPECT_FALSE(left);
    signal.emit(asio::cancellation_type::terminal); // and nothing happens
}

TEST(asio_token, a_cancelled_operation_is_aborted_and_the_client_goes_on) {
    each_operation([](const char* name, bool connects, auto launch) {
        const std::string_view which = name;
        if (connects || which == "run" || which == "publish_when_room" ||
            which == "wait_connected" || which == "barrier" || which == "drain" || which == "close")
            return; // these end at once, or are below
        const testing::ScopedTrace trace(__FILE__, __LINE__, name);
        stage s;
        s.connect();
        s.many = s.nc.request_many("empty").value();
        ASSERT_FALSE(s.w.outcome(s.nc.flush()));
        cancel_one(s, launch);
        s.expect_usable();
    });
}

TEST(asio_token, barrier_and_ops_of_the_users_are_cancelled) {
    stage s;
    s.connect();
    s.fill();
    cancel_one(s, [](stage& on, auto&& token) {
        return on.nc.barrier({}, std::forward<decltype(token)>(token));
    });
    runtime& rt = *s.nc.rt();
    cancel_one(s, [&](stage& on, auto&& token) {
        return on.nc.run(ops::barrier(rt, no_deadline), std::forward<decltype(token)>(token));
    });
    EXPECT_EQ(s.w.value<message>(s.sub.next()).payload(), "queued"); // nothing is lost
    s.expect_usable();
}

TEST(asio_token, drain_is_cancelled_but_draining_goes_on) {
    stage s;
    s.connect();
    EXPECT_TRUE(s.nc.publish("s", "queued"));
    ASSERT_FALSE(s.w.outcome(s.nc.flush()));
    cancel_one(s, [](stage& on, auto&& token) {
        return on.nc.drain(nullptr, std::forward<decltype(token)>(token));
    });
    EXPECT_EQ(s.w.value<message>(s.sub.next()).payload(), "queued");
    EXPECT_EQ(s.w.outcome(s.sub.next()), errc::drained); // only now has the reader done with it
    s.many = {};                                         // nobody reads these
    EXPECT_TRUE(s.w.until([&] { return s.nc.status() == session_status::closed; }));
}

TEST(asio_token, connect_is_cancelled_and_closes) {
    stage s;
    cancel_one(s, [](stage& on, auto&& token) {
        return on.nc.connect(on.url, std::forward<decltype(token)>(token));
    });
    EXPECT_EQ(s.nc.status(), session_status::closed);
}

TEST(asio_token, total_cancellation_is_not_for_requests) {
    stage s;
    s.connect();
    asio::cancellation_signal signal;
    std::optional<error_code> ended;
    s.nc.request("echo", "x", {},
                 asio::bind_cancellation_slot(signal.slot(),
                                              [&](error_code ec, const message&) { ended = ec; }));
    signal.emit(asio::cancellation_type::total);
    ASSERT_TRUE(s.w.until([&] { return ended.has_value(); }));
    EXPECT_FALSE(*ended) << ended->message();
}

// --- awaitable_operators

TEST(asio_token, or_with_a_timer) {
    using namespace asio::experimental::awaitable_operators;
    stage s;
    s.connect();
    s.w.run([&]() -> asio::awaitable<void> {
        asio::steady_timer soon(s.w.io, 1ms);
        auto none = s.empty.next({}, asio::use_awaitable) || soon.async_wait(asio::use_awaitable);
        const auto first = co_await std::move(none);
        EXPECT_EQ(first.index(), 1U);

        asio::steady_timer never(s.w.io, 1h);
        EXPECT_TRUE(s.nc.publish("empty", "came"));
        auto one = s.empty.next({}, asio::use_awaitable) || never.async_wait(asio::use_awaitable);
        const auto second = co_await std::move(one);
        EXPECT_EQ(second.index(), 0U);
        if (const message* m = std::get_if<0>(&second)) {
            EXPECT_EQ(m->payload(), "came");
        }
    });
    s.expect_usable();
}

TEST(asio_token, and_of_two_requests) {
    using namespace asio::experimental::awaitable_operators;
    stage s;
    s.connect();
    s.w.run([&]() -> asio::awaitable<void> {
        auto both = s.nc.request("echo", "1", {}, asio::use_awaitable) &&
                    s.nc.request("echo", "2", {}, asio::use_awaitable);
        const auto got = co_await std::move(both);
        EXPECT_EQ(std::get<0>(got).payload(), "1");
        EXPECT_EQ(std::get<1>(got).payload(), "2");
    });
}

} // namespace
} // namespace nats::test

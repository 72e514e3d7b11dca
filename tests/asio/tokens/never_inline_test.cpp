// SPDX-License-Identifier: Apache-2.0
//
// Proves that no operation of the Asio client calls its handler from inside of the initiating call:
// when it succeeds, when it fails at once, and without a client.

#include <natsproto/asio/client.hpp>
#include <natsproto/client/ops.hpp>

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

/// Starts it and waits for its end, which must not come before the call has returned.
template <class Launch>
std::optional<error_code> ends_later(stage& s, Launch& launch) {
    std::optional<error_code> ended;
    int calls = 0;
    launch(s, asio::bind_executor(s.nc.get_executor(), told([&](error_code ec) {
                                      ended = ec;
                                      ++calls;
                                  })));
    EXPECT_EQ(calls, 0);
    EXPECT_TRUE(s.w.until([&] { return ended.has_value(); }));
    s.w.settle();
    EXPECT_EQ(calls, 1);
    return ended;
}

/// The same from a handler on the client's executor, and from the handler of an operation.
template <class Launch>
void ends_later_from_handlers(stage& s, Launch& launch) {
    int calls = 0;
    const auto start = [&] {
        const int before = calls;
        launch(s, asio::bind_executor(s.nc.get_executor(), told([&](error_code) { ++calls; })));
        EXPECT_EQ(calls, before);
    };
    asio::post(s.nc.get_executor(), start);
    EXPECT_TRUE(s.w.until([&] { return calls == 1; }));
    s.nc.barrier({}, [&](error_code) { start(); });
    EXPECT_TRUE(s.w.until([&] { return calls == 2; }));
    s.w.settle();
    EXPECT_EQ(calls, 2);
}

TEST(asio_never_inline, when_it_succeeds) {
    for (const bool serial : {false, true})
        on_stages([](stage& s, auto launch) { EXPECT_EQ(ends_later(s, launch), error_code()); },
                  {.serial = serial});
}

TEST(asio_never_inline, before_connect) {
    for (const bool serial : {false, true}) {
        each_operation([&](const char* name, bool connects, auto launch) {
            const std::string_view which = name;
            if (connects || which == "run") return;
            const testing::ScopedTrace trace(__FILE__, __LINE__, name);
            stage s({.serial = serial});
            const bool reads = which.ends_with("next") || which == "next_into";
            const std::optional<error_code> ended = ends_later(s, launch);
            if (which == "close" || which == "range.next" || which == "replies.next")
                EXPECT_TRUE(ended == error_code() || ended == errc::invalid_subscription);
            else if (reads)
                EXPECT_EQ(ended, errc::invalid_subscription);
            else
                EXPECT_EQ(ended, errc::not_connected);
            ends_later_from_handlers(s, launch);
        });
    }
}

TEST(asio_never_inline, after_close) {
    for (const bool serial : {false, true}) {
        each_operation([&](const char* name, bool connects, auto launch) {
            const testing::ScopedTrace trace(__FILE__, __LINE__, name);
            stage s({.serial = serial});
            s.connect();
            ASSERT_FALSE(s.w.outcome(s.nc.close()));
            const std::optional<error_code> ended = ends_later(s, launch);
            if (connects) {
                EXPECT_EQ(ended, errc::already_connected);
            }
            ends_later_from_handlers(s, launch);
        });
    }
}

TEST(asio_never_inline, with_invalid_arguments) {
    stage s;
    s.connect();
    const auto refused = [&s](auto launch, errc with) {
        EXPECT_EQ(ends_later(s, launch), with);
        ends_later_from_handlers(s, launch);
    };
#define NATSPROTO_CALL(what, ...)                                          \
    [](stage& on, auto&& token) {                                          \
        return on.what(__VA_ARGS__, std::forward<decltype(token)>(token)); \
    }
    refused(NATSPROTO_CALL(nc.flush, aio::wait_options{.timeout = 0s}), errc::invalid_argument);
    refused(NATSPROTO_CALL(nc.rtt, aio::wait_options{.timeout = 0s}), errc::invalid_argument);
    refused(NATSPROTO_CALL(nc.barrier, aio::wait_options{.timeout = -1s}), errc::invalid_argument);
    refused(NATSPROTO_CALL(nc.wait_connected, aio::wait_options{.timeout = 0s}),
            errc::invalid_argument);
    refused(NATSPROTO_CALL(nc.request, "echo", "x", aio::request_options{.timeout = 0s}),
            errc::invalid_argument);
    refused(NATSPROTO_CALL(nc.request, "a b", "x", aio::request_options()), errc::invalid_subject);
    refused(NATSPROTO_CALL(nc.request_into, on.into, "", "x", aio::request_options()),
            errc::invalid_subject);
    refused(NATSPROTO_CALL(nc.request_by_inbox, "a b", "x", aio::request_options()),
            errc::invalid_subject);
    refused(NATSPROTO_CALL(nc.publish_when_room, "a b", "x", publish_options()),
            errc::invalid_subject);
    refused(NATSPROTO_CALL(echo.next, aio::next_options()), errc::invalid_argument);
    refused(NATSPROTO_CALL(sub.next, aio::next_options{.timeout = 0s}), errc::timeout);
#undef NATSPROTO_CALL
    s.expect_usable();
}

TEST(asio_never_inline, connect_that_is_refused_may_be_tried_again) {
    stage s;
    auto launch = [](stage& on, auto&& token) {
        return on.nc.connect("http://nowhere", std::forward<decltype(token)>(token));
    };
    const std::optional<error_code> ended = ends_later(s, launch);
    EXPECT_TRUE(ended && *ended);
    s.connect();
    s.expect_usable();
}

TEST(asio_never_inline, subscriptions_that_are_none_end_on_the_systems_executor) {
    aio::subscription none;
    aio::replies no_replies;
    std::future<message> m = none.next({}, asio::use_future);
    ASSERT_EQ(m.wait_for(asio_world::patience), std::future_status::ready);
    EXPECT_THROW((void)m.get(), boost::system::system_error);
    std::future<std::optional<message>> in_range = none.messages().next({}, asio::use_future);
    ASSERT_EQ(in_range.wait_for(asio_world::patience), std::future_status::ready);
    EXPECT_THROW((void)in_range.get(), boost::system::system_error);
    std::future<std::optional<message>> reply = no_replies.next(nullptr, asio::use_future);
    ASSERT_EQ(reply.wait_for(asio_world::patience), std::future_status::ready);
    EXPECT_FALSE(reply.get().has_value());
}

TEST(asio_never_inline, after_the_clients_end) {
    stage s;
    s.connect();
    s.many = s.nc.request_many("empty").value();
    const auto ex = s.nc.get_executor();
    {
        const aio::client gone(std::move(s.nc));
    }
    int calls = 0;
    std::vector<error_code> ended;
    const auto handler = [&] { // one each: Asio moves out of what is bound
        return asio::bind_executor(ex, told([&](error_code ec) {
                                       ended.push_back(ec);
                                       ++calls;
                                   }));
    };
    s.sub.next({}, handler());
    s.sub.next_into(s.into, {}, handler());
    s.sub.messages().next({}, handler());
    s.many.next(nullptr, handler());
    EXPECT_EQ(calls, 0);
    ASSERT_TRUE(s.w.until([&] { return calls == 4; }));
    EXPECT_EQ(ended.at(0), errc::connection_closed);
    EXPECT_EQ(ended.at(1), errc::connection_closed);
    EXPECT_FALSE(ended.at(2)); // the end of a range is no error
    s.w.settle();
    EXPECT_EQ(calls, 4);
}

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Ends that the scripts of disturbed_lifetime_test.cpp do not have: what outlives what, and who
// destroys it.

#include <natsproto/client/ops.hpp>

#include "asio/memory_world.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nats::test {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using boost::system::error_code;

class asio_lifetime : public memory_world {
protected:
    void SetUp() override { connect(); }
};

op<result<int>> flush_then(runtime& rt, std::function<void()> act) {
    result<duration> flushed = co_await ops::flush(rt, no_deadline);
    act();
    if (!flushed) co_return flushed.error();
    result<duration> again = co_await ops::flush(rt, no_deadline);
    if (!again) co_return again.error();
    co_return 1;
}

op<result<int>> at_once(runtime& rt, std::function<void()> act) {
    act();
    result<duration> flushed = co_await ops::flush(rt, no_deadline);
    if (!flushed) co_return flushed.error();
    co_return 1;
}

// --- operations that have not begun

TEST_F(asio_lifetime, an_op_that_was_not_started_outlives_its_client) {
    auto pending = nc->run(flush_then(*nc->rt(), [] {}), asio::deferred);
    nc.reset();
    settle();
    EXPECT_TRUE(io.stopped());
}

TEST_F(asio_lifetime, an_op_that_was_not_started_outlives_the_context) {
    auto context = std::make_unique<asio::io_context>(1);
    auto client = std::make_unique<aio::client>(*context, aio::client_options{.via = &server});
    error_code ec = asio::error::would_block;
    client->connect("nats://memory:1", [&](error_code e) { ec = e; });
    while (ec == asio::error::would_block) ASSERT_NE(context->run_one_for(20s), 0U);
    auto pending = client->run(flush_then(*client->rt(), [] {}), asio::deferred);
    context.reset();
    client.reset();
}

TEST_F(asio_lifetime, an_operation_is_started_after_its_client_is_gone) {
    auto flush = nc->flush({}, asio::deferred);
    auto run = nc->run(flush_then(*nc->rt(), [] {}), asio::deferred);
    nc.reset();
    int calls = 0;
    std::move(flush)([&](error_code ec, duration) {
        ++calls;
        EXPECT_TRUE(ec);
    });
    std::move(run)([&](error_code ec, int) {
        ++calls;
        EXPECT_TRUE(ec);
    });
    EXPECT_EQ(calls, 0);
    settle();
    EXPECT_EQ(calls, 2);
    EXPECT_TRUE(io.stopped());
}

// --- who destroys the client

TEST_F(asio_lifetime, an_op_destroys_its_client) {
    for (const bool waits : {true, false}) {
        if (!nc) {
            nc.emplace(io, aio::client_options{.via = &server});
            connect();
        }
        int calls = 0;
        error_code ec;
        const auto done = [&](error_code e, int) {
            ++calls;
            ec = e;
        };
        const auto act = [this] { nc.reset(); };
        if (waits)
            nc->run(flush_then(*nc->rt(), act), done);
        else
            nc->run(at_once(*nc->rt(), act), done);
        settle();
        EXPECT_EQ(calls, 1);
        EXPECT_EQ(ec, asio::error::operation_aborted);
        EXPECT_TRUE(io.stopped());
    }
}

TEST_F(asio_lifetime, a_message_handler_destroys_the_client_and_throws) {
    int messages = 0;
    int aborted = 0;
    const aio::subscription sub = nc->subscribe("end", [&](const message_view&) {
                                        ++messages;
                                        nc.reset();
                                        throw 7;
                                    }).value();
    aio::subscription quiet = nc->subscribe("quiet").value();
    quiet.next({}, [&](error_code ec, const message&) {
        aborted += ec == asio::error::operation_aborted ? 1 : 0;
    });
    settle();
    arrive({{"end", "1"}, {"end", "2"}, {"quiet", "3"}});
    EXPECT_THROW((void)until([] { return false; }), int);
    settle();
    EXPECT_EQ(messages, 1);
    EXPECT_EQ(aborted, 1);
    EXPECT_TRUE(io.stopped());
}

TEST_F(asio_lifetime, the_end_of_a_subscription_destroys_it_and_the_client) {
    std::optional<aio::subscription> sub = nc->subscribe("n").value();
    int ends = 0;
    sub->on_end([&](const error&) {
        ++ends;
        sub.reset();
        nc.reset();
    });
    EXPECT_TRUE(sub->drain());
    ASSERT_TRUE(until([&] { return ends == 1; }));
    settle();
    EXPECT_TRUE(io.stopped());
}

/// An event about the second one waits when the first one's reader destroys both.
TEST_F(asio_lifetime, a_reader_destroys_another_subscription_that_is_drained_with_it) {
    std::vector<aio::subscription> subs;
    for (int i = 0; i < 3; ++i) subs.push_back(nc->subscribe("n").value());
    int calls = 0;
    subs[0].next({}, [&](error_code ec, const message&) {
        ++calls;
        EXPECT_EQ(ec, errc::drained);
        subs.clear();
    });
    bool drained = false;
    nc->drain(nullptr, [&](error_code ec) {
        EXPECT_FALSE(ec);
        drained = true;
    });
    ASSERT_TRUE(until([&] { return drained; }));
    EXPECT_EQ(calls, 1);
}

TEST_F(asio_lifetime, the_observer_destroys_a_subscription_whose_end_it_is_told) {
    std::vector<aio::subscription> subs;
    for (int i = 0; i < 3; ++i) subs.push_back(nc->subscribe("n").value());
    nc->on_event([&](const event& e) {
        if (std::holds_alternative<ev::subscription_drained>(e)) subs.clear();
    });
    bool drained = false;
    nc->drain(nullptr, [&](error_code) { drained = true; });
    ASSERT_TRUE(until([&] { return drained; }));
}

// --- what outlives what

TEST_F(asio_lifetime, a_subscription_outlives_its_client_and_keeps_what_was_received) {
    aio::subscription sub = nc->subscribe("n").value();
    settle();
    arrive({{"n", "1"}});
    ASSERT_TRUE(until([&] { return sub.queue().pending_messages() == 1; }));
    nc.reset();
    settle();
    EXPECT_FALSE(sub.valid());
    std::vector<std::string> got;
    for (int i = 0; i < 2; ++i) {
        sub.next({}, [&](error_code ec, const message& m) {
            got.push_back(ec ? ec.message() : std::string(m.payload()));
        });
        settle();
    }
    EXPECT_EQ(got, (std::vector<std::string>{"1", error(errc::connection_closed).message()}));
    EXPECT_FALSE(sub.unsubscribe());
    EXPECT_FALSE(sub.drain());
}

asio::awaitable<void> read_for_ever(aio::client own, aio::subscription sub, int& ended) {
    struct count {
        int* ended;
        ~count() { ++*ended; }
    } const guard{&ended};
    while (true) {
        const message m = co_await sub.next({}, asio::use_awaitable);
        own.publish("other", m.payload()).value();
    }
}

/// Coroutines that own the client, destroyed with the context that they wait in.
TEST_F(asio_lifetime, the_context_ends_with_coroutines_that_own_the_client) {
    int ended = 0;
    {
        asio::io_context context(1);
        aio::client own(context, {.via = &server});
        error_code ec = asio::error::would_block;
        own.connect("nats://memory:1", [&](error_code e) { ec = e; });
        while (ec == asio::error::would_block) ASSERT_NE(context.run_one_for(20s), 0U);
        aio::subscription sub = own.subscribe("n").value();
        asio::co_spawn(context, read_for_ever(std::move(own), std::move(sub), ended),
                       asio::detached);
        for (int i = 0; i < 5; ++i) {
            context.poll();
            server.publish("n", "x");
        }
        EXPECT_EQ(ended, 0);
    }
    EXPECT_EQ(ended, 1);
}

// --- nothing inside of the calls that start operations

/// The second `next` finds out that the queue is empty, after the end of the subscription.
TEST_F(asio_lifetime, the_end_of_a_subscription_is_not_told_inside_of_next) {
    aio::subscription sub = nc->subscribe("n").value();
    settle();
    arrive({{"n", "1"}});
    ASSERT_TRUE(until([&] { return sub.queue().pending_messages() == 1; }));
    int ends = 0;
    sub.on_end([&](const error&) {
        ++ends;
        throw 7;
    });
    EXPECT_TRUE(sub.drain());
    ASSERT_TRUE(until([&] { return !sub.valid(); }));
    std::vector<std::string> got;
    const auto note = [&](error_code ec, const message& m) {
        got.push_back(ec ? ec.message() : std::string(m.payload()));
    };
    nc->flush({}, [&](error_code, duration) {
        sub.next({}, note);
        sub.next({}, note);
        EXPECT_EQ(ends, 0);
    });
    int thrown = 0;
    for (int i = 0; i < 3; ++i) {
        try {
            settle();
        } catch (int) {
            ++thrown;
        }
    }
    EXPECT_EQ(got, (std::vector<std::string>{"1", error(errc::drained).message()}));
    EXPECT_EQ(ends, 1);
    EXPECT_EQ(thrown, 1);
}

class asio_lifetime_without_buffer : public memory_world {
protected:
    void SetUp() override { connect({.reconnect_buffer = 0}); }
};

/// What publishers queued is refused by the session only when it is handed over.
TEST_F(asio_lifetime_without_buffer, the_observer_is_not_called_inside_of_an_operations_start) {
    const aio::publisher p = nc->get_publisher();
    server.manners.answers_open = false;
    server.hang_up();
    ASSERT_TRUE(until([&] { return nc->status() == session_status::reconnecting; }));
    settle();
    bool inside = false;
    int warnings = 0;
    nc->on_event([&](const event& e) {
        if (!std::holds_alternative<ev::warning>(e)) return;
        EXPECT_FALSE(inside);
        ++warnings;
        throw 7;
    });
    int calls = 0;
    asio::post(nc->get_executor(), [&] {
        inside = true;
        EXPECT_TRUE(p.publish("a", "lost"));
        EXPECT_TRUE(p.publish("a", "lost too"));
        nc->rtt({}, [&](error_code ec, duration) {
            ++calls;
            EXPECT_EQ(ec, errc::not_connected);
        });
        inside = false;
    });
    int thrown = 0;
    for (int i = 0; i < 5; ++i) {
        try {
            settle();
        } catch (int) {
            ++thrown;
        }
    }
    EXPECT_EQ(warnings, 2);
    EXPECT_EQ(thrown, 2);
    EXPECT_EQ(calls, 1);
}

} // namespace
} // namespace nats::test

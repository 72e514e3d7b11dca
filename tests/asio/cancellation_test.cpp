// SPDX-License-Identifier: Apache-2.0
//
// Cancellation from where it is least expected: the handlers of the client itself. The systematic
// part is disturbed_cancellation_test.cpp.

#include <natsproto/client/ops.hpp>

#include "asio/memory_world.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace nats::test {
namespace {

namespace asio = boost::asio;
using asio::cancellation_type;
using boost::system::error_code;

/// How an operation has ended.
struct ending {
    int calls = 0;
    error_code ec;
    std::string reply;
    asio::cancellation_signal stop;

    auto handler() {
        return asio::bind_cancellation_slot(stop.slot(), [this](error_code e, message m = {}) {
            ++calls;
            ec = e;
            if (!e) reply = m.payload();
        });
    }
    [[nodiscard]] bool aborted() const { return ec == asio::error::operation_aborted; }
};

class asio_cancellation : public memory_world {
protected:
    void SetUp() override {
        connect();
        server.script().serve("ask", [](scripted_server&, const wire::frame&) {}); // no answer
    }
    void ask(ending& e, const char* payload) {
        nc->request("ask", payload, {}, e.handler());
        settle();
    }
};

TEST_F(asio_cancellation, by_a_message_handler) {
    ending request;
    const aio::subscription sub = nc->subscribe("stop", [&](const message_view&) {
                                        request.stop.emit(cancellation_type::terminal);
                                    }).value();
    ask(request, "1");
    arrive({{"stop", ""}});
    ASSERT_TRUE(until([&] { return request.calls == 1; }));
    EXPECT_TRUE(request.aborted());
}

/// What it has cancelled must not wait for the next event.
TEST_F(asio_cancellation, by_a_message_handler_that_throws) {
    ending request;
    const aio::subscription sub = nc->subscribe("stop", [&](const message_view&) {
                                        request.stop.emit(cancellation_type::terminal);
                                        throw 7;
                                    }).value();
    ask(request, "1");
    arrive({{"stop", ""}});
    EXPECT_THROW((void)until([] { return false; }), int);
    settle();
    EXPECT_EQ(request.calls, 1);
    EXPECT_TRUE(request.aborted());
}

TEST_F(asio_cancellation, before_the_reply_that_comes_in_the_same_read) {
    ending request;
    const aio::subscription sub = nc->subscribe("stop", [&](const message_view&) {
                                        request.stop.emit(cancellation_type::terminal);
                                    }).value();
    ask(request, "1");
    const std::string to = reply_subject_of("1");
    arrive({{"stop", ""}, {to.c_str(), "late"}});
    ASSERT_TRUE(until([&] { return request.calls != 0; }));
    EXPECT_TRUE(request.aborted());
    ending another; // which has the memory and the place of the first
    ask(another, "2");
    server.publish(to, "later still");
    server.publish(reply_subject_of("2"), "two");
    ASSERT_TRUE(until([&] { return another.calls != 0; }));
    EXPECT_EQ(another.reply, "two");
    EXPECT_EQ(request.calls, 1);
}

TEST_F(asio_cancellation, behind_the_reply_that_came_in_the_same_read) {
    ending request;
    const aio::subscription sub = nc->subscribe("stop", [&](const message_view&) {
                                        request.stop.emit(cancellation_type::terminal);
                                    }).value();
    ask(request, "1");
    const std::string to = reply_subject_of("1");
    arrive({{to.c_str(), "in time"}, {"stop", ""}});
    ASSERT_TRUE(until([&] { return request.calls != 0; }));
    settle();
    EXPECT_EQ(request.reply, "in time");
    EXPECT_EQ(request.calls, 1);
}

TEST_F(asio_cancellation, by_the_handler_of_another_operation) {
    ending first;
    ending second;
    ask(second, "2");
    int calls = 0;
    nc->request("ask", "1", {}, [&](error_code, const message&) {
        ++calls;
        second.stop.emit(cancellation_type::partial);
        second.stop.emit(cancellation_type::partial);
    });
    settle();
    const std::string to_first = reply_subject_of("1");
    const std::string to_second = reply_subject_of("2");
    arrive({{to_first.c_str(), "1"}, {to_second.c_str(), "2"}});
    ASSERT_TRUE(until([&] { return calls == 1 && second.calls == 1; }));
    EXPECT_TRUE(second.aborted());
}

/// A message that a cancelled `next` would have got stays where it is.
TEST_F(asio_cancellation, of_a_next_whose_message_is_in_the_same_read) {
    ending read;
    aio::subscription stop = nc->subscribe("stop", [&](const message_view&) {
                                   read.stop.emit(cancellation_type::total);
                               }).value();
    aio::subscription sub = nc->subscribe("n").value();
    sub.next({}, read.handler());
    settle();
    arrive({{"stop", ""}, {"n", "1"}});
    ASSERT_TRUE(until([&] { return read.calls == 1; }));
    EXPECT_TRUE(read.aborted());
    ending again;
    sub.next({}, again.handler());
    ASSERT_TRUE(until([&] { return again.calls == 1; }));
    EXPECT_EQ(again.reply, "1");
}

/// Started outside of the executor, where what cancels it runs before the start has got there.
TEST_F(asio_cancellation, before_it_has_begun) {
    ending request;
    asio::post(nc->get_executor(), [&] { request.stop.emit(cancellation_type::terminal); });
    nc->request("ask", "1", {}, request.handler());
    EXPECT_EQ(request.calls, 0);
    settle();
    EXPECT_EQ(request.calls, 1);
    EXPECT_TRUE(request.aborted());
    EXPECT_EQ(server.script().count("PUB ask"), 0U);
}

TEST_F(asio_cancellation, of_a_connect_that_has_not_begun_leaves_the_client_as_it_was) {
    aio::client other(io, {.via = &server});
    ending first;
    asio::post(other.get_executor(), [&] { first.stop.emit(cancellation_type::terminal); });
    other.connect("nats://memory:2", first.handler());
    settle();
    EXPECT_TRUE(first.aborted());
    EXPECT_EQ(other.status(), session_status::idle);
}

op<result<int>> stops_itself(runtime& rt, asio::cancellation_signal& stop) {
    stop.emit(cancellation_type::terminal);
    result<duration> flushed = co_await ops::flush(rt, no_deadline);
    if (!flushed) co_return flushed.error();
    co_return 1;
}

TEST_F(asio_cancellation, by_the_op_itself) {
    asio::cancellation_signal stop;
    int calls = 0;
    error_code ec;
    nc->run(stops_itself(*nc->rt(), stop),
            asio::bind_cancellation_slot(stop.slot(), [&](error_code e, int) {
                ++calls;
                ec = e;
            }));
    settle();
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(ec, asio::error::operation_aborted);
}

/// The peer does not end, and nobody wants to wait for it.
TEST_F(asio_cancellation, of_a_close_that_lingers) {
    server.manners.hears_the_end = false;
    ending closing;
    nc->close(closing.handler());
    settle();
    ASSERT_EQ(closing.calls, 0) << "it waits for the peer's end";
    closing.stop.emit(cancellation_type::terminal);
    settle();
    EXPECT_EQ(closing.calls, 1);
    EXPECT_TRUE(closing.aborted());
    EXPECT_TRUE(io.stopped()) << "something waits on";
}

} // namespace
} // namespace nats::test

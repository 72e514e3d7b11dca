// SPDX-License-Identifier: Apache-2.0
//
// Proves services whose handlers are coroutines: how many run at a time, that the end and the
// drain wait for them, what becomes of exceptions and of those that outlive their service. What is
// the same on every client is in tests/integration/service_test.cpp.

#include <natsproto/asio/service.hpp>

#include "asio/asio_world.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <deque>
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

struct mine {};

/// Where coroutines wait until the test lets one of them go.
class gate {
public:
    explicit gate(asio::io_context& io) : io_(&io) {}
    asio::awaitable<void> pass() {
        auto here =
            std::make_shared<asio::steady_timer>(*io_, asio::steady_timer::time_point::max());
        waiting_.push_back(here);
        boost::system::error_code ec;
        co_await here->async_wait(asio::redirect_error(asio::use_awaitable, ec));
    }
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }
    void let_one_go() {
        waiting_.front()->cancel();
        waiting_.pop_front();
    }
    void open() {
        while (!waiting_.empty()) let_one_go();
    }

private:
    asio::io_context* io_;
    std::deque<std::shared_ptr<asio::steady_timer>> waiting_;
};

class asio_service : public testing::Test {
protected:
    asio_service() {
        EXPECT_FALSE(w.outcome(nc.connect(broker.url())));
        EXPECT_FALSE(w.outcome(asker.connect(broker.url())));
        inbox = asker
                    .subscribe("inbox",
                               [this](const message_view& m) {
                                   answers.emplace_back(m.payload);
                                   codes.emplace_back(
                                       m.headers.get("Nats-Service-Error-Code").value_or(""));
                               })
                    .value();
        EXPECT_FALSE(w.outcome(asker.flush()));
    }
    aio::service started() { return aio::service::start(nc, {"svc", "1.0.0"}).value(); }
    void know() { EXPECT_FALSE(w.outcome(nc.flush())); }
    void publish(int count) {
        for (int i = 0; i < count; ++i)
            asker.publish("work", std::to_string(i), {.reply = "inbox"}).value();
    }
    void ask(int count) {
        publish(count);
        EXPECT_FALSE(w.outcome(asker.flush()));
    }
    /// A handler that waits at the gate.
    auto patient() {
        return [this](aio::service_call call) -> asio::awaitable<void> {
            most = std::max(most, ++running);
            co_await at.pass();
            --running;
            (void)call.respond(call.payload());
        };
    }

    asio_world w;
    tcp_broker& broker = w.serve();
    gate at{w.io};
    aio::client nc{w.io};
    aio::client asker{w.io};
    aio::subscription inbox;
    std::vector<std::string> answers;
    std::vector<std::string> codes;
    int running = 0;
    int most = 0;
};

TEST_F(asio_service, coroutines_and_functions) {
    aio::service s = started();
    ASSERT_TRUE(s.add_endpoint("slow", [this](aio::service_call call) -> asio::awaitable<void> {
        asio::steady_timer t(w.io, 1ms);
        co_await t.async_wait(asio::use_awaitable);
        if (call.payload().empty())
            (void)call.respond_error(400, "empty");
        else
            (void)call.respond("slow " + std::string(call.payload()));
    }));
    auto group = s.group("v1").value();
    ASSERT_TRUE(
        group.add_endpoint("fast", [](aio::service_request& r) { (void)r.respond(r.subject()); }));
    know();
    w.run([this]() -> asio::awaitable<void> {
        aio::service_client sc(asker);
        message m = co_await sc.request("slow", "work");
        EXPECT_EQ(m.payload(), "slow work");
        m = co_await sc.request("v1.fast");
        EXPECT_EQ(m.payload(), "v1.fast");
        error why;
        try {
            co_await sc.request("slow", {}, {}, asio::deferred, &why);
            ADD_FAILURE() << "no error";
        } catch (const boost::system::system_error& e) {
            EXPECT_EQ(std::error_code(e.code()), make_error_code(errc::service_error));
            EXPECT_EQ(why.status(), 400);
            EXPECT_EQ(why.detail(), "empty");
        }
        const std::vector<services::stats_response> stats = co_await sc.stats({.stall = 100ms});
        EXPECT_EQ(stats.at(0).endpoints.at(0).num_requests, 2U);
        EXPECT_EQ(stats.at(0).endpoints.at(0).num_errors, 1U);
        EXPECT_GE(stats.at(0).endpoints.at(0).processing_time, 1ms);
        const std::vector<services::found_service> found = co_await sc.discover({.stall = 100ms});
        EXPECT_EQ(found.at(0).name, "svc");
    });
}

TEST_F(asio_service, no_more_run_than_may) {
    aio::service s = started();
    services::endpoint_config work("work");
    work.max_concurrent = 3;
    ASSERT_TRUE(s.add_endpoint(work, patient()));
    know();
    ask(10);
    ASSERT_TRUE(w.until([this] { return at.waiting() == 3; }));
    w.settle();
    EXPECT_EQ(running, 3);
    at.let_one_go();
    ASSERT_TRUE(w.until([this] { return answers.size() == 1 && at.waiting() == 3; }));
    while (answers.size() < 10) {
        at.open();
        ASSERT_TRUE(w.until([this] { return at.waiting() != 0 || answers.size() == 10; }));
    }
    EXPECT_EQ(most, 3);
    EXPECT_EQ(answers.front(), "0");
    EXPECT_EQ(answers.back(), "9");
    EXPECT_EQ(s.stats().endpoints[0].num_requests, 10U);
}

TEST_F(asio_service, requests_that_wait_are_limited) {
    aio::service s = started();
    std::vector<error> errors;
    s.on_error([&](std::string_view endpoint, const error& why) {
        EXPECT_EQ(endpoint, "work");
        errors.push_back(why);
    });
    services::endpoint_config work("work");
    work.max_concurrent = 1;
    work.pending = pending_limits{.messages = 2};
    ASSERT_TRUE(s.add_endpoint(work, patient()));
    know();
    ask(10);
    ASSERT_TRUE(w.until([this] { return at.waiting() == 1; }));
    w.settle();
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(w.until([this] { return at.waiting() == 1; }));
        at.open();
    }
    ASSERT_TRUE(w.until([this] { return answers.size() == 3; }));
    w.settle();
    EXPECT_EQ(answers, (std::vector<std::string>{"0", "1", "2"}));
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(errors[0], errc::slow_consumer);
    EXPECT_EQ(s.status(), services::service_status::running);
}

TEST_F(asio_service, stop_waits_for_what_runs_and_what_waits) {
    aio::service s = started();
    services::endpoint_config work("work");
    work.max_concurrent = 2;
    ASSERT_TRUE(s.add_endpoint(work, patient()));
    int told = 0;
    s.on_stop([&](const error& why) {
        EXPECT_EQ(why, errc::service_stopped);
        ++told;
    });
    know();
    ask(5);
    ASSERT_TRUE(w.until([this] { return at.waiting() == 2; }));
    std::optional<error_code> ended;
    s.stop(10s, [&](error_code ec) { ended = ec; });
    w.settle();
    EXPECT_EQ(s.status(), services::service_status::stopping);
    EXPECT_FALSE(ended);
    while (answers.size() < 5) {
        EXPECT_EQ(told, 0);
        at.open();
        ASSERT_TRUE(w.until([this] { return at.waiting() != 0 || answers.size() == 5; }));
    }
    ASSERT_TRUE(w.until([&] { return ended.has_value(); }));
    EXPECT_FALSE(*ended);
    EXPECT_EQ(told, 1);
    EXPECT_FALSE(w.outcome(s.stop()));
}

TEST_F(asio_service, stop_gives_up_waiting_and_the_service_ends_later) {
    aio::service s = started();
    ASSERT_TRUE(s.add_endpoint("work", patient()));
    know();
    ask(1);
    ASSERT_TRUE(w.until([this] { return at.waiting() == 1; }));
    EXPECT_EQ(w.outcome(s.stop(10ms)), make_error_code(errc::timeout));
    EXPECT_EQ(s.status(), services::service_status::stopping);
    at.open();
    ASSERT_TRUE(w.until([&] { return s.status() == services::service_status::stopped; }));
    ASSERT_TRUE(w.until([this] { return answers.size() == 1; }));
}

TEST_F(asio_service, the_connections_drain_waits_too) {
    aio::service s = started();
    services::endpoint_config work("work");
    work.max_concurrent = 2;
    ASSERT_TRUE(s.add_endpoint(work, patient()));
    std::vector<error> stopped;
    s.on_stop([&](const error& why) { stopped.push_back(why); });
    know();
    ask(5);
    ASSERT_TRUE(w.until([this] { return at.waiting() == 2; }));
    std::optional<error_code> ended;
    nc.drain(nullptr, [&](error_code ec) { ended = ec; });
    w.settle();
    EXPECT_FALSE(ended);
    while (answers.size() < 5) {
        at.open();
        ASSERT_TRUE(w.until([this] { return at.waiting() != 0 || answers.size() == 5; }));
    }
    ASSERT_TRUE(w.until([&] { return ended.has_value(); }));
    EXPECT_FALSE(*ended);
    ASSERT_EQ(stopped.size(), 1U);
    EXPECT_EQ(stopped[0], errc::drained);
}

TEST_F(asio_service, what_a_coroutine_throws_is_answered_and_leaves_run) {
    aio::service s = started();
    ASSERT_TRUE(s.add_endpoint("work", [this](aio::service_call call) -> asio::awaitable<void> {
        if (call.payload() == "1") co_await at.pass();
        if (call.payload() == "2") (void)call.respond("an answer");
        throw mine();
    }));
    know();
    publish(3);
    int thrown = 0;
    const time_point deadline = clock::now() + asio_world::patience;
    while ((answers.size() < 3 || thrown < 3) && clock::now() < deadline) {
        try {
            at.open();
            (void)w.until([&] { return at.waiting() != 0 || (answers.size() == 3 && thrown == 3); },
                          100ms);
        } catch (const mine&) {
            ++thrown;
        }
    }
    EXPECT_EQ(thrown, 3);
    std::sort(codes.begin(), codes.end());
    EXPECT_EQ(codes, (std::vector<std::string>{"", "500", "500"}));
    EXPECT_EQ(s.stats().endpoints[0].num_requests, 3U);
    EXPECT_EQ(s.stats().endpoints[0].num_errors, 3U);
    EXPECT_EQ(s.stats().endpoints[0].last_error, "500:the handler has failed");
    EXPECT_FALSE(w.outcome(s.stop()));
}

TEST_F(asio_service, a_coroutine_outlives_its_service) {
    std::optional<aio::service> s(started());
    ASSERT_TRUE(s->add_endpoint("work", patient()));
    know();
    ask(1);
    ASSERT_TRUE(w.until([this] { return at.waiting() == 1; }));
    s.reset();
    at.open();
    ASSERT_TRUE(w.until([this] { return answers.size() == 1; }));
    EXPECT_FALSE(w.outcome(nc.drain()));
}

TEST_F(asio_service, a_coroutine_outlives_its_client) {
    aio::service s = started();
    ASSERT_TRUE(s.add_endpoint("work", patient()));
    know();
    ask(1);
    ASSERT_TRUE(w.until([this] { return at.waiting() == 1; }));
    {
        const aio::client gone = std::move(nc);
    }
    at.open();
    ASSERT_TRUE(w.until([this] { return running == 0; }));
    w.settle();
    EXPECT_TRUE(answers.empty());
}

TEST_F(asio_service, a_service_ends_with_its_context_in_the_middle) {
    auto world = std::make_unique<asio::io_context>(1);
    std::optional<aio::service> s;
    {
        aio::client mine_too(*world);
        // never connected: there is nothing to serve
        EXPECT_EQ(aio::service::start(mine_too, {"svc", "1.0.0"}).error(), errc::not_connected);
    }
    s.emplace(started());
    ASSERT_TRUE(s->add_endpoint("work", patient()));
    know();
    ask(2);
    ASSERT_TRUE(w.until([this] { return at.waiting() == 2; }));
    // The fixture destroys the clients, then the context with what waits in it.
}

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Proves that the Asio client allocates nothing for a message once buffers have their size, in
// coroutines on the client's executor and in handlers, with a strand and without, and that an
// owning message costs one allocation. All of it is counted, Asio's own memory too: that is
// recycled by the thread. The server is our broker in a child process, which does not count.

#include <natsproto/asio/client.hpp>
#include <natsproto/tcp/tcp_broker.hpp>

#include "alloc/allocations.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace nats::test {
namespace {

namespace asio = boost::asio;

/// Our broker in a process of its own, which ends with this one.
class broker_process {
public:
    broker_process() {
        std::array<int, 2> ends{};
        if (::pipe(ends.data()) != 0) throw std::runtime_error("pipe");
        child_ = ::fork();
        if (child_ == 0) serve(ends[1]);
        ::close(ends[1]);
        std::array<char, 256> text{};
        const ssize_t n = ::read(ends[0], text.data(), text.size());
        ::close(ends[0]);
        if (n <= 0) throw std::runtime_error("the broker did not start");
        url_.assign(text.data(), static_cast<std::size_t>(n));
    }
    broker_process(const broker_process&) = delete;
    broker_process& operator=(const broker_process&) = delete;
    ~broker_process() {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }
    [[nodiscard]] const std::string& url() const noexcept { return url_; }

private:
    [[noreturn]] static void serve(int tell) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        auto broker = tcp_broker::listen().value();
        const std::string url = broker->url();
        if (::write(tell, url.data(), url.size()) < 0) std::_Exit(1);
        (void)broker->run();
        std::_Exit(0);
    }
    pid_t child_ = -1;
    std::string url_;
};

/// A connected client, a subscription to "a", and a service at "echo".
struct world {
    aio::client* nc;
    aio::subscription* sub;
    aio::publisher from_anywhere;
    std::size_t handled = 0;
    std::string payload = std::string(128, 'x');
    message into = {};
};

using step = asio::awaitable<void> (*)(world& w);

asio::awaitable<void> count(aio::client& nc, std::string url, step one, std::size_t& counted) {
    co_await nc.connect(url);
    aio::subscription sub = nc.subscribe("a").value();
    world w{&nc, &sub, nc.get_publisher()};
    aio::subscription handled =
        nc.subscribe("handled", [&w](const message_view&) { ++w.handled; }).value();
    aio::subscription service = nc.subscribe("echo", [&nc](const message_view& m) {
                                      nc.respond(m, m.payload).value();
                                  }).value();
    for (int i = 0; i < warm_up; ++i) co_await one(w);
    allocations = 0;
    counting_allocations = true;
    for (int i = 0; i < rounds; ++i) co_await one(w);
    counting_allocations = false;
    counted = allocations;
    co_await nc.close();
}

std::size_t allocations_in(step one, bool serial) {
    const broker_process broker;
    std::size_t counted = static_cast<std::size_t>(-1);
    asio::io_context context(1);
    aio::client nc(context, {.serial = serial});
    asio::co_spawn(nc.get_executor(), count(nc, broker.url(), one, counted),
                   [](const std::exception_ptr& e) {
                       if (e) std::rethrow_exception(e);
                   });
    context.run();
    return counted;
}

class asio_allocations : public testing::TestWithParam<bool> {};

TEST_P(asio_allocations, none_for_a_message_that_is_read_into_one_of_the_callers) {
    EXPECT_EQ(allocations_in(
                  [](world& w) -> asio::awaitable<void> {
                      w.nc->publish("a", w.payload).value();
                      co_await w.sub->next_into(w.into);
                  },
                  GetParam()),
              0U);
}

TEST_P(asio_allocations, none_with_a_timeout) {
    EXPECT_EQ(allocations_in(
                  [](world& w) -> asio::awaitable<void> {
                      w.nc->publish("a", w.payload).value();
                      co_await w.sub->next_into(w.into, {.timeout = std::chrono::seconds(10)});
                  },
                  GetParam()),
              0U);
}

TEST_P(asio_allocations, one_for_an_owning_message) {
    EXPECT_EQ(allocations_in(
                  [](world& w) -> asio::awaitable<void> {
                      w.nc->publish("a", w.payload).value();
                      const message m = co_await w.sub->next();
                      EXPECT_EQ(m.payload().size(), w.payload.size());
                  },
                  GetParam()),
              1U * rounds);
}

TEST_P(asio_allocations, none_for_a_request_and_for_who_answers_it) {
    EXPECT_EQ(allocations_in(
                  [](world& w) -> asio::awaitable<void> {
                      co_await w.nc->request_into(w.into, "echo", w.payload);
                  },
                  GetParam()),
              0U);
}

TEST_P(asio_allocations, one_for_a_reply_that_owns_its_bytes) {
    EXPECT_EQ(allocations_in(
                  [](world& w) -> asio::awaitable<void> {
                      const message m = co_await w.nc->request("echo", w.payload);
                      EXPECT_EQ(m.payload().size(), w.payload.size());
                  },
                  GetParam()),
              1U * rounds);
}

TEST_P(asio_allocations, none_for_handlers_and_flushes) {
    EXPECT_EQ(allocations_in(
                  [](world& w) -> asio::awaitable<void> {
                      const std::size_t before = w.handled;
                      for (int i = 0; i < 10; ++i) w.nc->publish("handled", w.payload).value();
                      co_await w.nc->publish_when_room("handled", w.payload);
                      co_await w.nc->flush();
                      EXPECT_EQ(w.handled, before + 11);
                  },
                  GetParam()),
              0U);
}

TEST_P(asio_allocations, none_for_a_publisher) {
    EXPECT_EQ(allocations_in(
                  [](world& w) -> asio::awaitable<void> {
                      w.from_anywhere.publish("a", w.payload).value();
                      co_await w.sub->next_into(w.into);
                  },
                  GetParam()),
              0U);
}

INSTANTIATE_TEST_SUITE_P(executors, asio_allocations, testing::Bool(),
                         [](const auto& p) { return p.param ? "serial" : "strand"; });

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// A thousand subscriptions on one connection, each with a coroutine that reads it, and a thousand
// with handlers. A coroutine costs its frame, a handler a function; neither has a thread.
// Usage: 19_asio_many_subscriptions [nats://host:port]

#include <natsproto/asio/client.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <exception>
#include <iostream>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;

namespace {

constexpr std::size_t sensors = 1000;
constexpr int values = 10; // of each

struct totals {
    std::vector<int> by_coroutine = std::vector<int>(sensors);
    std::vector<int> by_handler = std::vector<int>(sensors);
};

// [coroutine]
/// One sensor's coroutine. The message's memory is used again for the next one. What has come
/// together is taken without a wait for each.
asio::awaitable<void> follow(nats::aio::subscription sub, int& seen) {
    nats::message m;
    while (seen < values) {
        co_await sub.next_into(m);
        do ++seen;
        while (sub.try_next(m));
    }
} // the subscription ends with it
// [coroutine]

// [subscribe]
asio::awaitable<void> watch_all(nats::aio::client& nc, std::string url, totals& t) {
    co_await nc.connect(url);
    std::vector<nats::aio::subscription> with_handler; // they unsubscribe when it ends
    for (std::size_t i = 0; i < sensors; ++i) {
        const std::string subject = "sensor." + std::to_string(i);
        asio::co_spawn(nc.get_executor(), follow(nc.subscribe(subject).value(), t.by_coroutine[i]),
                       asio::detached);
        const auto count = [&seen = t.by_handler[i]](const nats::message_view&) { ++seen; };
        with_handler.push_back(nc.subscribe(subject, count).value());
    }
    // [subscribe]

    for (int value = 0; value < values; ++value) {
        for (std::size_t i = 0; i < sensors; ++i)
            co_await nc.publish_when_room("sensor." + std::to_string(i), std::to_string(value));
    }
    co_await nc.drain(); // all that was published is read before it ends
}

int sum(const std::vector<int>& counts) {
    return std::accumulate(counts.begin(), counts.end(), 0);
}

} // namespace

int main(int argc, char** argv) {
    const std::string url = argc > 1 ? argv[1] : "nats://127.0.0.1:4222";
    asio::io_context ctx(1);
    nats::aio::client nc(ctx);
    totals t;
    asio::co_spawn(nc.get_executor(), watch_all(nc, url, t), [](const std::exception_ptr& failure) {
        if (failure) std::rethrow_exception(failure);
    });
    ctx.run();
    std::cout << sum(t.by_coroutine) << " values by coroutines, " << sum(t.by_handler)
              << " by handlers\n";
    const int all = static_cast<int>(sensors) * values;
    return sum(t.by_coroutine) == all && sum(t.by_handler) == all ? 0 : 1;
}

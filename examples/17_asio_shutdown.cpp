// SPDX-License-Identifier: Apache-2.0
//
// A service that ends at SIGINT or SIGTERM without losing anything: it tells the server that it
// wants no more, works off what has come, flushes its answers, and closes. And it logs.
// Usage: 17_asio_shutdown [nats://host:port]

#include <natsproto/asio/client.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <chrono>
#include <csignal>
#include <exception>
#include <functional>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

namespace asio = boost::asio;

namespace {

// [serve]
/// Works until the subscription has ended: it was drained, or the connection is over for good.
asio::awaitable<int> serve(nats::aio::client& nc, std::string url, std::function<void()> ready) {
    asio::signal_set signals(nc.get_executor(), SIGINT, SIGTERM);
    signals.async_wait([&nc](boost::system::error_code ec, int signal) {
        if (ec) return; // the set has been destroyed
        std::cout << "signal " << signal << ": draining\n";
        (void)nc.start_drain(); // fails if it is not connected, and then closes
    });

    co_await nc.connect(url);
    nats::aio::subscription orders = nc.subscribe("orders").value();
    co_await nc.flush(); // the server knows that
    ready();

    int done = 0;
    auto messages = orders.messages();
    while (const std::optional<nats::message> order = co_await messages.next()) {
        nc.publish("done", order->payload()).value(); // also while it is drained
        ++done;
    }
    std::cout << "the end: " << messages.why()->message() << '\n';
    co_return done;
}
// [serve]

// [log]
/// What the client has to say about itself, a line each.
void log(void* /*context*/, nats::log_level level, std::string_view line) {
    std::clog << nats::name_of(level) << ": " << line << '\n';
}
// [log]

/// Sends orders, then the signal. In life these are other programs.
asio::awaitable<void> play(nats::aio::client& customer, std::string url, int orders) {
    co_await customer.connect(url);
    for (int i = 0; i < orders; ++i) customer.publish("orders", std::to_string(i)).value();
    co_await customer.flush(); // the server has them
    std::raise(SIGTERM);
    co_await customer.close();
}

} // namespace

int main(int argc, char** argv) {
    const std::string url = argc > 1 ? argv[1] : "nats://127.0.0.1:4222";
    constexpr int orders = 1000;
    asio::io_context ctx(1);
    nats::aio::client customer(ctx);
    const auto rethrow = [](const std::exception_ptr& failure) {
        if (failure) std::rethrow_exception(failure);
    };
    const auto ready = [&] {
        asio::co_spawn(customer.get_executor(), play(customer, url, orders), rethrow);
    };

    // [main]
    nats::aio::client nc(ctx, {.log = {.write = log, .most = nats::log_level::info}});
    int done = 0;
    asio::co_spawn(nc.get_executor(), serve(nc, url, ready),
                   [&](const std::exception_ptr& failure, int n) {
                       if (failure) std::rethrow_exception(failure);
                       done = n;
                   });
    ctx.run(); // returns when the client has closed: all is written
    // [main]
    std::cout << done << " orders, " << nc.stats().out_messages << " done\n";
    return done == orders ? 0 : 1;
}

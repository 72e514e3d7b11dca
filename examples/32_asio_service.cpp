// SPDX-License-Identifier: Apache-2.0
//
// A service whose handlers are coroutines: many requests are dealt with at a time, in one thread.
// Usage: 32_asio_service [nats://host:port]

#include <natsproto/asio/service.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace services = nats::services;

namespace {

// [handler]
/// Takes its time, without keeping others from theirs. The call is its own: it may keep it.
asio::awaitable<void> cook(nats::aio::service_call call) {
    asio::steady_timer timer(co_await asio::this_coro::executor, 200ms);
    co_await timer.async_wait(asio::use_awaitable);
    if (call.payload() == "stones")
        (void)call.respond_error(422, "nobody can cook stones");
    else
        (void)call.respond("hot " + std::string(call.payload()));
}
// [handler]

asio::awaitable<std::size_t> all_of_it(nats::aio::client& nc, std::string url) {
    co_await nc.connect(url);
    // [service]
    nats::aio::service kitchen = nats::aio::service::start(nc, {"kitchen", "1.0.0"}).value();
    services::endpoint_config order("order");
    order.max_concurrent = 8; // the rest waits
    kitchen.add_endpoint(order, cook).value();
    // [service]

    // [ask]
    nats::aio::service_client guest(nc);
    nats::message meal = co_await guest.request("order", "soup");
    std::cout << meal.payload() << '\n';
    nats::error why;
    try {
        co_await guest.request("order", "stones", {}, asio::deferred, &why);
    } catch (const boost::system::system_error&) {
        std::cout << why.status() << ": " << why.detail() << '\n';
    }
    const std::vector<services::stats_response> stats = co_await guest.stats();
    // [ask]
    const std::size_t errors = stats.at(0).endpoints.at(0).num_errors;
    // [stop]
    co_await kitchen.stop(); // waits for the coroutines that run
    // [stop]
    co_await nc.close();
    co_return errors;
}

} // namespace

int main(int argc, char** argv) try {
    const std::string url = argc > 1 ? argv[1] : "nats://127.0.0.1:4222";
    asio::io_context ctx(1);
    nats::aio::client nc(ctx);
    std::size_t errors = 0;
    asio::co_spawn(nc.get_executor(), all_of_it(nc, url),
                   [&errors](const std::exception_ptr& failure, std::size_t n) {
                       if (failure) std::rethrow_exception(failure);
                       errors = n;
                   });
    ctx.run();
    std::cout << errors << " error\n";
    return errors == 1 ? 0 : 1;
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
}

// SPDX-License-Identifier: Apache-2.0
//
// JetStream in coroutines: the same calls, each an operation that takes any completion token.
// Usage: 26_asio_jetstream [nats://host:port]

#include <natsproto/asio/jetstream.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace js = nats::js;

namespace {

// [work]
asio::awaitable<std::uint64_t> work(nats::aio::jetstream& jetstream) {
    js::consumer_config config("workers");
    co_await jetstream.create_consumer("JOBS", config);
    auto messages = jetstream.consumer("JOBS", "workers").messages({.stop_after = 100}).value();
    std::uint64_t done = 0;
    while (std::optional<js::message> m = co_await messages.next()) {
        co_await jetstream.ack_confirmed(*m, 5s); // the server knows
        ++done;
    }
    co_return done;
}
// [work]

// [errors]
/// Errors are exceptions here, with the server's own number as their code. The whole error goes
/// where one wants it.
asio::awaitable<bool> a_stream_that_is_not_there(nats::aio::jetstream& jetstream) {
    nats::error why;
    try {
        co_await jetstream.stream_info("NONE", {}, asio::deferred, &why);
    } catch (const boost::system::system_error& e) {
        std::cout << why.message() << '\n';
        co_return std::error_code(e.code()) == js::api_code::stream_not_found;
    }
    co_return false;
}
// [errors]

asio::awaitable<std::uint64_t> all_of_it(nats::aio::client& nc, std::string url) {
    co_await nc.connect(url);
    nats::aio::jetstream jetstream(nc);
    js::stream_config jobs("JOBS");
    jobs.subjects = {"jobs"};
    jobs.storage = js::storage_type::memory;
    co_await jetstream.create_or_update_stream(jobs);
    // [window]
    auto publisher = jetstream.make_publisher().value();
    for (int i = 0; i < 100; ++i) {
        const std::string job = std::to_string(i);
        co_await publisher.publish("jobs", job); // waits only when the window is full
    }
    co_await publisher.complete(10s);
    // [window]
    std::uint64_t done = co_await work(jetstream);
    if (!co_await a_stream_that_is_not_there(jetstream)) done = 0;
    co_await jetstream.delete_stream("JOBS");
    co_await nc.close();
    co_return done;
}

} // namespace

int main(int argc, char** argv) try {
    const std::string url = argc > 1 ? argv[1] : "nats://127.0.0.1:4222";
    asio::io_context ctx(1);
    nats::aio::client nc(ctx);
    std::uint64_t done = 0;
    asio::co_spawn(nc.get_executor(), all_of_it(nc, url),
                   [&done](const std::exception_ptr& failure, std::uint64_t n) {
                       if (failure) std::rethrow_exception(failure);
                       done = n;
                   });
    ctx.run();
    std::cout << done << " jobs\n";
    return done == 100 ? 0 : 1;
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
}

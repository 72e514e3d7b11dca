// SPDX-License-Identifier: Apache-2.0
//
// A key-value bucket in coroutines: one waits for what another one writes.
// Usage: 28_asio_key_value [nats://host:port]

#include <natsproto/asio/key_value.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <cstdint>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace asio = boost::asio;
namespace kv = nats::kv;

namespace {

// [watch]
/// Until the last of them: what all numbers that were written add up to.
asio::awaitable<int> add_up(nats::aio::kv_watch watch, std::string last) {
    int sum = 0;
    while (std::optional<kv::watch_event> e = co_await watch.next()) {
        if (e->initial_end()) continue;
        sum += std::stoi(e->entry->value);
        if (e->entry->key == last) break;
    }
    co_return sum;
}
// [watch]

// [write]
asio::awaitable<void> write(nats::aio::kv_bucket& numbers) {
    for (int i = 1; i <= 100; ++i) {
        const std::string key = "n." + std::to_string(i);
        const std::string value = std::to_string(i);
        co_await numbers.put(key, value);
    }
}
// [write]

// [errors]
asio::awaitable<void> too_late(nats::aio::kv_bucket& numbers) {
    nats::error why;
    try {
        co_await numbers.create("n.1", "0", {}, asio::deferred, &why);
    } catch (const boost::system::system_error& e) {
        if (std::error_code(e.code()) != nats::errc::key_exists) throw;
        std::cout << why.message() << '\n';
    }
}
// [errors]

asio::awaitable<int> all_of_it(nats::aio::client& nc, std::string url) {
    co_await nc.connect(url);
    nats::aio::jetstream jetstream(nc);
    nats::aio::key_value buckets(jetstream);
    kv::bucket_config config("numbers");
    config.storage = nats::js::storage_type::memory;
    nats::aio::kv_bucket numbers = co_await buckets.create(config);
    nats::aio::kv_watch watch = numbers.watch("n.*").value();
    asio::co_spawn(nc.get_executor(), write(numbers), [](const std::exception_ptr& failure) {
        if (failure) std::rethrow_exception(failure);
    });
    const int sum = co_await add_up(std::move(watch), "n.100");
    co_await too_late(numbers);
    co_await buckets.remove("numbers");
    co_await nc.close();
    co_return sum;
}

} // namespace

int main(int argc, char** argv) try {
    const std::string url = argc > 1 ? argv[1] : "nats://127.0.0.1:4222";
    asio::io_context ctx(1);
    nats::aio::client nc(ctx);
    int sum = 0;
    asio::co_spawn(nc.get_executor(), all_of_it(nc, url),
                   [&sum](const std::exception_ptr& failure, int n) {
                       if (failure) std::rethrow_exception(failure);
                       sum = n;
                   });
    ctx.run();
    std::cout << "they add up to " << sum << '\n';
    return sum == 5050 ? 0 : 1;
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
}

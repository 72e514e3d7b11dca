// SPDX-License-Identifier: Apache-2.0
//
// The object store in coroutines: an object is written piece by piece, read, and gone.
// Usage: 30_asio_object_store [nats://host:port]

#include <natsproto/asio/object_store.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstddef>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

namespace asio = boost::asio;
namespace obj = nats::obj;

namespace {

// [work]
asio::awaitable<std::size_t> work(nats::aio::object_bucket& logs) {
    auto writer = logs.open_writer("today").value();
    for (int line = 0; line < 1000; ++line) {
        const std::string text = std::to_string(line) + '\n';
        co_await writer.write(text); // waits only when the window is full
    }
    co_await writer.finish();
    nats::aio::object_reader reader = co_await logs.open_reader("today");
    std::size_t size = 0;
    while (std::optional<std::string_view> piece = co_await reader.next()) size += piece->size();
    co_return size;
}
// [work]

asio::awaitable<std::size_t> all_of_it(nats::aio::client& nc, std::string url) {
    co_await nc.connect(url);
    nats::aio::object_store store{nats::aio::jetstream(nc)};
    obj::bucket_config config("logs");
    config.storage = nats::js::storage_type::memory;
    nats::aio::object_bucket logs = co_await store.create_or_update(config);
    const std::size_t size = co_await work(logs);
    co_await store.remove("logs");
    co_await nc.close();
    co_return size;
}

} // namespace

int main(int argc, char** argv) try {
    const std::string url = argc > 1 ? argv[1] : "nats://127.0.0.1:4222";
    asio::io_context ctx(1);
    nats::aio::client nc(ctx);
    std::size_t size = 0;
    asio::co_spawn(nc.get_executor(), all_of_it(nc, url),
                   [&size](const std::exception_ptr& failure, std::size_t n) {
                       if (failure) std::rethrow_exception(failure);
                       size = n;
                   });
    ctx.run();
    std::cout << size << " bytes\n";
    return size == 3890 ? 0 : 1;
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
}

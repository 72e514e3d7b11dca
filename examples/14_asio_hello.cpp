// SPDX-License-Identifier: Apache-2.0
//
// The Asio client: publish and subscribe with coroutines. It has no thread of its own: everything
// happens in `io_context::run`, here in main. Usage: 14_asio_hello [nats://host:port]

#include <natsproto/asio/client.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;
using namespace std::chrono_literals;

namespace {

void expect(bool good, const char* what) {
    if (!good) throw std::runtime_error(what);
}

// [first]
/// What waits is an operation, with `co_await`; it throws what went wrong. What does not wait
/// returns a `result`, whose `value()` throws.
asio::awaitable<void> hello(nats::aio::client& nc, std::string url) {
    co_await nc.connect(url);
    nats::aio::subscription sub = nc.subscribe("greet.*").value();
    nc.publish("greet.joe", "hello").value();
    const nats::message m = co_await sub.next({.timeout = 5s});
    std::cout << "received on " << m.subject() << ": " << m.payload() << '\n';
}
// [first]

// [range]
/// All messages of a subscription, until it has ended.
asio::awaitable<int> count(nats::aio::subscription sub) {
    int seen = 0;
    auto messages = sub.messages();
    while (const std::optional<nats::message> m = co_await messages.next()) ++seen;
    expect(messages.why() == nats::errc::max_messages_reached, "another end");
    co_return seen;
}

/// Faster than the network: `publish` would fail with `output_full`, this one waits for room.
asio::awaitable<void> publish_many(nats::aio::client& nc, int many) {
    for (int i = 0; i < many; ++i) co_await nc.publish_when_room("numbers", std::to_string(i));
    const nats::duration rtt = co_await nc.flush(); // the server has all of them
    std::cout << "a round trip of " << (rtt < 1s ? "less than a second" : "seconds") << '\n';
}

/// Two coroutines at a time, on one connection.
asio::awaitable<void> together(nats::aio::client& nc) {
    nats::aio::subscription sub = nc.subscribe("numbers").value();
    sub.unsubscribe(10'000).value(); // after so many
    const int seen = co_await (count(std::move(sub)) && publish_many(nc, 10'000));
    std::cout << seen << " messages\n";
}
// [range]

// [errors]
/// Without exceptions, where an error is a part of life.
asio::awaitable<void> errors(nats::aio::client& nc) {
    boost::system::error_code ec;
    nats::error why; // what a code cannot carry: what it is about, the server's words
    co_await nc.request("nobody.there", "hello?", {.why = &why},
                        asio::redirect_error(asio::use_awaitable, ec));
    expect(ec == nats::errc::no_responders, "somebody is there");
    std::cout << why.message() << '\n';

    const nats::result<void> sent = nc.publish("two..dots", "x");
    expect(!sent && sent.error() == nats::errc::invalid_subject, "a wrong subject was taken");
    std::cout << "refused: " << sent.error().message() << '\n';
}
// [errors]

asio::awaitable<void> all_of_it(nats::aio::client& nc, std::string url) {
    co_await hello(nc, std::move(url));
    co_await together(nc);
    co_await errors(nc);
    co_await nc.close(); // writes what is left
}

} // namespace

int main(int argc, char** argv) {
    const std::string url = argc > 1 ? argv[1] : "nats://127.0.0.1:4222";
    // [main]
    asio::io_context ctx(1); // run by one thread
    nats::aio::client nc(ctx);
    asio::co_spawn(nc.get_executor(), all_of_it(nc, url), [](const std::exception_ptr& failure) {
        if (failure) std::rethrow_exception(failure); // out of run()
    });
    ctx.run(); // until there is nothing to do any more: the client is closed
    // [main]
    std::cout << "done\n";
    return 0;
}

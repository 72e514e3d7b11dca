// SPDX-License-Identifier: Apache-2.0
//
// The Asio client and time: a deadline of an operation, a race with a timer, and cancellation of
// one operation, or of a whole coroutine. The client goes on after all of them.
// Usage: 16_asio_timeouts [nats://host:port]

#include <natsproto/asio/client.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <variant>

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;
using namespace std::chrono_literals;

namespace {

void expect(bool good, const char* what) {
    if (!good) throw std::runtime_error(what);
}

// [timeout]
/// Most operations have a timeout. It is an error like others.
asio::awaitable<void> a_deadline(nats::aio::client& nc) {
    const nats::aio::subscription silent = nc.subscribe("silent").value();
    boost::system::error_code ec;
    co_await nc.request("silent", "anybody?", {.timeout = 20ms},
                        asio::redirect_error(asio::use_awaitable, ec));
    expect(ec == nats::errc::timeout, "an answer");
    std::cout << "a request: " << ec.message() << '\n';
}
// [timeout]

// [race]
/// A race with anything else that Asio can wait for. Whoever comes second is cancelled.
asio::awaitable<void> a_race(nats::aio::client& nc, nats::aio::subscription& sub) {
    asio::steady_timer timer(nc.get_executor(), 20ms);
    const std::variant<nats::message, std::monostate> first =
        co_await (sub.next({}, asio::use_awaitable) || timer.async_wait(asio::use_awaitable));
    expect(first.index() == 1, "a message");
    std::cout << "the timer was first\n";
}
// [race]

// [signal]
/// One operation, cancelled by a signal: it ends with `operation_aborted`.
asio::awaitable<void> one_operation(nats::aio::client& nc, nats::aio::subscription& sub) {
    asio::cancellation_signal stop;
    asio::steady_timer timer(nc.get_executor(), 20ms);
    timer.async_wait([&](boost::system::error_code) { stop.emit(asio::cancellation_type::total); });

    boost::system::error_code ec;
    co_await sub.next({}, asio::bind_cancellation_slot(
                              stop.slot(), asio::redirect_error(asio::use_awaitable, ec)));
    expect(ec == asio::error::operation_aborted, "not cancelled");
    std::cout << "cancelled: " << ec.message() << '\n';
}
// [signal]

// [coroutine]
/// Counts until it is cancelled.
asio::awaitable<void> listen(nats::aio::subscription& sub, int& seen) {
    while (true) {
        (void)co_await sub.next();
        ++seen;
    }
}

/// A whole coroutine: what it waits for at that moment is cancelled, and throws in it.
void start_listening(nats::aio::client& nc, nats::aio::subscription& sub, int& seen,
                     asio::cancellation_signal& stop) {
    const auto ended = [](const std::exception_ptr& why) {
        std::cout << "the listener has " << (why ? "been cancelled\n" : "returned\n");
    };
    asio::co_spawn(nc.get_executor(), listen(sub, seen),
                   asio::bind_cancellation_slot(stop.slot(), ended));
}
// [coroutine]

asio::awaitable<void> all_of_it(nats::aio::client& nc, std::string url) {
    co_await nc.connect(url);
    nats::aio::subscription sub = nc.subscribe("news").value();
    co_await a_deadline(nc);
    co_await a_race(nc, sub);
    co_await one_operation(nc, sub);

    int seen = 0;
    asio::cancellation_signal stop;
    start_listening(nc, sub, seen, stop);
    nc.publish("news", "one").value();
    co_await nc.flush();
    co_await nc.barrier(); // what has come was read
    stop.emit(asio::cancellation_type::terminal);

    // Nothing of that has harmed the subscription, or lost a message.
    nc.publish("news", "two").value();
    const nats::message m = co_await sub.next({.timeout = 5s});
    expect(seen == 1 && m.payload() == "two", "a message was lost");
    std::cout << "still there: " << m.payload() << '\n';
    co_await nc.close();
}

} // namespace

int main(int argc, char** argv) {
    const std::string url = argc > 1 ? argv[1] : "nats://127.0.0.1:4222";
    asio::io_context ctx(1);
    nats::aio::client nc(ctx);
    asio::co_spawn(nc.get_executor(), all_of_it(nc, url), [](const std::exception_ptr& failure) {
        if (failure) std::rethrow_exception(failure);
    });
    ctx.run();
    return 0;
}

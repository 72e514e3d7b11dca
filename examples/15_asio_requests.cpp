// SPDX-License-Identifier: Apache-2.0
//
// Requests with the Asio client: a service by a handler, one by a coroutine that asks somebody else
// before it answers, and their client. All of it shares one connection and one thread here.
// Usage: 15_asio_requests [nats://host:port]

#include <natsproto/asio/client.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;
using namespace std::chrono_literals;

namespace {

void expect(bool good, const char* what) {
    if (!good) throw std::runtime_error(what);
}

// [service]
/// A service that answers at once: a handler. It gets a view, and nothing is copied. Each request
/// goes to one member of the queue group.
nats::aio::subscription serve_length(nats::aio::client& nc) {
    const auto answer = [&nc](const nats::message_view& m) {
        nc.respond(m, std::to_string(m.payload.size())).value();
    };
    return nc.subscribe("length", answer, {.queue = "workers"}).value();
}
// [service]

// [waiting_service]
/// Answers one request, and has to ask for that.
asio::awaitable<void> answer_greeting(nats::aio::client& nc, nats::message asked) {
    const nats::message length = co_await nc.request("length", asked.payload());
    const std::string text = "hello, " + std::string(length.payload()) + " letters";
    nc.respond(asked, text).value();
}

/// A handler must not wait, a coroutine may. Each request gets one of its own, so that none waits
/// for another.
asio::awaitable<void> serve_greetings(nats::aio::client& nc, nats::aio::subscription requests) {
    auto messages = requests.messages();
    while (std::optional<nats::message> m = co_await messages.next())
        asio::co_spawn(nc.get_executor(), answer_greeting(nc, std::move(*m)), asio::detached);
}
// [waiting_service]

// [request]
asio::awaitable<void> ask(nats::aio::client& nc) {
    const nats::message one = co_await nc.request("length", "twelve bytes", {.timeout = 5s});
    std::cout << "length: " << one.payload() << '\n';
    expect(one.payload() == "12", "a wrong length");

    // Two at a time.
    const std::tuple<nats::message, nats::message> two =
        co_await (nc.request("greet", "joe", {}, asio::use_awaitable) &&
                  nc.request("greet", "barbara", {}, asio::use_awaitable));
    std::cout << std::get<0>(two).payload() << "; " << std::get<1>(two).payload() << '\n';
    expect(std::get<1>(two).payload() == "hello, 7 letters", "a wrong greeting");
}
// [request]

// [many]
/// Several replies to one request: until 200 ms go by without one, but for 2 s at most.
asio::awaitable<int> count_members(nats::aio::client& nc) {
    const auto answer = [&nc](const nats::message_view& m) { nc.respond(m, "here").value(); };
    const nats::aio::subscription first = nc.subscribe("who", answer).value();
    const nats::aio::subscription second = nc.subscribe("who", answer).value();

    nats::aio::replies replies =
        nc.request_many("who", {}, {.timeout = 2s, .stall = 200ms}).value();
    int count = 0;
    while (const std::optional<nats::message> m = co_await replies.next()) ++count;
    co_return count;
}
// [many]

asio::awaitable<void> all_of_it(nats::aio::client& nc, std::string url) {
    co_await nc.connect(url);
    const nats::aio::subscription length = serve_length(nc);
    nats::aio::subscription greetings = nc.subscribe("greet").value();
    asio::co_spawn(nc.get_executor(), serve_greetings(nc, std::move(greetings)), asio::detached);

    co_await ask(nc);
    const int members = co_await count_members(nc);
    expect(members == 2, "other members than expected");
    std::cout << members << " replies\n";
    co_await nc.drain(); // ends the services too
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

// SPDX-License-Identifier: Apache-2.0
//
// The Asio client without coroutines: by callbacks, and by futures from a thread that does not run
// the context. All operations are the same; the last argument says how they tell their end.
// Usage: 21_asio_callbacks [nats://host:port]

#include <natsproto/asio/client.hpp>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <thread>
#include <utility>

namespace asio = boost::asio;
using boost::system::error_code;
using namespace std::chrono_literals;

namespace {

// [callbacks]
/// Connects, says hello to itself, and closes: a step a member.
class greeter {
public:
    greeter(asio::io_context& ctx, std::string url) : nc_(ctx), url_(std::move(url)) {}

    void start() {
        nc_.connect(url_, [this](error_code ec) { connected(ec); });
    }
    [[nodiscard]] bool good() const noexcept { return good_; }

private:
    void connected(error_code ec) {
        if (ec) {
            std::cerr << nc_.close_reason().message() << '\n';
            return;
        }
        sub_ = nc_.subscribe("greet").value();
        nc_.publish("greet", "hello").value();
        sub_.next({.timeout = 5s}, [this](error_code e, nats::message m) { received(e, m); });
    }
    void received(error_code ec, const nats::message& m) {
        good_ = !ec && m.payload() == "hello";
        std::cout << "a callback got " << m.payload() << '\n';
        nc_.close([](error_code) {});
    }

    nats::aio::client nc_;
    std::string url_;
    nats::aio::subscription sub_;
    bool good_ = false;
};
// [callbacks]

// [futures]
/// In a thread that may wait, while another one runs the context. Operations may be started from
/// any thread; what does not wait is called on the client's executor.
bool by_futures(asio::io_context& ctx, const std::string& url) {
    nats::aio::client nc(ctx);
    nc.connect(url, asio::use_future).get(); // throws what went wrong

    const auto serve = asio::use_future([&nc] {
        const auto answer = [&nc](const nats::message_view& m) { nc.respond(m, "noon").value(); };
        return nc.subscribe("time", answer).value();
    });
    nats::aio::subscription service = asio::dispatch(nc.get_executor(), serve).get();

    const nats::message reply = nc.request("time", {}, {.timeout = 5s}, asio::use_future).get();
    std::cout << "a future got " << reply.payload() << '\n';
    nc.drain(nullptr, asio::use_future).get();
    // The client and its subscription are used on their executor to the end.
    asio::dispatch(nc.get_executor(), asio::use_future([&] {
                       service = {};
                       const nats::aio::client ended = std::move(nc);
                   }))
        .get();
    return reply.payload() == "noon";
}
// [futures]

} // namespace

int main(int argc, char** argv) {
    const std::string url = argc > 1 ? argv[1] : "nats://127.0.0.1:4222";
    asio::io_context ctx(1);
    greeter g(ctx, url);
    g.start();
    ctx.run();

    ctx.restart();
    auto work = asio::make_work_guard(ctx);
    std::thread running([&] { ctx.run(); });
    const bool good = by_futures(ctx, url);
    work.reset();
    running.join();
    return g.good() && good ? 0 : 1;
}

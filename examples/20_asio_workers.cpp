// SPDX-License-Identifier: Apache-2.0
//
// A pool of workers with a queue group: one `io_context`, run by several threads, and a client for
// each worker. A client is one strand, so its handlers and coroutines need no locks; the work of
// different clients goes on at the same time. Jobs come from threads that have nothing to do with
// Asio. Usage: 20_asio_workers [nats://host:port]

#include <natsproto/asio/client.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <array>
#include <chrono>
#include <future>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr int threads = 3;
constexpr int workers = 4;
constexpr int jobs = 1000;

// [worker]
/// Each job goes to one of the group. The client and all of this run on one strand.
class worker {
public:
    worker(asio::io_context& ctx, std::string url) : nc_(ctx), url_(std::move(url)) {}

    /// Ready when the server knows of it.
    asio::awaitable<void> start() {
        co_await nc_.connect(url_);
        jobs_ = nc_.subscribe("jobs", {.queue = "workers"}).value();
        co_await nc_.flush();
    }
    /// Works until it is drained: how much it has done.
    asio::awaitable<int> run() {
        int done = 0;
        auto messages = jobs_.messages();
        while (const std::optional<nats::message> job = co_await messages.next()) {
            nc_.publish("results", job->payload()).value();
            ++done;
        }
        co_return done;
    }
    [[nodiscard]] nats::aio::client& client() noexcept { return nc_; }

private:
    nats::aio::client nc_;
    std::string url_;
    nats::aio::subscription jobs_;
};
// [worker]

/// Waits for all jobs to be done.
asio::awaitable<void> collect(nats::aio::client& nc, nats::aio::subscription& results) {
    nats::message m;
    for (int i = 0; i < jobs; ++i) co_await results.next_into(m, {.timeout = 30s});
    co_await nc.drain();
}

asio::awaitable<void> start(nats::aio::client& nc, std::string url,
                            nats::aio::subscription& results) {
    co_await nc.connect(url);
    results = nc.subscribe("results").value();
    co_await nc.flush();
}

} // namespace

int main(int argc, char** argv) {
    const std::string url = argc > 1 ? argv[1] : "nats://127.0.0.1:4222";
    // [threads]
    asio::io_context ctx(threads);
    auto work = asio::make_work_guard(ctx); // nothing is there yet that could keep it running
    std::array<std::thread, threads> running;
    for (std::thread& t : running) t = std::thread([&] { ctx.run(); });
    // [threads]

    // [pool]
    // With `use_future`, any thread can start an operation or a coroutine, and wait for it.
    std::vector<std::unique_ptr<worker>> pool;
    std::vector<std::future<int>> done;
    for (int i = 0; i < workers; ++i) {
        worker& w = *pool.emplace_back(std::make_unique<worker>(ctx, url));
        asio::co_spawn(w.client().get_executor(), w.start(), asio::use_future).get();
        done.push_back(asio::co_spawn(w.client().get_executor(), w.run(), asio::use_future));
    }
    // [pool]

    nats::aio::client nc(ctx);
    nats::aio::subscription results;
    asio::co_spawn(nc.get_executor(), start(nc, url, results), asio::use_future).get();
    auto collected = asio::co_spawn(nc.get_executor(), collect(nc, results), asio::use_future);

    // [publisher]
    // Threads publish by a handle; immediate calls of the client itself are not for them.
    const nats::aio::publisher out = nc.get_publisher();
    const auto produce = [out](int first) {
        for (int i = first; i < jobs; i += 2) out.publish("jobs", std::to_string(i)).value();
    };
    std::thread even(produce, 0);
    std::thread odd(produce, 1);
    even.join();
    odd.join();
    // [publisher]
    collected.get();

    // [end]
    for (const auto& w : pool) w->client().drain(nullptr, asio::use_future).get();
    int sum = 0;
    for (std::future<int>& d : done) sum += d.get();
    work.reset(); // now `run` can return
    for (std::thread& t : running) t.join();
    // [end]
    std::cout << sum << " jobs by " << workers << " workers\n";
    return sum == jobs ? 0 : 1;
}

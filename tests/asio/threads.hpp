// SPDX-License-Identifier: Apache-2.0
//
// What tests with several threads share: a broker in a thread, threads that run a context, and
// waiting for what others do, never without an end.

#pragma once

#include <natsproto/asio/client.hpp>
#include <natsproto/tcp/tcp_broker.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <sys/resource.h>

#if defined(__SANITIZE_THREAD__)
#define NATSPROTO_WITH_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NATSPROTO_WITH_TSAN 1
#endif
#endif

namespace nats::test::threads {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using boost::system::error_code;

#ifdef NATSPROTO_WITH_TSAN
inline constexpr int many_clients = 100;
inline constexpr int rounds = 10;
inline constexpr int publishes = 500;
#else
inline constexpr int many_clients = 1000;
inline constexpr int rounds = 100;
inline constexpr int publishes = 5000;
#endif
inline constexpr std::size_t thread_count = 4;

/// Long enough for anything that must happen, even on a loaded machine.
inline constexpr duration patience = 30s;

/// What a server has got on subjects that end with the number of a thread: how many of each thread,
/// and how many of them out of order. The n-th payload of a thread begins with `n `.
struct tally {
    std::array<std::atomic<int>, thread_count> seen{};
    std::atomic<int> misplaced = 0;

    static void take(void* context, broker&, const message_view& m) {
        tally& self = *static_cast<tally*>(context);
        const auto thread = static_cast<std::size_t>(m.subject.back() - '0');
        const int number = std::stoi(std::string(m.payload.substr(0, m.payload.find(' '))));
        if (number != self.seen.at(thread).fetch_add(1)) ++self.misplaced;
    }
};

/// A broker in a thread of its own.
class server {
public:
    server() {
        thread_ = std::thread([this] { (void)broker_->run(); });
    }
    server(const server&) = delete;
    server& operator=(const server&) = delete;
    ~server() {
        broker_->stop();
        thread_.join();
    }
    [[nodiscard]] std::string url() const { return broker_->url(); }
    void count_into(tally& t, std::string_view subject) {
        with([&](broker& b, time_point) {
            ASSERT_TRUE(b.subscribe(subject, {}, &tally::take, &t));
        });
    }
    void with(const std::function<void(broker&, time_point)>& f) { broker_->with(f).value(); }

private:
    std::unique_ptr<tcp_broker> broker_ = tcp_broker::listen().value();
    std::thread thread_;
};

/// Threads that run a context until it has nothing to do, or was stopped.
class crew {
public:
    explicit crew(asio::io_context& io, std::size_t size = thread_count)
        : work_(io.get_executor()) {
        for (std::size_t i = 0; i < size; ++i)
            threads_.emplace_back([&io] { io.run_for(patience); });
    }
    crew(const crew&) = delete;
    crew& operator=(const crew&) = delete;
    ~crew() {
        work_.reset();
        for (std::thread& t : threads_) t.join();
    }

private:
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    std::vector<std::thread> threads_;
};

/// Calls `f(number)` in as many threads, and waits for all of them.
template <class F>
void in_threads(F f) {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < thread_count; ++i) threads.emplace_back([&f, i] { f(i); });
    for (std::thread& t : threads) t.join();
}

template <class T>
T in_time(std::future<T> f) {
    if (f.wait_for(patience) != std::future_status::ready) throw std::runtime_error("no end");
    return f.get();
}

/// How an operation has ended; its handler may still return when that is known.
class outcome {
public:
    [[nodiscard]] auto handler() const {
        return [told = told_](error_code ec, auto&&...) { told->set_value(ec); };
    }
    [[nodiscard]] error_code get() const { return in_time(told_->get_future()); }

private:
    std::shared_ptr<std::promise<error_code>> told_ = std::make_shared<std::promise<error_code>>();
};

/// How an operation ends that this thread starts, and others carry out.
template <class Operation>
error_code ended(Operation op) {
    const outcome end;
    std::move(op)(end.handler());
    return end.get();
}

/// What `f` returns on an executor, which other threads run.
template <class Executor, class F>
auto on(const Executor& ex, F f) {
    auto told = std::make_shared<std::promise<decltype(f())>>();
    auto end = told->get_future();
    asio::post(ex, [told, f] { told->set_value(f()); });
    return in_time(std::move(end));
}

inline void rethrow(std::exception_ptr e) {
    if (e) std::rethrow_exception(e);
}

inline std::string numbered(int n, std::size_t size = 0) {
    std::string text = std::to_string(n) + ' ';
    text.resize(std::max(size, text.size()), 'x');
    return text;
}

inline std::string subject_of(std::size_t thread) {
    return "from." + std::to_string(thread);
}

} // namespace nats::test::threads

// SPDX-License-Identifier: Apache-2.0
//
// Proves that the Asio client keeps its word about threads: one context run by several, with
// operations that are started and end on other executors than the client's; cancellation from
// other threads. Also that one thread serves many clients.
//
// Nothing waits without an end, and nothing waits for time to pass. ThreadSanitizer looks at these
// tests (tsan/), and there they do less of the same.

#include <natsproto/asio/client.hpp>
#include <natsproto/tcp/tcp_broker.hpp>

#include "asio/threads.hpp"

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

namespace nats::test {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using namespace threads; // NOLINT(google-build-using-namespace): made for this

// --- several threads run the context

/// Sixteen clients and a service. A client's work runs where its number says: on the client's
/// executor, on another strand, or on the context itself, where its handlers are on no strand.
class crowd {
public:
    explicit crowd(std::string url) : url_(std::move(url)) {
        for (std::size_t i = 0; i < size; ++i) {
            members_.emplace_back(io_);
            members_.back().number = i;
        }
    }
    void run() {
        asio::co_spawn(service_.get_executor(), serve(), rethrow);
        {
            const crew threads(io_);
        }
        EXPECT_TRUE(io_.stopped()) << "something still waits";
        EXPECT_EQ(answers_, static_cast<int>(size) * (rounds + burst));
        EXPECT_EQ(open_, 0);
    }

private:
    static constexpr std::size_t size = 16;
    static constexpr int burst = 32;

    struct member {
        explicit member(asio::io_context& io) : nc(io) {}
        std::size_t number = 0;
        aio::client nc;
        aio::subscription inbox;
        std::atomic<int> waiting = burst;
    };

    [[nodiscard]] asio::any_io_executor executor_for(const member& m) {
        if (m.number % 3 == 0) return m.nc.get_executor();
        if (m.number % 3 == 1) return asio::make_strand(io_);
        return io_.get_executor();
    }

    asio::awaitable<void> serve() {
        co_await service_.connect(url_);
        answering_ = service_
                         .subscribe("service",
                                    [this](const message_view& m) {
                                        EXPECT_TRUE(service_.respond(m, m.payload));
                                    })
                         .value();
        co_await service_.flush();
        for (member& m : members_) asio::co_spawn(executor_for(m), work(m), rethrow);
    }

    /// On the client's executor, as immediate calls have to be.
    static asio::awaitable<void> open_inbox(member& m) {
        m.inbox = m.nc.subscribe("inbox." + std::to_string(m.number)).value();
        EXPECT_EQ(m.nc.status(), session_status::connected);
        co_return;
    }

    asio::awaitable<void> work(member& m) {
        co_await m.nc.connect(url_);
        co_await asio::co_spawn(m.nc.get_executor(), open_inbox(m), asio::use_awaitable);
        const std::string own = "inbox." + std::to_string(m.number);
        for (int i = 0; i < rounds; ++i) {
            const std::string text = own + '/' + std::to_string(i);
            const message reply = co_await m.nc.request("service", text, {.timeout = patience});
            EXPECT_EQ(reply.payload(), text);
            if (reply.payload() == text) ++answers_;
            co_await m.nc.publish_when_room(own, text);
            const message mine = co_await m.inbox.next({.timeout = patience});
            EXPECT_EQ(mine.payload(), text);
        }
        request_at_once(m);
    }

    /// Many that go on at the same time; the last one that ends closes the client.
    void request_at_once(member& m) {
        for (int i = 0; i < burst; ++i) {
            const std::string text = std::to_string(i);
            m.nc.request("service", text, {.timeout = patience},
                         asio::bind_executor(executor_for(m),
                                             [this, &m, text](error_code ec, const message& r) {
                                                 EXPECT_FALSE(ec) << ec.message();
                                                 if (r.payload() == text) ++answers_;
                                                 if (--m.waiting == 0) end(m);
                                             }));
        }
    }

    void end(member& m) {
        m.nc.close([this](error_code ec) {
            EXPECT_FALSE(ec) << ec.message();
            if (--open_ == 0) service_.close(asio::detached);
        });
    }

    std::string url_;
    asio::io_context io_{static_cast<int>(thread_count)};
    std::atomic<int> answers_ = 0;
    std::atomic<int> open_ = static_cast<int>(size);
    aio::client service_{io_};
    aio::subscription answering_;
    std::deque<member> members_;
};

TEST(asio_threads, sixteen_clients_on_four_threads) {
    const server s;
    crowd(s.url()).run();
}

// --- one thread, many clients

class one_of_many {
public:
    one_of_many(asio::io_context& io, int number) : nc_(io), number_(number) {}
    [[nodiscard]] aio::client& nc() { return nc_; }

    asio::awaitable<void> open(std::string_view url, int& done) {
        co_await nc_.connect({.servers = url, .connect_timeout = patience});
        in_ = nc_.subscribe("many." + std::to_string(number_)).value();
        co_await nc_.flush({.timeout = patience});
        ++done;
    }
    asio::awaitable<void> talk(int& done) {
        const int next = (number_ + 1) % many_clients;
        nc_.publish("many." + std::to_string(next), std::to_string(number_)).value();
        const message m = co_await in_.next({.timeout = patience});
        EXPECT_EQ(m.payload(), std::to_string((number_ + many_clients - 1) % many_clients));
        co_await nc_.close();
        ++done;
    }

private:
    aio::client nc_;
    aio::subscription in_;
    int number_;
};

/// Two sockets a client are here.
void allow_files(rlim_t files) {
    rlimit l{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &l), 0);
    if (l.rlim_cur >= files) return;
    l.rlim_cur = std::min(files, l.rlim_max);
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &l), 0);
    ASSERT_GE(l.rlim_cur, files) << "the hard limit of open files is too low";
}

TEST(asio_threads, a_thousand_clients_on_one_thread) {
    ASSERT_NO_FATAL_FAILURE(allow_files(2 * many_clients + 100));
    const server s;
    const std::string url = s.url();
    asio::io_context io{1};
    std::deque<one_of_many> all;
    for (int i = 0; i < many_clients; ++i) all.emplace_back(io, i);
    int opened = 0;
    for (one_of_many& c : all) asio::co_spawn(c.nc().get_executor(), c.open(url, opened), rethrow);
    const time_point deadline = clock::now() + 2 * patience;
    while (opened != many_clients && io.run_one_until(deadline) != 0) {
    }
    ASSERT_EQ(opened, many_clients);
    int done = 0;
    for (one_of_many& c : all) asio::co_spawn(c.nc().get_executor(), c.talk(done), rethrow);
    io.run_until(deadline);
    EXPECT_EQ(done, many_clients);
    EXPECT_TRUE(io.stopped()) << "something still waits";
}

// --- cancelling

class asio_cancelling : public testing::Test {
protected:
    asio_cancelling() {
        EXPECT_FALSE(ended(nc.connect(url)));
        on(nc.get_executor(), [this] {
            sub = nc.subscribe("numbers").value();
            return true;
        });
    }
    ~asio_cancelling() override { EXPECT_FALSE(ended(nc.close())); }

    server s;
    std::string url = s.url();
    asio::io_context io{static_cast<int>(thread_count)};
    aio::client nc{io};
    aio::subscription sub;
    crew threads{io};
};

/// The thread that started an operation cancels it, while others run the context.
TEST_F(asio_cancelling, by_the_thread_that_began) {
    for (int i = 0; i < rounds; ++i) {
        asio::cancellation_signal signal;
        const outcome end;
        sub.next({}, asio::bind_cancellation_slot(signal.slot(), end.handler()));
        signal.emit(asio::cancellation_type::total);
        ASSERT_EQ(end.get(), asio::error::operation_aborted);
    }
}

/// Reads on a strand of its own, and begins again when it was cancelled.
class numbers_reader {
public:
    numbers_reader(asio::io_context& io, aio::subscription& from)
        : strand_(asio::make_strand(io)), from_(from) {}
    [[nodiscard]] std::future<int> start(int count) {
        count_ = count;
        asio::post(strand_, [this] { read(); });
        return told_.get_future();
    }
    void cancel() {
        asio::post(strand_, [this] { signal_.emit(asio::cancellation_type::partial); });
    }
    [[nodiscard]] int cancelled() const { return cancelled_; }
    [[nodiscard]] const auto& executor() const { return strand_; }

private:
    void read() {
        from_.next({.timeout = patience},
                   asio::bind_cancellation_slot(
                       signal_.slot(),
                       asio::bind_executor(
                           strand_, [this](error_code ec, const message& m) { take(ec, m); })));
    }
    void take(error_code ec, const message& m) {
        if (ec == asio::error::operation_aborted) {
            ++cancelled_;
            return read();
        }
        if (ec || m.payload() != std::to_string(got_) || ++got_ == count_)
            return told_.set_value(got_);
        read();
    }

    asio::strand<asio::io_context::executor_type> strand_;
    aio::subscription& from_;
    asio::cancellation_signal signal_;
    std::promise<int> told_;
    int count_ = 0;
    int got_ = 0;
    std::atomic<int> cancelled_ = 0;
};

TEST_F(asio_cancelling, by_other_threads_loses_no_message) {
    numbers_reader reader(io, sub);
    std::future<int> end = reader.start(publishes);
    // Before the first message a cancellation finds an operation that waits.
    const time_point deadline = clock::now() + patience;
    while (reader.cancelled() == 0 && clock::now() < deadline) {
        reader.cancel();
        std::this_thread::yield();
    }
    EXPECT_GT(reader.cancelled(), 0);
    std::atomic<bool> over = false;
    std::thread canceller([&] {
        for (int i = 0; i < publishes && !over; ++i) reader.cancel();
    });
    const aio::publisher p = nc.get_publisher();
    for (int n = 0; n < publishes; ++n) EXPECT_TRUE(p.publish("numbers", std::to_string(n)));
    EXPECT_EQ(in_time(std::move(end)), publishes);
    over = true;
    canceller.join();
    // What was posted to the reader has run when this has.
    EXPECT_TRUE(on(reader.executor(), [] { return true; }));
}

/// A strand's handlers cancel a `connect` that goes on elsewhere: it has ended well before that, or
/// the client is closed.
TEST_F(asio_cancelling, a_connect) {
    for (int i = 0; i < rounds; ++i) {
        std::optional<aio::client> other(std::in_place, io);
        const asio::any_io_executor ex = other->get_executor();
        const auto strand = asio::make_strand(io);
        asio::cancellation_signal signal;
        const outcome end;
        EXPECT_TRUE(on(strand, [&] {
            other->connect(url, asio::bind_cancellation_slot(
                                    signal.slot(), asio::bind_executor(strand, end.handler())));
            return true;
        }));
        EXPECT_TRUE(on(strand, [&] {
            signal.emit(asio::cancellation_type::terminal);
            return true;
        }));
        const error_code ec = end.get();
        if (ec) {
            EXPECT_EQ(ec, asio::error::operation_aborted);
            EXPECT_EQ(on(ex, [&] { return other->status(); }), session_status::closed);
        }
        ASSERT_FALSE(ended(other->close()));
        EXPECT_TRUE(on(ex, [&] {
            other.reset();
            return true;
        }));
    }
}

} // namespace
} // namespace nats::test

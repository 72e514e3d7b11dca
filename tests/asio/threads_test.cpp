// SPDX-License-Identifier: Apache-2.0
//
// Proves that the Asio client keeps its word about threads: one context run by several, with
// operations that are started and end on other executors than the client's; publishers in other
// threads; cancellation from other threads. Also that one thread serves many clients.
//
// Nothing waits without an end, and nothing waits for time to pass. ThreadSanitizer looks at these
// tests (tsan/), and there they do less of the same.

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

#include <sys/resource.h>

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

#if defined(__SANITIZE_THREAD__)
#define NATSPROTO_WITH_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NATSPROTO_WITH_TSAN 1
#endif
#endif

namespace nats::test {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using boost::system::error_code;

#ifdef NATSPROTO_WITH_TSAN
constexpr int many_clients = 100;
constexpr int rounds = 10;
constexpr int publishes = 500;
#else
constexpr int many_clients = 1000;
constexpr int rounds = 100;
constexpr int publishes = 5000;
#endif
constexpr std::size_t thread_count = 4;

/// Long enough for anything that must happen, even on a loaded machine.
constexpr duration patience = 30s;

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
    explicit crew(asio::io_context& io, std::size_t size = thread_count) : work_(io.get_executor()) {
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

void rethrow(std::exception_ptr e) {
    if (e) std::rethrow_exception(e);
}

std::string numbered(int n, std::size_t size = 0) {
    std::string text = std::to_string(n) + ' ';
    text.resize(std::max(size, text.size()), 'x');
    return text;
}

std::string subject_of(std::size_t thread) {
    return "from." + std::to_string(thread);
}

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
                         asio::bind_executor(executor_for(m), [this, &m, text](error_code ec,
                                                                               const message& r) {
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
    for (one_of_many& c : all)
        asio::co_spawn(c.nc().get_executor(), c.open(url, opened), rethrow);
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

// --- publishing from other threads

class asio_publisher : public testing::Test {
protected:
    /// Has two threads run the context until the client has connected. Then nobody runs it.
    void connect(const options& o) {
        const crew threads(io, 2);
        EXPECT_FALSE(ended(nc.connect(o)));
        io.stop();
    }
    /// Publishes until that fails, with output_full: how many were taken.
    [[nodiscard]] int fill(std::size_t thread, std::size_t size) const {
        const aio::publisher p = nc.get_publisher();
        for (int n = 0;; ++n) {
            const result<void> ok = p.publish(subject_of(thread), numbered(n, size));
            if (ok) continue;
            EXPECT_EQ(ok.error(), errc::output_full);
            return n;
        }
    }

    server s;
    std::string url = s.url();
    tally arrived;
    asio::io_context io{static_cast<int>(thread_count)};
    aio::client nc{io};
};

TEST_F(asio_publisher, keeps_the_order_of_each_thread_and_flush_covers_it) {
    s.count_into(arrived, "from.*");
    {
        const crew threads(io);
        EXPECT_FALSE(ended(nc.connect(url)));
        in_threads([&](std::size_t thread) {
            const aio::publisher p = nc.get_publisher();
            for (int n = 0; n < publishes; ++n) {
                ASSERT_TRUE(p.publish(subject_of(thread), numbered(n)));
                if (n % 100 != 99) continue;
                ASSERT_FALSE(ended(nc.flush({.timeout = patience})));
                ASSERT_EQ(arrived.seen.at(thread), n + 1) << "flush came too early";
            }
        });
        EXPECT_FALSE(ended(nc.close()));
    }
    EXPECT_EQ(arrived.misplaced, 0);
}

TEST_F(asio_publisher, is_full_while_nobody_runs_the_client) {
    constexpr std::size_t limit = 10'000;
    s.count_into(arrived, "from.*");
    connect({.servers = url, .bounds = {.max_output_bytes = limit}});
    std::array<int, thread_count> taken{};
    in_threads([&](std::size_t thread) { taken.at(thread) = fill(thread, 100); });
    const std::size_t waiting = nc.get_publisher().waiting();
    EXPECT_GE(waiting, limit);
    EXPECT_LT(waiting, limit + 200) << "more than one was taken beyond the limit";
    io.restart();
    {
        const crew threads(io);
        EXPECT_FALSE(ended(nc.flush({.timeout = patience})));
        EXPECT_EQ(nc.get_publisher().waiting(), 0U);
        for (std::size_t i = 0; i < thread_count; ++i)
            EXPECT_EQ(arrived.seen.at(i), taken.at(i)) << i;
        EXPECT_TRUE(nc.get_publisher().publish("there.is", "room")) << "it stays full";
        EXPECT_FALSE(ended(nc.close()));
    }
    EXPECT_EQ(arrived.misplaced, 0);
}

TEST_F(asio_publisher, is_full_while_the_server_does_not_read) {
    constexpr std::size_t limit = 50'000;
    s.count_into(arrived, "from.*");
    const crew threads(io);
    ASSERT_FALSE(ended(nc.connect({.servers = url, .bounds = {.max_output_bytes = limit}})));
    const auto hold_until = [&](duration from_now) {
        s.with([&](broker& b, time_point now) { b.hold(b.clients().at(0).id, now + from_now); });
    };
    hold_until(1h);
    // It may be full for a moment only; in the end both this queue and the client's are.
    const aio::publisher p = nc.get_publisher();
    const time_point deadline = clock::now() + patience;
    int n = 0;
    while (clock::now() < deadline) {
        const result<void> ok = p.publish(subject_of(0), numbered(n, 10'000));
        if (ok) {
            ++n;
            continue;
        }
        ASSERT_EQ(ok.error(), errc::output_full);
        const auto unwritten = [this] { return nc.buffered(); };
        if (on(nc.get_executor(), unwritten) >= limit && p.waiting() >= limit) break;
    }
    EXPECT_GE(p.waiting(), limit);
    hold_until(0s);
    EXPECT_FALSE(ended(nc.flush({.timeout = patience})));
    EXPECT_EQ(arrived.seen.at(0), n);
    EXPECT_EQ(arrived.misplaced, 0);
    EXPECT_FALSE(ended(nc.close()));
}

TEST_F(asio_publisher, says_what_is_wrong) {
    const aio::publisher p = nc.get_publisher();
    EXPECT_EQ(p.publish("a", "b").error(), errc::not_connected);
    {
        const crew threads(io);
        EXPECT_FALSE(ended(nc.connect(url)));
        in_threads([&](std::size_t) {
            EXPECT_TRUE(p.publish("a", "b"));
            EXPECT_EQ(p.publish("a b", "c").error(), errc::invalid_subject);
            EXPECT_EQ(p.publish("a.*", "c").error(), errc::invalid_subject);
            EXPECT_EQ(p.publish("a", "b", {.reply = "c.>"}).error(), errc::invalid_subject);
            EXPECT_EQ(p.publish("a", std::string(1024UL * 1024 + 1, 'x')).error(),
                      errc::payload_too_large);
        });
        EXPECT_FALSE(ended(nc.close()));
    }
    EXPECT_EQ(p.publish("a", "b").error(), errc::connection_closed);
}

TEST_F(asio_publisher, outlives_a_client_that_has_not_connected) {
    std::optional<aio::client> short_lived(std::in_place, io);
    const aio::publisher p = short_lived->get_publisher();
    short_lived.reset();
    EXPECT_EQ(p.publish("a", "b").error(), errc::connection_closed);
}

TEST_F(asio_publisher, goes_on_until_the_client_is_destroyed) {
    std::optional<aio::client> short_lived(std::in_place, io);
    const crew threads(io);
    ASSERT_FALSE(ended(short_lived->connect(url)));
    const aio::publisher original = short_lived->get_publisher();
    const asio::any_io_executor ex = short_lived->get_executor();
    std::atomic<int> published = 0;
    in_threads([&](std::size_t) {
        const aio::publisher p = original;
        const time_point deadline = clock::now() + patience;
        result<void> ok;
        while (clock::now() < deadline) {
            ok = p.publish("a", "b");
            if (!ok && ok.error() != errc::output_full) break;
            if (ok && ++published == publishes) asio::post(ex, [&] { short_lived.reset(); });
        }
        ASSERT_FALSE(ok);
        EXPECT_EQ(ok.error(), errc::connection_closed);
    });
    EXPECT_GE(published, publishes);
}

TEST_F(asio_publisher, wakes_a_client_on_a_serial_executor) {
    s.count_into(arrived, "from.*");
    asio::io_context one{1};
    {
        aio::client serial(one, {.serial = true});
        const crew thread(one, 1);
        const auto there = [&](auto operation) {
            const outcome end;
            asio::post(one, [end, operation] { operation()(end.handler()); });
            return end.get();
        };
        ASSERT_FALSE(there([&] { return serial.connect(url); }));
        in_threads([&](std::size_t number) {
            const aio::publisher p = serial.get_publisher();
            for (int n = 0; n < publishes; ++n)
                ASSERT_TRUE(p.publish(subject_of(number), numbered(n)));
        });
        EXPECT_FALSE(there([&] { return serial.flush({.timeout = patience}); }));
        for (const std::atomic<int>& n : arrived.seen) EXPECT_EQ(n, publishes);
        EXPECT_EQ(arrived.misplaced, 0);
        EXPECT_FALSE(there([&] { return serial.close(); }));
    }
    EXPECT_TRUE(one.stopped());
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
    ~asio_cancelling() override {
        EXPECT_FALSE(ended(nc.close()));
    }

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
                       asio::bind_executor(strand_, [this](error_code ec, const message& m) {
                           take(ec, m);
                       })));
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

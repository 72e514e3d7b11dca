// SPDX-License-Identifier: Apache-2.0
//
// Proves that interrupt, from another thread or a signal handler, ends the waiting call that runs,
// or else the next one, exactly once, and loses nothing; and that signals alone end nothing.

#include "integration/process.hpp"
#include "integration/server_test.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <functional>
#include <thread>

#include <pthread.h>

namespace nats::test {
namespace {

class interrupts : public server_test {
protected:
    /// Does something from another thread once the one that calls this waits in the kernel.
    class when_waiting {
    public:
        explicit when_waiting(std::function<void()> f)
            : thread_([f = std::move(f), waiting = this_thread()] {
                  (void)wait_until([waiting] { return is_asleep(waiting); }, long_enough);
                  f();
              }) {}
        when_waiting(const when_waiting&) = delete;
        when_waiting& operator=(const when_waiting&) = delete;
        ~when_waiting() { thread_.join(); }

    private:
        std::thread thread_;
    };

    /// Expects that `call` is interrupted while it waits, and that the connection goes on.
    template <class Call>
    static void expect_interrupted(client& nc, Call call) {
        const stopwatch watch;
        const when_waiting other([&nc] { nc.interrupt(); });
        EXPECT_EQ(code_of(call()), errc::interrupted);
        EXPECT_LT(watch.elapsed(), at_once);
    }
};
NATSPROTO_ON_EVERY_SERVER(interrupts);

TEST_P(interrupts, end_every_call_that_waits) {
    client nc = connect();
    subscription sub = subscribed(nc, "i");
    const subscription silent = subscribed(nc, "silent");
    expect_interrupted(nc, [&] { return sub.next(long_enough); });
    expect_interrupted(nc, [&] { return sub.next_view(duration::max()); });
    expect_interrupted(nc, [&] { return nc.request("silent", {}, long_enough); });
    ASSERT_TRUE(nc.flush()); // or the request itself would be an event for poll
    expect_interrupted(nc, [&] { return nc.poll(long_enough); });
    expect_interrupted(nc, [&] { return nc.run_for(long_enough); });
    replies r = nc.request_many("silent", {}, {.timeout = long_enough}).value();
    expect_interrupted(nc, [&] { return r.next(); });
    ASSERT_TRUE(nc.publish("i", "goes on"));
    EXPECT_EQ(next_payload(sub), "goes on");
}

TEST_P(interrupts, end_a_flush_and_a_publish_that_waits_for_room) {
    nats_server& server = start();
    options o;
    o.bounds.max_output_bytes = 100'000;
    client nc = connect(o, {.write_timeout = long_enough});
    server.suspend();
    expect_interrupted(nc, [&] { return nc.flush(long_enough); });
    const std::string payload(50'000, 'p');
    std::size_t published = 0;
    while (nc.buffered() < 100'000) {
        ASSERT_TRUE(nc.publish("x", payload));
        ++published;
    }
    expect_interrupted(nc, [&] { return nc.publish("x", payload); });
    server.resume();
    ASSERT_TRUE(nc.flush(long_enough));
    EXPECT_EQ(nc.stats().out_messages, published);
}

TEST_P(interrupts, before_the_call_end_the_next_one_only) {
    client nc = connect();
    subscription sub = subscribed(nc, "i");
    const stopwatch watch;
    nc.interrupt();
    nc.interrupt(); // once is enough
    EXPECT_EQ(code_of(sub.next(long_enough)), errc::interrupted);
    EXPECT_EQ(code_of(sub.next(20ms)), errc::timeout);
    nc.interrupt();
    EXPECT_EQ(code_of(nc.poll()), errc::interrupted);
    EXPECT_TRUE(nc.poll());
    nc.interrupt();
    EXPECT_EQ(code_of(nc.request("nobody", {}, long_enough)), errc::interrupted);
    EXPECT_EQ(code_of(nc.request("nobody", {}, long_enough)), errc::no_responders);
    EXPECT_LT(watch.elapsed(), at_once);
}

TEST_P(interrupts, need_no_server) {
    nats_server& server = start();
    options o;
    o.reconnect_wait = long_enough;
    client nc = connect(o);
    subscription sub = subscribed(nc, "s");
    server.stop();
    ASSERT_TRUE(wait_until(
        [&] { return nc.poll(10ms) && nc.status() == session_status::reconnecting; }, long_enough));
    const stopwatch watch;
    nc.interrupt();
    EXPECT_EQ(code_of(sub.next(long_enough)), errc::interrupted);
    EXPECT_EQ(code_of(sub.next(20ms)), errc::timeout);
    EXPECT_LT(watch.elapsed(), at_once);
}

TEST_P(interrupts, lose_no_message) {
    client nc = connect();
    client other = connect();
    subscription sub = subscribed(nc, "i");
    std::atomic<bool> stop = false;
    std::thread disturbs([&] {
        while (!stop) nc.interrupt();
    });
    constexpr int count = 2000;
    for (int i = 0; i < count; ++i) ASSERT_TRUE(other.publish("i", std::to_string(i)));
    int interrupted = 0;
    for (int i = 0; i < count;) {
        const result<message> m = sub.next(long_enough);
        if (!m) {
            ASSERT_EQ(m.error().code(), errc::interrupted);
            ++interrupted;
            if (interrupted > 100) stop = true; // or it would never get to read
            continue;
        }
        ASSERT_EQ(m->payload(), std::to_string(i++));
    }
    stop = true;
    disturbs.join();
    EXPECT_GT(interrupted, 0);
}

TEST_P(interrupts, a_pending_one_does_not_keep_close_from_writing) {
    nats_server& server = start();
    client reader = connect();
    std::optional<client> writer = connect();
    subscription sub = subscribed(reader, "c");
    server.suspend();
    const std::string payload(500'000, 'c');
    std::size_t published = 0;
    for (; writer->buffered() == 0; ++published) ASSERT_TRUE(writer->publish("c", payload));
    writer->interrupt();
    const when_waiting other([&server] { server.resume(); });
    writer->close();
    for (std::size_t i = 0; i < published; ++i) ASSERT_EQ(next_payload(sub), payload);
}

// --- signals

std::atomic<client*> to_interrupt = nullptr;
std::atomic<int> signals = 0;

extern "C" void on_signal(int) {
    ++signals;
    if (client* nc = to_interrupt) nc->interrupt();
}

class signal_handler {
public:
    signal_handler() {
        struct sigaction action{};
        action.sa_handler = &on_signal;
        (void)::sigaction(SIGUSR1, &action, &before_);
        signals = 0;
    }
    signal_handler(const signal_handler&) = delete;
    signal_handler& operator=(const signal_handler&) = delete;
    ~signal_handler() {
        to_interrupt = nullptr;
        (void)::sigaction(SIGUSR1, &before_, nullptr);
    }

private:
    struct sigaction before_{};
};

TEST_P(interrupts, may_come_from_a_signal_handler) {
    client nc = connect();
    subscription sub = subscribed(nc, "s");
    const signal_handler installed;
    to_interrupt = &nc;
    const pthread_t self = ::pthread_self();
    const when_waiting other([self] { (void)::pthread_kill(self, SIGUSR1); });
    EXPECT_EQ(code_of(sub.next(long_enough)), errc::interrupted);
    EXPECT_EQ(signals, 1);
}

TEST_P(interrupts, a_signal_alone_ends_nothing) {
    client nc = connect();
    subscription sub = subscribed(nc, "s");
    const signal_handler installed;
    const pthread_t self = ::pthread_self();
    const stopwatch watch;
    const when_waiting other([self] { (void)::pthread_kill(self, SIGUSR1); });
    EXPECT_EQ(code_of(sub.next(100ms)), errc::timeout);
    EXPECT_GE(watch.elapsed(), 100ms);
    EXPECT_EQ(signals, 1);
}

} // namespace
} // namespace nats::test

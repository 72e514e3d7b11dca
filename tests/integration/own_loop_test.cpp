// SPDX-License-Identifier: Apache-2.0
//
// Proves that poll does one step and says what it did, and that its file descriptor, wants_write
// and next_deadline are all that somebody else's loop needs: here one around epoll.

#include "integration/server_test.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

#include <sys/epoll.h>
#include <unistd.h>

namespace nats::test {
namespace {

/// A loop as applications have it.
class epoll_loop {
public:
    epoll_loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}
    epoll_loop(const epoll_loop&) = delete;
    epoll_loop& operator=(const epoll_loop&) = delete;
    ~epoll_loop() { ::close(epoll_); }

    void add(client& nc) {
        look_at(nc);
        clients_.push_back(&nc);
    }

    /// Runs until `done`, or a client ends; whether it is done.
    template <class Condition>
    bool run(Condition done) {
        const stopwatch watch;
        while (watch.elapsed() < long_enough) {
            for (client* nc : clients_) {
                if (!nc->poll(0s)) return done();
            }
            if (done()) return true;
            for (const client* nc : clients_) look_at(*nc);
            std::array<epoll_event, 8> ready{};
            (void)::epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), sleep_ms());
            ++rounds;
        }
        return false;
    }

    int rounds = 0;

private:
    /// The descriptor may be another one than before: a closed one has left the epoll by itself.
    void look_at(const client& nc) const {
        if (nc.fd() < 0) return;
        epoll_event e = wanted(nc);
        if (::epoll_ctl(epoll_, EPOLL_CTL_MOD, nc.fd(), &e) != 0 &&
            ::epoll_ctl(epoll_, EPOLL_CTL_ADD, nc.fd(), &e) != 0)
            throw std::runtime_error("epoll_ctl");
    }
    static epoll_event wanted(const client& nc) {
        epoll_event e{};
        e.events = nc.wants_write() ? EPOLLIN | EPOLLOUT : EPOLLIN;
        return e;
    }
    [[nodiscard]] int sleep_ms() const {
        time_point next = no_deadline;
        for (const client* nc : clients_) next = std::min(next, nc->next_deadline().value_or(next));
        if (next == no_deadline) return -1;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - clock::now());
        return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
    }

    int epoll_;
    std::vector<client*> clients_;
};

class own_loop : public server_test {};
NATSPROTO_ON_EVERY_SERVER(own_loop);

TEST_P(own_loop, poll_of_nothing_never_waits) {
    client nc = connect();
    (void)nc.flush().value();
    const stopwatch watch;
    for (int i = 0; i < 100; ++i) ASSERT_EQ(nc.poll().value(), 0U);
    EXPECT_LT(watch.elapsed(), at_once);
}

TEST_P(own_loop, poll_waits_for_the_first_event_or_its_timeout) {
    client nc = connect();
    client other = connect();
    int seen = 0;
    const subscription sub = nc.subscribe("p", [&seen](const message_view&) { ++seen; }).value();
    (void)nc.flush().value();
    const stopwatch watch;
    EXPECT_EQ(nc.poll(50ms).value(), 0U);
    EXPECT_GE(watch.elapsed(), 50ms);
    ASSERT_TRUE(other.publish("p", "1"));
    EXPECT_EQ(nc.poll(long_enough).value(), 1U);
    EXPECT_EQ(seen, 1);
    EXPECT_LT(watch.elapsed(), at_once);
}

TEST_P(own_loop, run_for_takes_as_long_as_it_says) {
    client nc = connect();
    int seen = 0;
    const subscription sub = nc.subscribe("r", [&seen](const message_view&) { ++seen; }).value();
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(nc.publish("r"));
    const stopwatch watch;
    ASSERT_TRUE(nc.run_for(100ms));
    EXPECT_GE(watch.elapsed(), 100ms);
    EXPECT_LT(watch.elapsed(), at_once);
    EXPECT_EQ(seen, 10);
    EXPECT_TRUE(nc.run_for(-1s));
}

TEST_P(own_loop, serves_several_clients_under_epoll) {
    client asking = connect();
    client serving = connect();
    const subscription service =
        serving
            .subscribe("ask",
                       [&](const message_view& m) { ASSERT_TRUE(serving.respond(m, m.payload)); })
            .value();
    std::vector<int> answers;
    const subscription inbox =
        asking
            .subscribe("answers",
                       [&](const message_view& m) {
                           answers.push_back(std::stoi(std::string(m.payload)));
                       })
            .value();
    (void)serving.flush().value();
    (void)asking.flush().value();
    constexpr int count = 1000;
    for (int i = 0; i < count; ++i)
        ASSERT_TRUE(asking.publish("ask", std::to_string(i), {.reply = "answers", .headers = {}}));
    epoll_loop loop;
    loop.add(asking);
    loop.add(serving);
    EXPECT_TRUE(loop.run([&] { return answers.size() == count; }));
    EXPECT_TRUE(std::ranges::is_sorted(answers));
}

TEST_P(own_loop, large_output_leaves_when_the_socket_takes_it) {
    nats_server& server = start();
    client reader = connect();
    client writer = connect();
    std::size_t got = 0;
    const subscription sub =
        reader.subscribe("big", [&got](const message_view& m) { got += m.payload.size(); }).value();
    (void)reader.flush().value();
    server.suspend();
    const std::string payload(1024 * 1024, 'b');
    std::size_t sent = 0;
    while (!writer.wants_write()) {
        ASSERT_TRUE(writer.publish("big", payload));
        sent += payload.size();
    }
    EXPECT_GT(writer.buffered(), 0U);
    server.resume();
    epoll_loop loop;
    loop.add(reader);
    loop.add(writer);
    EXPECT_TRUE(loop.run([&] { return got == sent; }));
    EXPECT_FALSE(writer.wants_write());
    EXPECT_EQ(writer.buffered(), 0U);
}

TEST_P(own_loop, deadlines_wake_it_for_the_keep_alive) {
    nats_server& server = start();
    client nc = connect({.ping_interval = 20ms, .max_pings_out = 3, .reconnect = false});
    epoll_loop loop;
    loop.add(nc);
    const stopwatch watch;
    EXPECT_TRUE(loop.run([&] { return watch.elapsed() > 200ms; }));
    EXPECT_EQ(nc.status(), session_status::connected);
    EXPECT_LT(loop.rounds, 200); // it slept in between
    server.suspend();
    EXPECT_TRUE(loop.run([&] { return nc.status() == session_status::closed; }));
    EXPECT_EQ(nc.fd(), -1);
    EXPECT_EQ(code_of(nc.poll()), errc::stale_connection);
}

TEST_P(own_loop, the_end_of_the_server_wakes_it) {
    nats_server& server = start();
    client nc = connect({.reconnect = false});
    EXPECT_GE(nc.fd(), 0);
    epoll_loop loop;
    loop.add(nc);
    ASSERT_TRUE(loop.run([] { return true; }));
    server.stop();
    EXPECT_TRUE(loop.run([&] { return nc.status() == session_status::closed; }));
    EXPECT_EQ(nc.fd(), -1);
    EXPECT_FALSE(nc.wants_write());
    EXPECT_FALSE(nc.next_deadline());
    EXPECT_EQ(code_of(nc.poll()), errc::eof);
}

TEST_P(own_loop, goes_on_over_a_reconnect) {
    nats_server& server = start();
    client nc = connect({.max_reconnects = -1, .reconnect_wait = 20ms, .reconnect_jitter = {}});
    int seen = 0;
    const subscription sub = nc.subscribe("s", [&seen](const message_view&) { ++seen; }).value();
    (void)nc.flush().value();
    epoll_loop loop;
    loop.add(nc);
    server.stop();
    ASSERT_TRUE(loop.run([&] { return nc.status() == session_status::reconnecting; }));
    EXPECT_TRUE(nc.next_deadline());
    ASSERT_TRUE(nc.publish("s", "kept"));
    server.restart();
    EXPECT_TRUE(loop.run([&] { return seen == 1; }));
    EXPECT_EQ(nc.status(), session_status::connected);
    EXPECT_LT(loop.rounds, 500); // it slept in between
}

} // namespace
} // namespace nats::test

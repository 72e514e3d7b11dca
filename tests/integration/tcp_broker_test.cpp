// SPDX-License-Identifier: Apache-2.0
//
// The embedded broker on sockets: other threads, many connections, clients that do not read, that
// are slow, or that flood. What it answers is the business of the broker's own tests.

#include <natsproto/tcp/tcp_broker.hpp>

#include <natsproto/blocking/client.hpp>

#include "integration/raw_server.hpp"
#include "integration/waiting.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace nats::test {
namespace {

constexpr auto patience = 20s;

std::unique_ptr<tcp_broker> listening(broker_options o = {}) {
    return tcp_broker::listen(std::move(o)).value();
}

/// A broker in a thread of its own, until the end of the test.
class served {
public:
    explicit served(broker_options o = {}) : broker_(listening(std::move(o))) {
        thread_ = std::thread([this] { outcome_ = broker_->run(); });
    }
    served(const served&) = delete;
    served& operator=(const served&) = delete;
    ~served() {
        broker_->stop();
        join();
    }
    tcp_broker* operator->() const noexcept { return broker_.get(); }
    tcp_broker& operator*() const noexcept { return *broker_; }

    /// Waits for the end of `run`.
    void join() {
        if (thread_.joinable()) thread_.join();
        EXPECT_TRUE(outcome_) << outcome_.error().message();
    }
    [[nodiscard]] broker_statistics stats() const {
        broker_statistics out;
        broker_->with([&out](broker& b, time_point) { out = b.stats(); }).value();
        return out;
    }

private:
    std::unique_ptr<tcp_broker> broker_;
    result<void> outcome_;
    std::thread thread_;
};

/// One round after the other, in this thread, until it holds; false when it does not come to that.
template <class Condition>
[[nodiscard]] bool serve_until(tcp_broker& b, Condition holds, duration most = patience) {
    const stopwatch watch;
    while (!holds()) {
        if (watch.elapsed() > most) return false;
        (void)b.poll(1ms).value();
    }
    return true;
}

int new_socket() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) throw std::system_error(errno, std::system_category(), "socket");
    return fd;
}

void connect_to(std::uint16_t port, int fd) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0)
        throw std::system_error(errno, std::system_category(), "connect");
}

/// A client by hand: `send`, `read_line`, ...
class raw_client : public raw_peer {
public:
    explicit raw_client(std::uint16_t port, std::string_view first = {})
        : raw_client(port, new_socket()) {
        if (!first.empty()) send(first);
    }
    [[nodiscard]] int fd() const noexcept { return fd_; }
    /// Everything that has come; false at the end.
    bool take(std::string& into) const {
        std::array<char, 65536> part{};
        while (true) {
            const ssize_t n = ::recv(fd_, part.data(), part.size(), MSG_DONTWAIT);
            if (n <= 0) return n < 0 && errno == EAGAIN;
            into.append(part.data(), static_cast<std::size_t>(n));
        }
    }

private:
    raw_client(std::uint16_t port, int fd) : raw_peer(fd, -1), fd_(fd) { connect_to(port, fd); }
    int fd_;
};

constexpr std::string_view quiet = "CONNECT {\"verbose\":false,\"protocol\":1}\r\n";

std::string subscribing(std::string_view subject) {
    return std::string(quiet) + "SUB " + std::string(subject) + " 1\r\nPING\r\n";
}

void read_until(raw_client& c, std::string_view line) {
    while (c.read_line() != line) {
    }
}

// --- the end

TEST(tcp_broker, serves_the_blocking_client_until_it_is_stopped_from_another_thread) {
    served server;
    client nc = client::connect(server->url()).value();
    subscription sub = nc.subscribe("greet.*").value();
    const subscription service = nc.subscribe("echo", [&nc](const message_view& m) {
                                       nc.respond(m, m.payload).value();
                                   }).value();
    nc.publish("greet.joe", "hello").value();
    EXPECT_EQ(sub.next(patience).value().payload(), "hello");
    EXPECT_EQ(nc.request("echo", std::string(300'000, 'x'), patience).value().payload().size(),
              300'000U);
    EXPECT_EQ(nc.request("nobody", "", patience).error(), errc::no_responders);

    server->stop();
    server.join();
    EXPECT_FALSE(server->poll(0s).value()) << "it has ended";
    EXPECT_FALSE(client::connect(server->url())) << "nobody listens any more";
}

TEST(tcp_broker, an_end_lets_clients_read_what_waits_for_them) {
    served server;
    raw_client c(server->port(), subscribing("big"));
    read_until(c, "PONG");
    const std::string payload(1024 * 1024, 'x');
    server
        ->with([&](broker& b, time_point) {
            server->stop_grace = 20s;
            for (int i = 0; i < 8; ++i) b.publish("big", payload).value();
        })
        .value();
    server->stop();
    EXPECT_GT(c.read_to_end().size(), 8 * payload.size());
    server.join();
}

TEST(tcp_broker, stops_after_its_grace_when_a_client_does_not_read) {
    const std::unique_ptr<tcp_broker> server = listening();
    server->stop_grace = 30ms;
    raw_client c(server->port(), subscribing("big"));
    ASSERT_TRUE(serve_until(*server, [&] { return server->broker().stats().subscriptions == 1; }));
    const std::string payload(1024 * 1024, 'x');
    for (int i = 0; i < 16; ++i) server->broker().publish("big", payload).value();
    server->stop();
    const stopwatch watch;
    server->run().value();
    EXPECT_GE(watch.elapsed(), 30ms);
    EXPECT_LT(watch.elapsed(), 10s);
}

tcp_broker* for_the_handler = nullptr;

TEST(tcp_broker, a_signal_handler_may_stop_it) {
    const std::unique_ptr<tcp_broker> server = listening();
    for_the_handler = server.get();
    struct sigaction action{};
    struct sigaction before{};
    action.sa_handler = [](int) { for_the_handler->stop(); };
    ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
    std::thread other([self = ::pthread_self()] { ::pthread_kill(self, SIGUSR1); });
    server->run().value();
    other.join();
    (void)::sigaction(SIGUSR1, &before, nullptr);
}

TEST(tcp_broker, retires_when_its_clients_have_left) {
    broker_options o;
    o.lame_duck_grace = 20s;
    served server(std::move(o));
    raw_client c(server->port(), std::string(quiet) + "PING\r\n");
    read_until(c, "PONG");
    server->retire();
    EXPECT_NE(c.read_line().find("\"ldm\":true"), std::string::npos);
    EXPECT_THROW(raw_client(server->port()), std::system_error) << "nobody new";
    c.close();
    server.join();
}

TEST(tcp_broker, closes_all_when_it_is_destroyed_and_the_port_is_free_again) {
    std::unique_ptr<tcp_broker> server = listening();
    const std::uint16_t port = server->port();
    raw_client c(port);
    ASSERT_TRUE(serve_until(*server, [&] { return server->broker().stats().connections == 1; }));
    server.reset();
    (void)c.read_to_end();
    tcp_broker_options there;
    there.port = port;
    server = tcp_broker::listen({}, there).value();
    EXPECT_EQ(server->port(), port);

    const auto second = tcp_broker::listen({}, there);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error(), errc::io_error);
    EXPECT_NE(second.error().detail().find("127.0.0.1:" + std::to_string(port)), std::string::npos)
        << second.error().message();
}

TEST(tcp_broker, listens_where_it_is_told) {
    const struct {
        const char* host;
        const char* url; ///< its beginning; empty: an error
    } rows[] = {{"127.0.0.1", "nats://127.0.0.1:"},
                {"0.0.0.0", "nats://127.0.0.1:"},
                {"::1", "nats://[::1]:"},
                {"::", "nats://[::1]:"},
                {"localhost", ""},
                {"", ""}};
    for (const auto& row : rows) {
        tcp_broker_options where;
        where.host = row.host;
        const auto made = tcp_broker::listen({}, where);
        if (*row.url == '\0') {
            ASSERT_FALSE(made) << row.host;
            EXPECT_EQ(made.error(), errc::invalid_argument);
        } else if (made) {
            EXPECT_TRUE((*made)->url().starts_with(row.url)) << (*made)->url();
            EXPECT_EQ((*made)->broker().info().port, (*made)->port());
        } else { // a machine without IPv6
            EXPECT_NE(std::string_view(row.host).find(':'), std::string_view::npos)
                << made.error().message();
        }
    }
}

// --- with

TEST(tcp_broker, with_runs_in_the_serving_thread_or_at_once) {
    const std::unique_ptr<tcp_broker> server = listening();
    std::thread::id ran;
    const auto note = [&ran](broker&, time_point) { ran = std::this_thread::get_id(); };
    server->with(note).value();
    EXPECT_EQ(ran, std::this_thread::get_id()) << "nothing serves";

    std::thread thread([&] { server->run().value(); });
    const std::thread::id serving = thread.get_id();
    // The thread may not serve yet: then it ran here once more.
    EXPECT_TRUE(wait_until(
        [&] {
            server->with(note).value();
            return ran == serving;
        },
        patience));
    EXPECT_THROW((void)server->with([](broker&, time_point) { throw std::runtime_error("mine"); }),
                 std::runtime_error);
    std::optional<errc> inside;
    server->with([&](broker&, time_point) { inside = server->with(note).error().code(); }).value();
    EXPECT_EQ(inside, errc::in_use) << "it would wait for itself";
    server->stop();
    thread.join();
    server->with(note).value();
    EXPECT_EQ(ran, std::this_thread::get_id());
}

TEST(tcp_broker, what_was_done_while_nothing_served_is_written_when_it_does) {
    broker_options o; // without reasons of its own to wake up
    o.first_ping = o.ping_interval = o.write_deadline = 1h;
    const std::unique_ptr<tcp_broker> server = listening(std::move(o));
    raw_client c(server->port(), subscribing("news"));
    ASSERT_TRUE(serve_until(*server, [&] { return server->broker().stats().subscriptions == 1; }));
    server->with([](broker& b, time_point) { b.publish("news", "x").value(); }).value();
    std::thread thread([&] { server->run().value(); });
    const stopwatch watch;
    EXPECT_NO_THROW(read_until(c, "MSG news 1 1"));
    EXPECT_LT(watch.elapsed(), 900ms) << "it was not written but with something else";
    server->stop();
    thread.join();
}

TEST(tcp_broker, many_threads_may_visit_while_it_serves_and_ends) {
    served server;
    std::array<int, 4> done{};
    std::vector<std::thread> threads;
    for (int& counter : done) {
        threads.emplace_back([&server, &counter] {
            for (int i = 0; i < 200; ++i)
                server->with([&counter](broker&, time_point) { ++counter; }).value();
        });
    }
    server->stop();
    for (std::thread& t : threads) t.join();
    server.join();
    for (const int n : done) EXPECT_EQ(n, 200);
}

TEST(tcp_broker, whoever_visits_in_the_last_round_is_not_forgotten) {
    for (int i = 0; i < 300; ++i) {
        served server;
        int visits = 0;
        std::thread visitor([&server, &visits] {
            for (int j = 0; j < 20; ++j)
                server->with([&visits](broker&, time_point) { ++visits; }).value();
        });
        server->stop();
        visitor.join();
        EXPECT_EQ(visits, 20);
    }
}

TEST(tcp_broker, what_a_visitor_does_is_written_at_once) {
    served server;
    const std::string url = server->url();
    client nc = client::connect({.servers = url, .reconnect_wait = 1ms}).value();
    subscription sub = nc.subscribe("news").value();
    nc.flush().value();
    server->with([](broker& b, time_point) { b.publish("news", "from inside").value(); }).value();
    EXPECT_EQ(sub.next(patience).value().payload(), "from inside");
    // A cut connection: the client comes back and its subscription with it.
    server->with([](broker& b, time_point) { b.cut_all(); }).value();
    while (nc.stats().reconnects == 0) (void)nc.poll(10ms).value();
    nc.wait_connected(patience).value();
    nc.flush().value();
    nc.publish("news", "after the cut").value();
    EXPECT_EQ(sub.next(patience).value().payload(), "after the cut");
    EXPECT_EQ(nc.stats().reconnects, 1U);
}

// --- clients that behave badly

TEST(tcp_broker, a_last_error_arrives_although_the_client_sends_on) {
    served server;
    raw_client c(server->port());
    c.send(std::string(quiet) + "BOGUS\r\n");
    c.send(std::string(500'000, 'x')); // nobody wants it, but it is no reason to cut the client off
    std::string all;
    std::array<char, 4096> part{};
    ssize_t n = 0;
    while ((n = ::recv(c.fd(), part.data(), part.size(), 0)) > 0)
        all.append(part.data(), static_cast<std::size_t>(n));
    EXPECT_EQ(n, 0) << "not the end of the stream but " << std::strerror(errno);
    EXPECT_NE(all.find("-ERR 'Unknown Protocol Operation'\r\n"), std::string::npos) << all;
}

TEST(tcp_broker, cuts_off_a_client_that_never_reads_and_no_other) {
    broker_options o;
    o.max_pending = 1024 * 1024;
    served server(std::move(o));
    raw_client lazy(server->port(), subscribing("flood"));
    read_until(lazy, "PONG");
    client good = client::connect(server->url()).value();
    subscription sub = good.subscribe("flood").value();
    good.flush().value();
    const std::string payload(64 * 1024, 'x');
    int sent = 0;
    for (; sent < 1000 && server.stats().slow_consumers == 0; ++sent) {
        good.publish("flood", payload).value();
        EXPECT_EQ(sub.next(patience).value().payload().size(), payload.size());
    }
    EXPECT_LT(sent, 1000) << "it was not cut off";
    const broker_statistics s = server.stats();
    EXPECT_EQ(s.slow_consumers, 1U);
    EXPECT_EQ(s.connections, 1U);
}

TEST(tcp_broker, a_client_that_pauses_gets_all_of_it_later) {
    served server;
    raw_client slow(server->port(), subscribing("data"));
    read_until(slow, "PONG");
    const std::string payload(1000, 'x');
    const std::string frame = "MSG data 1 1000\r\n" + payload + "\r\n";
    constexpr std::size_t count = 20'000; // far more than the kernel's buffers take
    server
        ->with([&](broker& b, time_point) {
            for (std::size_t i = 0; i < count; ++i) b.publish("data", payload).value();
        })
        .value();
    for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(slow.read_bytes(frame.size()), frame) << i;
}

TEST(tcp_broker, one_byte_at_a_time_is_served_and_hinders_nobody) {
    const std::unique_ptr<tcp_broker> server = listening();
    raw_client slow(server->port());
    raw_client quick(server->port());
    const std::string all = subscribing("here") + "PUB here 5\r\nhello\r\n";
    std::string got;
    for (std::size_t i = 0; i < all.size(); ++i) {
        slow.send(all.substr(i, 1));
        quick.send(i == 0 ? std::string(quiet) + "PING\r\n" : "PING\r\n");
        got.clear();
        ASSERT_TRUE(serve_until(*server, [&] {
            (void)quick.take(got);
            return got.find("PONG\r\n") != std::string::npos;
        })) << i;
    }
    got.clear();
    EXPECT_TRUE(serve_until(*server, [&] {
        (void)slow.take(got);
        return got.find("MSG here 1 5\r\nhello\r\n") != std::string::npos;
    })) << got;
}

TEST(tcp_broker, a_flood_takes_its_turn) {
    const std::unique_ptr<tcp_broker> server = listening();
    raw_client flood(server->port(), quiet);
    raw_client quick(server->port(), quiet);
    ASSERT_TRUE(serve_until(*server, [&] { return server->broker().stats().connections == 2; }));
    const std::string frame = "PUB nobody 16\r\n0123456789abcdef\r\n";
    std::string burst;
    while (burst.size() < 64 * 1024) burst += frame;
    std::size_t sent = 0; // as much as the kernel takes, which is many rounds
    while (const ssize_t n = ::send(flood.fd(), burst.data() + sent % frame.size(),
                                    burst.size() - frame.size(), MSG_DONTWAIT)) {
        if (n < 0) break;
        sent += static_cast<std::size_t>(n);
    }
    ASSERT_GT(sent, 10 * burst.size());
    quick.send("PING\r\n");
    std::string got;
    std::size_t rounds = 0;
    ASSERT_TRUE(serve_until(*server, [&] {
        (void)quick.take(got);
        return got.find("PONG\r\n") != std::string::npos || ++rounds == 0;
    }));
    EXPECT_LE(rounds, 2U);
    EXPECT_LE(server->broker().stats().in_messages, rounds * 64 * 1024 / frame.size());
    EXPECT_TRUE(serve_until(
        *server, [&] { return server->broker().stats().in_messages == sent / frame.size(); }));
}

/// How many rounds the server makes in a time in which it has nothing to do.
int rounds_while_idle(tcp_broker& b) {
    int rounds = 0;
    for (const stopwatch watch; watch.elapsed() < 50ms; ++rounds) (void)b.poll(50ms).value();
    return rounds;
}

TEST(tcp_broker, a_client_that_vanishes_ends_with_its_connection) {
    const std::unique_ptr<tcp_broker> server = listening();
    broker& b = server->broker();
    raw_client c(server->port(), subscribing("big"));
    ASSERT_TRUE(serve_until(*server, [&] { return b.stats().subscriptions == 1; }));
    const std::string payload(1024 * 1024, 'x');
    for (int i = 0; i < 16; ++i) b.publish("big", payload).value();
    (void)server->poll(0s).value(); // as much as the kernel takes
    c.reset();
    EXPECT_TRUE(serve_until(*server, [&] { return b.stats().connections == 0; }));

    // The same of one that is held: that it is gone is seen when it is let go, and until then
    // nobody is busy with it.
    raw_client held(server->port(), subscribing("big"));
    ASSERT_TRUE(serve_until(*server, [&] { return b.stats().subscriptions == 1; }));
    b.hold(b.clients().at(0).id, clock::now() + 150ms);
    b.publish("big", payload).value();
    (void)::shutdown(held.fd(), SHUT_WR); // with this, writing would raise SIGPIPE
    held.reset();
    EXPECT_LE(rounds_while_idle(*server), 5);
    EXPECT_EQ(b.stats().connections, 1U);
    EXPECT_TRUE(serve_until(*server, [&] { return b.stats().connections == 0; }));
}

TEST(tcp_broker, a_child_that_still_has_a_socket_does_not_bring_its_connection_back) {
    const std::unique_ptr<tcp_broker> server = listening();
    broker& b = server->broker();
    raw_client c(server->port(), quiet);
    ASSERT_TRUE(serve_until(*server, [&] { return b.stats().connections == 1; }));
    const pid_t child = ::fork(); // as between fork and exec in another thread
    if (child == 0) {
        for (;;) ::pause();
    }
    ASSERT_GT(child, 0);
    c.send("an error\r\n");
    EXPECT_TRUE(serve_until(*server, [&] { return b.stats().connections == 0; }));
    (void)::shutdown(c.fd(), SHUT_RDWR);      // the child has this end too
    EXPECT_LE(rounds_while_idle(*server), 5); // nothing is told of what is closed
    (void)::kill(child, SIGKILL);
    (void)::waitpid(child, nullptr, 0);
}

/// Lowers how many descriptors the process may have, while it lives.
class fewer_descriptors {
public:
    explicit fewer_descriptors(int most) {
        (void)::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit now = before_;
        now.rlim_cur = static_cast<rlim_t>(most);
        (void)::setrlimit(RLIMIT_NOFILE, &now);
    }
    fewer_descriptors(const fewer_descriptors&) = delete;
    fewer_descriptors& operator=(const fewer_descriptors&) = delete;
    ~fewer_descriptors() { (void)::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

TEST(tcp_broker, waits_for_a_descriptor_without_being_busy) {
    const std::unique_ptr<tcp_broker> server = listening();
    std::optional<raw_client> first(server->port());
    ASSERT_TRUE(serve_until(*server, [&] { return server->broker().stats().connections == 1; }));
    const int waiting = new_socket();
    const fewer_descriptors limit(waiting + 1);
    connect_to(server->port(), waiting);
    raw_peer second(waiting, -1);
    (void)server->poll(10ms).value(); // finds that there is no descriptor
    EXPECT_LE(rounds_while_idle(*server), 5);
    EXPECT_EQ(server->broker().stats().total_connections, 1U);
    first.reset();
    EXPECT_TRUE(
        serve_until(*server, [&] { return server->broker().stats().total_connections == 2; }));
    EXPECT_TRUE(second.read_line().starts_with("INFO {"));
}

// --- many

/// In a child process, so that each side has all the descriptors that a process may have: connects,
/// says so, and ends well if each connection then gets the same message.
[[noreturn]] void be_many_clients(std::uint16_t port, std::size_t count, int ready) {
    try {
        std::vector<std::unique_ptr<raw_client>> all;
        for (std::size_t i = 0; i < count; ++i) {
            all.push_back(std::make_unique<raw_client>(port, subscribing("all")));
            read_until(*all.back(), "PONG");
        }
        (void)!::write(ready, "!", 1);
        for (const auto& c : all) {
            read_until(*c, "MSG all 1 5"); // behind a PING, if all this has taken so long
            if (c->read_line() != "hello") ::_exit(2);
        }
        ::_exit(0);
    } catch (...) {
        ::_exit(3);
    }
}

TEST(tcp_broker, ten_thousand_connections_in_one_thread) {
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    const rlimit before = limit;
    limit.rlim_cur = limit.rlim_max;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    const std::size_t count = std::min<std::size_t>(10'000, limit.rlim_cur - 200);
    EXPECT_EQ(count, 10'000U) << "the hard limit of descriptors is too low";

    const std::unique_ptr<tcp_broker> server = listening();
    std::array<int, 2> ready{};
    ASSERT_EQ(::pipe2(ready.data(), O_CLOEXEC | O_NONBLOCK), 0);
    const std::size_t heap = ::mallinfo2().uordblks;
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) be_many_clients(server->port(), count, ready[1]);
    const auto gone = [child] {
        int how = 0;
        return ::waitpid(child, &how, WNOHANG) == child ? std::optional(how) : std::nullopt;
    };
    char said = 0;
    std::optional<int> status;
    ASSERT_TRUE(serve_until(
        *server, [&] { return (status = gone()) || ::read(ready[0], &said, 1) == 1; }, 60s));
    ASSERT_FALSE(status) << "the clients failed: " << *status;
    EXPECT_EQ(server->broker().stats().connections, count);

    const std::size_t each = (::mallinfo2().uordblks - heap) / count;
    std::cout << each << " bytes of heap for each idle connection\n";
    EXPECT_LT(each, 16U * 1024);

    server->broker().publish("all", "hello").value();
    ASSERT_TRUE(serve_until(*server, [&] { return (status = gone()).has_value(); }));
    EXPECT_EQ(*status, 0);
    EXPECT_TRUE(serve_until(*server, [&] { return server->broker().stats().connections == 0; }));
    for (const int fd : ready) ::close(fd);
    (void)::setrlimit(RLIMIT_NOFILE, &before);
}

} // namespace
} // namespace nats::test

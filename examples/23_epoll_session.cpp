// SPDX-License-Identifier: Apache-2.0
//
// NATS in a loop that is there already, by a driver of one's own for `session` and `runtime`. The
// loop is epoll(7) by hand, and knows descriptors only; so the driver brings two, its socket and a
// timer for the session's deadlines. A ticker shares the loop with it.
// Usage: 23_epoll_session [nats://host:port[,nats://host:port...]]

#include <natsproto/blocking/os_random.hpp>
#include <natsproto/op.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/session.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

using namespace std::chrono_literals;
namespace action = nats::action;

namespace {

/// A descriptor that closes itself.
class descriptor {
public:
    descriptor() = default;
    explicit descriptor(int fd) : fd_(fd) {
        if (fd < 0) throw std::system_error(errno, std::system_category());
    }
    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor() { reset(); }

    [[nodiscard]] int get() const noexcept { return fd_; }
    void reset() noexcept {
        if (fd_ >= 0) close(fd_);
        fd_ = -1;
    }

private:
    int fd_ = -1;
};

/// The program's loop. It has never heard of NATS.
class event_loop {
public:
    using callback = std::function<void(std::uint32_t events)>;

    /// Level-triggered. `call` must stay where it is; a closed descriptor is forgotten.
    void add(const descriptor& d, callback& call) { control(EPOLL_CTL_ADD, d, call, EPOLLIN); }
    void change(const descriptor& d, callback& call, std::uint32_t events) {
        control(EPOLL_CTL_MOD, d, call, events);
    }
    /// One at a time: a callback may close any descriptor, and this way none of them can be in a
    /// list of those that are to be called next.
    void run_once() {
        epoll_event e{};
        if (epoll_wait(epoll_.get(), &e, 1, -1) == 1)
            (*static_cast<callback*>(e.data.ptr))(e.events);
    }

private:
    void control(int what, const descriptor& d, callback& call, std::uint32_t events) {
        epoll_event e{};
        e.events = events;
        e.data.ptr = &call;
        if (epoll_ctl(epoll_.get(), what, d.get(), &e) != 0)
            throw std::system_error(errno, std::system_category());
    }

    descriptor epoll_{epoll_create1(EPOLL_CLOEXEC)};
};

/// All addresses of a host; null: it is unknown. This waits. A program that must not wait asks a
/// thread or a library, and completes the session's action when the answer comes.
using addresses = std::unique_ptr<addrinfo, decltype([](addrinfo* a) { freeaddrinfo(a); })>;
addresses resolve(const nats::endpoint& host) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const std::string port = std::to_string(host.port);
    if (getaddrinfo(host.host.c_str(), port.c_str(), &hints, &found) != 0) return nullptr;
    return addresses(found);
}

class driver {
public:
    driver(event_loop& loop, const nats::options& o)
        : loop_(&loop), session_(o, {&random_, nullptr, nullptr}) {
        loop_->add(timer_, on_timer_);
    }
    driver(const driver&) = delete;
    driver& operator=(const driver&) = delete;
    ~driver() = default;

    [[nodiscard]] nats::runtime& rt() noexcept { return runtime_; }
    [[nodiscard]] nats::session& session() noexcept { return session_; }

    // [go_on]
    /// What there is to do after anything was told to the session or the runtime: by the driver
    /// below, or by other code of the program, which calls this after commands and started ops.
    void go_on() {
        runtime_.advance(nats::clock::now());
        do {
            nats::event e;
            while (session_.next(e)) runtime_.dispatch(e);
        } while (!do_actions()); // that was an input: events come first
        if (connected_) write_some();
        if (socket_.get() >= 0) {
            const bool wants_write = !connected_ || session_.untransmitted() != 0;
            loop_->change(socket_, on_socket_, wants_write ? EPOLLIN | EPOLLOUT : EPOLLIN);
        }
        set_timer(runtime_.poll_timeout());
    }
    // [go_on]

private:
    // [timer]
    /// steady_clock and CLOCK_MONOTONIC are the same clock.
    void set_timer(std::optional<nats::time_point> deadline) {
        itimerspec t{}; // all zero: off
        if (deadline && *deadline != nats::no_deadline) {
            const auto at = std::max<nats::duration>(deadline->time_since_epoch(), 1ns);
            const auto seconds = std::chrono::floor<std::chrono::seconds>(at);
            t.it_value = {static_cast<time_t>(seconds.count()), (at - seconds).count()};
        }
        timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &t, nullptr);
    }

    void on_timer() {
        std::uint64_t expirations = 0;
        (void)!read(timer_.get(), &expirations, sizeof expirations);
        runtime_.handle_timeout(nats::clock::now()); // does nothing when it is too early
        go_on();
    }
    // [timer]

    /// False: that was an input.
    bool do_actions() {
        while (const std::optional<nats::session_action> a = session_.poll_action()) {
            if (const auto* end = std::get_if<action::close>(&*a)) {
                if (connected_) write_some(); // with TLS: its end
                close_socket();
                session_.handle_closed(end->id, nats::clock::now());
                return false;
            }
            if (const auto* c = std::get_if<action::connect>(&*a)) {
                attempt_ = c->id;
                to_ = c->to->text();
                found_ = resolve(*c->to);
                next_address_ = found_.get();
                if (!connect_to_next()) return false;
            } // start_tls: only when options ask for it
        }
        return true;
    }

    /// Begins to connect to the next address that lets it. False: there is none, and the session
    /// was told. Here each address has all of the time that is left; it should have a share.
    bool connect_to_next() {
        for (; next_address_ != nullptr; next_address_ = next_address_->ai_next) {
            const addrinfo& a = *next_address_;
            const int fd = ::socket(a.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            if (fd < 0) continue;
            descriptor made(fd);
            const int on = 1; // requests are small, and somebody waits for the answer
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            if (connect(fd, a.ai_addr, a.ai_addrlen) != 0 && errno != EINPROGRESS) continue;
            next_address_ = a.ai_next;
            socket_ = std::move(made);
            loop_->add(socket_, on_socket_);
            return true;
        }
        session_.handle_connect_failed(
            attempt_, {found_ ? nats::errc::connect_failed : nats::errc::resolve_failed, to_},
            nats::clock::now());
        return false;
    }

    void on_socket(std::uint32_t events) {
        if (!connected_)
            finish_connect();
        else if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) // or an error, or the end
            read_some();
        go_on();
    }

    void finish_connect() {
        int status = 0;
        socklen_t size = sizeof status;
        getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &status, &size);
        if (status != 0) {
            close_socket();
            connect_to_next();
            return;
        }
        connected_ = true;
        session_.handle_connected(attempt_, nats::clock::now());
    }

    /// Once: what is left makes the loop call again.
    void read_some() {
        const std::span<char> space = session_.prepare();
        const ssize_t n = recv(socket_.get(), space.data(), space.size(), 0);
        const nats::time_point now = nats::clock::now();
        runtime_.advance(now);
        if (n > 0)
            session_.commit(static_cast<std::size_t>(n), now);
        else if (n == 0)
            session_.handle_eof(attempt_, now);
        else if (errno != EAGAIN && errno != EINTR)
            session_.handle_io_error(attempt_, {errno, std::system_category()}, now);
    }

    // [write]
    void write_some() {
        std::array<nats::const_buffer, 64> pieces;
        std::array<iovec, 64> out{};
        while (const std::size_t count = session_.poll_transmit(pieces)) {
            for (std::size_t i = 0; i < count; ++i)
                out[i] = {const_cast<char*>(pieces[i].data), pieces[i].size}; // NOLINT: only read
            msghdr m{};
            m.msg_iov = out.data();
            m.msg_iovlen = count;
            const ssize_t n = sendmsg(socket_.get(), &m, MSG_NOSIGNAL);
            if (n < 0) { // no room: epoll tells when. An error: reading finds it
                session_.handle_write_blocked(nats::clock::now());
                return;
            }
            runtime_.transmitted(static_cast<std::size_t>(n));
        }
    }
    // [write]

    void close_socket() noexcept {
        socket_.reset(); // epoll forgets it by itself
        connected_ = false;
    }

    event_loop* loop_;
    nats::blocking::os_random random_; // inbox names must not be guessed
    nats::session session_;
    nats::runtime runtime_{session_, random_};

    event_loop::callback on_timer_ = [this](std::uint32_t) { on_timer(); };
    descriptor timer_{timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)};

    nats::attempt_id attempt_{};
    std::string to_; ///< the server of this attempt
    addresses found_;
    addrinfo* next_address_ = nullptr;
    event_loop::callback on_socket_ = [this](std::uint32_t events) { on_socket(events); };
    descriptor socket_;
    bool connected_ = false;
};

/// A timer that fires every 5 ms.
descriptor make_ticker() {
    descriptor made(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    const itimerspec every{{0, 5'000'000}, {0, 5'000'000}};
    timerfd_settime(made.get(), 0, &every, nullptr);
    return made;
}

// [service]
/// Answers a request with the length of its payload.
void answer(void* rt, const nats::message_view& m) {
    nats::session& s = static_cast<nats::runtime*>(rt)->connection();
    if (!m.reply.empty()) s.publish(m.reply, std::to_string(m.payload.size())).value();
}

/// Asks the service.
nats::op<std::string> ask(nats::runtime& rt, std::string question) {
    const nats::header_view no_headers;
    const nats::time_point deadline = nats::deadline_after(rt.now(), 5s);
    const nats::result<nats::message_view> reply =
        co_await rt.request("length", question, no_headers, deadline);
    co_return std::string(reply.value().payload);
}
// [service]

// [talk]
/// What the program does, step by step: the driver resumes it. `value()` throws what went wrong,
/// and `take()` in main throws it again.
nats::op<bool> talk(nats::runtime& rt) {
    const nats::result<void> up = co_await rt.connected(nats::no_deadline);
    up.value();

    nats::mailbox service;
    rt.subscribe(service, "length", {}, answer, &rt).value();
    const std::string first = co_await ask(rt, "twelve bytes");
    std::cout << "length: " << first << '\n';

    nats::mailbox ticks;
    rt.subscribe(ticks, "ticks").value();
    for (int i = 0; i < 3; ++i) {
        const nats::result<nats::message_view> tick =
            co_await rt.next(ticks, nats::deadline_after(rt.now(), 5s));
        std::cout << "tick " << tick.value().payload << '\n';
    }

    rt.connection().force_reconnect(rt.now()).value(); // as if the server had gone
    const nats::result<void> again = co_await rt.connected(nats::no_deadline);
    again.value();
    const std::string second = co_await ask(rt, "six more bytes"); // subscriptions came back
    std::cout << "length: " << second << ", after " << rt.connection().stats().reconnects
              << " reconnect\n";
    co_return first == "12" && second == "14";
}
// [talk]

} // namespace

int main(int argc, char** argv) {
    // [main]
    event_loop loop;
    driver d(loop, {.servers = argc > 1 ? argv[1] : "nats://127.0.0.1:4222", .name = "example 23"});

    const descriptor ticker = make_ticker();
    int ticks = 0;
    event_loop::callback on_tick = [&](std::uint32_t) {
        std::uint64_t expirations = 0;
        (void)!read(ticker.get(), &expirations, sizeof expirations);
        (void)d.session().publish("ticks", std::to_string(++ticks)); // fails until it is connected
        d.go_on();
    };
    loop.add(ticker, on_tick);

    d.session().start(nats::clock::now()).value();
    nats::op<bool> conversation = talk(d.rt());
    conversation.start();
    d.go_on();
    while (!conversation.done()) loop.run_once();
    // [main]
    try {
        const bool good = conversation.take();
        d.session().close(nats::clock::now());
        d.go_on(); // closes the socket
        return good ? 0 : 1;
    } catch (const std::exception& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}

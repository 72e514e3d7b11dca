// SPDX-License-Identifier: Apache-2.0
//
// The same conversation over `session`, which adds the list of servers, the handshake with its
// deadline, subscriptions and keep-alive. This file is a driver for it: a non-blocking socket and
// poll(2). Usage: 02_session [nats://host:port[,nats://host:port...]]

#include <natsproto/random.hpp>
#include <natsproto/session.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <iostream>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <system_error>
#include <variant>

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace action = nats::action;
namespace ev = nats::ev;

namespace {

/// Begins to connect to the first address of a host; -1: cannot.
int begin_connect(const nats::endpoint& to) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(to.host.c_str(), std::to_string(to.port).c_str(), &hints, &found) != 0)
        return -1;
    int fd = socket(found->ai_family, found->ai_socktype | SOCK_NONBLOCK, found->ai_protocol);
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) != 0 && errno != EINPROGRESS) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

/// Milliseconds until a deadline, for poll(2); -1: there is none.
int milliseconds_until(std::optional<nats::time_point> deadline) {
    if (!deadline) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(*deadline - nats::clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000)); // early is fine
}

class driver {
public:
    explicit driver(const nats::options& o) : session_(o, {&random_, nullptr, nullptr}) {}
    driver(const driver&) = delete;
    driver& operator=(const driver&) = delete;
    ~driver() { close_socket(); }

    [[nodiscard]] nats::session& session() noexcept { return session_; }

    // [turn]
    /// One round, after all events were taken: actions, output, then sleep, then input and time.
    void turn() {
        while (const std::optional<nats::session_action> a = session_.poll_action()) {
            if (!perform(*a)) return; // that was an input: events come first
        }
        if (!connecting_) write_some();
        pollfd p{fd_, POLLIN, 0}; // a negative fd is skipped
        if (connecting_ || session_.untransmitted() != 0) p.events |= POLLOUT;
        if (poll(&p, 1, milliseconds_until(session_.poll_timeout())) < 0) p.revents = 0;
        if (p.revents != 0 && connecting_)
            finish_connect();
        else if ((p.revents & (POLLIN | POLLHUP | POLLERR)) != 0)
            read_some();
        session_.handle_timeout(nats::clock::now()); // does nothing when it is too early
    }
    // [turn]

private:
    // [actions]
    /// False: it failed, and the session was told.
    bool perform(const nats::session_action& a) {
        if (const auto* end = std::get_if<action::close>(&a)) {
            write_some(); // with TLS: its end
            close_socket();
            session_.handle_closed(end->id, nats::clock::now());
            return true;
        }
        const auto* c = std::get_if<action::connect>(&a);
        if (c == nullptr) return true; // start_tls: only when options ask for it
        attempt_ = c->id;
        fd_ = begin_connect(*c->to);
        connecting_ = fd_ >= 0;
        if (fd_ < 0) fail_attempt(c->to->text());
        return connecting_;
    }

    void finish_connect() {
        int status = 0;
        socklen_t size = sizeof status;
        getsockopt(fd_, SOL_SOCKET, SO_ERROR, &status, &size);
        connecting_ = false;
        if (status != 0) {
            close_socket();
            return fail_attempt(session_.server()->text());
        }
        session_.handle_connected(attempt_, nats::clock::now());
    }

    void fail_attempt(const std::string& where) {
        session_.handle_connect_failed(attempt_, {nats::errc::connect_failed, where},
                                       nats::clock::now());
    }
    // [actions]

    // [bytes]
    void read_some() {
        const std::span<char> space = session_.prepare();
        const ssize_t n = recv(fd_, space.data(), space.size(), 0);
        const nats::time_point now = nats::clock::now();
        if (n > 0)
            session_.commit(static_cast<std::size_t>(n), now);
        else if (n == 0)
            session_.handle_eof(attempt_, now);
        else if (errno != EAGAIN && errno != EINTR)
            session_.handle_io_error(attempt_, {errno, std::system_category()}, now);
    }

    void write_some() {
        std::array<nats::const_buffer, 1> piece; // a real driver offers 64 to writev(2)
        while (session_.poll_transmit(piece) != 0) {
            const ssize_t n = send(fd_, piece[0].data, piece[0].size, MSG_NOSIGNAL);
            if (n < 0) { // no room: poll(2) tells when. An error: reading finds it
                session_.handle_write_blocked(nats::clock::now());
                return;
            }
            session_.transmitted(static_cast<std::size_t>(n));
        }
    }
    // [bytes]

    void close_socket() {
        if (fd_ >= 0) close(fd_);
        fd_ = -1;
        connecting_ = false;
    }

    nats::seeded_random random_{std::random_device{}()}; // shuffles servers, spreads reconnects
    nats::session session_;
    nats::attempt_id attempt_{};
    int fd_ = -1;
    bool connecting_ = false;
};

// [events]
/// What this program does about an event. True: it has seen all it wanted.
bool on_event(nats::session& s, const nats::event& e) {
    if (const auto* c = std::get_if<ev::connected>(&e)) {
        std::cout << "connected to " << c->server->text() << '\n';
        s.subscribe("greet").value();
        s.publish("greet", "hello").value();
    } else if (const auto* m = std::get_if<ev::message>(&e)) {
        std::cout << "received on " << m->view.subject << ": " << m->view.payload << '\n';
        s.ping(nats::clock::now()).value();
    } else if (std::holds_alternative<ev::pong>(e)) {
        s.close(nats::clock::now());
        return true;
    } else if (const auto* f = std::get_if<ev::connect_failed>(&e)) {
        std::cout << f->server->text() << ": " << f->why->message() << '\n';
    }
    return false;
}
// [events]

} // namespace

int main(int argc, char** argv) {
    // [main]
    const char* servers = argc > 1 ? argv[1] : "nats://127.0.0.1:4222";
    driver d({.servers = servers, .name = "02_session"}); // the name is for the server's monitoring
    nats::session& s = d.session();
    s.start(nats::clock::now()).value();
    bool good = false;
    bool ended = false;
    while (!ended) {
        nats::event e;
        while (s.next(e)) {
            good |= on_event(s, e);
            ended |= std::holds_alternative<ev::closed>(e);
        }
        if (!ended) d.turn();
    }
    // [main]
    std::cout << "closed: " << s.close_reason().message() << '\n';
    return good ? 0 : 1;
}

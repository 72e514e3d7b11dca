// SPDX-License-Identifier: Apache-2.0
//
// A tap: it stands between a client and its server, speaks the server's role to the one and the
// client's to the other, shows what goes by, and refuses what it does not like. Here a client in
// this program is connected through it. Usage: 13_tap [nats://host:port]

#include <natsproto/blocking/client.hpp>
#include <natsproto/server_url.hpp>
#include <natsproto/wire/client_connection.hpp>
#include <natsproto/wire/server_connection.hpp>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <variant>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace std::chrono_literals;
namespace event = nats::wire::event;
namespace server_event = nats::wire::server_event;

namespace {

/// A socket that closes itself.
struct descriptor {
    explicit descriptor(int n) : fd(n) {
        if (n < 0) throw std::runtime_error("no socket");
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor() { close(fd); }
    int fd;
};

// [io]
/// Both roles have the same members for their driver.
template <class Connection>
void read_some(int fd, Connection& connection) {
    const std::span<char> space = connection.prepare();
    const ssize_t n = recv(fd, space.data(), space.size(), 0);
    if (n > 0)
        connection.commit(static_cast<std::size_t>(n));
    else
        connection.handle_eof();
}

template <class Connection>
void write_all(int fd, Connection& connection) {
    std::array<nats::const_buffer, 1> piece;
    while (connection.poll_transmit(piece) != 0) {
        const ssize_t n = send(fd, piece[0].data, piece[0].size, MSG_NOSIGNAL);
        if (n < 0) return connection.handle_eof();
        connection.transmitted(static_cast<std::size_t>(n));
    }
}
// [io]

// [tap]
/// Without I/O, like the two connections of which it is made.
class tap {
public:
    /// What the client did.
    void from_client() {
        nats::wire::server_connection_event e;
        while (client.next(e)) std::visit([this](const auto& what) { on(what); }, e);
    }
    /// What the server did.
    void from_server() {
        nats::wire::connection_event e;
        while (server.next(e)) std::visit([this](const auto& what) { on(what); }, e);
    }
    [[nodiscard]] bool ended() const {
        return client.state() == nats::wire::connection_state::closed ||
               server.state() == nats::wire::connection_state::closed;
    }

    nats::wire::server_connection client; ///< the client's other end: here we are the server
    nats::wire::client_connection server;

private:
    // --- the client's doings
    void on(const server_event::connect& c) {
        if (c.again) return void(client.accept());
        nats::wire::connect_fields fields;
        fields.name = c.request->name;
        fields.echo = c.request->echo;
        fields.user = c.request->user.view();
        fields.password = c.request->password.view();
        fields.token = c.request->token.view();
        if (!server.connect(fields)) client.refuse("Authorization Violation");
    }
    void on(const server_event::subscribed& s) {
        std::cout << "tap: SUB " << s.subject << '\n';
        const std::optional<std::string_view> queue =
            s.queue.empty() ? std::nullopt : std::optional(s.queue);
        if (!server.subscribe(s.subject, queue, number(s.sid))) client.refuse("Invalid Subject");
    }
    void on(const server_event::unsubscribed& u) { (void)server.unsubscribe(number(u.sid), u.max); }
    void on(const server_event::published& p) {
        std::cout << "tap: PUB " << p.view.subject << ": " << nats::printable(p.view.payload)
                  << '\n';
        if (p.view.subject.starts_with("secret."))
            return client.refuse("Permissions Violation for Publish to \"" +
                                 std::string(p.view.subject) + '"');
        if (!server.publish(p.view.subject, p.view.payload, p.view.reply, p.view.headers))
            client.refuse("Invalid Publish Subject");
    }
    void on(const server_event::closed&) { server.handle_eof(); }
    void on(const server_event::none&) {}
    void on(const server_event::ping&) {} // it is answered: what was sent has come as far as here
    void on(const server_event::pong&) {}

    // --- the server's
    void on(const event::connect_requested& c) {
        nats::server_info info = *c.info;
        info.connect_urls.clear(); // the client is to come back to us
        (void)client.start(info, nats::clock::now());
    }
    void on(const event::connected&) { (void)client.accept(); }
    void on(const event::message& m) {
        std::cout << "tap: MSG " << m.view.subject << '\n';
        (void)client.deliver(m.view.subject, std::to_string(m.sid), m.view.reply, m.view.headers,
                             m.view.payload);
    }
    void on(const event::server_error& e) { (void)client.send_err(e.text); }
    void on(const event::closed&) { client.close(); }
    void on(const event::info&) {}
    void on(const event::pong&) {}
    void on(const event::none&) {}

    /// Sids of our clients are numbers; a real tap keeps a table.
    static std::uint64_t number(std::string_view sid) {
        std::uint64_t n = 0;
        (void)std::from_chars(sid.data(), sid.data() + sid.size(), n);
        return n;
    }
};
// [tap]

// [loop]
/// Moves bytes until one side has ended.
void run(tap& t, int client, int server) {
    while (!t.ended()) {
        std::array<pollfd, 2> fds{pollfd{client, POLLIN, 0}, pollfd{server, POLLIN, 0}};
        if (poll(fds.data(), fds.size(), -1) < 0) return;
        if (fds[0].revents != 0) read_some(client, t.client);
        if (fds[1].revents != 0) read_some(server, t.server);
        t.from_server();
        t.from_client();
        write_all(client, t.client);
        write_all(server, t.server);
    }
}
// [loop]

int connect_to(const nats::endpoint& to) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(to.port);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || inet_pton(AF_INET, to.host.c_str(), &at.sin_addr) != 1 ||
        connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0)
        throw std::runtime_error("no connection to " + to.text());
    return fd;
}

/// A socket that listens on a free loopback port.
int listen_anywhere(std::uint16_t& port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    auto* const where = reinterpret_cast<sockaddr*>(&at);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, where, size) != 0 || listen(fd, 1) != 0 ||
        getsockname(fd, where, &size) != 0)
        throw std::runtime_error("cannot listen");
    port = ntohs(at.sin_port);
    return fd;
}

} // namespace

int main(int argc, char** argv) {
    const nats::server_url url =
        nats::parse_server_url(argc > 1 ? argv[1] : "nats://127.0.0.1:4222").value();
    std::uint16_t port = 0;
    const descriptor listener(listen_anywhere(port));
    const descriptor server(connect_to(url.where));
    std::thread tapping([&] {
        const descriptor client(accept(listener.fd, nullptr, nullptr));
        tap t;
        run(t, client.fd, server.fd);
    });
    {
        nats::client nc = nats::client::connect("nats://127.0.0.1:" + std::to_string(port)).value();
        nats::subscription sub = nc.subscribe(">").value();
        nc.publish("secret.plans", "psst").value();
        nc.publish("greet", "hello").value();
        const nats::message m = sub.next(5s).value();
        std::cout << "the client got " << m.payload() << " on " << m.subject() << '\n';
    }
    tapping.join();
    return 0;
}

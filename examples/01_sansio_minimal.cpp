// SPDX-License-Identifier: Apache-2.0
//
// NATS over a plain socket: the connection has the protocol, this file has the I/O. It subscribes,
// publishes, prints what comes back, and ends. Usage: 01_sansio_minimal [nats://host:port]

#include <natsproto/server_url.hpp>
#include <natsproto/wire/client_connection.hpp>

#include <array>
#include <iostream>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

namespace event = nats::wire::event;

namespace {

// Step 1: open a socket, in whatever way suits you. -1: no connection.
int open_socket(const nats::endpoint& to) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(to.host.c_str(), std::to_string(to.port).c_str(), &hints, &found) != 0)
        return -1;
    const int fd = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    const bool connected = fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) == 0;
    freeaddrinfo(found);
    if (!connected && fd >= 0) close(fd);
    return connected ? fd : -1;
}

// [read]
// Step 2: feed what you read; tell it of the end.
void read_some(int fd, nats::wire::client_connection& connection) {
    const std::span<char> space = connection.prepare();
    const ssize_t n = recv(fd, space.data(), space.size(), 0);
    if (n > 0)
        connection.commit(static_cast<std::size_t>(n));
    else
        connection.handle_eof();
}
// [read]

// [write]
// Step 3: send what it wants sent.
void write_all(int fd, nats::wire::client_connection& connection) {
    std::array<nats::const_buffer, 1> piece;
    while (connection.poll_transmit(piece) != 0) {
        const ssize_t n = send(fd, piece[0].data, piece[0].size, MSG_NOSIGNAL);
        if (n < 0) return connection.handle_eof();
        connection.transmitted(static_cast<std::size_t>(n));
    }
}
// [write]

// [events]
// Step 4: do something about each event. True: this was the message we came for.
bool on_event(nats::wire::client_connection& connection, const nats::wire::connection_event& e) {
    if (std::holds_alternative<event::connect_requested>(e)) {
        connection.connect({}).value();
    } else if (std::holds_alternative<event::connected>(e)) {
        connection.subscribe("greet", std::nullopt, 1).value();
        connection.publish("greet", "hello").value();
    } else if (const auto* m = std::get_if<event::message>(&e)) {
        std::cout << "received on " << m->view.subject << ": " << m->view.payload << '\n';
        return m->view.payload == "hello";
    } else if (const auto* c = std::get_if<event::closed>(&e)) {
        std::cout << "closed: " << c->why->message() << '\n';
    }
    return false;
}
// [events]

} // namespace

int main(int argc, char** argv) {
    const char* url = argc > 1 ? argv[1] : "nats://127.0.0.1:4222";
    const int fd = open_socket(nats::parse_server_url(url).value().where);
    // [loop]
    nats::wire::client_connection connection;
    bool received = false;
    while (fd >= 0 && connection.state() != nats::wire::connection_state::closed) {
        read_some(fd, connection);
        nats::wire::connection_event e;
        while (connection.next(e)) received |= on_event(connection, e);
        write_all(fd, connection);
        if (received) shutdown(fd, SHUT_WR); // the server ends its side too, and we see EOF
    }
    // [loop]
    if (fd >= 0) close(fd);
    return received ? 0 : 1;
}

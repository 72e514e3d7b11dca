// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: an eventfd tells the thread to end; every wait of a script watches it too.

#include "integration/raw_server.hpp"

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <tuple>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace nats::test {

namespace {

constexpr auto patience = std::chrono::seconds(20);

/// The test is over: nobody wants to know how the script goes on.
struct stopped {};

/// A socket bound to a free loopback port, and that port.
std::pair<int, std::uint16_t> bound_socket() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    auto* const generic = reinterpret_cast<sockaddr*>(&at);
    if (fd < 0 || ::bind(fd, generic, size) != 0 || ::getsockname(fd, generic, &size) != 0)
        throw std::system_error(errno, std::system_category(), "bind");
    return {fd, ntohs(at.sin_port)};
}

} // namespace

std::string info_line(std::string_view members) {
    return R"(INFO {"server_id":"RAW","version":"2.10.0","proto":1,"headers":true,)"
           R"("max_payload":1048576,"client_id":7)" +
           std::string(members) + "} \r\n";
}

// --- one connection

void raw_peer::wait_ready(short events) const {
    std::array<pollfd, 2> fds{{{socket_, events, 0}, {stop_, POLLIN, 0}}};
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(patience).count();
    const int n = ::poll(fds.data(), fds.size(), static_cast<int>(ms));
    if (fds[1].revents != 0) throw stopped{};
    if (n == 0) throw std::runtime_error("the client did not do what the script waits for");
}

bool raw_peer::fill() {
    wait_ready(POLLIN);
    std::array<char, 65536> part{};
    const ssize_t n = ::recv(socket_, part.data(), part.size(), 0);
    if (n <= 0) return false;
    received_.append(part.data(), static_cast<std::size_t>(n));
    return true;
}

void raw_peer::send(std::string_view bytes) {
    while (!bytes.empty()) {
        wait_ready(POLLOUT);
        const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) continue;
        if (n < 0) throw std::system_error(errno, std::system_category(), "send");
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

std::size_t raw_peer::send_until_closed(std::string_view again_and_again) {
    std::size_t sent = 0;
    while (true) {
        wait_ready(POLLOUT);
        const ssize_t n = ::send(socket_, again_and_again.data(), again_and_again.size(),
                                 MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN) return sent;
        if (n > 0) sent += static_cast<std::size_t>(n);
    }
}

std::string raw_peer::read_line() {
    while (received_.find('\n') == std::string::npos) {
        if (!fill()) throw std::runtime_error("the client closed in place of a line");
    }
    const std::size_t end = received_.find('\n');
    std::string line = received_.substr(0, end);
    received_.erase(0, end + 1);
    if (line.ends_with('\r')) line.pop_back();
    return line;
}

std::string raw_peer::read_bytes(std::size_t n) {
    while (received_.size() < n) {
        if (!fill()) throw std::runtime_error("the client closed too early");
    }
    std::string out = received_.substr(0, n);
    received_.erase(0, n);
    return out;
}

std::string raw_peer::read_some() {
    if (received_.empty() && !fill()) return {};
    return std::exchange(received_, {});
}

std::string raw_peer::read_to_end() {
    while (fill()) continue;
    return std::exchange(received_, {});
}

void raw_peer::wait_for(flag& f) {
    const stopwatch watch;
    while (!f.wait(std::chrono::milliseconds(5))) {
        pollfd over{stop_, POLLIN, 0};
        if (::poll(&over, 1, 0) != 0) throw stopped{};
        if (watch.elapsed() > patience) throw std::runtime_error("the test did not raise its flag");
    }
}

std::string raw_peer::shake_hands(std::string_view info) {
    send(info);
    std::string connect = read_line();
    if (const std::string ping = read_line(); ping != "PING")
        throw std::runtime_error("\"" + ping + "\" in place of PING");
    send("PONG\r\n");
    return connect;
}

void raw_peer::close() noexcept {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

void raw_peer::reset() noexcept {
    const linger at_once{1, 0};
    (void)::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
}

// --- the listener

raw_server::raw_server(script s, int receive_buffer)
    : script_(std::move(s)), stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    std::tie(listener_, port_) = bound_socket();
    if (receive_buffer != 0) {
        (void)::setsockopt(listener_, SOL_SOCKET, SO_RCVBUF, &receive_buffer,
                           sizeof receive_buffer);
    }
    if (::listen(listener_, 16) != 0)
        throw std::system_error(errno, std::system_category(), "listen");
    thread_ = std::thread([this] { serve(); });
}

raw_server::~raw_server() {
    (void)::eventfd_write(stop_, 1);
    thread_.join();
    ::close(listener_);
    ::close(stop_);
}

void raw_server::serve() {
    while (true) {
        std::array<pollfd, 2> fds{{{listener_, POLLIN, 0}, {stop_, POLLIN, 0}}};
        (void)::poll(fds.data(), fds.size(), -1);
        if (fds[1].revents != 0) return;
        const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (socket < 0) continue;
        std::string failure;
        try {
            raw_peer peer(socket, stop_);
            script_(peer);
        } catch (const stopped&) {
            return;
        } catch (const std::exception& e) {
            failure = e.what();
        }
        const std::lock_guard lock(mutex_);
        if (failure_.empty()) failure_ = failure;
        ++ended_;
        changed_.notify_all();
    }
}

std::string raw_server::outcome(int connections) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, patience, [&] { return ended_ >= connections; }))
        return "the script has not ended";
    return failure_;
}

std::uint16_t closed_port() {
    const auto [fd, port] = bound_socket();
    ::close(fd);
    return port;
}

} // namespace nats::test

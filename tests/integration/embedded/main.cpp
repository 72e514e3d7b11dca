// SPDX-License-Identifier: Apache-2.0
//
// Our broker in the place of nats-server, for the tests that run against both: the same command
// line (`-c FILE`), the same configuration as far as the broker goes, the same file of ports, the
// same signals, and as much of `/connz` as the tests ask for.
//
// Theory of operation: the broker serves in this thread. A second one answers the monitoring, a
// connection after the other; it asks the first for what it tells.

#include <natsproto/tcp/tcp_broker.hpp>

#include "integration/embedded/config.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace nats::test {

namespace {

tcp_broker* served = nullptr;

void on_signal(int number) {
    number == SIGUSR2 ? served->retire() : served->stop();
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

/// As nats-server writes it, of what `clients` knows; for `?cid=n` of this one only.
std::string connections(tcp_broker& server, std::string_view request) {
    const std::size_t filter = request.find("cid=");
    const std::string wanted(
        filter == std::string_view::npos
            ? std::string_view()
            : request.substr(filter + 4, request.find(' ', filter) - filter - 4));
    std::string list;
    std::size_t n = 0;
    server
        .with([&](broker& b, time_point) {
            for (const client_status& c : b.clients()) {
                const std::string address(c.address);
                const std::string id = std::to_string(static_cast<std::uint64_t>(c.id));
                if (!wanted.empty() && id != wanted) continue;
                list += "{\"cid\": " + id +
                        ", \"port\": " + address.substr(address.rfind(':') + 1) +
                        ", \"name\": " + quoted(c.name) +
                        ", \"subscriptions\": " + std::to_string(c.subscriptions) + ", \"x\": 0}\n";
                ++n;
            }
        })
        .value();
    return "{\"num_connections\": " + std::to_string(n) + ",\n\"connections\": [" + list + "]}";
}

class monitoring {
public:
    explicit monitoring(std::uint16_t port)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_port = htons(port);
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int on = 1;
        socklen_t size = sizeof at;
        (void)::setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (::bind(socket_, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
            ::listen(socket_, 16) != 0 ||
            ::getsockname(socket_, reinterpret_cast<sockaddr*>(&at), &size) != 0)
            throw std::system_error(errno, std::system_category(), "monitoring");
        port_ = ntohs(at.sin_port);
    }
    monitoring(const monitoring&) = delete;
    monitoring& operator=(const monitoring&) = delete;
    ~monitoring() { ::close(socket_); }

    [[nodiscard]] std::uint16_t port() const { return port_; }
    void serve(tcp_broker& server) const {
        for (int one = 0; (one = ::accept(socket_, nullptr, nullptr)) >= 0; ::close(one)) {
            std::array<char, 4096> request{};
            const ssize_t n = ::recv(one, request.data(), request.size(), 0);
            if (n <= 0) continue;
            const std::string answer =
                "HTTP/1.0 200 OK\r\n\r\n" +
                connections(server, {request.data(), static_cast<std::size_t>(n)});
            (void)::send(one, answer.data(), answer.size(), MSG_NOSIGNAL);
        }
    }
    /// Ends `serve`.
    void stop() const { (void)::shutdown(socket_, SHUT_RDWR); }

private:
    int socket_;
    std::uint16_t port_ = 0;
};

void serve(server_config config) {
    tcp_broker_options where;
    where.port = config.port;
    config.options.port = config.port;
    const std::unique_ptr<tcp_broker> server =
        tcp_broker::listen(std::move(config.options), where).value();
    monitoring monitor(config.monitor_port);
    served = server.get();
    for (const int number : {SIGINT, SIGTERM, SIGUSR2}) (void)std::signal(number, on_signal);
    std::thread watcher([&] { monitor.serve(*server); });
    const std::filesystem::path file = std::filesystem::path(config.ports_directory) / "x.part";
    std::ofstream(file) << R"({"nats": ["nats://127.0.0.1:)" << server->port()
                        << R"("], "monitoring": ["http://127.0.0.1:)" << monitor.port() << R"("]})";
    std::filesystem::rename(file, std::filesystem::path(file).replace_extension(".ports"));
    (void)server->run();
    monitor.stop();
    watcher.join();
}

} // namespace

} // namespace nats::test

int main(int argc, char** argv) {
    try {
        std::ifstream in(argc == 3 ? argv[2] : "");
        if (!in) throw std::runtime_error("usage: embedded_server -c FILE");
        const std::string text(std::istreambuf_iterator<char>(in), {});
        const std::size_t log = text.find("log_file: \"");
        if (log != std::string::npos) {
            const std::string name = text.substr(log + 11, text.find('"', log + 11) - log - 11);
            if (std::freopen(name.c_str(), "a", stderr) == nullptr) return 1;
        }
        nats::test::serve(nats::test::read_config(text));
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "%s\n", failure.what());
        return 1;
    }
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
//
// A program that is built with Asio's handler tracking, the Asio client with it. It connects, talks
// and closes, and then looks whether what Asio has written about that to its standard error names
// the places of the library. Returns 0 if it does.

#include <natsproto/asio/client.hpp>

#include "asio/asio_world.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

#include <unistd.h>

#ifndef BOOST_ASIO_ENABLE_HANDLER_TRACKING
#error "without handler tracking there is nothing to see"
#endif

namespace {

using namespace std::chrono_literals;

boost::asio::awaitable<void> talk(nats::aio::client& nc, std::string url) {
    co_await nc.connect(url);
    nats::aio::subscription sub = nc.subscribe("s").value();
    nc.publish("s", "hello").value();
    const nats::message m = co_await sub.next();
    if (m.payload() != "hello") throw std::runtime_error("not what was sent");
    co_await nc.close();
}

void work() {
    nats::test::asio_world w;
    const nats::tcp_broker& broker = w.serve();
    nats::aio::client nc(w.io, {.addresses = nats::address_order::v4_only});
    const std::string url = "localhost:" + std::to_string(broker.port());
    w.run([&] { return talk(nc, url); });
}

/// Everything that goes to standard error while `f` runs.
template <class F>
std::string errors_of(F f) {
    std::string name = "/tmp/natsproto_tracking_XXXXXX";
    const int file = ::mkstemp(name.data());
    const int before = ::dup(STDERR_FILENO);
    if (file < 0 || before < 0 || ::dup2(file, STDERR_FILENO) < 0) throw std::runtime_error(name);
    f();
    ::dup2(before, STDERR_FILENO);
    ::close(before);
    ::close(file);
    std::ifstream in(name);
    std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    ::unlink(name.c_str());
    return text;
}

/// How many places are not named.
int look() {
    const std::string seen = errors_of(work);
    int missing = 0;
    for (const std::string_view place :
         {"in 'nats::aio::client turn' (", "in 'nats::aio::client timer' (", "in 'start' (",
          "in 'ask' (", "in 'resolved' (", "in 'expect_until' (", "in 'connect_socket' (",
          "in 'read_some' (", "/asio/tcp_connector.cpp:", "/asio/system_resolver.cpp:",
          "/asio/tcp_transport.cpp:", "/asio/driver.cpp:", "async_connect", "async_receive"}) {
        if (seen.find(place) != std::string::npos) continue;
        std::cout << "nothing about " << place << '\n';
        ++missing;
    }
    if (missing != 0) std::cout << "in:\n" << seen;
    return missing;
}

} // namespace

int main() {
    try {
        return look() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    } catch (const std::exception& e) {
        std::cout << e.what() << '\n';
        return EXIT_FAILURE;
    }
}

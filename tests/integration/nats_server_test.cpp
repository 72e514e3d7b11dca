// SPDX-License-Identifier: Apache-2.0
//
// Proves that a server comes back on its port also when somebody had that port meanwhile.

#include "integration/server_test.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace nats::test {
namespace {

class nats_server_restart : public server_test {};
INSTANTIATE_TEST_SUITE_P(servers, nats_server_restart,
                         testing::Values(generation::v2_9, generation::newest),
                         [](const auto& g) { return name_of(g.param); });

TEST_P(nats_server_restart, waits_for_its_port) {
    nats_server server(program());
    server.kill();
    const std::string before = server.address();
    const int taken = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ASSERT_EQ(::setsockopt(taken, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(server.port());
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(taken, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0); // NOLINT
    ASSERT_EQ(::listen(taken, 1), 0);

    bool refused = false;
    std::thread lets_go([&] {
        refused = wait_until(
            [&] { return server.log().find("ddress already in use") != std::string::npos; },
            long_enough);
        (void)::close(taken);
    });
    server.restart();
    lets_go.join();
    EXPECT_TRUE(refused);
    EXPECT_EQ(server.address(), before);
}

} // namespace
} // namespace nats::test

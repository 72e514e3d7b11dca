// SPDX-License-Identifier: Apache-2.0
//
// Proves that a server comes back on its port also when somebody had that port meanwhile.

#include <natsproto/tcp/tcp_broker.hpp>

#include "integration/server_test.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

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
    tcp_broker_options there;
    there.port = server.port();
    std::unique_ptr<tcp_broker> somebody = tcp_broker::listen({}, there).value();

    bool refused = false;
    std::thread lets_go([&] {
        refused = wait_until(
            [&] { return server.log().find("ddress already in use") != std::string::npos; },
            long_enough);
        somebody.reset();
    });
    server.restart();
    lets_go.join();
    EXPECT_TRUE(refused);
    EXPECT_EQ(server.address(), before);
}

} // namespace
} // namespace nats::test

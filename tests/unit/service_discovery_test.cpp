// SPDX-License-Identifier: Apache-2.0
//
// Proves that who asks for services is safe from what answers: what cannot be read is left out, and
// there is an end to what is received.

#include <natsproto/services/discovery.hpp>

#include "support/sim.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nats::test {
namespace {

constexpr const char* good =
    R"({"type":"io.nats.micro.v1.ping_response","name":"a","id":"1","version":"1.0.0",)"
    R"("metadata":{}})";

/// Asks; somebody answers well, and then so often with so many bytes of nonsense.
result<std::vector<services::ping_response>> ask(int answers, std::size_t size,
                                                 const services::query& q = {}) {
    sim net(as_given(), {});
    EXPECT_TRUE(net.connect());
    net.server().serve("$SRV.PING", [=](scripted_server& srv, const wire::frame& f) {
        const std::string to(f.reply);
        srv.publish(to, good);
        for (int i = 0; i < answers; ++i) srv.publish(to, std::string(size, 'x'));
    });
    return net.run(
        services::ping(net.runtime(), services::encode_query("$SRV", services::verb::ping, q)));
}

TEST(service_discovery, leaves_out_what_cannot_be_read) {
    const auto found = ask(3, 10);
    ASSERT_TRUE(found) << found.error().message();
    ASSERT_EQ(found->size(), 1U);
    EXPECT_EQ(found->front().name, "a");
}

TEST(service_discovery, takes_so_many_bytes_and_no_more) {
    const std::uint64_t limit = 1000 + std::string_view(good).size();
    const auto most = ask(10, 100, {.max_bytes = limit});
    ASSERT_TRUE(most) << most.error().message();
    EXPECT_EQ(most->size(), 1U);
    const auto more = ask(10, 100, {.max_bytes = limit - 1});
    ASSERT_FALSE(more);
    EXPECT_EQ(more.error(), errc::invalid_response);
    EXPECT_EQ(more.error().detail(), "too much");
    EXPECT_EQ(ask(1, 1, {.max_bytes = 0}).error(), errc::invalid_argument);
}

} // namespace
} // namespace nats::test

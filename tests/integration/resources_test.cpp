// SPDX-License-Identifier: Apache-2.0
//
// Proves that connections give back what they take, whether they worked or not, and that a client
// is one socket, one event and no thread, with any number of subscriptions.

#include "integration/process.hpp"
#include "integration/raw_server.hpp"
#include "integration/server_test.hpp"

#include <vector>

namespace nats::test {
namespace {

class resources : public server_test {};
NATSPROTO_ON_EVERY_SERVER(resources);

TEST_P(resources, two_hundred_connections_leak_no_descriptor) {
    start();
    {
        const client warm_up = connect();
    } // the resolver may keep something
    const std::size_t before = open_descriptors();
    for (int i = 0; i < 200; ++i) {
        client nc = connect();
        const subscription sub = nc.subscribe("r").value();
        ASSERT_TRUE(nc.publish("r"));
        if (i % 2 == 0) nc.close();
        ASSERT_LE(open_descriptors(), before + 2);
    }
    EXPECT_EQ(open_descriptors(), before);
}

TEST_P(resources, failed_connections_leak_none_either) {
    const nats_server& server = start("authorization { token: \"t\" }");
    raw_server rude([](raw_peer& peer) {
        peer.send("NONSENSE\r\n");
        peer.wait_for_close();
    });
    const std::string closed = "127.0.0.1:" + std::to_string(closed_port());
    (void)client::connect(closed);
    const std::size_t before = open_descriptors();
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(code_of(client::connect(server.url())), errc::authorization_violation);
        EXPECT_EQ(code_of(client::connect(closed)), errc::connect_failed);
        EXPECT_EQ(code_of(client::connect(rude.url())), errc::unknown_operation);
    }
    EXPECT_EQ(rude.outcome(50), "");
    // The script's own socket goes when it notices.
    EXPECT_TRUE(wait_until([&] { return open_descriptors() == before; }, long_enough));
}

TEST_P(resources, a_connection_that_the_server_ended_holds_no_socket) {
    nats_server& server = start();
    const std::size_t before = open_descriptors();
    client nc = connect({.reconnect = false});
    EXPECT_EQ(open_descriptors(), before + 2);
    server.stop();
    EXPECT_EQ(code_of(nc.flush(long_enough)), errc::eof);
    EXPECT_EQ(open_descriptors(), before + 1); // the event is the client's own
}

TEST_P(resources, a_thousand_subscriptions_need_no_thread) {
    start();
    const std::size_t threads_before = threads();
    const std::size_t descriptors_before = open_descriptors();
    client nc = connect();
    std::vector<subscription> subs;
    for (int i = 0; i < 1000; ++i) subs.push_back(nc.subscribe("s." + std::to_string(i)).value());
    ASSERT_TRUE(nc.flush());
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(nc.publish("s." + std::to_string(i), "x"));
    for (subscription& sub : subs) ASSERT_EQ(next_payload(sub), "x");
    EXPECT_EQ(threads(), threads_before);
    EXPECT_EQ(open_descriptors(), descriptors_before + 2);
}

TEST_P(resources, subscriptions_that_come_and_go_give_back_their_place) {
    start();
    options o;
    o.bounds.max_subscriptions = 3;
    client nc = connect(o);
    for (int i = 0; i < 1000; ++i) {
        subscription sub = nc.subscribe("come.and.go").value();
        ASSERT_TRUE(nc.publish("come.and.go", std::to_string(i)));
        ASSERT_EQ(next_payload(sub), std::to_string(i));
    }
    const subscription a = nc.subscribe("a").value();
    const subscription b = nc.subscribe("b").value();
    const subscription c = nc.subscribe("c").value();
    EXPECT_EQ(code_of(nc.subscribe("d")), errc::too_many_subscriptions);
}

} // namespace
} // namespace nats::test

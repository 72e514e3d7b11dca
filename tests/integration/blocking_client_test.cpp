// SPDX-License-Identifier: Apache-2.0
//
// Proves that the blocking client connects to every generation of nats-server, by every form of
// address, and knows then whom it talks to; and that connections are values: movable, independent
// of each other, and closed when they go.

#include "integration/raw_server.hpp"
#include "integration/server_test.hpp"

#include <string>
#include <vector>

namespace nats::test {
namespace {

class connecting : public server_test {};
NATSPROTO_ON_EVERY_SERVER(connecting);

TEST_P(connecting, tells_what_the_server_is) {
    const nats_server& server = start();
    const client nc = connect();
    EXPECT_EQ(nc.status(), session_status::connected);
    EXPECT_EQ(nc.server(), (endpoint{"127.0.0.1", server.port()}));
    const server_info& info = nc.info();
    EXPECT_FALSE(info.server_id.empty());
    EXPECT_EQ(info.port, server.port());
    EXPECT_EQ(info.max_payload, 1024 * 1024);
    EXPECT_GE(info.proto, 1);
    EXPECT_GT(info.client_id, 0U);
    EXPECT_EQ(info.client_ip, "127.0.0.1");
    EXPECT_TRUE(info.headers);
    EXPECT_FALSE(info.auth_required);
    EXPECT_FALSE(info.tls_required);
    const std::string name = is_broker() ? "broker-2.10" : program().filename().string();
    EXPECT_EQ(name.substr(name.rfind('-') + 1) + '.',
              info.version.substr(0, info.version.rfind('.') + 1));
}

TEST_P(connecting, name_and_language_are_shown_by_the_monitoring) {
    const nats_server& server = start();
    const client nc = connect({.name = "billing \"eu\" \\ \xC3\xA4"});
    const std::string connections = server.monitor("/connz");
    EXPECT_NE(connections.find(R"("name": "billing \"eu\" \\ )"), std::string::npos) << connections;
    EXPECT_NE(connections.find("\"cid\": " + std::to_string(nc.info().client_id)),
              std::string::npos);
    if (is_broker()) return; // it does not keep what follows
    EXPECT_NE(connections.find("\"lang\": \""), std::string::npos);
    EXPECT_NE(connections.find("\"version\": \""), std::string::npos);
}

TEST_P(connecting, every_form_of_address) {
    const nats_server& server = start();
    const std::string port = ":" + std::to_string(server.port());
    for (const std::string& address : {"127.0.0.1" + port, "nats://127.0.0.1" + port + '/',
                                       "  tcp://127.0.0.1" + port + "  ", "localhost" + port}) {
        client nc = client::connect(address).value();
        EXPECT_TRUE(nc.flush()) << address;
    }
}

TEST_P(connecting, dead_servers_of_the_list_are_passed_over) {
    const nats_server& server = start();
    raw_server closes([](raw_peer& peer) { peer.close(); });
    const std::string list = "127.0.0.1:" + std::to_string(closed_port()) + ", " +
                             closes.address() + ",nowhere.invalid:4222, " + server.address();
    const stopwatch watch;
    const client nc = client::connect({.servers = list, .randomize = false}).value();
    EXPECT_EQ(nc.server().text(), server.address());
    EXPECT_LT(watch.elapsed(), long_enough);
    EXPECT_EQ(closes.outcome(), "");
}

TEST_P(connecting, a_silent_server_of_the_list_costs_one_timeout) {
    const nats_server& server = start();
    const raw_server silent([](raw_peer& peer) { peer.wait_for_close(); });
    const std::string list = silent.url() + ',' + server.url();
    const stopwatch watch;
    const client nc =
        client::connect({.servers = list, .connect_timeout = 200ms, .randomize = false}).value();
    EXPECT_EQ(nc.server().text(), server.address());
    EXPECT_GE(watch.elapsed(), 200ms);
    EXPECT_LT(watch.elapsed(), 200ms + at_once);
}

TEST_P(connecting, a_suspended_server_is_given_up_at_the_deadline) {
    nats_server& server = start();
    server.suspend(); // the kernel still accepts
    const stopwatch watch;
    const result<client> nc = client::connect({.servers = server.url(), .connect_timeout = 200ms});
    EXPECT_EQ(code_of(nc), errc::timeout);
    EXPECT_NE(nc.error().detail().find(server.address()), std::string::npos)
        << nc.error().message();
    EXPECT_GE(watch.elapsed(), 200ms);
    EXPECT_LT(watch.elapsed(), 200ms + at_once);
}

TEST_P(connecting, a_stopped_server_refuses) {
    nats_server& server = start();
    const std::string url = server.url();
    server.stop();
    const result<client> nc = client::connect(url);
    EXPECT_EQ(code_of(nc), errc::connect_failed);
    EXPECT_NE(nc.error().detail().find(server.address()), std::string::npos)
        << nc.error().message();
}

TEST_P(connecting, two_connections_fail_independently) {
    const nats_server& server = start();
    client a = connect({.name = "a"});
    raw_server breaks([](raw_peer& peer) {
        peer.shake_hands();
        peer.send("NONSENSE\r\n");
        peer.wait_for_close();
    });
    const std::string breaking = breaks.url();
    client b = client::connect({.servers = breaking, .reconnect = false}).value();
    subscription sub = subscribed(a, "news");
    EXPECT_EQ(code_of(b.flush(long_enough)), errc::unknown_operation);
    EXPECT_EQ(b.status(), session_status::closed);
    EXPECT_TRUE(a.publish("news", "still here"));
    EXPECT_EQ(next_payload(sub), "still here");
    b = connect();
    a.close();
    EXPECT_TRUE(b.flush());
    EXPECT_EQ(a.server().text(), server.address());
    EXPECT_EQ(breaks.outcome(), "");
}

TEST_P(connecting, a_client_can_be_moved_with_its_subscriptions) {
    start();
    client first = connect();
    subscription sub = subscribed(first, "moved");
    std::vector<client> home;
    home.push_back(std::move(first));
    home.push_back(connect());
    EXPECT_TRUE(home[1].publish("moved", "1"));
    EXPECT_EQ(next_payload(sub), "1");
    subscription same = std::move(sub);
    EXPECT_FALSE(sub.valid());                                             // NOLINT
    EXPECT_EQ(code_of(sub.next(long_enough)), errc::invalid_subscription); // NOLINT
    home[0] = std::move(home[1]);                                          // closes what was there
    EXPECT_FALSE(same.valid());
    EXPECT_EQ(code_of(same.next(long_enough)), errc::connection_closed);
    EXPECT_TRUE(home[0].flush());
}

TEST_P(connecting, events_are_told_in_order_and_end_with_closed) {
    nats_server& server = start();
    client nc = connect({.reconnect = false});
    std::vector<std::string> told;
    nc.on_event([&told](const event& e) {
        if (std::holds_alternative<ev::pong>(e)) told.emplace_back("pong");
        if (std::holds_alternative<ev::disconnected>(e)) told.emplace_back("disconnected");
        if (const auto* closed = std::get_if<ev::closed>(&e))
            told.emplace_back(closed->why->code() == errc::eof ? "closed: eof" : "closed");
    });
    (void)nc.flush().value();
    server.stop();
    while (nc.poll(long_enough)) continue;
    nc.close();
    EXPECT_FALSE(nc.poll(0s));
    EXPECT_EQ(told, (std::vector<std::string>{"pong", "disconnected", "closed: eof"}));
}

} // namespace
} // namespace nats::test

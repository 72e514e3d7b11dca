// SPDX-License-Identifier: Apache-2.0
//
// Proves how a user has a say in which server is next and when: lists replaced at run time,
// callbacks, addresses to bind to, sockets of one's own.

#include "integration/event_log.hpp"
#include "integration/server_test.hpp"

#include <span>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace nats::test {
namespace {

class server_choice_of_user : public server_test {
protected:
    [[nodiscard]] static options quick() {
        return {.randomize = false,
                .max_reconnects = -1,
                .reconnect_wait = 10ms,
                .reconnect_jitter = {}};
    }
};
NATSPROTO_ON_EVERY_SERVER(server_choice_of_user);

TEST_P(server_choice_of_user, a_list_replaced_at_run_time_counts_at_the_next_reconnect) {
    start();
    nats_server other(program());
    client nc = connect(quick());
    event_log log(nc);
    ASSERT_TRUE(nc.set_servers(other.url()));
    EXPECT_EQ(nc.status(), session_status::connected);
    EXPECT_EQ(nc.server().text(), server().address());
    EXPECT_TRUE(nc.flush());
    EXPECT_EQ(code_of(nc.set_servers("nats://host:port")), errc::invalid_url);
    const std::vector<server_status> pool = nc.servers();
    ASSERT_EQ(pool.size(), 1U);
    EXPECT_EQ(pool[0].where->text(), other.address());
    ASSERT_TRUE(nc.force_reconnect());
    ASSERT_TRUE(nc.wait_connected(long_enough));
    EXPECT_EQ(nc.server().text(), other.address());
    EXPECT_EQ(log.count("connect_failed"), 0U);
}

/// Chooses what the test has put into it.
struct chooser {
    std::size_t index = server_choice::usual;
    duration wait{};
    std::vector<std::string> pool{};
    std::string last_name{};
    int calls = 0;
    std::uint32_t passes = 0;
    int waits = 0;

    static server_choice choose(void* context, std::span<const server_status> pool,
                                const server_info& last) {
        auto& self = *static_cast<chooser*>(context);
        ++self.calls;
        self.pool.clear();
        for (const server_status& s : pool) self.pool.push_back(s.where->text());
        self.last_name = last.server_name;
        return {self.index, self.wait};
    }
    static duration delay(void* context, std::uint32_t passes) {
        auto& self = *static_cast<chooser*>(context);
        ++self.waits;
        self.passes = passes;
        return self.wait;
    }
};

TEST_P(server_choice_of_user, a_callback_chooses_the_next_one) {
    start("server_name: first");
    nats_server b(program());
    nats_server c(program());
    const std::string list = server().url() + ',' + b.url() + ',' + c.url();
    chooser chosen;
    options o = quick();
    o.servers = list;
    o.reconnecting = {.choose = &chooser::choose, .context = &chosen};
    client nc = client::connect(o).value();
    event_log log(nc);
    ASSERT_EQ(nc.server().text(), server().address());
    EXPECT_EQ(chosen.calls, 0);
    // The current one has gone to the end: b, c, first.
    chosen.index = 1;
    server().kill();
    ASSERT_TRUE(work_until(nc, [&] { return log.count("reconnected") == 1; }, long_enough));
    EXPECT_EQ(nc.server().text(), c.address());
    EXPECT_EQ(chosen.pool.size(), 3U);
    EXPECT_EQ(chosen.last_name, "first");
    chosen.index = 99;
    ASSERT_TRUE(nc.force_reconnect());
    ASSERT_TRUE(work_until(nc, [&] { return log.count("reconnected") == 2; }, long_enough));
    EXPECT_EQ(log.reason("warning"), errc::unknown_server);
}

TEST_P(server_choice_of_user, a_callback_says_how_long_to_wait) {
    start();
    chooser waits{.wait = 5ms};
    options o = quick();
    o.reconnect_wait = long_enough; // not used
    o.reconnecting = {.wait = &chooser::delay, .context = &waits};
    client nc = connect(o);
    event_log log(nc);
    const stopwatch watch;
    server().stop();
    ASSERT_TRUE(work_until(nc, [&] { return log.count("connect_failed") >= 3; }, long_enough));
    EXPECT_LT(watch.elapsed(), at_once);
    EXPECT_GE(watch.elapsed(), 15ms);
    EXPECT_GE(waits.waits, 3);
    EXPECT_GE(waits.passes, 3U);
}

TEST_P(server_choice_of_user, the_first_server_comes_before_the_list) {
    start();
    nats_server other(program());
    const std::string list = server().url();
    const std::string first = other.url();
    const client nc = client::connect({.servers = list, .first_server = first}).value();
    EXPECT_EQ(nc.server().text(), other.address());
}

TEST_P(server_choice_of_user, the_address_of_this_end) {
    start();
    client nc = connect({}, {.local_address = "127.0.0.2"});
    EXPECT_TRUE(nc.local_address().starts_with("127.0.0.2:")) << nc.local_address();
    EXPECT_EQ(nc.info().client_ip, "127.0.0.2");
    nc.close();
    EXPECT_EQ(nc.local_address(), "");
    const std::string url = server().url();
    EXPECT_EQ(code_of(client::connect(url, {.local_address = "nowhere"})), errc::invalid_argument);
    EXPECT_EQ(code_of(client::connect(url, {.local_address = "::1"})), errc::connect_failed);
}

TEST_P(server_choice_of_user, the_family_of_addresses) {
    start();
    const std::string by_name = "localhost:" + std::to_string(server().port());
    for (const address_order order : {address_order::any, address_order::v4_only,
                                      address_order::v4_first, address_order::v6_first})
        EXPECT_TRUE(client::connect(by_name, {.addresses = order}));
    // The server listens on 127.0.0.1 only.
    EXPECT_FALSE(client::connect(by_name, {.addresses = address_order::v6_only}));
    EXPECT_EQ(code_of(client::connect(server().url(), {.addresses = address_order::v6_only})),
              errc::resolve_failed);
}

/// A way to the server that takes no notice of where the client wants to go.
struct dialer {
    std::uint16_t port = 0;
    int calls = 0;
    std::string asked{};
    bool fails = false;

    static result<int> dial(void* context, const endpoint& to, time_point deadline) {
        auto& self = *static_cast<dialer*>(context);
        ++self.calls;
        self.asked = to.text();
        EXPECT_GT(deadline, clock::now());
        if (self.fails) return error{errc::connect_failed, "the proxy is closed"};
        const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in where{};
        where.sin_family = AF_INET;
        where.sin_port = htons(self.port);
        where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0) return fd;
        ::close(fd);
        return error{errc::connect_failed, "no way"};
    }
};

TEST_P(server_choice_of_user, a_dialer_of_ones_own) {
    dialer d{.port = start().port()};
    const blocking_options b{.dial = &dialer::dial, .dial_context = &d};
    options o = quick();
    o.servers = "nats://behind.the.proxy:999";
    client nc = client::connect(o, b).value();
    event_log log(nc);
    EXPECT_EQ(d.asked, "behind.the.proxy:999");
    subscription sub = subscribed(nc, "s");
    server().restart();
    ASSERT_TRUE(work_until(nc, [&] { return log.count("reconnected") == 1; }, long_enough));
    EXPECT_GE(d.calls, 2);
    ASSERT_TRUE(nc.publish("s", "goes on"));
    EXPECT_EQ(next_payload(sub), "goes on");
    d.fails = true;
    const result<client> refused = client::connect(o, b);
    EXPECT_EQ(code_of(refused), errc::connect_failed);
    EXPECT_NE(refused.error().detail().find("the proxy is closed"), std::string::npos);
}

} // namespace
} // namespace nats::test

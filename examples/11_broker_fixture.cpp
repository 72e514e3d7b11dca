// SPDX-License-Identifier: Apache-2.0
//
// Tests of code that uses NATS, with a server of their own in the same process: on a free port,
// there in a millisecond, and made to break when the test says so. Usage: 11_broker_fixture

#include <natsproto/blocking/client.hpp>
#include <natsproto/tcp/tcp_broker.hpp>

#include <chrono>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

using namespace std::chrono_literals;

namespace {

void expect(bool good, const std::string& what) {
    if (!good) throw std::runtime_error("expected " + what);
    std::cout << "ok: " << what << '\n';
}

// [fixture]
struct orders_test /* : testing::Test */ {
    std::unique_ptr<nats::tcp_broker> server = nats::tcp_broker::listen().value(); // a free port
    std::thread serving{[this] { server->run().value(); }};
    ~orders_test() { server->stop(), serving.join(); }
};
// [fixture]

struct test : orders_test {
    // [first]
    /// TEST_F(orders_test, an_order_arrives)
    void an_order_arrives() {
        nats::client nc = nats::client::connect(server->url()).value();
        nats::subscription orders = nc.subscribe("orders.*").value();
        nc.publish("orders.new", "one coffee").value();
        expect(orders.next(5s).value().payload() == "one coffee", "the order");
    }
    // [first]

    void the_connection_breaks() {
        nats::client nc = connect();
        nats::subscription orders = nc.subscribe("orders.*").value();
        nc.flush().value();
        // [cut]
        server->with([](nats::broker& b, nats::time_point) { b.cut_all(); }).value();
        nc.publish("orders.new", "two coffees").value(); // may still go into the broken connection
        while (nc.stats().reconnects == 0) (void)nc.poll(10ms).value();
        // [cut]
        nc.publish("orders.new", "three coffees").value();
        while (orders.next(5s).value().payload() != "three coffees") {
        }
        expect(nc.stats().reconnects == 1, "a client that is back, with its subscription");
    }

    void the_network_is_slow() {
        nats::client nc = nats::client::connect(server->url()).value();
        // [hold]
        // Nothing goes to or from the client for 300 ms; then everything does, in order.
        server
            ->with([](nats::broker& b, nats::time_point now) {
                for (const nats::client_status& c : b.clients()) b.hold(c.id, now + 300ms);
            })
            .value();
        const nats::result<nats::duration> early = nc.flush(20ms);
        expect(!early && early.error() == nats::errc::timeout, "a timeout while it is held");
        expect(nc.flush(10s).has_value(), "an answer after that");
        // [hold]
    }

    void the_other_side_is_scripted() {
        nats::client nc = nats::client::connect(server->url()).value();
        // [script]
        // A service without a client: it runs in the broker's thread.
        const auto answer = [](void*, nats::broker& b, const nats::message_view& m) {
            b.publish(m.reply, m.payload == "coffee" ? "1.20" : "unknown").value();
        };
        server
            ->with([&](nats::broker& b, nats::time_point) {
                b.subscribe("price", {}, answer, nullptr).value();
            })
            .value();
        expect(nc.request("price", "coffee", 5s).value().payload() == "1.20", "the price");
        expect(nc.request("stock", "", 5s).error() == nats::errc::no_responders, "nobody else");
        // [script]
    }

    void the_server_complains() {
        nats::client nc = connect();
        // [fail]
        // What a server of production may do on a bad day: say -ERR and close.
        server
            ->with([](nats::broker& b, nats::time_point) {
                for (const nats::client_status& c : b.clients()) b.fail(c.id, "Stale Connection");
            })
            .value();
        while (nc.stats().reconnects == 0) (void)nc.poll(10ms).value();
        // [fail]
        expect(nc.flush(5s).has_value(), "a new connection after an error");
    }

    /// A client that comes back at once.
    nats::client connect() {
        const std::string url = server->url();
        return nats::client::connect({.servers = url, .reconnect_wait = 1ms}).value();
    }
};

void users_and_permissions() {
    // [users]
    nats::broker_options o;
    nats::broker_user joe;
    joe.name = "joe";
    joe.password.assign("secret");
    joe.allowed.publish.allow = {"orders.>"};
    joe.allowed.subscribe.deny = {"audit.>"};
    o.users.push_back(std::move(joe));
    const auto server = nats::tcp_broker::listen(std::move(o)).value();
    // [users]
    std::thread serving{[&] { server->run().value(); }};
    {
        nats::client nc =
            nats::client::connect({.servers = server->url(), .user = "joe", .password = "secret"})
                .value();
        nc.publish("orders.new", "one coffee").value();
        nc.publish("admin.stop", "").value(); // refused by the server, which the client tells of
        expect(nc.flush(5s).has_value(), "joe may log in");
        expect(!nats::client::connect({.servers = server->url(), .reconnect = false}),
               "nobody else may");
    }
    server->stop();
    serving.join();
}

} // namespace

int main() {
    test().an_order_arrives();
    test().the_connection_breaks();
    test().the_network_is_slow();
    test().the_other_side_is_scripted();
    test().the_server_complains();
    users_and_permissions();
    std::cout << "six tests, six servers\n";
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
//
// Proves how names become connections: addresses without a resolver and without a thread, all
// addresses of a name with their share of the time, families, the local end, and a resolver of the
// user's, that may answer when and where it likes, or never.

#include <natsproto/asio/tcp_connector.hpp>

#include <natsproto/asio/client.hpp>

#include "asio/asio_world.hpp"
#include "asio/silent_address.hpp"
#include "asio/test_resolver.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace nats::test {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::ip::tcp;

/// How many threads this process has.
std::ptrdiff_t threads() {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return std::distance(begin(tasks), end(tasks));
}

tcp_broker_options at_v6() {
    tcp_broker_options o;
    o.host = "::1";
    return o;
}

class tcp_connecting : public testing::Test {
protected:
    /// The error that `connect` has ended with.
    [[nodiscard]] error refusal(aio::client& nc, const options& o) {
        const error_code ec = w.outcome(nc.connect(o));
        if (!ec) return error{errc::invalid_argument, "no error at all"};
        EXPECT_EQ(ec, nc.close_reason().code());
        return nc.close_reason();
    }
    [[nodiscard]] error refusal(const aio::tcp_options& t, const options& o) {
        aio::tcp_connector via(t);
        aio::client nc(w.io, {.via = &via});
        return refusal(nc, o);
    }
    /// The name of the server that a connection comes to; empty if it comes to none.
    [[nodiscard]] std::string reached(const aio::tcp_options& t,
                                      std::string_view servers = "nats://some.name") {
        aio::tcp_connector via(t);
        aio::client nc(w.io, {.via = &via});
        if (w.outcome(nc.connect(servers))) return {};
        return nc.info().server_name;
    }
    [[nodiscard]] tcp::endpoint at_broker() const { return address_at("127.0.0.1", broker.port()); }
    /// Where nobody listens.
    [[nodiscard]] tcp::endpoint refusing() {
        tcp::acceptor taken(w.io, address_at("127.0.0.1", 0));
        return taken.local_endpoint(); // given back when this returns
    }

    asio_world w;
    tcp_broker& broker = w.serve_named("here");
};

// --- addresses

TEST_F(tcp_connecting, addresses_need_no_resolver_and_no_thread) {
    const std::ptrdiff_t before = threads();
    test_resolver names(tcp_addresses{});
    aio::tcp_connector via({.names = &names});
    {
        aio::client given(w.io, {.via = &via});
        EXPECT_FALSE(w.outcome(given.connect(broker.url())));
        aio::client own(w.io); // with the connector that it has by itself
        EXPECT_FALSE(w.outcome(own.connect(broker.url())));
        EXPECT_EQ(threads(), before);
        EXPECT_FALSE(w.outcome(own.flush()));
        EXPECT_FALSE(w.outcome(own.close()));
    }
    EXPECT_TRUE(names.asked.empty());
    EXPECT_EQ(threads(), before);
}

TEST_F(tcp_connecting, the_brackets_of_ipv6) {
    const result<std::unique_ptr<tcp_broker>> v6 = tcp_broker::listen({}, at_v6());
    if (!v6) GTEST_SKIP() << "no IPv6 here: " << v6.error().message();
    tcp_broker& six = w.serve_named("six", "::1");
    aio::client nc(w.io);
    ASSERT_FALSE(w.outcome(nc.connect("nats://[::1]:" + std::to_string(six.port()))));
    EXPECT_EQ(nc.info().server_name, "six");
    EXPECT_TRUE(nc.local_address().starts_with("[::1]:")) << nc.local_address();
}

TEST_F(tcp_connecting, a_refusal_names_the_endpoint) {
    aio::client nc(w.io);
    const std::string where = "127.0.0.1:" + std::to_string(refusing().port());
    const error why = refusal(nc, {.servers = where});
    EXPECT_EQ(why, errc::connect_failed);
    EXPECT_EQ(why.detail(), where + ": Connection refused");
}

TEST_F(tcp_connecting, the_socket_is_like_that_of_the_blocking_client) {
    class looking : public aio::tcp_connector {
    public:
        int fd = -1;

    protected:
        std::unique_ptr<aio::transport> adopt(tcp::socket s) override {
            fd = s.native_handle();
            return tcp_connector::adopt(std::move(s));
        }
    } via;
    aio::client nc(w.io, {.via = &via});
    ASSERT_FALSE(w.outcome(nc.connect(broker.url())));
    int on = 0;
    socklen_t size = sizeof on;
    ASSERT_EQ(::getsockopt(via.fd, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
    EXPECT_NE(on, 0);
    EXPECT_NE(::fcntl(via.fd, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(via.fd, F_GETFD) & FD_CLOEXEC, 0); // children have their own
}

TEST_F(tcp_connecting, a_layer_that_cannot_be_made_fails_the_attempt) {
    class failing : public aio::tcp_connector {
    protected:
        std::unique_ptr<aio::transport> adopt(tcp::socket) override {
            throw std::runtime_error("no layer");
        }
    } via;
    aio::client nc(w.io, {.via = &via});
    const error why = refusal(nc, {.servers = broker.url()});
    EXPECT_EQ(why, errc::connect_failed);
    EXPECT_EQ(why.detail(), broker.url().substr(7) + ": no layer");
}

// --- the local end

TEST_F(tcp_connecting, the_address_of_this_end) {
    aio::client nc(w.io, {.local_address = "127.0.0.2"});
    EXPECT_EQ(nc.local_address(), "");
    ASSERT_FALSE(w.outcome(nc.connect(broker.url())));
    EXPECT_TRUE(nc.local_address().starts_with("127.0.0.2:")) << nc.local_address();
    EXPECT_EQ(nc.info().client_ip, "127.0.0.2");
    EXPECT_FALSE(w.outcome(nc.close()));
    EXPECT_EQ(nc.local_address(), "");
}

TEST_F(tcp_connecting, local_addresses_that_cannot_be) {
    const std::string url = broker.url();
    const error none = error{errc::invalid_argument, "local_address: \"nowhere\" is no IP address"};
    EXPECT_EQ(aio::tcp_connector({.local_address = "nowhere"}).check().error(), none);
    EXPECT_TRUE(aio::tcp_connector({.local_address = "::1"}).check());
    EXPECT_EQ(refusal(aio::tcp_options{.local_address = "nowhere"}, {.servers = url}), none);
    aio::client nc(w.io, {.local_address = "nowhere"});
    EXPECT_EQ(refusal(nc, {.servers = url}), none);
    const std::string where = url.substr(7) + ": cannot bind: ";
    EXPECT_EQ(refusal(aio::tcp_options{.local_address = "::1"}, {.servers = url}),
              (error{errc::connect_failed, where + "the local address is of another family"}));
    EXPECT_EQ(refusal(aio::tcp_options{.local_address = "198.51.100.7"}, {.servers = url}),
              (error{errc::connect_failed, where + "Cannot assign requested address"}));
}

// --- names

TEST_F(tcp_connecting, the_systems_resolver) {
    const std::string port = std::to_string(broker.port());
    EXPECT_EQ(reached({}, "localhost:" + port), "here");
    EXPECT_EQ(reached({.addresses = address_order::v4_only}, "localhost:" + port), "here");
    EXPECT_EQ(reached({.addresses = address_order::v6_first}, "localhost:" + port), "here");
    EXPECT_EQ(reached({.addresses = address_order::v6_only}, "localhost:" + port), "");
    // No name has such a part, so nobody has to be asked.
    const std::string nowhere = std::string(70, 'x') + ".example:4222";
    const error why = refusal(aio::tcp_options{}, {.servers = nowhere});
    EXPECT_EQ(why, errc::resolve_failed);
    EXPECT_TRUE(why.detail().starts_with(nowhere + ": ")) << why.message();
}

TEST_F(tcp_connecting, all_addresses_of_a_name_are_tried) {
    test_resolver names({refusing(), refusing(), at_broker(), refusing()});
    EXPECT_EQ(reached({.randomize = false, .names = &names}), "here");
    EXPECT_EQ(names.asked, std::vector<std::string>{"some.name"});
    test_resolver none({refusing(), refusing()});
    EXPECT_EQ(refusal(aio::tcp_options{.names = &none}, {.servers = "some.name:77"}),
              (error{errc::connect_failed, "some.name:77: Connection refused"}));
}

TEST_F(tcp_connecting, the_first_address_is_a_matter_of_luck_or_the_first) {
    tcp_broker& other = w.serve_named("there");
    test_resolver names({at_broker(), address_at("127.0.0.1", other.port())});
    std::set<std::string> seen;
    for (int i = 0; i < 64 && seen.size() < 2; ++i) seen.insert(reached({.names = &names}));
    EXPECT_EQ(seen, (std::set<std::string>{"here", "there"}));
    for (int i = 0; i < 8; ++i) EXPECT_EQ(reached({.randomize = false, .names = &names}), "here");
}

TEST_F(tcp_connecting, families) {
    const result<std::unique_ptr<tcp_broker>> v6 = tcp_broker::listen({}, at_v6());
    if (!v6) GTEST_SKIP() << "no IPv6 here: " << v6.error().message();
    const tcp_broker& six = w.serve_named("six", "::1");
    const tcp::endpoint at_six = address_at("::1", six.port());
    for (const tcp_addresses& found :
         {tcp_addresses{at_broker(), at_six}, tcp_addresses{at_six, at_broker()}}) {
        test_resolver names(found);
        for (const address_order four : {address_order::v4_first, address_order::v4_only})
            EXPECT_EQ(reached({.addresses = four, .names = &names}), "here");
        for (const address_order v : {address_order::v6_first, address_order::v6_only})
            EXPECT_EQ(reached({.addresses = v, .names = &names}), "six");
    }
    test_resolver only(tcp_addresses{at_six});
    EXPECT_EQ(reached({.addresses = address_order::v4_first, .names = &only}), "six");
    EXPECT_EQ(
        refusal(aio::tcp_options{.addresses = address_order::v4_only, .names = &only},
                {.servers = "some.name"}),
        (error{errc::resolve_failed, "some.name:4222: no address of the family that is wanted"}));
    EXPECT_EQ(
        refusal(aio::tcp_options{.addresses = address_order::v6_only}, {.servers = broker.url()}),
        errc::resolve_failed);
}

TEST_F(tcp_connecting, an_address_that_never_answers_leaves_time_for_the_next) {
    const silent_address silent;
    test_resolver names({address_at("127.0.0.1", silent.port()), at_broker()});
    aio::tcp_connector via({.randomize = false, .names = &names});
    aio::client nc(w.io, {.via = &via});
    const time_point begin = clock::now();
    ASSERT_FALSE(w.outcome(nc.connect({.servers = "some.name", .connect_timeout = 600ms})));
    EXPECT_EQ(nc.info().server_name, "here");
    EXPECT_GE(clock::now() - begin, 300ms);
}

TEST_F(tcp_connecting, no_address_answers) {
    const silent_address silent;
    const tcp::endpoint quiet = address_at("127.0.0.1", silent.port());
    test_resolver names({quiet, quiet, quiet});
    const time_point begin = clock::now();
    const error why = refusal(aio::tcp_options{.names = &names},
                              {.servers = "some.name", .connect_timeout = 300ms});
    EXPECT_EQ(why, errc::timeout);
    EXPECT_NE(why.detail().find("some.name:4222"), std::string::npos) << why.message();
    EXPECT_GE(clock::now() - begin, 300ms);
}

// --- a resolver of the user's

TEST_F(tcp_connecting, a_name_that_does_not_exist) {
    test_resolver names([](std::uint16_t port, const aio::resolver::handler& done) {
        EXPECT_EQ(port, 77);
        done(asio::error::host_not_found, {});
    });
    const error why = refusal(aio::tcp_options{.names = &names}, {.servers = "some.name:77"});
    EXPECT_EQ(why, errc::resolve_failed);
    const error_code not_found = asio::error::host_not_found;
    EXPECT_EQ(why.detail(), "some.name:77: " + not_found.message());
    test_resolver empty(tcp_addresses{});
    EXPECT_EQ(refusal(aio::tcp_options{.names = &empty}, {.servers = "some.name:77"}),
              (error{errc::resolve_failed, "some.name:77: no address"}));
    test_resolver throwing([](std::uint16_t, const aio::resolver::handler&) {
        throw std::runtime_error("no threads left");
    });
    EXPECT_EQ(refusal(aio::tcp_options{.names = &throwing}, {.servers = "some.name:77"}),
              (error{errc::resolve_failed, "some.name:77: no threads left"}));
}

TEST_F(tcp_connecting, it_may_answer_from_another_thread) {
    std::thread other;
    test_resolver names([&](std::uint16_t, const aio::resolver::handler& done) {
        other = std::thread([done, to = at_broker()] { done({}, {to}); });
    });
    EXPECT_EQ(reached({.names = &names}), "here");
    other.join();
}

TEST_F(tcp_connecting, it_may_never_answer) {
    test_resolver names([](std::uint16_t, const aio::resolver::handler&) {});
    const error why = refusal(aio::tcp_options{.names = &names},
                              {.servers = "some.name", .connect_timeout = 50ms});
    EXPECT_EQ(why, errc::timeout);
    EXPECT_NE(why.detail().find("some.name:4222"), std::string::npos) << why.message();
    EXPECT_EQ(names.cancelled, 1);
}

TEST_F(tcp_connecting, what_it_answers_late_is_nobodys) {
    std::vector<aio::resolver::handler> asked;
    test_resolver names(
        [&](std::uint16_t, const aio::resolver::handler& done) { asked.push_back(done); });
    error_code ended;
    {
        aio::tcp_connector via({.names = &names});
        aio::client nc(w.io, {.via = &via});
        nc.connect("nats://some.name", [&](error_code ec) { ended = ec; });
        ASSERT_TRUE(w.until([&] { return asked.size() == 1; }));
    } // the connector is gone with the client
    EXPECT_EQ(names.cancelled, 1);
    asked[0]({}, {at_broker()});
    std::thread([&] { asked[0](asio::error::host_not_found, {}); }).join();
    w.settle();
    EXPECT_EQ(ended, asio::error::operation_aborted);
    EXPECT_EQ(broker.broker().stats().total_connections, 0U);
}

TEST_F(tcp_connecting, an_answer_to_the_attempt_before_is_nobodys) {
    std::vector<aio::resolver::handler> asked;
    test_resolver names(
        [&](std::uint16_t, const aio::resolver::handler& done) { asked.push_back(done); });
    aio::tcp_connector via({.names = &names});
    aio::client nc(w.io, {.via = &via});
    std::optional<error_code> ended;
    nc.connect({.servers = "first.name,second.name", .connect_timeout = 200ms, .randomize = false},
               [&](error_code ec) { ended = ec; });
    ASSERT_TRUE(w.until([&] { return asked.size() == 2; })); // the first has timed out
    asked[0]({}, {at_broker()});
    w.settle();
    EXPECT_EQ(broker.broker().stats().total_connections, 0U);
    asked[1]({}, {at_broker()});
    asked[1]({}, {at_broker()}); // twice
    ASSERT_TRUE(w.until([&] { return ended.has_value(); }));
    EXPECT_FALSE(*ended);
    EXPECT_EQ(nc.server().host, "second.name");
    w.settle();
    EXPECT_EQ(broker.broker().stats().total_connections, 1U);
}

/// At any moment of it: while the name is looked up, while an address is tried, when it has just
/// been reached. Sanitizers look.
TEST_F(tcp_connecting, destroyed_while_it_connects) {
    const silent_address silent;
    test_resolver names({address_at("127.0.0.1", silent.port()), at_broker()});
    for (int moment = 0; moment < 12; ++moment) {
        aio::tcp_connector via({.randomize = false, .names = &names});
        aio::client nc(w.io, {.via = &via});
        nc.connect(
            {.servers = moment % 2 == 0 ? "some.name" : "127.0.0.1:1", .connect_timeout = 10ms},
            [](error_code) {});
        for (int i = 0; i < moment; ++i) w.io.poll_one();
    }
    w.settle();
}

} // namespace
} // namespace nats::test

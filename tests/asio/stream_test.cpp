// SPDX-License-Identifier: Apache-2.0
//
// Proves that a connection works over streams that the user has made: a Unix socket, and one in
// memory that moves a few bytes at a time.

#include <natsproto/asio/client.hpp>
#include <natsproto/asio/stream_transport.hpp>

#include "asio/asio_world.hpp"
#include "asio/memory_stream.hpp"
#include "asio/relay.hpp"
#include "asio/test_connector.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace nats::test {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::ip::tcp;

/// What a server says until the handshake is done.
constexpr std::string_view greeting =
    "INFO {\"server_id\":\"X\",\"version\":\"2.10.0\",\"proto\":1,\"max_payload\":1048576}\r\n"
    "PONG\r\n";

class streams : public testing::Test {
protected:
    /// A socket to the broker, for the far end of a stream.
    [[nodiscard]] tcp::socket to_broker() {
        tcp::socket s(w.io);
        s.connect({asio::ip::address_v4::loopback(), broker.port()});
        return s;
    }
    /// What a connector opens: a stream of `make(executor)`, whose far end the broker is at.
    template <class Make>
    [[nodiscard]] test_connector over(Make make) {
        return test_connector([this, make](const asio::any_io_executor& ex, const endpoint&,
                                           const aio::connect_handler& done) {
            auto pair = make(ex);
            relay(std::move(pair.second), to_broker());
            done(aio::make_transport(std::move(pair.first)));
        });
    }
    /// Many messages, of which some fill every buffer on the way, come back unharmed.
    void talk(aio::client& nc) {
        aio::subscription sub = nc.subscribe("echo").value();
        std::size_t sent = 0;
        for (std::size_t size = 1; size < 300'000; size = size * 3 + 1) {
            std::string payload(size, 'x');
            for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<char>('a' + i % 23);
            ASSERT_TRUE(nc.publish("echo", payload));
            const message m = w.value<message>(sub.next({.timeout = asio_world::patience}));
            EXPECT_EQ(m.payload(), payload);
            sent += size;
        }
        EXPECT_EQ(nc.stats().out_bytes, sent);
        EXPECT_EQ(nc.stats().in_bytes, sent);
    }

    asio_world w;
    tcp_broker& broker = w.serve();
};

TEST_F(streams, a_unix_socket) {
    using local = asio::local::stream_protocol;
    test_connector via = over([this](const asio::any_io_executor& ex) {
        std::pair<local::socket, local::socket> pair(local::socket(ex), local::socket(w.io));
        asio::local::connect_pair(pair.first, pair.second);
        return pair;
    });
    aio::client nc(w.io, {.via = &via});
    ASSERT_FALSE(w.outcome(nc.connect("nats://wherever:1")));
    EXPECT_EQ(via.asked, std::vector<std::string>{"wherever:1"});
    EXPECT_GT(via.last_deadline, clock::now());
    talk(nc);
    EXPECT_EQ(nc.local_address(), "");
    EXPECT_FALSE(w.outcome(nc.close()));
    EXPECT_TRUE(w.until([&] { return broker.broker().stats().connections == 0; }));
}

TEST_F(streams, one_in_memory_that_moves_a_few_bytes) {
    test_connector via =
        over([](const asio::any_io_executor& ex) { return memory_stream::make_pair(ex); });
    aio::client nc(w.io, {.via = &via});
    ASSERT_FALSE(w.outcome(nc.connect("nats://memory")));
    talk(nc);
    // A burst that does not fit into the stream.
    aio::subscription sub = nc.subscribe("many").value();
    const std::string payload(500, 'p');
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(nc.publish("many", payload));
    EXPECT_GT(nc.buffered(), memory_stream::room);
    ASSERT_FALSE(w.outcome(nc.flush()));
    EXPECT_EQ(sub.queue().pending_messages(), 500U);
    EXPECT_FALSE(w.outcome(nc.close()));
}

TEST_F(streams, a_new_one_for_each_connection) {
    test_connector via =
        over([](const asio::any_io_executor& ex) { return memory_stream::make_pair(ex); });
    aio::client nc(w.io, {.via = &via});
    const options o{.servers = "nats://memory", .reconnect_wait = 1ms, .reconnect_jitter = {}};
    ASSERT_FALSE(w.outcome(nc.connect(o)));
    aio::subscription sub = nc.subscribe("s").value();
    ASSERT_FALSE(w.outcome(nc.flush()));
    ASSERT_TRUE(nc.force_reconnect());
    ASSERT_TRUE(w.until([&] { return nc.stats().reconnects == 1; }));
    ASSERT_TRUE(nc.publish("s", "again"));
    EXPECT_EQ(w.value<message>(sub.next({.timeout = asio_world::patience})).payload(), "again");
    EXPECT_EQ(via.asked.size(), 2U);
    EXPECT_EQ(via.cancelled, 0);
}

TEST_F(streams, the_end_of_one_is_the_end_of_the_connection) {
    std::optional<memory_stream> far;
    test_connector via(
        [&](const asio::any_io_executor& ex, const endpoint&, const aio::connect_handler& done) {
            auto pair = memory_stream::make_pair(ex);
            far.emplace(std::move(pair.second));
            done(aio::make_transport(std::move(pair.first)));
        });
    aio::client nc(w.io, {.via = &via});
    std::optional<error_code> ended;
    nc.connect("nats://memory", [&](error_code ec) { ended = ec; });
    ASSERT_TRUE(w.until([&] { return far.has_value(); }));
    w.settle();
    EXPECT_FALSE(ended.has_value()); // nobody has said INFO
    far->close();
    ASSERT_TRUE(w.until([&] { return ended.has_value(); }));
    EXPECT_EQ(*ended, errc::eof);
}

/// Otherwise closing would wait for a peer that knows of nothing.
TEST_F(streams, the_peer_is_told_of_the_end_before_the_socket_is_closed) {
    using local = asio::local::stream_protocol;
    local::socket far(w.io);
    test_connector via(
        [&](const asio::any_io_executor& ex, const endpoint&, const aio::connect_handler& done) {
            local::socket near(ex);
            asio::local::connect_pair(near, far);
            asio::write(far, asio::buffer(greeting));
            done(aio::make_transport(std::move(near)));
        });
    aio::client nc(w.io, {.via = &via});
    ASSERT_FALSE(w.outcome(nc.connect("nats://wherever")));
    bool closed = false;
    std::string got;
    error_code end;
    asio::async_read(far, asio::dynamic_buffer(got), [&](error_code ec, std::size_t) { end = ec; });
    nc.close([&](error_code) { closed = true; });
    ASSERT_TRUE(w.until([&] { return static_cast<bool>(end); }));
    EXPECT_EQ(end, asio::error::eof);
    EXPECT_TRUE(got.starts_with("CONNECT ")) << got;
    EXPECT_FALSE(closed);
    far.close();
    ASSERT_TRUE(w.until([&] { return closed; }));
}

/// A client that goes away in the middle of things leaves nothing behind: sanitizers look.
TEST_F(streams, destroyed_with_a_read_and_a_write_under_way) {
    std::optional<memory_stream> far;
    test_connector via(
        [&](const asio::any_io_executor& ex, const endpoint&, const aio::connect_handler& done) {
            auto pair = memory_stream::make_pair(ex);
            far.emplace(std::move(pair.second));
            done(aio::make_transport(std::move(pair.first)));
        });
    error_code flushed;
    {
        aio::client nc(w.io, {.via = &via});
        std::optional<error_code> ended;
        nc.connect("nats://memory", [&](error_code ec) { ended = ec; });
        ASSERT_TRUE(w.until([&] { return far.has_value(); }));
        far->async_write_some(asio::buffer(greeting), [](error_code, std::size_t) {});
        ASSERT_TRUE(w.until([&] { return ended.has_value(); }));
        ASSERT_FALSE(*ended);
        ASSERT_TRUE(nc.publish("s", std::string(100'000, 'x')));
        w.settle();
        EXPECT_GT(nc.buffered(), 0U); // the far end reads nothing
        nc.flush({}, [&](error_code ec, duration) { flushed = ec; });
        w.settle();
    }
    ASSERT_TRUE(w.until([&] { return static_cast<bool>(flushed); }));
    EXPECT_EQ(flushed, asio::error::operation_aborted);
}

} // namespace
} // namespace nats::test

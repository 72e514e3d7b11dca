// SPDX-License-Identifier: Apache-2.0
//
// Proves what a client makes of connectors and transports of the user's: such that fail, answer
// late, twice, from other threads or never, and whose streams break.

#include <natsproto/asio/client.hpp>
#include <natsproto/asio/stream_transport.hpp>
#include <natsproto/asio/tcp_connector.hpp>

#include "asio/asio_world.hpp"
#include "asio/memory_stream.hpp"
#include "asio/test_connector.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace nats::test {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::ip::tcp;

/// What has become of a transport that outlives nobody.
struct fate {
    bool closed = false;
    bool destroyed = false;
    int reads = 0;
};

/// Reads nothing, until somebody says with which error; takes what is written.
class dead_end : public aio::transport {
public:
    explicit dead_end(std::shared_ptr<fate> f) : fate_(std::move(f)) {}
    ~dead_end() override { fate_->destroyed = true; }

    void read_some(asio::mutable_buffer into, aio::transport_handler done) override {
        ++fate_->reads;
        into_ = into;
        reading_.emplace(std::move(done));
    }
    void write_some(std::span<const asio::const_buffer> pieces,
                    aio::transport_handler done) override {
        end(std::move(done), {}, asio::buffer_size(pieces));
    }
    void close() noexcept override {
        fate_->closed = true;
        end_read(asio::error::operation_aborted);
    }

    void end_read(const error_code& ec, std::string_view bytes = {}) {
        if (!reading_) return;
        const std::size_t n = asio::buffer_copy(into_, asio::buffer(bytes));
        aio::transport_handler done = std::move(*reading_);
        reading_.reset();
        end(std::move(done), ec, n);
    }

private:
    static void end(aio::transport_handler done, const error_code& ec, std::size_t n) {
        const asio::any_io_executor ex = done.get_executor();
        asio::post(ex, [done = std::move(done), ec, n] { done(ec, n); });
    }

    std::shared_ptr<fate> fate_;
    asio::mutable_buffer into_;
    std::optional<aio::transport_handler> reading_;
};

constexpr std::string_view greeting =
    "INFO {\"server_id\":\"X\",\"version\":\"2.10.0\",\"proto\":1,\"max_payload\":1000}\r\n"
    "PONG\r\n";

class connectors : public testing::Test {
protected:
    /// Begins to connect; `ended` is set when that has.
    void begin(aio::client& nc, const options& o) {
        nc.connect(o, [this](error_code ec) { ended = ec; });
    }
    [[nodiscard]] bool has_ended() {
        return w.until([this] { return ended.has_value(); });
    }
    /// A connector whose user gets his handler here.
    [[nodiscard]] test_connector keeping() {
        return test_connector([this](const asio::any_io_executor&, const endpoint&,
                                     const aio::connect_handler& done) { kept.push_back(done); });
    }
    /// One that opens a dead end each time.
    [[nodiscard]] test_connector blind() {
        return test_connector([this](const asio::any_io_executor&, const endpoint&,
                                     const aio::connect_handler& done) {
            fates.push_back(std::make_shared<fate>());
            auto made = std::make_unique<dead_end>(fates.back());
            last = made.get();
            done(std::move(made));
        });
    }
    /// Past the handshake, over a dead end.
    void connect_over_dead_end(aio::client& nc, const options& o) {
        begin(nc, o);
        ASSERT_TRUE(w.until([&] { return !fates.empty() && fates.back()->reads == 1; }));
        last->end_read({}, greeting);
        ASSERT_TRUE(has_ended());
        ASSERT_FALSE(*ended) << ended->message();
    }
    [[nodiscard]] std::unique_ptr<aio::transport> to_broker() {
        tcp::socket s(w.io);
        s.connect({asio::ip::address_v4::loopback(), broker.port()});
        return aio::make_tcp_transport(std::move(s));
    }

    asio_world w;
    tcp_broker& broker = w.serve();
    std::optional<error_code> ended;
    std::vector<aio::connect_handler> kept;
    std::vector<std::shared_ptr<fate>> fates;
    dead_end* last = nullptr;
};

// --- connectors

TEST_F(connectors, one_that_fails) {
    test_connector via(
        [](const asio::any_io_executor&, const endpoint&, const aio::connect_handler& done) {
            done(error{errc::connect_failed, "the proxy is closed"});
        });
    aio::client nc(w.io, {.via = &via});
    begin(nc, {.servers = "nats://one:1,nats://two:2", .randomize = false});
    EXPECT_FALSE(ended.has_value()); // nothing from inside of the call
    ASSERT_TRUE(has_ended());
    EXPECT_EQ(*ended, errc::no_servers);
    EXPECT_NE(nc.close_reason().detail().find("the proxy is closed"), std::string::npos);
    EXPECT_EQ(via.asked, (std::vector<std::string>{"one:1", "two:2"}));
    EXPECT_EQ(via.cancelled, 0);
}

TEST_F(connectors, one_that_opens_nothing) {
    test_connector via(
        [](const asio::any_io_executor&, const endpoint&, const aio::connect_handler& done) {
            done(std::unique_ptr<aio::transport>());
        });
    aio::client nc(w.io, {.via = &via});
    begin(nc, {.servers = "nats://one"});
    ASSERT_TRUE(has_ended());
    EXPECT_EQ(*ended, errc::connect_failed);
}

TEST_F(connectors, one_that_never_answers_has_until_the_deadline) {
    test_connector via = keeping();
    aio::client nc(w.io, {.via = &via});
    const time_point start = clock::now();
    begin(nc, {.servers = "nats://one:1", .connect_timeout = 50ms});
    ASSERT_TRUE(has_ended());
    EXPECT_EQ(*ended, errc::timeout);
    EXPECT_NE(nc.close_reason().detail().find("one:1"), std::string::npos);
    EXPECT_GE(clock::now() - start, 50ms);
    EXPECT_EQ(via.cancelled, 1);
    EXPECT_GE(via.last_deadline, start + 50ms);
}

TEST_F(connectors, what_it_opens_late_is_closed) {
    test_connector via = keeping();
    aio::client nc(w.io, {.via = &via});
    begin(nc, {.servers = "nats://one,nats://two", .connect_timeout = 50ms, .randomize = false});
    ASSERT_TRUE(w.until([&] { return kept.size() == 2; })); // the first has timed out
    const auto late = std::make_shared<fate>();
    kept[0](std::make_unique<dead_end>(late));
    ASSERT_TRUE(w.until([&] { return late->destroyed; }));
    EXPECT_TRUE(late->closed);
    EXPECT_EQ(late->reads, 0);
    kept[1](to_broker());
    ASSERT_TRUE(has_ended());
    EXPECT_FALSE(*ended);
    EXPECT_EQ(nc.server().host, "two");
    const auto again = std::make_shared<fate>();
    kept[1](std::make_unique<dead_end>(again)); // once more
    ASSERT_TRUE(w.until([&] { return again->destroyed; }));
    EXPECT_TRUE(again->closed);
    EXPECT_FALSE(w.outcome(nc.flush()));
}

TEST_F(connectors, what_it_opens_for_a_client_that_is_gone_is_closed) {
    test_connector via = keeping();
    {
        aio::client nc(w.io, {.via = &via});
        begin(nc, {.servers = "nats://one"});
        ASSERT_TRUE(w.until([&] { return kept.size() == 1; }));
    }
    ASSERT_TRUE(has_ended());
    EXPECT_EQ(*ended, asio::error::operation_aborted);
    EXPECT_EQ(via.cancelled, 1);
    const auto late = std::make_shared<fate>();
    kept[0](std::make_unique<dead_end>(late));
    kept.clear();
    ASSERT_TRUE(w.until([&] { return late->destroyed; }));
    EXPECT_TRUE(late->closed);
}

TEST_F(connectors, one_is_not_asked_for_a_client_that_is_gone) {
    {
        test_connector via = keeping();
        aio::client nc(w.io, {.via = &via});
        begin(nc, {.servers = "nats://one"});
        EXPECT_TRUE(via.asked.empty()); // it has only been posted
    }
    ASSERT_TRUE(has_ended());
    EXPECT_TRUE(*ended);
    w.settle();
    EXPECT_TRUE(kept.empty());
}

TEST_F(connectors, one_that_answers_from_another_thread) {
    std::thread other;
    test_connector via(
        [&](const asio::any_io_executor&, const endpoint&, const aio::connect_handler& done) {
            auto opened = std::make_shared<std::unique_ptr<aio::transport>>(to_broker());
            other = std::thread([done, opened] { done(std::move(*opened)); });
        });
    aio::client nc(w.io, {.via = &via});
    begin(nc, {.servers = "nats://one"});
    ASSERT_TRUE(has_ended());
    other.join();
    EXPECT_FALSE(*ended);
    EXPECT_FALSE(w.outcome(nc.flush()));
}

TEST_F(connectors, cancelling_connect_gives_it_up) {
    test_connector via = keeping();
    aio::client nc(w.io, {.via = &via});
    asio::cancellation_signal stop;
    nc.connect("nats://one",
               asio::bind_cancellation_slot(stop.slot(), [&](error_code ec) { ended = ec; }));
    ASSERT_TRUE(w.until([&] { return kept.size() == 1; }));
    stop.emit(asio::cancellation_type::terminal);
    ASSERT_TRUE(has_ended());
    EXPECT_EQ(*ended, asio::error::operation_aborted);
    ASSERT_TRUE(w.until([&] { return via.cancelled == 1; }));
    EXPECT_EQ(nc.status(), session_status::closed);
}

// --- transports

TEST_F(connectors, a_read_that_fails_ends_the_connection_and_another_is_made) {
    test_connector via = blind();
    aio::client nc(w.io, {.via = &via});
    std::optional<error> why;
    nc.on_event([&](const event& e) {
        if (const auto* lost = std::get_if<ev::disconnected>(&e)) why = *lost->why;
    });
    connect_over_dead_end(nc,
                          {.servers = "nats://one", .reconnect_wait = 1ms, .reconnect_jitter = {}});
    last->end_read(asio::error::connection_reset);
    ASSERT_TRUE(w.until([&] { return fates.size() == 2 && fates[1]->reads == 1; }));
    ASSERT_TRUE(why.has_value());
    EXPECT_EQ(*why, (error{errc::io_error, "Connection reset by peer"}));
    EXPECT_TRUE(fates[0]->closed);
    EXPECT_TRUE(fates[0]->destroyed);
    last->end_read({}, greeting);
    ASSERT_TRUE(w.until([&] { return nc.stats().reconnects == 1; }));
}

TEST_F(connectors, the_end_of_the_stream_is_told_as_that) {
    test_connector via = blind();
    aio::client nc(w.io, {.via = &via});
    connect_over_dead_end(nc, {.servers = "nats://one", .reconnect = false});
    last->end_read(asio::error::eof);
    ASSERT_TRUE(w.until([&] { return nc.status() == session_status::closed; }));
    EXPECT_EQ(nc.close_reason(), errc::eof);
    ASSERT_TRUE(w.until([&] { return fates[0]->destroyed; }));
}

TEST_F(connectors, a_transport_without_tls_cannot_be_handed_over_to) {
    test_connector via = blind();
    aio::client nc(w.io, {.via = &via});
    options o{.servers = "nats://one"};
    o.tls = {.required = true, .first = true, .hand_over = true};
    begin(nc, o);
    ASSERT_TRUE(has_ended());
    EXPECT_EQ(*ended, errc::tls_failed);
    EXPECT_NE(
        nc.close_reason().detail().find(error_code(asio::error::operation_not_supported).message()),
        std::string::npos)
        << nc.close_reason().message();
    ASSERT_TRUE(w.until([&] { return fates[0]->destroyed; }));
}

/// The last that a transport is asked for is its `close`, and what it had under way then keeps it.
TEST_F(connectors, a_transport_lives_until_its_last_operation_has_come_back) {
    test_connector via = blind();
    aio::client nc(w.io, {.via = &via});
    connect_over_dead_end(nc, {.servers = "nats://one"});
    ASSERT_TRUE(nc.force_reconnect());
    ASSERT_TRUE(w.until([&] { return fates[0]->closed; }));
    ASSERT_TRUE(w.until([&] { return fates[0]->destroyed; }));
    ASSERT_TRUE(w.until([&] { return fates.size() == 2; }));
}

TEST_F(connectors, try_write_is_not_asked_of_one_that_has_none) {
    class plain : public aio::transport {
        void read_some(asio::mutable_buffer, aio::transport_handler) override {}
        void write_some(std::span<const asio::const_buffer>, aio::transport_handler) override {}
        void close() noexcept override {}
    } t;
    error_code ec;
    const asio::const_buffer piece = asio::buffer("x", 1);
    EXPECT_EQ(t.try_write({&piece, 1}, ec), 0U);
    EXPECT_EQ(ec, asio::error::would_block);
    EXPECT_EQ(t.local_address(), "");
}

} // namespace
} // namespace nats::test

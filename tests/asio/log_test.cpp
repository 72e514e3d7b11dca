// SPDX-License-Identifier: Apache-2.0
//
// Proves that the sink of the Asio client gets the life of a connection as lines, as far as it
// wants them, that the wire is among them at the last level only, that no line has a secret, and
// that nothing comes after the client.

#include <natsproto/asio/client.hpp>

#include "asio/asio_world.hpp"
#include "support/log_lines.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace nats::test {
namespace {

using namespace std::chrono_literals;

class asio_log : public testing::Test {
protected:
    static broker_options with_login() {
        broker_options o;
        o.server_name = "logged";
        o.users.push_back(
            {.name = "ann", .password = secret("hunter2"), .nkey = {}, .allowed = {}});
        return o;
    }
    /// `host:port` of the broker.
    [[nodiscard]] std::string where() const { return "127.0.0.1:" + std::to_string(broker.port()); }

    asio_world w;
    log_lines lines;
    tcp_broker& broker = w.serve(with_login());
    std::string url = "nats://ann:hunter2@" + where();
};

TEST_F(asio_log, the_life_of_a_connection) {
    aio::client nc(w.io, {.log = lines.sink()});
    ASSERT_FALSE(
        w.outcome(nc.connect({.servers = url, .reconnect_wait = 1ms, .reconnect_jitter = {}})));
    EXPECT_EQ(lines.count(log_level::info, "connected to " + where() + " (\"logged\", version "),
              1U)
        << lines.text();
    ASSERT_TRUE(nc.force_reconnect());
    ASSERT_TRUE(w.until([&] { return nc.stats().reconnects == 1; }));
    EXPECT_EQ(lines.count(log_level::info, "disconnected from " + where() + ": "), 1U)
        << lines.text();
    EXPECT_EQ(lines.count(log_level::info, "reconnected to " + where()), 1U) << lines.text();
    ASSERT_FALSE(w.outcome(nc.close()));
    EXPECT_EQ(lines.all.back().text, "closed");
    EXPECT_EQ(lines.count(log_level::debug, "") + lines.count(log_level::trace, ""), 0U)
        << lines.text();
}

TEST_F(asio_log, only_what_it_wants) {
    {
        aio::client nc(w.io, {.log = lines.sink(log_level::warning)});
        ASSERT_FALSE(w.outcome(nc.connect(url)));
        ASSERT_FALSE(w.outcome(nc.close()));
    }
    EXPECT_EQ(lines.text(), "");
    aio::client nc(w.io, {.log = lines.sink(log_level::warning)});
    EXPECT_EQ(w.outcome(nc.connect("nats://ann:wrong-secret@" + where())),
              errc::authorization_violation);
    EXPECT_EQ(lines.count(log_level::warning, "connecting to " + where() + " failed: "), 1U)
        << lines.text();
    EXPECT_EQ(lines.count(log_level::error, "closed: "), 1U) << lines.text();
    EXPECT_EQ(lines.text().find("wrong-secret"), std::string::npos) << lines.text();
}

TEST_F(asio_log, the_wire_without_secrets) {
    aio::client nc(w.io, {.log = lines.sink(log_level::trace)});
    ASSERT_FALSE(w.outcome(nc.connect(url)));
    aio::subscription sub = nc.subscribe("s").value();
    ASSERT_TRUE(nc.publish("s", "hello"));
    EXPECT_EQ(w.value<message>(sub.next({.timeout = asio_world::patience})).payload(), "hello");
    ASSERT_FALSE(w.outcome(nc.flush()));
    for (const std::string_view begin : {"<- INFO {", "-> CONNECT {", "<- PONG", "-> SUB s 1",
                                         "-> PUB s 5 | hello", "<- MSG s 1 5 | hello"})
        EXPECT_GE(lines.count(log_level::trace, begin), 1U) << begin << " in\n" << lines.text();
    EXPECT_EQ(lines.count(log_level::info, "connected to "), 1U);
    EXPECT_GE(lines.count(log_level::debug, "PONG after "), 1U) << lines.text();
    EXPECT_EQ(lines.text().find("hunter2"), std::string::npos) << lines.text();
}

TEST_F(asio_log, what_was_lost_is_told_with_its_subject) {
    aio::client nc(w.io, {.log = lines.sink(log_level::error)});
    ASSERT_FALSE(w.outcome(nc.connect(url)));
    const aio::subscription sub =
        nc.subscribe("slow", {.pending = pending_limits{.messages = 2}}).value();
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(nc.publish("slow"));
    ASSERT_FALSE(w.outcome(nc.flush()));
    EXPECT_EQ(
        lines.count(log_level::error, "slow consumer: subscription 1 to \"slow\" has dropped "), 1U)
        << lines.text();
}

TEST_F(asio_log, nothing_after_the_client) {
    {
        aio::client nc(w.io, {.log = lines.sink(log_level::trace)});
        ASSERT_FALSE(w.outcome(nc.connect(url)));
        ASSERT_TRUE(nc.publish("left", "behind"));
    }
    const std::size_t before = lines.all.size();
    w.settle();
    EXPECT_EQ(lines.all.size(), before) << lines.text();
    aio::client nc(w.io, {.log = lines.sink(log_level::trace)});
    nc.connect(url, [](error_code) {});
    {
        const aio::client gone(std::move(nc));
    } // while it connects
    w.settle();
    EXPECT_EQ(lines.all.size(), before) << lines.text();
}

} // namespace
} // namespace nats::test

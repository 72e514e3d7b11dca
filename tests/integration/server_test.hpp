// SPDX-License-Identifier: Apache-2.0
//
// The fixture of tests that run once for each generation of nats-server, and once for our broker.

#pragma once

#include "integration/client_under_test.hpp"
#include "integration/nats_server.hpp"
#include "integration/waiting.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>

namespace nats::test {

using namespace std::chrono_literals;

/// Long enough for anything that must happen, even on a loaded machine.
inline constexpr duration long_enough = std::chrono::seconds(20);
/// What is to happen at once takes less than this.
inline constexpr duration at_once = std::chrono::seconds(4);

/// Skips a generation that is not there, but for 2.9, without which the tests fail.
class server_test : public testing::TestWithParam<generation> {
protected:
    void SetUp() override {
        program_ = find_server(GetParam()).value_or("");
        if (!program_.empty()) return;
        const std::string text = "no nats-server " + name_of(GetParam()) + ": run scripts/servers";
        if (GetParam() == generation::v2_9) FAIL() << text;
        GTEST_SKIP() << text;
    }
    void TearDown() override {
        if (!server_) return;
        const std::string log = server_->log();
        EXPECT_EQ(log.find("Sanitizer"), std::string::npos);
        EXPECT_EQ(log.find("runtime error"), std::string::npos);
        if (HasFailure()) std::cerr << "the server's log:\n" << log;
    }
    /// What our broker does not have is not asked of it.
    [[nodiscard]] static bool is_broker() { return GetParam() == generation::broker; }

    /// Starts the test's server.
    nats_server& start(std::string_view config = {}) {
        server_ = std::make_unique<nats_server>(program_, config);
        url_ = server_->url();
        return *server_;
    }
    /// To the test's server, which is started if it is not.
    [[nodiscard]] client connect(options o = {}, const blocking_options& b = {}) {
        if (!server_) start();
        o.servers = url_;
        return client::connect(o, b).value();
    }
    /// Of a client that is back soon, and never gives up.
    [[nodiscard]] static options patient() {
        return {.max_reconnects = -1, .reconnect_wait = 10ms, .reconnect_jitter = {}};
    }
    /// Handles what comes until it is true.
    template <class Condition>
    static void poll_until(client& nc, Condition holds) {
        const stopwatch watch;
        while (!holds()) {
            ASSERT_LT(watch.elapsed(), long_enough);
            (void)nc.poll(50ms);
        }
    }
    [[nodiscard]] const std::filesystem::path& program() const { return program_; }
    [[nodiscard]] nats_server& server() { return *server_; }

private:
    std::filesystem::path program_;
    std::unique_ptr<nats_server> server_;
    std::string url_;
};

/// Subscribes, and makes sure that the server knows.
[[nodiscard]] inline subscription subscribed(client& nc, std::string_view subject,
                                             const subscribe_options& o = {}) {
    subscription sub = nc.subscribe(subject, o).value();
    (void)nc.flush().value();
    return sub;
}

/// The payload of the next message.
[[nodiscard]] inline std::string next_payload(subscription& sub, duration patience = long_enough) {
    return std::string(sub.next(patience).value().payload());
}

/// The code of a result; fails the test when there is no error.
template <class T>
[[nodiscard]] errc code_of(const result<T>& r) {
    if (r) {
        ADD_FAILURE() << "no error";
        return errc{};
    }
    return r.error().code();
}

} // namespace nats::test

namespace nats {

inline void PrintTo(errc code, std::ostream* out) {
    *out << describe(code);
}

} // namespace nats

/// The servers of a run. Through Asio, where it is about the driver, the oldest one and our broker
/// are enough.
#ifdef NATSPROTO_TEST_ON_ASIO
#define NATSPROTO_NATS_SERVERS nats::test::generation::v2_9
#else
#define NATSPROTO_NATS_SERVERS \
    nats::test::generation::v2_9, nats::test::generation::v2_10, nats::test::generation::newest
#endif

/// Instantiates a suite: for each generation of nats-server, and for our broker.
#define NATSPROTO_ON_EVERY_SERVER(suite)                                                         \
    INSTANTIATE_TEST_SUITE_P(                                                                    \
        servers, suite, testing::Values(NATSPROTO_NATS_SERVERS, nats::test::generation::broker), \
        [](const auto& g) { return nats::test::name_of(g.param); })

/// The same without our broker, for what it does not have.
#define NATSPROTO_ON_NATS_SERVERS(suite)                                              \
    INSTANTIATE_TEST_SUITE_P(servers, suite, testing::Values(NATSPROTO_NATS_SERVERS), \
                             [](const auto& g) { return nats::test::name_of(g.param); })

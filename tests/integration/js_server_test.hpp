// SPDX-License-Identifier: Apache-2.0
//
// The fixture of tests of consuming: a server with JetStream that keeps what it has over restarts.

#pragma once

#include "integration/jetstream_under_test.hpp"
#include "integration/server_test.hpp"

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace nats::test {

class js_server_test : public server_test {
protected:
    void SetUp() override {
        server_test::SetUp();
        if (HasFatalFailure() || IsSkipped()) return;
        std::string name = (std::filesystem::temp_directory_path() / "natsproto-js-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        store_ = name;
        start("jetstream: { store_dir: \"" + name + "\" }");
    }
    void TearDown() override {
        server_test::TearDown();
        std::error_code ignored;
        if (!store_.empty()) std::filesystem::remove_all(store_, ignored);
    }
    static options patient() {
        return {.max_reconnects = -1, .reconnect_wait = 10ms, .reconnect_jitter = {}};
    }
    static js::consumer_config consumer(duration ack_wait = 30s) {
        js::consumer_config c("C");
        c.ack_wait = ack_wait;
        return c;
    }
    /// A stream "S" on "s.>" with messages 1, 2, ... and a consumer "C".
    static void make(client& nc, int messages, const js::consumer_config& c = consumer()) {
        jetstream js(nc);
        ASSERT_TRUE(js.create_stream(js::stream_config("S", {"s.>"})));
        publish(nc, 1, messages);
        ASSERT_TRUE(js.create_consumer("S", c));
    }
    static void publish(client& nc, int first, int last) {
        for (int i = first; i <= last; ++i)
            ASSERT_TRUE(nc.request("s.x", std::to_string(i), long_enough));
    }
    static std::string payloads(std::vector<js::message>& all) {
        std::string text;
        for (const js::message& m : all) text += std::string(m.payload()) + ' ';
        return text;
    }
    /// All messages of a flow to its end.
    template <class Messages>
    static std::string rest(Messages& messages) {
        std::string text;
        while (true) {
            result<std::optional<js::message>> m = messages.next(long_enough);
            if (!m) return text + m.error().message();
            if (!*m) return text;
            text += std::string((*m)->payload()) + ' ';
        }
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

private:
    std::filesystem::path store_;
};

} // namespace nats::test

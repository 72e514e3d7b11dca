// SPDX-License-Identifier: Apache-2.0
//
// The fixture of tests of consuming: a server with JetStream that keeps what it has over restarts.

#pragma once

#include "integration/jetstream_under_test.hpp"
#include "integration/scratch.hpp"
#include "integration/server_test.hpp"

#include <optional>
#include <string>
#include <vector>

namespace nats::test {

class js_server_test : public server_test {
protected:
    void SetUp() override {
        server_test::SetUp();
        if (HasFatalFailure() || IsSkipped()) return;
        start("jetstream: { store_dir: \"" + files_.path("store") + "\" }");
    }
    static js::consumer_config consumer(duration ack_wait = 30s) {
        js::consumer_config c("C");
        c.ack_wait = ack_wait;
        return c;
    }
    /// A stream "S" on "s.>" with messages 1, 2, ...
    static void make_stream(client& nc, int messages) {
        ASSERT_TRUE(jetstream(nc).create_stream(js::stream_config("S", {"s.>"})));
        publish(nc, 1, messages);
    }
    /// The same, and a consumer "C".
    static void make(client& nc, int messages, const js::consumer_config& c = consumer()) {
        make_stream(nc, messages);
        ASSERT_TRUE(jetstream(nc).create_consumer("S", c));
    }
    static void publish(client& nc, int first, int last) {
        for (int i = first; i <= last; ++i)
            ASSERT_TRUE(nc.request("s.x", std::to_string(i), long_enough));
    }
    /// "1 2 ... last "
    static std::string up_to(int last, int first = 1) {
        std::string text;
        for (int i = first; i <= last; ++i) text += std::to_string(i) + ' ';
        return text;
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

private:
    scratch files_;
};

} // namespace nats::test

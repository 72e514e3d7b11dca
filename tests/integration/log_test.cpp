// SPDX-License-Identifier: Apache-2.0
//
// Proves that the sink of the blocking client gets the life of a connection as lines, as far as it
// wants them, that the wire is among them at the last level only, and that no line has a secret.

#include "integration/server_test.hpp"
#include "support/log_lines.hpp"

#include <string>
#include <string_view>

namespace nats::test {
namespace {

class log_of_client : public server_test {};
NATSPROTO_ON_EVERY_SERVER(log_of_client);

TEST_P(log_of_client, the_life_of_a_connection) {
    log_lines lines;
    start("server_name: logged");
    const std::string address = server().address();
    client nc = connect({.reconnect_wait = 10ms, .reconnect_jitter = {}}, {.log = lines.sink()});
    EXPECT_EQ(lines.count(log_level::info, "connected to " + address + " (\"logged\", version "),
              1U)
        << lines.text();
    server().restart();
    while (lines.count(log_level::info, "reconnected to " + address) == 0)
        ASSERT_TRUE(nc.poll(long_enough)) << lines.text();
    EXPECT_EQ(lines.count(log_level::warning, "disconnected from " + address + ": "), 1U)
        << lines.text();
    nc.close();
    EXPECT_EQ(lines.all.back().text, "closed");
    EXPECT_EQ(lines.count(log_level::debug, "") + lines.count(log_level::trace, ""), 0U)
        << lines.text();
}

TEST_P(log_of_client, only_what_it_wants) {
    log_lines lines;
    int events = 0;
    {
        const client nc =
            connect({}, {.log = lines.sink(log_level::warning),
                         .on_event = [](void* n, const event&) { ++*static_cast<int*>(n); },
                         .on_event_context = &events});
    }
    EXPECT_EQ(lines.text(), "");
    EXPECT_GE(events, 2); // it gets them all the same
    const std::string url = server().url();
    server().kill();
    EXPECT_FALSE(client::connect(url, {.log = lines.sink(log_level::warning)}));
    EXPECT_EQ(lines.count(log_level::warning, "connecting to " + server().address() + " failed: "),
              1U)
        << lines.text();
    EXPECT_EQ(lines.count(log_level::error, "closed: "), 1U) << lines.text();
}

TEST_P(log_of_client, the_wire_without_secrets) {
    log_lines lines;
    log_lines traced;
    start("authorization { user: ann, password: hunter2 }");
    const std::string url = server().url("ann:hunter2");
    {
        client nc = client::connect({.servers = url, .name = "logged"},
                                    {.trace =
                                         [](void* to, std::string_view line) {
                                             log_lines::write(to, log_level::trace, line);
                                         },
                                     .trace_context = &traced,
                                     .log = lines.sink(log_level::trace)})
                        .value();
        subscription sub = subscribed(nc, "s");
        ASSERT_TRUE(nc.publish("s", "hello"));
        EXPECT_EQ(next_payload(sub), "hello");
    }
    for (const std::string_view begin : {"<- INFO {", "-> CONNECT {", "<- PONG", "-> SUB s 1",
                                         "-> PUB s 5 | hello", "<- MSG s 1 5 | hello"})
        EXPECT_GE(lines.count(log_level::trace, begin), 1U) << begin << " in\n" << lines.text();
    EXPECT_EQ(lines.text().find("hunter2"), std::string::npos) << lines.text();
    // The same lines as `trace` gets, and the events among them.
    std::string wire;
    for (const log_lines::entry& e : lines.all) {
        if (e.level == log_level::trace) wire += "trace: " + e.text + '\n';
    }
    EXPECT_EQ(wire, traced.text());
    EXPECT_EQ(lines.count(log_level::info, "connected to "), 1U);
    const std::string refused = server().url("ann:wrong-secret");
    EXPECT_FALSE(client::connect(refused, {.log = lines.sink(log_level::trace)}));
    EXPECT_EQ(lines.text().find("wrong-secret"), std::string::npos) << lines.text();
    EXPECT_GE(lines.count(log_level::warning, "connecting to "), 1U) << lines.text();
}

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Proves what a push consumer's statuses mean: flow control and its answers, heartbeats, silence.

#include <natsproto/jetstream/push_machine.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace nats::test {
namespace {

using namespace std::chrono_literals;

struct pushed {
    explicit pushed(bool grouped = false) : machine(5s, grouped) { machine.handle_begin(now); }
    bool message(int delivery) {
        const std::string reply =
            "$JS.ACK.S.C.1." + std::to_string(delivery) + '.' + std::to_string(delivery) + ".0.0";
        nats::message_view m;
        m.subject = "s";
        m.reply = reply;
        return machine.handle_message(m, now);
    }
    bool status(std::string_view line, std::string_view fields = {}, std::string_view reply = {}) {
        const std::string block =
            "NATS/1.0 " + std::string(line) + "\r\n" + std::string(fields) + "\r\n";
        nats::message_view m;
        m.reply = reply;
        m.headers = header_view(block);
        return machine.handle_message(m, now);
    }
    time_point now{};
    js::push_machine machine;
};

TEST(js_push_machine, flow_control) {
    pushed p;
    EXPECT_TRUE(p.message(1));
    EXPECT_EQ(p.machine.poll_answer(), std::nullopt);
    EXPECT_FALSE(p.status("100 FlowControl Request", "", "$JS.FC.S.C.x"));
    EXPECT_EQ(p.machine.poll_answer(), "$JS.FC.S.C.x");
    EXPECT_EQ(p.machine.poll_answer(), std::nullopt) << "once";
    EXPECT_FALSE(p.status("100 Idle Heartbeat", "Nats-Consumer-Stalled: $JS.FC.S.C.y\r\n"));
    EXPECT_EQ(p.machine.poll_answer(), "$JS.FC.S.C.y");
}

TEST(js_push_machine, silence) {
    pushed p;
    EXPECT_EQ(p.machine.deadline() - p.now, 10s);
    p.now += 9s;
    EXPECT_FALSE(p.status("100 Idle Heartbeat"));
    EXPECT_EQ(p.machine.deadline() - p.now, 10s);
    p.now += 10s;
    p.machine.handle_timeout(p.now);
    EXPECT_EQ(p.machine.poll_warning().value(), errc::no_heartbeat);
    EXPECT_TRUE(p.machine.poll_doubt());
    EXPECT_EQ(p.machine.deadline() - p.now, 10s) << "and again";
    p.machine.handle_disconnected();
    EXPECT_EQ(p.machine.deadline(), no_deadline);
    EXPECT_TRUE(p.message(1));
    EXPECT_EQ(p.machine.deadline(), no_deadline);
    js::push_machine none(0s, false);
    none.handle_begin(p.now);
    EXPECT_EQ(none.deadline(), no_deadline);
}

TEST(js_push_machine, what_heartbeats_say_of_lost_messages) {
    pushed p;
    EXPECT_TRUE(p.message(3));
    EXPECT_FALSE(p.status("100 Idle Heartbeat", "Nats-Last-Consumer: 3\r\n"));
    EXPECT_FALSE(p.machine.has_warning());
    EXPECT_FALSE(p.status("100 Idle Heartbeat", "Nats-Last-Consumer: 5\r\n"));
    EXPECT_EQ(p.machine.poll_warning().value(), errc::slow_consumer);
    EXPECT_FALSE(p.status("100 Idle Heartbeat", "Nats-Last-Consumer: 5\r\n"));
    EXPECT_FALSE(p.status("100 Idle Heartbeat", "Nats-Last-Consumer: 7x\r\n"));
    EXPECT_FALSE(p.machine.has_warning()) << "told once";
    pushed group(true);
    EXPECT_TRUE(group.message(3));
    EXPECT_FALSE(group.status("100 Idle Heartbeat", "Nats-Last-Consumer: 5\r\n"));
    EXPECT_FALSE(group.machine.has_warning()) << "others have those";
}

TEST(js_push_machine, ends) {
    pushed p;
    EXPECT_FALSE(p.status("409 Consumer Deleted"));
    EXPECT_EQ(p.machine.outcome(), errc::consumer_deleted);
    EXPECT_FALSE(p.message(1));
    pushed other;
    for (int i = 0; i < 100; ++i) EXPECT_FALSE(other.status("500 hm"));
    int n = 0;
    while (other.machine.poll_warning()) ++n;
    EXPECT_EQ(n, 16);
    EXPECT_FALSE(other.machine.finished());
}

} // namespace
} // namespace nats::test

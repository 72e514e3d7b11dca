// SPDX-License-Identifier: Apache-2.0
//
// Proves that the end of what was there at the beginning is told exactly once, and not before it:
// whatever is written, overwritten and purged meanwhile, and whatever consumers are lost.

#include <natsproto/jetstream/initial_data.hpp>
#include <natsproto/jetstream/ordered_machine.hpp>

#include <gtest/gtest.h>

#include <string>

namespace nats::test {
namespace {

using namespace std::chrono_literals;

TEST(js_initial_data, nothing_there) {
    js::initial_data d;
    EXPECT_FALSE(d.complete());
    EXPECT_FALSE(d.poll_end()) << "nobody has said so yet";
    d.handle_consumer(0);
    EXPECT_TRUE(d.end_due());
    EXPECT_TRUE(d.poll_end());
    EXPECT_FALSE(d.end_due());
    EXPECT_FALSE(d.poll_end()) << "once";
    EXPECT_TRUE(d.complete());
    d.handle_message(0);
    d.handle_consumer(0);
    d.handle_idle();
    EXPECT_FALSE(d.poll_end());
}

TEST(js_initial_data, behind_the_last_message) {
    js::initial_data d;
    d.handle_consumer(3);
    for (const std::uint64_t pending : {2U, 1U}) {
        d.handle_message(pending);
        EXPECT_FALSE(d.poll_end());
    }
    d.handle_message(0);
    EXPECT_TRUE(d.poll_end());
}

TEST(js_initial_data, while_more_and_more_is_written) {
    js::initial_data d;
    d.handle_consumer(3);
    for (const std::uint64_t pending : {12U, 21U}) {
        d.handle_message(pending);
        EXPECT_FALSE(d.poll_end());
    }
    d.handle_message(30);
    EXPECT_TRUE(d.poll_end()) << "the rest is new";
}

TEST(js_initial_data, some_were_purged) {
    js::initial_data d;
    d.handle_consumer(5);
    d.handle_message(0);
    EXPECT_TRUE(d.poll_end());
}

TEST(js_initial_data, on_which_side_of_a_message) {
    js::initial_data behind;
    behind.handle_consumer(1);
    behind.handle_message(0);
    EXPECT_FALSE(behind.poll_end_before());
    EXPECT_TRUE(behind.poll_end());
    js::initial_data before;
    before.handle_consumer(0);
    EXPECT_FALSE(before.poll_end_before()) << "no message yet";
    before.handle_message(0);
    EXPECT_TRUE(before.poll_end_before());
    EXPECT_FALSE(before.poll_end());
}

TEST(js_initial_data, the_last_ones_were_purged) {
    js::initial_data d;
    d.handle_idle();
    EXPECT_FALSE(d.poll_end()) << "of no consumer";
    d.handle_consumer(5);
    d.handle_message(4);
    EXPECT_FALSE(d.poll_end());
    d.handle_idle();
    EXPECT_TRUE(d.poll_end());
}

TEST(js_initial_data, the_next_consumer_counts_anew) {
    js::initial_data d;
    d.handle_consumer(5);
    d.handle_message(4);
    d.handle_consumer(2); // two of them are gone
    d.handle_message(7);
    EXPECT_FALSE(d.poll_end());
    d.handle_message(8);
    EXPECT_TRUE(d.poll_end());
    js::initial_data gone;
    gone.handle_consumer(5);
    gone.handle_consumer(0);
    EXPECT_TRUE(gone.poll_end());
    gone.handle_consumer(9);
    gone.handle_message(8);
    EXPECT_FALSE(gone.poll_end());
}

/// What an ordered flow makes of it.
struct flow {
    explicit flow(const js::ordered_options& o = {})
        : machine("p", "_INBOX.x", js::ordered_config(o).value(),
                  js::pull_rules(js::consume_options{.expires = 10s, .idle_heartbeat = 5s})) {
        machine.handle_connected({});
    }
    void create(std::uint64_t pending) {
        js::consumer_info i;
        i.name = machine.begin_creation().name;
        i.num_pending = pending;
        machine.handle_created(i, {});
    }
    bool message(int consumer, int delivery, int sequence, int pending) {
        const std::string reply = "$JS.ACK.S.p_" + std::to_string(consumer) + ".1." +
                                  std::to_string(sequence) + '.' + std::to_string(delivery) +
                                  ".1700000000000000000." + std::to_string(pending);
        nats::message_view m;
        m.subject = "s.x";
        m.reply = reply;
        return machine.handle_message(m, {});
    }
    void heartbeat(int consumer, const std::string& last_delivery) {
        const std::string subject = "_INBOX.x." + std::to_string(consumer);
        const std::string headers =
            "NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: " + last_delivery + "\r\n\r\n";
        nats::message_view m;
        m.subject = subject;
        m.headers = header_view(headers);
        EXPECT_FALSE(machine.handle_message(m, {}));
    }
    bool ends() { return machine.initial().poll_end(); }
    js::ordered_machine machine;
};

TEST(js_initial_data, of_an_ordered_flow) {
    flow f;
    EXPECT_FALSE(f.ends());
    f.create(2);
    EXPECT_TRUE(f.message(1, 1, 1, 1));
    EXPECT_FALSE(f.message(1, 3, 3, 0)) << "one was lost";
    EXPECT_FALSE(f.ends()) << "and what is not delivered does not count";
    f.create(2);
    EXPECT_TRUE(f.message(2, 1, 2, 1));
    EXPECT_FALSE(f.ends());
    EXPECT_TRUE(f.message(2, 2, 3, 0));
    EXPECT_TRUE(f.ends());
}

TEST(js_initial_data, a_heartbeat_of_an_ordered_flow) {
    flow f;
    f.create(3);
    EXPECT_TRUE(f.message(1, 1, 1, 2));
    f.heartbeat(1, "2");
    EXPECT_FALSE(f.ends()) << "something was lost";
    f.heartbeat(2, "1");
    f.heartbeat(1, "x");
    EXPECT_FALSE(f.ends());
    f.heartbeat(1, "1");
    EXPECT_TRUE(f.ends());
}

TEST(js_initial_data, from_now_on_there_is_none) {
    flow f({.deliver_policy = js::deliver_policy::new_});
    f.create(2); // written between
    EXPECT_TRUE(f.ends());
    flow over_a_loss({.deliver_policy = js::deliver_policy::new_});
    over_a_loss.machine.handle_disconnected();
    over_a_loss.machine.handle_connected({});
    over_a_loss.create(4);
    EXPECT_TRUE(over_a_loss.ends());
}

} // namespace
} // namespace nats::test

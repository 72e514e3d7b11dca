// SPDX-License-Identifier: Apache-2.0
//
// Proves reading a stream in order from real servers: every message once and in order, though its
// consumers are deleted, servers are stopped and killed, and connections break; where it begins;
// and what ends it.

#include "integration/js_server_test.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nats::test {
namespace {

class js_ordered : public js_server_test {
protected:
    template <class Flow>
    static std::string take(Flow& flow, int n) {
        std::string text;
        for (int i = 0; i < n; ++i) {
            result<std::optional<js::message>> m = flow.next(long_enough);
            if (!m) return text + m.error().message();
            if (!*m) return text + "end: " + flow.why()->message();
            text += std::string((*m)->payload()) + ' ';
        }
        return text;
    }
};
NATSPROTO_ON_NATS_SERVERS(js_ordered);

TEST_P(js_ordered, all_of_a_stream) {
    client nc = connect();
    make_stream(nc, 100);
    jetstream js(nc);
    auto flow = js.ordered_consumer("S").messages({.max_messages = 10}).value();
    EXPECT_EQ(take(flow, 100), up_to(100));
    EXPECT_EQ(flow.next(50ms).error(), errc::timeout);
    publish(nc, 101, 103);
    EXPECT_EQ(take(flow, 3), up_to(103, 101));
    ASSERT_EQ(js.consumer_names("S").value().size(), 1U);
    flow.stop();
    EXPECT_TRUE(wait_until([&] { return js.consumer_names("S").value().empty(); }, long_enough))
        << "it leaves nothing behind";
}

TEST_P(js_ordered, where_it_begins) {
    client nc = connect();
    make_stream(nc, 20);
    jetstream js(nc);
    const auto begins = [&](const js::ordered_options& o) {
        auto flow = js.ordered_consumer("S", o).messages({.stop_after = 1}).value();
        const std::string first = take(flow, 1);
        EXPECT_FALSE(flow.next(long_enough).value());
        return first;
    };
    EXPECT_EQ(begins({}), "1 ");
    EXPECT_EQ(begins({.deliver_policy = js::deliver_policy::last}), "20 ");
    EXPECT_EQ(begins({.deliver_policy = js::deliver_policy::last_per_subject}), "20 ");
    EXPECT_EQ(begins({.deliver_policy = js::deliver_policy::by_start_sequence, .opt_start_seq = 7}),
              "7 ");
    const std::string_view none[] = {"s.other"};
    auto filtered = js.ordered_consumer("S", {.filter_subjects = none}).messages().value();
    EXPECT_EQ(filtered.next(100ms).error(), errc::timeout);
    ASSERT_TRUE(nc.request("s.other", "here", long_enough));
    EXPECT_EQ(take(filtered, 1), "here ");
}

TEST_P(js_ordered, from_now_on_over_a_deletion) {
    client nc = connect();
    make_stream(nc, 5);
    jetstream js(nc);
    auto flow = js.ordered_consumer(
                      "S", {.deliver_policy = js::deliver_policy::new_, .name_prefix = "mine"})
                    .messages()
                    .value();
    EXPECT_EQ(flow.next(200ms).error(), errc::timeout);
    ASSERT_TRUE(js.delete_consumer("S", "mine_1"));
    publish(nc, 6, 8);
    EXPECT_EQ(take(flow, 3), "6 7 8 ");
}

TEST_P(js_ordered, over_deletions) {
    client nc = connect();
    make_stream(nc, 500);
    jetstream js(nc);
    // Heartbeats tell when a server before 2.10 has nothing to say to a pull.
    auto flow = js.ordered_consumer("S", {.name_prefix = "mine"})
                    .messages({.max_messages = 20, .expires = 1s, .idle_heartbeat = 150ms})
                    .value();
    std::string got;
    for (int i = 0; i < 10; ++i) {
        got += take(flow, 50);
        const std::vector<std::string> names = js.consumer_names("S").value();
        for (const std::string& name : names) EXPECT_TRUE(js.delete_consumer("S", name));
    }
    EXPECT_EQ(got, up_to(500));
}

TEST_P(js_ordered, over_restarts) {
    client nc = connect(patient());
    make_stream(nc, 300);
    jetstream js(nc);
    std::string got;
    int n = 0;
    auto flow = js.ordered_consumer("S")
                    .consume(
                        [&](js::message_view& m) {
                            got += std::string(m.payload()) + ' ';
                            ++n;
                        },
                        {.max_messages = 20})
                    .value();
    for (const int at : {60, 150}) {
        poll_until(nc, [&] { return n >= at; });
        if (at == 60)
            server().stop();
        else
            server().kill();
        server().restart();
    }
    poll_until(nc, [&] { return n >= 300; });
    EXPECT_EQ(got, up_to(300));
    EXPECT_FALSE(flow.ended());
}

TEST_P(js_ordered, a_reader_over_restarts) {
    client nc = connect(patient());
    make_stream(nc, 90);
    jetstream js(nc);
    auto flow = js.ordered_consumer("S").messages({.max_messages = 8}).value();
    std::string got = take(flow, 30);
    server().stop();
    server().restart();
    got += take(flow, 30);
    server().kill();
    server().restart();
    got += take(flow, 30);
    EXPECT_EQ(got, up_to(90));
}

TEST_P(js_ordered, what_ends_it) {
    client nc = connect();
    make_stream(nc, 3);
    jetstream js(nc);
    auto nowhere = js.ordered_consumer("T").messages().value();
    EXPECT_FALSE(nowhere.next(long_enough).value());
    EXPECT_EQ(nowhere.why().value(), errc::jetstream_error);
    EXPECT_EQ(nowhere.why()->api_code(), 10059);
    EXPECT_EQ(js.ordered_consumer("T.").messages().error(), errc::invalid_name);
    EXPECT_EQ(js.ordered_consumer("S").messages({.group = "g"}).error(), errc::invalid_argument);
    auto flow = js.ordered_consumer("S").messages().value();
    EXPECT_EQ(take(flow, 3), up_to(3));
    ASSERT_TRUE(js.delete_stream("S"));
    EXPECT_FALSE(flow.next(long_enough).value());
    EXPECT_EQ(flow.why().value(), errc::jetstream_error);
}

} // namespace
} // namespace nats::test

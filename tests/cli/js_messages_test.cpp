// SPDX-License-Identifier: Apache-2.0
//
// natsproto stream purge, get, view and rmm, and pub --jetstream: messages of streams.

#include "cli/js_fixture.hpp"

#include <string>

namespace nats::test {
namespace {

class stream_messages : public jetstream_cli_test {
protected:
    std::string count() {
        const std::string state = run({"stream", "state", "ORDERS", "--json"});
        const std::size_t at = state.find("\"messages\": ") + 12;
        return state.substr(at, state.find(',', at) - at);
    }
};
NATSPROTO_ON_EVERY_SERVER(stream_messages);

TEST_P(stream_messages, pub_prints_where_they_are_stored) {
    make_orders();
    const finished one = cli({"pub", "--jetstream", "orders.new", "one coffee", "-H", "A: b"});
    EXPECT_EQ(one.code, 0) << one.err;
    EXPECT_EQ(one.out, "Stored in stream ORDERS as number 1\n");
    EXPECT_EQ(one.err, "");
    EXPECT_EQ(run({"pub", "-J", "orders.new", "x", "--count", "2"}),
              "Stored in stream ORDERS as number 2\nStored in stream ORDERS as number 3\n");
    EXPECT_EQ(run({"pub", "-J", "-q", "orders.new", "x"}), "");
    const arguments twice{"pub", "-J", "orders.new", "x", "-H", "Nats-Msg-Id:same"};
    EXPECT_EQ(run(twice), "Stored in stream ORDERS as number 5\n");
    EXPECT_EQ(run(twice), "Stored in stream ORDERS as number 5 before: a duplicate\n");
    EXPECT_EQ(count(), "5");
}

TEST_P(stream_messages, pub_stores_each_line) {
    make_orders();
    EXPECT_EQ(lines_of(run({"pub", "-J", "orders.new", "--send-on", "newline"}, "a\nb\nc")), 3);
    EXPECT_EQ(run({"stream", "view", "ORDERS", "--raw"}), "a\nb\nc\n");
}

TEST_P(stream_messages, pub_without_a_stream_is_no_responders) {
    const finished f = cli({"pub", "-J", "nobody.listens", "x"});
    EXPECT_EQ(f.code, 4);
    EXPECT_EQ(f.out, "");
    EXPECT_TRUE(contains(f.err, "no stream")) << f.err;
}

TEST_P(stream_messages, pub_tells_what_the_stream_refuses) {
    make_orders(0, {"--max-msg-size", "100"});
    const finished f = cli({"pub", "-J", "orders.new", std::string(101, 'x')});
    EXPECT_EQ(f.code, 1);
    EXPECT_TRUE(contains(f.err, "message size exceeds maximum allowed")) << f.err;
    const finished wrong = cli({"pub", "-J", "orders.new", "x", "-H", "Nats-Expected-Stream:S"});
    EXPECT_EQ(wrong.code, 1);
    EXPECT_TRUE(contains(wrong.err, "(10060)")) << wrong.err;
}

TEST_P(stream_messages, pub_stores_all_or_none) {
    if (is_before(12)) return;
    make_orders(0, {"--allow-batch"});
    EXPECT_EQ(run({"pub", "--atomic", "orders.new", "{{Count}}", "--templates", "--count", "3"}),
              "Stored 3 messages in stream ORDERS, the last as number 3\n");
    EXPECT_EQ(run({"pub", "--atomic", "orders.new", "--send-on", "newline"}, "a\nb\n"),
              "Stored 2 messages in stream ORDERS, the last as number 5\n");
    EXPECT_EQ(run({"stream", "view", "ORDERS", "--raw"}), "1\n2\n3\na\nb\n");
    const finished refused =
        cli({"pub", "--atomic", "orders.new", "x", "-H", "Nats-Expected-Stream:OTHER"});
    EXPECT_EQ(refused.code, 1) << refused.out;
    EXPECT_EQ(count(), "5");
}

TEST_P(stream_messages, pub_has_the_stream_publish_later) {
    if (is_before(12)) return;
    make_orders(0, {"--allow-schedules", "--allow-msg-ttl"});
    EXPECT_EQ(run({"pub", "orders.schedule", "later", "--schedule-at", "1s", "--schedule-target",
                   "orders.due", "--schedule-ttl", "1h"}),
              "Stored in stream ORDERS as number 1\n");
    const std::string stored = run({"stream", "get", "ORDERS", "1"});
    EXPECT_TRUE(contains(stored, "Nats-Schedule: @at 20")) << stored;
    EXPECT_TRUE(contains(stored, "Nats-Schedule-Target: orders.due\n")) << stored;
    (void)run({"consumer", "add", "ORDERS", "due", "--filter", "orders.due"});
    EXPECT_EQ(run({"consumer", "next", "ORDERS", "due", "--wait", "20s", "--raw"}), "later\n");
}

TEST(stream_messages_usage, schedules_are_judged_before_connecting) {
    for (const arguments& line :
         {arguments{"pub", "a", "x", "--schedule", "@hourly"},
          arguments{"pub", "a", "x", "--schedule-target", "b"},
          arguments{"pub", "a", "x", "--schedule-target", "b", "--schedule", "@hourly",
                    "--schedule-at", "1h"},
          arguments{"pub", "a", "x", "--schedule-target", "b", "--schedule-at", "soon"},
          arguments{"pub", "a", "x", "--schedule-target", "b", "--schedule-every", "x"},
          arguments{"pub", "a", "x", "--atomic", "--reply", "b"}}) {
        const finished f = run_alone(line);
        EXPECT_EQ(f.code, 2) << f.err;
    }
}

TEST_P(stream_messages, get_shows_one) {
    make_orders(2);
    (void)run({"pub", "orders.old", "body", "-H", "Priority:high"});
    const std::string out = run({"stream", "get", "ORDERS", "3"});
    EXPECT_EQ(out.substr(0, 31), "[#3] Stored on \"orders.old\" at ") << out;
    EXPECT_TRUE(contains(out, "Z\nPriority: high\n\nbody\n")) << out;
    EXPECT_EQ(run({"stream", "get", "ORDERS", "--last-for", "orders.new", "--raw"}), "2\n");
    EXPECT_EQ(run({"stream", "get", "ORDERS", "-S", "orders.>", "-r"}), "body\n");
    const std::string json = run({"stream", "get", "ORDERS", "3", "--json"});
    EXPECT_TRUE(contains(json, "\"subject\": \"orders.old\"")) << json;
    EXPECT_TRUE(contains(json, "\"data\": \"Ym9keQ==\"")) << json;
    const finished none = cli({"stream", "get", "ORDERS", "99"});
    EXPECT_EQ(none.code, 1);
    EXPECT_TRUE(contains(none.err, "(10037)")) << none.err;
}

TEST_P(stream_messages, get_takes_bytes_as_they_are) {
    make_orders();
    std::string body;
    for (int i = 0; i < 256; ++i) body += static_cast<char>(i);
    (void)run({"pub", "-J", "orders.new"}, body);
    EXPECT_EQ(run({"stream", "get", "ORDERS", "1", "--raw"}), body + "\n");
    EXPECT_FALSE(contains(run({"stream", "get", "ORDERS", "1"}), "\x1b"));
}

TEST_P(stream_messages, view_shows_some) {
    make_orders(12);
    (void)run({"pub", "orders.old", "old"});
    EXPECT_EQ(run({"stream", "view", "ORDERS", "-r"}), "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n");
    EXPECT_EQ(run({"stream", "view", "ORDERS", "2", "--id", "11", "-r"}), "11\n12\n");
    EXPECT_EQ(run({"stream", "view", "ORDERS", "--subject", "*.old", "-r"}), "old\n");
    const std::string out = run({"stream", "view", "ORDERS", "1"});
    EXPECT_EQ(out.substr(0, 31), "[#1] Stored on \"orders.new\" at ") << out;
    const finished none = cli({"stream", "view", "ORDERS", "--id", "99"});
    EXPECT_EQ(none.code, 0);
    EXPECT_EQ(none.err, "No messages\n");
}

TEST_P(stream_messages, rmm_deletes_one) {
    make_orders(3);
    EXPECT_EQ(cli({"stream", "rmm", "ORDERS", "2"}).code, 2);
    EXPECT_EQ(cli({"stream", "rmm", "ORDERS", "2", "-f"}).err,
              "Deleted message 2 of stream ORDERS\n");
    EXPECT_EQ(run({"stream", "view", "ORDERS", "-r"}), "1\n3\n");
    (void)run({"stream", "rmm", "ORDERS", "1", "--no-erase", "--force"});
    EXPECT_EQ(run({"stream", "view", "ORDERS", "-r"}), "3\n");
    EXPECT_EQ(cli({"stream", "rmm", "ORDERS", "2", "-f"}).code, 1);
}

TEST_P(stream_messages, purge_removes_what_was_said) {
    make_orders(10);
    (void)run({"pub", "orders.old", "old"});
    EXPECT_EQ(cli({"stream", "purge", "ORDERS"}).code, 2);
    EXPECT_EQ(count(), "11");
    EXPECT_EQ(cli({"stream", "purge", "ORDERS", "--seq", "4", "-f"}).err,
              "Removed 3 messages from stream ORDERS\n");
    EXPECT_EQ(
        cli({"stream", "purge", "ORDERS", "--subject", "orders.new", "--keep", "2", "-f"}).err,
        "Removed 5 messages from stream ORDERS\n");
    EXPECT_EQ(run({"stream", "view", "ORDERS", "-r"}), "9\n10\nold\n");
    EXPECT_EQ(run({"stream", "purge", "ORDERS", "-f", "--json"}),
              "{\n  \"success\": true,\n  \"purged\": 3\n}\n");
    EXPECT_EQ(count(), "0");
}

TEST_P(stream_messages, purge_tells_a_refusal) {
    make_orders(1, {"--deny-purge"});
    const finished f = cli({"stream", "purge", "ORDERS", "-f"});
    EXPECT_EQ(f.code, 1);
    EXPECT_EQ(f.out, "");
    EXPECT_EQ(count(), "1");
}

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// natsproto consumer: making, changing, listing and deleting consumers, and their messages.

#include "cli/js_fixture.hpp"

#include <string>

namespace nats::test {
namespace {

class consumer_command : public jetstream_cli_test {
protected:
    void make_worker(arguments flags = {}) {
        arguments line{"consumer", "add", "ORDERS", "worker", "--pull"};
        line.insert(line.end(), flags.begin(), flags.end());
        (void)run(line);
    }
    std::string state() { return run({"consumer", "info", "ORDERS", "worker"}); }
};
NATSPROTO_ON_EVERY_SERVER(consumer_command);

TEST_P(consumer_command, adds_a_pull_consumer_with_defaults) {
    make_orders(2);
    const finished f = cli({"consumer", "add", "ORDERS", "worker", "--pull", "--defaults"});
    EXPECT_EQ(f.code, 0) << f.err;
    EXPECT_EQ(f.err, "Created consumer worker\n");
    for (const char* line : {"Consumer worker of stream ORDERS\n", "  Durable:              yes\n",
                             "  Delivery:             pull\n", "  Begins with:          all\n",
                             "  Acknowledgement:      explicit\n", "  Ack wait:             30s\n",
                             "  Unprocessed:          2\n"}) {
        EXPECT_TRUE(contains(f.out, line)) << line << "\nis not in\n" << f.out;
    }
    EXPECT_EQ(state(), f.out);
}

TEST_P(consumer_command, adds_one_with_every_common_flag) {
    make_orders();
    const std::string out = run({"consumer",
                                 "add",
                                 "ORDERS",
                                 "worker",
                                 "--filter",
                                 "orders.new",
                                 "--ack",
                                 "all",
                                 "--deliver",
                                 "last",
                                 "--wait",
                                 "10s",
                                 "--max-deliver",
                                 "12",
                                 "--max-pending",
                                 "7",
                                 "--replay",
                                 "original",
                                 "--sample",
                                 "50",
                                 "--inactive-threshold",
                                 "1h",
                                 "--headers-only",
                                 "--backoff",
                                 "linear",
                                 "--backoff-steps",
                                 "3",
                                 "--backoff-min",
                                 "1s",
                                 "--backoff-max",
                                 "5s",
                                 "--description",
                                 "works",
                                 "--max-pull-batch",
                                 "20",
                                 "--max-pull-expire",
                                 "1m",
                                 "--max-waiting",
                                 "9",
                                 "--replicas",
                                 "1",
                                 "--memory",
                                 "--json"});
    for (const char* part :
         {"\"filter_subject\": \"orders.new\"", "\"ack_policy\": \"all\"",
          "\"deliver_policy\": \"last\"", "\"max_deliver\": 12", "\"max_ack_pending\": 7",
          "\"replay_policy\": \"original\"", "\"sample_freq\": \"50%\"",
          "\"inactive_threshold\": 3600000000000", "\"headers_only\": true",
          "\"backoff\": [\n      1000000000,\n      3000000000,\n      5000000000\n    ]",
          "\"description\": \"works\"", "\"max_batch\": 20", "\"max_expires\": 60000000000",
          "\"max_waiting\": 9", "\"mem_storage\": true"}) {
        EXPECT_TRUE(contains(out, part)) << part << "\nis not in\n" << out;
    }
}

TEST_P(consumer_command, takes_several_filters) {
    make_orders(1);
    (void)run({"pub", "orders.old", "x"});
    const finished f = cli({"consumer", "add", "ORDERS", "worker", "--filter",
                            "orders.new,orders.a", "--filter", "orders.b"});
    if (is_before(10)) {
        EXPECT_EQ(f.code, 1);
        EXPECT_TRUE(contains(f.err, "2.10")) << f.err;
        return;
    }
    EXPECT_EQ(f.code, 0) << f.err;
    EXPECT_TRUE(contains(f.out, "orders.new, orders.a, orders.b\n")) << f.out;
    EXPECT_TRUE(contains(f.out, "  Unprocessed:          1\n")) << f.out;
}

TEST_P(consumer_command, begins_where_it_should) {
    make_orders(5);
    const auto first = [&](const std::string& name, const std::string& where) {
        (void)run({"consumer", "add", "ORDERS", name, "--deliver", where});
        return run({"consumer", "next", "ORDERS", name, "--raw"});
    };
    EXPECT_EQ(first("a", "all"), "1\n");
    EXPECT_EQ(first("b", "last"), "5\n");
    EXPECT_EQ(first("c", "3"), "3\n");
    EXPECT_EQ(first("d", "1h"), "1\n");
    EXPECT_EQ(first("e", "2020-01-31T12:00:00Z"), "1\n");
    (void)run({"consumer", "add", "ORDERS", "f", "--deliver", "new"});
    (void)run({"pub", "-J", "orders.new", "6"});
    EXPECT_EQ(run({"consumer", "next", "ORDERS", "f", "-r"}), "6\n");
}

TEST_P(consumer_command, adds_push_and_ephemeral_ones) {
    make_orders();
    const std::string push =
        run({"consumer", "add", "ORDERS", "push", "--target", "deliver.here", "--deliver-group",
             "workers", "--heartbeat", "1s", "--flow-control"});
    EXPECT_TRUE(contains(push, "  Delivery:             push to deliver.here\n")) << push;
    EXPECT_TRUE(contains(push, "  Acknowledgement:      none\n")) << push;
    const std::string gone =
        run({"consumer", "add", "ORDERS", "--ephemeral", "--inactive-threshold", "10s"});
    EXPECT_TRUE(contains(gone, "  Durable:              no\n")) << gone;
}

TEST_P(consumer_command, takes_a_configuration_from_a_file) {
    make_orders();
    const std::string file =
        files().write("c.json", R"({"durable_name":"worker","ack_policy":"all","max_deliver":4})");
    const std::string out = run({"consumer", "add", "ORDERS", "--config", file});
    EXPECT_TRUE(contains(out, "Consumer worker of stream ORDERS\n")) << out;
    EXPECT_TRUE(contains(out, "  Acknowledgement:      all\n")) << out;
    EXPECT_TRUE(contains(out, "  Deliveries:           4\n")) << out;
}

TEST_P(consumer_command, edits_what_flags_say_and_nothing_else) {
    make_orders();
    make_worker({"--filter", "orders.new", "--max-deliver", "5"});
    const finished f =
        cli({"consumer", "edit", "ORDERS", "worker", "--wait", "1m", "--max-pending", "3", "-f"});
    EXPECT_EQ(f.code, 0) << f.err;
    EXPECT_EQ(f.err, "Changed consumer worker\n");
    EXPECT_TRUE(contains(f.out, "  Ack wait:             1m\n")) << f.out;
    EXPECT_TRUE(contains(f.out, "  Unacked messages:     3\n")) << f.out;
    EXPECT_TRUE(contains(f.out, "  Deliveries:           5\n")) << f.out;
    EXPECT_TRUE(contains(f.out, "  Filter:               orders.new\n")) << f.out;
}

TEST_P(consumer_command, lists_and_deletes) {
    make_orders(2);
    EXPECT_EQ(cli({"consumer", "ls", "ORDERS"}).err, "No consumers\n");
    make_worker();
    (void)run({"consumer", "add", "ORDERS", "auditor"});
    EXPECT_EQ(run({"consumer", "ls", "ORDERS", "--names"}), "auditor\nworker\n");
    EXPECT_EQ(run({"con", "ls", "ORDERS", "-n", "-j"}), "[\n  \"auditor\",\n  \"worker\"\n]\n");
    EXPECT_EQ(lines_of(run({"consumer", "ls", "ORDERS"})), 3);
    EXPECT_TRUE(contains(run({"consumer", "ls", "ORDERS", "--json"}), "\"num_pending\": 2"));
    EXPECT_EQ(cli({"consumer", "rm", "ORDERS", "worker"}).code, 2);
    EXPECT_EQ(cli({"consumer", "rm", "ORDERS", "worker", "-f"}).err,
              "Deleted consumer worker of stream ORDERS\n");
    EXPECT_EQ(run({"consumer", "ls", "ORDERS", "--names"}), "auditor\n");
    const finished missing = cli({"consumer", "info", "ORDERS", "worker"});
    EXPECT_EQ(missing.code, 1);
    EXPECT_TRUE(contains(missing.err, "(10014)")) << missing.err;
}

TEST_P(consumer_command, next_prints_and_acknowledges) {
    make_orders(3);
    make_worker();
    const finished one = cli({"consumer", "next", "ORDERS", "worker"});
    EXPECT_EQ(one.code, 0) << one.err;
    EXPECT_EQ(one.out,
              "[#1] Received on \"orders.new\", stream sequence 1, consumer sequence 1, "
              "delivery 1, 2 pending\n1\n\n");
    EXPECT_TRUE(contains(state(), "  Unacknowledged:       0\n"));
    EXPECT_EQ(run({"consumer", "next", "ORDERS", "worker", "--raw", "--count", "2"}), "2\n3\n");
    EXPECT_TRUE(contains(state(), "Acknowledged up to:   consumer sequence 3"));
    const finished none = cli({"consumer", "next", "ORDERS", "worker", "--wait", "100ms"});
    EXPECT_EQ(none.code, 3);
    EXPECT_EQ(none.err, "natsproto: timeout: no message came\n");
}

TEST_P(consumer_command, next_prints_what_there_is_when_it_is_too_little) {
    make_orders(2);
    make_worker();
    const finished f =
        cli({"consumer", "next", "ORDERS", "worker", "--count", "5", "--wait", "200ms", "-r"});
    EXPECT_EQ(f.code, 3);
    EXPECT_EQ(f.out, "1\n2\n");
    EXPECT_EQ(f.err, "natsproto: timeout: 2 of 5 messages came\n");
}

TEST_P(consumer_command, next_leaves_returns_or_ends_messages) {
    make_orders(3);
    make_worker({"--max-deliver", "5"});
    EXPECT_EQ(run({"consumer", "next", "ORDERS", "worker", "-r", "--nak"}), "1\n");
    EXPECT_TRUE(contains(run({"consumer", "next", "ORDERS", "worker", "--term"}), "delivery 2"));
    EXPECT_TRUE(contains(state(), "  Unacknowledged:       0\n")) << state();
    EXPECT_EQ(run({"consumer", "next", "ORDERS", "worker", "-r", "--no-ack"}), "2\n");
    EXPECT_TRUE(contains(state(), "  Unacknowledged:       1\n")) << state();
}

TEST_P(consumer_command, next_of_one_that_is_missing_or_pushes) {
    make_orders(1);
    const finished missing = cli({"consumer", "next", "ORDERS", "none"});
    EXPECT_EQ(missing.code, 1);
    EXPECT_TRUE(contains(missing.err, "(10014)")) << missing.err;
    (void)run({"consumer", "add", "ORDERS", "push", "--target", "deliver.here"});
    const finished f = cli({"consumer", "next", "ORDERS", "push"});
    EXPECT_EQ(f.code, 1);
    EXPECT_TRUE(contains(f.err, "natsproto consumer sub")) << f.err;
    EXPECT_EQ(f.out, "");
}

/// It is listened to where it pushes, in its group, and stays.
TEST_P(consumer_command, sub_of_one_that_pushes) {
    make_orders(3);
    (void)run({"consumer", "add", "ORDERS", "push", "--target", "deliver.here", "--deliver-group",
               "workers", "--ack", "explicit", "--heartbeat", "1s"});
    EXPECT_EQ(run({"consumer", "sub", "ORDERS", "push", "--raw", "--count", "3"}), "1\n2\n3\n");
    const std::string info = run({"consumer", "info", "ORDERS", "push"});
    EXPECT_TRUE(contains(info, "  Unacknowledged:       0\n")) << info;
    EXPECT_TRUE(contains(info, "  Unprocessed:          0\n")) << info;
    (void)run({"consumer", "add", "ORDERS", "ephemeral", "--ephemeral", "--target", "deliver.there",
               "--inactive-threshold", "1h"});
    const std::string name = "ephemeral";
    EXPECT_EQ(run({"consumer", "sub", "ORDERS", name, "--raw", "--count", "1"}), "1\n");
    EXPECT_EQ(cli({"consumer", "info", "ORDERS", name}).code, 0) << "it is not deleted";
}

TEST_P(consumer_command, sub_prints_until_count) {
    make_orders(700);
    make_worker();
    const std::string out = run({"consumer", "sub", "ORDERS", "worker", "--raw", "--count", "600"});
    EXPECT_EQ(lines_of(out), 600);
    EXPECT_EQ(out.substr(0, 6), "1\n2\n3\n");
    EXPECT_TRUE(contains(state(), "Acknowledged up to:   consumer sequence 600"));
    EXPECT_TRUE(contains(state(), "  Unprocessed:          100\n")) << state();
}

TEST_P(consumer_command, sub_prints_what_comes_and_ends_at_a_signal) {
    make_orders(1);
    make_worker();
    const auto p = listening({"consumer", "sub", "ORDERS", "worker"});
    p->wait_for("stream sequence 1,");
    (void)run({"pub", "-J", "orders.new", "later"});
    p->wait_for("later\n");
    p->signal(SIGTERM);
    EXPECT_EQ(p->wait().code, 0);
    EXPECT_TRUE(contains(state(), "Acknowledged up to:   consumer sequence 2")) << state();
    const auto counting = listening({"consumer", "sub", "ORDERS", "worker", "--count", "1"});
    counting->signal(SIGINT);
    EXPECT_EQ(counting->wait().code, 128 + SIGINT);
}

TEST_P(consumer_command, sub_ends_when_the_consumer_is_deleted) {
    make_orders(1);
    make_worker();
    const auto p = listening({"consumer", "sub", "ORDERS", "worker", "--no-ack"});
    p->wait_for("stream sequence 1,");
    (void)run({"consumer", "rm", "ORDERS", "worker", "--force"});
    const finished f = p->wait();
    EXPECT_EQ(f.code, 1);
    EXPECT_TRUE(contains(f.err, "natsproto: the consumer")) << f.err;
}

TEST_P(consumer_command, sub_goes_on_after_the_server_was_away) {
    make_orders(1);
    make_worker();
    const auto p = listening({"consumer", "sub", "ORDERS", "worker"});
    p->wait_for("stream sequence 1,");
    restart_storing();
    p->wait_for("reconnected");
    (void)run({"pub", "-J", "orders.new", "after"});
    p->wait_for("after\n");
    p->signal(SIGINT);
    EXPECT_EQ(p->wait().code, 0);
}

TEST_P(consumer_command, does_what_its_page_shows) {
    const finished f = shell(
        "set -e\n"
        "$CLI stream add ORDERS --subjects 'orders.>' --max-age 7d --defaults >/dev/null\n"
        "$CLI pub -J orders.new 'one coffee'\n"
        "$CLI stream view ORDERS --raw\n"
        "$CLI consumer add ORDERS worker --pull --defaults >/dev/null\n"
        "$CLI consumer next ORDERS worker --count 1 --raw\n"
        "$CLI consumer rm ORDERS worker --force\n"
        "$CLI stream rm ORDERS --force\n"
        "$CLI stream info ORDERS");
    EXPECT_EQ(f.code, 1);
    EXPECT_EQ(f.out, "Stored in stream ORDERS as number 1\none coffee\none coffee\n");
    EXPECT_TRUE(
        f.err.ends_with("natsproto: JetStream refused it (status 404) (10059): stream not found\n"))
        << f.err;
}

TEST_P(consumer_command, pauses_and_goes_on) {
    make_orders(1);
    make_worker();
    const finished f = cli({"consumer", "pause", "ORDERS", "worker", "1h", "--force"});
    if (GetParam().first < 15) {
        EXPECT_NE(f.code, 0);
        EXPECT_FALSE(contains(f.err, "Paused")) << f.err;
        return;
    }
    EXPECT_EQ(f.code, 0) << f.err;
    EXPECT_TRUE(contains(f.err, "Paused consumer worker of stream ORDERS until 2")) << f.err;
    EXPECT_TRUE(contains(state(), "  Paused:               for "));
    EXPECT_EQ(cli({"consumer", "next", "ORDERS", "worker", "--wait", "100ms"}).code, 3);
    EXPECT_EQ(cli({"consumer", "resume", "ORDERS", "worker"}).err,
              "Consumer worker of stream ORDERS goes on\n");
    EXPECT_EQ(run({"consumer", "next", "ORDERS", "worker", "-r"}), "1\n");
}

TEST_P(consumer_command, unpins_and_resets) {
    if (GetParam().first < 15) GTEST_SKIP() << "since server 2.11 and 2.14";
    make_orders(3);
    make_worker({"--pinned-groups", "g", "--pinned-ttl", "1m"});
    EXPECT_EQ(run({"consumer", "next", "ORDERS", "worker", "--group", "g", "-r"}), "1\n");
    EXPECT_TRUE(contains(state(), "  Group g:              pinned: ")) << state();
    EXPECT_EQ(cli({"consumer", "unpin", "ORDERS", "worker", "g"}).err,
              "Nobody is pinned in group g any more\n");
    (void)run({"consumer", "add", "ORDERS", "again"});
    EXPECT_EQ(run({"consumer", "next", "ORDERS", "again", "-r", "--count", "3"}), "1\n2\n3\n");
    const finished reset = cli({"consumer", "reset", "ORDERS", "again", "2"});
    EXPECT_EQ(reset.err, "Reset consumer again of stream ORDERS\n");
    EXPECT_EQ(run({"consumer", "next", "ORDERS", "again", "-r"}), "2\n");
}

} // namespace
} // namespace nats::test

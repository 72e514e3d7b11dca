// SPDX-License-Identifier: Apache-2.0
//
// natsproto stream: making, changing, listing and deleting streams.

#include "cli/js_fixture.hpp"

#include <string>

namespace nats::test {
namespace {

class stream_command : public jetstream_cli_test {};
NATSPROTO_ON_EVERY_SERVER(stream_command);

TEST_P(stream_command, cluster_commands_want_a_cluster) {
    make_orders();
    for (const arguments& line :
         {arguments{"stream", "cluster", "step-down", "ORDERS"},
          arguments{"stream", "cluster", "peer-remove", "ORDERS", "n1", "--force"}}) {
        const finished f = cli(line);
        EXPECT_NE(f.code, 0);
        EXPECT_TRUE(contains(f.err, "natsproto: ")) << f.err;
    }
}

TEST_P(stream_command, adds_a_stream_with_defaults) {
    const finished f = cli({"stream", "add", "ORDERS", "--subjects", "orders.>", "--defaults"});
    EXPECT_EQ(f.code, 0) << f.err;
    EXPECT_EQ(f.err, "Created stream ORDERS\n");
    EXPECT_EQ(f.out.substr(0, 14), "Stream ORDERS\n");
    for (const char* line :
         {"  Subjects:             orders.>\n", "  Storage:              file\n",
          "  Retention:            limits\n", "  Direct get:           yes\n",
          "  Bytes:                unlimited\n", "\nState\n  Messages:             0\n"}) {
        EXPECT_TRUE(contains(f.out, line)) << line << "\nis not in\n" << f.out;
    }
    EXPECT_EQ(cli({"stream", "info", "ORDERS"}).out, f.out);
}

TEST_P(stream_command, adds_a_stream_with_every_common_flag) {
    const std::string out = run({"stream",
                                 "add",
                                 "S",
                                 "--subjects",
                                 "a.*, b",
                                 "--subjects",
                                 "c",
                                 "--storage",
                                 "memory",
                                 "--retention",
                                 "work",
                                 "--discard",
                                 "new",
                                 "--max-msgs",
                                 "10",
                                 "--max-bytes",
                                 "2MiB",
                                 "--max-age",
                                 "1h30m",
                                 "--max-msg-size",
                                 "64K",
                                 "--max-msgs-per-subject",
                                 "5",
                                 "--discard-per-subject",
                                 "--dupe-window",
                                 "30s",
                                 "--replicas",
                                 "1",
                                 "--allow-rollup",
                                 "--deny-delete",
                                 "--no-deny-purge",
                                 "--no-allow-direct",
                                 "--no-ack",
                                 "--description",
                                 "what comes in",
                                 "--max-consumers",
                                 "-1",
                                 "--json"});
    for (const char* part :
         {"\"subjects\": [\n      \"a.*\",\n      \"b\",\n      \"c\"\n    ]",
          "\"storage\": \"memory\"", "\"retention\": \"workqueue\"", "\"discard\": \"new\"",
          "\"max_msgs\": 10,", "\"max_bytes\": 2097152", "\"max_age\": 5400000000000",
          "\"max_msg_size\": 65536", "\"max_msgs_per_subject\": 5",
          "\"discard_new_per_subject\": true", "\"duplicate_window\": 30000000000",
          "\"allow_rollup_hdrs\": true", "\"deny_delete\": true", "\"no_ack\": true",
          "\"description\": \"what comes in\""}) {
        EXPECT_TRUE(contains(out, part)) << part << "\nis not in\n" << out;
    }
    EXPECT_FALSE(contains(out, "\"allow_direct\": true"));
    EXPECT_FALSE(contains(out, "\"deny_purge\": true"));
}

TEST_P(stream_command, keeps_metadata_and_compresses) {
    if (is_before(10)) GTEST_SKIP() << "since server 2.10";
    const std::string out = run({"stream", "add", "S", "--subjects", "s", "--metadata", "team=blue",
                                 "--metadata", "note=a=b", "--compression", "s2"});
    EXPECT_TRUE(contains(out, "team=blue\n")) << out;
    EXPECT_TRUE(contains(out, "note=a=b\n")) << out;
    EXPECT_TRUE(contains(out, "s2\n")) << out;
}

TEST_P(stream_command, mirrors_and_sources_by_name) {
    make_orders(3);
    EXPECT_TRUE(contains(run({"stream", "add", "COPY", "--mirror", "ORDERS"}), "Mirror of:"));
    EXPECT_TRUE(contains(run({"stream", "add", "ALL", "--source", "ORDERS"}), "Source:"));
    const std::string json = run({"stream", "info", "COPY", "--json"});
    EXPECT_TRUE(contains(json, "\"mirror\": {\n      \"name\": \"ORDERS\"")) << json;
}

TEST_P(stream_command, takes_a_configuration_from_a_file) {
    const std::string file = files().write(
        "stream.json", R"({"name":"S","subjects":["s.>"],"storage":"memory","max_msgs":7})");
    const std::string out = run({"stream", "add", "--config", file, "--json"});
    EXPECT_TRUE(contains(out, "\"max_msgs\": 7,")) << out;
    EXPECT_TRUE(contains(out, "\"storage\": \"memory\"")) << out;
    const std::string other =
        run({"stream", "add", "T", "--config", file, "--subjects", "t", "--max-msgs", "8"});
    EXPECT_TRUE(contains(other, "Stream T\n")) << other;
    EXPECT_TRUE(contains(other, "  Messages:             8\n")) << other;
}

TEST_P(stream_command, what_info_prints_can_be_a_configuration) {
    make_orders(0, {"--max-msgs", "12"});
    const finished before = cli({"stream", "info", "ORDERS", "--json"});
    const std::size_t begin = before.out.find("\"config\": ") + 10;
    const std::size_t end = before.out.find("\n  }", begin) + 4;
    const std::string file = files().write("c.json", before.out.substr(begin, end - begin));
    (void)run({"stream", "rm", "ORDERS", "-f"});
    EXPECT_TRUE(contains(run({"stream", "add", "--config", file}), "orders.>"));
    EXPECT_TRUE(contains(run({"stream", "info", "ORDERS"}), "  Messages:             12\n"));
}

TEST_P(stream_command, edits_what_flags_say_and_nothing_else) {
    make_orders(0, {"--max-msgs", "12", "--description", "before"});
    const finished f = cli({"stream", "edit", "ORDERS", "--max-bytes", "1M", "--force"});
    EXPECT_EQ(f.code, 0) << f.err;
    EXPECT_EQ(f.err, "Changed stream ORDERS\n");
    EXPECT_TRUE(contains(f.out, "  Bytes:                1.0 MiB\n")) << f.out;
    EXPECT_TRUE(contains(f.out, "  Messages:             12\n")) << f.out;
    EXPECT_TRUE(contains(f.out, "  Description:          before\n")) << f.out;
    EXPECT_TRUE(contains(f.out, "  Direct get:           yes\n")) << f.out;
    const std::string off =
        run({"stream", "edit", "ORDERS", "--no-allow-direct", "--subjects", "orders.>,more"});
    EXPECT_FALSE(contains(off, "Direct get")) << off;
    EXPECT_TRUE(contains(off, "orders.>, more\n")) << off;
}

TEST_P(stream_command, lists_streams) {
    const finished none = cli({"stream", "ls"});
    EXPECT_EQ(none.code, 0);
    EXPECT_EQ(none.out, "");
    EXPECT_EQ(none.err, "No streams\n");
    EXPECT_EQ(run({"stream", "ls", "--json"}), "[]\n");
    make_orders(2);
    (void)run({"stream", "add", "AUDIT", "--subjects", "audit"});
    (void)run({"stream", "add", "KV_b", "--subjects", "$KV.b.>"});
    const std::string table = run({"stream", "ls"});
    EXPECT_EQ(lines_of(table), 3) << table;
    EXPECT_EQ(table.substr(0, 4), "NAME");
    EXPECT_LT(table.find("AUDIT"), table.find("ORDERS"));
    EXPECT_EQ(run({"stream", "ls", "--names"}), "AUDIT\nORDERS\n");
    EXPECT_EQ(run({"stream", "ls", "--names", "--all"}), "AUDIT\nKV_b\nORDERS\n");
    EXPECT_EQ(run({"stream", "ls", "--names", "--subject", "orders.new"}), "ORDERS\n");
    EXPECT_EQ(run({"str", "list", "-n", "-j"}), "[\n  \"AUDIT\",\n  \"ORDERS\"\n]\n");
    const std::string json = run({"stream", "ls", "--json", "--subject", "orders.*"});
    EXPECT_TRUE(contains(json, "\"messages\": 2,")) << json;
    EXPECT_FALSE(contains(json, "AUDIT")) << json;
}

TEST_P(stream_command, shows_state_and_subjects) {
    make_orders(3);
    (void)run({"pub", "orders.old", "x"});
    const std::string state = run({"stream", "state", "ORDERS"});
    EXPECT_EQ(state.substr(0, 6), "State\n");
    EXPECT_TRUE(contains(state, "  Messages:             4\n")) << state;
    EXPECT_EQ(run({"stream", "info", "ORDERS", "--state"}), state);
    EXPECT_EQ(run({"stream", "subjects", "ORDERS"}),
              "SUBJECT     MESSAGES\norders.old         1\norders.new         3\n");
    EXPECT_EQ(run({"stream", "subjects", "ORDERS", "--names", "--sort", "name"}),
              "orders.new\norders.old\n");
    EXPECT_EQ(run({"stream", "subjects", "ORDERS", "orders.o*d", "--json"}), "{}\n");
    EXPECT_EQ(run({"stream", "subjects", "ORDERS", "*.old", "--json"}),
              "{\n  \"orders.old\": 1\n}\n");
}

TEST_P(stream_command, deletes_only_by_force) {
    make_orders();
    const finished asked = cli({"stream", "rm", "ORDERS"});
    EXPECT_EQ(asked.code, 2);
    EXPECT_TRUE(contains(asked.err, "--force")) << asked.err;
    EXPECT_EQ(run({"stream", "ls", "--names"}), "ORDERS\n");
    const finished f = cli({"stream", "rm", "ORDERS", "-f"});
    EXPECT_EQ(f.code, 0) << f.err;
    EXPECT_EQ(f.err, "Deleted stream ORDERS\n");
    EXPECT_EQ(run({"stream", "ls", "--names"}), "");
}

TEST_P(stream_command, seals) {
    make_orders(1);
    EXPECT_EQ(cli({"stream", "seal", "ORDERS", "-f"}).err, "Sealed stream ORDERS\n");
    EXPECT_TRUE(contains(run({"stream", "info", "ORDERS"}), "  Sealed:               yes\n"));
    const finished f = cli({"pub", "-J", "orders.new", "x"});
    EXPECT_EQ(f.code, 1);
    EXPECT_TRUE(contains(f.err, "sealed")) << f.err;
}

TEST_P(stream_command, tells_what_the_server_says) {
    const finished missing = cli({"stream", "info", "NONE"});
    EXPECT_EQ(missing.code, 1);
    EXPECT_EQ(missing.out, "");
    EXPECT_TRUE(contains(missing.err, "(10059)")) << missing.err;
    EXPECT_TRUE(contains(missing.err, "stream not found")) << missing.err;
    make_orders();
    const finished other = cli({"stream", "add", "ORDERS", "--subjects", "else"});
    EXPECT_EQ(other.code, 1);
    EXPECT_TRUE(contains(other.err, "(10058)")) << other.err;
    EXPECT_EQ(cli({"stream", "add", "MORE", "--subjects", "orders.new"}).code, 1);
    EXPECT_EQ(cli({"stream", "edit", "NONE", "--max-msgs", "1"}).code, 1);
}

TEST_P(stream_command, finds_the_api_of_a_domain) {
    start_storing("", "domain: hub\n");
    make_orders();
    EXPECT_EQ(run({"stream", "ls", "--names", "--js-domain", "hub"}), "ORDERS\n");
    EXPECT_EQ(run({"--js-api-prefix", "$JS.hub.API", "stream", "ls", "-n"}), "ORDERS\n");
    const finished f = cli({"stream", "ls", "--js-domain", "other", "--timeout", "300ms"});
    EXPECT_NE(f.code, 0);
    EXPECT_EQ(f.out, "");
    EXPECT_TRUE(contains(run({"stream", "info", "ORDERS"}), "  Domain:               hub\n"));
}

TEST_P(stream_command, says_that_there_is_no_jetstream) {
    start();
    const finished f = cli({"stream", "ls"});
    EXPECT_EQ(f.code, 1);
    EXPECT_TRUE(contains(f.err, "JetStream is not enabled")) << f.err;
}

TEST_P(stream_command, a_refusal_of_the_server_ends_it) {
    start_storing(
        "authorization { users = [ { user: u, password: p, permissions: { publish: { deny: "
        "\"$JS.API.>\" } } } ] }");
    const finished f = cli({"stream", "ls", "--user", "u", "--password", "p"});
    EXPECT_EQ(f.code, 1);
    EXPECT_TRUE(contains(f.err, "Permissions Violation")) << f.err;
}

} // namespace
} // namespace nats::test

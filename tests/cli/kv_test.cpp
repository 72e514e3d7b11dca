// SPDX-License-Identifier: Apache-2.0
//
// natsproto kv: buckets and keys on the command line.

#include "cli/js_fixture.hpp"

#include <string>
#include <vector>

namespace nats::test {
namespace {

class kv_command : public jetstream_cli_test {
protected:
    void SetUp() override {
        jetstream_cli_test::SetUp();
        if (IsSkipped() || HasFailure()) return;
        (void)run({"kv", "add", "b", "--history", "5"});
    }
    /// A value as it was stored.
    std::string value(const std::string& key) { return run({"kv", "get", "b", key, "--raw"}); }
};
NATSPROTO_ON_EVERY_SERVER(kv_command);

TEST_P(kv_command, adds_shows_and_changes_a_bucket) {
    const std::string out = run({"kv", "add", "c", "--description", "of a test", "--ttl", "1h",
                                 "--storage", "memory", "--max-value-size", "1K"});
    for (const char* line :
         {"Bucket c\n", "  Description:          of a test\n", "  History:              1\n",
          "  Time to live:         1h\n", "  Storage:              memory\n",
          "  Value size:           1.0 KiB\n", "  Backing store:        JetStream\n"}) {
        EXPECT_TRUE(contains(out, line)) << line << "\nis not in\n" << out;
    }
    EXPECT_EQ(run({"kv", "info", "c"}), out);
    EXPECT_TRUE(
        contains(run({"kv", "edit", "c", "--history", "7"}), "  History:              7\n"));
    EXPECT_TRUE(contains(run({"kv", "info", "c", "--json"}), "\"max_msgs_per_subject\": 7"));
    const finished again = cli({"kv", "add", "c"});
    EXPECT_EQ(again.code, 1);
    EXPECT_TRUE(contains(again.err, "the bucket exists: \"c\"")) << again.err;
    EXPECT_EQ(run({"kv", "ls", "--names"}), "b\nc\n");
    EXPECT_TRUE(contains(run({"kv", "ls"}), "BUCKET"));
    EXPECT_EQ(cli({"kv", "del", "c"}).code, 2) << "without --force";
    EXPECT_EQ(run({"kv", "del", "c", "--force"}), "");
    EXPECT_EQ(cli({"kv", "info", "c"}).code, 1);
}

TEST_P(kv_command, writes_and_reads) {
    EXPECT_EQ(run({"kv", "put", "b", "k", "one"}), "1\n");
    EXPECT_EQ(run({"kv", "put", "b", "k"}, "two\n"), "2\n");
    EXPECT_EQ(value("k"), "two\n") << "byte for byte";
    EXPECT_TRUE(
        contains(run({"kv", "get", "b", "k", "--revision", "1"}), "PUT b > k revision 1\n\none\n"));
    const std::string json = run({"kv", "get", "b", "k", "--json"});
    EXPECT_TRUE(contains(json, "\"revision\": 2")) << json;
    EXPECT_TRUE(contains(json, "\"value\": \"two\\u000a\"")) << json;
    EXPECT_EQ(run({"kv", "put", "b", "binary", "--json"}, "\xff"),
              "{\n  \"bucket\": \"b\",\n  \"key\": \"binary\",\n  \"revision\": 3\n}\n");
    EXPECT_TRUE(
        contains(run({"kv", "get", "b", "binary", "--json"}), "\"value_base64\": \"/w==\""));
    const finished none = cli({"kv", "get", "b", "none"});
    EXPECT_EQ(none.code, 1);
    EXPECT_TRUE(contains(none.err, "no such key: \"none\"")) << none.err;
}

TEST_P(kv_command, creates_updates_and_reverts) {
    EXPECT_EQ(run({"kv", "create", "b", "k", "1"}), "1\n");
    EXPECT_EQ(cli({"kv", "create", "b", "k", "2"}).code, 1);
    EXPECT_EQ(run({"kv", "update", "b", "k", "2", "1"}), "2\n");
    const finished late = cli({"kv", "update", "b", "k", "3", "1"});
    EXPECT_EQ(late.code, 1);
    EXPECT_TRUE(contains(late.err, "the key has another revision")) << late.err;
    EXPECT_EQ(run({"kv", "revert", "b", "k", "1"}), "3\n");
    EXPECT_EQ(value("k"), "1");
    EXPECT_EQ(run({"kv", "del", "b", "k"}), "4\n");
    EXPECT_EQ(run({"kv", "revert", "b", "k", "2"}), "5\n") << "what was deleted too";
    EXPECT_EQ(value("k"), "2");
    const std::string history = run({"kv", "history", "b", "k"});
    EXPECT_TRUE(contains(history, "DEL b > k revision 4\n")) << history;
    EXPECT_EQ(cli({"kv", "purge", "b", "k"}).code, 2) << "without --force";
    EXPECT_EQ(run({"kv", "purge", "b", "k", "--force"}), "6\n");
    EXPECT_TRUE(contains(run({"kv", "history", "b", "k"}), "PURGE b > k revision 6\n"));
    EXPECT_TRUE(contains(run({"kv", "compact", "b", "--force", "--older-than", "0s", "--json"}),
                         "\"removed\": 1"));
    EXPECT_EQ(cli({"kv", "history", "b", "k"}).code, 1);
}

TEST_P(kv_command, lists_keys) {
    EXPECT_EQ(run({"kv", "ls", "b"}), "");
    for (const char* k : {"y", "x"}) (void)run({"kv", "put", "b", k, "v"});
    EXPECT_EQ(run({"kv", "ls", "b"}), "x\ny\n");
    EXPECT_EQ(run({"kv", "ls", "b", "--json"}), "[\n  \"x\",\n  \"y\"\n]\n");
    const std::string out = run({"kv", "ls", "b", "--display-value"});
    EXPECT_TRUE(contains(out, "PUT b > x revision 2\nv\n")) << out;
}

TEST_P(kv_command, watches) {
    for (const char* v : {"1", "2"}) (void)run({"kv", "put", "b", "k", v});
    const std::string newest = run({"kv", "watch", "b", "--count", "1"});
    EXPECT_TRUE(contains(newest, "PUT b > k revision 2\n2\n")) << newest;
    const std::string all = run({"kv", "watch", "b", "k", "--history", "--count", "2", "--json"});
    EXPECT_TRUE(contains(all, "\"revision\":1,")) << all;
    EXPECT_TRUE(contains(all, "\"revision\":2,")) << all;
    EXPECT_TRUE(contains(run({"kv", "watch", "b", "--meta-only", "--count", "1"}), "(1 bytes)"));
}

TEST(kv_usage, mistakes) {
    struct mistake {
        arguments line;
        std::string said;
    };
    for (const mistake& m : std::vector<mistake>{
             {{"kv"}, "a command is missing"},
             {{"kv", "get", "b"}, "key is required"},
             {{"kv", "get", "a.b", "k"}, "bucket \"a.b\""},
             {{"kv", "get", "b", "a..b"}, "invalid key"},
             {{"kv", "put", "b", "a b", "v"}, "invalid key"},
             {{"kv", "update", "b", "k", "v"}, "the revision that is expected is missing"},
             {{"kv", "add", "b", "--history", "65"}, "--history"},
             {{"kv", "add", "b", "--mirror-domain", "hub"}, "--mirror"},
             {{"kv", "edit", "b"}, "nothing to change"},
             {{"kv", "watch", "b", "a*"}, "invalid key"},
             {{"kv", "watch", "b", "--history", "--updates-only"}, "--updates-only excludes"},
         }) {
        const finished f = run_alone(m.line);
        std::string line;
        for (const std::string& word : m.line) line += ' ' + word;
        EXPECT_EQ(f.code, 2) << line << '\n' << f.err;
        EXPECT_TRUE(contains(f.err, m.said)) << line << '\n' << f.err;
        EXPECT_EQ(f.out, "") << line;
    }
}

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// natsproto object: buckets, and files in and out of them.

#include <natsproto/openssl/provider.hpp> // for the digests

#include "cli/js_fixture.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace nats::test {
namespace {

class object_command : public jetstream_cli_test {
protected:
    [[nodiscard]] static std::string content(const std::string& file) {
        std::ifstream in(file, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(in), {});
    }
};
NATSPROTO_ON_EVERY_SERVER(object_command);

TEST_P(object_command, makes_and_changes_buckets) {
    const finished f = cli({"object", "add", "photos", "--description", "of us", "--ttl", "2h",
                            "--max-bucket-size", "1MiB", "--storage", "memory"});
    EXPECT_EQ(f.code, 0) << f.err;
    EXPECT_EQ(f.err, "Created bucket photos\n");
    for (const char* line : {"Bucket photos\n", "of us\n", "memory\n", "2h\n", "JetStream\n"})
        EXPECT_TRUE(contains(f.out, line)) << line << "\nis not in\n" << f.out;
    const std::string changed = run({"object", "edit", "photos", "--description", "of you"});
    EXPECT_TRUE(contains(changed, "of you\n"));
    EXPECT_TRUE(contains(changed, "2h\n")) << "the rest stays";
    EXPECT_EQ(run({"object", "info", "photos"}), changed);
    EXPECT_TRUE(contains(run({"object", "info", "photos", "--json"}), "\"bucket\": \"photos\""));
    EXPECT_TRUE(contains(run({"object", "ls"}), "photos"));
    EXPECT_EQ(run({"object", "ls", "--names"}), "photos\n");
    EXPECT_EQ(cli({"object", "edit", "photos"}).code, 2);
    EXPECT_EQ(cli({"object", "add", "a.b"}).code, 2);
    EXPECT_EQ(cli({"object", "info", "none"}).code, 1);
    EXPECT_EQ(cli({"object", "del", "photos"}).code, 2) << "not without --force";
    EXPECT_EQ(cli({"object", "del", "photos", "--force"}).err, "Deleted bucket photos\n");
    EXPECT_EQ(cli({"object", "ls"}).err, "No buckets of objects\n");
}

TEST_P(object_command, puts_and_gets_files) {
    (void)run({"object", "add", "b"});
    const std::string file = files().write("in.txt", std::string(300'000, 'x'));
    const finished put = cli({"object", "put", "b", file});
    EXPECT_EQ(put.code, 0) << put.err;
    EXPECT_EQ(put.err, "Stored in.txt in bucket b\n") << "no bar where there is no terminal";
    EXPECT_TRUE(contains(put.out, "(300000 bytes)")) << put.out;
    EXPECT_TRUE(contains(put.out, "SHA-256=")) << put.out;
    (void)run({"object", "put", "b", file, "--name", "other", "--description", "second", "-H",
               "Color: red", "-H", "Color: blue", "--metadata", "k=v", "--no-progress"});
    const std::string json = run({"object", "info", "b", "other", "--json"});
    for (const char* part : {"\"name\": \"other\"", "\"description\": \"second\"", "\"red\"",
                             "\"blue\"", "\"k\": \"v\"", "\"size\": 300000"})
        EXPECT_TRUE(contains(json, part)) << part << "\nis not in\n" << json;
    EXPECT_EQ(run({"object", "ls", "b", "--names"}), "in.txt\nother\n");
    EXPECT_TRUE(contains(run({"object", "ls", "b"}), "in.txt"));

    const std::string to = files().file("out.txt");
    const finished got = cli({"object", "get", "b", "other", "--output", to});
    EXPECT_EQ(got.err, "Wrote other to " + to + '\n');
    EXPECT_EQ(content(to), std::string(300'000, 'x'));
    EXPECT_EQ(cli({"object", "get", "b", "other", "-O", to}).code, 2) << "it is there";
    EXPECT_EQ(cli({"object", "get", "b", "other", "-O", to, "-f"}).code, 0);
    EXPECT_EQ(run({"object", "get", "b", "other", "-O", "-"}), std::string(300'000, 'x'));
    EXPECT_EQ(cli({"object", "get", "b", "none", "-O", to, "-f"}).code, 1);
    EXPECT_EQ(content(to), std::string(300'000, 'x')) << "it stays as it was";
    EXPECT_EQ(cli({"object", "put", "b", files().file("none")}).code, 2);
}

TEST_P(object_command, puts_standard_input) {
    (void)run({"object", "add", "b"});
    EXPECT_EQ(cli({"object", "put", "b"}).code, 2) << "without a name";
    const finished put = cli({"object", "put", "b", "--name", "in"}, "from a pipe");
    EXPECT_EQ(put.code, 0) << put.err;
    EXPECT_EQ(run({"object", "get", "b", "in", "-O", "-"}), "from a pipe");
    (void)run({"object", "add", "c"});
    EXPECT_EQ(cli({"object", "ls", "c"}).err, "No objects in bucket c\n");
}

TEST_P(object_command, deletes_and_seals) {
    (void)run({"object", "add", "b"});
    (void)cli({"object", "put", "b", "--name", "one"}, "1");
    (void)cli({"object", "put", "b", "--name", "two"}, "2");
    EXPECT_EQ(cli({"object", "del", "b", "one"}).code, 2) << "not without --force";
    EXPECT_EQ(cli({"object", "del", "b", "one", "-f"}).err, "Deleted one of bucket b\n");
    EXPECT_EQ(cli({"object", "del", "b", "none", "-f"}).code, 1);
    EXPECT_EQ(run({"object", "ls", "b", "--names"}), "two\n");
    EXPECT_EQ(cli({"object", "seal", "b", "-f"}).err, "Sealed bucket b\n");
    EXPECT_EQ(cli({"object", "put", "b", "--name", "three"}, "3").code, 1);
}

TEST_P(object_command, watches) {
    (void)run({"object", "add", "b"});
    (void)cli({"object", "put", "b", "--name", "one"}, "1");
    const auto w = listening({"object", "watch", "b"});
    w->wait_for("one: 1 B\n");
    (void)cli({"object", "put", "b", "--name", "t\x1bwo"}, "22");
    w->wait_for("t\\x1bwo: 2 B\n");
    (void)run({"object", "del", "b", "one", "-f"});
    w->wait_for("one: deleted\n");
    w->signal(SIGTERM);
    EXPECT_EQ(w->wait().code, 0);
}

} // namespace
} // namespace nats::test

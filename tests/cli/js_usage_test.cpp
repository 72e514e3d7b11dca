// SPDX-License-Identifier: Apache-2.0
//
// What the JetStream commands say to command lines that are wrong, before they connect.

#include "cli/js_fixture.hpp"

#include <string>
#include <vector>

namespace nats::test {
namespace {

struct js_mistake {
    arguments line;
    std::string said;
};

void expect_refused(const std::vector<js_mistake>& mistakes) {
    for (const js_mistake& m : mistakes) {
        const finished f = run_alone(m.line);
        std::string line;
        for (const std::string& word : m.line) line += ' ' + word;
        EXPECT_EQ(f.code, 2) << line << '\n' << f.err;
        EXPECT_EQ(f.err.substr(0, 11), "natsproto: ") << line << '\n' << f.err;
        EXPECT_TRUE(contains(f.err, m.said)) << line << '\n' << f.err;
        EXPECT_EQ(f.out, "") << line;
    }
}

TEST(jetstream_usage, help) {
    for (const char* group : {"stream", "consumer"}) {
        const finished all = run_cli({group, "--help"});
        EXPECT_EQ(all.code, 0);
        EXPECT_TRUE(contains(all.out, "Exit codes:")) << all.out;
        for (const char* command : {"add", "edit", "ls", "info", "rm"}) {
            const finished f = run_cli({group, command, "--help"});
            EXPECT_EQ(f.code, 0) << command;
            EXPECT_TRUE(contains(f.out, "Exit codes:")) << command;
            EXPECT_TRUE(contains(all.out, std::string("\n  ") + command)) << all.out;
        }
    }
}

TEST(jetstream_usage, commands_and_arguments_that_are_missing) {
    expect_refused({
        {{"stream"}, "a command is missing"},
        {{"stream", "publish"}, "unknown command or option publish"},
        {{"stream", "--bogus"}, "unknown command or option --bogus"},
        {{"consumer"}, "a command is missing"},
        {{"stream", "cluster"}, "a command is missing"},
        {{"stream", "cluster", "step-down"}, "stream is required"},
        {{"stream", "cluster", "peer-remove", "S", "n1"}, "--force"},
        {{"stream", "info"}, "stream is required"},
        {{"stream", "info", "S", "T"}, "too many arguments"},
        {{"stream", "add"}, "the stream's name is missing"},
        {{"stream", "add", "S"}, "--subjects is missing"},
        {{"stream", "edit", "S"}, "nothing to change"},
        {{"stream", "get", "S"}, "a sequence, --last-for"},
        {{"stream", "get", "S", "1", "--last-for", "a"}, "a sequence, --last-for"},
        {{"stream", "rmm", "S"}, "id is required"},
        {{"stream", "seal", "S"}, "--force"},
        {{"consumer", "add", "S"}, "the consumer's name is missing, or --ephemeral"},
        {{"consumer", "edit", "S", "c"}, "nothing to change"},
        {{"consumer", "info", "S"}, "consumer is required"},
        {{"consumer", "pause", "S", "c"}, "until is required"},
        {{"consumer", "unpin", "S", "c"}, "group is required"},
    });
}

TEST(jetstream_usage, values_that_are_wrong_name_their_flag) {
    expect_refused({
        {{"stream", "add", "S", "--subjects", "a..b"}, "\"a..b\""},
        {{"stream", "add", "S", "--subjects", "a,,b"}, "--subjects"},
        {{"stream", "add", "two words", "--subjects", "a"}, "two words"},
        {{"stream", "add", "a.b", "--subjects", "a"}, "a.b"},
        {{"stream", "info", ""}, "stream"},
        {{"stream", "add", "S", "--subjects", "a", "--mirror", "O"}, "--mirror"},
        {{"stream", "add", "S", "--mirror", "a.b"}, "a.b"},
        {{"stream", "add", "S", "--storage", "disk"}, "--storage: \"disk\""},
        {{"stream", "add", "S", "--retention", "for ever"}, "--retention"},
        {{"stream", "add", "S", "--discard", "some"}, "--discard"},
        {{"stream", "add", "S", "--max-msgs", "many"}, "--max-msgs: \"many\""},
        {{"stream", "add", "S", "--max-msgs", "-2"}, "--max-msgs"},
        {{"stream", "add", "S", "--max-bytes", "1X"}, "--max-bytes: \"1X\""},
        {{"stream", "add", "S", "--max-bytes", "99999999T"}, "--max-bytes"},
        {{"stream", "add", "S", "--max-msg-size", "3G"}, "--max-msg-size"},
        {{"stream", "add", "S", "--max-age", "long"}, "--max-age: \"long\""},
        {{"stream", "add", "S", "--replicas", "6"}, "--replicas"},
        {{"stream", "add", "S", "--metadata", "no-sign"}, "--metadata"},
        {{"stream", "add", "S", "--config", "/missing"}, "/missing"},
        {{"stream", "purge", "S", "--seq", "2", "--keep", "2", "-f"}, "--seq and --keep"},
        {{"stream", "purge", "S", "--subject", "a b", "-f"}, "\"a b\""},
        {{"stream", "get", "S", "first"}, "id"},
        {{"stream", "subjects", "S", "a..b"}, "\"a..b\""},
        {{"stream", "view", "S", "0"}, "size"},
        {{"consumer", "add", "S", "c", "--ack", "never"}, "--ack: \"never\""},
        {{"consumer", "add", "S", "c", "--deliver", "soon"}, "--deliver: \"soon\""},
        {{"consumer", "add", "S", "c", "--filter", "a..b"}, "\"a..b\""},
        {{"consumer", "add", "S", "c", "--sample", "101"}, "--sample"},
        {{"consumer", "add", "S", "c", "--backoff", "fast"}, "--backoff: \"fast\""},
        {{"consumer", "add", "S", "c", "--pull", "--target", "t"}, "--pull and --target"},
        {{"consumer", "add", "S", "c.d"}, "c.d"},
        {{"consumer", "pause", "S", "c", "soon"}, "until: \"soon\""},
        {{"consumer", "next", "S", "c", "--nak", "--term"}, "--nak and --term"},
        {{"consumer", "next", "S", "c", "--nak", "--ack"}, "--ack"},
        {{"consumer", "next", "S", "c", "--count", "0"}, "--count"},
        {{"pub", "-J", "a", "b", "--reply", "c"}, "--jetstream does not go with --reply"},
        {{"stream", "ls", "--js-domain", "a", "--js-api-prefix", "b"}, "domain"},
        {{"stream", "ls", "--js-api-prefix", "a b"}, "a b"},
    });
}

TEST(jetstream_usage, files_that_are_no_configuration) {
    const scratch_directory d;
    for (const char* text : {"", "[]", "{", "{\"name\": 5}", "\xff"}) {
        const std::string file = d.write("c.json", text);
        for (const arguments& line :
             {arguments{"stream", "add", "S", "--subjects", "s", "--config", file},
              arguments{"consumer", "add", "S", "c", "--config", file}}) {
            const finished f = run_alone(line);
            EXPECT_EQ(f.code, 2) << text << f.err;
            EXPECT_TRUE(contains(f.err, file)) << f.err;
        }
    }
    EXPECT_EQ(run_alone({"stream", "add", "--config", d.file("")}).code, 2);
}

} // namespace
} // namespace nats::test

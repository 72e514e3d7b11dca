// SPDX-License-Identifier: Apache-2.0
//
// The demo program checks itself; here it is run, on the embedded broker and on nats-server, and
// what it prints is compared.

#include "cli/cli_fixture.hpp"

#include <algorithm>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

namespace nats::test {
namespace {

const std::string path = std::string(NATSPROTO_EXAMPLES_DIR) + "/demo";

/// The lines of the output, without what is different in each run: ids, addresses and times. Who
/// gets a job, and in which order several subscribers get a message, is a server's choice: the
/// lines of the wire are sorted within each step. INFO differs by server; since 2.12 a second
/// one follows CONNECT, and a 503 names its subject.
std::vector<std::string> masked(const std::string& out) {
    static const std::regex inbox("_INBOX\\.[A-Za-z0-9.]*"), number("[0-9]+"),
        subject("Nats-Subject: nobody.home\\\\r\\\\n"), id("(\\.adder\\.|\"id\":\"?)[A-Za-z0-9]*");
    std::vector<std::string> lines;
    std::vector<std::string> wire;
    const auto end_step = [&] {
        std::sort(wire.begin(), wire.end());
        lines.insert(lines.end(), wire.begin(), wire.end());
        wire.clear();
    };
    for (std::string_view rest = out; !rest.empty();) {
        const std::size_t end = std::min(rest.find('\n'), rest.size() - 1);
        std::string line(rest.substr(0, end));
        rest.remove_prefix(end + 1);
        line = std::regex_replace(line, subject, "");
        line = std::regex_replace(line, inbox, "_INBOX");
        line = std::regex_replace(line, id, "$1ID");
        line = std::regex_replace(line, number, "N");
        if (line.empty()) end_step();
        if (!line.starts_with("      <- INFO {"))
            (line.starts_with("      ") ? wire : lines).push_back(line);
    }
    end_step();
    return lines;
}

class demo : public cli_test {};
NATSPROTO_ON_EVERY_SERVER(demo);

TEST_P(demo, prints_the_same_on_the_broker_and_on_nats_server) {
    const finished there = program({path, server().url()}).wait();
    EXPECT_EQ(there.code, 0) << there.err;
    const finished here = program({path}).wait();
    EXPECT_EQ(here.code, 0) << here.err;
    std::vector<std::string> expected = masked(there.out);
    expected.insert(expected.begin(), "a broker in this process, at nats://N.N.N.N:N");
    EXPECT_EQ(masked(here.out), expected) << here.out << there.out;
}

TEST(demo_on_the_broker, runs_to_its_end) {
    const finished f = program({path}).wait();
    EXPECT_EQ(f.code, 0) << f.err;
    for (const char* line :
         {"\n1. Connect", "\n9. Service", "\n12. Reconnect", "\n13. Drain and close",
          "      <- INFO {", "      -> PUB greet 12 | hello, world\n",
          "   received \"hello, world\" on greet\n", "jobs done by worker 3", "     Tag: large\n",
          "the service answered \"SHOUT\"\n", "Grace is here\n", "refused: no responders",
          "refused: invalid subject", "   rtt ",
          "   received \"published while there was no connection\" on news\n",
          "Everything arrived as it should.\n"}) {
        EXPECT_TRUE(contains(f.out, line)) << line << "\nis not in\n" << f.out;
    }
}

TEST(demo_without_a_server, fails_with_a_message) {
    const finished f = program({path, "127.0.0.1:1"}).wait();
    EXPECT_EQ(f.code, 1);
    EXPECT_TRUE(contains(f.err, "demo: ")) << f.err;
    EXPECT_TRUE(contains(f.err, "127.0.0.1:1")) << f.err;
}

} // namespace
} // namespace nats::test

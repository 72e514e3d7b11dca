// SPDX-License-Identifier: Apache-2.0
//
// The demo program checks itself; here it is run.

#include "cli/cli_fixture.hpp"

#include <string>

namespace nats::test {
namespace {

class demo : public cli_test {};
NATSPROTO_ON_EVERY_SERVER(demo);

TEST_P(demo, runs_to_its_end) {
    const finished f =
        program({std::string(NATSPROTO_EXAMPLES_DIR) + "/demo", server().url()}).wait();
    EXPECT_EQ(f.code, 0) << f.err;
    for (const char* line :
         {"\n1. Connect", "\n11. Reconnect", "\n12. Drain and close", "      <- INFO {",
          "      -> PUB greet 12 | hello, world\n", "   received \"hello, world\" on greet\n",
          "jobs done by worker 3", "     Tag: large\n", "the service answered \"SHOUT\"\n",
          "Grace is here\n", "refused: no responders", "refused: invalid subject", "   rtt ",
          "   received \"published while there was no connection\" on news\n",
          "Everything arrived as it should.\n"}) {
        EXPECT_TRUE(contains(f.out, line)) << line << "\nis not in\n" << f.out;
    }
}

TEST(demo_without_a_server, fails_with_a_message) {
    const finished f =
        program({std::string(NATSPROTO_EXAMPLES_DIR) + "/demo", "127.0.0.1:1"}).wait();
    EXPECT_EQ(f.code, 1);
    EXPECT_TRUE(contains(f.err, "demo: ")) << f.err;
    EXPECT_TRUE(contains(f.err, "127.0.0.1:1")) << f.err;
}

} // namespace
} // namespace nats::test

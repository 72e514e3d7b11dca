// SPDX-License-Identifier: Apache-2.0
//
// The demo of what nats-server keeps checks itself; here it is run on each generation.

#include "cli/cli_fixture.hpp"
#include "cli/js_fixture.hpp"

#include <string>

namespace nats::test {
namespace {

class demo_stored : public jetstream_cli_test {};
NATSPROTO_ON_EVERY_SERVER(demo_stored);

TEST_P(demo_stored, runs_to_its_end) {
    const std::string path = std::string(NATSPROTO_EXAMPLES_DIR) + "/demo_stored";
    const finished f = program({path, server().url()}).wait();
    EXPECT_EQ(f.code, 0) << f.err;
    for (const char* line : {"\n1. A bucket", "\n4. An object", "   that was all that was there\n",
                             "   colour was deleted\n", "Everything was kept as it should.\n"}) {
        EXPECT_TRUE(contains(f.out, line)) << line << "\nis not in\n" << f.out;
    }
}

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Proves that the drivers of the library are the same to a user: each scenario of the table is
// played in virtual time, by the blocking client and by the Asio client, and what was seen is the
// same, word for word.

#include "driver/real_world.hpp"
#include "driver/scenarios.hpp"
#include "driver/virtual_world.hpp"
#include "integration/nats_server.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace nats::test {

void PrintTo(const scenario& s, std::ostream* out) {
    *out << s.name;
}

namespace {

struct way {
    const char* name;
    connect_function connect;
};

const way ways[] = {
    {"blocking", connect_blocking},
#ifdef NATSPROTO_HAS_ASIO
    {"asio", connect_on_asio},
#endif
};

std::string played(const scenario& s, world& where) {
    stage on(where);
    s.play(on);
    return on.transcript();
}

class driver_table : public testing::TestWithParam<scenario> {
protected:
    static void expect_same(std::optional<generation> server) {
        const scenario& s = GetParam();
        std::optional<std::filesystem::path> program;
        if (server && !(program = find_server(*server))) GTEST_SKIP() << "run scripts/servers";
        for (const way& w : ways) {
            real_world where(w.name, w.connect, program);
            EXPECT_EQ(played(s, where), s.transcript) << w.name;
        }
    }
};

TEST_P(driver_table, in_virtual_time) {
    virtual_world where;
    EXPECT_EQ(played(GetParam(), where), GetParam().transcript);
}

TEST_P(driver_table, on_the_broker) {
    expect_same({});
}

TEST_P(driver_table, on_nats_server_2_9) {
    expect_same(generation::v2_9);
}

TEST_P(driver_table, on_the_newest_nats_server) {
    expect_same(generation::newest);
}

INSTANTIATE_TEST_SUITE_P(scenarios, driver_table, testing::ValuesIn(all_scenarios()),
                         [](const auto& s) { return std::string(s.param.name); });

} // namespace

} // namespace nats::test

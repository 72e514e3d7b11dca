// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: each script is run with the current operation cancelled at every place. It
// must end once, with `operation_aborted` or its result; the script then goes on to its end, which
// proves that the client is usable and that no message was lost.

#include "asio/disturbed.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace nats::test {
namespace {

class asio_disturbed_cancellation : public asio_disturbed {
protected:
    /// Cancels everywhere; names of operations that should have been aborted and were not.
    static std::set<std::string> missed(disturbance what) {
        std::set<std::string> left = GetParam().waits;
        for (const std::string& name : everywhere(what)) left.erase(name);
        return left;
    }
    static bool is_request(const std::string& name) {
        return name.find("request") != std::string::npos;
    }
};

TEST_P(asio_disturbed_cancellation, of_nothing) {
    for (const staging& how : usual_stagings()) {
        const outcome o = stage(GetParam(), how).run({});
        EXPECT_TRUE(o.aborted.empty());
        EXPECT_GT(o.handlers, 10U);
    }
}

TEST_P(asio_disturbed_cancellation, terminal) {
    EXPECT_EQ(missed(disturbance::cancel_terminal), std::set<std::string>());
}

TEST_P(asio_disturbed_cancellation, partial) {
    EXPECT_EQ(missed(disturbance::cancel_partial), std::set<std::string>());
}

/// A request that was sent does not promise that.
TEST_P(asio_disturbed_cancellation, total) {
    std::set<std::string> left;
    for (const std::string& name : GetParam().waits) {
        if (is_request(name)) left.insert(name);
    }
    EXPECT_EQ(missed(disturbance::cancel_total), left);
}

INSTANTIATE_TEST_SUITE_P(asio, asio_disturbed_cancellation, testing::ValuesIn(all_scripts()),
                         script_name);

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: each script is run with the current operation cancelled at every place. It
// must end once, with `operation_aborted` or its result; the script then goes on to its end, which
// proves that the client is usable and that no message was lost.

#include "asio/scripts.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace nats::test {
namespace {

TEST(asio_disturbed, scripts_run_undisturbed) {
    for (const script& s : all_scripts()) {
        for (const staging& how : all_stagings()) {
            const outcome o = stage(s, how).run({});
            EXPECT_TRUE(o.aborted.empty()) << s.name;
            EXPECT_GT(o.handlers, 10U) << s.name;
        }
    }
}

/// What was aborted anywhere.
std::set<std::string> cancel_everywhere(disturbance what) {
    std::set<std::string> aborted;
    for (const script& s : all_scripts()) {
        for (const staging& how : all_stagings()) {
            aborted.merge(disturb_everywhere(s, how, what));
            if (testing::Test::HasFailure()) return aborted;
        }
    }
    return aborted;
}

const std::set<std::string> ops_but_requests{"barrier",    "broken rtt", "close",     "collect",
                                             "connect",    "drain",      "flush",     "next",
                                             "next reply", "next_into",  "range next",
                                             "publish_when_room", "rtt", "run", "wait_connected"};

std::set<std::string> and_requests(std::set<std::string> all) {
    all.insert({"request", "request_into", "request_by_inbox", "broken request"});
    return all;
}

TEST(asio_disturbed, terminal_cancellation) {
    EXPECT_EQ(cancel_everywhere(disturbance::cancel_terminal), and_requests(ops_but_requests));
}

TEST(asio_disturbed, partial_cancellation) {
    EXPECT_EQ(cancel_everywhere(disturbance::cancel_partial), and_requests(ops_but_requests));
}

TEST(asio_disturbed, total_cancellation_does_not_end_requests) {
    EXPECT_EQ(cancel_everywhere(disturbance::cancel_total), ops_but_requests);
}

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: each script is run with the end of the client, of the subscriptions or of
// the execution context at every place. All handlers are called once or destroyed, nothing of the
// user's is called afterwards, the context runs out of work, and ASan finds neither leak nor use of
// what is gone.

#include "asio/scripts.hpp"

#include <gtest/gtest.h>

namespace nats::test {
namespace {

void everywhere(disturbance what, places p = {}, bool owned = false) {
    for (const script& s : all_scripts()) {
        for (staging how : all_stagings()) {
            how.owned = owned;
            (void)disturb_everywhere(s, how, what, p);
            if (testing::Test::HasFailure()) return;
        }
    }
}

TEST(asio_disturbed, the_client_ends) {
    everywhere(disturbance::destroy_client);
}

TEST(asio_disturbed, the_subscriptions_end) {
    everywhere(disturbance::destroy_subscriptions);
}

TEST(asio_disturbed, the_context_ends_before_the_client) {
    everywhere(disturbance::destroy_context, {.inside_of_calls = false});
}

TEST(asio_disturbed, the_context_ends_with_a_client_that_its_operations_own) {
    everywhere(disturbance::destroy_context, {.inside_of_calls = false}, true);
}

TEST(asio_disturbed, handlers_throw) {
    everywhere(disturbance::throw_something, {.between_handlers = false});
}

} // namespace
} // namespace nats::test

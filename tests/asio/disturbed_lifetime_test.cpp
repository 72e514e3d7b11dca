// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: each script is run with the end of the client, of the subscriptions or of
// the execution context at every place. All handlers are called once or destroyed, nothing of the
// user's is called afterwards, the context runs out of work, and ASan finds neither leak nor use of
// what is gone.

#include "asio/disturbed.hpp"

#include <gtest/gtest.h>

namespace nats::test {
namespace {

class asio_disturbed_lifetime : public asio_disturbed {};

TEST_P(asio_disturbed_lifetime, the_client_ends) {
    everywhere(disturbance::destroy_client);
}

TEST_P(asio_disturbed_lifetime, the_subscriptions_end) {
    everywhere(disturbance::destroy_subscriptions);
}

TEST_P(asio_disturbed_lifetime, the_context_ends_before_the_client) {
    everywhere(disturbance::destroy_context, {.inside_of_calls = false});
}

TEST_P(asio_disturbed_lifetime, the_context_ends_with_a_client_that_its_operations_own) {
    everywhere(disturbance::destroy_context, {.inside_of_calls = false}, true);
}

INSTANTIATE_TEST_SUITE_P(asio, asio_disturbed_lifetime, testing::ValuesIn(all_scripts()),
                         script_name);

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: each script is run with an exception from every call of the user's:
// completion handlers, message handlers, `on_event`, `on_end`. It leaves `io_context::run`, and the
// next run goes on: what happens is the same, in the same order, as without it.

#include "asio/disturbed.hpp"

#include <gtest/gtest.h>

namespace nats::test {
namespace {

class asio_disturbed_exception : public asio_disturbed {};

TEST_P(asio_disturbed_exception, loses_and_repeats_nothing) {
    everywhere(disturbance::throw_something, {.between_handlers = false});
}

INSTANTIATE_TEST_SUITE_P(asio, asio_disturbed_exception, testing::ValuesIn(all_scripts()),
                         script_name);

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Proves that who waits for room to publish is let one mebibyte ahead of the network and not
// further, or as far as the limit of the output if that is less, and that publishing without
// waiting is not held up by it.

#include <natsproto/client/ops.hpp>
#include <natsproto/runtime.hpp>

#include "core/output_ahead.hpp"
#include "support/sim.hpp"

#include <gtest/gtest.h>

#include <string>

namespace nats::test {
namespace {

class ahead : public testing::Test {
protected:
    [[nodiscard]] op<result<void>> publish() {
        op<result<void>> o = ops::publish(net.runtime(), "a", payload, {}, {}, net.now() + 1s);
        o.start();
        return o;
    }
    /// Nothing is written meanwhile: time stands still.
    void fill() {
        while (net.session().untransmitted() < output_ahead) {
            op<result<void>> o = publish();
            ASSERT_TRUE(o.done());
            ASSERT_TRUE(o.take());
        }
    }
    void write_all_but(std::size_t left) {
        net.runtime().transmitted(net.session().untransmitted() - left);
    }
    const std::string payload = std::string(64 * 1024, 'x');
    connected_sim net;
};

TEST_F(ahead, waits_until_half_of_it_is_written) {
    fill();
    op<result<void>> waiting = publish();
    EXPECT_FALSE(waiting.done());
    write_all_but(output_ahead / 2 + 1);
    EXPECT_FALSE(waiting.done());
    write_all_but(output_ahead / 2);
    ASSERT_TRUE(waiting.done());
    EXPECT_TRUE(waiting.take());
}

TEST_F(ahead, says_timeout_when_nothing_is_written) {
    fill();
    op<result<void>> waiting = publish();
    net.runtime().handle_timeout(net.now() + 1s);
    ASSERT_TRUE(waiting.done());
    EXPECT_EQ(waiting.take().error(), errc::timeout);
}

TEST_F(ahead, publishing_without_waiting_goes_up_to_the_limit) {
    fill();
    while (net.session().untransmitted() < net.session().bounds().max_output_bytes)
        ASSERT_TRUE(net.session().publish("a", payload));
    EXPECT_EQ(net.session().publish("a", payload).error(), errc::output_full);
}

} // namespace
} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Proves what a publish into a stream allocates: in a window nothing, whether its answer is kept,
// told or both, also with headers and for streams with long names; one by one the copy that it
// keeps, and the name in its answer if that is long.

#include <natsproto/jetstream/publish.hpp>
#include <natsproto/jetstream/publisher_state.hpp>

#include "alloc/allocations.hpp"
#include "support/fed_session.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nats::test {
namespace {

constexpr std::string_view short_name = "S";
constexpr std::string_view long_name = "a-stream-with-quite-a-long-name";

class js_publish_allocations : public testing::TestWithParam<std::string_view> {};
INSTANTIATE_TEST_SUITE_P(names, js_publish_allocations, testing::Values(short_name, long_name));

TEST_P(js_publish_allocations, none_in_a_window) {
    for (const std::uint32_t kept : {0U, 10U}) {
        acknowledging net(GetParam());
        std::size_t told = 0;
        const auto tell = [](void* count, js::publish_ticket /*t*/, const result<js::pub_ack>& r) {
            if (r && r->seq == 12345) ++*static_cast<std::size_t*>(count);
        };
        js::publisher_state publisher({.max_pending = 4, .keep_results = kept}, tell, &told);
        js::publish_options o;
        o.message_id = "an id that is not short";
        o.expected_last_sequence = 77;
        EXPECT_EQ(allocations_of([&] {
                      (void)publisher.try_publish(net.rt, "s", "payload", o);
                      net.take_output();
                      net.acknowledge("1");
                  }),
                  0U)
            << kept;
        EXPECT_EQ(told, static_cast<std::size_t>(warm_up + rounds));
    }
}

TEST_P(js_publish_allocations, the_copy_of_one_that_waits) {
    acknowledging net(GetParam());
    std::size_t stored = 0;
    const std::size_t name = GetParam() == long_name ? 1 : 0;
    EXPECT_EQ(allocations_of([&] {
                  op<result<js::pub_ack>> o = js::publish(
                      net.rt, js::publish_request::make("s", "payload", {.message_id = "1"}));
                  o.start();
                  net.take_output();
                  net.acknowledge("1");
                  if (o.done() && o.take()) ++stored;
              }),
              (1U + name) * rounds);
    EXPECT_EQ(stored, static_cast<std::size_t>(warm_up + rounds));
}

} // namespace
} // namespace nats::test

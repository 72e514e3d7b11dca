// SPDX-License-Identifier: Apache-2.0
//
// Proves what buffers keep and what they give back: a session whose host says that it is idle, and
// an output queue that is filled and emptied in bursts.

#include <natsproto/runtime.hpp>
#include <natsproto/session.hpp>
#include <natsproto/wire/output_queue.hpp>

#include "alloc/allocations.hpp"
#include "support/fed_session.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace nats::test {
namespace {

void ignore(std::string_view /*bytes*/) {}

TEST(shrink, a_session_gives_back_what_it_reads_into_and_writes_from) {
    fed_session f;
    const auto answer_ping = [&] {
        f.feed("PING\r\n");
        f.write(ignore);
    };
    EXPECT_EQ(allocations_of(answer_ping), 0U);
    EXPECT_EQ(allocations_of([&] {
                  f.s.shrink();
                  answer_ping();
              }),
              2U * rounds);
}

TEST(shrink, what_is_half_received_and_what_waits_to_be_written_stays) {
    fed_session f;
    mailbox box;
    ASSERT_TRUE(f.rt.subscribe(box, "x"));
    f.write(ignore);
    ASSERT_TRUE(f.s.publish("a", "waiting"));
    f.feed("MSG x 1 5\r\nhel");
    f.s.shrink();
    f.feed("lo\r\n");
    const result<std::optional<message_view>> m = f.rt.try_next(box);
    ASSERT_TRUE(m && *m);
    EXPECT_EQ((**m).payload, "hello");
    std::string written;
    f.write([&](std::string_view bytes) { written += bytes; });
    EXPECT_EQ(written, "PUB a 7\r\nwaiting\r\n");
}

/// A burst of so many full chunks, written in one go.
std::size_t allocations_of_bursts(std::size_t chunks) {
    wire::output_queue q;
    const std::string frame(wire::output_queue::chunk_size, 'x');
    return allocations_of([&] {
        for (std::size_t i = 0; i < chunks; ++i) q.append(frame);
        q.transmitted(q.size());
    });
}

TEST(shrink, an_output_queue_keeps_a_few_chunks) {
    EXPECT_EQ(allocations_of_bursts(1), 0U);
    EXPECT_EQ(allocations_of_bursts(wire::output_queue::most_spares), 0U);
    EXPECT_EQ(allocations_of_bursts(wire::output_queue::most_spares + 3), 2U * rounds)
        << "the spares, and the last one, which starts over in its place";
}

} // namespace
} // namespace nats::test

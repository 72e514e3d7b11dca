// SPDX-License-Identifier: Apache-2.0
//
// Taking an ended connection's queue apart needs no more memory than that queue once more, and
// little where chunks can be given up on the way; dropped frames need none. The C library says how
// much is in use, each time that the filter is asked.

#include <natsproto/wire/encoder.hpp>
#include <natsproto/wire/kept_frames.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string>

#include <malloc.h>

namespace nats {
namespace {

using wire::output_queue;

std::size_t bytes_in_use() {
    const struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

/// About 8 MB of frames with payloads of `size` bytes.
output_queue filled(std::size_t size, bool lent) {
    const std::string payload(size, 'p');
    output_queue q;
    while (q.size() < 8'000'000) {
        if (lent)
            wire::encode_pub_borrowed(q, "a", "", "", payload);
        else
            wire::encode_pub(q, "a", "", "", payload);
    }
    q.own_borrowed();
    return q;
}

/// The most that is in use while `q` is taken apart, beyond what was in use before.
std::size_t extra_memory(output_queue& q, bool keep) {
    struct observed {
        std::size_t most;
        bool keep;
    } all{bytes_in_use(), keep};
    const std::size_t before = all.most;
    output_queue kept;
    const wire::kept_frames k = wire::keep_unsent(
        q, kept,
        [](void* context, const wire::frame&) {
            auto& o = *static_cast<observed*>(context);
            o.most = std::max(o.most, bytes_in_use());
            return o.keep;
        },
        &all);
    EXPECT_GT(k.frames + k.refused, 0U);
    return all.most - before;
}

TEST(kept_frames_memory, is_about_one_frame_more_since_the_queue_shrinks_meanwhile) {
    // The chunks that the queue keeps as spares are freed only with it.
    constexpr std::size_t slack = (output_queue::most_spares + 2) * output_queue::chunk_size;
    for (const std::size_t size : {100U, 5000U, 20000U, 40000U, 200000U, 8000000U}) {
        for (const bool lent : {false, true}) {
            for (const bool keep : {false, true}) {
                output_queue q = filled(size, lent);
                EXPECT_LE(extra_memory(q, keep), size + slack)
                    << size << (lent ? " lent" : "") << (keep ? " kept" : " dropped");
            }
        }
    }
}

} // namespace
} // namespace nats

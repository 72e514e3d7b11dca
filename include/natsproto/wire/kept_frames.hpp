// SPDX-License-Identifier: Apache-2.0
//
// What is left of an output queue when its connection has ended: the publishes that did not reach
// the transport as a whole.

#pragma once

#include <natsproto/wire/output_queue.hpp>
#include <natsproto/wire/parser.hpp>

#include <cstddef>

namespace nats::wire {

/// Whether a frame is to be kept. Its views end with the call.
using frame_filter = bool (*)(void* context, const frame& f);

struct kept_frames {
    std::size_t frames = 0;  ///< appended
    std::size_t bytes = 0;   ///< of these
    std::size_t refused = 0; ///< frames that the filter dropped
};

/// Takes `ended` apart and appends to `kept`, in order and copied, each PUB and HPUB that was not
/// completely transmitted, from its first byte. Every other operation belongs to the connection and
/// is dropped. `ended` is empty then, and lent payloads are not looked at again.
///
/// Without a filter all are kept. A queue of kept frames can be filtered again, into another one.
/// Each piece is given up before the next is copied, so memory peaks at about the two queues
/// together.
kept_frames keep_unsent(output_queue& ended, output_queue& kept, frame_filter filter = nullptr,
                        void* context = nullptr);

} // namespace nats::wire

// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/wire/output_queue.hpp>

#include <array>
#include <cstddef>
#include <string>

namespace nats::bench {

/// All that a queue holds, which empties it.
inline std::string text_of(wire::output_queue& queue) {
    std::string out;
    std::array<const_buffer, 64> pieces;
    while (const std::size_t n = queue.gather(pieces)) {
        std::size_t size = 0;
        for (std::size_t i = 0; i < n; ++i) {
            out.append(pieces[i].data, pieces[i].size);
            size += pieces[i].size;
        }
        queue.transmitted(size);
    }
    return out;
}

} // namespace nats::bench

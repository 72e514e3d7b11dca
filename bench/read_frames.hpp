// SPDX-License-Identifier: Apache-2.0
//
// The least of a reader that looks at each frame.

#pragma once

#include "harness.hpp"
#include "limits.hpp"
#include "loopback_server.hpp"

#include <array>
#include <cstddef>
#include <string_view>

#include <sys/socket.h>

namespace nats::bench {

/// Reads frames until `on_frame(string_view)` returns false.
template <class OnFrame>
void read_frames(int fd, OnFrame on_frame) {
    std::array<char, block> buffer{};
    std::size_t held = 0;
    while (true) {
        const ssize_t n = ::recv(fd, buffer.data() + held, buffer.size() - held, 0);
        if (n <= 0) die("recv");
        std::string_view in(buffer.data(), held + static_cast<std::size_t>(n));
        while (const std::size_t size = frame_size(in)) {
            if (!on_frame(in.substr(0, size))) return;
            in.remove_prefix(size);
        }
        held = in.size();
        in.copy(buffer.data(), held);
    }
}

} // namespace nats::bench

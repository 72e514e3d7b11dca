// SPDX-License-Identifier: Apache-2.0
//
// The least of a reader that looks at each frame.

#pragma once

#include "harness.hpp"
#include "limits.hpp"
#include "loopback_server.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

#include <sys/socket.h>

namespace nats::bench {

/// Reads frames by `read(char*, size)` until `on_frame(string_view)` returns false. A frame has to
/// fit into half of the buffer.
template <class Read, class OnFrame>
void read_frames_by(Read read, OnFrame on_frame) {
    std::array<char, block> buffer{};
    std::size_t held = 0;
    while (true) {
        const std::size_t n = read(buffer.data() + held, buffer.size() - held);
        if (n == 0) die("the end of the connection");
        std::string_view in(buffer.data(), held + n);
        while (const std::size_t size = frame_size(in)) {
            if (!on_frame(in.substr(0, size))) return;
            in.remove_prefix(size);
        }
        held = in.size();
        std::memmove(buffer.data(), in.data(), held);
    }
}

/// The same from a socket.
template <class OnFrame>
void read_frames(int fd, OnFrame on_frame) {
    const auto read = [fd](char* into, std::size_t size) {
        const ssize_t n = ::recv(fd, into, size, 0);
        return n <= 0 ? std::size_t{0} : static_cast<std::size_t>(n);
    };
    read_frames_by(read, on_frame);
}

} // namespace nats::bench

// SPDX-License-Identifier: Apache-2.0
//
// The least of a reader that looks at each frame.

#pragma once

#include "harness.hpp"
#include "loopback_server.hpp"

#include <charconv>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include <sys/socket.h>

namespace nats::bench {

/// How long the frame at the front is, with its payload; 0: not all of it is there.
inline std::size_t frame_size(std::string_view in) {
    const std::size_t end = in.find('\n');
    if (end == std::string_view::npos) return 0;
    std::size_t digit = end - 1; // at the CR
    while (in[digit - 1] != ' ') --digit;
    std::size_t payload = 0;
    std::from_chars(in.data() + digit, in.data() + end - 1, payload);
    const std::size_t all = end + 1 + payload + 2;
    return in.size() < all ? 0 : all;
}

/// Calls `on_frame(string_view)` for each whole frame of the first `held` bytes until it returns
/// false, and moves what is left to the front: `held` is how much that is. False: it has stopped.
template <class OnFrame>
bool take_frames(std::span<char> buffer, std::size_t& held, OnFrame on_frame) {
    std::string_view in(buffer.data(), held);
    while (const std::size_t size = frame_size(in)) {
        if (!on_frame(in.substr(0, size))) return false;
        in.remove_prefix(size);
    }
    held = in.size();
    std::memmove(buffer.data(), in.data(), held);
    return true;
}

/// Reads by `read(char*, size)` until `on_frame` returns false. A frame with its line is no longer
/// than `largest`.
template <class Read, class OnFrame>
void read_frames_by(Read read, OnFrame on_frame, std::size_t largest = block / 2) {
    std::vector<char> buffer(block + largest);
    std::size_t held = 0;
    do {
        const std::size_t n = read(buffer.data() + held, buffer.size() - held);
        if (n == 0) die("the end of the connection");
        held += n;
    } while (take_frames(buffer, held, on_frame));
}

/// The same from a socket.
template <class OnFrame>
void read_frames(int fd, OnFrame on_frame, std::size_t largest = block / 2) {
    const auto read = [fd](char* into, std::size_t size) {
        const ssize_t n = ::recv(fd, into, size, 0);
        return n <= 0 ? std::size_t{0} : static_cast<std::size_t>(n);
    };
    read_frames_by(read, on_frame, largest);
}

} // namespace nats::bench

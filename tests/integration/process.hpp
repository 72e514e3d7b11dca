// SPDX-License-Identifier: Apache-2.0
//
// What the kernel says about this process.

#pragma once

#include <cstddef>
#include <string>

#include <sys/types.h>

namespace nats::test {

[[nodiscard]] std::size_t open_descriptors();
[[nodiscard]] std::size_t threads();
/// Address space in use: it grows with what is asked for, touched or not.
[[nodiscard]] std::size_t virtual_bytes();

/// Whether a thread of this process sleeps in the kernel, as in poll(2).
[[nodiscard]] bool is_asleep(pid_t thread);
[[nodiscard]] pid_t this_thread();

/// How often the library handed bytes to the kernel, since the process began.
[[nodiscard]] std::size_t write_calls() noexcept;

} // namespace nats::test

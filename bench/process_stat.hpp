// SPDX-License-Identifier: Apache-2.0
//
// What the kernel says about another process.

#pragma once

#include "harness.hpp"

#include <cstddef>
#include <fstream>
#include <string>

#include <sys/types.h>
#include <time.h> // NOLINT(modernize-deprecated-headers): POSIX
#include <unistd.h>

namespace nats::bench {

/// User and system time so far, all threads, to the nanosecond: /proc/PID/stat counts ticks.
[[nodiscard]] inline double cpu_seconds_of(pid_t pid) {
    clockid_t its = 0;
    timespec t{};
    if (::clock_getcpuclockid(pid, &its) != 0 || ::clock_gettime(its, &t) != 0) die("CPU time");
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

/// Resident memory in bytes.
[[nodiscard]] inline double memory_of(pid_t pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/statm");
    std::size_t all = 0;
    std::size_t resident = 0;
    if (!(in >> all >> resident)) die("statm");
    return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

} // namespace nats::bench

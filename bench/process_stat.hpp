// SPDX-License-Identifier: Apache-2.0
//
// What the kernel says about another process.

#pragma once

#include "harness.hpp"

#include <cstdio>
#include <fstream>
#include <string>

#include <sys/types.h>
#include <unistd.h>

namespace nats::bench {

inline std::string line_of_proc(pid_t pid, const char* what) {
    std::ifstream in("/proc/" + std::to_string(pid) + '/' + what);
    std::string line;
    std::getline(in, line);
    return line;
}

/// User and system time so far, all threads.
[[nodiscard]] inline double cpu_seconds_of(pid_t pid) {
    std::string text = line_of_proc(pid, "stat");
    text.erase(0, text.rfind(')') + 2); // its name may hold anything
    unsigned long user = 0;
    unsigned long system = 0;
    if (std::sscanf(text.c_str(), "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                    &system) != 2)
        die("stat");
    return static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

/// Resident memory in bytes.
[[nodiscard]] inline double memory_of(pid_t pid) {
    unsigned long pages = 0;
    if (std::sscanf(line_of_proc(pid, "statm").c_str(), "%*u %lu", &pages) != 1) die("statm");
    return static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

} // namespace nats::bench

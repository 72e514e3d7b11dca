// SPDX-License-Identifier: Apache-2.0
//
// What a process holds and does: memory, threads, address space, wake-ups.

#pragma once

#include "harness.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <string>

#include <malloc.h>
#include <sys/resource.h>

namespace nats::bench {

/// The figures of this process at one time.
struct process_usage {
    double memory;  ///< bytes of malloc that are in use
    double threads; ///< all of them
    double space;   ///< bytes of address space

    [[nodiscard]] static process_usage now() {
        const struct mallinfo2 m = ::mallinfo2();
        process_usage out{static_cast<double>(m.uordblks + m.hblkhd), 0, 0};
        std::ifstream status("/proc/self/status");
        for (std::string key; status >> key;) {
            if (key == "Threads:") status >> out.threads;
            if (key == "VmSize:") {
                status >> out.space;
                out.space *= 1024;
            }
        }
        if (out.threads == 0 || out.space == 0) die("/proc/self/status");
        return out;
    }

    /// What has come since `before`, memory for each of `n`, all but `known` bytes of it.
    [[nodiscard]] figures since(const process_usage& before, std::size_t n,
                                std::size_t known = 0) const {
        const double each = (memory - before.memory) / static_cast<double>(n);
        return {{"memory", "B", each - static_cast<double>(known)},
                {"threads", "", threads - before.threads},
                {"address space", "MB", (space - before.space) / 1e6}};
    }
};

/// How often a thread of this process was woken, from here on.
class wakeup_meter {
public:
    [[nodiscard]] figure per_second() const {
        const std::chrono::duration<double> t = std::chrono::steady_clock::now() - begin_;
        return {"wake-ups", "/s", static_cast<double>(switches() - before_) / t.count()};
    }

private:
    /// Voluntary ones: a thread has waited for something.
    static long switches() {
        rusage u{};
        ::getrusage(RUSAGE_SELF, &u);
        return u.ru_nvcsw;
    }

    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
    long before_ = switches();
};

/// As many open files as the system lets this process have, and its children.
[[nodiscard]] inline std::size_t raise_file_limit(std::size_t wanted) {
    rlimit l{};
    if (::getrlimit(RLIMIT_NOFILE, &l) != 0) die("getrlimit");
    rlimit more{std::max<rlim_t>(l.rlim_cur, wanted), std::max<rlim_t>(l.rlim_max, wanted)};
    if (::setrlimit(RLIMIT_NOFILE, &more) == 0) return wanted;
    more = {l.rlim_max, l.rlim_max}; // raising the hard limit is not for everybody
    if (::setrlimit(RLIMIT_NOFILE, &more) != 0) die("setrlimit");
    return l.rlim_max;
}

} // namespace nats::bench

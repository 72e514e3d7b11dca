// SPDX-License-Identifier: Apache-2.0
//
// Waiting for a condition instead of sleeping in the hope that it holds.

#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace nats::test {

/// Looks at `holds` until it is true; false when it was not in time.
template <class Condition>
[[nodiscard]] bool wait_until(Condition holds, std::chrono::steady_clock::duration patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!holds()) {
        if (std::chrono::steady_clock::now() >= deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

/// What one thread tells another, once.
class flag {
public:
    void raise() {
        const std::lock_guard lock(mutex_);
        raised_ = true;
        changed_.notify_all();
    }
    /// False when it was not raised in time.
    [[nodiscard]] bool wait(std::chrono::steady_clock::duration patience) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, [this] { return raised_; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool raised_ = false;
};

/// How long something took.
class stopwatch {
public:
    using clock = std::chrono::steady_clock;
    [[nodiscard]] clock::duration elapsed() const { return clock::now() - start_; }

private:
    clock::time_point start_ = clock::now();
};

} // namespace nats::test

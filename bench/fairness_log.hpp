// SPDX-License-Identifier: Apache-2.0
//
// What a reader notes that has a flood and something beside it: how late the single messages come,
// how much of the flood there was meanwhile. The flood and what is beside it may be noted by two
// threads, and a third may look whether it is done.

#pragma once

#include "flood_server.hpp"
#include "harness.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace nats::bench {

class fairness_log {
public:
    explicit fairness_log(std::size_t n) : wanted_(n), late_(n) {}

    void on_flood() { add_one(flood_); }
    /// For those whose flood nobody reads: what was queued.
    void flooded(std::uint64_t n) { flood_ = n; }

    /// None may be missing, and they come in order.
    void on_tick(std::string_view payload) {
        const std::uint64_t now = nanoseconds_now();
        const tick t = tick::of(payload);
        if (t.number != seen_) die("a tick is missing");
        if (t.number < wanted_) late_.add(std::chrono::nanoseconds(now - t.sent));
        add_one(seen_);
    }
    /// A request, from here to `on_reply`.
    void begin() { late_.begin(); }
    void on_reply() {
        late_.lap();
        add_one(seen_);
    }

    [[nodiscard]] std::uint64_t singles() const noexcept { return seen_; }
    /// Enough were seen, or time is up: who is slow has fewer.
    [[nodiscard]] bool done() const {
        if (seen_ >= wanted_) return true;
        if (std::chrono::steady_clock::now() - start_ < patience) return false;
        if (seen_ < 20) die("starved");
        return true;
    }
    /// Delays, then CPU and rate of the flood, and how much of it was dropped. Nobody must note
    /// anything any more.
    [[nodiscard]] figures result(std::uint64_t dropped) const {
        figures out = late_.quantiles();
        const std::uint64_t flood = flood_;
        if (flood + dropped == 0) return out; // an idle connection
        for (figure& f : meter_.cpu_and_rate(flood + dropped)) out.push_back(std::move(f));
        const auto lost = static_cast<double>(dropped);
        out.push_back({"dropped", "%", 100 * lost / (static_cast<double>(flood) + lost)});
        return out;
    }

private:
    static constexpr auto patience = std::chrono::seconds(3);

    /// Of one thread's own: nobody else writes to it.
    static void add_one(std::atomic<std::uint64_t>& n) {
        n.store(n.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }

    std::size_t wanted_;
    lap_times late_;
    std::atomic<std::uint64_t> seen_ = 0;
    std::atomic<std::uint64_t> flood_ = 0;
    meter meter_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

} // namespace nats::bench

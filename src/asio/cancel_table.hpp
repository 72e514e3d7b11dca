// SPDX-License-Identifier: Apache-2.0
//
// Names for operations that can be cancelled. What cancels may run in another thread and come too
// late, so it has a name that finds nothing any more, and not a pointer.

#pragma once

#include <natsproto/asio/detail/operation.hpp>

#include <cstdint>
#include <mutex>
#include <vector>

namespace nats::aio::detail {

/// Thread-safe; what `find` returns is safe to use on the driver's executor only.
class cancel_table {
public:
    [[nodiscard]] std::uint64_t add(operation_base& o) {
        const std::lock_guard lock(mutex_);
        if (free_ == 0) {
            slots_.push_back({});
            free_ = static_cast<std::uint32_t>(slots_.size());
        }
        const std::uint32_t number = free_;
        slot& s = slots_[number - 1];
        free_ = s.next_free;
        s.operation = &o;
        return (std::uint64_t{s.generation} << 32U) | number;
    }
    void remove(std::uint64_t id) noexcept {
        const std::lock_guard lock(mutex_);
        const auto number = static_cast<std::uint32_t>(id);
        slot& s = slots_[number - 1];
        s.operation = nullptr;
        ++s.generation; // wraps after four thousand million uses of one slot
        s.next_free = free_;
        free_ = number;
    }
    [[nodiscard]] operation_base* find(std::uint64_t id) noexcept {
        const std::lock_guard lock(mutex_);
        const slot& s = slots_[static_cast<std::uint32_t>(id) - 1];
        return s.generation == id >> 32U ? s.operation : nullptr;
    }

private:
    struct slot {
        operation_base* operation = nullptr;
        std::uint32_t generation = 0;
        std::uint32_t next_free = 0;
    };
    std::mutex mutex_;
    std::vector<slot> slots_;
    std::uint32_t free_ = 0; ///< index + 1
};

} // namespace nats::aio::detail

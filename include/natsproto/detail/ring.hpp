// SPDX-License-Identifier: Apache-2.0
//
// A queue in one growing block: unlike std::deque it allocates nothing while its size stays below
// what it once was.

#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace nats::detail {

template <class T>
class ring {
public:
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] T& front() noexcept { return slots_[head_]; }
    [[nodiscard]] const T& front() const noexcept { return slots_[head_]; }

    /// From the front.
    [[nodiscard]] T& operator[](std::size_t i) noexcept {
        return slots_[(head_ + i) % slots_.size()];
    }

    void push_back(T value) {
        if (size_ == slots_.size()) grow();
        slots_[(head_ + size_) % slots_.size()] = std::move(value);
        ++size_;
    }
    T pop_front() {
        T value = std::move(slots_[head_]);
        head_ = (head_ + 1) % slots_.size();
        --size_;
        return value;
    }
    void clear() noexcept { head_ = size_ = 0; }

private:
    void grow() {
        std::vector<T> larger(slots_.empty() ? 4 : slots_.size() * 2);
        for (std::size_t i = 0; i < size_; ++i)
            larger[i] = std::move(slots_[(head_ + i) % slots_.size()]);
        slots_ = std::move(larger);
        head_ = 0;
    }

    std::vector<T> slots_;
    std::size_t head_ = 0;
    std::size_t size_ = 0;
};

} // namespace nats::detail

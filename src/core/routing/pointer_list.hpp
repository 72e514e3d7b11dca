// SPDX-License-Identifier: Apache-2.0
//
// A vector of pointers for lists of which most have one element: that one needs no allocation.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>
#include <span>

namespace nats::routing {

template <class T>
class pointer_list {
public:
    pointer_list() noexcept : one_(nullptr) {}
    pointer_list(const pointer_list&) = delete;
    pointer_list& operator=(const pointer_list&) = delete;
    ~pointer_list() {
        if (capacity_ != 1) std::free(static_cast<void*>(many_));
    }

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::span<T* const> all() const noexcept { return {data(), size_}; }

    void push_back(T* p) {
        if (size_ == capacity_) grow();
        data()[size_++] = p;
    }
    /// The last one takes the place of the one at `at`. Returns it, or null if it was that one.
    T* erase(std::size_t at) noexcept {
        T* const last = data()[--size_];
        const bool moved = at != size_;
        if (moved) data()[at] = last;
        if (capacity_ > 4 && size_ <= capacity_ / 4) resize(capacity_ / 2);
        return moved ? last : nullptr;
    }

private:
    [[nodiscard]] T** data() noexcept { return capacity_ == 1 ? &one_ : many_; }
    [[nodiscard]] T* const* data() const noexcept { return capacity_ == 1 ? &one_ : many_; }

    void grow() {
        if (capacity_ > std::numeric_limits<std::uint32_t>::max() / 2) throw std::bad_alloc();
        if (capacity_ != 1) {
            if (!resize(capacity_ * 2)) throw std::bad_alloc();
            return;
        }
        constexpr std::uint32_t first = 4;
        auto* const array = static_cast<T**>(std::malloc(first * sizeof(T*)));
        if (array == nullptr) throw std::bad_alloc();
        array[0] = one_;
        many_ = array;
        capacity_ = first;
    }
    bool resize(std::uint32_t capacity) noexcept {
        auto* const array =
            static_cast<T**>(std::realloc(static_cast<void*>(many_), capacity * sizeof(T*)));
        if (array == nullptr) return false;
        many_ = array;
        capacity_ = capacity;
        return true;
    }

    union {
        T* one_;   ///< while the capacity is 1
        T** many_; ///< otherwise
    };
    std::uint32_t size_ = 0;
    std::uint32_t capacity_ = 1;
};

} // namespace nats::routing

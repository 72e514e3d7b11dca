// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: sizes are rounded up to a multiple of `step`; each class has a list of free
// frames, of which a bounded number is kept. A header in front of the frame says which pool it came
// from, since a frame is freed without knowing.

#include <natsproto/detail/frame_pool.hpp>

#include <natsproto/op.hpp>
#include <natsproto/runtime.hpp>

#include <cassert>
#include <cstdlib>
#include <new>

namespace nats::detail {

struct alignas(std::max_align_t) frame_pool::header {
    frame_pool* owner;
    header* next;
};

frame_pool::~frame_pool() {
    assert(in_use_ == 0 && "an op outlives its runtime");
    for (header* h : free_) {
        while (h != nullptr) {
            header* next = h->next;
            std::free(h);
            h = next;
        }
    }
}

void* frame_pool::allocate(std::size_t size) {
    const std::size_t c = (size + step - 1) / step;
    header* h = nullptr;
    if (c < classes && free_[c] != nullptr) {
        h = free_[c];
        free_[c] = h->next;
        --kept_[c];
    } else {
        void* memory = std::malloc(sizeof(header) + c * step);
        if (memory == nullptr) throw std::bad_alloc();
        h = ::new (memory) header;
    }
    h->owner = this;
    ++in_use_;
    return h + 1;
}

void frame_pool::deallocate(void* frame, std::size_t size) noexcept {
    header* h = static_cast<header*>(frame) - 1;
    frame_pool& pool = *h->owner;
    --pool.in_use_;
    const std::size_t c = (size + step - 1) / step;
    if (c >= classes || pool.kept_[c] == kept_of_a_class) {
        std::free(h);
        return;
    }
    h->next = pool.free_[c];
    pool.free_[c] = h;
    ++pool.kept_[c];
}

void* allocate_frame(runtime& rt, std::size_t size) {
    return rt.frames_.allocate(size);
}
void free_frame(void* frame, std::size_t size) noexcept {
    frame_pool::deallocate(frame, size);
}

} // namespace nats::detail

// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// A list of chunks, each with a start (what was transmitted) and an end (what was written). New
// frames go behind the end of the last chunk; when one does not fit, a new chunk follows. A chunk
// that is drained goes to `spare_`, or is reset in place when it is the only one, so a steady
// stream of publishes allocates nothing. A borrowed piece is a chunk without memory of its own,
// that points at the caller's.

#include <natsproto/wire/output_queue.hpp>

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace nats::wire {

struct output_queue::chunk {
    chunk* next;
    char* data;           ///< the memory behind this header, or the caller's when borrowed
    std::size_t capacity; ///< 0 when borrowed: nothing can be added
    std::size_t begin;
    std::size_t end;

    [[nodiscard]] char* own_memory() noexcept { return reinterpret_cast<char*>(this + 1); }
    [[nodiscard]] bool borrowed() const noexcept { return capacity == 0; }
    [[nodiscard]] std::size_t held() const noexcept { return end - begin; }
};

output_queue::output_queue(output_queue&& other) noexcept
    : head_(std::exchange(other.head_, nullptr)),
      tail_(std::exchange(other.tail_, nullptr)),
      spare_(std::exchange(other.spare_, nullptr)),
      spare_piece_(std::exchange(other.spare_piece_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      borrowed_(std::exchange(other.borrowed_, 0)) {}

output_queue& output_queue::operator=(output_queue&& other) noexcept {
    output_queue taken(std::move(other));
    std::swap(head_, taken.head_);
    std::swap(tail_, taken.tail_);
    std::swap(spare_, taken.spare_);
    std::swap(spare_piece_, taken.spare_piece_);
    std::swap(size_, taken.size_);
    std::swap(borrowed_, taken.borrowed_);
    return *this;
}

output_queue::~output_queue() {
    free_all();
}

void output_queue::free_all() noexcept {
    while (head_ != nullptr) std::free(std::exchange(head_, head_->next));
    std::free(std::exchange(spare_, nullptr));
    std::free(std::exchange(spare_piece_, nullptr));
    tail_ = nullptr;
    size_ = borrowed_ = 0;
}

void output_queue::clear() noexcept {
    free_all();
}

output_queue::chunk* output_queue::allocate(std::size_t capacity) {
    if (spare_ != nullptr && spare_->capacity >= capacity) return std::exchange(spare_, nullptr);
    void* memory = std::malloc(sizeof(chunk) + capacity);
    if (memory == nullptr) throw std::bad_alloc();
    auto* c = ::new (memory) chunk{nullptr, nullptr, capacity, 0, 0};
    c->data = c->own_memory();
    return c;
}

void output_queue::push(chunk* c) noexcept {
    c->next = nullptr;
    if (tail_ != nullptr)
        tail_->next = c;
    else
        head_ = c;
    tail_ = c;
}

void output_queue::recycle(chunk* c) noexcept {
    c->begin = c->end = 0;
    // One chunk of the regular size is kept; a larger one served a large frame and goes back.
    const bool keep =
        c->capacity <= chunk_size && (spare_ == nullptr || spare_->capacity < c->capacity);
    if (!keep) {
        std::free(c);
        return;
    }
    std::free(std::exchange(spare_, c));
}

void output_queue::recycle_piece(chunk* c) noexcept {
    --borrowed_;
    std::free(std::exchange(spare_piece_, c));
}

char* output_queue::reserve(std::size_t n) {
    if (tail_ != nullptr && tail_->capacity - tail_->end >= n && !tail_->borrowed())
        return tail_->data + tail_->end;
    const std::size_t regular = head_ == nullptr ? first_chunk_size : chunk_size;
    push(allocate(std::max(n, regular)));
    return tail_->data;
}

void output_queue::commit(std::size_t n) noexcept {
    assert(tail_ != nullptr && n <= tail_->capacity - tail_->end);
    tail_->end += n;
    size_ += n;
}

void output_queue::append(std::string_view text) {
    std::memcpy(reserve(text.size()), text.data(), text.size());
    commit(text.size());
}

void output_queue::append_borrowed(bytes data) {
    if (data.empty()) return;
    void* memory = std::exchange(spare_piece_, nullptr);
    if (memory == nullptr) memory = std::malloc(sizeof(chunk));
    if (memory == nullptr) throw std::bad_alloc();
    // The memory behind is only read: gather() hands it out as const.
    push(::new (memory)
             chunk{nullptr, const_cast<char*>(data.data()), 0, 0, data.size()}); // NOLINT
    size_ += data.size();
    ++borrowed_;
}

void output_queue::own_borrowed() {
    if (borrowed_ == 0) return;
    chunk* before = nullptr;
    for (chunk* c = head_; c != nullptr; before = c, c = c->next) {
        if (!c->borrowed()) continue;
        chunk* copy = allocate(std::max(c->held(), std::size_t{1}));
        std::memcpy(copy->data, c->data + c->begin, c->held());
        copy->begin = 0;
        copy->end = c->held();
        copy->next = c->next;
        (before != nullptr ? before->next : head_) = copy;
        if (tail_ == c) tail_ = copy;
        recycle_piece(c);
        c = copy;
    }
}

std::size_t output_queue::gather(std::span<const_buffer> out) const noexcept {
    std::size_t n = 0;
    for (const chunk* c = head_; c != nullptr && n != out.size(); c = c->next) {
        if (c->held() != 0) out[n++] = {c->data + c->begin, c->held()};
    }
    return n;
}

void output_queue::transmitted(std::size_t n) noexcept {
    assert(n <= size_);
    size_ -= n;
    while (head_ != nullptr) {
        const std::size_t part = std::min(n, head_->held());
        head_->begin += part;
        n -= part;
        if (head_->held() != 0) return;
        if (head_ == tail_ && !head_->borrowed() && head_->capacity <= chunk_size) {
            head_->begin = head_->end = 0; // the only chunk: start over in place
            return;
        }
        chunk* drained = std::exchange(head_, head_->next);
        if (head_ == nullptr) tail_ = nullptr;
        if (drained->borrowed()) {
            recycle_piece(drained);
        } else {
            recycle(drained);
        }
    }
}

} // namespace nats::wire

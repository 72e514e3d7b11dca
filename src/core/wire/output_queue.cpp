// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// A list of chunks, each with a start (what was transmitted) and an end (what was written). New
// frames go behind the end of the last chunk; when one does not fit, a new chunk follows. A chunk
// that is drained goes to `spare_`, or is reset in place when it is the only one, so a steady
// stream of publishes allocates nothing. A borrowed piece is a chunk without memory of its own,
// that points at the caller's. A secret is a chunk that is exactly full, so that nothing joins it.
//
// Nothing of a frame is given up before all of it is transmitted, since it is sent again from its
// first byte when the connection ends in the middle. Within a chunk that comes by itself. A frame
// with a borrowed payload goes on in the chunks behind, which count these bytes (`continued`); a
// drained chunk stays at the head of the list until the bytes that continue its last frame are
// drained too. That is at most the chunk with the frame's control line, and its payload.

#include <natsproto/wire/output_queue.hpp>

#include <natsproto/secret.hpp>

#include "core/text/ascii.hpp"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace nats::wire {

struct output_queue::chunk {
    enum class kind : std::uint8_t { own, borrowed, secret };

    chunk* next;
    char* data;           ///< the memory behind this header, or the caller's when borrowed
    std::size_t capacity; ///< `end` when borrowed or secret: nothing can be added
    std::size_t begin;
    std::size_t end;
    std::size_t continued; ///< bytes at the front that belong to a frame begun in a chunk before
    kind what;

    [[nodiscard]] char* own_memory() noexcept { return reinterpret_cast<char*>(this + 1); }
    [[nodiscard]] std::size_t held() const noexcept { return end - begin; }
    void restart() noexcept { begin = end = continued = 0; }

    /// Whether the last frame that begins here is transmitted, when everything here is.
    [[nodiscard]] bool complete() const noexcept {
        for (const chunk* c = next; c != nullptr && c->continued != 0; c = c->next) {
            if (c->begin < c->continued) return false;
            if (c->end != c->continued) return true;
        }
        return true;
    }
};

output_queue::output_queue(output_queue&& other) noexcept
    : head_(std::exchange(other.head_, nullptr)),
      tail_(std::exchange(other.tail_, nullptr)),
      spare_(std::exchange(other.spare_, nullptr)),
      spare_piece_(std::exchange(other.spare_piece_, nullptr)),
      spares_(std::exchange(other.spares_, 0)),
      size_(std::exchange(other.size_, 0)),
      borrowed_(std::exchange(other.borrowed_, 0)) {}

output_queue& output_queue::operator=(output_queue&& other) noexcept {
    output_queue taken(std::move(other));
    std::swap(head_, taken.head_);
    std::swap(tail_, taken.tail_);
    std::swap(spare_, taken.spare_);
    std::swap(spare_piece_, taken.spare_piece_);
    std::swap(spares_, taken.spares_);
    std::swap(size_, taken.size_);
    std::swap(borrowed_, taken.borrowed_);
    return *this;
}

output_queue::~output_queue() {
    free_all();
}

void output_queue::free_all() noexcept {
    while (head_ != nullptr) destroy(std::exchange(head_, head_->next));
    free_spare();
    tail_ = nullptr;
    size_ = borrowed_ = 0;
}

void output_queue::free_spare() noexcept {
    free_spare_chunks();
    std::free(std::exchange(spare_piece_, nullptr));
}

void output_queue::free_spare_chunks() noexcept {
    while (spare_ != nullptr) std::free(std::exchange(spare_, spare_->next));
    spares_ = 0;
}

void output_queue::shrink() noexcept {
    if (empty()) return free_all();
    free_spare();
}

void output_queue::clear() noexcept {
    free_all();
}

output_queue::chunk* output_queue::make(std::size_t capacity) {
    void* memory = std::malloc(sizeof(chunk) + capacity);
    if (memory == nullptr) throw std::bad_alloc();
    auto* c = ::new (memory) chunk{nullptr, nullptr, capacity, 0, 0, 0, chunk::kind::own};
    c->data = c->own_memory();
    return c;
}

void output_queue::destroy(chunk* c) noexcept {
    if (c->what == chunk::kind::secret) wipe(std::span<char>(c->data, c->capacity));
    std::free(c);
}

output_queue::chunk* output_queue::allocate(std::size_t capacity) {
    if (spare_ == nullptr || spare_->capacity < capacity) return make(capacity);
    --spares_;
    return std::exchange(spare_, spare_->next);
}

void output_queue::push(chunk* c) noexcept {
    c->next = nullptr;
    if (tail_ != nullptr)
        tail_->next = c;
    else
        head_ = c;
    tail_ = c;
}

/// Takes the first chunk out of the list.
void output_queue::pop() noexcept {
    chunk* c = std::exchange(head_, head_->next);
    if (head_ == nullptr) tail_ = nullptr;
    switch (c->what) {
    case chunk::kind::own: return recycle(c);
    case chunk::kind::borrowed: return recycle_piece(c);
    case chunk::kind::secret: return destroy(c);
    }
}

void output_queue::recycle(chunk* c) noexcept {
    c->restart();
    // A few of the regular size are kept; a larger one served a large frame and goes back.
    const std::size_t kept = spare_ != nullptr ? spare_->capacity : 0;
    if (c->capacity > chunk_size || c->capacity < kept || spares_ == most_spares) {
        std::free(c);
        return;
    }
    if (c->capacity > kept) free_spare_chunks(); // smaller ones would not be used any more
    c->next = std::exchange(spare_, c);
    ++spares_;
}

void output_queue::recycle_piece(chunk* c) noexcept {
    --borrowed_;
    std::free(std::exchange(spare_piece_, c));
}

char* output_queue::reserve(std::size_t n) {
    if (tail_ != nullptr && tail_->capacity - tail_->end >= n) return tail_->data + tail_->end;
    // A secret stands where the connection begins: behind it too the first chunk is a small one.
    const bool first = tail_ == nullptr || tail_->what == chunk::kind::secret;
    push(allocate(std::max(n, first ? first_chunk_size : chunk_size)));
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

void output_queue::append_borrowed(bytes data, std::string_view rest) {
    if (!data.empty()) {
        void* memory = std::exchange(spare_piece_, nullptr);
        if (memory == nullptr) memory = std::malloc(sizeof(chunk));
        if (memory == nullptr) throw std::bad_alloc();
        // The memory behind is only read: gather() hands it out as const.
        auto* const lent = const_cast<char*>(data.data()); // NOLINT
        const std::size_t size = data.size();
        push(::new (memory) chunk{nullptr, lent, size, 0, size, size, chunk::kind::borrowed});
        size_ += size;
        ++borrowed_;
    }
    if (rest.empty()) return;
    const chunk* const before = tail_;
    append(rest);
    if (tail_ != before) tail_->continued = rest.size();
}

void output_queue::own_borrowed() {
    if (borrowed_ == 0) return;
    chunk* before = nullptr;
    for (chunk* c = head_; c != nullptr; before = c, c = c->next) {
        if (c->what != chunk::kind::borrowed) continue;
        chunk* copy = allocate(c->end); // what is transmitted too: it may be needed again
        std::memcpy(copy->data, c->data, c->end);
        copy->begin = c->begin;
        copy->end = c->end;
        copy->continued = c->continued;
        copy->next = c->next;
        (before != nullptr ? before->next : head_) = copy;
        if (tail_ == c) tail_ = copy;
        recycle_piece(c);
        c = copy;
    }
}

void output_queue::append_secret(std::initializer_list<std::string_view> parts) {
    std::size_t size = 0;
    for (const std::string_view part : parts) size += part.size();
    if (size == 0) return;
    chunk* c = make(size);
    c->what = chunk::kind::secret;
    char* p = c->data;
    for (const std::string_view part : parts) p = text::write_text(p, part);
    c->end = size;
    push(c);
    size_ += size;
}

void output_queue::append(output_queue&& other) noexcept {
    if (other.empty() || &other == this) return;
    (tail_ != nullptr ? tail_->next : head_) = std::exchange(other.head_, nullptr);
    tail_ = std::exchange(other.tail_, nullptr);
    size_ += std::exchange(other.size_, 0);
    borrowed_ += std::exchange(other.borrowed_, 0);
}

std::size_t output_queue::gather(std::span<const_buffer> out, std::size_t skip) const noexcept {
    std::size_t n = 0;
    const chunk* c = head_;
    if (skip != 0 && !out.empty()) {
        for (; c != nullptr && c->held() <= skip; c = c->next) skip -= c->held();
        if (c == nullptr) return 0;
        out[n++] = {c->data + c->begin + skip, c->held() - skip};
        c = c->next;
    }
    for (; c != nullptr && n != out.size(); c = c->next) {
        if (c->held() != 0) out[n++] = {c->data + c->begin, c->held()};
    }
    return n;
}

void output_queue::transmitted(std::size_t n) noexcept {
    assert(n <= size_);
    size_ -= n;
    if (size_ == 0) return drained();
    for (chunk* c = head_; c != nullptr && n != 0; c = c->next) {
        const std::size_t part = std::min(n, c->held());
        c->begin += part;
        n -= part;
    }
    while (head_ != nullptr && head_->held() == 0 && head_->complete()) pop();
}

void output_queue::drained() noexcept {
    while (head_ != nullptr) {
        if (head_ == tail_ && head_->what == chunk::kind::own && head_->capacity <= chunk_size) {
            head_->restart(); // the only chunk: start over in place
            return;
        }
        pop();
    }
}

bool output_queue::oldest(piece& out) const noexcept {
    if (head_ == nullptr) return false;
    out = {{head_->data, head_->end},
           head_->begin,
           head_->continued,
           head_->what == chunk::kind::secret};
    return true;
}

void output_queue::drop_oldest() noexcept {
    size_ -= head_->held();
    pop();
}

} // namespace nats::wire

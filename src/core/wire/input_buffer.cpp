// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
//   block_        begin_            end_                 capacity_
//   | consumed .... | data .......... | free ............. | spare |
//
// Most reads leave at most a part of one frame behind, which prepare() moves to the front: that is
// cheap and keeps one contiguous block. When the data fills the block, the block grows by doubling,
// but not past the frame at its front, whose size the parser knows: memory follows what was
// received, never what a size on a control line promised. Growth uses realloc, which for large
// blocks moves pages and copies nothing. A block that grew for one large message is given back once
// it is empty.

#include <natsproto/wire/input_buffer.hpp>

#include <natsproto/secret.hpp>

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace nats::wire {

input_buffer::input_buffer(input_buffer&& other) noexcept
    : block_(std::exchange(other.block_, nullptr)),
      capacity_(std::exchange(other.capacity_, 0)),
      begin_(std::exchange(other.begin_, 0)),
      end_(std::exchange(other.end_, 0)),
      filled_(std::exchange(other.filled_, false)),
      secret_(std::exchange(other.secret_, false)) {}

input_buffer& input_buffer::operator=(input_buffer&& other) noexcept {
    input_buffer taken(std::move(other));
    std::swap(block_, taken.block_);
    std::swap(capacity_, taken.capacity_);
    std::swap(begin_, taken.begin_);
    std::swap(end_, taken.end_);
    std::swap(filled_, taken.filled_);
    std::swap(secret_, taken.secret_);
    return *this;
}

input_buffer::~input_buffer() {
    if (secret_) nats::wipe(std::span<char>(block_, capacity_));
    std::free(block_);
}

void input_buffer::resize_block(std::size_t capacity) {
    void* grown = secret_ ? std::malloc(capacity + spare) : std::realloc(block_, capacity + spare);
    if (grown == nullptr) throw std::bad_alloc();
    if (secret_ && block_ != nullptr) {
        std::memcpy(grown, block_, end_); // never smaller than what it holds
        nats::wipe(std::span<char>(block_, capacity_));
        std::free(block_);
    }
    block_ = static_cast<char*>(grown);
    capacity_ = capacity;
    std::memset(block_ + capacity, 0, spare);
}

void input_buffer::compact() noexcept {
    if (begin_ == 0) return;
    if (end_ != begin_) std::memmove(block_, block_ + begin_, end_ - begin_);
    if (secret_) nats::wipe(std::span<char>(block_ + (end_ - begin_), begin_));
    end_ -= begin_;
    begin_ = 0;
}

std::span<char> input_buffer::prepare(std::size_t at_least, std::size_t wanted) {
    at_least = std::max<std::size_t>(at_least, 1);
    const std::size_t held = size();
    if (held == 0) {
        begin_ = end_ = 0;
        if (capacity_ > regular_size && at_least <= regular_size)
            resize_block(regular_size); // after a large message
    }
    if (filled_ && capacity_ < regular_size)
        resize_block(std::min(capacity_ * 2, regular_size)); // reads come full: make them larger
    filled_ = false;
    const std::size_t needed = std::max(wanted, held + at_least); // to hold the frame at the front
    // A part of a frame that is left over near the end would make the next read a small one.
    if (capacity_ - begin_ < needed || capacity_ - end_ < capacity_ / 2) compact();
    // Room for a useful read is made before the last byte is taken, but a block is never over twice
    // what it holds.
    if (capacity_ < held + at_least || (capacity_ < needed && capacity_ - end_ < capacity_ / 8)) {
        const std::size_t doubled = std::max({initial_size, 2 * held, held + at_least});
        resize_block(wanted > capacity_ ? std::max(std::min(doubled, wanted), held + at_least)
                                        : doubled);
    }
    return {block_ + end_, capacity_ - end_};
}

void input_buffer::commit(std::size_t n) noexcept {
    assert(n <= capacity_ - end_);
    end_ += n;
    filled_ = end_ == capacity_;
}

void input_buffer::consume(std::size_t n) noexcept {
    assert(n <= size());
    begin_ += n;
}

void input_buffer::clear() noexcept {
    begin_ = end_ = 0;
}

void input_buffer::poison_consumed(std::size_t n) noexcept {
    assert(n <= begin_);
    if (n != 0) std::memset(block_ + begin_ - n, 0xDD, n);
}

void input_buffer::wipe_consumed(std::size_t n) noexcept {
    assert(n <= begin_);
    nats::wipe(std::span<char>(block_ + begin_ - n, n));
}

void input_buffer::wipe() noexcept {
    nats::wipe(std::span<char>(block_, end_));
    clear();
}

void input_buffer::shrink() noexcept {
    if (size() != 0) return;
    std::free(std::exchange(block_, nullptr));
    capacity_ = begin_ = end_ = 0;
    filled_ = false;
}

} // namespace nats::wire

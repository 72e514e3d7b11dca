// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: memory behind the text is always 0, so that what is given up never needs
// more than the text itself wiped. Memory grows into a new block, never in place: the old one is
// wiped before the allocator, which leaves its content alone, gets it back.
//
// A plain memset before memory is freed is a dead store, and compilers remove it. They cannot know
// which function a volatile pointer points to, so the call through it stays.

#include <natsproto/secret.hpp>

#include <algorithm>
#include <cstring>
#include <functional>
#include <new>
#include <utility>

namespace nats {

namespace {

using set_function = void* (*)(void*, int, std::size_t);
set_function const volatile set_memory = std::memset;

void wipe_memory(void* memory, std::size_t size) noexcept {
    if (size != 0) (void)set_memory(memory, 0, size);
}

constexpr std::size_t min_capacity = 64;

} // namespace

void wipe(std::span<char> memory) noexcept {
    wipe_memory(memory.data(), memory.size());
}
void wipe(std::span<unsigned char> memory) noexcept {
    wipe_memory(memory.data(), memory.size());
}

secret::secret(std::string_view text) {
    append(text);
}

secret::secret(secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

secret& secret::operator=(secret&& other) noexcept {
    if (this == &other) return *this;
    release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
}

secret::~secret() {
    release();
}

void secret::release() noexcept {
    if (data_ == nullptr) return;
    clear();
    ::operator delete(data_);
    data_ = nullptr;
    capacity_ = 0;
}

void secret::clear() noexcept {
    wipe_memory(data_, size_);
    size_ = 0;
}

void secret::grow(std::size_t capacity) {
    if (capacity <= capacity_) return;
    capacity = std::max({capacity, min_capacity, 2 * capacity_});
    char* const grown = static_cast<char*>(::operator new(capacity));
    if (size_ != 0) std::memcpy(grown, data_, size_);
    std::memset(grown + size_, 0, capacity - size_);
    wipe_memory(data_, size_);
    ::operator delete(data_);
    data_ = grown;
    capacity_ = capacity;
}

void secret::assign(std::string_view text) {
    // A part of this secret fits without growing, so it stays where it is until it is moved.
    grow(text.size());
    if (!text.empty()) std::memmove(data_, text.data(), text.size());
    if (text.size() < size_) wipe_memory(data_ + text.size(), size_ - text.size());
    size_ = text.size();
}

void secret::append(std::string_view text) {
    if (text.empty()) return;
    // The order of unrelated pointers is defined for std::less alone.
    constexpr std::less<> before;
    const bool own =
        data_ != nullptr && !before(text.data(), data_) && before(text.data(), data_ + capacity_);
    const std::size_t offset = own ? static_cast<std::size_t>(text.data() - data_) : 0;
    grow(size_ + text.size());
    std::memcpy(data_ + size_, own ? data_ + offset : text.data(), text.size());
    size_ += text.size();
}

std::span<char> secret::resize(std::size_t n) {
    grow(n);
    if (n < size_) wipe_memory(data_ + n, size_ - n);
    size_ = n;
    return {data_, size_};
}

} // namespace nats

// SPDX-License-Identifier: Apache-2.0
//
// Text that nobody else may read: passwords, tokens, seeds. It is wiped when it ends, cannot be
// copied by accident, and is no stream's business.

#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace nats {

/// Overwrites memory with zeros in a way that no compiler leaves out.
void wipe(std::span<char> memory) noexcept;
void wipe(std::span<unsigned char> memory) noexcept;

/// Move-only. Memory that it outgrows or gives up is wiped first.
class secret {
public:
    secret() noexcept = default;
    explicit secret(std::string_view text);
    secret(secret&& other) noexcept;
    secret& operator=(secret&& other) noexcept;
    secret(const secret&) = delete;
    secret& operator=(const secret&) = delete;
    ~secret();

    [[nodiscard]] std::string_view view() const noexcept { return {data_, size_}; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    /// `text` may be a part of this secret.
    void assign(std::string_view text);
    void append(std::string_view text); ///< the same
    /// Makes it `n` bytes long; new ones are 0. The memory, to be written.
    std::span<char> resize(std::size_t n);
    void clear() noexcept;
    [[nodiscard]] secret clone() const { return secret(view()); }

private:
    void grow(std::size_t capacity);
    void release() noexcept;

    char* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

} // namespace nats

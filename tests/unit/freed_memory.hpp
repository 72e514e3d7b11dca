// SPDX-License-Identifier: Apache-2.0
//
// Finds secrets in memory that is given back. The test program's operator delete, in
// secret_test.cpp, looks into each block before it frees it.

#pragma once

#include <cstddef>
#include <string_view>

namespace nats::test {

/// While it lives, blocks that are freed with `text` in them are counted. One at a time. `text`
/// must be a literal, so that the test itself leaves no copies.
class freed_memory {
public:
    explicit freed_memory(std::string_view text) noexcept;
    freed_memory(const freed_memory&) = delete;
    freed_memory& operator=(const freed_memory&) = delete;
    ~freed_memory();

    /// Blocks that were freed with the text in them.
    [[nodiscard]] std::size_t found() const noexcept;
    /// Blocks that were freed.
    [[nodiscard]] std::size_t blocks() const noexcept;
};

} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Cuts bytes that come in pieces of any size into chunks of one size; the last one may be shorter.

#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace nats::obj {

class chunk_cutter {
public:
    /// `chunk_size` must not be 0.
    explicit chunk_cutter(std::size_t chunk_size) : size_(chunk_size) {}

    /// Takes bytes from the front of `rest`: a whole chunk, or nothing when there are not enough.
    /// It lives until the next call, and as long as what `rest` looks at; whole chunks of that are
    /// not copied.
    [[nodiscard]] std::optional<std::string_view> cut(std::string_view& rest);
    /// Where the next bytes go, for who has them not yet; never empty. Lives until the next call.
    [[nodiscard]] std::span<char> room();
    /// So many of them were put there: a chunk if that is whole then.
    [[nodiscard]] std::optional<std::string_view> commit(std::size_t n);
    /// What is left at the end; may be empty.
    [[nodiscard]] std::string_view last();

private:
    void forget();

    std::size_t size_;
    std::string held_; ///< of the chunk that is not whole
    std::size_t used_ = 0;
    bool given_ = false; ///< it is whole, and was given away
};

} // namespace nats::obj

// SPDX-License-Identifier: Apache-2.0
//
// The bytes that were received and not yet consumed, in one contiguous block, so that the parser
// can yield views.

#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace nats::wire {

/// prepare() gives space to read into, commit() says how much of it was filled, consume() drops
/// bytes from the front.
///
/// Grows with what was received, never with what was announced: a block is at most twice the bytes
/// that it holds, beside a small minimum. At least `spare` readable bytes follow the data, for
/// parsers that read whole words.
class input_buffer {
public:
    static constexpr std::size_t spare = 64;
    static constexpr std::size_t initial_size = 4 * 1024;
    static constexpr std::size_t regular_size = 64 * 1024;

    input_buffer() noexcept = default;
    input_buffer(input_buffer&& other) noexcept;
    input_buffer& operator=(input_buffer&& other) noexcept;
    input_buffer(const input_buffer&) = delete;
    input_buffer& operator=(const input_buffer&) = delete;
    ~input_buffer();

    /// Space for at least `at_least` bytes; it stays put until commit(). `wanted` is the size of
    /// the frame at the front, if known: the buffer grows towards it without overshooting. May move
    /// the data: views into it end here.
    [[nodiscard]] std::span<char> prepare(std::size_t at_least = 1, std::size_t wanted = 0);
    /// The first `n` bytes of what prepare() gave were filled.
    void commit(std::size_t n) noexcept;

    [[nodiscard]] std::string_view data() const noexcept {
        return {block_ + begin_, end_ - begin_};
    }
    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
    void consume(std::size_t n) noexcept;
    void clear() noexcept;

    /// Overwrites the last `n` consumed bytes, so that debug builds show a view that is used for
    /// too long.
    void poison_consumed(std::size_t n) noexcept;

    // --- for input that holds credentials
    /// While it is set, memory that is given up by growing or moving is wiped.
    void keep_secret(bool yes) noexcept { secret_ = yes; }
    /// Overwrites the last `n` consumed bytes.
    void wipe_consumed(std::size_t n) noexcept;
    /// Drops everything and overwrites what was there.
    void wipe() noexcept;

    /// Gives the memory back if nothing is in it.
    void shrink() noexcept;

    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

private:
    void resize_block(std::size_t capacity);
    void compact() noexcept;

    char* block_ = nullptr;
    std::size_t capacity_ = 0; ///< without the spare bytes
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    bool filled_ = false; ///< the last read filled all the space that it was given
    bool secret_ = false;
};

} // namespace nats::wire

// SPDX-License-Identifier: Apache-2.0
//
// The bytes to send: a list of chunks, so that what was offered for writing never moves.

#pragma once

#include <natsproto/bytes.hpp>

#include <cstddef>
#include <span>

namespace nats::wire {

/// Frames are formatted straight into recycled chunks; one frame never straddles two chunks, except
/// for a borrowed payload, which is a piece of its own between them. So each chunk starts at the
/// first byte of a command, which is what a reconnect needs to drop a half-written one.
class output_queue {
public:
    static constexpr std::size_t first_chunk_size = 4 * 1024;
    static constexpr std::size_t chunk_size = 64 * 1024;

    output_queue() noexcept = default;
    output_queue(output_queue&& other) noexcept;
    output_queue& operator=(output_queue&& other) noexcept;
    output_queue(const output_queue&) = delete;
    output_queue& operator=(const output_queue&) = delete;
    ~output_queue();

    /// Contiguous space for `n` bytes after all that is queued.
    [[nodiscard]] char* reserve(std::size_t n);
    /// `n` bytes of the reserved space were written.
    void commit(std::size_t n) noexcept;
    void append(std::string_view text);
    /// Queues bytes without copying them. They must stay unchanged until they are transmitted or
    /// `own_borrowed` ran.
    void append_borrowed(bytes data);
    /// Copies what is still borrowed.
    void own_borrowed();

    /// Bytes that are queued and not transmitted.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    /// Fills `out` with what is to be written, in order; how many pieces. They stay unchanged and
    /// in place until transmitted() covers them.
    [[nodiscard]] std::size_t gather(std::span<const_buffer> out) const noexcept;
    /// The first `n` bytes were handed to the transport.
    void transmitted(std::size_t n) noexcept;
    /// Drops everything.
    void clear() noexcept;

private:
    struct chunk;
    chunk* allocate(std::size_t capacity);
    void push(chunk* c) noexcept;
    void recycle(chunk* c) noexcept;
    void recycle_piece(chunk* c) noexcept;
    void free_all() noexcept;

    chunk* head_ = nullptr;
    chunk* tail_ = nullptr;
    chunk* spare_ = nullptr;       ///< one drained chunk, kept for the next burst
    chunk* spare_piece_ = nullptr; ///< the same for a borrowed piece
    std::size_t size_ = 0;
    std::size_t borrowed_ = 0; ///< borrowed pieces in the list
};

} // namespace nats::wire

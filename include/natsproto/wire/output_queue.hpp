// SPDX-License-Identifier: Apache-2.0
//
// The bytes to send: a list of chunks, so that what was offered for writing never moves.

#pragma once

#include <natsproto/bytes.hpp>

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string_view>

namespace nats::wire {

/// Frames are formatted straight into recycled chunks; one frame never straddles two chunks, except
/// for a borrowed payload, which is a piece of its own between them. A chunk knows how many bytes
/// at its front continue a frame that began earlier, and the chunks of a frame are held until all
/// of it is transmitted: so after the end of a connection each frame can be found from its first
/// byte (see kept_frames.hpp).
class output_queue {
public:
    static constexpr std::size_t first_chunk_size = 4 * 1024;
    static constexpr std::size_t chunk_size = 64 * 1024;
    /// Drained chunks that are kept until `shrink`: a burst of that size costs no allocation, and
    /// what is larger does not come back for each write.
    static constexpr std::size_t most_spares = 4;

    output_queue() noexcept = default;
    output_queue(output_queue&& other) noexcept;
    output_queue& operator=(output_queue&& other) noexcept;
    output_queue(const output_queue&) = delete;
    output_queue& operator=(const output_queue&) = delete;
    ~output_queue();

    /// Contiguous space for `n` bytes after all that is queued.
    [[nodiscard]] char* reserve(std::size_t n);
    /// `n` bytes of the reserved space were written: whole frames, or the first part of one.
    void commit(std::size_t n) noexcept;
    void append(std::string_view text);
    /// Queues bytes without copying them, as the next part of the frame that was committed last,
    /// and behind them a copy of `rest`, which ends that frame. They must stay unchanged until all
    /// of the frame is transmitted or `own_borrowed` ran.
    void append_borrowed(bytes data, std::string_view rest = {});
    /// Copies what is still borrowed.
    void own_borrowed();
    /// One frame that nobody else may read, in parts. It gets memory of its own, which is wiped
    /// when it is transmitted or dropped.
    void append_secret(std::initializer_list<std::string_view> parts);
    /// Moves all of `other` behind what is queued, without copying; `other` is empty then. What was
    /// offered by either stays in place. Of a frame that `other` has half transmitted, the rest is
    /// what follows.
    void append(output_queue&& other) noexcept;

    /// Bytes that are queued and not transmitted.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    /// Fills `out` with what is to be written, in order, without its first `skip` bytes; how many
    /// pieces. They stay unchanged and in place until transmitted() covers them.
    [[nodiscard]] std::size_t gather(std::span<const_buffer> out,
                                     std::size_t skip = 0) const noexcept;
    /// The first `n` bytes were handed to the transport.
    void transmitted(std::size_t n) noexcept;
    /// Drops everything.
    void clear() noexcept;
    /// Gives the memory back that holds nothing to be transmitted.
    void shrink() noexcept;

    /// What is held in one place, with its transmitted bytes; for taking a queue apart.
    struct piece {
        std::string_view data;
        std::size_t transmitted = 0; ///< bytes at the front
        std::size_t continued = 0;   ///< bytes at the front that belong to a frame begun before
        bool secret = false;
    };
    /// The first piece that is held; false if there is none.
    [[nodiscard]] bool oldest(piece& out) const noexcept;
    /// Drops it, transmitted or not.
    void drop_oldest() noexcept;

private:
    struct chunk;
    static chunk* make(std::size_t capacity);
    static void destroy(chunk* c) noexcept;
    chunk* allocate(std::size_t capacity);
    void push(chunk* c) noexcept;
    void pop() noexcept;
    void drained() noexcept;
    void recycle(chunk* c) noexcept;
    void recycle_piece(chunk* c) noexcept;
    void free_all() noexcept;
    void free_spare() noexcept;
    void free_spare_chunks() noexcept;

    chunk* head_ = nullptr;
    chunk* tail_ = nullptr;
    chunk* spare_ = nullptr;       ///< drained chunks of one size, kept for the next burst
    chunk* spare_piece_ = nullptr; ///< the same for a borrowed piece
    std::size_t spares_ = 0;
    std::size_t size_ = 0;
    std::size_t borrowed_ = 0; ///< borrowed pieces in the list
};

} // namespace nats::wire

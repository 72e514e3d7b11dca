// SPDX-License-Identifier: Apache-2.0
//
// What an object has to be to be believed: as many chunks and bytes as its description says, with
// the digest that it says. As a machine: no session, no clock.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/crypto.hpp>
#include <natsproto/object_store/object_info.hpp>
#include <natsproto/object_store/transfer_options.hpp>
#include <natsproto/result.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace nats::obj {

class download {
public:
    /// From `from` on, which is of this object, or the beginning. `hash` has seen nothing yet.
    download(const object_info& i, const read_position& from, std::unique_ptr<sha256_hash> hash);

    /// Bytes that were read before, and belong into the digest. In their order, before the first
    /// chunk. Without all of them the digest cannot be checked.
    [[nodiscard]] result<void> hash_before(bytes piece);

    /// The next chunk; so many more match. Whether it is to be given to the user: not if it was
    /// read before. Errors: `object_incomplete`, `object_digest_mismatch`, `crypto_failed`; then no
    /// more may come.
    [[nodiscard]] result<bool> handle_chunk(std::string_view chunk, std::uint64_t sequence,
                                            std::uint64_t pending);
    /// To be asked before the first chunk: an object without any is complete, or wrong; and another
    /// one may be too small to go on with. Errors: also `object_replaced`.
    [[nodiscard]] result<void> check_empty();

    [[nodiscard]] bool complete() const noexcept { return position_.chunks >= chunks_; }
    [[nodiscard]] const read_position& position() const noexcept { return position_; }
    /// How many the object has.
    [[nodiscard]] std::uint64_t chunks() const noexcept { return chunks_; }

private:
    [[nodiscard]] result<void> check_end(std::uint64_t pending);
    [[nodiscard]] error incomplete(std::string what) const;

    std::string name_;
    std::string digest_;
    std::uint64_t size_;
    std::uint64_t chunks_;
    read_position position_;
    std::uint64_t to_skip_ = 0;      ///< chunks that come again
    std::uint64_t skipped_size_ = 0; ///< the bytes in those that came
    std::uint64_t before_ = 0;       ///< bytes that must be hashed before the first chunk
    std::unique_ptr<sha256_hash> hash_;
};

} // namespace nats::obj

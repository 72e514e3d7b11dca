// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: chunks come in order and without gaps among those that are there; that one
// is missing can only be seen by the counts. The last one is judged with all that was before it, so
// that who reads pieces knows when the last one comes that it was worth it.

#include <natsproto/object_store/download.hpp>

#include <algorithm>
#include <utility>

namespace nats::obj {

download::download(const object_info& i, const read_position& from,
                   std::unique_ptr<sha256_hash> hash)
    : name_(i.name),
      digest_(i.digest),
      size_(i.size),
      chunks_(i.chunks),
      position_(from),
      before_(from.size),
      hash_(std::move(hash)) {
    position_.nuid = i.nuid;
    if (from.last_sequence == 0) to_skip_ = from.chunks;
}

error download::incomplete(std::string what) const {
    return {errc::object_incomplete, '"' + name_ + "\": " + std::move(what)};
}

result<void> download::hash_before(bytes piece) {
    if (piece.size() > before_)
        return error{errc::invalid_argument, "more bytes than were read before"};
    before_ -= piece.size();
    return hash_->update(piece);
}

result<bool> download::handle_chunk(std::string_view chunk, std::uint64_t sequence,
                                    std::uint64_t pending) {
    if (to_skip_ != 0) {
        skipped_size_ += chunk.size();
        if (--to_skip_ != 0) return false;
        if (skipped_size_ != position_.size)
            return incomplete("what was read before is not its beginning");
        position_.last_sequence = sequence;
        return false;
    }
    if (chunk.size() > size_ - std::min(size_, position_.size))
        return incomplete("it has more than " + std::to_string(size_) + " bytes");
    ++position_.chunks;
    position_.size += chunk.size();
    position_.last_sequence = sequence;
    if (before_ == 0) {
        if (result<void> ok = hash_->update(chunk); !ok) return ok.error();
    }
    if (result<void> ok = check_end(pending); !ok) return ok.error();
    return true;
}

/// If it is the end.
result<void> download::check_end(std::uint64_t pending) {
    if (!complete()) return {};
    if (pending != 0) return incomplete("it has more than " + std::to_string(chunks_) + " chunks");
    if (position_.size != size_) {
        return incomplete(std::to_string(position_.size) + " bytes of " + std::to_string(size_));
    }
    if (before_ != 0) return {}; // nobody has told what was before
    const result<sha256_digest> sum = hash_->finish();
    if (!sum) return sum.error();
    if (same_digest(digest_, digest_text(*sum))) return {};
    return error{errc::object_digest_mismatch, '"' + name_ + '"'};
}

result<void> download::check_empty() {
    const bool all = position_.chunks == chunks_;
    if (position_.chunks > chunks_ || position_.size > size_ ||
        (all && position_.size != size_ && chunks_ != 0))
        return error{errc::object_replaced, '"' + name_ + '"'};
    if (chunks_ != 0) return {};
    if (size_ != 0) return incomplete("it has no chunks");
    // Some writers have no digest of nothing.
    return digest_.empty() ? result<void>() : check_end(0);
}

} // namespace nats::obj

// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: what is less than a chunk is kept until the rest of it comes. A chunk that
// was given away from there stays in place until the next call.

#include <natsproto/object_store/chunk_cutter.hpp>

#include <algorithm>

namespace nats::obj {

void chunk_cutter::forget() {
    if (!given_) return;
    given_ = false;
    used_ = 0;
}

std::optional<std::string_view> chunk_cutter::cut(std::string_view& rest) {
    forget();
    if (used_ == 0 && rest.size() >= size_) {
        const std::string_view whole = rest.substr(0, size_);
        rest.remove_prefix(size_);
        return whole;
    }
    if (rest.empty()) return std::nullopt;
    const std::span<char> to = room();
    const std::size_t n = std::min(to.size(), rest.size());
    std::copy_n(rest.data(), n, to.data());
    rest.remove_prefix(n);
    return commit(n);
}

std::span<char> chunk_cutter::room() {
    forget();
    if (held_.size() < size_) held_.resize(size_);
    return std::span(held_).subspan(used_, size_ - used_);
}

std::optional<std::string_view> chunk_cutter::commit(std::size_t n) {
    used_ += n;
    if (used_ < size_) return std::nullopt;
    given_ = true;
    return std::string_view(held_);
}

std::string_view chunk_cutter::last() {
    forget();
    given_ = true;
    return std::string_view(held_).substr(0, used_);
}

} // namespace nats::obj

// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: of the PONGs that are queued only their number and where the last one ends
// are known. They count as unsent until that one is sent.

#include <natsproto/wire/pong_debt.hpp>

#include <natsproto/wire/encoder.hpp>

#include <algorithm>

namespace nats::wire {

void pong_debt::pay(output_queue& out, std::size_t max_bytes) {
    constexpr std::size_t pong_size = 6;
    const std::uint64_t most = std::max<std::uint64_t>(max_bytes / pong_size, 1);
    for (; owed_ != 0 && unsent_ < most; --owed_, ++unsent_) {
        encode_pong(out);
        before_last_is_sent_ = out.size();
    }
}

bool pong_debt::last_is_sent(std::size_t n) noexcept {
    before_last_is_sent_ -= std::min(n, before_last_is_sent_);
    if (before_last_is_sent_ != 0) return false;
    unsent_ = 0;
    return true;
}

} // namespace nats::wire

// SPDX-License-Identifier: Apache-2.0
//
// The PONGs that are owed to a peer, for either role. A peer that sends PINGs and reads nothing
// must not make the output grow: past a bound, PONGs are only counted, and queued when those before
// them are sent.

#pragma once

#include <natsproto/wire/output_queue.hpp>

#include <cstddef>
#include <cstdint>

namespace nats::wire {

class pong_debt {
public:
    void owe() noexcept { ++owed_; }
    /// Queues what is owed, as far as no more than `max_bytes` of PONGs (one at least) wait in
    /// `out`.
    void pay(output_queue& out, std::size_t max_bytes);
    /// The first `n` bytes of the output were written. True: with them the last PONG that was
    /// queued, so there is room for more.
    [[nodiscard]] bool transmitted(std::size_t n) noexcept {
        return unsent_ != 0 && last_is_sent(n);
    }

private:
    [[nodiscard]] bool last_is_sent(std::size_t n) noexcept;

    std::uint64_t owed_ = 0;
    std::uint64_t unsent_ = 0;            ///< at most: reset when the last one of them is sent
    std::size_t before_last_is_sent_ = 0; ///< bytes to transmit until then
};

} // namespace nats::wire

// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// Two signs tell the end. Each message says how many follow it: none, and it was the last one. And
// when a consumer is made, the server says how many messages match it: when as many have come, the
// rest is new, however fast more are written. That number may be too high, since messages that it
// counted are overwritten or purged, and then it only takes longer. It is never too low.
//
// If the last ones of them are purged before they are delivered, neither sign comes, since there is
// no message to bring it. Then the server's next heartbeat says that nothing is left to deliver.
//
// A consumer that replaces another one begins behind the last message, and counts anew.

#include <natsproto/jetstream/initial_data.hpp>

#include <utility>

namespace nats::js {

void initial_data::handle_consumer(std::uint64_t pending) noexcept {
    begun_ = true;
    left_ = pending;
    if (pending == 0) complete_ = true;
}

void initial_data::handle_message(std::uint64_t pending) noexcept {
    due_before_ = end_due();
    if (left_ != 0) --left_;
    if (pending == 0 || left_ == 0) complete_ = true;
}

void initial_data::handle_idle() noexcept {
    if (begun_) complete_ = true;
}

bool initial_data::poll_end() noexcept {
    return complete_ && !std::exchange(told_, true);
}

} // namespace nats::js

// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the client's end is an object that knows its peer, and that the peer knows.
// Whichever goes first tells the other. A peer in memory is destroyed as soon as it has ended,
// which may be in the middle of any call to it; its last words are moved here, to be read.

#include <natsproto/broker/memory_transport.hpp>

#include "broker/memory_end.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace nats {

namespace embedded {

void memory_end::take_rest(peer& p, time_point until) {
    other = nullptr;
    held_until_ = until;
    std::array<const_buffer, 16> pieces;
    while (const std::size_t count = p.gather(pieces)) {
        std::size_t taken = 0;
        for (std::size_t i = 0; i < count; ++i) {
            rest_.append(pieces[i].data, pieces[i].size);
            taken += pieces[i].size;
        }
        p.drop_sent(taken);
    }
}

bool memory_end::write(bytes from_client, std::size_t& taken, time_point now) const {
    taken = 0;
    if (other == nullptr) return false;
    if (owner->routing()) return true; // a handler's call: what is being routed must stay in place
    other->release_if_due(now);
    if (other == nullptr) return false;
    if (!other->wants_read()) return true;
    constexpr std::size_t most_at_once = 64 * 1024;
    std::string_view left = from_client.text();
    while (!left.empty() && other != nullptr) {
        const std::span<char> space = other->prepare(std::min(left.size(), most_at_once));
        const std::size_t n = std::min(space.size(), left.size());
        std::memcpy(space.data(), left.data(), n);
        left.remove_prefix(n);
        other->commit(n, now);
    }
    taken = from_client.size();
    return true;
}

std::size_t memory_end::read_once(std::span<char> into, time_point now) {
    if (other == nullptr) {
        if (now < held_until_) return 0;
        const std::size_t n = std::min(into.size(), rest_.size() - read_);
        if (n != 0) std::memcpy(into.data(), rest_.data() + read_, n);
        read_ += n;
        return n;
    }
    other->release_if_due(now);
    if (other == nullptr) return read_once(into, now);
    std::array<const_buffer, 16> pieces;
    const std::size_t count = other->poll_transmit(pieces);
    std::size_t copied = 0;
    for (std::size_t i = 0; i < count && copied != into.size(); ++i) {
        const std::size_t n = std::min(pieces[i].size, into.size() - copied);
        std::memcpy(into.data() + copied, pieces[i].data, n);
        copied += n;
    }
    if (copied != 0) other->transmitted(copied, now);
    return copied;
}

std::size_t memory_end::read(std::span<char> into, time_point now) {
    std::size_t total = 0;
    while (total != into.size()) {
        const std::size_t n = read_once(into.subspan(total), now);
        if (n == 0) break;
        total += n;
    }
    return total;
}

void memory_end::close(time_point now) {
    rest_.clear();
    read_ = 0;
    if (other == nullptr) return;
    peer& p = *std::exchange(other, nullptr);
    p.memory = nullptr;
    p.abandon(now);
}

} // namespace embedded

memory_transport::memory_transport() noexcept = default;
memory_transport::memory_transport(memory_transport&& other) noexcept = default;

memory_transport& memory_transport::operator=(memory_transport&& other) noexcept {
    if (this == &other) return *this;
    close(time_point{});
    state_ = std::move(other.state_);
    return *this;
}

memory_transport::~memory_transport() {
    close(time_point{});
}

bool memory_transport::write(bytes from_client, std::size_t& taken, time_point now) {
    taken = 0;
    return state_ != nullptr && state_->write(from_client, taken, now);
}
std::size_t memory_transport::read(std::span<char> into, time_point now) {
    return state_ == nullptr ? 0 : state_->read(into, now);
}
bool memory_transport::ended() const noexcept {
    return state_ == nullptr || state_->ended();
}
void memory_transport::close(time_point now) {
    if (state_ != nullptr) state_->close(now);
}
client_id memory_transport::id() const noexcept {
    return state_ == nullptr ? client_id{} : state_->id;
}

} // namespace nats

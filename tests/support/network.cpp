// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: all that is on its way is a list of functions by time. A socket keeps the
// order of each direction by never letting a piece arrive before the one ahead of it. After every
// event, what the servers have to say is put on its way.

#include "support/network.hpp"
#include "support/session_steps.hpp"

#include <algorithm>
#include <utility>

namespace nats::test {

// --- one connection

sim_socket::sim_socket(network& net, place& to, const breaking& b)
    : net_(&net), place_(&to), peer_(to.server.accept()), breaking_(b) {}

std::size_t sim_socket::write(std::span<const const_buffer> pieces) {
    if (!open_ || failure_) return 0;
    std::size_t offered = 0;
    for (const const_buffer& p : pieces) offered += p.size;
    std::size_t room = breaking_.after_up == never ? never : breaking_.after_up - written_;
    const std::size_t under_way = written_ - got_up_;
    room = std::min(room, place_->window - std::min(place_->window, under_way));
    const std::size_t n = std::min({offered, room, net_->piece_of(offered, place_->output)});
    if (n == 0) return 0;
    std::string bytes;
    for (const const_buffer& p : pieces) bytes.append(p.data, std::min(p.size, n - bytes.size()));
    written_ += n;
    if (silent_) return n;
    last_up_ = net_->arrival(*place_, last_up_);
    net_->call_at(last_up_, [self = shared_from_this(), bytes = std::move(bytes)] {
        self->deliver_up(bytes);
    });
    return n;
}

void sim_socket::deliver_up(const std::string& bytes) {
    if (silent_) return;
    unread_ += bytes;
    take_unread();
}

/// What a server does not read stays in the window.
void sim_socket::take_unread() {
    if (!place_->reads || unread_.empty()) return;
    const std::string bytes = std::exchange(unread_, {});
    got_up_ += bytes.size();
    if (peer_) peer_->receive(bytes);
    net_->call_at(net_->now(), [] {}); // who waits for room looks again
    if (got_up_ == breaking_.after_up) break_now(breaking_.how);
}

void sim_socket::collect() {
    if (silent_) return;
    take_unread();
    if (!peer_) return;
    send_down(peer_->take_output());
    if (peer_ && peer_->hung_up()) break_now(fault::eof);
}

void sim_socket::send_down(std::string_view bytes) {
    if (bytes.empty()) return;
    std::string part(bytes.substr(
        0, breaking_.after_down == never ? bytes.size() : breaking_.after_down - sent_down_));
    sent_down_ += part.size();
    last_down_ = net_->arrival(*place_, last_down_);
    net_->call_at(last_down_, [self = shared_from_this(), part = std::move(part)] {
        self->deliver_down(part);
    });
    if (sent_down_ != breaking_.after_down) return;
    const fault how = breaking_.how;
    if (how == fault::eof) return break_now(how);
    peer_.reset(); // all of what was sent arrives before a reset, or the silence
    net_->call_at(last_down_, [self = shared_from_this(), how] { self->break_now(how); });
}

void sim_socket::deliver_down(const std::string& bytes) {
    if (open_ && !silent_ && !failure_) arrived_ += bytes;
}

void sim_socket::break_now(fault how) {
    if (silent_ || eof_ || failure_) return;
    if (how == fault::silence) {
        silent_ = true;
        peer_.reset();
        return;
    }
    if (how == fault::eof && peer_) {
        const std::string last = peer_->take_output();
        if (breaking_.after_down == never) send_down(last);
    }
    peer_.reset();
    last_down_ = net_->arrival(*place_, last_down_);
    net_->call_at(last_down_, [self = shared_from_this(), how] {
        if (self->silent_) return;
        if (how == fault::eof)
            self->eof_ = true;
        else
            self->failure_ = std::make_error_code(std::errc::connection_reset);
    });
}

/// The server's side learns of it later, and drops the connection then.
void sim_socket::close() {
    if (!std::exchange(open_, false)) return;
    arrived_.clear();
    if (!peer_ || silent_) {
        peer_.reset();
        return;
    }
    last_up_ = net_->arrival(*place_, last_up_);
    net_->call_at(last_up_, [self = shared_from_this()] { self->peer_.reset(); });
}

// --- the network

network::network(std::uint64_t seed) : random_(seed), now_(start_of_time) {}

place& network::at(std::string_view name) {
    auto found = places_.find(name);
    if (found == places_.end()) {
        auto made = std::make_unique<place>(std::string(name), cluster_, rules);
        made->window = default_window;
        found = places_.emplace(std::string(name), std::move(made)).first;
    }
    return *found->second;
}

std::vector<place*> network::places() {
    std::vector<place*> out;
    for (auto& [name, p] : places_) out.push_back(p.get());
    return out;
}

void network::break_all(std::string_view name, fault how) {
    for (const auto& weak : at(name).sockets) {
        if (const auto s = weak.lock()) s->break_now(how);
    }
}

void network::take_down(std::string_view name, fault how) {
    at(name).how = reach::refused;
    break_all(name, how);
}

time_point network::arrival(const place& p, time_point not_before) {
    duration d = p.latency;
    if (p.variation > duration::zero())
        d += duration(static_cast<duration::rep>(
            random_.below(static_cast<std::uint64_t>(p.variation.count()))));
    return std::max({now_ + d, not_before, p.stalled_until});
}

std::shared_ptr<sim_socket> network::open(place& to) {
    sim_socket::breaking b;
    if (!to.breaks.empty()) {
        b = to.breaks.front();
        to.breaks.pop_front();
    }
    auto made = std::make_shared<sim_socket>(*this, to, b);
    std::erase_if(to.sockets, [](const auto& s) { return s.expired(); });
    to.sockets.push_back(made);
    made->last_down_ = arrival(to, now_);
    if (b.after_up == 0) made->break_now(b.how);
    return made;
}

void network::run_first() {
    const auto first = events_.begin();
    const std::function<void()> f = std::move(first->second);
    now_ = std::max(now_, first->first);
    events_.erase(first);
    f();
    collect();
}

void network::collect() {
    for (auto& [name, p] : places_) {
        for (std::size_t i = 0; i < p->sockets.size(); ++i) {
            if (const auto s = p->sockets[i].lock()) s->collect();
        }
    }
}

std::size_t network::piece_of(std::size_t available, cut how) noexcept {
    if (available == 0 || how == cut::whole) return available;
    return how == cut::bytes ? 1 : 1 + static_cast<std::size_t>(random_.below(available));
}

} // namespace nats::test

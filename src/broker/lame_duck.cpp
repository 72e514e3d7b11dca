// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: in lame duck mode clients are told, have some time to go by themselves, and
// are then closed one by one, the oldest first, evenly over the rest: so that not all of them look
// for another server at once. `stop` is the short end: all are closed when what waits for them is
// written.

#include "broker/hub.hpp"
#include "broker/options.hpp"

#include <algorithm>
#include <utility>

namespace nats::embedded {

result<void> hub::announce(const server_info& info) {
    if (result<void> ok = check(info); !ok) return ok;
    info_ = info;
    info_.client_id = 0;
    info_.client_ip.clear();
    info_.nonce.clear();
    for (auto& [id, p] : peers_) p->tell_info();
    return {};
}

void hub::lame_duck(time_point now) {
    tell(now);
    if (std::exchange(stopping_, true)) return;
    info_.lame_duck = true;
    for (auto& [id, p] : peers_) p->tell_info();
    retire_at_ = deadline_after(now_, options_.lame_duck_grace);
}

/// Closes those whose time has come.
void hub::retire_clients() {
    while (retire_at_ <= now_) {
        const auto next = std::find_if(peers_.begin(), peers_.end(),
                                       [](const auto& p) { return p.second->active(); });
        if (next == peers_.end()) {
            retire_at_ = no_deadline;
            break;
        }
        if (!std::exchange(retiring_, true))
            retire_interval_ =
                options_.lame_duck_duration / static_cast<duration::rep>(stats_.connections);
        next->second->leave();
        retire_at_ = deadline_after(retire_at_, retire_interval_);
    }
    if (stop_at_ <= now_) {
        stop_at_ = no_deadline;
        for (auto& [id, p] : peers_) p->cut();
    }
}

void hub::stop(time_point now, time_point deadline) {
    tell(now);
    stopping_ = true;
    retire_at_ = no_deadline;
    stop_at_ = deadline;
    for (auto& [id, p] : peers_) p->leave();
    retire_clients();
}

time_point hub::own_deadline() const noexcept {
    return finished() ? no_deadline : std::min(retire_at_, stop_at_);
}

} // namespace nats::embedded

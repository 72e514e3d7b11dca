// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// Calls from outside do what they are asked, and note for whom there is something left: peers with
// input to act upon, peers that have ended. run() then does that, at the end of the outermost call,
// in a loop and not by recursion: so a handler, or a peer that ends another, never changes what is
// being gone through.
//
//   hub.cpp          peers come and go, who has something to do
//   peer.cpp         one connection: its link, its input and output, its end
//   client_ops.cpp   what a client asks for
//   login.cpp, permissions.cpp   who is who, and who may do what
//   delivery.cpp     from a publish to those who subscribed; slow consumers
//   local.cpp        the program's own subscriptions and publishes
//   keep_alive.cpp   deadlines of a peer
//   lame_duck.cpp    INFO that changes, and the end of the broker
//   options.cpp      what can be wrong with options
//   broker.cpp, memory_transport.cpp   the public face
//
// A peer that ends is first only marked. When no message is being routed it is put to rest: its
// subscriptions go, and its connection is closed. It is destroyed when its driver has closed the
// transport; in memory, at once.

#include "broker/hub.hpp"
#include "broker/memory_end.hpp"

#include <algorithm>
#include <utility>

namespace nats::embedded {

namespace {

std::uint64_t seed_of(random_source& random) {
    std::uint64_t seed = 0;
    random.fill(std::as_writable_bytes(std::span(&seed, 1)));
    return seed;
}

std::string new_server_id(random_source& random) {
    nkey_public key;
    key.kind = nkey_kind::server;
    random.fill(std::as_writable_bytes(std::span(key.key)));
    return encode_nkey(key);
}

server_info info_of(const broker_options& o, const login_table& logins, random_source& random) {
    server_info info;
    info.server_id = new_server_id(random);
    info.server_name = o.server_name;
    info.version = o.version;
    info.host = o.host;
    info.port = o.port;
    info.proto = 1;
    info.headers = true;
    info.max_payload = o.max_payload;
    info.connect_urls = o.connect_urls;
    info.auth_required = logins.required();
    if (o.tls) {
        info.tls_required = o.tls->how != broker_tls::mode::available;
        info.tls_available = !info.tls_required;
        info.tls_verify = o.tls->require_client_certificate;
    }
    return info;
}

class raised_flag {
public:
    explicit raised_flag(bool& flag) noexcept : flag_(flag) { flag_ = true; }
    raised_flag(const raised_flag&) = delete;
    raised_flag& operator=(const raised_flag&) = delete;
    ~raised_flag() { flag_ = false; }

private:
    bool& flag_;
};

} // namespace

hub::hub(broker_options o, const environment& world, std::unique_ptr<tls_acceptor> tls,
         time_point now)
    : options_(std::move(o)),
      system_random_(*world.random),
      random_(seed_of(*world.random)),
      logins_(options_, world),
      tls_(std::move(tls)),
      info_(info_of(options_, logins_, *world.random)),
      now_(now),
      router_(*world.random) {}

hub::~hub() {
    for (auto& [id, p] : peers_) {
        release(*p);
        if (p->memory != nullptr) p->memory->other = nullptr;
    }
    peers_.clear(); // while their alarms can still be taken out
    for (auto& [id, s] : locals_) router_.erase(s.route);
}

// --- peers

peer& hub::add(std::string_view address, time_point now, memory_end* memory) {
    tell(now);
    const client_id id{++last_client_};
    peer& p = *peers_.emplace(id, std::make_unique<peer>(*this, id, address)).first->second;
    if (memory != nullptr) {
        p.in_memory = true;
        p.memory = memory;
        memory->other = &p;
        memory->owner = this;
        memory->id = id;
    }
    ++stats_.total_connections;
    const bool full = stats_.connections >= options_.max_connections;
    ++stats_.connections;
    if (stopping_)
        p.cut();
    else
        p.start(full ? "maximum connections exceeded" : "");
    return p;
}

peer* hub::find(client_id id) {
    const auto found = peers_.find(id);
    return found == peers_.end() || found->second->ended() ? nullptr : found->second.get();
}

void hub::release(peer& p) noexcept {
    for (auto& [sid, s] : p.subscriptions) erase(s);
    p.subscriptions.clear();
}

/// Peers that have ended, or are leaving: nothing is delivered to them any more.
void hub::lay_to_rest() {
    while (!ending_.empty()) {
        peer& p = *ending_.pop_front().owner;
        release(p);
        p.put_to_rest();
        if (p.in_memory && p.ended()) {
            if (p.memory != nullptr) p.memory->take_rest(p, p.held() ? p.held_until() : now_);
            p.gone = true;
        }
        if (p.gone) peers_.erase(p.id());
    }
}

void hub::run() {
    if (running_ || routing_) return;
    const raised_flag running(running_);
    left_at_once_ = most_at_once;
    while (true) {
        deliver_queued();
        lay_to_rest();
        if (work_.empty()) return;
        work_.pop_front().owner->pump();
    }
}

broker_peer* hub::next_ready() {
    return ready_.empty() ? nullptr : ready_.pop_front().owner;
}

// --- time

std::optional<time_point> hub::poll_timeout() const noexcept {
    if (!queued_.empty()) return now_;
    const time_point next = std::min(alarms_.earliest(), own_deadline());
    return next == no_deadline ? std::nullopt : std::optional(next);
}

void hub::handle_timeout(time_point now) {
    tell(now);
    if (!running_ && !routing_) {
        const raised_flag running(running_); // nobody is destroyed meanwhile
        while (alarms_.earliest() <= now_) alarms_.first().handle_timeout(now_);
        retire_clients();
    }
    run();
}

} // namespace nats::embedded

// SPDX-License-Identifier: Apache-2.0
//
// What the peers of a broker share: the router, the lists of who has something to do, the users,
// the clock that was told last.

#pragma once

#include <natsproto/broker/broker.hpp>
#include <natsproto/detail/ring.hpp>
#include <natsproto/random.hpp>
#include <natsproto/routing/subject_router.hpp>

#include "broker/peer.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nats::embedded {

/// A subscription of the program.
struct local_subscription : subscription {
    local_subscription(broker::handler h, void* c) noexcept
        : subscription(nullptr), handler(h), context(c) {}
    broker::handler handler;
    void* context;
    bool removed = false;
};

class hub {
public:
    hub(broker_options o, const environment& world, std::unique_ptr<tls_acceptor> tls,
        time_point now);
    hub(const hub&) = delete;
    hub& operator=(const hub&) = delete;
    ~hub();

    // --- hub.cpp
    /// To be followed by `run`, which may end one in memory at once.
    peer& add(std::string_view address, time_point now, memory_end* memory);
    [[nodiscard]] peer* find(client_id id);
    void tell(time_point now) noexcept {
        if (now > now_) now_ = now;
    }
    /// Does all that calls have left to do. At the end of each call from outside.
    void run();
    [[nodiscard]] broker_peer* next_ready();
    /// The driver is to look at it.
    void name(peer& p) noexcept {
        if (!p.in_memory) ready_.push_back(p.ready);
    }
    /// It may go on with its input.
    void has_work(peer& p) noexcept { work_.push_back(p.work); }
    void has_ended(peer& p) noexcept { ending_.push_back(p.ending); }
    void set_alarm(peer& p, time_point at_most) { alarms_.at_most(p.alarm, at_most); }
    void reset_alarm(peer& p, time_point at) { alarms_.set(p.alarm, at); }

    [[nodiscard]] std::optional<time_point> poll_timeout() const noexcept;
    void handle_timeout(time_point now);

    [[nodiscard]] bool routing() const noexcept { return routing_; }

    // --- delivery.cpp
    /// From a client: with what it is told when nobody is there.
    void publish(peer& from, const outgoing& m);
    result<bool> publish(std::string_view subject, bytes payload, std::string_view reply,
                         header_view headers);
    [[nodiscard]] result<void> insert(subscription& s, std::string_view subject,
                                      std::string_view queue);
    void erase(subscription& s) noexcept;
    /// It has got all that it wanted.
    void is_spent(subscription& s) { spent_.push_back(&s); }

    // --- local.cpp
    result<local_sub_id> subscribe(std::string_view subject, std::string_view queue,
                                   broker::handler h, void* context);
    void unsubscribe(local_sub_id id);

    // --- lame_duck.cpp
    result<void> announce(const server_info& info);
    void lame_duck(time_point now);
    void stop(time_point now, time_point deadline);
    [[nodiscard]] bool finished() const noexcept { return stopping_ && peers_.empty(); }

    [[nodiscard]] std::size_t stall_mark() const noexcept { return options_.max_pending / 4 * 3; }

    broker* face_ = nullptr;
    const broker_options options_;
    random_source& system_random_;
    seeded_random random_; ///< for what needs no secrecy
    login_table logins_;
    std::unique_ptr<tls_acceptor> tls_;
    server_info info_;
    broker_statistics stats_;
    time_point now_;
    bool stopping_ = false;
    std::map<client_id, std::unique_ptr<peer>> peers_;
    std::map<local_sub_id, local_subscription> locals_;

private:
    static constexpr std::size_t most_queued = 65'536;
    static constexpr std::size_t most_queued_bytes = 64 * 1024 * 1024;
    /// Messages of handlers that are delivered in one call.
    static constexpr std::size_t most_at_once = 10'000;

    // delivery.cpp
    [[nodiscard]] bool route(const outgoing& m);
    void look_up(std::string_view subject);
    [[nodiscard]] bool deliver(subscription& s, const outgoing& m);
    [[nodiscard]] bool deliver_to_one(std::span<const subject_router::queue_match> parts,
                                      const outgoing& m);
    [[nodiscard]] bool deliver_locally(local_subscription& s, const outgoing& m) const;
    void answer_no_responders(peer& from, std::string_view reply);
    void finish_route();
    // local.cpp
    result<bool> queue_publish(const outgoing& m);
    void deliver_queued();
    // hub.cpp
    void lay_to_rest();
    void release(peer& p) noexcept;
    // lame_duck.cpp
    void retire_clients();
    [[nodiscard]] time_point own_deadline() const noexcept;

    subject_router router_;
    subject_router::matches found_;       ///< of `found_subject_`
    subject_router::matches reply_found_; ///< of a reply subject
    std::string found_subject_;
    bool found_valid_ = false;
    std::vector<subscription*> spent_;
    bool routing_ = false;
    bool running_ = false;

    peer_list ready_;
    peer_list work_;
    peer_list ending_;
    timer_heap<peer> alarms_;

    detail::ring<message> queued_; ///< published by handlers
    std::size_t queued_bytes_ = 0;
    std::size_t left_at_once_ = 0;
    std::uint64_t last_client_ = 0;
    std::uint64_t last_local_ = 0;
    bool locals_removed_ = false; ///< some, while a message is routed

    time_point retire_at_ = no_deadline; ///< the next client, in lame duck mode
    duration retire_interval_ = duration::zero();
    bool retiring_ = false;
    time_point stop_at_ = no_deadline;
};

} // namespace nats::embedded

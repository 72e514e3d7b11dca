// SPDX-License-Identifier: Apache-2.0
//
// nats.c beside a flood. Each subscription with a callback has a thread of its own, which is how
// the library is by default; the other way is a thread for each that reads.

#pragma once

#include "fairness_log.hpp"
#include "flood_server.hpp"
#include "harness.hpp"
#include "libnats_contender.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <thread>

#include <nats/nats.h>

namespace nats::bench {

/// A connection to a flood, as quick with requests as it can be.
class libnats_beside_flood {
public:
    explicit libnats_beside_flood(const flood_server& from) : c_(from.url(), tuned()) {
        natsOptions_Destroy(options_);
        from.narrow();
    }
    libnats_beside_flood(const libnats_beside_flood&) = delete;
    libnats_beside_flood& operator=(const libnats_beside_flood&) = delete;
    ~libnats_beside_flood() {
        natsConnection_Close(c_.get()); // its threads use the subscriptions while messages come
        natsSubscription_Destroy(flood_);
        natsSubscription_Destroy(ticks_);
    }

    void by_callbacks(fairness_log& log, bool with_ticks) {
        const auto on_flood = [](natsConnection*, natsSubscription*, natsMsg* m, void* to) {
            static_cast<fairness_log*>(to)->on_flood();
            natsMsg_Destroy(m);
        };
        const auto on_tick = [](natsConnection*, natsSubscription*, natsMsg* m, void* to) {
            static_cast<fairness_log*>(to)->on_tick(payload(m));
            natsMsg_Destroy(m);
        };
        check(natsConnection_Subscribe(&flood_, c_.get(), "flood", on_flood, &log), "subscribe");
        if (with_ticks)
            check(natsConnection_Subscribe(&ticks_, c_.get(), "tick", on_tick, &log), "subscribe");
    }
    void by_threads() {
        check(natsConnection_SubscribeSync(&flood_, c_.get(), "flood"), "subscribe");
        check(natsConnection_SubscribeSync(&ticks_, c_.get(), "tick"), "subscribe");
    }

    void read_flood(fairness_log& log) const {
        natsMsg* m = nullptr;
        natsStatus s = NATS_OK;
        while ((s = natsSubscription_NextMsg(&m, flood_, 10'000)) == NATS_OK ||
               s == NATS_SLOW_CONSUMER) {
            if (s != NATS_OK) continue;
            log.on_flood();
            natsMsg_Destroy(m);
        }
    }
    void read_tick(fairness_log& log) const {
        natsMsg* m = nullptr;
        check(natsSubscription_NextMsg(&m, ticks_, 10'000), "next tick");
        log.on_tick(payload(m));
        natsMsg_Destroy(m);
    }
    void request(fairness_log& log) const {
        natsMsg* reply = nullptr;
        log.begin();
        check(natsConnection_Request(&reply, c_.get(), "ask", "xxxxxxxxxxxxxxxx", 16, 10'000),
              "request");
        log.on_reply();
        natsMsg_Destroy(reply);
    }
    [[nodiscard]] std::uint64_t dropped() const {
        std::int64_t n = 0;
        check(natsSubscription_GetDropped(flood_, &n), "dropped");
        return static_cast<std::uint64_t>(n);
    }
    /// Nothing is called any more, and readers end.
    void close() const { natsConnection_Close(c_.get()); }

private:
    static std::string_view payload(natsMsg* m) {
        return {natsMsg_GetData(m), static_cast<std::size_t>(natsMsg_GetDataLength(m))};
    }
    natsOptions* tuned() {
        check(natsOptions_Create(&options_), "options");
        check(natsOptions_SetSendAsap(options_, true), "send as soon as possible");
        return options_;
    }

    natsOptions* options_ = nullptr;
    libnats_connection c_;
    natsSubscription* flood_ = nullptr;
    natsSubscription* ticks_ = nullptr;
};

inline figures libnats_tick_callbacks(const flood_server& from, std::size_t n) {
    const libnats_library library;
    fairness_log log(n); // before the connection, whose threads use it
    libnats_beside_flood c(from);
    c.by_callbacks(log, true);
    while (!log.done()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const std::uint64_t dropped = c.dropped();
    c.close();
    return log.result(dropped);
}

inline figures libnats_tick_threads(const flood_server& from, std::size_t n) {
    const libnats_library library;
    fairness_log log(n); // before the connection, whose threads use it
    libnats_beside_flood c(from);
    c.by_threads();
    std::thread other([&] { c.read_flood(log); });
    while (!log.done()) c.read_tick(log);
    const std::uint64_t dropped = c.dropped();
    c.close();
    other.join();
    return log.result(dropped);
}

inline figures libnats_flooded_requests(const flood_server& from, std::size_t n) {
    const libnats_library library;
    fairness_log log(n); // before the connection, whose threads use it
    libnats_beside_flood c(from);
    c.by_callbacks(log, false);
    while (!log.done()) c.request(log);
    const std::uint64_t dropped = c.dropped();
    c.close();
    return log.result(dropped);
}

} // namespace nats::bench

// SPDX-License-Identifier: Apache-2.0
//
// nats.c against the servers of loopback_server.hpp.

#pragma once

#include "harness.hpp"
#include "loopback_server.hpp"

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <nats/nats.h>

namespace nats::bench {

inline void check(natsStatus s, const char* what) {
    if (s == NATS_OK) return;
    const char* const detail = nats_GetLastError(nullptr);
    std::fprintf(stderr, "nats.c, %s: %s: %s\n", what, natsStatus_GetText(s),
                 detail != nullptr ? detail : "");
    std::exit(1);
}

/// What nats.c has started for others goes on for a while after their connections have gone. This
/// waits for its end, so that the next contender has the process for itself.
struct libnats_library {
    libnats_library() { check(nats_Open(-1), "open"); }
    libnats_library(const libnats_library&) = delete;
    libnats_library& operator=(const libnats_library&) = delete;
    ~libnats_library() { check(nats_CloseAndWait(10'000), "close"); }
};

/// A connection that goes with this.
class libnats_connection {
public:
    explicit libnats_connection(const std::string& url, natsOptions* o = nullptr) {
        if (o == nullptr) {
            check(natsConnection_ConnectTo(&nc_, url.c_str()), "connect");
            return;
        }
        check(natsOptions_SetURL(o, url.c_str()), "url");
        check(natsConnection_Connect(&nc_, o), "connect");
    }
    libnats_connection(const libnats_connection&) = delete;
    libnats_connection& operator=(const libnats_connection&) = delete;
    ~libnats_connection() {
        natsConnection_Close(nc_); // first: its threads use what comes after it
        natsConnection_Destroy(nc_);
    }
    [[nodiscard]] natsConnection* get() const noexcept { return nc_; }

private:
    natsConnection* nc_ = nullptr;
};

inline figures libnats_publish(natsConnection* nc, const shape& s) {
    const std::string body(s.payload, 'x');
    const int size = static_cast<int>(body.size());
    natsMsg* with_headers = nullptr;
    check(natsMsg_Create(&with_headers, "bench.subject", nullptr, body.data(), size), "message");
    if (s.headers) {
        check(natsMsgHeader_Set(with_headers, "Trace-Id", "4bf92f3577b34da6"), "header");
        check(natsMsgHeader_Set(with_headers, "Kind", "order"), "header");
    }
    const meter m;
    for (std::size_t i = 0; i < s.messages; ++i) {
        check(s.headers ? natsConnection_PublishMsg(nc, with_headers)
                        : natsConnection_Publish(nc, "bench.subject", body.data(), size),
              "publish");
    }
    check(natsConnection_FlushTimeout(nc, 60'000), "flush");
    figures out = m.cpu_and_rate(s.messages);
    natsMsg_Destroy(with_headers);
    return out;
}

inline figures libnats_receive(const libnats_connection& c, const shape& s) {
    natsSubscription* sub = nullptr;
    const meter m;
    check(natsConnection_SubscribeSync(&sub, c.get(), "bench.subject"), "subscribe");
    check(natsSubscription_SetPendingLimits(sub, -1, -1), "limits");
    for (std::size_t i = 0; i < s.messages; ++i) {
        natsMsg* one = nullptr;
        check(natsSubscription_NextMsg(&one, sub, 10'000), "next");
        natsMsg_Destroy(one);
    }
    figures out = m.cpu_and_rate(s.messages);
    natsConnection_Close(c.get()); // its threads use the subscription while messages come
    natsSubscription_Destroy(sub);
    return out;
}

inline figures libnats_requests(natsConnection* nc, std::size_t n) {
    lap_times times(n);
    const meter m;
    times.begin();
    for (std::size_t i = 0; i < n; ++i) {
        natsMsg* reply = nullptr;
        check(natsConnection_Request(&reply, nc, "bench.subject", request_body.data(),
                                     static_cast<int>(request_body.size()), 5'000),
              "request");
        natsMsg_Destroy(reply);
        times.lap();
    }
    return joined(times.quantiles(), m.cpu(n));
}

} // namespace nats::bench

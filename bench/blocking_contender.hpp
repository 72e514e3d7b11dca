// SPDX-License-Identifier: Apache-2.0
//
// What the blocking client needs: nanoseconds of CPU for a message.

#pragma once

#include <natsproto/blocking/client.hpp>

#include "loopback_server.hpp"

#include <chrono>
#include <cstddef>
#include <string>

namespace nats::bench {

inline double blocking_publish(const server& to, const shape& s) {
    const std::string body(s.payload, 'x');
    client nc = client::connect(to.url()).value();
    const publish_options o{.reply = {}, .headers = header_view(s.headers ? two_headers : "")};
    const double before = cpu_seconds();
    {
        const auto burst = nc.burst();
        for (std::size_t i = 0; i < s.messages; ++i) nc.publish("bench.subject", body, o).value();
    }
    nc.flush(std::chrono::seconds(60)).value();
    return (cpu_seconds() - before) / static_cast<double>(s.messages) * 1e9;
}

template <bool Owning>
double blocking_receive(const server& from, const shape& s) {
    client nc =
        client::connect(from.url(), {.write_timeout = std::chrono::milliseconds(1)}).value();
    const double before = cpu_seconds();
    subscription sub = nc.subscribe("bench.subject").value();
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < s.messages; ++i) {
        if constexpr (Owning)
            bytes += sub.next(std::chrono::seconds(10)).value().payload().size();
        else
            bytes += sub.next_view(std::chrono::seconds(10)).value().payload.size();
    }
    const double used = cpu_seconds() - before;
    if (bytes != s.messages * s.payload) die("wrong bytes");
    return used / static_cast<double>(s.messages) * 1e9;
}

} // namespace nats::bench

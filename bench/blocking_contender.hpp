// SPDX-License-Identifier: Apache-2.0
//
// The blocking client against the servers of loopback_server.hpp.

#pragma once

#include <natsproto/blocking/client.hpp>

#include "harness.hpp"
#include "loopback_server.hpp"

#include <chrono>
#include <cstddef>
#include <string>

namespace nats::bench {

inline figures blocking_publish(client& nc, const shape& s) {
    const std::string body(s.payload, 'x');
    const publish_options o{.reply = {}, .headers = header_view(s.header())};
    const meter m;
    {
        const auto burst = nc.burst();
        for (std::size_t i = 0; i < s.messages; ++i) nc.publish("bench.subject", body, o).value();
    }
    nc.flush(std::chrono::seconds(60)).value();
    return m.cpu_and_rate(s.messages);
}

/// The flood goes on for ever, so nobody waits until its bytes are away.
inline constexpr std::chrono::milliseconds at_once{1};

enum class kept { as_view, as_message };

inline figures blocking_receive(client& nc, const shape& s, kept as) {
    const meter m;
    subscription sub = nc.subscribe("bench.subject").value();
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < s.messages; ++i) {
        if (as == kept::as_message)
            bytes += sub.next(std::chrono::seconds(10)).value().payload().size();
        else
            bytes += sub.next_view(std::chrono::seconds(10)).value().payload.size();
    }
    figures out = m.cpu_and_rate(s.messages);
    if (bytes != s.messages * s.payload) die("wrong bytes");
    return out;
}

inline figures blocking_handler(client& nc, const shape& s) {
    std::size_t seen = 0;
    const meter m;
    const subscription sub =
        nc.subscribe("bench.subject", [&](const message_view&) { ++seen; }).value();
    while (seen < s.messages) (void)nc.poll(std::chrono::seconds(10)).value();
    return m.cpu_and_rate(seen);
}

inline figures blocking_requests(client& nc, std::size_t n) {
    lap_times times(n);
    const meter m;
    times.begin();
    for (std::size_t i = 0; i < n; ++i) {
        (void)nc.request_view("bench.subject", request_body).value();
        times.lap();
    }
    return joined(times.quantiles(), m.cpu(n));
}

} // namespace nats::bench

// SPDX-License-Identifier: Apache-2.0
//
// SIGINT and SIGTERM as an end in order.

#pragma once

#include <natsproto/blocking/client.hpp>
#include <natsproto/tcp/tcp_broker.hpp>

namespace nats::cli {

/// While it lives, the first SIGINT or SIGTERM interrupts the waiting call of the client, or stops
/// the broker; any further one ends the program at once. SIGUSR2 is a broker's lame duck mode. One
/// at a time.
class stop_signals {
public:
    explicit stop_signals(client& c);
    explicit stop_signals(tcp_broker& b);
    stop_signals(const stop_signals&) = delete;
    stop_signals& operator=(const stop_signals&) = delete;
    ~stop_signals();

    /// The signal that came, or 0.
    [[nodiscard]] static int received() noexcept;
};

} // namespace nats::cli

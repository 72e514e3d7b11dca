// SPDX-License-Identifier: Apache-2.0
//
// Where a scenario happens: servers, by numbers, and a driver that connects clients to them.

#pragma once

#include <natsproto/options.hpp>
#include <natsproto/result.hpp>

#include "driver/connection.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace nats::test {

/// A server that is none: it sends `greeting` to whoever connects. If there is an `answer`, it
/// sends that to the client's first PING. Then it says nothing more, or closes.
struct script {
    std::string greeting{};
    std::string answer{};
    bool closes = false;
};

class world {
public:
    world() = default;
    world(const world&) = delete;
    world& operator=(const world&) = delete;
    virtual ~world() = default;

    [[nodiscard]] virtual std::string name() const = 0;

    // --- servers. Each keeps its place when it is stopped: then connecting there is refused, as it
    // is at one that was never started.
    [[nodiscard]] virtual std::string address(std::size_t server) = 0;
    /// Of those whose address was asked for.
    [[nodiscard]] virtual std::map<std::size_t, std::string> addresses() const = 0;
    /// `config`: as in nats-server's configuration files.
    virtual void start(std::size_t server, std::string_view config) = 0;
    virtual void start(std::size_t server, const script& s) = 0;
    /// Its connections end, also those that it has just accepted.
    virtual void stop(std::size_t server) = 0;
    /// Lame duck mode.
    virtual void retire(std::size_t server) = 0;

    // --- the driver
    /// `on_event` gets every event from the beginning.
    [[nodiscard]] virtual result<std::unique_ptr<connection>> connect(const options& o,
                                                                      event_handler on_event) = 0;
};

} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// A nats-server of one test, or our broker as a program in its place (see embedded/): on a free
// loopback port, with a configuration of its own, gone when the object is.

#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace nats::test {

/// The generations that scripts/servers fetches, and our broker. `newest` is whatever is 2.15 or
/// later.
enum class generation : std::uint8_t { v2_9, v2_10, newest, broker };
[[nodiscard]] std::string name_of(generation g);
void PrintTo(generation g, std::ostream* out);

/// The program of a generation in $NATSPROTO_SERVERS_DIR or else the cache of scripts/servers;
/// empty when it is not there.
[[nodiscard]] std::optional<std::filesystem::path> find_server(generation g);

/// Throws std::runtime_error, with the server's log, when it does not start.
class nats_server {
public:
    /// `config`: text for its configuration file; the listening address is added.
    explicit nats_server(const std::filesystem::path& program, std::string_view config = {});
    nats_server(const nats_server&) = delete;
    nats_server& operator=(const nats_server&) = delete;
    ~nats_server();

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    /// With `user_info` in front of the host, as in `user:password`.
    [[nodiscard]] std::string url(std::string_view user_info = {}) const;

    /// Where routes of other servers go, if its configuration has a `cluster` that listens on port
    /// -1 of 127.0.0.1; else 0.
    [[nodiscard]] std::uint16_t route_port() const noexcept { return route_port_; }

    /// Starts it again on the same ports, after `stop` or `kill`, or kills it first.
    void restart();
    /// The same with another configuration. `${ROUTE_PORT}` in it is the port of the routes.
    void restart(std::string_view config);

    /// Shuts it down in order, and waits for its end.
    void stop();
    /// Kills it at once, and waits for its end. Works on a suspended server too.
    void kill();
    [[nodiscard]] bool running() const noexcept { return pid_ > 0; }
    /// Lets it do nothing, from when this returns until `resume`.
    void suspend();
    void resume();
    /// Lame duck mode.
    void retire();

    /// What its monitoring answers to `GET path`.
    [[nodiscard]] std::string monitor(std::string_view path) const;
    [[nodiscard]] std::string log() const;

private:
    void launch();
    /// False: it has ended.
    [[nodiscard]] bool wait_for_ports();
    void signal(int number) const;
    void wait_for_end();

    std::filesystem::path program_;
    std::string config_;
    std::filesystem::path directory_;
    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
    std::uint16_t monitor_port_ = 0;
    std::uint16_t route_port_ = 0;
};

} // namespace nats::test

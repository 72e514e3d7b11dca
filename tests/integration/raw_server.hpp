// SPDX-License-Identifier: Apache-2.0
//
// A server that does what a test wants, also what no server should: a script for each connection
// runs in a thread of its own, on a blocking socket.

#pragma once

#include "integration/waiting.hpp"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace nats::test {

/// An INFO as nats-server sends it; `members` are added to its JSON, with a comma in front.
[[nodiscard]] std::string info_line(std::string_view members = {});

/// One connection, seen from the script. What it waits for fails the script when it does not come,
/// and ends it when the test is over.
class raw_peer {
public:
    raw_peer(int socket, int stop) noexcept : socket_(socket), stop_(stop) {}
    raw_peer(const raw_peer&) = delete;
    raw_peer& operator=(const raw_peer&) = delete;
    ~raw_peer() { close(); }

    void send(std::string_view bytes);
    /// Sends as much as the peer takes, until it closes; how many bytes that were.
    std::size_t send_until_closed(std::string_view again_and_again);
    /// The next line, without its CR LF.
    [[nodiscard]] std::string read_line();
    [[nodiscard]] std::string read_bytes(std::size_t n);
    /// What has come, at least a byte; empty at the end of the stream.
    [[nodiscard]] std::string read_some();
    /// Everything up to the peer's close.
    [[nodiscard]] std::string read_to_end();
    void wait_for(flag& f);
    void wait_for_close() { (void)read_to_end(); }

    /// INFO, then CONNECT and PING, then PONG. The CONNECT line.
    std::string shake_hands(std::string_view info = info_line());

    void close() noexcept;
    /// Closes by RST.
    void reset() noexcept;

private:
    /// False at the end of the stream.
    bool fill();
    void wait_ready(short events) const;

    int socket_;
    int stop_;
    std::string received_; ///< and not taken yet
};

class raw_server {
public:
    using script = std::function<void(raw_peer&)>;

    /// Listens on a free loopback port. Runs `s` for one connection after the other. A small
    /// `receive_buffer` makes a script that does not read felt soon.
    explicit raw_server(script s, int receive_buffer = 0);
    raw_server(const raw_server&) = delete;
    raw_server& operator=(const raw_server&) = delete;
    /// Ends scripts that wait.
    ~raw_server();

    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] std::string url() const { return "nats://" + address(); }

    /// Waits until `connections` scripts have ended; empty when they did and none had failed.
    [[nodiscard]] std::string outcome(int connections = 1);

private:
    void serve();

    script script_;
    int listener_ = -1;
    int stop_ = -1;
    std::uint16_t port_ = 0;
    std::mutex mutex_;
    std::condition_variable changed_;
    int ended_ = 0;
    std::string failure_;
    std::thread thread_;
};

/// A loopback port that nobody listens on.
[[nodiscard]] std::uint16_t closed_port();

} // namespace nats::test

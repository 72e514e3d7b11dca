// SPDX-License-Identifier: Apache-2.0
//
// A network in virtual time: places with servers that can be up, refuse, swallow, stall or break at
// any byte, and sockets to them that behave as non-blocking ones do: they take as much as fits,
// hold what has arrived, and end.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/random.hpp>
#include <natsproto/time.hpp>

#include "support/faults.hpp"
#include "support/model_server.hpp"

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace nats::test {

class network;
struct place;

/// One TCP connection, as its client's side sees it.
class sim_socket : public std::enable_shared_from_this<sim_socket> {
public:
    static constexpr std::size_t never = static_cast<std::size_t>(-1);
    /// Where it breaks: when so many bytes went up to the server, or came down from it.
    struct breaking {
        std::size_t after_up = never;
        std::size_t after_down = never;
        fault how = fault::eof;
    };

    sim_socket(network& net, place& to, const breaking& b);

    /// Takes what fits; how much.
    [[nodiscard]] std::size_t write(std::span<const const_buffer> pieces);
    /// What has arrived and was not read.
    [[nodiscard]] std::string& arrived() noexcept { return arrived_; }
    /// Behind what has arrived, there is the end.
    [[nodiscard]] bool at_eof() const noexcept { return eof_; }
    [[nodiscard]] std::error_code failure() const noexcept { return failure_; }
    /// The client has let go of it.
    void close();

    /// Breaks it now. What is on its way to the client still arrives before an eof.
    void break_now(fault how);
    [[nodiscard]] const std::shared_ptr<model_peer>& peer() const noexcept { return peer_; }

private:
    friend class network;
    void collect();
    void take_unread();
    void send_down(std::string_view bytes);
    void deliver_up(const std::string& bytes);
    void deliver_down(const std::string& bytes);

    network* net_;
    place* place_;
    std::shared_ptr<model_peer> peer_; ///< null when the server's side has ended
    breaking breaking_;
    std::string arrived_;
    std::string unread_; ///< has come to a server that does not read
    std::error_code failure_;
    time_point last_up_{};
    time_point last_down_{};
    std::size_t written_ = 0; ///< the client's side gave
    std::size_t got_up_ = 0;  ///< the server has
    std::size_t sent_down_ = 0;
    bool open_ = true; ///< on the client's side
    bool eof_ = false;
    bool silent_ = false;
};

/// A server and the way to it.
struct place {
    place(std::string at, model_cluster& c, const model_rules& r)
        : name(std::move(at)), server(c, r) {}

    std::string name;
    model_server server;
    reach how = reach::accepts;
    duration latency = std::chrono::milliseconds(1);
    duration variation{};           ///< up to so much more; order is kept
    std::size_t window = 64 * 1024; ///< bytes that can be under way to the server
    cut output = cut::whole;        ///< how much a write takes at a time
    time_point stalled_until{};     ///< nothing arrives on either side before
    bool reads = true;              ///< the server takes what comes
    int attempts = 0;
    /// How the coming connections break, the next one first; those behind do not.
    std::deque<sim_socket::breaking> breaks{};
    std::vector<std::weak_ptr<sim_socket>> sockets{};
};

class network {
public:
    explicit network(std::uint64_t seed = 1);

    [[nodiscard]] time_point now() const noexcept { return now_; }
    void set_now(time_point t) noexcept { now_ = t; }
    /// The place at `host:port`; every one has a server.
    [[nodiscard]] place& at(std::string_view name);
    [[nodiscard]] model_server& server(std::string_view name) { return at(name).server; }
    [[nodiscard]] model_cluster& cluster() noexcept { return cluster_; }
    [[nodiscard]] std::vector<place*> places();
    /// What servers made from now on begin with.
    model_rules rules{};
    std::size_t default_window = 64 * 1024;

    /// Down: its connections break so, and it refuses new ones.
    void take_down(std::string_view name, fault how = fault::eof);
    void bring_up(std::string_view name) { at(name).how = reach::accepts; }
    void break_all(std::string_view name, fault how);
    /// Nothing arrives on either side for so long; it is not lost.
    void stall(std::string_view name, duration d) { at(name).stalled_until = now_ + d; }

    // --- events
    /// Calls `f` then; in the order of the calls at equal times.
    void call_at(time_point t, std::function<void()> f) { events_.emplace(t, std::move(f)); }
    [[nodiscard]] time_point next() const noexcept {
        return events_.empty() ? no_deadline : events_.begin()->first;
    }
    void run_first();

    [[nodiscard]] std::shared_ptr<sim_socket> open(place& to);
    /// When something sent to or from there now arrives.
    [[nodiscard]] time_point arrival(const place& p, time_point not_before);
    [[nodiscard]] seeded_random& random() noexcept { return random_; }
    [[nodiscard]] std::size_t piece_of(std::size_t available, cut how) noexcept;

    /// Puts what the servers have to say on its way.
    void collect();

private:
    seeded_random random_;
    time_point now_;
    model_cluster cluster_;
    std::map<std::string, std::unique_ptr<place>, std::less<>> places_;
    std::multimap<time_point, std::function<void()>> events_;
};

} // namespace nats::test

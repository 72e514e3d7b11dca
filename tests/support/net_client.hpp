// SPDX-License-Identifier: Apache-2.0
//
// A driver of a session and its runtime over the simulated network, in the two ways in which real
// ones work: as a reactor (reads and writes when the socket is ready) or as a proactor (reads and
// writes are under way in the session's buffers while it goes on, also while it closes). It checks
// what must hold for every session, whatever the test is about.

#pragma once

#include <natsproto/op.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/session.hpp>

#include "support/network.hpp"
#include "support/session_steps.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nats::test {

struct client_settings {
    bool proactor = false;
    duration close_takes{}; ///< from `action::close` to `handle_closed`
    cut input = cut::whole; ///< how reads are split
    std::uint64_t seed = 1; ///< of the shuffles, the jitter and the inbox names
    const crypto_provider* crypto = nullptr;
    file_reader* files = nullptr;
    bool transcript = false;
};

class net_client {
public:
    net_client(network& net, const options& o, const client_settings& s = {});
    net_client(const net_client&) = delete;
    net_client& operator=(const net_client&) = delete;
    ~net_client(); ///< fails the test when something was wrong

    [[nodiscard]] nats::session& session() noexcept { return session_; }
    [[nodiscard]] nats::runtime& runtime() noexcept { return runtime_; }
    [[nodiscard]] network& net() noexcept { return net_; }
    [[nodiscard]] session_status status() const noexcept { return session_.status(); }
    /// What happened, a line each, with its time since the beginning: events, and `try host:port`
    /// for each attempt.
    [[nodiscard]] const std::vector<std::string>& log() const noexcept { return log_; }
    /// The same without the time.
    [[nodiscard]] const std::vector<std::string>& events() const noexcept { return events_; }
    [[nodiscard]] std::size_t count(std::string_view line_start) const;
    void forget_log() { log_.clear(), events_.clear(); }
    /// What must hold and did not; empty.
    [[nodiscard]] const std::vector<std::string>& broken() const noexcept { return broken_; }
    [[nodiscard]] std::vector<std::string> take_broken() { return std::exchange(broken_, {}); }
    [[nodiscard]] const std::string& transcript() const noexcept { return transcript_; }
    [[nodiscard]] const std::shared_ptr<sim_socket>& socket() const noexcept { return socket_; }
    [[nodiscard]] const client_settings& settings() const noexcept { return settings_; }
    /// A number of the newest attempt.
    [[nodiscard]] attempt_id attempt() const noexcept { return attempt_; }
    std::function<void(const event&)> observer;

    // --- driving
    /// One thing, up to `until`. False: nothing can happen before.
    bool step(time_point until = no_deadline);
    void advance(duration d);
    void settle(); ///< until all that is on the way has arrived
    void until(const std::function<bool()>& done);
    /// Starts and goes on until it is connected or not; which.
    bool connect();
    template <class T>
    T run(op<T> o) {
        o.start();
        until([&o] { return o.done(); });
        return o.take();
    }
    [[nodiscard]] duration since_start() const noexcept { return net_.now() - start_of_time; }

private:
    enum class wire : std::uint8_t { none, opening, open, closing };
    bool work();
    bool take_event();
    bool do_action();
    bool write_some();
    bool read_some();
    void finish_read();
    bool finish_write(bool at_end);
    void begin_connect(const action::connect& c);
    void begin_close(const action::close& c);
    void closed(attempt_id id);
    void note(const std::string& line);
    void check_order(const event& e);
    void check_bounds();
    void fail(std::string what) { broken_.push_back(std::move(what)); }

    network& net_;
    client_settings settings_;
    std::size_t most_kept_;
    seeded_random random_;
    nats::session session_;
    nats::runtime runtime_;
    std::shared_ptr<sim_socket> socket_;
    attempt_id attempt_{};
    wire wire_ = wire::none;
    bool end_told_ = false;
    // of a proactor
    std::optional<std::span<char>> reading_;
    struct writing {
        std::vector<const_buffer> pieces;
        std::string copy;
    };
    std::optional<writing> writing_;

    enum class phase : std::uint8_t { before, up, down, closed };
    phase phase_ = phase::before;
    bool ever_up_ = false;
    std::optional<time_point> timeout_done_; ///< handle_timeout was called at this time
    int timeouts_here_ = 0;                  ///< again, with nothing in between
    std::size_t steps_here_ = 0;             ///< without that time went on
    time_point here_{};
    std::vector<std::string> log_;
    std::vector<std::string> events_;
    std::vector<std::string> broken_;
    std::string transcript_;
};

} // namespace nats::test

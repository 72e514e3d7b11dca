// SPDX-License-Identifier: Apache-2.0
//
// The test driver: a session and its runtime, connected to servers without I/O under virtual time.
// Whatever a network can do to a client can be asked for: latency, any cut of the byte stream, its
// end at any byte, servers that are not there. It is also the reference for how to write a driver:
// `step` is all of it.

#pragma once

#include <natsproto/op.hpp>
#include <natsproto/random.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/session.hpp>

#include "support/faults.hpp"
#include "support/scripted_server.hpp"
#include "support/session_steps.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace nats::test {

using namespace std::chrono_literals;

struct sim_settings {
    duration latency = 1ms; ///< each way
    cut input = cut::whole;
    cut output = cut::whole;
    std::uint64_t seed = 1; ///< of the cuts and of the inbox names
    server_rules rules{};
};

class sim {
public:
    explicit sim(const options& o = {}, const sim_settings& settings = {})
        : sim(as_given(), once(o), settings) {}
    sim(as_given, const options& o, const sim_settings& settings = {});
    sim(const sim&) = delete;
    sim& operator=(const sim&) = delete;

    // --- the parts
    [[nodiscard]] nats::session& session() noexcept { return session_; }
    [[nodiscard]] nats::runtime& runtime() noexcept { return runtime_; }
    /// The server at `host:port`; every place has one.
    [[nodiscard]] scripted_server& server(std::string_view at = "127.0.0.1:4222") {
        return place(at).server;
    }
    void set_reach(std::string_view at, reach r) { place(at).how = r; }
    [[nodiscard]] time_point now() const noexcept { return now_; }
    /// Every event, a line each, in order; messages that `runtime::next_for` took are not among
    /// them.
    [[nodiscard]] const std::vector<std::string>& events() const noexcept { return events_; }
    /// How many events start so.
    [[nodiscard]] std::size_t count(std::string_view line_start) const;
    /// What the client wrote and what it read, in the pieces in which it did.
    [[nodiscard]] const std::string& transcript() const noexcept { return transcript_; }
    /// Called with every event that is not a message, after it was noted.
    std::function<void(const event&)> observer;

    // --- driving
    /// One thing: an event, or the arrival of something, or a deadline, up to `until`. False: there
    /// is none.
    bool step(time_point until = no_deadline);
    /// Starts the session and goes on until it is connected or closed; which of the two.
    bool connect();
    /// Until all that is on the way has arrived. Time goes on only as far as that takes.
    void settle();
    /// Time goes on.
    void advance(duration d);
    /// Until it is true. Fails the test when nothing can happen any more.
    void until(const std::function<bool()>& done);
    /// Runs an op to its end. It may be called by a handler that is called by it.
    template <class T>
    T run(op<T> o) {
        o.start();
        until([&o] { return o.done(); });
        return o.take();
    }
    /// `runtime::next_for` until there is a message, an error, or the deadline.
    [[nodiscard]] result<message_view> next(mailbox& box, duration timeout = 10s);

    // --- breaking
    /// When the client has read, or written, so many bytes since the beginning.
    void break_after_input(std::size_t bytes, fault f) { input_limit_ = {bytes, f}; }
    void break_after_output(std::size_t bytes, fault f) { output_limit_ = {bytes, f}; }
    /// Now.
    void break_now(fault f);
    /// The peer does not read: nothing can be written until it does.
    void block_writes(bool blocked) noexcept { writes_blocked_ = blocked; }
    [[nodiscard]] std::size_t bytes_read() const noexcept { return bytes_read_; }
    [[nodiscard]] std::size_t bytes_written() const noexcept { return bytes_written_; }

private:
    struct peer {
        scripted_server server;
        reach how = reach::accepts;
    };
    struct breaking {
        std::size_t at = static_cast<std::size_t>(-1);
        fault how = fault::eof;
    };

    peer& place(std::string_view at);
    bool take_event();
    void perform(const session_action& a);
    void open(const action::connect& c);
    void transmit();
    void receive(std::string_view bytes);
    void collect();
    /// Has `arrival` called when it arrives, one latency from now. With `link`, only if that
    /// connection still stands.
    void send(std::function<void()> arrival, std::optional<attempt_id> link = std::nullopt);
    void arrive();
    [[nodiscard]] std::size_t piece_of(std::size_t available, cut how) noexcept;

    sim_settings settings_;
    seeded_random random_;
    seeded_random cuts_;
    nats::session session_;
    nats::runtime runtime_;
    time_point now_ = start_of_time;
    std::map<std::string, std::unique_ptr<peer>, std::less<>> places_;
    std::multimap<time_point, std::function<void()>> on_the_way_;
    std::span<char> reading_;        ///< where the next bytes go, if that was asked for already
    std::optional<attempt_id> link_; ///< the attempt whose connection stands
    peer* linked_ = nullptr;
    bool silent_ = false;
    bool writes_blocked_ = false;
    breaking input_limit_;
    breaking output_limit_;
    std::size_t bytes_read_ = 0;
    std::size_t bytes_written_ = 0;
    std::vector<std::string> events_;
    std::string transcript_;
    std::size_t steps_ = 0;
};

/// A session that is connected, for tests that begin there.
class connected_sim : public sim {
public:
    explicit connected_sim(const options& o = {}, const sim_settings& settings = {})
        : sim(o, settings) {
        if (!connect()) throw std::logic_error("the session did not get connected");
    }
};

} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// What all commands share: how they are registered, the global options, exit codes and the
// connection.

#pragma once

#include <natsproto/blocking/client.hpp>
#include <natsproto/error.hpp>
#include <natsproto/options.hpp>
#include <natsproto/session.hpp>
#include <natsproto/time.hpp>

#include <CLI/App.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace nats::cli {

/// What scripts see. `exit_codes` is the text of it in --help.
namespace exit_code {
constexpr int ok = 0;
constexpr int failed = 1;
constexpr int usage = 2;
constexpr int timed_out = 3;
constexpr int no_responders = 4;
constexpr int signalled = 128; ///< plus the signal's number
} // namespace exit_code
extern const char* const exit_codes;
[[nodiscard]] int exit_code_for(const error& e) noexcept;

/// The command line asks for something impossible.
class usage_error : public std::runtime_error {
    using std::runtime_error::runtime_error;
};
/// The server refused something, and that was told already.
class refused {};

struct global_options {
    std::string server = "nats://127.0.0.1:4222";
    std::string user;
    std::string password;
    std::string token;
    std::string creds; ///< names of files, here and below
    std::string nkey;
    std::string tlscert;
    std::string tlskey;
    std::string tlsca;
    bool tlsfirst = false;
    std::string name = "natsproto CLI";
    std::string inbox_prefix = "_INBOX";
    std::string js_api_prefix;
    std::string js_domain;
    duration timeout = std::chrono::seconds(5);
    bool trace = false;
};
void add_global_options(CLI::App& app, global_options& g);
/// After parsing: decides which login counts, and checks all that no server is needed for. Throws
/// usage_error or nats::exception.
void settle(const CLI::App& app, global_options& g);
/// The same for the library; views into `g`.
[[nodiscard]] options options_of(const global_options& g);

struct command {
    CLI::App* app;
    std::function<int(const global_options&)> run;
    bool connects = true; ///< with the global options, which are to be settled
};
[[nodiscard]] command add_pub(CLI::App& app);
[[nodiscard]] command add_sub(CLI::App& app);
[[nodiscard]] command add_request(CLI::App& app);
[[nodiscard]] command add_reply(CLI::App& app);
[[nodiscard]] command add_rtt(CLI::App& app);
[[nodiscard]] command add_serve(CLI::App& app);
/// Groups of commands.
[[nodiscard]] std::vector<command> add_stream(CLI::App& app);
[[nodiscard]] std::vector<command> add_consumer(CLI::App& app);
[[nodiscard]] std::vector<command> add_kv(CLI::App& app);
[[nodiscard]] std::vector<command> add_object(CLI::App& app);
[[nodiscard]] std::vector<command> add_service(CLI::App& app);

/// `1h2m`, `1.5s`, `300ms`, ... or `0`; empty when it is none. Units: ns us ms s m h d w y.
[[nodiscard]] std::optional<duration> parse_duration(std::string_view text) noexcept;
/// The other way, in the unit that suits it: `1.234ms`.
[[nodiscard]] std::string text_of(duration d);

/// An option that takes a duration; `lowest` is the least that is accepted.
CLI::Option* add_duration(CLI::App& app, const std::string& names, duration& target,
                          const std::string& help, duration lowest = std::chrono::nanoseconds(1));
CLI::Option* add_duration(CLI::App& app, const std::string& names, std::optional<duration>& target,
                          const std::string& help);
/// A check for options that count something: a whole number of at least 1.
[[nodiscard]] CLI::Validator at_least_one();
/// `-H`: may be repeated, takes one value each.
void add_headers(CLI::App& app, std::vector<std::string>& target);

/// A line for people, on stderr.
void tell(std::string_view line) noexcept;
/// The same, as `natsproto: text`.
void tell_error(std::string_view text) noexcept;

/// What the end of a connection means for a command.
enum class lifetime : std::uint8_t {
    task,    ///< it has failed: nobody knows what has arrived
    service, ///< it connects again, for ever
};

/// A client that tells on stderr what happens to it: what the server refuses, warnings, and for a
/// service how it loses and finds its server. Connecting throws `nats::exception`.
class connection {
public:
    /// `server`: instead of the one in the options.
    connection(const global_options& g, lifetime l, std::string_view server = {});
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    ~connection() = default;

    [[nodiscard]] client& operator*() noexcept { return client_; }
    [[nodiscard]] client* operator->() noexcept { return &client_; }

    /// Waits until the server has processed everything.
    void flush();
    /// As `flush`, but through disconnects, and false when it was interrupted.
    [[nodiscard]] bool wait_ready();
    /// Ends subscriptions without losing what they were sent, then flushes and closes. Without a
    /// connection nothing can be lost but kept publishes: then that is an error.
    void drain();
    /// Begins that, for a reader that goes on until `drained`. False: nothing is on its way.
    [[nodiscard]] bool start_drain();
    /// Whether the server refused something.
    [[nodiscard]] bool was_refused() const noexcept { return refusals_ != 0; }
    /// Throws `refused` if it did.
    void check() const {
        if (was_refused()) throw refused();
    }
    /// The code to end with when nothing else went wrong.
    [[nodiscard]] int outcome() const noexcept {
        return was_refused() ? exit_code::failed : exit_code::ok;
    }
    /// Ends the waiting call that runs when the server refuses something.
    void interrupt_when_refused() noexcept { interrupt_ = true; }

private:
    [[nodiscard]] client connect(const global_options& g, std::string_view server);
    void note_kept() noexcept;
    void on_event(const event& e);
    void on_refusal(const ev::server_error& e);
    void tell_of_service(const event& e);

    lifetime lifetime_;
    duration timeout_;
    std::uint64_t refusals_ = 0;
    std::uint64_t attempts_ = 0; ///< that failed in a row; only those after a disconnect are told
    bool was_up_ = false;
    bool interrupt_ = false;
    bool kept_ = false; ///< publishes waited for a connection when the drain began
    client client_;     ///< last: it tells of its end
};

} // namespace nats::cli

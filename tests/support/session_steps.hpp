// SPDX-License-Identifier: Apache-2.0
//
// Drives a session by hand: each call is one input, and its value is all that the session did about
// it, as text.

#pragma once

#include <natsproto/random.hpp>
#include <natsproto/session.hpp>

#include <string>
#include <string_view>

namespace nats::test {

/// When the tests' time begins; any other point would do.
inline constexpr time_point start_of_time{std::chrono::hours(1)};

inline constexpr std::string_view info_2_10 =
    R"(INFO {"server_id":"S","version":"2.10.27","proto":1,"headers":true,"max_payload":1048576} )"
    "\r\n";

/// Bytes with CR and LF as \r and \n, and all else that is not printable as \xNN.
[[nodiscard]] std::string shown(std::string_view bytes);
/// A whole number of milliseconds, such as `5ms`.
[[nodiscard]] std::string in_ms(duration d);
/// One line, without an end.
[[nodiscard]] std::string line_of(const event& e);

/// The options of a test that is not about reconnecting: the first disconnect is the end, and the
/// servers are tried in their order.
[[nodiscard]] inline options once(options o) {
    o.reconnect = false;
    o.randomize = false;
    return o;
}
/// Takes options as they are.
struct as_given {};

class stepper {
public:
    explicit stepper(const options& o = {}, const crypto_provider* crypto = nullptr,
                     file_reader* files = nullptr)
        : s(once(o), {&random, crypto, files}) {}
    stepper(as_given, const options& o, const crypto_provider* crypto = nullptr,
            file_reader* files = nullptr)
        : s(o, {&random, crypto, files}) {}

    /// All outputs in the order of the contract, a line each: events, then actions (`connect 1
    /// host:port by 2000ms`, `close 1`), then one line `> ` with the bytes.
    std::string drain();

    /// `start`; its error as a line.
    std::string start();
    std::string connected(std::uint64_t attempt = 1);
    std::string connect_failed(std::uint64_t attempt, error why);
    std::string receive(std::string_view bytes);
    /// Of the newest attempt.
    std::string eof();
    /// The driver has closed the transport. `drain` says so by itself unless `slow_close` is set.
    std::string closed(std::uint64_t attempt);
    std::string io_error(std::uint64_t attempt = 1);
    /// Time goes on, and the deadline is looked at.
    std::string wait(duration d);
    std::string close();
    /// From the start to the open connection, with the first server. False: it did not get there.
    bool open(std::string_view info = info_2_10);

    seeded_random random{1};
    session s;
    bool slow_close = false;
    attempt_id newest{}; ///< attempt that `drain` has seen
    time_point now = start_of_time;
};

} // namespace nats::test

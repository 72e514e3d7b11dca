// SPDX-License-Identifier: Apache-2.0
//
// The embedded broker on TCP, in the calling thread: no thread of its own. For tests, demos and one
// process; production and clusters are nats-server's.
//
//     auto server = nats::tcp_broker::listen().value();          // 127.0.0.1, a free port
//     std::thread thread([&] { (void)server->run(); });
//     auto nc = nats::client::connect(server->url()).value();    // in the test's own thread
//     ...
//     server->stop();
//     thread.join();

#pragma once

#include <natsproto/broker/broker.hpp>
#include <natsproto/broker/broker_options.hpp>
#include <natsproto/crypto.hpp>
#include <natsproto/result.hpp>
#include <natsproto/time.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace nats {

struct tcp_broker_options {
    /// An IP address to listen on; names are not resolved.
    std::string host = "127.0.0.1";
    std::uint16_t port = 0; ///< 0: a free one
    int backlog = 1024;
    /// For TLS and NKEYs; null: OpenSSL's, if the library was built with it. Must outlive the
    /// broker.
    const crypto_provider* crypto = nullptr;
};

/// Thread-safety: `stop`, `retire` and `with` may be called from any thread, `stop` and `retire`
/// also from signal handlers; nothing else while `run` or `poll` runs in another thread, but for
/// `port` and `url`.
class tcp_broker {
public:
    /// Listens from when this returns. Errors: those of `broker::create`; `invalid_argument` for
    /// the host; `io_error` when it cannot listen there, with the address and the reason.
    [[nodiscard]] static result<std::unique_ptr<tcp_broker>> listen(
        broker_options o = {}, const tcp_broker_options& where = {});
    tcp_broker(const tcp_broker&) = delete;
    tcp_broker& operator=(const tcp_broker&) = delete;
    /// Closes all connections at once.
    ~tcp_broker();

    [[nodiscard]] std::uint16_t port() const noexcept;
    /// `nats://127.0.0.1:4222`; `tls://` when TLS comes first or is required.
    [[nodiscard]] std::string url() const;

    /// Serves until `stop` or `retire` has ended it. Errors: `io_error`, when waiting fails.
    result<void> run();
    /// Serves what is there now, waiting at most `timeout` for it. False: it has ended.
    result<bool> poll(duration timeout);
    /// Ends `run`: connections are closed as soon as what waits for them is written, at most
    /// `grace` later.
    void stop() noexcept;
    /// Lame duck mode, then the end.
    void retire() noexcept;
    /// How long after `stop` connections may take to read what waits for them. For the thread that
    /// serves, so set it before `run`, or by `with`.
    duration stop_grace = std::chrono::seconds(1);

    /// Runs `f` in the thread that serves, between two rounds, and returns when it has run; at
    /// once, in the calling thread, when nothing serves. For what tests do to the broker: cut,
    /// hold, announce, subscribe. What `f` throws comes out here. `in_use`, and not run: in the
    /// thread that serves (as in a handler, or in `f`), which would wait for itself.
    result<void> with(const std::function<void(broker&, time_point now)>& f);
    /// The broker itself, for the thread that serves.
    [[nodiscard]] nats::broker& broker() noexcept;

private:
    class impl;
    explicit tcp_broker(std::unique_ptr<impl> i) noexcept;
    std::unique_ptr<impl> impl_;
};

} // namespace nats

// SPDX-License-Identifier: Apache-2.0
//
// The blocking client: NATS in the calling thread, without any other.
//
// **Read this first.** This client has no thread of its own, so time passes for it only inside its
// calls: server PINGs are answered, handlers run and deadlines count while one of `next`,
// `request`, `flush`, `poll`, ... runs. A program that computes for minutes without a call should
// call `poll` now and then (nats-server gives up after about four minutes of silence). Messages
// that arrive meanwhile wait in the socket; nothing is lost by it but what the server drops itself
// when a reader is too slow.
//
// When does a publish reach the kernel? By default before `publish` returns, so nothing is ever
// left behind, at one system call each. Where many are published in a row, open a burst (`auto b =
// nc.burst();`): then they go out in 64 KiB writes, and the rest when the burst ends, or at the
// next call that waits. Publishes from inside a handler form a burst by themselves.
// `publish_policy::buffered` makes the whole connection one burst.
//
// Errors: calls return `result<T>`; `.value()` throws `nats::exception`. Thread-safety: none, but
// for `interrupt`.

#pragma once

#include <natsproto/blocking/address_options.hpp>
#include <natsproto/blocking/client_handle.hpp>
#include <natsproto/blocking/replies.hpp>
#include <natsproto/blocking/subscription.hpp>
#include <natsproto/bytes.hpp>
#include <natsproto/crypto.hpp>
#include <natsproto/headers.hpp>
#include <natsproto/log.hpp>
#include <natsproto/message.hpp>
#include <natsproto/op.hpp>
#include <natsproto/options.hpp>
#include <natsproto/publish_options.hpp>
#include <natsproto/request_many.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/session.hpp>
#include <natsproto/time.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace nats {

namespace blocking {
class driver;
}

/// When a publish is handed to the kernel.
enum class publish_policy : std::uint8_t {
    immediate, ///< before `publish` returns, unless a burst is open
    buffered,  ///< at 64 KiB, at the next call that waits, `flush`, `write`, `close` or the
               ///< destructor
};

/// What only the blocking client has to be told.
struct blocking_options {
    publish_policy policy = publish_policy::immediate;
    /// How long a publish waits for room when `limits::max_output_bytes` are queued because the
    /// server does not read, and how long `close` tries to write the rest. Must be positive.
    duration write_timeout = std::chrono::seconds(10);
    /// For TLS and signatures; null: OpenSSL's, if the library was built with it. Must outlive the
    /// client.
    const crypto_provider* crypto = nullptr;
    /// Which addresses of a host are tried. All of them are, each with its share of the time.
    address_order addresses = address_order::any;
    /// The IP address that outgoing sockets are bound to; empty: the system's choice.
    std::string_view local_address{};
    /// Instead of the resolver and connect(2): returns a connected stream socket, which the client
    /// owns from then on. It should be done by the deadline. For proxies and sockets of one's own.
    result<int> (*dial)(void* context, const endpoint& to, time_point deadline) = nullptr;
    void* dial_context = nullptr;
    /// Gets a line for each operation on the wire (`->` sent, `<-` received), without secrets. For
    /// debugging.
    void (*trace)(void* context, std::string_view line) = nullptr;
    void* trace_context = nullptr;
    /// Gets a line about each event, and at `log_level::trace` the lines of `trace` too. It must
    /// not call the client.
    log_sink log{};
    /// As `client::on_event`, from the beginning: it also gets what happens before `connect`
    /// returns, such as failed attempts and warnings.
    void (*on_event)(void* context, const event& e) = nullptr;
    void* on_event_context = nullptr;
};
static_assert(std::is_trivially_destructible_v<blocking_options>);

/// A connection. Movable; the destructor closes it. Subscriptions may outlive it: they then end
/// with `connection_closed`.
class client {
public:
    /// Tries the servers until one has answered the handshake. Blocks at most
    /// `options::connect_timeout` for each, plus the time of the system's resolver, which cannot be
    /// bounded. With `options::retry_on_failed_connect` it returns a client after the first pass in
    /// any case; waiting calls then go on connecting.
    [[nodiscard]] static result<client> connect(const options& o = {},
                                                const blocking_options& b = {});
    [[nodiscard]] static result<client> connect(std::string_view servers,
                                                const blocking_options& b = {});

    client(client&&) noexcept;
    client& operator=(client&&) noexcept;
    client(const client&) = delete;
    client& operator=(const client&) = delete;
    ~client();

    // --- publishing: none of these reads, so views of received messages stay valid (but see
    // blocking_options::write_timeout)

    /// Copies or sends its arguments before it returns. Errors: invalid_subject, payload_too_large,
    /// headers_not_supported, control_line_too_long; timeout when there was no room in time;
    /// io_error; connection_closed.
    result<void> publish(std::string_view subject, bytes payload = {},
                         const publish_options& o = {});
    /// Publishes to the reply subject of a received message; `no_reply` when it has none.
    result<void> respond(const message_view& to, bytes payload = {}, header_view headers = {});

    /// While it lives, publishes are collected into large writes. May be nested; must not outlive
    /// the client.
    class burst_scope {
    public:
        burst_scope(burst_scope&& other) noexcept;
        burst_scope& operator=(burst_scope&&) = delete;
        burst_scope(const burst_scope&) = delete;
        burst_scope& operator=(const burst_scope&) = delete;
        ~burst_scope();

    private:
        friend class client;
        explicit burst_scope(blocking::driver* d) noexcept : driver_(d) {}
        blocking::driver* driver_;
    };
    [[nodiscard]] burst_scope burst() noexcept;
    /// Hands what is queued to the kernel now, as far as it takes it; does not wait.
    result<void> write();

    // --- waiting calls: they write what is queued, read, answer PINGs and run handlers. They end
    // views of messages.

    /// Returns when the server has processed everything that was published before: the round trip
    /// time of its PING. `timeout` must be positive.
    result<duration> flush(duration timeout = std::chrono::seconds(10));
    /// The time of one PING and its PONG. Unlike `flush` it does not wait for a connection:
    /// `not_connected`.
    result<duration> rtt(duration timeout = std::chrono::seconds(10));
    /// Until there is a connection (again).
    result<void> wait_connected(duration timeout = std::chrono::seconds(10));
    /// Until every message that is queued for any subscription now was given to its reader, and
    /// handlers have returned.
    result<void> barrier(duration timeout = std::chrono::seconds(10));

    /// The reply to a request, as an owning message. Errors: no_responders, timeout, and those of
    /// `publish`.
    result<message> request(std::string_view subject, bytes payload = {},
                            duration timeout = std::chrono::seconds(5), header_view headers = {});
    /// The same without a copy: the view lives until the next waiting call.
    result<message_view> request_view(std::string_view subject, bytes payload = {},
                                      duration timeout = std::chrono::seconds(5),
                                      header_view headers = {});
    /// The same as `request` with an inbox and a subscription of its own for each request.
    result<message> request_by_inbox(std::string_view subject, bytes payload = {},
                                     duration timeout = std::chrono::seconds(5),
                                     header_view headers = {});
    /// Several replies to one request (ADR-47).
    result<replies> request_many(std::string_view subject, bytes payload = {},
                                 const request_many_options& o = {}, header_view headers = {});

    /// A subscription that is read by `subscription::next`. The SUB is written before this returns
    /// (or with the burst).
    result<subscription> subscribe(std::string_view subject, const subscribe_options& o = {});
    /// A subscription whose messages go to `handler`, during any waiting call. The view lives until
    /// the handler returns, or makes a waiting call itself (that is allowed: messages for handlers
    /// then wait until it has returned). What it throws comes out of the waiting call. It may
    /// destroy its own subscription.
    result<subscription> subscribe(std::string_view subject,
                                   std::function<void(const message_view&)> handler,
                                   const subscribe_options& o = {});

    /// Handles what has arrived, waiting for at most `timeout` for the first of it; how many events
    /// that were (0: none came). `poll(0)` never waits. Errors: the reason when the connection is
    /// closed; interrupted.
    result<std::size_t> poll(duration timeout = duration::zero());
    /// Polls until `timeout` has passed, the connection is closed, or `interrupt`.
    result<void> run_for(duration timeout);

    // --- in somebody else's loop: when `fd` is readable (or writable, while `wants_write`), and
    // when `next_deadline` has come, call `poll(0)`. Call it once after any other call too: input
    // may have been read already.

    [[nodiscard]] int fd() const noexcept; ///< -1 when closed
    [[nodiscard]] bool wants_write() const noexcept;
    [[nodiscard]] std::optional<time_point> next_deadline() const noexcept;

    /// Makes the waiting call that runs now, or else the next one, return `interrupted`. May be
    /// called from any thread and from a signal handler; nothing else may.
    void interrupt() noexcept;

    // --- the rest

    /// Gets every event but messages, in order, during waiting calls. It must not make waiting
    /// calls. Instead of `blocking_options::on_event`.
    void on_event(std::function<void(const event&)> observer);
    /// Writes what is queued, for at most `blocking_options::write_timeout`, and closes.
    /// Idempotent.
    void close();
    /// Ends all subscriptions without losing a message that the server has sent for them: handlers
    /// get theirs, and may still publish; what a reader has not read by then can be read after the
    /// end. Then flushes and closes. Waits for all of that, at most for `options::drain_timeout`:
    /// `drain_timeout`. `not_connected` while there is no connection, and then it is closed.
    result<void> drain();
    /// Begins the same and does not wait. It also lets readers read to the end (`drained`) before
    /// publishing is over; the waiting calls do the rest.
    result<void> start_drain();
    /// Leaves the server and connects again at once: to the next one of the pool, or the same one
    /// when it is alone. With logins and certificates as they are then. Does not wait for it.
    result<void> force_reconnect();
    /// Replaces the servers to connect to; the connection that is up stays.
    result<void> set_servers(std::string_view list);
    /// The pool as it is. The pointers live until the next call of the client.
    [[nodiscard]] std::vector<server_status> servers() const;
    [[nodiscard]] session_status status() const noexcept;
    [[nodiscard]] const server_info& info() const noexcept;
    [[nodiscard]] const endpoint& server() const noexcept;
    [[nodiscard]] const statistics& stats() const noexcept;
    /// Whether the connection is inside of TLS.
    [[nodiscard]] bool secure() const noexcept;
    /// The round trip time of the newest PING, the client's own ones included; 0 before the first.
    [[nodiscard]] duration last_rtt() const noexcept;
    /// `address:port` of this end; empty without a connection.
    [[nodiscard]] std::string local_address() const;
    /// Why it is closed; only meaningful when it is.
    [[nodiscard]] const error& close_reason() const noexcept;
    /// Bytes of publishes that are kept for the next connection.
    [[nodiscard]] std::size_t kept() const noexcept;
    /// Bytes that are queued and not yet handed to the kernel.
    [[nodiscard]] std::size_t buffered() const noexcept;

    /// For facades and ops of one's own: runs an op to its end. Get the runtime for the op from
    /// `rt`, which sets its clock.
    template <class T>
    T run(op<T> o) {
        return blocking::run(*driver_, o);
    }
    [[nodiscard]] runtime& rt() noexcept;
    /// For facades: what they need of this client, which it may outlive.
    using handle_type = client_handle;
    [[nodiscard]] client_handle handle() const noexcept { return client_handle(driver_); }

private:
    explicit client(std::shared_ptr<blocking::driver> d) noexcept;

    std::shared_ptr<blocking::driver> driver_;
};

} // namespace nats

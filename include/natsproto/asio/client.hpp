// SPDX-License-Identifier: Apache-2.0
//
// The Asio client: NATS in your own `io_context`, with coroutines, futures or callbacks.
//
//     boost::asio::awaitable<void> hello(nats::aio::client& nc) {
//         co_await nc.connect("nats://127.0.0.1:4222");
//         nats::aio::subscription sub = nc.subscribe("greet").value();
//         nc.publish("greet", "hello").value();
//         nats::message m = co_await sub.next({.timeout = 1s});
//     }
//
// **Operations** are initiating functions: they take any completion token, `boost::asio::deferred`
// by default, so that `co_await` works on what they return. They complete with
// `void(boost::system::error_code)` or `void(boost::system::error_code, T)`, never from inside the
// initiating call, on the handler's associated executor (by default the client's), with memory of
// the handler's associated allocator. A cancellation slot cancels one operation and nothing else:
// it ends with `boost::asio::error::operation_aborted`. All types of cancellation are honoured, but
// `total` by `request` and its like, whose message cannot be called back. Views among the arguments
// are read when the operation starts, which with `deferred` is at its `co_await`.
//
// **Immediate calls** (`publish`, `subscribe`, ...) put what they have to say into the output queue
// and return a `result`. What was queued is written when the handler that queued it returns, all of
// it at once.
//
// **Order.** Operations complete in the order in which what they wait for has come; handlers with
// the same executor are called in that order. Those that are started outside of the client's
// executor begin when they get there: immediate calls that are made after them may come first.
//
// **Threads.** The library has none. Each client has an executor, `get_executor()`: a strand on the
// one that it was given, unless that is serial already (`client_options::serial`). Operations may
// be started from any thread. Immediate calls and getters belong on the client's executor, or to a
// program whose context is run by one thread. From other threads publish by `get_publisher()`.
//
// **Lifetime.** A client can be destroyed at any time on its executor, also in its own handlers. It
// closes the connection; operations that go on end with `operation_aborted`, as those of a socket
// do; message handlers, `on_event` and the log are not called any more. What was published and not
// written is lost, so `co_await nc.close()` (or `drain`) first. An exception that a handler throws
// leaves `io_context::run`, and the client goes on with the next `run`.

#pragma once

#include <natsproto/asio/client_handle.hpp>
#include <natsproto/asio/detail/operation.hpp>
#include <natsproto/asio/operation_options.hpp>
#include <natsproto/asio/publisher.hpp>
#include <natsproto/asio/replies.hpp>
#include <natsproto/asio/subscription.hpp>
#include <natsproto/asio/transport.hpp>
#include <natsproto/blocking/address_options.hpp>
#include <natsproto/bytes.hpp>
#include <natsproto/crypto.hpp>
#include <natsproto/headers.hpp>
#include <natsproto/log.hpp>
#include <natsproto/message.hpp>
#include <natsproto/options.hpp>
#include <natsproto/publish_options.hpp>
#include <natsproto/request_many.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/session.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/deferred.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace nats::aio {

/// What only the Asio client has to be told.
struct client_options {
    /// The executor runs one handler at a time by itself: a strand, or an `io_context` that only
    /// one thread runs. Then there is no strand on it, and operations are started on that executor
    /// only.
    bool serial = false;
    /// How long `publish_when_room` waits for room, and how long `close` tries to write the rest.
    /// Must be positive.
    duration write_timeout = std::chrono::seconds(10);
    /// For TLS and signatures; null: OpenSSL's, if the library was built with it. Must outlive the
    /// client.
    const crypto_provider* crypto = nullptr;
    /// Which addresses of a host are tried. All of them are, each with its share of the time.
    address_order addresses = address_order::any;
    /// The IP address that outgoing sockets are bound to; empty: the system's choice.
    std::string_view local_address{};
    /// Instead of TCP by Asio, and then the two options above are not used. Must outlive the
    /// client, and serve no other.
    connector* via = nullptr;
    /// Gets lines about what happens; `log_level::trace` brings every operation on the wire.
    log_sink log{};
    /// As `client::on_event`, from the beginning.
    void (*on_event)(void* context, const event& e) = nullptr;
    void* on_event_context = nullptr;
};
static_assert(std::is_trivially_destructible_v<client_options>);

namespace detail {
void start_connect(const std::shared_ptr<driver>& d, operation_ptr<void> o, options given);
void start_connect_to(const std::shared_ptr<driver>& d, operation_ptr<void> o,
                      std::string_view servers);
void start_publish(const std::shared_ptr<driver>& d, operation_ptr<void> o,
                   std::string_view subject, bytes payload, publish_options p, error* why);
void start_flush(const std::shared_ptr<driver>& d, operation_ptr<duration> o, wait_options w);
void start_rtt(const std::shared_ptr<driver>& d, operation_ptr<duration> o, wait_options w);
void start_wait_connected(const std::shared_ptr<driver>& d, operation_ptr<void> o, wait_options w);
void start_barrier(const std::shared_ptr<driver>& d, operation_ptr<void> o, wait_options w);
void start_request(const std::shared_ptr<driver>& d, operation_ptr<message> o,
                   std::string_view subject, bytes payload, request_options r);
void start_request_into(const std::shared_ptr<driver>& d, operation_ptr<void> o, message* into,
                        std::string_view subject, bytes payload, request_options r);
void start_request_by_inbox(const std::shared_ptr<driver>& d, operation_ptr<message> o,
                            std::string_view subject, bytes payload, request_options r);
void start_drain(const std::shared_ptr<driver>& d, operation_ptr<void> o, error* why);
void start_close(const std::shared_ptr<driver>& d, operation_ptr<void> o);
/// Takes an operation whose op exists already. On the client's executor.
void begin(driver& d, operation_base* o);
[[nodiscard]] runtime* runtime_of(driver& d) noexcept;
/// An op that waits for its start keeps the runtime that its memory is of.
template <class T>
struct kept_op {
    std::shared_ptr<driver> owner;
    op<result<T>> running;
};
} // namespace detail

/// A connection. Movable. One client connects once: make a new one for another session.
class client {
public:
    using executor_type = boost::asio::any_io_executor;

    explicit client(executor_type ex, const client_options& o = {});
    /// Of an execution context, such as an `io_context`.
    template <class Context>
        requires requires(Context& c) { executor_type(c.get_executor()); } &&
                 (!std::is_convertible_v<Context&, executor_type>)
    explicit client(Context& context, const client_options& o = {})
        : client(executor_type(context.get_executor()), o) {}

    client(client&&) noexcept;
    client& operator=(client&&) noexcept;
    client(const client&) = delete;
    client& operator=(const client&) = delete;
    ~client();

    [[nodiscard]] executor_type get_executor() const noexcept;

    // --- operations

    /// Tries the servers until one has answered the handshake, for at most
    /// `options::connect_timeout` each. With `options::retry_on_failed_connect` it also ends when
    /// the first pass over the servers has failed, without an error, and connecting goes on. Once
    /// only: `already_connected`; `close_reason` tells more about an error. Cancelling it closes
    /// the client. `void(error_code)`.
    template <class Token = boost::asio::deferred_t>
    auto connect(const options& o, Token&& token = Token()) {
        return detail::initiate<void>(std::forward<Token>(token), driver_, detail::start_connect,
                                      o);
    }
    template <class Token = boost::asio::deferred_t>
    auto connect(std::string_view servers, Token&& token = Token()) {
        return detail::initiate<void>(std::forward<Token>(token), driver_, detail::start_connect_to,
                                      servers);
    }

    /// As `publish`, but waits while 1 MiB or the limit waits to be written already, for at most
    /// `client_options::write_timeout`. For those who publish faster than the network takes it.
    /// `void(error_code)`.
    template <class Token = boost::asio::deferred_t>
    auto publish_when_room(std::string_view subject, bytes payload = {},
                           const publish_options& o = {}, Token&& token = Token(),
                           error* why = nullptr) {
        return detail::initiate<void>(std::forward<Token>(token), driver_, detail::start_publish,
                                      subject, payload, o, why);
    }

    /// Ends when the server has processed everything that was published before: the round trip
    /// time of its PING. Waits for a connection if there is none. `void(error_code, duration)`.
    template <class Token = boost::asio::deferred_t>
    auto flush(const wait_options& o = {}, Token&& token = Token()) {
        return detail::initiate<duration>(std::forward<Token>(token), driver_, detail::start_flush,
                                          o);
    }
    /// The time of one PING and its PONG. Unlike `flush` it does not wait for a connection:
    /// `not_connected`. `void(error_code, duration)`.
    template <class Token = boost::asio::deferred_t>
    auto rtt(const wait_options& o = {}, Token&& token = Token()) {
        return detail::initiate<duration>(std::forward<Token>(token), driver_, detail::start_rtt,
                                          o);
    }
    /// Until there is a connection (again). `void(error_code)`.
    template <class Token = boost::asio::deferred_t>
    auto wait_connected(const wait_options& o = {}, Token&& token = Token()) {
        return detail::initiate<void>(std::forward<Token>(token), driver_,
                                      detail::start_wait_connected, o);
    }
    /// Until every message that is queued for any subscription now was given to its reader.
    /// `void(error_code)`.
    template <class Token = boost::asio::deferred_t>
    auto barrier(const wait_options& o = {}, Token&& token = Token()) {
        return detail::initiate<void>(std::forward<Token>(token), driver_, detail::start_barrier,
                                      o);
    }

    /// The reply to a request: `void(error_code, message)`. Errors: no_responders, timeout, those
    /// of `publish`.
    template <class Token = boost::asio::deferred_t>
    auto request(std::string_view subject, bytes payload = {}, const request_options& o = {},
                 Token&& token = Token()) {
        return detail::initiate<message>(std::forward<Token>(token), driver_, detail::start_request,
                                         subject, payload, o);
    }
    /// The same into a message of the caller's, whose memory is used again: no allocation. It must
    /// live until the operation has ended. `void(error_code)`.
    template <class Token = boost::asio::deferred_t>
    auto request_into(message& into, std::string_view subject, bytes payload = {},
                      const request_options& o = {}, Token&& token = Token()) {
        return detail::initiate<void>(std::forward<Token>(token), driver_,
                                      detail::start_request_into, &into, subject, payload, o);
    }
    /// The same as `request` with an inbox and a subscription of its own for each request.
    template <class Token = boost::asio::deferred_t>
    auto request_by_inbox(std::string_view subject, bytes payload = {},
                          const request_options& o = {}, Token&& token = Token()) {
        return detail::initiate<message>(std::forward<Token>(token), driver_,
                                         detail::start_request_by_inbox, subject, payload, o);
    }

    /// Ends all subscriptions without losing a message that the server has sent for them: handlers
    /// and readers get theirs, and may still publish. Then flushes and closes; ends when the
    /// transport is closed, at most after `options::drain_timeout`: `drain_timeout`.
    /// `not_connected` while there is no connection, and then it is closed. A reader that has
    /// stopped reading holds it up. Cancelling it stops waiting, not draining. `void(error_code)`.
    template <class Token = boost::asio::deferred_t>
    auto drain(error* why = nullptr, Token&& token = Token()) {
        return detail::initiate<void>(std::forward<Token>(token), driver_, detail::start_drain,
                                      why);
    }
    /// Writes what is queued, for at most `client_options::write_timeout`, and closes; ends when
    /// the transport is closed. Idempotent. Cancelling it closes at once. `void(error_code)`.
    template <class Token = boost::asio::deferred_t>
    auto close(Token&& token = Token()) {
        return detail::initiate<void>(std::forward<Token>(token), driver_, detail::start_close);
    }

    /// Runs an op of one's own: `void(error_code, T)`. On the client's executor: get the runtime
    /// for the op from `rt`, which sets its clock. The op begins at once or, with `deferred`, at
    /// its `co_await`.
    template <class T, class Token = boost::asio::deferred_t>
    auto run(op<result<T>> o, Token&& token = Token(), error* why = nullptr) {
        return detail::initiate<T>(
            std::forward<Token>(token), driver_,
            [](const std::shared_ptr<detail::driver>& d, detail::operation_ptr<T> made,
               detail::kept_op<T> given, error* tell) {
                made->why = tell;
                made->running.emplace(std::move(given.running));
                detail::begin(*d, made.release());
            },
            detail::kept_op<T>{driver_, std::move(o)}, why);
    }
    /// Null before `connect`.
    [[nodiscard]] runtime* rt() noexcept { return detail::runtime_of(*driver_); }
    /// For facades: what they need of this client, which it may outlive.
    using handle_type = client_handle;
    [[nodiscard]] client_handle handle() const noexcept { return client_handle(driver_); }

    // --- immediate calls. Before `connect` they fail with `not_connected`.

    /// Copies its arguments into the output queue. Errors: invalid_subject, payload_too_large,
    /// headers_not_supported, control_line_too_long, output_full (then see `publish_when_room`),
    /// reconnect_buffer_full, draining, connection_closed.
    result<void> publish(std::string_view subject, bytes payload = {},
                         const publish_options& o = {});
    /// Publishes to the reply subject of a received message; `no_reply` when it has none.
    result<void> respond(const message_view& to, bytes payload = {}, header_view headers = {});
    /// A handle to publish with from other threads.
    [[nodiscard]] publisher get_publisher() const;

    /// A subscription that is read by `subscription::next`.
    result<subscription> subscribe(std::string_view subject, const subscribe_options& o = {});
    /// A subscription whose messages go to `handler`, on the client's executor. The view lives
    /// until it returns. It may destroy its own subscription, and the client. What it throws leaves
    /// `io_context::run`.
    result<subscription> subscribe(std::string_view subject,
                                   std::function<void(const message_view&)> handler,
                                   const subscribe_options& o = {});
    /// Several replies to one request (ADR-47).
    result<replies> request_many(std::string_view subject, bytes payload = {},
                                 const request_many_options& o = {}, header_view headers = {});

    /// Begins to drain and does not wait for the end.
    result<void> start_drain();
    /// Leaves the server and connects again at once: to the next one of the pool, or the same one
    /// when it is alone. With logins and certificates as they are then.
    result<void> force_reconnect();
    /// Replaces the servers to connect to; the connection that is up stays.
    result<void> set_servers(std::string_view list);
    /// Gets every event but messages, in order. It may call immediate calls, start operations, and
    /// destroy the client.
    void on_event(std::function<void(const event&)> observer);

    // --- getters
    /// The pool as it is. The pointers live until the client's next event.
    [[nodiscard]] std::vector<server_status> servers() const;
    [[nodiscard]] session_status status() const noexcept;
    [[nodiscard]] const server_info& info() const noexcept;
    [[nodiscard]] const endpoint& server() const noexcept;
    [[nodiscard]] const statistics& stats() const noexcept;
    /// Whether the connection is inside of TLS.
    [[nodiscard]] bool secure() const noexcept;
    /// The round trip time of the newest PING, the client's own ones included; 0 before the first.
    [[nodiscard]] duration last_rtt() const noexcept;
    /// `address:port` of this end; empty without a connection, or a transport that has none.
    [[nodiscard]] std::string local_address() const;
    /// Why it is closed, or `connect` has failed; only meaningful then.
    [[nodiscard]] const error& close_reason() const noexcept;
    /// Bytes of publishes that are kept for the next connection.
    [[nodiscard]] std::size_t kept() const noexcept;
    /// Bytes that are queued and not yet handed to the transport.
    [[nodiscard]] std::size_t buffered() const noexcept;

private:
    std::shared_ptr<detail::driver> driver_;
};

} // namespace nats::aio

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

#include <natsproto/blocking/replies.hpp>
#include <natsproto/blocking/subscription.hpp>
#include <natsproto/bytes.hpp>
#include <natsproto/headers.hpp>
#include <natsproto/message.hpp>
#include <natsproto/op.hpp>
#include <natsproto/options.hpp>
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
#include <string_view>
#include <type_traits>

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
    /// Gets a line for each operation on the wire (`->` sent, `<-` received), without secrets. For
    /// debugging.
    void (*trace)(void* context, std::string_view line) = nullptr;
    void* trace_context = nullptr;
};
static_assert(std::is_trivially_destructible_v<blocking_options>);

struct publish_options {
    std::string_view reply{}; ///< where answers should go; empty: nowhere
    header_view headers{};
};
static_assert(std::is_trivially_destructible_v<publish_options>);

/// A connection. Movable; the destructor closes it. Subscriptions may outlive it: they then end
/// with `connection_closed`.
class client {
public:
    /// Tries the servers in order until one has answered the handshake. Blocks at most
    /// `options::connect_timeout` for each, plus the time of the system's resolver, which cannot be
    /// bounded.
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
    /// The time of one PING and its PONG; the same as `flush`.
    result<duration> rtt(duration timeout = std::chrono::seconds(10)) { return flush(timeout); }

    /// The reply to a request, as an owning message. Errors: no_responders, timeout, and those of
    /// `publish`.
    result<message> request(std::string_view subject, bytes payload = {},
                            duration timeout = std::chrono::seconds(5), header_view headers = {});
    /// The same without a copy: the view lives until the next waiting call.
    result<message_view> request_view(std::string_view subject, bytes payload = {},
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
    /// calls.
    void on_event(std::function<void(const event&)> observer);
    /// Writes what is queued, for at most `blocking_options::write_timeout`, and closes.
    /// Idempotent.
    void close();
    [[nodiscard]] session_status status() const noexcept;
    [[nodiscard]] const server_info& info() const noexcept;
    [[nodiscard]] const endpoint& server() const noexcept;
    [[nodiscard]] const statistics& stats() const noexcept;
    /// Bytes that are queued and not yet handed to the kernel.
    [[nodiscard]] std::size_t buffered() const noexcept;

    /// For facades and ops of one's own: runs an op to its end. Get the runtime for the op from
    /// `rt`, which sets its clock.
    template <class T>
    T run(op<T> o) {
        o.start();
        if (std::optional<error> e = drive(&done<T>, &o)) return std::move(*e);
        return o.take();
    }
    [[nodiscard]] runtime& rt() noexcept;

private:
    explicit client(std::shared_ptr<blocking::driver> d) noexcept;
    template <class T>
    static bool done(const void* o) noexcept {
        return static_cast<const op<T>*>(o)->done();
    }
    [[nodiscard]] std::optional<error> drive(bool (*is_done)(const void*), const void* o);

    std::shared_ptr<blocking::driver> driver_;
};

} // namespace nats

// SPDX-License-Identifier: Apache-2.0
//
// A NATS client without I/O: which server, the handshake, subscriptions, PINGs and limits, over one
// `client_connection` at a time. Whoever owns the sockets drives it.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/detail/ring.hpp>
#include <natsproto/message.hpp>
#include <natsproto/options.hpp>
#include <natsproto/result.hpp>
#include <natsproto/server_url.hpp>
#include <natsproto/time.hpp>
#include <natsproto/wire/client_connection.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace nats {

/// Names one attempt to reach a server. A completion with an id that is not the current one is
/// ignored, so a driver may report late.
enum class attempt_id : std::uint64_t {};
/// Names a subscription; it is also the sid on the wire. Never reused within a session.
enum class sub_id : std::uint64_t {};
/// Names one `session::ping`.
enum class ping_id : std::uint64_t {};

enum class session_status : std::uint8_t { idle, connecting, connected, closed };
[[nodiscard]] std::string_view name_of(session_status) noexcept;

/// What a driver is to do.
namespace action {
/// Open a transport, then call `handle_connected` or `handle_connect_failed` with this id.
struct connect {
    attempt_id id{};
    const endpoint* to = nullptr; ///< lives as long as the session
    time_point deadline;
};
/// Close the transport of this attempt (or stop opening it), and report nothing more about it.
struct close {
    attempt_id id{};
};
} // namespace action
using session_action = std::variant<action::connect, action::close>;

/// What happened. Pointers and views live until the next call of `next` or `prepare`.
namespace ev {
struct none {};
/// The handshake is done.
struct connected {
    const server_info* info;
    const endpoint* server;
};
/// A server could not be reached, or refused; the next one of the list is tried.
struct connect_failed {
    const endpoint* server;
    const error* why;
};
/// A connection that was up has ended.
struct disconnected {
    const error* why;
};
/// A message for a subscription. `last`: the subscription ended with it (`unsubscribe` with a
/// maximum).
struct message {
    message_view view;
    sub_id sub{};
    void* cookie = nullptr;
    bool last = false;
};
struct pong {
    ping_id id;
    duration rtt;
};
/// A later INFO was applied.
struct info {
    const server_info* info;
};
/// `-ERR`. `sub` and `cookie` name the subscription that a permission error belongs to, if there is
/// one.
struct server_error {
    std::string_view text;
    wire::server_error_class what;
    std::optional<sub_id> sub;
    void* cookie;
};
/// From the runtime: a subscription's queue was full and messages were dropped; once an episode.
struct slow_consumer {
    sub_id sub;
    std::string_view subject;
    std::uint64_t dropped; ///< since the subscription began
};
/// The last event of a session.
struct closed {
    const error* why;
};
} // namespace ev
using event =
    std::variant<ev::none, ev::message, ev::connected, ev::connect_failed, ev::disconnected,
                 ev::pong, ev::info, ev::server_error, ev::slow_consumer, ev::closed>;

/// Counted since the session began.
struct statistics {
    std::uint64_t in_messages = 0;
    std::uint64_t out_messages = 0;
    std::uint64_t in_bytes = 0;   ///< headers and payloads
    std::uint64_t out_bytes = 0;  ///< headers and payloads
    std::uint64_t socket_in = 0;  ///< all bytes
    std::uint64_t socket_out = 0; ///< all bytes
};

/// The contract, by kind of member:
///
/// **A**, getters: any time.
///
/// **B**, inputs: what the driver saw: bytes, completions of actions, the end of the transport,
/// time. They never fail because of the peer: a misbehaving one becomes `ev::disconnected` or
/// `ev::connect_failed`.
///
/// **C**, commands: what the user wants. They fail at once, on local misuse only, and then nothing
/// has changed.
///
/// **D**, outputs. After any B or C, drain them in this order: `next` until false, `poll_action`
/// until empty, `poll_transmit` until 0. Doing an action can be an input of its own (a connect that
/// fails at once): then start over. Only when nothing is left, sleep until input or `poll_timeout`.
///
/// Time is an argument and must not go backwards. Not thread-safe; not movable, since events point
/// into it.
class session {
public:
    /// Copies the options.
    explicit session(const options& o);
    session(const session&) = delete;
    session& operator=(const session&) = delete;

    // --- A
    [[nodiscard]] session_status status() const noexcept { return status_; }
    [[nodiscard]] const server_info& info() const noexcept { return connection_.info(); }
    /// The server of the current or last attempt; null before `start`.
    [[nodiscard]] const endpoint* server() const noexcept;
    [[nodiscard]] const statistics& stats() const noexcept { return stats_; }
    [[nodiscard]] const error& close_reason() const noexcept { return close_reason_; }
    [[nodiscard]] std::size_t untransmitted() const noexcept { return connection_.untransmitted(); }
    [[nodiscard]] std::size_t subscriptions() const noexcept { return active_subs_; }
    [[nodiscard]] bool headers_enabled() const noexcept { return connection_.headers_enabled(); }
    [[nodiscard]] const limits& bounds() const noexcept { return limits_; }
    [[nodiscard]] const pending_limits& default_pending() const noexcept { return pending_; }
    [[nodiscard]] const std::string& inbox_prefix() const noexcept { return inbox_prefix_; }
    /// The subject of a subscription; empty when it has ended.
    [[nodiscard]] std::string_view subject_of(sub_id id) const noexcept;

    // --- B
    [[nodiscard]] std::span<char> prepare(std::size_t at_least = 1) {
        return connection_.prepare(at_least);
    }
    void commit(std::size_t n, time_point now);
    void handle_eof(time_point now);
    void handle_io_error(attempt_id id, const std::error_code& why, time_point now);
    void handle_connected(attempt_id id, time_point now);
    /// `why`: resolve_failed, connect_failed or timeout; its detail should name the endpoint.
    void handle_connect_failed(attempt_id id, error why, time_point now);
    /// A deadline may have passed. Calling it early or twice does nothing.
    void handle_timeout(time_point now);

    // --- C
    /// Checks the options and begins. Once only.
    result<void> start(time_point now);
    /// Copies its arguments. Errors: those of `wire::client_connection::publish`.
    result<void> publish(std::string_view subject, bytes payload, std::string_view reply = {},
                         header_view headers = {});
    /// As `publish`, but a large payload must stay unchanged until it is transmitted or
    /// `own_borrowed` was called.
    result<void> publish_borrowed(std::string_view subject, bytes payload,
                                  std::string_view reply = {}, header_view headers = {});
    void own_borrowed() { connection_.own_borrowed(); }
    /// Before the connection is up, it is kept and sent then. `cookie` comes back with each
    /// message.
    result<sub_id> subscribe(std::string_view subject, std::optional<std::string_view> queue = {},
                             void* cookie = nullptr);
    /// Without `after`, or when that many were delivered already: now. Otherwise the subscription
    /// ends with message number `after`, counted from its beginning.
    result<void> unsubscribe(sub_id id, std::optional<std::uint64_t> after = {});
    /// Asks for a PONG, which comes as `ev::pong` with this id, after everything that was published
    /// before was processed by the server.
    result<ping_id> ping(time_point now);
    /// Ends the session; idempotent. What was not transmitted is dropped: a driver that wants it
    /// sent writes first.
    void close(time_point now);

    // --- D
    /// Parses ONE event. False: there is none until there is input.
    [[nodiscard]] bool next(event& out);
    [[nodiscard]] std::optional<session_action> poll_action();
    [[nodiscard]] std::size_t poll_transmit(std::span<const_buffer> out) const noexcept;
    /// Fewer than were offered is fine.
    void transmitted(std::size_t n);
    [[nodiscard]] std::optional<time_point> poll_timeout() const noexcept;

private:
    enum class timer : std::uint8_t { connect, ping };
    static constexpr std::size_t timer_count = 2;
    struct stored_options {
        std::string servers, name, user, password, token;
        bool verbose, pedantic, no_echo;
        duration connect_timeout, ping_interval;
        int max_pings_out;
    };
    struct subscription {
        std::uint64_t sid = 0; ///< 0: free
        std::uint64_t delivered = 0;
        std::uint64_t max = 0; ///< 0: no maximum
        void* cookie = nullptr;
        std::uint32_t generation = 0;
        std::uint32_t next_free = 0;
        std::string subject;
        std::string queue;
    };
    enum class queued_kind : std::uint8_t { connect_failed, disconnected, closed };
    struct queued_event {
        queued_kind kind = queued_kind::closed;
        error why;
        std::size_t server = 0;
    };
    struct ping_record {
        ping_id id{}; ///< 0: the session's own
        time_point sent;
    };

    void try_server(std::size_t index, time_point now);
    void attempt_failed(error why, time_point now);
    void connection_lost(error why, time_point now);
    void finish(error why);
    void drop_transport();
    void send_connect();
    bool on_connected(event& out);
    bool on_pong(event& out);
    bool on_message(event& out);
    bool on_server_error(event& out);
    bool take_queued(event& out);
    void keep_alive(time_point now);
    [[nodiscard]] error not_up() const;
    void count_publish(std::size_t size) noexcept;
    [[nodiscard]] subscription* find(std::uint64_t sid) noexcept;
    [[nodiscard]] const subscription* find(std::uint64_t sid) const noexcept;
    void release(subscription& s) noexcept;
    result<void> send_subscription(const subscription& s);
    [[nodiscard]] time_point& at(timer t) noexcept { return timers_[static_cast<std::size_t>(t)]; }

    stored_options options_;
    std::string inbox_prefix_;
    limits limits_;
    pending_limits pending_;
    session_status status_ = session_status::idle;
    wire::client_connection connection_;
    std::vector<server_url> servers_;
    std::size_t server_ = 0;
    attempt_id attempt_{0};
    bool transport_open_ = false; ///< the current attempt's transport was not ended yet
    bool connection_up_ = false;  ///< the transport of the attempt is there: bytes may flow
    error last_refusal_;          ///< the newest `-ERR` after which a server closes
    bool refused_ = false;
    error reported_; ///< what the last event's `why` points to
    error close_reason_;
    error best_failure_; ///< of the attempts so far, the one that tells most
    bool has_failure_ = false;
    detail::ring<queued_event> events_;
    detail::ring<session_action> actions_;
    std::array<time_point, timer_count> timers_{no_deadline, no_deadline};
    time_point now_{};
    detail::ring<ping_record> pings_;
    std::uint64_t last_ping_ = 0;
    std::uint32_t user_pings_ = 0;
    int own_pings_out_ = 0;
    std::vector<subscription> subs_;
    std::uint32_t free_sub_ = 0; ///< index + 1 of the first free slot
    std::size_t active_subs_ = 0;
    statistics stats_;
};

} // namespace nats

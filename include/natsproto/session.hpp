// SPDX-License-Identifier: Apache-2.0
//
// A NATS client without I/O: which server, the handshake, subscriptions, PINGs and limits, over one
// `client_connection` at a time. Whoever owns the sockets drives it.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/crypto.hpp>
#include <natsproto/detail/ring.hpp>
#include <natsproto/file_reader.hpp>
#include <natsproto/link/link.hpp>
#include <natsproto/message.hpp>
#include <natsproto/options.hpp>
#include <natsproto/random.hpp>
#include <natsproto/result.hpp>
#include <natsproto/secret.hpp>
#include <natsproto/server_pool.hpp>
#include <natsproto/server_url.hpp>
#include <natsproto/time.hpp>
#include <natsproto/wire/client_connection.hpp>
#include <natsproto/wire/output_queue.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace nats {

class authenticator;

/// Names one attempt to reach a server. A completion with an id that is not the current one is
/// ignored, so a driver may report late.
enum class attempt_id : std::uint64_t {};
/// Names a subscription; it is also the sid on the wire. Never reused within a session.
enum class sub_id : std::uint64_t {};
/// Names one `session::ping`.
enum class ping_id : std::uint64_t {};

/// `draining_subs`: no new subscriptions or requests, publishing goes on. `draining_pubs`: what was
/// published is being flushed, nothing new can begin.
enum class session_status : std::uint8_t {
    idle,
    connecting, ///< for the first time
    connected,
    reconnecting,
    draining_subs,
    draining_pubs,
    closed,
};
[[nodiscard]] std::string_view name_of(session_status) noexcept;

/// What a driver is to do.
namespace action {
/// Open a transport, then call `handle_connected` or `handle_connect_failed` with this id. A name
/// is to be resolved to all of its addresses, and each tried.
struct connect {
    attempt_id id{};
    const endpoint* to = nullptr; ///< lives until the next D call
    time_point deadline;
};
/// Only with `tls_options::hand_over`: do the TLS handshake, then call `handle_tls_started` or
/// `handle_tls_failed`. From there on the session's bytes are those inside of TLS.
struct start_tls {
    attempt_id id{};
    std::string_view server_name; ///< to verify; lives until the next D call
};
/// Write what `poll_transmit` still offers, if that needs no waiting (it may be the end of TLS).
/// Then close the transport of this attempt, or stop opening it, and call `handle_closed` when
/// nothing reads into or writes from the session's buffers any more.
struct close {
    attempt_id id{};
};
} // namespace action
using session_action = std::variant<action::connect, action::start_tls, action::close>;

/// What happened. Pointers and views live until the next call of `next` or `prepare`.
namespace ev {
struct none {};
/// The handshake is done, for the first time.
struct connected {
    const server_info* info;
    const endpoint* server;
};
/// Connected again; subscriptions and kept publishes have been queued before it.
struct reconnected {
    const server_info* info;
    const endpoint* server;
    std::uint64_t count; ///< how often so far
};
/// An attempt failed: a server could not be reached, or refused.
struct connect_failed {
    const endpoint* server;
    const error* why;
};
/// A connection that was up has ended. Reconnecting follows, or `closed`.
struct disconnected {
    const endpoint* server;
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
/// The server is about to shut down, and will close the connection; once a connection.
struct lame_duck {
    const endpoint* server;
};
/// Servers of the cluster that were not in the pool before.
struct discovered {
    std::span<const endpoint> servers;
};
/// `-ERR`. `sub` and `cookie` name the subscription that a permission error belongs to, if there is
/// one.
struct server_error {
    std::string_view text;
    wire::server_error_class what;
    std::optional<sub_id> sub;
    void* cookie;
};
/// A subscription was drained: everything that the server sent for it has come.
struct subscription_drained {
    sub_id sub;
    void* cookie;
};
/// `drain` of the connection: all of its subscriptions were. With `drain_mode::stepwise`, call
/// `finish_drain` when what they brought has been dealt with.
struct subscriptions_drained {};
/// There is room for output again, after a call was refused with `output_full`.
struct room {};
/// Something that the user should know and that ends nothing.
struct warning {
    const error* why;
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
    std::variant<ev::none, ev::message, ev::connected, ev::reconnected, ev::connect_failed,
                 ev::disconnected, ev::pong, ev::info, ev::lame_duck, ev::discovered,
                 ev::server_error, ev::subscription_drained, ev::subscriptions_drained, ev::room,
                 ev::warning, ev::slow_consumer, ev::closed>;

/// What a session needs of the world and cannot have itself. All of it must outlive the session.
struct environment {
    random_source* random = nullptr;         ///< for shuffles and jitter; must be given
    const crypto_provider* crypto = nullptr; ///< for TLS and signatures
    file_reader* files = nullptr;            ///< for options that name files
};

/// Who ends the first half of a drain.
enum class drain_mode : std::uint8_t {
    automatic, ///< the session, when the server has sent everything
    stepwise,  ///< the user, by `finish_drain`
};

/// Counted since the session began.
struct statistics {
    std::uint64_t in_messages = 0;
    std::uint64_t out_messages = 0;
    std::uint64_t in_bytes = 0;   ///< headers and payloads
    std::uint64_t out_bytes = 0;  ///< headers and payloads
    std::uint64_t socket_in = 0;  ///< all bytes of the transport
    std::uint64_t socket_out = 0; ///< all bytes of the transport
    std::uint64_t reconnects = 0;
};

/// `ev::message` without a copy. The view stands in the session until the next call that reads.
struct message_in_place {
    const message_view* view = nullptr;
    sub_id sub{};
    void* cookie = nullptr;
    bool last = false;
};

[[nodiscard]] inline message_in_place in_place(const ev::message& m) noexcept {
    return {&m.view, m.sub, m.cookie, m.last};
}

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
    session(const options& o, const environment& world);
    session(const session&) = delete;
    session& operator=(const session&) = delete;
    ~session();

    // --- A
    [[nodiscard]] session_status status() const noexcept { return status_; }
    /// The newest INFO: of this connection, or while there is none of the last one.
    [[nodiscard]] const server_info& info() const noexcept { return connection_.info(); }
    /// The server of the current or last attempt; null before `start`.
    [[nodiscard]] const endpoint* server() const noexcept;
    [[nodiscard]] const statistics& stats() const noexcept { return stats_; }
    [[nodiscard]] const error& close_reason() const noexcept { return close_reason_; }
    /// Bytes that wait to be written. Publishes that are kept for the next connection are not among
    /// them: those are `kept`.
    [[nodiscard]] std::size_t untransmitted() const noexcept;
    [[nodiscard]] std::size_t kept() const noexcept { return kept_.size() + kept_since_.size(); }
    [[nodiscard]] std::size_t subscriptions() const noexcept { return active_subs_; }
    [[nodiscard]] bool headers_enabled() const noexcept { return connection_.headers_enabled(); }
    [[nodiscard]] const limits& bounds() const noexcept { return limits_; }
    [[nodiscard]] const pending_limits& default_pending() const noexcept { return pending_; }
    [[nodiscard]] const std::string& inbox_prefix() const noexcept { return inbox_prefix_; }
    /// The subject of a subscription; empty when it has ended.
    [[nodiscard]] std::string_view subject_of(sub_id id) const noexcept;
    /// Whether publish and drain work at this moment.
    [[nodiscard]] bool is_up() const noexcept {
        return status_ == session_status::connected || status_ == session_status::draining_subs;
    }
    /// Whether the bytes on the wire are inside of TLS.
    [[nodiscard]] bool secure() const noexcept { return link_ != nullptr || tls_by_driver_; }
    /// That of the environment; may be null.
    [[nodiscard]] const crypto_provider* crypto() const noexcept { return world_.crypto; }
    /// The last PING's answer took so long; 0 before the first.
    [[nodiscard]] duration rtt() const noexcept { return rtt_; }
    [[nodiscard]] std::vector<server_status> servers() const;
    /// The user has closed, and wants no event of it.
    [[nodiscard]] bool quiet() const noexcept { return quiet_; }
    [[nodiscard]] bool fails_requests_on_disconnect() const noexcept {
        return options_.fail_requests;
    }

    // --- B
    /// Where to read to. It stays put until `commit`, whatever is called meanwhile but `prepare`
    /// and, after `action::close`, `handle_closed`: so a read may be in flight.
    [[nodiscard]] std::span<char> prepare(std::size_t at_least = 1) {
        return link_ == nullptr ? connection_.prepare(at_least) : link_->prepare(at_least);
    }
    void commit(std::size_t n, time_point now);
    /// Gives back the memory of buffers that hold nothing, which the next read and the next publish
    /// get again: for hosts of many connections, when one has nothing to do. Not while a read into
    /// what `prepare` gave is in flight. Of its own accord the session gives back only what it
    /// writes from: at its connect and at each PING of its own.
    void shrink() noexcept;
    void handle_eof(attempt_id id, time_point now);
    void handle_io_error(attempt_id id, const std::error_code& why, time_point now);
    void handle_connected(attempt_id id, time_point now);
    /// `why`: resolve_failed, connect_failed or timeout; its detail should name the endpoint.
    void handle_connect_failed(attempt_id id, error why, time_point now);
    /// After `action::start_tls`.
    void handle_tls_started(attempt_id id, time_point now);
    void handle_tls_failed(attempt_id id, error why, time_point now);
    /// After `action::close`. A new attempt begins only when the transport of the one before has
    /// been closed, so that buffers stay in place as long as something uses them.
    void handle_closed(attempt_id id, time_point now);
    /// The transport took less than was offered. When it takes nothing for
    /// `options::write_timeout`, the connection is given up.
    void handle_write_blocked(time_point now);
    /// A deadline may have passed. Calling it early or twice does nothing.
    void handle_timeout(time_point now);

    // --- C
    /// Checks the options and begins. Once only.
    result<void> start(time_point now);
    /// Copies its arguments. Errors: those of `wire::client_connection::publish`. While there is no
    /// connection but one is being looked for again, it is kept and sent then, up to
    /// `options::reconnect_buffer`: `reconnect_buffer_full`. In the second half of a drain:
    /// `draining`.
    result<void> publish(std::string_view subject, bytes payload, std::string_view reply = {},
                         header_view headers = {});
    /// `publish` for the usual case. False: nothing has changed, and `publish` says what is wrong,
    /// or does it all the same.
    [[nodiscard]] bool try_publish(std::string_view subject, bytes payload,
                                   std::string_view reply = {}, header_view headers = {});
    /// As `publish`, but a large payload must stay unchanged until all of it is transmitted, with
    /// the end of its frame, or `own_borrowed` was called.
    result<void> publish_borrowed(std::string_view subject, bytes payload,
                                  std::string_view reply = {}, header_view headers = {});
    void own_borrowed() { connection_.own_borrowed(); }
    /// Before the connection is up, it is kept and sent then; also after each reconnect. `cookie`
    /// comes back with each message. `draining` while the connection is drained.
    result<sub_id> subscribe(std::string_view subject, std::optional<std::string_view> queue = {},
                             void* cookie = nullptr);
    /// Without `after`, or when that many were delivered already: now. Otherwise the subscription
    /// ends with message number `after`, counted from its beginning, also across reconnects; it
    /// must be in [1, 999999999], which is as far as servers read: `invalid_argument`.
    result<void> unsubscribe(sub_id id, std::optional<std::uint64_t> after = {});
    /// Ends a subscription without losing what the server has sent for it: what is on its way still
    /// comes, then `ev::subscription_drained`. Idempotent.
    result<void> drain(sub_id id, time_point now);
    /// Drains all subscriptions (`spare` comes last: the inbox of the replies, if responders need
    /// it to the end), then flushes what was published, and closes. When there is no connection, it
    /// closes at once: `not_connected`. Idempotent.
    result<void> drain(time_point now, drain_mode mode = drain_mode::automatic,
                       std::optional<sub_id> spare = {});
    /// The second half, for `drain_mode::stepwise`.
    void finish_drain(time_point now);
    /// Asks for a PONG, which comes as `ev::pong` with this id, after everything that was published
    /// before was processed by the server.
    result<ping_id> ping(time_point now);
    /// Ends the connection and connects again at once, as after a disconnect but without a wait.
    /// While reconnecting, the next attempt is made at once.
    result<void> force_reconnect(time_point now);
    /// Replaces the pool, discovered servers included; the connection that is up stays. Errors:
    /// those of `parse_server_list`; `tls_unavailable`.
    result<void> set_servers(std::string_view list);
    /// Ends the session; idempotent. What was not transmitted is dropped: a driver that wants it
    /// sent writes first.
    void close(time_point now);

    // --- D
    /// Parses ONE event. False: there is none until there is input.
    [[nodiscard]] bool next(event& out);
    /// `next` for what nearly all events are. False says nothing, and nothing has changed: ask
    /// `next`.
    [[nodiscard]] bool next_message(message_in_place& out);
    [[nodiscard]] std::optional<session_action> poll_action();
    [[nodiscard]] std::size_t poll_transmit(std::span<const_buffer> out);
    /// Fewer than were offered is fine.
    void transmitted(std::size_t n);
    [[nodiscard]] std::optional<time_point> poll_timeout() const noexcept;

    /// Gets the NATS bytes that go by, also those inside of TLS: `sent` says in which direction.
    /// For tracing; they contain secrets. `reset` is true, without bytes, when a new transport
    /// begins.
    struct tap {
        void (*see)(void* context, bool sent, bool reset, std::string_view bytes) = nullptr;
        void* context = nullptr;
    };
    void set_tap(const tap& t) noexcept { tap_ = t; }

private:
    enum class timer : std::uint8_t { connect, reconnect, ping, write, drain };
    static constexpr std::size_t timer_count = 5;
    /// A sid: the low bits are the slot's number from 1, the rest counts its uses.
    static constexpr unsigned slot_bits = 20;
    static constexpr std::uint64_t slot_mask = (std::uint64_t{1} << slot_bits) - 1;
    enum class transport : std::uint8_t { none, opening, open, closing };
    struct stored_options {
        secret servers, first_server; ///< URLs may hold passwords
        std::string name;
        bool verbose, pedantic, no_echo, no_responders;
        bool randomize, ignore_discovered;
        bool retry_on_failed_connect, reconnect, keep_unsent, fail_requests;
        bool ignore_auth_error_abort, leave_lame_duck, no_events_after_close;
        duration connect_timeout, ping_interval, write_timeout, drain_timeout;
        duration reconnect_wait, reconnect_wait_max, reconnect_jitter, reconnect_jitter_tls;
        std::int64_t reconnect_buffer;
        int max_pings_out, max_reconnects;
        reconnect_handlers reconnecting;
    };
    struct stored_tls {
        explicit stored_tls(const tls_options& o);
        bool required, first, hand_over, accept_any, system_roots;
        std::string ca, ca_file, expected_name, certificate, certificate_file, key_file;
        std::string ciphers, cipher_suites;
        secret key, key_password;
        tls_version minimum;
        tls_verifier verify;
        void* verify_context;
    };
    /// What a message needs stands in one cache line, since it may be any of many that it is for.
    struct alignas(64) subscription {
        std::uint64_t sid = 0; ///< 0: free
        std::uint64_t delivered = 0;
        std::uint64_t max = 0;    ///< 0: no maximum
        std::uint64_t before = 0; ///< delivered by the connections before this one
        void* cookie = nullptr;
        std::uint32_t generation = 0;
        std::uint32_t next_free = 0;
        bool draining = false;
        std::string subject;
        std::string queue;
    };
    enum class queued_kind : std::uint8_t {
        connect_failed,
        disconnected,
        discovered,
        lame_duck,
        subscription_drained,
        subscriptions_drained,
        room,
        warning,
        closed,
    };
    struct queued_event {
        queued_kind kind = queued_kind::closed;
        error why;
        std::vector<endpoint> servers; ///< discovered; or the one that it is about
        sub_id sub{};
        void* cookie = nullptr;
    };
    /// What the PONG of a PING of the session's own means.
    enum class ping_use : std::uint8_t {
        user,
        keep_alive,
        kept_publishes, ///< they have arrived
        subscription,   ///< it is drained
        subscriptions,  ///< all are drained
        publishes,      ///< what was published before the end of a drain has arrived
        leave,          ///< of a lame duck
    };
    struct ping_record {
        ping_use use = ping_use::user;
        std::uint64_t id = 0; ///< of a user's ping; or the sid that is drained
        time_point sent;
    };

    // attempts.cpp
    void begin_attempt(time_point now);
    void attempt_failed(error why, time_point now);
    [[nodiscard]] bool note_refusal(const error& why);
    void first_pass_failed(time_point now);
    void connection_lost(error why, time_point now);
    void try_next(time_point now);
    [[nodiscard]] std::optional<duration> choose_server();
    [[nodiscard]] duration usual_wait();
    void wait_or_begin(duration wait, time_point now);
    void finish(error why);
    void drop_transport(bool farewell);
    void keep_for_later();
    void warn(error why);
    // handshake.cpp
    void on_info_first();
    void start_tls();
    [[nodiscard]] result<std::unique_ptr<link>> make_link();
    [[nodiscard]] result<void> read_file(std::string_view path, bool is_secret, secret& out);
    [[nodiscard]] std::string_view tls_name() const noexcept;
    [[nodiscard]] bool wants_tls() const noexcept;
    void send_connect();
    [[nodiscard]] bool pull_link();
    [[nodiscard]] error link_failure() const;
    void push_link();
    bool on_connected(event& out);
    void restore_subscriptions();
    void send_kept();
    bool on_later_info(event& out);
    void note_lame_duck();
    void discover();
    // session.cpp, commands.cpp, subscriptions.cpp, drain.cpp
    bool take_queued(event& out);
    bool advance(event& out, bool& more);
    bool take_message(message_in_place& out);
    bool on_pong(event& out);
    bool on_server_error(event& out);
    void keep_alive(time_point now);
    void tap_sent(std::size_t n, std::size_t skip) const;
    void own_ping(ping_use use, std::uint64_t id = 0);
    [[nodiscard]] error not_up() const;
    result<void> keep_publish(std::string_view subject, bytes payload, std::string_view reply,
                              header_view headers);
    [[nodiscard]] bool keeps_publishes() const noexcept;
    [[nodiscard]] result<void> check_tls(bool wanted_by_url) const;
    void count_publish(std::size_t size) noexcept;
    [[nodiscard]] const subscription* find(std::uint64_t sid) const noexcept {
        const std::uint64_t slot = (sid & slot_mask) - 1; // wraps for 0, which is no sid of ours
        return slot < subs_.size() && subs_[slot].sid == sid ? &subs_[slot] : nullptr;
    }
    [[nodiscard]] subscription* find(std::uint64_t sid) noexcept {
        const std::uint64_t slot = (sid & slot_mask) - 1;
        return slot < subs_.size() && subs_[slot].sid == sid ? &subs_[slot] : nullptr;
    }
    [[nodiscard]] const subscription* find_refused(const wire::server_error_class& what) const;
    void release(subscription& s) noexcept;
    void subscription_is_drained(subscription& s);
    void forget_drained(sub_id id) noexcept;
    void end_drained_subscriptions();
    void drain_timed_out(time_point now);
    [[nodiscard]] time_point& at(timer t) noexcept { return timers_[static_cast<std::size_t>(t)]; }
    [[nodiscard]] bool is_draining() const noexcept {
        return status_ == session_status::draining_subs || status_ == session_status::draining_pubs;
    }

    stored_options options_;
    result<void> checked_; ///< what check() says of the options
    stored_tls tls_;
    std::unique_ptr<authenticator> login_;
    environment world_;
    std::string inbox_prefix_;
    limits limits_;
    pending_limits pending_;
    session_status status_ = session_status::idle;
    wire::client_connection connection_;
    std::unique_ptr<link> link_;
    server_pool pool_;

    // the attempt or connection that is going on
    attempt_id attempt_{0};
    endpoint server_; ///< it is also in the pool, unless that is empty by now
    transport transport_ = transport::none;
    bool farewell_ = false;      ///< closing: what the link still has to say may be written
    bool attempt_due_ = false;   ///< as soon as the old transport is closed
    bool receiving_ = false;     ///< bytes may flow
    bool link_open_ = false;     ///< its handshake is done
    bool heard_in_tls_ = false;  ///< a NATS byte has come through TLS
    bool handing_over_ = false;  ///< the driver does the TLS handshake now
    bool tls_by_driver_ = false; ///< and has done it
    bool info_in_clear_ = false; ///< the newest INFO came in plain text, before TLS
    bool was_lame_duck_ = false; ///< told already
    bool refused_ = false;
    error last_refusal_;                   ///< the newest `-ERR` after which a server closes
    std::optional<error> transport_error_; ///< how a transport under a link has ended
    std::size_t in_link_ = 0;              ///< bytes of the output that the link has taken

    // attempts in a row
    bool ever_connected_ = false;
    bool was_secure_ = false;       ///< the last connection was inside of TLS
    bool forced_ = false;           ///< the next attempt needs no wait
    std::size_t pass_position_ = 0; ///< attempts of this pass over the pool
    std::uint32_t passes_ = 0;
    error best_failure_; ///< of the attempts so far, the one that tells most
    bool has_failure_ = false;

    error reported_;                         ///< what the last event's `why` points to
    std::vector<endpoint> reported_servers_; ///< the same for endpoints
    error close_reason_;
    bool quiet_ = false;
    detail::ring<queued_event> events_;
    detail::ring<session_action> actions_;
    std::array<time_point, timer_count> timers_{no_deadline, no_deadline, no_deadline, no_deadline,
                                                no_deadline};
    time_point now_{};
    detail::ring<ping_record> pings_;
    std::uint64_t last_ping_ = 0;
    std::uint32_t user_pings_ = 0;
    int own_pings_out_ = 0;
    time_point handshake_ping_{};
    duration rtt_{};

    wire::output_queue kept_;           ///< publishes for the next connection, until it has them
    wire::output_queue kept_since_;     ///< those published while the old transport is being closed
    bool kept_unconfirmed_ = false;     ///< they were sent, and their PONG has not come
    std::uint64_t published_since_ = 0; ///< then: publishes behind them
    bool wants_room_ = false;           ///< a call was refused with output_full
    drain_mode drain_mode_ = drain_mode::automatic;
    std::optional<sub_id> drain_spare_;

    std::vector<subscription> subs_;
    std::uint32_t free_sub_ = 0; ///< index + 1 of the first free slot
    std::size_t active_subs_ = 0;
    statistics stats_;
    tap tap_;
};

} // namespace nats

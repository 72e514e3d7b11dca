// SPDX-License-Identifier: Apache-2.0
//
// The server's side of one transport's lifetime: bytes in, events and bytes out. The mirror of
// `client_connection`, over the same parser, encoder and table of states. No socket, no thread, no
// clock. For brokers, proxies, taps, and scripted servers of tests.
//
// What it answers, refuses and closes without a word is what nats-server does (specification 2.1 to
// 2.4, servers 2.9 to 2.15).

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/limits.hpp>
#include <natsproto/message.hpp>
#include <natsproto/result.hpp>
#include <natsproto/server_info.hpp>
#include <natsproto/time.hpp>
#include <natsproto/wire/connect_request.hpp>
#include <natsproto/wire/connection_state.hpp>
#include <natsproto/wire/input_buffer.hpp>
#include <natsproto/wire/output_queue.hpp>
#include <natsproto/wire/parser.hpp>
#include <natsproto/wire/pong_debt.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <variant>

namespace nats::wire {

/// What `server_connection::next` yields. Pointers and views in them live until the next call of
/// `next` or `prepare`.
namespace server_event {
struct none {};
/// CONNECT. Nothing more is parsed until `accept` or `refuse` (or `fail`) was called.
struct connect {
    const connect_request* request;
    /// Not the first. To nats-server it is a login again, in which what it leaves out is as before.
    bool again;
};
/// SUB, with a subject that is valid. The sid is any token; a client may use one again that is
/// taken, which is to be ignored.
struct subscribed {
    std::string_view subject;
    std::string_view queue; ///< empty: none
    std::string_view sid;
};
/// UNSUB. With `max`: when that many messages have been delivered since the SUB, which may be so
/// already; without (also for `UNSUB sid 0`): now. The sid may be unknown.
struct unsubscribed {
    std::string_view sid;
    std::optional<std::uint64_t> max;
};
/// PUB or HPUB. The subject may have wildcard tokens or empty ones: nats-server matches a wildcard
/// token as any other, and delivers nothing for an empty one.
struct published {
    message_view view;
};
/// PING; it is answered already.
struct ping {};
struct pong {};
/// The last event. `errc::eof`: the transport ended; `errc::connection_closed`: `close` or `fail`
/// was called; else what the client did wrong.
struct closed {
    const error* why;
};
} // namespace server_event

using server_connection_event =
    std::variant<server_event::none, server_event::published, server_event::connect,
                 server_event::subscribed, server_event::unsubscribed, server_event::ping,
                 server_event::pong, server_event::closed>;

/// How a server treats one connection. What INFO tells (`auth_required`, `max_payload`, `headers`)
/// is taken from there.
struct server_connection_options {
    /// Bytes of an operation's arguments, CONNECT's included; over it: `-ERR 'maximum control line
    /// exceeded'`.
    std::size_t max_control_line = 4096;
    /// With `auth_required`: CONNECT must have been accepted by then; else `-ERR 'Authentication
    /// Timeout'`.
    duration auth_timeout = std::chrono::seconds(2);
    /// Unsent bytes of automatic PONGs; further ones are counted and sent when there is room.
    std::size_t max_pong_bytes = 4096;
    std::size_t max_json_depth = 32; ///< of CONNECT
};
static_assert(std::is_trivially_destructible_v<server_connection_options>);

/// The contract, by kind of member, as in `client_connection`: **A** getters, **B** inputs, which
/// never fail because of the peer, **C** commands, which fail on local misuse only and then change
/// nothing, **D** outputs. After any B or C, drain both outputs.
///
/// In verbose mode `+OK` follows each accepted operation: when `ok` is called, or with the next
/// `next`, unless `refuse` was called in its place.
///
/// Where INFO says no `auth_required`, operations are accepted from `start` on, and CONNECT may
/// come later. Before `start` and while a login is undecided nothing is parsed, and what is read
/// waits: so do not read then.
///
/// PINGs are answered without being asked. One object serves one transport. When it is `closed`,
/// what is queued (a last `-ERR`) should still be transmitted, and then the transport be closed.
/// Not thread-safe.
class server_connection {
public:
    explicit server_connection(const server_connection_options& o = {});

    // --- A
    [[nodiscard]] connection_state state() const noexcept { return state_; }
    /// The CONNECT that counts; nats-server's defaults before the first.
    [[nodiscard]] const connect_request& request() const noexcept { return request_; }
    /// The INFO that was sent last.
    [[nodiscard]] const server_info& info() const noexcept { return info_; }
    /// Whether the client takes messages with headers: both sides agreed to it.
    [[nodiscard]] bool headers_enabled() const noexcept { return headers_enabled_; }
    /// Whether a request without responders is to be answered by 503.
    [[nodiscard]] bool no_responders() const noexcept { return request_.no_responders; }
    /// Bytes that were received and not yet parsed.
    [[nodiscard]] std::size_t unparsed() const noexcept { return input_.size() - to_consume_; }
    /// Bytes that wait to be transmitted.
    [[nodiscard]] std::size_t untransmitted() const noexcept { return output_.size(); }
    [[nodiscard]] const error& close_reason() const noexcept { return close_reason_; }

    // --- B
    /// Space to read into; it stays put until `commit`. Ends the views of the last event.
    [[nodiscard]] std::span<char> prepare(std::size_t at_least = 1);
    void commit(std::size_t n) noexcept;
    /// `prepare`, copy and `commit` in one.
    void feed(bytes received);
    /// The transport will not deliver more. What was received is still parsed; then comes
    /// `closed`.
    void handle_eof(error why = errc::eof);
    /// The authentication deadline may have passed. Calling it early does nothing.
    void handle_timeout(time_point now);

    // --- C
    /// Sends the first INFO; the deadline for CONNECT counts from `now`. `already_connected` when
    /// it was called before; `invalid_argument` for strings that are not UTF-8.
    result<void> start(const server_info& info, time_point now);
    /// Sends a later INFO (another cluster, lame duck, limits of the account), which replaces the
    /// one before. `not_connected` before `start`.
    result<void> send_info(const server_info& info);
    /// The login of a `connect` event is accepted. `not_connected` if there is none to decide. The
    /// connection ends all the same when CONNECT asks for what no server does: `closed` follows.
    result<void> accept();
    /// Sends the `+OK` of the last event now, before what is queued for it. Nothing when the client
    /// is not verbose.
    void ok();
    /// Sends `-ERR 'text'` in place of the last event's `+OK`. For a `connect` event, the
    /// connection is closed with it.
    void refuse(std::string_view text);
    /// MSG or HMSG. `header` is left out for a client that takes none. Copies its arguments. The
    /// caller bounds `untransmitted`. Errors: `not_connected`, `connection_closed`;
    /// `invalid_argument` for an empty subject or sid.
    result<void> deliver(std::string_view subject, std::string_view sid, std::string_view reply,
                         header_view header, bytes payload);
    result<void> ping();
    /// `-ERR 'text'`; the connection goes on.
    result<void> send_err(std::string_view text);
    /// `-ERR 'text'`, and the end: nothing more is parsed.
    void fail(std::string_view text);
    /// The end without a word. What is queued before it is still transmitted.
    void close();

    // --- D
    /// Parses one event. False: there is none until more is fed, or until a `connect` is decided.
    [[nodiscard]] bool next(server_connection_event& out);
    /// Fills `out` with the bytes to write, in order, without the first `skip`, which are being
    /// transmitted already; how many pieces. They stay valid until `transmitted` covers them.
    [[nodiscard]] std::size_t poll_transmit(std::span<const_buffer> out,
                                            std::size_t skip = 0) const noexcept;
    /// The first `n` bytes were written; fewer than were offered is fine.
    void transmitted(std::size_t n);
    [[nodiscard]] std::optional<time_point> poll_timeout() const noexcept;

    /// What `advance` did; for layers above that want the frame and not an event made of it.
    enum class step : std::uint8_t {
        need_more,
        published,
        connect,
        subscribed,
        unsubscribed,
        ping,
        pong,
        closed
    };
    /// The engine of `next`. `current()` is the frame it is about.
    [[nodiscard]] step advance();
    [[nodiscard]] const frame& current() const noexcept { return frame_; }

    /// Gives the memory of empty buffers back: for connections that are idle. Ends the views of the
    /// last event.
    void shrink() noexcept;

private:
    [[nodiscard]] bool next_publish() noexcept;
    [[nodiscard]] step advance_any();
    [[nodiscard]] step apply(const frame& f);
    [[nodiscard]] step published(const frame& f);
    [[nodiscard]] step subscribed(const frame& f);
    [[nodiscard]] step ignore(const frame& f);
    [[nodiscard]] step login(const frame& f);
    [[nodiscard]] step wait();
    [[nodiscard]] step no_frame(parser::status status);
    [[nodiscard]] step report_end() noexcept;
    [[nodiscard]] bool report(step s, server_connection_event& out) const;
    [[nodiscard]] bool may_be_connect() const noexcept;
    [[nodiscard]] error refused_call() const;
    result<void> announce(const server_info& info);
    void follow_max_payload() noexcept;
    void pay_owed_pongs();
    void enter(connection_state s) noexcept;
    void end(std::string_view text, error why);
    void drop_consumed() noexcept;

    parser parser_;
    input_buffer input_;
    output_queue output_;
    frame frame_;
    server_connection_options options_;
    connection_state state_ = connection_state::awaiting_info;
    connect_request request_;
    server_info info_;
    error close_reason_;
    std::optional<time_point> deadline_; ///< of the login
    std::size_t to_consume_ = 0; ///< size of the frame that the last event's views point into
    pong_debt pongs_;
    bool headers_enabled_ = false;
    bool accepted_ = false;         ///< a CONNECT
    bool short_way_ = false;        ///< a plain message needs no checks and no answer
    bool ok_due_ = false;           ///< of the last event
    bool limit_due_ = false;        ///< max_payload changed in the middle of a message
    bool consuming_secret_ = false; ///< the frame of `to_consume_` is a CONNECT
    bool eof_ = false;
    bool end_unreported_ = false;
};

} // namespace nats::wire

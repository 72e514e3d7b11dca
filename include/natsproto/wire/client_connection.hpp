// SPDX-License-Identifier: Apache-2.0
//
// The client's side of one transport's lifetime: bytes in, events and bytes out. No socket, no
// thread, no clock.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/limits.hpp>
#include <natsproto/message.hpp>
#include <natsproto/result.hpp>
#include <natsproto/server_info.hpp>
#include <natsproto/wire/connect_fields.hpp>
#include <natsproto/wire/connection_state.hpp>
#include <natsproto/wire/input_buffer.hpp>
#include <natsproto/wire/output_queue.hpp>
#include <natsproto/wire/parser.hpp>
#include <natsproto/wire/pong_debt.hpp>
#include <natsproto/wire/server_error.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace nats::wire {

/// What `client_connection::next` yields. Pointers and views in them live until the next call of
/// `next` or `prepare`.
namespace event {
struct none {};
/// The first INFO arrived: choose the fields of CONNECT and call `connect`.
struct connect_requested {
    const server_info* info;
};
/// The server answered the handshake's PING.
struct connected {
    const server_info* info;
};
struct message {
    message_view view;
    std::uint64_t sid = 0;
};
/// An answer to `ping`; answers come in the order of the calls.
struct pong {};
/// A later INFO; it replaces the one before.
struct info {
    const server_info* info;
};
/// `-ERR`. The connection goes on unless the server closes it.
struct server_error {
    std::string_view text;
    server_error_class what;
};
/// The last event: the transport ended, or the server broke the protocol.
struct closed {
    const error* why;
};
} // namespace event

using connection_event =
    std::variant<event::none, event::connect_requested, event::connected, event::message,
                 event::pong, event::info, event::server_error, event::closed>;

/// What is wrong with a publish, whatever the connection: invalid_subject, payload_too_large,
/// control_line_too_long. Sizes in bytes; `max_payload` is the server's, and 0 or less means none.
[[nodiscard]] result<void> check_publish(std::string_view subject, std::size_t payload,
                                         std::string_view reply, std::size_t header,
                                         std::int64_t max_payload, std::size_t max_control_line);

/// The contract, by kind of member:
///
/// **A**, getters.
///
/// **B**, inputs: `prepare` and `commit` (or `feed`), `handle_eof`. They never fail because of the
/// peer: what it did wrong becomes `event::closed`.
///
/// **C**, commands: `connect`, `ping`, `publish`, `subscribe`, `unsubscribe`. They fail at once, on
/// local misuse only, and then nothing has changed.
///
/// **D**, outputs: `next` and `poll_transmit` with `transmitted`. After any B or C, drain both.
///
/// PINGs of the server are answered without being asked. One object serves one transport: after
/// `event::closed` it stays closed. Not thread-safe.
class client_connection {
public:
    explicit client_connection(const limits& bounds = {});

    // --- A
    [[nodiscard]] connection_state state() const noexcept { return state_; }
    /// What the newest INFO said; default values before the first.
    [[nodiscard]] const server_info& info() const noexcept { return info_; }
    /// Whether messages with headers can be published: both sides agreed to it.
    [[nodiscard]] bool headers_enabled() const noexcept { return headers_enabled_; }
    /// Bytes that were received and not yet parsed.
    [[nodiscard]] std::size_t unparsed() const noexcept { return input_.size() - to_consume_; }
    /// Bytes that wait to be transmitted.
    [[nodiscard]] std::size_t untransmitted() const noexcept { return output_.size(); }
    /// Why the connection is closed; only meaningful in that state.
    [[nodiscard]] const error& close_reason() const noexcept { return close_reason_; }

    // --- B
    /// Space to read into; it stays put until `commit`. Ends the views of the last event.
    [[nodiscard]] std::span<char> prepare(std::size_t at_least = 1);
    /// `n` bytes were read into what `prepare` gave.
    void commit(std::size_t n) noexcept;
    /// `prepare`, copy and `commit` in one, for bytes that are already somewhere.
    void feed(bytes received);
    /// The transport will not deliver more. What was received is still parsed; then comes
    /// `event::closed`.
    void handle_eof(error why = errc::eof);

    // --- C
    /// Sends CONNECT and PING. `not_connected` before INFO, `already_connected` after it was
    /// called, `no_echo_not_supported` when `echo` is false and the server does not know it.
    result<void> connect(const connect_fields& fields);
    result<void> ping();
    /// Copies its arguments. `reply` may be empty. Errors: invalid_subject, payload_too_large,
    /// headers_not_supported, control_line_too_long, output_full, not_connected.
    result<void> publish(std::string_view subject, bytes payload, std::string_view reply = {},
                         header_view headers = {});
    /// `publish` for the usual case. False: nothing has changed, and `publish` says what is wrong,
    /// or does it all the same.
    [[nodiscard]] bool try_publish(std::string_view subject, bytes payload, std::string_view reply,
                                   header_view headers);
    /// As `publish`, but a payload of at least `borrow_threshold` bytes is not copied: it must stay
    /// unchanged until the whole frame is transmitted or `own_borrowed` was called.
    result<void> publish_borrowed(std::string_view subject, bytes payload,
                                  std::string_view reply = {}, header_view headers = {});
    void own_borrowed() { output_.own_borrowed(); }
    /// `sid` is the caller's: any number that is not in use.
    result<void> subscribe(std::string_view subject, std::optional<std::string_view> queue,
                           std::uint64_t sid);
    /// The checks of `publish` that do not depend on the state.
    [[nodiscard]] result<void> check_publish(std::string_view subject, std::size_t payload,
                                             std::string_view reply, std::size_t header) const {
        return wire::check_publish(subject, payload, reply, header, info_.max_payload,
                                   limits_.max_control_line);
    }
    /// The checks of `subscribe` that do not depend on the state.
    [[nodiscard]] result<void> check_subscribe(std::string_view subject,
                                               std::optional<std::string_view> queue,
                                               std::uint64_t sid) const;
    /// The check of `unsubscribe` that does not depend on the state.
    [[nodiscard]] static result<void> check_unsubscribe(std::optional<std::uint64_t> after);
    /// Without `after`: now. With it: when the server has sent that many messages since the
    /// subscription; at most `max_unsub_after`, else `invalid_argument`.
    result<void> unsubscribe(std::uint64_t sid, std::optional<std::uint64_t> after = {});

    // --- for a session, which replaces one connection by the next
    /// What the last connection's INFO said, until this one has its own.
    void carry_info(server_info info) noexcept { info_ = std::move(info); }
    /// A SUB and a PING that are not refused for want of room: their number is bounded elsewhere.
    void restore(std::string_view subject, std::string_view queue, std::uint64_t sid);
    void force_ping();
    /// Queues whole commands by copying them.
    void queue_frames(const output_queue& frames);
    [[nodiscard]] output_queue& output() noexcept { return output_; }
    /// Gives back the buffers that hold nothing; ends the views of the last event. Not while a read
    /// into what `prepare` gave is in flight.
    void shrink() noexcept;
    /// The last `n` bytes that were committed.
    [[nodiscard]] std::string_view newest(std::size_t n) const noexcept;

    // --- D
    /// Parses one event. False: there is none until more is fed.
    [[nodiscard]] bool next(connection_event& out);
    /// Fills `out` with the bytes to write, in order, and returns how many pieces; they stay valid
    /// until `transmitted` covers them. Nothing when closed.
    /// Without the first `skip` bytes, which are being transmitted already.
    [[nodiscard]] std::size_t poll_transmit(std::span<const_buffer> out,
                                            std::size_t skip = 0) const noexcept;
    /// The first `n` bytes were written; fewer than were offered is fine.
    void transmitted(std::size_t n);

    /// What `advance` did; for layers above that want the frame itself and not an event made of it.
    enum class step : std::uint8_t {
        need_more,
        connect_requested,
        connected,
        message,
        pong,
        info,
        server_error,
        closed
    };
    /// The engine of `next`: parses until something is to be reported. `current()` is the frame it
    /// is about.
    [[nodiscard]] step advance();
    /// `advance` for what nearly all input is: true when a message of an open connection comes
    /// next and is plainly written. False says nothing, and nothing has changed: ask `advance`.
    [[nodiscard]] bool advance_plain() noexcept;
    [[nodiscard]] const frame& current() const noexcept { return frame_; }
    /// The class of the `-ERR` that `advance` reported.
    [[nodiscard]] const server_error_class& current_error() const noexcept { return error_class_; }

private:
    [[nodiscard]] step advance_any();
    [[nodiscard]] step apply(const frame& f);
    [[nodiscard]] step no_frame(parser::status status);
    [[nodiscard]] bool report(step s, connection_event& out) const;
    step close(error why);
    step first_info();
    step later_info();
    void answer_ping();
    void pay_owed_pongs();
    void drop_consumed() noexcept;
    [[nodiscard]] bool can_publish(std::string_view subject, std::size_t payload,
                                   std::string_view reply, std::size_t header) const noexcept;
    result<void> refuse_publish(std::string_view subject, std::size_t payload,
                                std::string_view reply, std::size_t header) const;
    result<void> check_command(std::size_t arguments) const;

    limits limits_;
    connection_state state_ = connection_state::awaiting_info;
    parser parser_;
    input_buffer input_;
    output_queue output_;
    frame frame_;
    std::size_t to_consume_ = 0; ///< size of the frame that the last event's views point into
    server_info info_;
    server_error_class error_class_;
    error close_reason_;
    pong_debt pongs_;
    bool headers_enabled_ = false;
    bool eof_ = false;
};

} // namespace nats::wire

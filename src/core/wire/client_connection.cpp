// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// Input waits in one contiguous buffer. advance() parses one frame, looks up (state, operation) in
// the transition table and does the action there; frames with nothing to report (PING, +OK) go by
// without leaving the loop. The frame that was reported stays in the buffer until the next
// advance() or prepare(), because the event's views point into it.
//
// Failure is sticky: the first violation, or the end of the transport once all that was received is
// parsed, is reported as `closed` one time, and nothing is sent after it.

#include <natsproto/wire/client_connection.hpp>

#include <natsproto/subject.hpp>
#include <natsproto/wire/encoder.hpp>

#include "core/text/ascii.hpp"
#include "core/wire/plain_message.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

namespace nats::wire {

namespace {

/// Which input an operation is. A client's operations cannot come here: the parser refuses them.
constexpr connection_input input_of(op kind) noexcept {
    constexpr connection_input inputs[] = {
        connection_input::info,      connection_input::violation, connection_input::violation,
        connection_input::violation, connection_input::violation, connection_input::msg,
        connection_input::ping,      connection_input::pong,      connection_input::ok,
        connection_input::err,
    };
    return inputs[static_cast<std::size_t>(kind)];
}
static_assert(input_of(op::info) == connection_input::info &&
              input_of(op::msg) == connection_input::msg);
static_assert(input_of(op::ping) == connection_input::ping &&
              input_of(op::pong) == connection_input::pong);
static_assert(input_of(op::ok) == connection_input::ok &&
              input_of(op::err) == connection_input::err);

const transition& look_up(connection_state state, connection_input input) noexcept {
    return client_transitions[static_cast<std::size_t>(state)][static_cast<std::size_t>(input)];
}

error refused(connection_state state, connection_input input) {
    return {errc::unexpected_operation, std::string(name_of(input)) + " while " + name_of(state)};
}

/// The start of what the peer sent instead of the protocol, for the error.
std::string beginning_of(std::string_view input) {
    constexpr std::size_t shown = 32;
    const std::string_view line = input.substr(0, input.find('\n'));
    return "the peer sent \"" + printable(line.substr(0, shown)) +
           (line.size() > shown ? "...\"" : "\"");
}

} // namespace

result<void> check_publish(std::string_view subject, std::size_t payload, std::string_view reply,
                           std::size_t header, std::int64_t max_payload,
                           std::size_t max_control_line) {
    if (!is_publish_subject(subject))
        return error{errc::invalid_subject, "publish to \"" + printable(subject) + '"'};
    if (!reply.empty() && !is_publish_subject(reply)) {
        return error{errc::invalid_subject, "reply subject \"" + printable(reply) + '"'};
    }
    const std::size_t size = header + payload;
    if (max_payload > 0 && size > static_cast<std::size_t>(max_payload)) {
        return error{errc::payload_too_large, std::to_string(size) + " bytes, max_payload is " +
                                                  std::to_string(max_payload)};
    }
    if (pub_arguments_size(subject.size(), reply.size(), header, payload) > max_control_line)
        return error{errc::control_line_too_long};
    return {};
}

client_connection::client_connection(const limits& bounds)
    : limits_(bounds), parser_(sender::server, bounds) {}

inline void client_connection::drop_consumed() noexcept {
    if (to_consume_ == 0) return;
    input_.consume(to_consume_);
#ifndef NDEBUG
    input_.poison_consumed(to_consume_);
#endif
    to_consume_ = 0;
}

// --- B: inputs

std::span<char> client_connection::prepare(std::size_t at_least) {
    drop_consumed();
    return input_.prepare(at_least, parser_.wanted());
}

void client_connection::commit(std::size_t n) noexcept {
    input_.commit(n);
    if (state_ == connection_state::closed) input_.clear();
}

void client_connection::feed(bytes received) {
    if (received.empty()) return;
    std::span<char> space = prepare(received.size());
    std::memcpy(space.data(), received.data(), received.size());
    commit(received.size());
}

void client_connection::handle_eof(error why) {
    if (eof_ || state_ == connection_state::closed) return;
    eof_ = true;
    close_reason_ = std::move(why);
}

// --- C: commands

result<void> client_connection::connect(const connect_fields& fields) {
    if (look_up(state_, connection_input::connect).action != connection_action::send_connect) {
        if (state_ == connection_state::awaiting_info)
            return error{errc::not_connected, "connect() before INFO"};
        if (state_ == connection_state::closed) return error{errc::connection_closed};
        return error{errc::already_connected};
    }
    connect_fields sent = fields;
    sent.headers = fields.headers && info_.headers;
    sent.no_responders = fields.no_responders && sent.headers;
    if (!fields.echo && info_.proto < 1) return error{errc::no_echo_not_supported};
    result<secret> json = write_connect_json(sent);
    if (!json) return json.error();
    headers_enabled_ = sent.headers;
    encode_connect(output_, json->view());
    encode_ping(output_);
    state_ = connection_state::handshaking;
    pay_owed_pongs();
    return {};
}

result<void> client_connection::check_command(std::size_t arguments) const {
    if (look_up(state_, connection_input::command).action != connection_action::accept_command) {
        return error{state_ == connection_state::closed ? errc::connection_closed
                                                        : errc::not_connected};
    }
    if (arguments > limits_.max_control_line) return error{errc::control_line_too_long};
    if (output_.size() >= limits_.max_output_bytes) return error{errc::output_full};
    return {};
}

result<void> client_connection::ping() {
    if (result<void> ok = check_command(0); !ok) return ok;
    encode_ping(output_);
    return {};
}

/// All of what `refuse_publish` checks, without saying what is wrong: the usual case is that
/// nothing is.
inline bool client_connection::can_publish(std::string_view subject, std::size_t payload,
                                           std::string_view reply,
                                           std::size_t header) const noexcept {
    constexpr std::size_t numbers = 2 * 20 + 4;
    return state_ == connection_state::open && is_publish_subject(subject) &&
           (reply.empty() || is_publish_subject(reply)) && (header == 0 || headers_enabled_) &&
           (info_.max_payload <= 0 ||
            header + payload <= static_cast<std::size_t>(info_.max_payload)) &&
           subject.size() + reply.size() + numbers <= limits_.max_control_line &&
           output_.size() < limits_.max_output_bytes;
}

/// What is wrong with a publish that `can_publish` does not let through at once; maybe nothing is.
result<void> client_connection::refuse_publish(std::string_view subject, std::size_t payload,
                                               std::string_view reply, std::size_t header) const {
    if (header != 0 && !headers_enabled_ && state_ == connection_state::open)
        return error{errc::headers_not_supported};
    if (result<void> ok = check_publish(subject, payload, reply, header); !ok) return ok;
    return check_command(0);
}

bool client_connection::try_publish(std::string_view subject, bytes payload, std::string_view reply,
                                    header_view headers) {
    if (!can_publish(subject, payload.size(), reply, headers.raw().size())) return false;
    encode_pub(output_, subject, reply, headers.raw(), payload.text());
    return true;
}

result<void> client_connection::publish(std::string_view subject, bytes payload,
                                        std::string_view reply, header_view headers) {
    if (try_publish(subject, payload, reply, headers)) return {};
    if (result<void> ok = refuse_publish(subject, payload.size(), reply, headers.raw().size()); !ok)
        return ok;
    encode_pub(output_, subject, reply, headers.raw(), payload.text());
    return {};
}

result<void> client_connection::publish_borrowed(std::string_view subject, bytes payload,
                                                 std::string_view reply, header_view headers) {
    if (!can_publish(subject, payload.size(), reply, headers.raw().size())) {
        if (result<void> ok = refuse_publish(subject, payload.size(), reply, headers.raw().size());
            !ok)
            return ok;
    }
    encode_pub_borrowed(output_, subject, reply, headers.raw(), payload.text());
    return {};
}

result<void> client_connection::check_subscribe(std::string_view subject,
                                                std::optional<std::string_view> queue,
                                                std::uint64_t sid) const {
    if (!is_subscribe_subject(subject))
        return error{errc::invalid_subject, "subscribe to \"" + printable(subject) + '"'};
    if (queue && !is_queue_group(*queue))
        return error{errc::invalid_queue_group, '"' + printable(*queue) + '"'};
    const std::size_t queue_size = queue ? queue->size() + 1 : 0;
    if (subject.size() + 1 + queue_size + text::decimal_digits(sid) > limits_.max_control_line) {
        return error{errc::control_line_too_long};
    }
    return {};
}

result<void> client_connection::subscribe(std::string_view subject,
                                          std::optional<std::string_view> queue,
                                          std::uint64_t sid) {
    if (result<void> ok = check_subscribe(subject, queue, sid); !ok) return ok;
    if (result<void> ok = check_command(0); !ok) return ok;
    encode_sub(output_, subject, queue.value_or(std::string_view{}), sid);
    return {};
}

result<void> client_connection::check_unsubscribe(std::optional<std::uint64_t> after) {
    if (!after || *after <= max_unsub_after) return {};
    return error{errc::invalid_argument,
                 "unsubscribe after " + std::to_string(*after) + " messages"};
}

result<void> client_connection::unsubscribe(std::uint64_t sid, std::optional<std::uint64_t> after) {
    if (result<void> valid = check_unsubscribe(after); !valid) return valid;
    result<void> ok = check_command(0);
    // An end must always be possible, and there is one for each subscription: it may exceed the
    // output limit.
    if (!ok && (after || ok.error() != errc::output_full)) return ok;
    if (after)
        encode_unsub(output_, sid, *after);
    else
        encode_unsub(output_, sid);
    return {};
}

// --- for a session

void client_connection::restore(std::string_view subject, std::string_view queue,
                                std::uint64_t sid) {
    encode_sub(output_, subject, queue, sid);
}

void client_connection::force_ping() {
    encode_ping(output_);
}

void client_connection::queue_frames(const output_queue& frames) {
    std::array<const_buffer, 64> pieces;
    for (std::size_t done = 0; done < frames.size();) {
        const std::size_t count = frames.gather(pieces, done);
        for (std::size_t i = 0; i < count; ++i) {
            output_.append({pieces[i].data, pieces[i].size}); // whole frames, as chunks hold them
            done += pieces[i].size;
        }
    }
}

void client_connection::shrink() noexcept {
    drop_consumed();
    input_.shrink();
    output_.shrink();
}

std::string_view client_connection::newest(std::size_t n) const noexcept {
    const std::string_view all = input_.data();
    return all.substr(all.size() - std::min(n, all.size()));
}

// --- D: outputs

std::size_t client_connection::poll_transmit(std::span<const_buffer> out,
                                             std::size_t skip) const noexcept {
    return state_ == connection_state::closed ? 0 : output_.gather(out, skip);
}

void client_connection::transmitted(std::size_t n) {
    output_.transmitted(n);
    if (pongs_.transmitted(n)) pay_owed_pongs();
}

/// In `open` the table says `deliver`.
bool client_connection::advance_plain() noexcept {
    drop_consumed();
    if (state_ != connection_state::open || parser_.wanted_ != 0) return false;
    if (!parser_.plain_message<sender::server>(input_.data(), frame_)) return false;
    to_consume_ = frame_.size;
    return true;
}

client_connection::step client_connection::advance() {
    if (advance_plain()) return step::message;
    return advance_any();
}

client_connection::step client_connection::advance_any() {
    while (true) {
        drop_consumed();
        if (state_ == connection_state::closed) return step::need_more; // close() has reported it
        const parser::status status = parser_.next(input_.data(), frame_);
        if (status != parser::status::frame) return no_frame(status);
        to_consume_ = frame_.size;
        const connection_action action = look_up(state_, input_of(frame_.kind)).action;
        if (action == connection_action::deliver) return step::message; // nearly all that comes
        if (const step s = apply(frame_); s != step::need_more) return s;
    }
}

client_connection::step client_connection::no_frame(parser::status status) {
    if (status == parser::status::failed) {
        return close(error{parser_.failure(), beginning_of(input_.data())});
    }
    if (!eof_) return step::need_more;
    if (input_.size() != 0 && close_reason_ == errc::eof) {
        close_reason_ = error{errc::eof, "in the middle of an operation"};
    }
    return close(std::move(close_reason_));
}

/// Does what the table says about a frame; `need_more` when there is nothing to report.
client_connection::step client_connection::apply(const frame& f) {
    const connection_input input = input_of(f.kind);
    const transition& t = look_up(state_, input);
    switch (t.action) {
    case connection_action::deliver: return step::message;
    case connection_action::ignore: return step::need_more;
    case connection_action::answer_ping: answer_ping(); return step::need_more;
    case connection_action::owe_pong: pongs_.owe(); return step::need_more;
    case connection_action::report_pong: return step::pong;
    case connection_action::report_connected: state_ = t.next; return step::connected;
    case connection_action::request_connect: return first_info();
    case connection_action::report_info: return later_info();
    case connection_action::report_error:
        error_class_ = classify_server_error(f.text);
        return step::server_error;
    default: return close(refused(state_, input));
    }
}

client_connection::step client_connection::first_info() {
    result<server_info> parsed = parse_server_info(frame_.text, limits_);
    if (!parsed) return close(parsed.error());
    info_ = std::move(*parsed);
    state_ = connection_state::awaiting_connect;
    return step::connect_requested;
}

client_connection::step client_connection::later_info() {
    result<server_info> parsed = parse_server_info(frame_.text, limits_);
    if (!parsed) return step::need_more; // the old one stays (INF-10)
    info_ = std::move(*parsed);
    return step::info;
}

void client_connection::answer_ping() {
    pongs_.owe();
    pay_owed_pongs();
}

void client_connection::pay_owed_pongs() {
    if (state_ != connection_state::handshaking && state_ != connection_state::open) return;
    pongs_.pay(output_, limits_.max_pong_bytes);
}

client_connection::step client_connection::close(error why) {
    state_ = connection_state::closed;
    close_reason_ = std::move(why);
    to_consume_ = 0;
    input_.clear();
    return step::closed;
}

bool client_connection::next(connection_event& out) {
    if (!advance_plain()) {
        const step s = advance_any();
        if (s != step::message) return report(s, out);
    }
    out.emplace<event::message>(event::message{frame_, frame_.sid});
    return true;
}

/// All that is not a message.
bool client_connection::report(step s, connection_event& out) const {
    switch (s) {
    case step::need_more:
    case step::message: return false;
    case step::connect_requested:
        out.emplace<event::connect_requested>(event::connect_requested{&info_});
        return true;
    case step::connected: out.emplace<event::connected>(event::connected{&info_}); return true;
    case step::pong: out.emplace<event::pong>(event::pong{}); return true;
    case step::info: out.emplace<event::info>(event::info{&info_}); return true;
    case step::server_error:
        out.emplace<event::server_error>(event::server_error{frame_.text, error_class_});
        return true;
    case step::closed: out.emplace<event::closed>(event::closed{&close_reason_}); return true;
    }
    return false;
}

} // namespace nats::wire

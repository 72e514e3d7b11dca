// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// As in client_connection.cpp: input waits in one buffer, advance() parses one frame, looks up
// (state, operation) in the server's table and does the action there. Where no login is required
// the connection is open from its INFO on; where one is, nothing but a CONNECT is parsed, and an
// operation that is none is known by its first byte. A CONNECT stops the parsing until the user
// has decided about it, since what stands behind it is to be judged by its options.
//
// The answer to an operation is due when its event is: `+OK` waits until the next call, so that
// the user can send `-ERR` in its place. A client that asks for no answers and no checks, as all
// libraries do, has its messages taken by the parser's short way.
//
// The end is one function: it says `-ERR` or nothing, and is reported once. What was queued before
// it is still transmitted.
//
// Credentials are in the input until their CONNECT was read, and are wiped there.

#include <natsproto/wire/server_connection.hpp>

#include <natsproto/wire/encoder.hpp>

#include "core/text/ascii.hpp"
#include "core/wire/plain_message.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

namespace nats::wire {

namespace {

using act = connection_action;
using in = connection_input;

constexpr connection_input input_of(op kind) noexcept {
    switch (kind) {
    case op::info: return in::info;
    case op::connect: return in::connect_frame;
    case op::pub: return in::pub;
    case op::sub: return in::sub;
    case op::unsub: return in::unsub;
    case op::ping: return in::ping;
    case op::pong: return in::pong;
    case op::ok: return in::ok;
    case op::err: return in::err;
    case op::msg: break; // the parser refuses it
    }
    return in::violation;
}

const transition& look_up(connection_state state, connection_input input) noexcept {
    return server_transitions[static_cast<std::size_t>(state)][static_cast<std::size_t>(input)];
}

/// What is said about a failure of the parser; empty: nothing, as nats-server does.
constexpr std::string_view text_of(errc failure) noexcept {
    switch (failure) {
    case errc::unknown_operation:
    case errc::missing_crlf: return "Unknown Protocol Operation";
    case errc::line_too_long:
    case errc::info_too_large: return "maximum control line exceeded";
    case errc::message_too_large: return "Maximum Payload Violation";
    default: return {};
    }
}

limits limits_of(const server_connection_options& o) noexcept {
    limits l;
    l.max_line = o.max_control_line;
    l.max_header_block = std::numeric_limits<std::size_t>::max(); // never over the message
    return l;
}

/// The name with which the peer's bytes begin, for the error. Nothing else of them: they may hold
/// credentials.
std::string beginning_of(std::string_view input) {
    constexpr std::size_t longest = 16;
    std::size_t n = 0;
    while (n < input.size() && n < longest) {
        const char c = text::upper(input[n]);
        if ((c < 'A' || c > 'Z') && c != '+' && c != '-') break;
        ++n;
    }
    return "the peer sent \"" + std::string(input.substr(0, n)) + "...\"";
}

std::string_view one_line(std::string_view text) noexcept {
    return text.substr(0, text.find_first_of("\r\n"));
}

enum class wildcards : bool { refused, allowed };

/// nats-server's rules, which know tokens only: what else the bytes are does not matter.
bool is_subject(std::string_view subject, wildcards w) noexcept {
    while (true) {
        const std::size_t dot = subject.find('.');
        const std::string_view token = subject.substr(0, dot);
        if (token.empty()) return false;
        if (w == wildcards::refused && (token == "*" || token == ">")) return false;
        if (dot == std::string_view::npos) return true;
        if (token == ">") return false;
        subject.remove_prefix(dot + 1);
    }
}

} // namespace

server_connection::server_connection(const server_connection_options& o)
    : parser_(sender::client, limits_of(o)), options_(o) {
    parser_.headers_refused_ = true;
    input_.keep_secret(true);
}

inline void server_connection::drop_consumed() noexcept {
    if (to_consume_ == 0) return;
    input_.consume(to_consume_);
    if (consuming_secret_) input_.wipe_consumed(to_consume_);
    consuming_secret_ = false;
#ifndef NDEBUG
    input_.poison_consumed(to_consume_);
#endif
    to_consume_ = 0;
}

// --- B: inputs

std::span<char> server_connection::prepare(std::size_t at_least) {
    drop_consumed();
    return input_.prepare(at_least, parser_.wanted());
}

void server_connection::commit(std::size_t n) noexcept {
    input_.commit(n);
    if (state_ == connection_state::closed) input_.clear();
}

void server_connection::feed(bytes received) {
    if (received.empty()) return;
    std::span<char> space = prepare(received.size());
    std::memcpy(space.data(), received.data(), received.size());
    commit(received.size());
}

void server_connection::handle_eof(error why) {
    if (eof_ || state_ == connection_state::closed) return;
    eof_ = true;
    close_reason_ = std::move(why);
}

void server_connection::handle_timeout(time_point now) {
    if (!deadline_ || now < *deadline_) return;
    if (look_up(state_, in::timeout).action != act::close) return;
    end("Authentication Timeout", errc::authentication_timeout);
}

// --- C: commands

error server_connection::refused_call() const {
    return state_ == connection_state::closed ? errc::connection_closed : errc::not_connected;
}

result<void> server_connection::start(const server_info& info, time_point now) {
    const transition& t = look_up(state_, info.auth_required ? in::start : in::start_open);
    if (t.action != act::send_info) {
        if (state_ == connection_state::closed) return error{errc::connection_closed};
        return error{errc::already_connected};
    }
    if (result<void> sent = announce(info); !sent) return sent;
    if (info.auth_required) deadline_ = deadline_after(now, options_.auth_timeout);
    enter(t.next);
    return {};
}

result<void> server_connection::send_info(const server_info& info) {
    if (look_up(state_, in::announce).action != act::accept_command) return refused_call();
    return announce(info);
}

result<void> server_connection::announce(const server_info& info) {
    const result<std::string> json = write_info_json(info);
    if (!json) return json.error();
    encode_info(output_, *json);
    info_ = info;
    follow_max_payload();
    return {};
}

/// A message that was let in by its control line is not refused by what is announced later.
void server_connection::follow_max_payload() noexcept {
    constexpr std::uint64_t most = std::numeric_limits<std::size_t>::max() / 4;
    const std::size_t said = info_.max_payload > 0
                                 ? static_cast<std::size_t>(std::min(
                                       static_cast<std::uint64_t>(info_.max_payload), most))
                                 : limits{}.max_message;
    parser_.limits_.max_message = std::max(said, parser_.wanted_);
    limit_due_ = parser_.wanted_ != 0;
}

result<void> server_connection::accept() {
    const transition& t = look_up(state_, in::accept);
    if (t.action != act::accept_login) return refused_call();
    headers_enabled_ = request_.headers && info_.headers;
    if (!request_.account.empty() || request_.new_account) {
        end("Authorization Violation", {errc::authorization_violation, "CONNECT names an account"});
    } else if (request_.protocol < 0 || request_.protocol > 1) {
        end("invalid client protocol", {errc::protocol_error, "invalid client protocol"});
    } else if (request_.no_responders && !headers_enabled_) {
        end("no responders requires headers support",
            {errc::protocol_error, "no_responders without headers"});
    } else {
        parser_.headers_refused_ = !headers_enabled_;
        input_.keep_secret(false);
        deadline_.reset();
        accepted_ = true;
        if (request_.verbose) encode_ok(output_);
        enter(t.next);
    }
    return {};
}

void server_connection::ok() {
    if (!ok_due_) return;
    ok_due_ = false;
    encode_ok(output_);
}

void server_connection::refuse(std::string_view text) {
    if (look_up(state_, in::refuse).action == act::close)
        return end(text, {errc::authorization_violation, std::string(text)});
    if (state_ != connection_state::open) return;
    ok_due_ = false;
    encode_err(output_, one_line(text));
}

result<void> server_connection::deliver(std::string_view subject, std::string_view sid,
                                        std::string_view reply, header_view header, bytes payload) {
    if (look_up(state_, in::command).action != act::accept_command) return refused_call();
    if (subject.empty() || sid.empty())
        return error{errc::invalid_argument, "an empty subject or sid"};
    encode_msg(output_, subject, sid, reply, headers_enabled_ ? header.raw() : std::string_view{},
               payload.text());
    return {};
}

result<void> server_connection::ping() {
    if (look_up(state_, in::command).action != act::accept_command) return refused_call();
    encode_ping(output_);
    return {};
}

result<void> server_connection::send_err(std::string_view text) {
    if (look_up(state_, in::announce).action != act::accept_command) return refused_call();
    if (one_line(text).size() != text.size())
        return error{errc::invalid_argument, "a line end in the text of an -ERR"};
    encode_err(output_, text);
    return {};
}

void server_connection::fail(std::string_view text) {
    if (look_up(state_, in::end).action != act::close) return;
    end(text, {errc::connection_closed, std::string(text)});
}

void server_connection::close() {
    if (look_up(state_, in::end).action != act::close) return;
    end({}, errc::connection_closed);
}

// --- D: outputs

std::size_t server_connection::poll_transmit(std::span<const_buffer> out,
                                             std::size_t skip) const noexcept {
    return output_.gather(out, skip);
}

void server_connection::transmitted(std::size_t n) {
    output_.transmitted(n);
    if (pongs_.transmitted(n)) pay_owed_pongs();
}

std::optional<time_point> server_connection::poll_timeout() const noexcept {
    return deadline_;
}

void server_connection::shrink() noexcept {
    drop_consumed();
    input_.shrink();
    output_.shrink();
}

void server_connection::enter(connection_state s) noexcept {
    state_ = s;
    short_way_ = s == connection_state::open && !request_.verbose && !request_.pedantic;
}

/// The short way for what nearly all input is.
inline bool server_connection::next_publish() noexcept {
    drop_consumed();
    if (!short_way_ || parser_.wanted_ != 0) return false;
    if (!parser_.plain_message<sender::client>(input_.data(), frame_)) return false;
    to_consume_ = frame_.size;
    return true;
}

server_connection::step server_connection::advance() {
    if (next_publish()) return step::published;
    return advance_any();
}

server_connection::step server_connection::advance_any() {
    ok();
    while (true) {
        drop_consumed();
        if (state_ == connection_state::closed) return report_end();
        const connection_action action = look_up(state_, in::received).action;
        if (action == act::wait) return wait();
        if (action == act::expect_connect && !may_be_connect()) {
            end("Authorization Violation",
                {errc::authorization_violation, "an operation before CONNECT"});
            continue;
        }
        const parser::status status = parser_.next(input_.data(), frame_);
        if (status != parser::status::frame) return no_frame(status);
        if (limit_due_) follow_max_payload();
        to_consume_ = frame_.size;
        if (const step s = apply(frame_); s != step::need_more) return s;
    }
}

bool server_connection::may_be_connect() const noexcept {
    const std::string_view input = input_.data();
    return input.empty() || text::upper(input.front()) == 'C';
}

/// Nothing is parsed now; the end of the transport may be the end all the same.
server_connection::step server_connection::wait() {
    if (!eof_ || look_up(state_, in::eof).action != act::close) return step::need_more;
    end({}, std::move(close_reason_));
    return report_end();
}

server_connection::step server_connection::no_frame(parser::status status) {
    if (status == parser::status::failed) {
        end(text_of(parser_.failure()), {parser_.failure(), beginning_of(input_.data())});
        return report_end();
    }
    if (!eof_) return step::need_more;
    if (input_.size() != 0 && close_reason_ == errc::eof)
        close_reason_ = error{errc::eof, "in the middle of an operation"};
    end({}, std::move(close_reason_));
    return report_end();
}

/// Does what the table says about a frame; `need_more` when there is nothing to report.
server_connection::step server_connection::apply(const frame& f) {
    switch (look_up(state_, input_of(f.kind)).action) {
    case act::publish: return published(f);
    case act::subscribe: return subscribed(f);
    case act::unsubscribe: ok_due_ = request_.verbose; return step::unsubscribed;
    case act::request_login: return login(f);
    case act::answer_ping:
        pongs_.owe();
        pay_owed_pongs();
        return step::ping;
    case act::report_pong: return step::pong;
    case act::ignore: return ignore(f);
    default:
        end({}, {errc::unexpected_operation, beginning_of(input_.data())});
        return report_end();
    }
}

server_connection::step server_connection::published(const frame& f) {
    if (request_.pedantic && !is_subject(f.subject, wildcards::refused))
        encode_err(output_, "Invalid Publish Subject");
    ok_due_ = request_.verbose;
    return step::published;
}

server_connection::step server_connection::subscribed(const frame& f) {
    if (!is_subject(f.subject, wildcards::allowed)) {
        encode_err(output_, "Invalid Subject");
        return step::need_more;
    }
    ok_due_ = request_.verbose;
    return step::subscribed;
}

/// `+OK`, or an INFO, which must be one all the same.
server_connection::step server_connection::ignore(const frame& f) {
    if (f.kind != op::info || parse_server_info(f.text)) return step::need_more;
    end({}, {errc::bad_info, "of a client"});
    return report_end();
}

server_connection::step server_connection::login(const frame& f) {
    consuming_secret_ = true;
    limits bounds;
    bounds.max_json_depth = options_.max_json_depth;
    if (result<void> parsed = parse_connect_request(f.text, request_, bounds); !parsed) {
        end({}, parsed.error());
        return report_end();
    }
    enter(look_up(state_, in::connect_frame).next);
    return step::connect;
}

void server_connection::pay_owed_pongs() {
    if (state_ == connection_state::closed) return;
    pongs_.pay(output_, options_.max_pong_bytes);
}

/// `text` empty: without a word.
void server_connection::end(std::string_view text, error why) {
    if (!text.empty()) encode_err(output_, one_line(text));
    enter(connection_state::closed);
    close_reason_ = std::move(why);
    end_unreported_ = true;
    ok_due_ = false;
    deadline_.reset();
    to_consume_ = 0;
    input_.wipe();
}

server_connection::step server_connection::report_end() noexcept {
    if (!end_unreported_) return step::need_more;
    end_unreported_ = false;
    return step::closed;
}

bool server_connection::next(server_connection_event& out) {
    if (!next_publish()) {
        const step s = advance_any();
        if (s != step::published) return report(s, out);
    }
    out.emplace<server_event::published>(server_event::published{frame_});
    return true;
}

/// All that is not a message.
bool server_connection::report(step s, server_connection_event& out) const {
    namespace ev = server_event;
    switch (s) {
    case step::need_more:
    case step::published: return false;
    case step::connect: out.emplace<ev::connect>(ev::connect{&request_, accepted_}); return true;
    case step::subscribed:
        out.emplace<ev::subscribed>(ev::subscribed{frame_.subject, frame_.queue, frame_.sid_text});
        return true;
    case step::unsubscribed: {
        const bool later = frame_.has_max && frame_.max != 0;
        out.emplace<ev::unsubscribed>(
            ev::unsubscribed{frame_.sid_text, later ? std::optional(frame_.max) : std::nullopt});
        return true;
    }
    case step::ping: out.emplace<ev::ping>(ev::ping{}); return true;
    case step::pong: out.emplace<ev::pong>(ev::pong{}); return true;
    case step::closed: out.emplace<ev::closed>(ev::closed{&close_reason_}); return true;
    }
    return false;
}

} // namespace nats::wire

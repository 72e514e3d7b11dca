// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// A frame is a control line, and for messages a payload whose size stands on that line. The parser
// looks for the line's LF with memchr, starting where its last search ended (`scanned_`), then cuts
// the line into tokens. A message whose payload is not there yet leaves two numbers behind, the
// size of its line and of the whole frame; the line is cut again once when all of it is there, so
// that nothing needs to be kept across a move of the caller's buffer. Both make the cost linear in
// the bytes, however they are cut.
//
// Nearly every frame is a message whose line is short, plainly written and complete. For these
// there is a shorter way, plain_message(): it looks only at the bytes that separate, 64 at a time.
// It decides nothing: what is not exactly plain goes the long way, which must give the same result.
//
// Chunk invariance: what is reported depends on the bytes only. A wrong operation name and a line
// that is too long are found before the LF arrives, by rules that give the same answer when it
// does; everything else is judged on whole lines and whole frames.

#include <natsproto/wire/parser.hpp>

#include "core/text/ascii.hpp"
#include "core/wire/plain_message.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

namespace nats::wire {

namespace {

constexpr std::uint8_t by_server = 1;
constexpr std::uint8_t by_client = 2;
constexpr std::uint8_t by_both = by_server | by_client;

/// Where the arguments of a line end: before the LF, and before a CR in front of it.
inline std::size_t line_end_of(std::string_view input, std::size_t line_size) noexcept {
    const std::size_t end = line_size - 1;
    return end != 0 && input[end - 1] == '\r' ? end - 1 : end;
}

} // namespace

/// A control line and its tokens, split at runs of blanks.
struct parser::line {
    std::size_t count = 0;
    std::array<std::string_view, max_tokens> at;
};

/// False: a CR inside, or too many tokens.
bool parser::split(const char* p, const char* end, line& out) noexcept {
    out.count = 0;
    while (true) {
        while (p != end && text::is_blank(*p)) ++p;
        if (p == end) return true;
        const char* start = p;
        while (p != end && !text::is_blank(*p)) {
            if (*p == '\r') return false;
            ++p;
        }
        if (out.count == max_tokens) return false;
        out.at[out.count++] = {start, static_cast<std::size_t>(p - start)};
    }
}

/// How an operation's control line starts, and who may send it.
struct parser::verb {
    enum class after : std::uint8_t {
        blank,        ///< a blank must follow the name
        blank_or_end, ///< or nothing at all
        anything,     ///< servers and clients accept `PINGX`
    };
    std::string_view name;
    op kind;
    bool has_headers;
    after follows;
    std::uint8_t senders;

    static const std::array<verb, 14> all;

    [[nodiscard]] bool allowed(sender from) const noexcept {
        return (senders & (from == sender::server ? by_server : by_client)) != 0;
    }
    /// Whether `line`, without its end, starts with this operation.
    [[nodiscard]] bool matches(std::string_view line) const noexcept {
        if (line.size() < name.size() || !same_letters(line)) return false;
        if (follows == after::anything) return true;
        if (line.size() == name.size()) return follows == after::blank_or_end;
        return text::is_blank(line[name.size()]);
    }
    /// Whether `line`, of which more is to come, can still become one that matches.
    [[nodiscard]] bool may_match(std::string_view line) const noexcept {
        if (!same_letters(line)) return false;
        if (line.size() <= name.size() || follows == after::anything) return true;
        const char next = line[name.size()];
        return text::is_blank(next) || (next == '\r' && line.size() == name.size() + 1);
    }

private:
    [[nodiscard]] bool same_letters(std::string_view line) const noexcept {
        const std::size_t n = std::min(line.size(), name.size());
        for (std::size_t i = 0; i < n; ++i) {
            if (text::upper(line[i]) != name[i]) return false;
        }
        return true;
    }
};

// A client that sends INFO or +OK is ignored by nats-server, and one that sends -ERR is cut off:
// they are frames, so that the role above can decide. MSG from a client is not even an operation.
// No blank needs to stand behind a client's CONNECT and INFO; what follows must be JSON anyway.
const std::array<parser::verb, 14> parser::verb::all = {{
    {"MSG", op::msg, false, after::blank, by_server},
    {"HMSG", op::msg, true, after::blank, by_server},
    {"PUB", op::pub, false, after::blank, by_client},
    {"HPUB", op::pub, true, after::blank, by_client},
    {"PING", op::ping, false, after::anything, by_both},
    {"PONG", op::pong, false, after::anything, by_both},
    {"+OK", op::ok, false, after::anything, by_both},
    {"-ERR", op::err, false, after::blank_or_end, by_server},
    {"-ERR", op::err, false, after::blank, by_client},
    {"INFO", op::info, false, after::blank, by_server},
    {"INFO", op::info, false, after::anything, by_client},
    {"SUB", op::sub, false, after::blank, by_client},
    {"UNSUB", op::unsub, false, after::blank, by_client},
    {"CONNECT", op::connect, false, after::anything, by_client},
}};

parser::parser(sender from, const limits& bounds) noexcept : limits_(bounds), from_(from) {
    // "No limit" must not make the sums below wrap.
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max() / 4;
    for (std::size_t* l :
         {&limits_.max_line, &limits_.max_info, &limits_.max_message, &limits_.max_header_block}) {
        *l = std::min(*l, most);
    }
}

void parser::reset() noexcept {
    scanned_ = line_size_ = wanted_ = 0;
    failure_ = {};
    failed_ = false;
}

parser::status parser::fail(errc why) noexcept {
    failed_ = true;
    failure_ = why;
    wanted_ = 0;
    return status::failed;
}

std::size_t parser::line_limit(op kind) const noexcept {
    return kind == op::info && from_ == sender::server ? limits_.max_info : limits_.max_line;
}

parser::status parser::next(std::string_view input, frame& out) noexcept {
    if (failed_) return status::failed;
    if (wanted_ != 0) {
        if (input.size() < wanted_) return incomplete_payload(input);
        return parse_line(input, line_size_, out);
    }
    if (scanned_ >= input.size()) return status::need_more;
    const bool plain = from_ == sender::server ? plain_message<sender::server>(input, out)
                                               : plain_message<sender::client>(input, out);
    if (plain) return status::frame;
    const void* lf = std::memchr(input.data() + scanned_, '\n', input.size() - scanned_);
    if (lf == nullptr) return incomplete_line(input);
    const auto line_size =
        static_cast<std::size_t>(static_cast<const char*>(lf) - input.data()) + 1;
    return parse_line(input, line_size, out);
}

parser::status parser::incomplete_line(std::string_view input) noexcept {
    scanned_ = input.size();
    for (const verb& v : verb::all) {
        if (!v.allowed(from_) || !v.may_match(input)) continue;
        const std::size_t end = input.back() == '\r' ? input.size() - 1 : input.size();
        if (end > v.name.size() + 1 && end - v.name.size() - 1 > line_limit(v.kind)) {
            return fail(v.kind == op::info ? errc::info_too_large : errc::line_too_long);
        }
        return status::need_more;
    }
    return fail(errc::unknown_operation);
}

/// Only the LF behind the payload is missing, or more.
parser::status parser::incomplete_payload(std::string_view input) noexcept {
    if (input.size() + 1 == wanted_ && input.back() != '\r') return fail(errc::missing_crlf);
    return status::need_more;
}

parser::status parser::parse_line(std::string_view input, std::size_t line_size,
                                  frame& out) noexcept {
    const std::size_t end = line_end_of(input, line_size);
    const std::string_view text = input.substr(0, end);
    for (const verb& v : verb::all) {
        if (!v.allowed(from_) || !v.matches(text)) continue;
        out.kind = v.kind;
        out.has_headers = v.has_headers;
        if (v.kind == op::msg || v.kind == op::pub) {
            return parse_message(input, v.name.size(), end, line_size, out);
        }
        const std::string_view args = text.substr(v.name.size());
        if (args.size() > line_limit(v.kind) + 1) {
            return fail(v.kind == op::info ? errc::info_too_large : errc::line_too_long);
        }
        out.size = line_size;
        return parse_simple(args, v.kind, out);
    }
    return fail(errc::unknown_operation);
}

parser::status parser::parse_simple(std::string_view args, op kind, frame& out) noexcept {
    scanned_ = 0;
    switch (kind) {
    case op::ping:
    case op::pong:
    case op::ok: return status::frame;
    case op::err: {
        std::string_view t = text::trim(args);
        if (!t.empty() && t.front() == '\'') t.remove_prefix(1);
        if (!t.empty() && t.back() == '\'') t.remove_suffix(1);
        out.text = text::trim(t);
        return status::frame;
    }
    case op::info:
    case op::connect: out.text = text::trim(args); return status::frame;
    case op::sub: {
        line t;
        if (!split(args.data(), args.data() + args.size(), t) || (t.count != 2 && t.count != 3)) {
            return fail(errc::bad_arguments);
        }
        out.subject = t.at[0];
        out.queue = t.count == 3 ? t.at[1] : std::string_view{};
        out.sid_text = t.at[t.count - 1];
        return status::frame;
    }
    case op::unsub: {
        line t;
        const bool whole = split(args.data(), args.data() + args.size(), t);
        if (!whole || (t.count != 1 && t.count != 2)) {
            return fail(errc::bad_arguments);
        }
        out.sid_text = t.at[0];
        out.has_max = t.count == 2;
        out.max = 0;
        if (out.has_max && !text::parse_small(t.at[1], out.max)) out.max = 0;
        return status::frame;
    }
    case op::msg:
    case op::pub: break; // parse_message
    }
    return fail(errc::protocol_error);
}

parser::status parser::parse_message(std::string_view input, std::size_t op_size,
                                     std::size_t line_end, std::size_t line_size,
                                     frame& out) noexcept {
    line l;
    const bool whole = split(input.data() + op_size, input.data() + line_end, l);
    if (line_end - op_size > limits_.max_line + 1) return fail(errc::line_too_long);
    if (out.has_headers && headers_refused_) return fail(errc::headers_not_supported);
    if (!whole) return fail(errc::bad_arguments);
    // subject [sid] [reply] [header size] size
    const bool with_sid = from_ == sender::server;
    const std::size_t least = 2U + (with_sid ? 1U : 0U) + (out.has_headers ? 1U : 0U);
    if (l.count != least && l.count != least + 1) {
        // A server's operation without arguments is none at all.
        return fail(l.count == 0 && with_sid ? errc::unknown_operation : errc::bad_arguments);
    }
    const std::string_view* token = l.at.data();
    out.subject = *token++;
    if (with_sid) {
        out.sid_text = *token++;
        if (!text::parse_decimal(out.sid_text, out.sid)) return fail(errc::bad_number);
    }
    out.reply = l.count == least + 1 ? *token++ : std::string_view{};

    std::uint64_t header = 0;
    std::uint64_t total = 0;
    // nats-server takes at most nine digits from a client.
    const std::size_t max_digits = with_sid ? 20 : 9;
    if (out.has_headers) {
        if (token->size() > max_digits || !text::parse_decimal(*token, header))
            return fail(errc::bad_number);
        ++token;
    }
    if (token->size() > max_digits || !text::parse_decimal(*token, total))
        return fail(errc::bad_number);
    if (header > total) return fail(errc::bad_number);
    if (total > limits_.max_message) return fail(errc::message_too_large);
    if (header > limits_.max_header_block) return fail(errc::header_block_too_large);

    const std::size_t size = line_size + static_cast<std::size_t>(total) + 2;
    if (input.size() < size) {
        line_size_ = line_size;
        wanted_ = size;
        return incomplete_payload(input);
    }
    const char* body = input.data() + line_size;
    if (body[total] != '\r' || body[total + 1] != '\n') return fail(errc::missing_crlf);
    out.kind = with_sid ? op::msg : op::pub;
    out.headers = header_view({body, static_cast<std::size_t>(header)});
    out.payload = {body + header, static_cast<std::size_t>(total - header)};
    out.size = size;
    scanned_ = 0;
    wanted_ = 0;
    return status::frame;
}

} // namespace nats::wire

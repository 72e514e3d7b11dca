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
// Chunk invariance: what is reported depends on the bytes only. A wrong operation name and a line
// that is too long are found before the LF arrives, by rules that give the same answer when it
// does; everything else is judged on whole lines and whole frames.

#include <natsproto/wire/parser.hpp>

#include "core/text/ascii.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace nats::wire {

namespace {

constexpr std::uint8_t by_server = 1;
constexpr std::uint8_t by_client = 2;
constexpr std::uint8_t by_both = by_server | by_client;

constexpr std::size_t max_tokens = 6;

/// The tokens of a control line, split at runs of blanks. `count` is over `max_tokens` for a line
/// with too many, and 0 with `bad` set for one with a CR inside.
struct tokens {
    std::array<std::string_view, max_tokens> at;
    std::size_t count = 0;
    bool bad = false;
};

inline void split(const char* p, const char* end, tokens& out) noexcept {
    std::size_t count = 0;
    while (true) {
        while (p != end && text::is_blank(*p)) ++p;
        if (p == end) break;
        const char* start = p;
        while (p != end && !text::is_blank(*p)) {
            if (*p == '\r') {
                out.bad = true;
                return;
            }
            ++p;
        }
        if (count == max_tokens) {
            out.bad = true;
            return;
        }
        out.at[count++] = {start, static_cast<std::size_t>(p - start)};
    }
    out.count = count;
}

/// Where the arguments of a line end: before the LF, and before a CR in front of it.
inline std::size_t line_end_of(std::string_view input, std::size_t line_size) noexcept {
    const std::size_t end = line_size - 1;
    return end != 0 && input[end - 1] == '\r' ? end - 1 : end;
}

} // namespace

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

    static const std::array<verb, 12> all;

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
const std::array<parser::verb, 12> parser::verb::all = {{
    {"MSG", op::msg, false, after::blank, by_server},
    {"HMSG", op::msg, true, after::blank, by_server},
    {"PUB", op::pub, false, after::blank, by_client},
    {"HPUB", op::pub, true, after::blank, by_client},
    {"PING", op::ping, false, after::anything, by_both},
    {"PONG", op::pong, false, after::anything, by_both},
    {"+OK", op::ok, false, after::anything, by_both},
    {"-ERR", op::err, false, after::blank_or_end, by_both},
    {"INFO", op::info, false, after::blank, by_both},
    {"SUB", op::sub, false, after::blank, by_client},
    {"UNSUB", op::unsub, false, after::blank, by_client},
    {"CONNECT", op::connect, false, after::blank, by_client},
}};

parser::parser(sender from, const limits& bounds) noexcept : limits_(bounds), from_(from) {}

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
        if (input.size() < wanted_) return status::need_more;
        return parse_line(input, line_size_, out);
    }
    if (scanned_ >= input.size()) return status::need_more;
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

parser::status parser::parse_line(std::string_view input, std::size_t line_size,
                                  frame& out) noexcept {
    const std::size_t end = line_end_of(input, line_size);
    // The operation that nearly every frame is; 4 bytes and a comparison.
    if (from_ == sender::server && end > 4 && std::memcmp(input.data(), "MSG ", 4) == 0) {
        out.has_headers = false;
        out.kind = op::msg;
        return parse_message(input, 3, end, line_size, out);
    }
    const std::string_view line = input.substr(0, end);
    for (const verb& v : verb::all) {
        if (!v.allowed(from_) || !v.matches(line)) continue;
        out.kind = v.kind;
        out.has_headers = v.has_headers;
        if (v.kind == op::msg || v.kind == op::pub) {
            return parse_message(input, v.name.size(), end, line_size, out);
        }
        const std::string_view args = line.substr(v.name.size());
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
        tokens t;
        split(args.data(), args.data() + args.size(), t);
        if (t.bad || (t.count != 2 && t.count != 3)) return fail(errc::bad_arguments);
        out.subject = t.at[0];
        out.queue = t.count == 3 ? t.at[1] : std::string_view{};
        out.sid_text = t.at[t.count - 1];
        return status::frame;
    }
    case op::unsub: {
        tokens t;
        split(args.data(), args.data() + args.size(), t);
        if (t.bad || (t.count != 1 && t.count != 2)) {
            // Without arguments it is no operation at all to nats-server; with too many it is a
            // broken one.
            return fail(t.count == 0 && !t.bad ? errc::unknown_operation : errc::bad_arguments);
        }
        out.sid_text = t.at[0];
        out.has_max = t.count == 2;
        out.max = 0;
        if (out.has_max && !text::parse_decimal(t.at[1], out.max)) out.max = 0;
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
    if (line_end - op_size > limits_.max_line + 1) return fail(errc::line_too_long);
    tokens t;
    split(input.data() + op_size, input.data() + line_end, t);
    // subject [sid] [reply] [header size] size
    const bool with_sid = from_ == sender::server;
    const std::size_t least = 2U + (with_sid ? 1U : 0U) + (out.has_headers ? 1U : 0U);
    if (t.bad || (t.count != least && t.count != least + 1)) {
        return fail(t.count == 0 && !t.bad ? errc::unknown_operation : errc::bad_arguments);
    }
    std::size_t i = 0;
    out.subject = t.at[i++];
    if (with_sid) {
        out.sid_text = t.at[i++];
        if (!text::parse_decimal(out.sid_text, out.sid)) return fail(errc::bad_number);
    }
    out.reply = t.count == least + 1 ? t.at[i++] : std::string_view{};

    std::uint64_t header = 0;
    std::uint64_t total = 0;
    // nats-server takes at most nine digits from a client.
    const std::size_t max_digits = with_sid ? 20 : 9;
    if (out.has_headers) {
        if (t.at[i].size() > max_digits || !text::parse_decimal(t.at[i], header))
            return fail(errc::bad_number);
        ++i;
    }
    if (t.at[i].size() > max_digits || !text::parse_decimal(t.at[i], total))
        return fail(errc::bad_number);
    if (header > total) return fail(errc::bad_number);
    if (total > limits_.max_message) return fail(errc::message_too_large);
    if (header > limits_.max_header_block) return fail(errc::header_block_too_large);

    const std::size_t size = line_size + static_cast<std::size_t>(total) + 2;
    if (input.size() < size) {
        line_size_ = line_size;
        wanted_ = size;
        return status::need_more;
    }
    const char* body = input.data() + line_size;
    if (body[total] != '\r' || body[total + 1] != '\n') return fail(errc::missing_crlf);
    out.header = {body, static_cast<std::size_t>(header)};
    out.payload = {body + header, static_cast<std::size_t>(total - header)};
    out.size = size;
    scanned_ = 0;
    wanted_ = 0;
    return status::frame;
}

} // namespace nats::wire

// SPDX-License-Identifier: Apache-2.0
//
// The short way through the parser, for a message that is plainly written and complete: single
// spaces, small numbers, CR LF. Nearly every frame is one.
//
// It looks only at the bytes that separate, found 32 at a time. It decides nothing: what is not
// exactly plain is left for the long way in parser.cpp, which must give the same result. It is
// inline so that a connection does not pay for a call where a message costs some fifty nanoseconds.

#pragma once

#include <natsproto/wire/parser.hpp>

#include "core/text/ascii.hpp"
#include "core/text/control_scanner.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace nats::wire {

/// Where the tokens of a line end. Token i, from 1, begins behind the blank at `end[i - 1]`; the
/// name, which is no token, ends at `end[0]`.
struct parser::token_ends {
    std::size_t end[max_tokens + 1];
    std::size_t count;

    [[nodiscard]] std::string_view token(const char* p, std::size_t i) const noexcept {
        return {p + end[i - 1] + 1, end[i] - end[i - 1] - 1};
    }
};

/// A line of at most 32 bytes. The first two low bytes side by side must be its CR LF: then no
/// blank before them is double; and each low byte before them must be a space.
inline bool parser::find_tokens_at_once([[maybe_unused]] const char* p,
                                        [[maybe_unused]] token_ends& out) noexcept {
#if defined(__SSE2__)
    const std::uint64_t low = text::low_bytes_32(p);
    const std::uint64_t pairs = low & (low >> 1U);
    if (pairs == 0) return false;
    const auto cr = static_cast<std::size_t>(std::countr_zero(pairs));
    if (std::memcmp(p + cr, "\r\n", 2) != 0) return false;
    const std::uint64_t before = (std::uint64_t{1} << cr) - 1;
    std::uint64_t separators = low & before;
    const std::uint64_t spaces =
        text::equal_bytes_16(p, ' ') | (text::equal_bytes_16(p + 16, ' ') << 16U);
    if ((spaces & before) != separators) return false;
    separators &= separators - 1; // the one behind the name
    std::size_t n = 0;
    while (separators != 0) {
        if (n == max_tokens - 1) return false;
        out.end[++n] = static_cast<std::size_t>(std::countr_zero(separators));
        separators &= separators - 1;
    }
    out.end[++n] = cr;
    out.count = n;
    return true;
#else
    return false;
#endif
}

/// A line of any length, with CR LF behind it.
inline bool parser::find_tokens(std::string_view input, token_ends& out) noexcept {
    const char* const p = input.data();
    text::control_scanner blanks(p, input.size());
    blanks.skip_first(); // the one behind the name
    std::size_t n = 0;
    std::size_t at = 0;
    do {
        at = blanks.next();
        if (at == text::control_scanner::none || at == out.end[n] + 1 || n == max_tokens)
            return false;
        out.end[++n] = at;
    } while (p[at] == ' ');
    out.count = n;
    return at + 1 < input.size() && p[at] == '\r' && p[at + 1] == '\n';
}

/// True: `out` is the message. False: it is something else, and nothing has changed.
template <sender From>
inline bool parser::plain_message(std::string_view input, frame& out) const noexcept {
    if (!text::has_wide_scan || scanned_ != 0 || input.size() < text::control_scanner::block)
        return false;
    constexpr bool with_sid = From == sender::server;
    constexpr std::string_view name = with_sid ? "HMSG " : "HPUB ";
    const char* const p = input.data();
    const bool headers = std::memcmp(p, name.data() + 1, 4) != 0;
    if (headers && (headers_refused_ || std::memcmp(p, name.data(), 5) != 0)) return false;

    token_ends t;
    t.end[0] = headers ? 4 : 3;
    if (!find_tokens_at_once(p, t) && !find_tokens(input, t)) return false;
    const std::size_t n = t.count;
    const std::size_t cr = t.end[n];
    const std::size_t least = 2U + (with_sid ? 1U : 0U) + (headers ? 1U : 0U);
    if (n - least > 1 || cr - t.end[0] > limits_.max_line) return false;

    std::uint64_t sid = 0;
    std::uint64_t header = 0;
    std::uint64_t total = 0;
    if (with_sid && !text::parse_small(t.token(p, 2), sid)) return false;
    if (headers && !text::parse_small(t.token(p, n - 1), header)) return false;
    if (!text::parse_small(t.token(p, n), total) || header > total) return false;
    if (total > limits_.max_message || header > limits_.max_header_block) return false;
    const char* const body = p + cr + 2;
    const std::size_t size = cr + total + 4;
    if (input.size() < size || std::memcmp(body + total, "\r\n", 2) != 0) return false;

    out.kind = with_sid ? op::msg : op::pub;
    out.has_headers = headers;
    out.subject = t.token(p, 1);
    if (with_sid) {
        out.sid = sid;
        out.sid_text = t.token(p, 2);
    }
    out.reply = n == least ? std::string_view{} : t.token(p, with_sid ? 3 : 2);
    out.header = {body, header};
    out.payload = {body + header, total - header};
    out.size = size;
    return true;
}

} // namespace nats::wire

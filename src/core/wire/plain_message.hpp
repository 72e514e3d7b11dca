// SPDX-License-Identifier: Apache-2.0
//
// The short way through the parser, for a message that is plainly written and complete: single
// spaces, small numbers, CR LF. Nearly every frame is one.
//
// It looks only at the bytes that separate: bit masks of the first 64 bytes say where they are, and
// longer lines are looked through 32 bytes at a time. It decides nothing: what is not exactly plain
// is left for the long way in parser.cpp, which must give the same result. It is inline so that a
// connection does not pay for a call where a message costs some ten nanoseconds.

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

/// Where the arguments of a message's line are: offsets of the byte behind each.
struct parser::argument_ends {
    std::size_t subject;
    std::size_t sid;    ///< as `subject` where there is none
    std::size_t reply;  ///< as `sid` where there is none
    std::size_t header; ///< as `reply` where there is none
    std::size_t total;  ///< at the CR
};

/// Arguments are behind single blanks, so they are known by their ends. `next_end` yields the ends
/// of all but the last argument, and `none` behind them.
template <sender From, bool Headers, class NextEnd>
[[gnu::always_inline]] inline bool parser::assign_ends(NextEnd next_end, std::size_t none,
                                                       argument_ends& out) noexcept {
    out.subject = next_end();
    if (out.subject == none) return false;
    out.sid = From == sender::server ? next_end() : out.subject;
    if (out.sid == none) return false;
    out.reply = out.header = out.sid;
    std::size_t first = next_end();
    if constexpr (Headers) {
        if (first == none) return false;
        out.header = first;
        first = next_end();
        if (first != none) { // so that one was the reply
            out.reply = out.header;
            out.header = first;
        } else {
            return true;
        }
    } else {
        if (first == none) return true;
        out.reply = out.header = first;
    }
    return next_end() == none;
}

/// A line whose end is in the first 64 bytes. The first two low bytes side by side must be its CR
/// LF: then no blank before them is double; and each low byte before them must be a space.
template <sender From, bool Headers>
[[gnu::always_inline]] inline bool parser::find_ends_at_once(
    [[maybe_unused]] std::string_view input, [[maybe_unused]] argument_ends& out) noexcept {
#if defined(__SSE2__)
    const char* const p = input.data();
    const auto spaces_32 = [](const char* at) {
        return text::equal_bytes_16(at, ' ') | (text::equal_bytes_16(at + 16, ' ') << 16U);
    };
    std::uint64_t low = text::low_bytes_32(p);
    std::uint64_t spaces = spaces_32(p);
    std::uint64_t pairs = low & (low >> 1U);
    if (pairs == 0) {
        if (input.size() < 64) return false;
        low |= text::low_bytes_32(p + 32) << 32U;
        spaces |= spaces_32(p + 32) << 32U;
        pairs = low & (low >> 1U);
        if (pairs == 0) return false;
    }
    out.total = static_cast<std::size_t>(std::countr_zero(pairs));
    if (std::memcmp(p + out.total, "\r\n", 2) != 0) return false;
    const std::uint64_t before = (std::uint64_t{1} << out.total) - 1;
    std::uint64_t ends = low & before;
    if ((spaces & before) != ends) return false;
    ends &= ends - 1; // the one behind the name
    constexpr std::size_t none = 64;
    const auto next_end = [&] {
        const auto at = ends != 0 ? static_cast<std::size_t>(std::countr_zero(ends)) : none;
        ends &= ends - 1;
        return at;
    };
    return assign_ends<From, Headers>(next_end, none, out);
#else
    return false;
#endif
}

/// A line of any length, with CR LF behind it; `total` is 0 if it is none. Apart, and by value, so
/// that the usual case keeps its ends in registers.
template <sender From, bool Headers>
[[gnu::noinline]] inline parser::argument_ends parser::find_ends(std::string_view input) noexcept {
    argument_ends out{};
    const char* const p = input.data();
    text::control_scanner blanks(p, input.size());
    blanks.skip_first(); // the one behind the name
    constexpr std::size_t none = text::control_scanner::none;
    std::size_t before = Headers ? 4 : 3;
    bool plain = true;
    const auto next_end = [&] { // `none` at the CR, and where the line is not plain
        if (!plain || out.total != 0) return none;
        const std::size_t at = blanks.next();
        plain = at != none && at != before + 1;
        before = at;
        if (plain && p[at] == ' ') return at;
        out.total = plain && p[at] == '\r' ? at : 0;
        plain = out.total != 0;
        return none;
    };
    if (!assign_ends<From, Headers>(next_end, none, out) || !plain) return {};
    if (out.total + 1 >= input.size() || p[out.total + 1] != '\n') return {};
    return out;
}

template <sender From, bool Headers>
inline bool parser::plain_arguments(std::string_view input, frame& out) const noexcept {
    constexpr std::size_t name = Headers ? 4 : 3;
    argument_ends end{};
    if (!find_ends_at_once<From, Headers>(input, end)) {
        end = find_ends<From, Headers>(input);
        if (end.total == 0) return false;
    }
    if (end.total - name > limits_.max_line) return false;
    const char* const p = input.data();
    const auto behind = [p](std::size_t blank, std::size_t to) {
        return std::string_view(p + blank + 1, to - blank - 1);
    };
    std::uint64_t sid = 0;
    std::uint64_t header = 0;
    std::uint64_t total = 0;
    if (From == sender::server && !text::parse_small(behind(end.subject, end.sid), sid))
        return false;
    if (Headers && !text::parse_small(behind(end.reply, end.header), header)) return false;
    if (!text::parse_small(behind(end.header, end.total), total) || header > total) return false;
    if (total > limits_.max_message || header > limits_.max_header_block) return false;
    const char* const body = p + end.total + 2;
    const std::size_t size = end.total + total + 4;
    if (input.size() < size || std::memcmp(body + total, "\r\n", 2) != 0) return false;

    out.kind = From == sender::server ? op::msg : op::pub;
    out.has_headers = Headers;
    out.subject = behind(name, end.subject);
    if (From == sender::server) {
        out.sid = sid;
        out.sid_text = behind(end.subject, end.sid);
    }
    out.reply = end.reply == end.sid ? std::string_view{} : behind(end.sid, end.reply);
    out.headers = header_view({body, header});
    out.payload = {body + header, total - header};
    out.size = size;
    return true;
}

/// True: `out` is the message. False: it is something else, and nothing has changed.
template <sender From>
inline bool parser::plain_message(std::string_view input, frame& out) const noexcept {
    if (!text::has_wide_scan || scanned_ != 0 || input.size() < text::control_scanner::block)
        return false;
    constexpr std::string_view name = From == sender::server ? "HMSG " : "HPUB ";
    const char* const p = input.data();
    if (std::memcmp(p, name.data() + 1, 4) == 0) return plain_arguments<From, false>(input, out);
    if (headers_refused_ || std::memcmp(p, name.data(), 5) != 0) return false;
    return plain_arguments<From, true>(input, out);
}

} // namespace nats::wire

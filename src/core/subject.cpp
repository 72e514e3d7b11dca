// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: one pass over the bytes, keeping only where the current token began.
// Subjects of up to 64 bytes, which nearly all are, are judged by bit masks of their dots,
// wildcards and forbidden bytes instead; the rules are the same.

#include <natsproto/subject.hpp>

#include "core/text/ascii.hpp"
#include "core/text/control_scanner.hpp"

#include <cstdint>
#include <cstring>

namespace nats {

namespace {

constexpr bool ends_command(char c) noexcept {
    return c == ' ' || text::is_control(c);
}

enum class wildcards : bool { refused, allowed };

template <wildcards Wildcards>
bool is_subject(std::string_view subject) noexcept {
    if (subject.empty()) return false;
    const char* const end = subject.data() + subject.size();
    const char* token = subject.data();
    for (const char* p = token;; ++p) {
        if (p != end && *p != '.') {
            if (ends_command(*p)) return false;
            continue;
        }
        if (p == token) return false; // an empty token
        if (p - token == 1) {
            if constexpr (Wildcards == wildcards::refused) {
                if (*token == '*' || *token == '>') return false;
            } else if (*token == '>' && p != end) {
                return false;
            }
        }
        if (p == end) return true;
        token = p + 1;
    }
}

#if defined(__SSE2__)
constexpr std::size_t mask_size = 64;

/// `is_subject` for 1 to 64 bytes.
template <wildcards Wildcards>
bool is_short_subject(std::string_view subject) noexcept {
    const std::size_t n = subject.size();
    char copy[mask_size]; // what stands behind the subject may not be read
    std::memcpy(copy, subject.data(), n);
    std::uint64_t forbidden = 0;
    std::uint64_t dots = 0;
    std::uint64_t stars = 0;
    std::uint64_t greater = 0;
    for (std::size_t i = 0; i < n; i += 16) {
        forbidden |= (text::low_bytes_16(copy + i) | text::equal_bytes_16(copy + i, 0x7f)) << i;
        dots |= text::equal_bytes_16(copy + i, '.') << i;
        stars |= text::equal_bytes_16(copy + i, '*') << i;
        greater |= text::equal_bytes_16(copy + i, '>') << i;
    }
    const std::uint64_t all = ~std::uint64_t{0} >> (mask_size - n);
    const std::uint64_t last = std::uint64_t{1} << (n - 1);
    dots &= all;
    const std::uint64_t starts = ((dots << 1U) | 1U) & all; // where a token may begin
    const std::uint64_t ends = (dots >> 1U) | last;         // where a token may end
    if ((forbidden & all) != 0 || (dots & (starts | last)) != 0) return false;
    const std::uint64_t alone = starts & ends; // tokens of one byte
    if constexpr (Wildcards == wildcards::refused) return ((stars | greater) & alone) == 0;
    return (greater & alone & ~last) == 0;
}
#endif

template <wildcards Wildcards>
bool check_subject(std::string_view subject) noexcept {
#if defined(__SSE2__)
    if (subject.size() - 1 < mask_size) return is_short_subject<Wildcards>(subject);
#endif
    return is_subject<Wildcards>(subject);
}

/// Cuts the first token off `rest`; false when there is none left.
bool take_token(std::string_view& rest, bool& more, std::string_view& token) noexcept {
    if (!more) return false;
    const std::size_t dot = rest.find('.');
    token = rest.substr(0, dot);
    more = dot != std::string_view::npos;
    rest = more ? rest.substr(dot + 1) : std::string_view{};
    return true;
}

} // namespace

bool is_publish_subject(std::string_view subject) noexcept {
    return check_subject<wildcards::refused>(subject);
}

bool is_subscribe_subject(std::string_view subject) noexcept {
    return check_subject<wildcards::allowed>(subject);
}

bool is_queue_group(std::string_view name) noexcept {
    if (name.empty()) return false;
    for (const char c : name) {
        if (ends_command(c)) return false;
    }
    return true;
}

bool is_inbox_prefix(std::string_view prefix) noexcept {
    return is_publish_subject(prefix);
}

bool subject_matches(std::string_view pattern, std::string_view subject) noexcept {
    bool more_pattern = true;
    bool more_subject = true;
    std::string_view p;
    std::string_view s;
    while (take_token(pattern, more_pattern, p)) {
        if (!take_token(subject, more_subject, s)) return false;
        if (p == ">") return true;
        if (p != "*" && p != s) return false;
    }
    return !more_subject;
}

} // namespace nats

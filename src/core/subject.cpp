// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: one pass over the bytes, keeping only where the current token began.
// Subjects of up to 64 bytes, which nearly all are, are judged by bit masks of their dots,
// wildcards and forbidden bytes instead; the rules are the same.

#include <natsproto/subject.hpp>

#include "core/text/ascii.hpp"

#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

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
constexpr std::size_t block = sizeof(__m128i);

template <class T>
T load(const char* p) noexcept {
    T out;
    std::memcpy(&out, p, sizeof out);
    return out;
}

/// 1 to 16 bytes, and zeros behind them: what stands behind the subject may not be read.
[[gnu::always_inline]] inline __m128i load_short(const char* p, std::size_t n) noexcept {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    if (n > 8) {
        low = load<std::uint64_t>(p);
        high = load<std::uint64_t>(p + n - 8) >> (8 * (16 - n));
    } else if (n >= 4) { // both hold the same bytes where they overlap
        low = load<std::uint32_t>(p) |
              (std::uint64_t{load<std::uint32_t>(p + n - 4)} << (8 * (n - 4)));
    } else {
        for (const std::size_t i : {std::size_t{0}, n / 2, n - 1})
            low |= std::uint64_t{static_cast<unsigned char>(p[i])} << (8 * i);
    }
    return _mm_set_epi64x(static_cast<std::int64_t>(high), static_cast<std::int64_t>(low));
}

/// Bit i is about byte i.
struct subject_masks {
    std::uint64_t forbidden = 0;
    std::uint64_t dots = 0;
    std::uint64_t wild = 0; ///< `>`, and `*` where that is refused
};

template <wildcards Wildcards>
[[gnu::always_inline]] inline void add_masks(__m128i bytes, std::size_t at,
                                             subject_masks& out) noexcept {
    const auto equal = [&](char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); };
    const auto bits = [&](__m128i found) {
        return std::uint64_t{static_cast<unsigned>(_mm_movemask_epi8(found))} << at;
    };
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(' ')), bytes);
    out.forbidden |= bits(_mm_or_si128(low, equal(0x7f)));
    out.dots |= bits(equal('.'));
    if constexpr (Wildcards == wildcards::refused)
        out.wild |= bits(_mm_or_si128(equal('*'), equal('>')));
    else
        out.wild |= bits(equal('>'));
}

/// `is_subject` for 1 to 64 bytes.
template <wildcards Wildcards>
bool is_short_subject(std::string_view subject) noexcept {
    const char* const p = subject.data();
    const std::size_t n = subject.size();
    subject_masks m;
    if (n <= block) {
        add_masks<Wildcards>(load_short(p, n), 0, m);
    } else { // the last block may overlap the one before, about which it says the same
        for (std::size_t i = 0; i + block < n; i += block)
            add_masks<Wildcards>(load<__m128i>(p + i), i, m);
        add_masks<Wildcards>(load<__m128i>(p + n - block), n - block, m);
    }
    const std::uint64_t all = ~std::uint64_t{0} >> (mask_size - n);
    const std::uint64_t last = std::uint64_t{1} << (n - 1);
    const std::uint64_t starts = ((m.dots << 1U) | 1U) & all; // where a token may begin
    const std::uint64_t ends = (m.dots >> 1U) | last;         // where a token may end
    if ((m.forbidden & all) != 0 || (m.dots & (starts | last)) != 0) return false;
    const std::uint64_t alone = starts & ends; // tokens of one byte
    if constexpr (Wildcards == wildcards::refused) return (m.wild & alone) == 0;
    return (m.wild & alone & ~last) == 0;
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

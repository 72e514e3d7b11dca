// SPDX-License-Identifier: Apache-2.0
//
// ASCII without a locale: what the protocol needs of characters and decimal numbers.

#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace nats::text {

[[nodiscard]] constexpr bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t';
}
[[nodiscard]] constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
[[nodiscard]] constexpr bool is_letter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
/// What names of buckets, services and endpoints are of.
[[nodiscard]] constexpr bool is_name_character(char c) noexcept {
    return is_letter(c) || is_digit(c) || c == '-' || c == '_';
}
[[nodiscard]] constexpr bool is_control(char c) noexcept {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
}
[[nodiscard]] constexpr char upper(char c) noexcept {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}
[[nodiscard]] constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

[[nodiscard]] constexpr bool is_space(char c) noexcept {
    return is_blank(c) || c == '\r' || c == '\n';
}

[[nodiscard]] constexpr std::string_view trim_left(std::string_view s) noexcept {
    while (!s.empty() && is_blank(s.front())) s.remove_prefix(1);
    return s;
}
[[nodiscard]] constexpr std::string_view trim(std::string_view s) noexcept {
    s = trim_left(s);
    while (!s.empty() && is_blank(s.back())) s.remove_suffix(1);
    return s;
}

/// `trim` over line ends too.
[[nodiscard]] constexpr std::string_view trim_space(std::string_view s) noexcept {
    while (!s.empty() && is_space(s.front())) s.remove_prefix(1);
    while (!s.empty() && is_space(s.back())) s.remove_suffix(1);
    return s;
}

/// `s` starts with `prefix`, which is in lower case, without regard to the case of `s`.
[[nodiscard]] constexpr bool starts_with_nocase(std::string_view s,
                                                std::string_view prefix) noexcept {
    if (s.size() < prefix.size()) return false;
    for (std::size_t i = 0; i < prefix.size(); ++i) {
        if (lower(s[i]) != prefix[i]) return false;
    }
    return true;
}

/// Decimal digits only, no sign, no overflow. Leading zeros are fine: servers echo them.
[[nodiscard]] inline bool parse_decimal(std::string_view s, std::uint64_t& value) noexcept {
    if (s.empty()) return false;
    if (s.size() <= 18) { // cannot overflow: the usual case without checks
        std::uint64_t v = 0;
        for (char c : s) {
            const auto digit = static_cast<unsigned>(static_cast<unsigned char>(c)) - '0';
            if (digit > 9) return false;
            v = v * 10 + digit;
        }
        value = v;
        return true;
    }
    const auto [end, ec] = std::from_chars(s.data(), s.data() + s.size(), value);
    return ec == std::errc{} && end == s.data() + s.size() && is_digit(s.front());
}

/// `parse_decimal` for 1 to 9 digits; false for anything else.
[[nodiscard]] inline bool parse_small(std::string_view s, std::uint64_t& value) noexcept {
    if (s.size() - 1 >= 9) return false;
    unsigned v = 0;
    for (const char c : s) {
        const unsigned digit = static_cast<unsigned char>(c) - unsigned{'0'};
        if (digit > 9) return false;
        v = v * 10 + digit;
    }
    value = v;
    return true;
}

/// Writes `value` and returns the end; `out` must have room for 20 digits.
inline char* write_decimal(char* out, std::uint64_t value) noexcept {
    if (value < 10) {
        *out = static_cast<char>('0' + value);
        return out + 1;
    }
    return std::to_chars(out, out + 20, value).ptr;
}

[[nodiscard]] constexpr std::size_t decimal_digits(std::uint64_t value) noexcept {
    std::size_t n = 1;
    while (value >= 10) {
        value /= 10;
        ++n;
    }
    return n;
}

inline char* write_text(char* out, std::string_view s) noexcept {
    if (!s.empty()) std::memcpy(out, s.data(), s.size());
    return out + s.size();
}

} // namespace nats::text

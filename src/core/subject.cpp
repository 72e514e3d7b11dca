// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: one pass over the bytes, keeping only where the current token began.

#include <natsproto/subject.hpp>

#include "core/text/ascii.hpp"

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
    return is_subject<wildcards::refused>(subject);
}

bool is_subscribe_subject(std::string_view subject) noexcept {
    return is_subject<wildcards::allowed>(subject);
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

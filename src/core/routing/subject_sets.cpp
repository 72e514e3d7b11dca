// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: patterns are walked token by token, both at once where there are two. A `>`
// ends the walk, since anything may follow it; until then each token of one stands against one of
// the other.

#include <natsproto/routing/subject_router.hpp>

#include "core/routing/tokens.hpp"

namespace nats {

using routing::token_reader;

bool is_server_subject(std::string_view pattern) noexcept {
    for (const char c : pattern) {
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') return false;
    }
    token_reader tokens(pattern);
    while (const auto token = tokens.next()) {
        if (token->empty()) return false;
        if (*token == ">") return !tokens.more();
    }
    return true;
}

bool subject_contains(std::string_view outer, std::string_view inner) noexcept {
    token_reader outers(outer);
    token_reader inners(inner);
    for (;;) {
        const auto o = outers.next();
        const auto i = inners.next();
        if (!o || !i) return !o && !i;
        if (*o == ">") return true;
        if (*i == ">") return false; // of any length, which `outer` is not
        if (*o != "*" && *o != *i) return false;
    }
}

bool subjects_overlap(std::string_view a, std::string_view b) noexcept {
    token_reader as(a);
    token_reader bs(b);
    for (;;) {
        const auto x = as.next();
        const auto y = bs.next();
        if (!x || !y) return !x && !y;
        if (*x == ">" || *y == ">") return true;
        if (*x != "*" && *y != "*" && *x != *y) return false;
    }
}

} // namespace nats

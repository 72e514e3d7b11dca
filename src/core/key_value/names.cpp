// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: names become tokens of subjects, so nothing that could make another subject
// of them is let through.

#include <natsproto/key_value/names.hpp>

#include "core/text/ascii.hpp"

#include <algorithm>

namespace nats::kv {

namespace {

constexpr std::string_view stream_prefix = "KV_";
constexpr std::string_view reserved_prefix = "_kv";

bool is_in_key(char c) noexcept {
    return text::is_name_character(c) || c == '/' || c == '=';
}

error bad_key(std::string_view key) {
    return {errc::invalid_key, '"' + printable(key) + '"'};
}

/// Whether all tokens are as `good(token, is_last)` wants them.
template <class Good>
bool all_tokens(std::string_view key, Good good) {
    while (true) {
        const std::size_t dot = key.find('.');
        const bool last = dot == std::string_view::npos;
        if (!good(key.substr(0, dot), last)) return false;
        if (last) return true;
        key.remove_prefix(dot + 1);
    }
}

bool is_plain_token(std::string_view token) noexcept {
    return !token.empty() && std::ranges::all_of(token, is_in_key);
}

} // namespace

result<void> check_bucket(std::string_view name) {
    if (!name.empty() && std::ranges::all_of(name, text::is_name_character)) return {};
    return error{errc::invalid_name, "bucket \"" + printable(name) + '"'};
}

result<void> check_key(std::string_view key) {
    if (all_tokens(key, [](std::string_view t, bool /*last*/) { return is_plain_token(t); }))
        return {};
    return bad_key(key);
}

result<void> check_new_key(std::string_view key) {
    if (key.starts_with(reserved_prefix))
        return error{errc::invalid_key, '"' + printable(key) + "\" is reserved"};
    return check_key(key);
}

result<void> check_filter(std::string_view filter) {
    const auto good = [](std::string_view t, bool last) {
        return is_plain_token(t) || t == "*" || (last && t == ">");
    };
    if (all_tokens(filter, good)) return {};
    return bad_key(filter);
}

std::string stream_name(std::string_view bucket) {
    return std::string(stream_prefix) + std::string(bucket);
}

std::string_view bucket_name(std::string_view stream) noexcept {
    if (!stream.starts_with(stream_prefix)) return {};
    return stream.substr(stream_prefix.size());
}

} // namespace nats::kv

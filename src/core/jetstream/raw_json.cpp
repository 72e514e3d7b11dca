// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a parser has found the text to be JSON, so that the ends of values can be
// found by quotes and brackets alone. Nothing recurses, and text that is none after all only ends
// early.

#include "core/jetstream/raw_json.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

namespace nats::js::codec {

namespace {

bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// `at` is behind the first quote; where the string ends.
std::size_t end_of_string(std::string_view s, std::size_t at) noexcept {
    while (at < s.size() && s[at] != '"') at += s[at] == '\\' ? 2U : 1U;
    return at < s.size() ? at + 1 : s.size();
}

std::size_t end_of_value(std::string_view s) noexcept {
    std::size_t depth = 0;
    for (std::size_t at = 0; at < s.size();) {
        const char c = s[at];
        const bool closes = c == '}' || c == ']';
        if (depth == 0 && (closes || c == ',' || c == ':' || is_blank(c))) return at;
        at = c == '"' ? end_of_string(s, at + 1) : at + 1;
        if (c == '{' || c == '[') ++depth;
        if (closes) --depth;
        if (depth == 0 && (closes || c == '"')) return at;
    }
    return s.size();
}

} // namespace

raw_reader::raw_reader(std::string_view text) noexcept : rest_(text) {
    while (!rest_.empty() && is_blank(rest_.front())) rest_.remove_prefix(1);
    if (!rest_.empty()) rest_.remove_prefix(1); // the bracket
}

bool raw_reader::element(std::string_view& value) noexcept {
    while (!rest_.empty() &&
           (is_blank(rest_.front()) || rest_.front() == ',' || rest_.front() == ':'))
        rest_.remove_prefix(1);
    const std::size_t n = end_of_value(rest_);
    value = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return n != 0;
}

bool is_key(std::string_view key, std::string_view name) {
    if (key.size() < 2) return false;
    if (key.find('\\') == std::string_view::npos) return key.substr(1, key.size() - 2) == name;
    boost::json::error_code ec;
    const boost::json::value v = boost::json::parse({key.data(), key.size()}, ec);
    const boost::json::string* s = v.if_string();
    return s != nullptr && std::string_view(s->data(), s->size()) == name;
}

std::string_view raw_member(std::string_view object, std::string_view name) {
    raw_reader members(object);
    std::string_view key;
    std::string_view value;
    std::string_view found;
    while (members.member(key, value)) {
        if (is_key(key, name)) found = value;
    }
    return found;
}

void append_raw(std::string& object, std::string_view key, std::string_view value) {
    if (object.empty())
        object = '{';
    else
        object.back() = ',';
    object.append(key).append(1, ':').append(value).append(1, '}');
}

} // namespace nats::js::codec

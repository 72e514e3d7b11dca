// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the objects of the protocol are flat and their names need no escapes, so a
// few lines write them straight into the text that is sent. With `secret` as that text all memory
// in between is wiped; a JSON library would leave copies behind. Of a string's characters, JSON
// wants quotes, backslashes and those under 0x20 escaped.

#pragma once

#include "core/text/utf8.hpp"

#include <charconv>
#include <cstddef>
#include <string_view>

namespace nats::json_text {

template <class Text>
void append_escaped(Text& out, char c) {
    constexpr std::string_view hex = "0123456789abcdef";
    constexpr std::string_view plain = "\"\\\b\f\n\r\t";
    constexpr std::string_view letters = "\"\\bfnrt";
    if (const std::size_t at = plain.find(c); at != std::string_view::npos) {
        const char escape[] = {'\\', letters[at]};
        out.append(std::string_view(escape, sizeof escape));
        return;
    }
    const auto byte = static_cast<unsigned char>(c);
    const char escape[] = {'\\', 'u', '0', '0', hex[byte >> 4U], hex[byte & 15U]};
    out.append(std::string_view(escape, sizeof escape));
}

template <class Text>
void append_string(Text& out, std::string_view s) {
    out.append(std::string_view("\""));
    while (!s.empty()) {
        std::size_t n = 0;
        while (n < s.size() && static_cast<unsigned char>(s[n]) >= 0x20 && s[n] != '"' &&
               s[n] != '\\')
            ++n;
        out.append(s.substr(0, n));
        s.remove_prefix(n);
        if (s.empty()) break;
        append_escaped(out, s.front());
        s.remove_prefix(1);
    }
    out.append(std::string_view("\""));
}

/// Writes members of one object. `Text` is `std::string` or `secret`.
template <class Text>
class object_writer {
public:
    void flag(std::string_view name, bool value) {
        begin(name);
        out.append(std::string_view(value ? "true" : "false"));
    }
    template <class Number>
    void number(std::string_view name, Number value) {
        begin(name);
        char digits[24];
        const char* end = std::to_chars(digits, digits + sizeof digits, value).ptr;
        out.append(std::string_view(digits, static_cast<std::size_t>(end - digits)));
    }
    /// Leaves it out if it is empty.
    void text(std::string_view name, std::string_view value) {
        if (value.empty()) return;
        begin(name);
        append_string(out, value);
        valid = valid && text::is_utf8(value);
    }
    /// The same.
    template <class Strings>
    void texts(std::string_view name, const Strings& values) {
        std::string_view before = "[";
        for (const std::string_view value : values) {
            if (before == "[") begin(name);
            out.append(before);
            before = ",";
            append_string(out, value);
            valid = valid && text::is_utf8(value);
        }
        if (before != "[") out.append(std::string_view("]"));
    }
    void end() { out.append(std::string_view(out.empty() ? "{}" : "}")); }

    Text out;
    bool valid = true; ///< all texts are UTF-8

private:
    void begin(std::string_view name) {
        out.append(std::string_view(out.empty() ? "{\"" : ",\""));
        out.append(name);
        out.append(std::string_view("\":"));
    }
};

} // namespace nats::json_text

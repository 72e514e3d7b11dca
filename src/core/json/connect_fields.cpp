// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the object is flat and its names need no escapes, so a few lines write it
// straight into memory that is wiped; a JSON library would leave copies of the secrets behind. Of a
// string's characters, JSON wants quotes, backslashes and those under 0x20 escaped.

#include <natsproto/wire/connect_fields.hpp>

#include <natsproto/version.hpp>

#include "core/text/utf8.hpp"

#include <charconv>
#include <cstddef>

namespace nats::wire {

namespace {

void append_escaped(secret& out, char c) {
    constexpr std::string_view hex = "0123456789abcdef";
    constexpr std::string_view plain = "\"\\\b\f\n\r\t";
    constexpr std::string_view letters = "\"\\bfnrt";
    if (const std::size_t at = plain.find(c); at != std::string_view::npos) {
        const char escape[] = {'\\', letters[at]};
        out.append({escape, sizeof escape});
        return;
    }
    const auto byte = static_cast<unsigned char>(c);
    const char escape[] = {'\\', 'u', '0', '0', hex[byte >> 4U], hex[byte & 15U]};
    out.append({escape, sizeof escape});
}

void append_string(secret& out, std::string_view s) {
    out.append("\"");
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
    out.append("\"");
}

/// Writes members of one object.
class object_writer {
public:
    void flag(std::string_view name, bool value) {
        begin(name);
        out.append(value ? "true" : "false");
    }
    void number(std::string_view name, int value) {
        begin(name);
        char digits[16];
        const char* end = std::to_chars(digits, digits + sizeof digits, value).ptr;
        out.append({digits, static_cast<std::size_t>(end - digits)});
    }
    /// Leaves it out if it is empty.
    void text(std::string_view name, std::string_view value) {
        if (value.empty()) return;
        begin(name);
        append_string(out, value);
        valid = valid && text::is_utf8(value);
    }

    secret out;
    bool valid = true; ///< all texts are UTF-8

private:
    void begin(std::string_view name) {
        out.append(out.empty() ? "{\"" : ",\"");
        out.append(name);
        out.append("\":");
    }
};

} // namespace

result<secret> write_connect_json(const connect_fields& fields) {
    object_writer o;
    o.flag("verbose", fields.verbose);
    o.flag("pedantic", fields.pedantic);
    o.flag("tls_required", fields.tls_required);
    o.flag("echo", fields.echo);
    o.flag("headers", fields.headers);
    o.flag("no_responders", fields.no_responders);
    o.number("protocol", fields.protocol);
    o.text("name", fields.name);
    o.text("lang", fields.lang);
    o.text("version", fields.library_version.empty() ? nats::version : fields.library_version);
    o.text("user", fields.user);
    o.text("pass", fields.password);
    o.text("auth_token", fields.token);
    o.text("jwt", fields.jwt);
    o.text("nkey", fields.nkey);
    o.text("sig", fields.signature);
    o.out.append("}");
    if (!o.valid)
        return error{errc::invalid_argument, "a name or credential for CONNECT is not UTF-8"};
    return std::move(o.out);
}

} // namespace nats::wire

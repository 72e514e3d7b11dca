// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the text becomes a tree of values, the tree options. A name that is not
// known here is an error: a test must not believe in what the broker does not do.

#include "integration/embedded/config.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <stdexcept>
#include <vector>

namespace nats::test {

namespace {

[[noreturn]] void fail(std::string_view what, std::string_view of) {
    throw std::runtime_error(std::string(what) + ": " + std::string(of));
}

struct value {
    std::string text;               ///< of a scalar
    std::vector<value> values;      ///< of [ ] and { }
    std::vector<std::string> names; ///< of { }, one for each value
    bool is_map = false;
    bool is_list = false;

    [[nodiscard]] const value* find(std::string_view name) const {
        const auto at = std::find(names.begin(), names.end(), name);
        return at == names.end() ? nullptr : &values[static_cast<std::size_t>(at - names.begin())];
    }
    void only(std::initializer_list<std::string_view> known) const {
        for (const std::string& n : names) {
            if (std::find(known.begin(), known.end(), n) == known.end())
                fail("the broker does not have", n);
        }
    }
};

// --- the tree

class reader {
public:
    explicit reader(std::string_view text) : rest_(text) {}

    value read_map(char end) {
        value out;
        out.is_map = true;
        for (skip(true); next() != end; skip(true)) {
            out.names.push_back(read_word(":={"));
            skip(false);
            if (next() == ':' || next() == '=') take();
            out.values.push_back(read_value());
        }
        if (end != '\0') take();
        return out;
    }

private:
    [[nodiscard]] char next() const { return rest_.empty() ? '\0' : rest_.front(); }
    char take() {
        if (rest_.empty()) fail("the configuration ends too early", "");
        const char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }
    /// Blanks and comments, and what separates values if wanted.
    void skip(bool separators) {
        for (;;) {
            const char c = next();
            if (c == '#' || rest_.starts_with("//")) {
                rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
            } else if (c != '\0' &&
                       (std::string_view(" \t\r\n").find(c) != std::string_view::npos ||
                        (separators && (c == ',' || c == ';')))) {
                take();
            } else {
                return;
            }
        }
    }
    std::string read_word(std::string_view ends) {
        std::string out;
        if (next() == '"' || next() == '\'') {
            for (const char quote = take(); next() != quote;) out += take();
            take();
            return out;
        }
        const auto over = [&](char c) {
            return c == '\0' || std::string_view(" \t\r\n,;]}").find(c) != std::string_view::npos ||
                   ends.find(c) != std::string_view::npos;
        };
        while (!over(next())) out += take();
        if (out.empty()) fail("a word is missing before", rest_.substr(0, 20));
        return out;
    }
    value read_value() {
        skip(false);
        if (next() == '{') return take(), read_map('}');
        value out;
        if (next() != '[') {
            out.text = read_word("");
            return out;
        }
        take();
        out.is_list = true;
        for (skip(true); next() != ']'; skip(true)) out.values.push_back(read_value());
        take();
        return out;
    }

    std::string_view rest_;
};

// --- scalars

double number_of(const std::string& text, std::string& unit) {
    double n = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, n);
    if (parsed.ec != std::errc()) fail("not a number", text);
    unit.assign(parsed.ptr, end);
    return n;
}

std::int64_t integer_of(const value& v) {
    std::string unit;
    const double n = number_of(v.text, unit);
    if (unit == "MB") return std::llround(n * 1024 * 1024);
    if (unit == "KB") return std::llround(n * 1024);
    if (!unit.empty()) fail("an unknown unit", v.text);
    return std::llround(n);
}
std::size_t size_of(const value& v) {
    return static_cast<std::size_t>(integer_of(v));
}

/// A number alone is seconds.
duration duration_of(const value& v) {
    std::string unit;
    const double n = number_of(v.text, unit);
    double seconds = n;
    if (unit == "ms")
        seconds = n / 1000;
    else if (unit == "m")
        seconds = n * 60;
    else if (unit != "s" && !unit.empty())
        fail("an unknown unit", v.text);
    return std::chrono::duration_cast<duration>(std::chrono::duration<double>(seconds));
}

bool truth_of(const value& v) {
    if (v.text != "true" && v.text != "false") fail("neither true nor false", v.text);
    return v.text == "true";
}

std::string content_of(const value& v) {
    std::ifstream in(v.text, std::ios::binary);
    if (!in) fail("cannot read", v.text);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// Behind the last colon; -1 is a free one.
std::uint16_t port_of(const value& v) {
    const int port = std::stoi(v.text.substr(v.text.rfind(':') + 1));
    return port < 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(port);
}

// --- options

std::vector<std::string> subjects_of(const value& v) {
    std::vector<std::string> out;
    if (!v.is_list) return {v.text};
    out.reserve(v.values.size());
    for (const value& s : v.values) out.push_back(s.text);
    return out;
}

subject_permissions subject_permissions_of(const value& v) {
    if (!v.is_map) return {subjects_of(v), {}};
    v.only({"allow", "deny"});
    subject_permissions out;
    if (const value* const allow = v.find("allow")) out.allow = subjects_of(*allow);
    if (const value* const deny = v.find("deny")) out.deny = subjects_of(*deny);
    return out;
}

permissions permissions_of(const value& v) {
    v.only({"publish", "subscribe", "allow_responses"});
    permissions out;
    if (const value* const p = v.find("publish")) out.publish = subject_permissions_of(*p);
    if (const value* const s = v.find("subscribe")) out.subscribe = subject_permissions_of(*s);
    if (const value* const r = v.find("allow_responses")) {
        if (truth_of(*r)) out.responses.emplace();
    }
    return out;
}

broker_user user_of(const value& v) {
    v.only({"user", "password", "nkey", "permissions"});
    broker_user out;
    if (const value* const user = v.find("user")) out.name = user->text;
    if (const value* const password = v.find("password")) out.password.assign(password->text);
    if (const value* const key = v.find("nkey")) out.nkey = key->text;
    if (const value* const p = v.find("permissions")) out.allowed = permissions_of(*p);
    return out;
}

void read_authorization(const value& v, broker_options& o) {
    v.only({"user", "password", "token", "timeout", "users", "default_permissions"});
    if (v.find("user") != nullptr) {
        broker_user& single = o.users.emplace_back();
        single.name = v.find("user")->text;
        single.password.assign(v.find("password")->text);
    }
    if (const value* const token = v.find("token")) o.token.assign(token->text);
    if (const value* const timeout = v.find("timeout")) o.auth_timeout = duration_of(*timeout);
    if (const value* const users = v.find("users")) {
        for (const value& u : users->values) o.users.push_back(user_of(u));
    }
    if (const value* const p = v.find("default_permissions"))
        o.default_permissions = permissions_of(*p);
}

broker_tls tls_of(const value& v) {
    v.only({"cert_file", "key_file", "ca_file", "verify", "timeout", "handshake_first"});
    broker_tls out;
    out.certificate = content_of(*v.find("cert_file"));
    out.key.assign(content_of(*v.find("key_file")));
    if (const value* const ca = v.find("ca_file")) out.ca = content_of(*ca);
    if (const value* const verify = v.find("verify"))
        out.require_client_certificate = truth_of(*verify);
    if (const value* const timeout = v.find("timeout")) out.timeout = duration_of(*timeout);
    if (const value* const first = v.find("handshake_first")) {
        if (truth_of(*first)) out.how = broker_tls::mode::first;
    }
    return out;
}

void read_limits(const value& all, broker_options& o) {
    const auto when = [&](const char* name, const auto& then) {
        if (const value* const v = all.find(name)) then(*v);
    };
    when("max_payload", [&](const value& v) { o.max_payload = integer_of(v); });
    when("max_control_line", [&](const value& v) { o.max_control_line = size_of(v); });
    when("max_connections", [&](const value& v) { o.max_connections = size_of(v); });
    when("max_subscriptions", [&](const value& v) { o.max_subscriptions = size_of(v); });
    when("max_pending", [&](const value& v) { o.max_pending = size_of(v); });
    when("write_deadline", [&](const value& v) { o.write_deadline = duration_of(v); });
    when("ping_max", [&](const value& v) { o.max_pings_out = static_cast<int>(integer_of(v)); });
    when("ping_interval", [&](const value& v) {
        o.ping_interval = duration_of(v);
        o.first_ping = std::min(o.first_ping, o.ping_interval);
    });
    when("lame_duck_duration", [&](const value& v) { o.lame_duck_duration = duration_of(v); });
    when("lame_duck_grace_period", [&](const value& v) { o.lame_duck_grace = duration_of(v); });
}

} // namespace

server_config read_config(std::string_view text) {
    const value all = reader(text).read_map('\0');
    all.only({"listen", "http", "ports_file_dir", "log_file", "server_name", "max_payload",
              "max_control_line", "max_connections", "max_subscriptions", "max_pending",
              "write_deadline", "ping_interval", "ping_max", "lame_duck_duration",
              "lame_duck_grace_period", "no_auth_user", "authorization", "tls", "allow_non_tls"});
    server_config out;
    broker_options& o = out.options;
    if (const value* const v = all.find("listen")) out.port = port_of(*v);
    if (const value* const v = all.find("http")) out.monitor_port = port_of(*v);
    if (const value* const v = all.find("ports_file_dir")) out.ports_directory = v->text;
    if (const value* const v = all.find("server_name")) o.server_name = v->text;
    if (const value* const v = all.find("no_auth_user")) o.no_auth_user = v->text;
    if (const value* const v = all.find("authorization")) read_authorization(*v, o);
    if (const value* const v = all.find("tls")) o.tls = tls_of(*v);
    if (const value* const v = all.find("allow_non_tls"); v != nullptr && truth_of(*v) && o.tls)
        o.tls->how = broker_tls::mode::available;
    read_limits(all, o);
    return out;
}

} // namespace nats::test

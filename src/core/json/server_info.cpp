// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// INFO is read by Boost.JSON's event parser, which does not recurse and builds no tree: a handler
// watches the depth, picks the members it knows at depth 1 and the strings of `connect_urls` at
// depth 2, and lets everything else go by. A known member of the wrong type or range is an error;
// null counts as absent.
//
// It is written in the order of nats-server.

#include <natsproto/server_info.hpp>

#include "core/json/object_writer.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <array>
#include <cstddef>
#include <limits>
#include <utility>

namespace nats {

namespace {

namespace json = boost::json;
using json_error = json::error_code;

struct string_member {
    std::string_view name;
    std::string server_info::* field;
};
struct flag_member {
    std::string_view name;
    bool server_info::* field;
};

constexpr string_member string_members[] = {
    {"server_id", &server_info::server_id}, {"server_name", &server_info::server_name},
    {"version", &server_info::version},     {"host", &server_info::host},
    {"cluster", &server_info::cluster},     {"domain", &server_info::domain},
    {"client_ip", &server_info::client_ip}, {"nonce", &server_info::nonce},
};
constexpr flag_member flag_members[] = {
    {"headers", &server_info::headers},
    {"auth_required", &server_info::auth_required},
    {"tls_required", &server_info::tls_required},
    {"tls_verify", &server_info::tls_verify},
    {"tls_available", &server_info::tls_available},
    {"jetstream", &server_info::jetstream},
    {"ldm", &server_info::lame_duck},
    {"connect_info", &server_info::connect_info},
};

class info_handler {
public:
    static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();

    explicit info_handler(std::size_t max_discovered) : max_discovered_(max_discovered) {}

    bool on_document_begin(json_error&) { return true; }
    bool on_document_end(json_error&) { return true; }
    bool on_object_begin(json_error& ec) {
        if (in_urls_ || (depth_ == 1 && known_key())) return wrong(ec);
        ++depth_;
        return true;
    }
    bool on_object_end(std::size_t, json_error&) {
        --depth_;
        return true;
    }
    bool on_array_begin(json_error& ec) {
        if (depth_ == 0 || in_urls_) return wrong(ec); // INFO is an object, and URLs are strings
        if (depth_ == 1) {
            if (known_key() && !urls_key()) return wrong(ec);
            in_urls_ = urls_key();
            if (in_urls_) info.connect_urls.clear(); // of repeated members the last counts
        }
        ++depth_;
        return true;
    }
    bool on_array_end(std::size_t, json_error&) {
        --depth_;
        in_urls_ = false;
        return true;
    }
    bool on_key_part(json::string_view part, std::size_t total, json_error&) {
        if (depth_ != 1) return true;
        if (part.size() == total) key_.clear(); // the first part
        key_.append(part.data(), part.size());
        return true;
    }
    bool on_key(json::string_view part, std::size_t total, json_error&) {
        if (depth_ != 1) return true;
        if (part.size() == total) key_.clear();
        key_.append(part.data(), part.size());
        return true;
    }
    bool on_string_part(json::string_view part, std::size_t, json_error&) {
        text_.append(part.data(), part.size());
        return true;
    }
    bool on_string(json::string_view part, std::size_t, json_error& ec) {
        text_.append(part.data(), part.size());
        const bool ok = string_value(ec);
        text_.clear();
        return ok;
    }
    bool on_number_part(json::string_view, json_error&) { return true; }
    bool on_int64(std::int64_t value, json::string_view, json_error& ec) {
        if (value < 0) return depth_ == 1 && known_key() ? wrong(ec) : scalar_outside(ec);
        return number(static_cast<std::uint64_t>(value), ec);
    }
    bool on_uint64(std::uint64_t value, json::string_view, json_error& ec) {
        return number(value, ec);
    }
    bool on_double(double, json::string_view, json_error& ec) {
        return depth_ == 1 && known_key() ? wrong(ec) : scalar_outside(ec);
    }
    bool on_bool(bool value, json_error& ec) {
        if (depth_ != 1) return scalar_outside(ec);
        for (const flag_member& m : flag_members) {
            if (m.name != key_) continue;
            info.*m.field = value;
            key_.clear();
            return true;
        }
        return known_key() ? wrong(ec) : end_value();
    }
    bool on_null(json_error& ec) { return depth_ == 1 ? end_value() : scalar_outside(ec); }
    bool on_comment_part(json::string_view, json_error&) { return true; }
    bool on_comment(json::string_view, json_error&) { return true; }

    server_info info;

private:
    static bool wrong(json_error& ec) {
        ec = json::error::syntax;
        return false;
    }
    bool end_value() {
        key_.clear();
        return true;
    }
    /// A scalar that is no member's value: fine inside what is skipped, wrong in place of the
    /// object or in connect_urls.
    bool scalar_outside(json_error& ec) const {
        if (depth_ == 0 || (in_urls_ && depth_ == 2)) return wrong(ec);
        return true;
    }
    [[nodiscard]] bool urls_key() const { return key_ == "connect_urls"; }
    [[nodiscard]] bool known_key() const {
        if (urls_key() || number_key()) return true;
        for (const string_member& m : string_members) {
            if (m.name == key_) return true;
        }
        for (const flag_member& m : flag_members) {
            if (m.name == key_) return true;
        }
        return false;
    }
    [[nodiscard]] bool number_key() const {
        return key_ == "port" || key_ == "max_payload" || key_ == "proto" || key_ == "client_id" ||
               key_ == "api_lvl";
    }
    bool string_value(json_error& ec) {
        if (in_urls_ && depth_ == 2) {
            if (info.connect_urls.size() < max_discovered_) info.connect_urls.push_back(text_);
            return true;
        }
        if (depth_ != 1) return depth_ != 0 || wrong(ec);
        for (const string_member& m : string_members) {
            if (m.name != key_) continue;
            info.*m.field = text_;
            return end_value();
        }
        return known_key() ? wrong(ec) : end_value();
    }
    bool number(std::uint64_t value, json_error& ec) {
        if (depth_ != 1) return scalar_outside(ec);
        if (key_ == "client_id")
            info.client_id = value;
        else if (key_ == "port") {
            if (value > 65535) return wrong(ec);
            info.port = static_cast<std::uint16_t>(value);
        } else if (key_ == "max_payload") {
            if (value > std::numeric_limits<std::int64_t>::max()) return wrong(ec);
            info.max_payload = static_cast<std::int64_t>(value);
        } else if (key_ == "proto" || key_ == "api_lvl") {
            if (value > std::numeric_limits<std::int32_t>::max()) return wrong(ec);
            (key_ == "proto" ? info.proto : info.api_level) = static_cast<std::int32_t>(value);
        } else if (known_key()) {
            return wrong(ec);
        }
        return end_value();
    }

    std::size_t max_discovered_;
    std::size_t depth_ = 0;
    bool in_urls_ = false;
    std::string key_;
    std::string text_;
};

} // namespace

result<server_info> parse_server_info(std::string_view text, const limits& bounds) {
    json::parse_options options;
    options.max_depth = bounds.max_json_depth;
    json::basic_parser<info_handler> parser(options, bounds.max_discovered);
    json_error ec;
    const std::size_t used = parser.write_some(false, text.data(), text.size(), ec);
    if (ec)
        return error{errc::bad_info,
                     ec == json::error::too_deep ? "nested too deeply" : "not the JSON of an INFO"};
    if (used != text.size()) return error{errc::bad_info, "more than one JSON value"};
    return std::move(parser.handler().info);
}

result<std::string> write_info_json(const server_info& info) {
    if (info.max_payload < 0 || info.proto < 0 || info.api_level < 0)
        return error{errc::invalid_argument, "a number of INFO is negative"};
    json_text::object_writer<std::string> o;
    const auto flag = [&o](std::string_view name, bool value) {
        if (value) o.flag(name, true);
    };
    o.text("server_id", info.server_id);
    o.text("server_name", info.server_name);
    o.text("version", info.version);
    o.number("proto", info.proto);
    o.text("host", info.host);
    o.number("port", info.port);
    o.flag("headers", info.headers);
    flag("auth_required", info.auth_required);
    flag("tls_required", info.tls_required);
    flag("tls_verify", info.tls_verify);
    flag("tls_available", info.tls_available);
    if (info.max_payload != 0) o.number("max_payload", info.max_payload);
    flag("jetstream", info.jetstream);
    if (info.client_id != 0) o.number("client_id", info.client_id);
    o.text("client_ip", info.client_ip);
    o.text("nonce", info.nonce);
    o.text("cluster", info.cluster);
    o.text("domain", info.domain);
    o.texts("connect_urls", info.connect_urls);
    flag("connect_info", info.connect_info);
    flag("ldm", info.lame_duck);
    if (info.api_level != 0) o.number("api_lvl", info.api_level);
    o.end();
    if (!o.valid) return error{errc::invalid_argument, "a text of INFO is not UTF-8"};
    return std::move(o.out);
}

bool server_info::version_at_least(int major, int minor, int patch) const noexcept {
    std::array<int, 3> have{};
    std::size_t part = 0;
    bool digit_seen = false;
    for (const char c : version) {
        if (c >= '0' && c <= '9' && have[part] < 100'000) {
            have[part] = have[part] * 10 + (c - '0');
            digit_seen = true;
        } else if (c == '.' && digit_seen && part < 2) {
            ++part;
            digit_seen = false;
        } else if (c == '-' && digit_seen && part == 2) {
            break; // a pre-release of this version
        } else {
            have = {};
            part = 2;
            digit_seen = true;
            break;
        }
    }
    if (part != 2 || !digit_seen) have = {};
    return have >= std::array<int, 3>{major, minor, patch};
}

} // namespace nats

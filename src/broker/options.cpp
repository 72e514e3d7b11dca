// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: each check names the option, and the user it is about, as a person wrote
// them; never a password.

#include <natsproto/auth/nkey.hpp>

#include "broker/options.hpp"
#include "broker/permissions.hpp"
#include "core/text/utf8.hpp"

#include <set>
#include <string>
#include <string_view>

namespace nats::embedded {

namespace {

constexpr std::int64_t most_payload = std::int64_t{64} * 1024 * 1024;
constexpr std::size_t most_control_line = std::size_t{1024} * 1024;

error wrong(std::string text) {
    return {errc::invalid_argument, std::move(text)};
}

result<void> check_texts(const broker_options& o) {
    for (const auto& [name, text] :
         {std::pair<const char*, const std::string&>{"server_name", o.server_name},
          {"version", o.version},
          {"host", o.host}}) {
        if (text.empty() || !text::is_utf8(text))
            return wrong(std::string(name) + " is empty or not UTF-8");
    }
    for (const std::string& url : o.connect_urls) {
        if (url.empty() || !text::is_utf8(url))
            return wrong("connect_urls: \"" + printable(url) + '"');
    }
    return {};
}

result<void> check_limits(const broker_options& o) {
    if (o.max_payload <= 0 || o.max_payload > most_payload)
        return wrong("max_payload is not from 1 to 64 MiB");
    if (o.max_control_line == 0 || o.max_control_line > most_control_line)
        return wrong("max_control_line is not from 1 to 1 MiB");
    if (o.max_connections == 0) return wrong("max_connections is 0");
    if (o.max_pending < static_cast<std::size_t>(o.max_payload))
        return wrong("max_pending is less than max_payload");
    if (o.max_pings_out < 1) return wrong("max_pings_out is less than 1");
    for (const auto& [name, d] : {std::pair{"write_deadline", o.write_deadline},
                                  {"first_ping", o.first_ping},
                                  {"ping_interval", o.ping_interval},
                                  {"auth_timeout", o.auth_timeout}}) {
        if (d <= duration::zero()) return wrong(std::string(name) + " is not positive");
    }
    if (o.lame_duck_grace < duration::zero() || o.lame_duck_duration < duration::zero())
        return wrong("a time of lame duck mode is negative");
    return {};
}

result<void> check_user(const broker_options& o, const environment& world, const broker_user& u) {
    const std::string who = "user \"" + printable(u.name.empty() ? u.nkey : u.name) + '"';
    if (u.name.empty() == u.nkey.empty())
        return wrong("each of users has either a name or an nkey: " + who);
    if (!u.nkey.empty()) {
        const result<nkey_public> key = decode_nkey(u.nkey);
        if (!key) return error{errc::invalid_nkey, who + ": " + key.error().detail()};
        if (key->kind != nkey_kind::user)
            return error{errc::invalid_nkey, who + " is not a user's public key"};
        if (world.crypto == nullptr) return error{errc::crypto_unavailable, who};
        if (!u.password.empty()) return wrong(who + " has an nkey and a password");
    } else {
        if (!text::is_utf8(u.name)) return wrong(who + ": its name is not UTF-8");
        if (u.password.empty() && u.name != o.no_auth_user) return wrong(who + " has no password");
    }
    return permission_set::check(u.allowed, who);
}

result<void> check_users(const broker_options& o, const environment& world) {
    std::set<std::string_view> names;
    for (const broker_user& u : o.users) {
        if (result<void> ok = check_user(o, world, u); !ok) return ok;
        const std::string_view name = u.name.empty() ? u.nkey : u.name;
        if (!names.insert(name).second)
            return wrong("user \"" + printable(name) + "\" is listed twice");
    }
    if (!o.no_auth_user.empty()) {
        bool found = false;
        for (const broker_user& u : o.users) found = found || u.name == o.no_auth_user;
        if (!found) return wrong("no_auth_user \"" + printable(o.no_auth_user) + "\" is no user");
    }
    return permission_set::check(o.default_permissions, "everybody");
}

result<void> check_tls(const broker_tls& t, const environment& world) {
    if (world.crypto == nullptr) return error{errc::tls_unavailable, "tls"};
    if (t.certificate.empty()) return error{errc::tls_configuration, "tls.certificate is empty"};
    if (t.key.empty()) return error{errc::tls_configuration, "tls.key is empty"};
    if (t.require_client_certificate && t.ca.empty())
        return error{errc::tls_configuration, "tls.require_client_certificate without tls.ca"};
    if (t.timeout <= duration::zero()) return wrong("tls.timeout is not positive");
    return {};
}

} // namespace

result<void> check(const broker_options& o, const environment& world) {
    if (world.random == nullptr) return wrong("environment.random is not set");
    if (result<void> ok = check_texts(o); !ok) return ok;
    if (result<void> ok = check_limits(o); !ok) return ok;
    if (result<void> ok = check_users(o, world); !ok) return ok;
    return o.tls ? check_tls(*o.tls, world) : result<void>();
}

result<void> check(const server_info& info) {
    for (const std::string* text : {&info.server_id, &info.server_name, &info.version, &info.host,
                                    &info.cluster, &info.domain}) {
        if (!text::is_utf8(*text)) return wrong("a text of INFO is not UTF-8");
    }
    for (const std::string& url : info.connect_urls) {
        if (!text::is_utf8(url)) return wrong("a text of INFO is not UTF-8");
    }
    if (info.max_payload < 0 || info.max_payload > most_payload)
        return wrong("max_payload is not from 0 to 64 MiB");
    return {};
}

} // namespace nats::embedded

// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// A table of lower-case prefixes, the longer ones of a family first. Permission texts name the
// subject in double quotes; it is cut out, since it decides which subscription is meant.

#include <natsproto/wire/server_error.hpp>

#include "core/text/ascii.hpp"

namespace nats::wire {

namespace {

struct entry {
    std::string_view prefix;
    errc code;
    severity level;
    bool closes;
};

constexpr entry catalogue[] = {
    {"authorization violation", errc::authorization_violation, severity::authentication, true},
    {"authentication timeout", errc::authentication_timeout, severity::retry, true},
    {"user authentication expired", errc::authentication_expired, severity::authentication, true},
    {"user authentication revoked", errc::authentication_revoked, severity::authentication, true},
    {"account authentication expired", errc::authentication_expired, severity::authentication,
     true},
    {"permissions violation", errc::permissions_violation, severity::permission, false},
    {"maximum connections exceeded", errc::max_connections_exceeded, severity::retry, true},
    {"maximum account active connections exceeded", errc::max_connections_exceeded, severity::retry,
     true},
    {"maximum subscriptions exceeded", errc::max_subscriptions_exceeded, severity::notice, false},
    {"maximum payload violation", errc::server_max_payload, severity::fatal, true},
    {"maximum control line exceeded", errc::server_max_control_line, severity::fatal, true},
    {"unknown protocol operation", errc::server_protocol_error, severity::fatal, true},
    {"invalid subject", errc::server_invalid_subject, severity::notice, false},
    {"invalid publish subject", errc::server_invalid_subject, severity::notice, false},
    {"stale connection", errc::stale_connection, severity::retry, true},
    {"secure connection - tls required", errc::tls_required, severity::fatal, true},
    {"connection throttling is active", errc::connection_throttled, severity::retry, true},
    {"invalid client protocol", errc::server_protocol_error, severity::fatal, true},
    {"no responders requires headers support", errc::server_protocol_error, severity::fatal, true},
    {"failed account registration", errc::server_error, severity::retry, true},
};

/// What stands between the first pair of double quotes after `from`; `from` moves behind it.
std::string_view quoted(std::string_view text, std::size_t& from) noexcept {
    const std::size_t open = text.find('"', from);
    if (open == std::string_view::npos) return {};
    const std::size_t close = text.find('"', open + 1);
    if (close == std::string_view::npos) return {};
    from = close + 1;
    return text.substr(open + 1, close - open - 1);
}

} // namespace

server_error_class classify_server_error(std::string_view text) noexcept {
    server_error_class out;
    for (const entry& e : catalogue) {
        if (!text::starts_with_nocase(text, e.prefix)) continue;
        out.code = e.code;
        out.level = e.level;
        out.closes = e.closes;
        break;
    }
    if (out.level == severity::permission) {
        out.subscription = text::starts_with_nocase(text, "permissions violation for subscription");
        std::size_t at = 0;
        out.subject = quoted(text, at);
        constexpr std::string_view using_queue = " using queue ";
        if (text::starts_with_nocase(text.substr(at), using_queue)) out.queue = quoted(text, at);
        constexpr std::string_view with_sid = " (sid \"";
        if (const std::size_t open = text.rfind(with_sid);
            out.subscription && open != std::string_view::npos) {
            std::size_t from = open;
            if (!text::parse_decimal(quoted(text, from), out.sid)) out.sid = 0;
        }
    }
    return out;
}

error to_error(const server_error_class& c, std::string_view text) {
    return {c.code, std::string(text)};
}

} // namespace nats::wire

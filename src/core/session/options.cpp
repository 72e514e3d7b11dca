// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: each rule is one line, in the order of the fields; the first that is broken
// is reported.

#include <natsproto/options.hpp>

#include <natsproto/server_url.hpp>
#include <natsproto/subject.hpp>
#include <natsproto/wire/connect_fields.hpp>

#include "core/session/check_pending.hpp"

namespace nats {

result<void> check_pending(const pending_limits& p) {
    if (p.messages == 0 || p.bytes == 0) {
        return error{errc::invalid_argument,
                     "a pending limit of 0; use a negative number for no limit"};
    }
    return {};
}

namespace {

result<void> check_login(std::string_view name, std::string_view user, std::string_view password,
                         std::string_view token) {
    wire::connect_fields fields;
    fields.name = name;
    fields.user = user;
    fields.password = password;
    fields.token = token;
    if (result<std::string> json = wire::write_connect_json(fields); !json) return json.error();
    return {};
}

} // namespace

namespace {

/// A bound of 0 would be a connection that can do nothing.
result<void> check_limits(const limits& l) {
    const std::uint64_t bounds[] = {l.max_line,         l.max_info,          l.max_message,
                                    l.max_header_block, l.max_json_depth,    l.max_control_line,
                                    l.max_output_bytes, l.max_subscriptions, l.max_requests,
                                    l.max_pings};
    for (const std::uint64_t bound : bounds) {
        if (bound == 0) return error{errc::invalid_argument, "a limit of 0"};
    }
    return {};
}

} // namespace

result<void> check(const options& o) {
    result<std::vector<server_url>> servers = parse_server_list(o.servers);
    if (!servers) return servers.error();
    for (const server_url& s : *servers) {
        if (s.tls)
            return error{errc::tls_required,
                         "tls://" + s.where.text() + ": this build cannot do TLS"};
    }
    if (!is_inbox_prefix(o.inbox_prefix)) {
        return error{errc::invalid_inbox_prefix, '"' + printable(o.inbox_prefix) + '"'};
    }
    if (o.connect_timeout <= duration::zero())
        return error{errc::invalid_argument, "connect_timeout must be positive"};
    if (o.ping_interval <= duration::zero())
        return error{errc::invalid_argument, "ping_interval must be positive"};
    if (o.max_pings_out <= 0)
        return error{errc::invalid_argument, "max_pings_out must be positive"};
    if (!o.token.empty() && !o.user.empty())
        return error{errc::invalid_argument, "both a token and a user"};
    if (result<void> ok = check_pending(o.pending); !ok) return ok;
    if (result<void> ok = check_limits(o.bounds); !ok) return ok;
    // What JSON cannot carry is found now, and not at the handshake.
    if (result<void> ok = check_login(o.name, o.user, o.password, o.token); !ok) return ok;
    for (const server_url& s : *servers) {
        if (result<void> ok = check_login(o.name, s.user, s.password, s.token); !ok) return ok;
    }
    return {};
}

} // namespace nats

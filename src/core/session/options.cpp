// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: each rule is one line, in the order of the fields; the first that is broken
// is reported.

#include <natsproto/options.hpp>

#include <natsproto/server_url.hpp>
#include <natsproto/subject.hpp>
#include <natsproto/wire/connect_fields.hpp>

#include "core/session/check_pending.hpp"
#include "core/text/ascii.hpp"

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
    if (result<secret> json = wire::write_connect_json(fields); !json) return json.error();
    return {};
}

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

namespace {

struct named_duration {
    duration value;
    const char* name;
};

result<void> check_times(const options& o) {
    const named_duration positive[] = {{o.connect_timeout, "connect_timeout"},
                                       {o.ping_interval, "ping_interval"},
                                       {o.write_timeout, "write_timeout"},
                                       {o.drain_timeout, "drain_timeout"}};
    for (const named_duration& d : positive) {
        if (d.value <= duration::zero())
            return error{errc::invalid_argument, std::string(d.name) + " must be positive"};
    }
    // A bound far above any use, so that sums cannot overflow.
    constexpr duration longest = std::chrono::hours(24 * 365);
    const named_duration bounded[] = {{o.reconnect_wait, "reconnect_wait"},
                                      {o.reconnect_wait_max, "reconnect_wait_max"},
                                      {o.reconnect_jitter, "reconnect_jitter"},
                                      {o.reconnect_jitter_tls, "reconnect_jitter_tls"}};
    for (const named_duration& d : bounded) {
        if (d.value < duration::zero() || d.value > longest)
            return error{errc::invalid_argument, std::string(d.name) + " must be 0 to one year"};
    }
    return {};
}

error both(const char* a, const char* b) {
    return {errc::tls_configuration, std::string(a) + " and " + b + " exclude each other"};
}

result<void> check_tls(const tls_options& t) {
    if (!t.ca.empty() && !t.ca_file.empty()) return both("ca", "ca_file");
    if (!t.certificate.empty() && !t.certificate_file.empty())
        return both("certificate", "certificate_file");
    if (!t.key.empty() && !t.key_file.empty()) return both("key", "key_file");
    const bool certificate = !t.certificate.empty() || !t.certificate_file.empty();
    const bool key = !t.key.empty() || !t.key_file.empty();
    if (certificate != key)
        return error{errc::tls_configuration,
                     "a client certificate needs its key, and a key its "
                     "certificate"};
    if (t.dangerously_accept_any_certificate && t.verify != nullptr)
        return both("dangerously_accept_any_certificate", "verify");
    for (const char c : t.expected_name) {
        if (text::is_control(c) || text::is_blank(c))
            return error{errc::tls_configuration, "expected_name is no host name"};
    }
    return {};
}

} // namespace

result<void> check(const options& o) {
    result<std::vector<server_url>> servers = parse_server_list(o.servers);
    if (!servers) return servers.error();
    if (!o.first_server.empty()) {
        result<server_url> first = parse_server_url(o.first_server);
        if (!first) return first.error();
        servers->push_back(std::move(*first));
    }
    if (!is_inbox_prefix(o.inbox_prefix)) {
        return error{errc::invalid_inbox_prefix, '"' + printable(o.inbox_prefix) + '"'};
    }
    if (result<void> ok = check_times(o); !ok) return ok;
    if (o.max_pings_out <= 0)
        return error{errc::invalid_argument, "max_pings_out must be positive"};
    if (result<void> ok = check_tls(o.tls); !ok) return ok;
    if (result<void> ok = check_pending(o.pending); !ok) return ok;
    if (result<void> ok = check_limits(o.bounds); !ok) return ok;
    if (!o.token.empty() && !o.user.empty())
        return error{errc::invalid_argument, "both a token and a user"};
    // What JSON cannot carry is found now, and not at the handshake.
    if (result<void> ok = check_login(o.name, o.user, o.password, o.token); !ok) return ok;
    for (const server_url& s : *servers) {
        if (result<void> ok = check_login(o.name, s.user, s.password, s.token); !ok) return ok;
    }
    return {};
}

} // namespace nats

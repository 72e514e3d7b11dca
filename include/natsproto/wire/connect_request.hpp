// SPDX-License-Identifier: Apache-2.0
//
// What a client says of itself in CONNECT, as a server reads it (specification 2.6).

#pragma once

#include <natsproto/limits.hpp>
#include <natsproto/result.hpp>
#include <natsproto/secret.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace nats::wire {

/// The defaults are nats-server's for members that are missing (specification 2.1.15).
struct connect_request {
    bool verbose = true;
    bool pedantic = true;
    bool echo = true;
    bool headers = false;
    bool no_responders = false;
    bool tls_required = false;
    std::int64_t protocol = 0;
    std::string name;
    std::string lang;
    std::string version;
    std::string account;      ///< a login that names an account is refused
    bool new_account = false; ///< the same
    secret user;
    secret password;
    secret token;
    secret jwt;
    secret nkey;
    secret signature;
};

/// Reads the JSON of CONNECT over `into`: members that are missing keep their values, as a second
/// CONNECT changes only what it names. Unknown members are skipped, names are compared without
/// regard to case, null is as if missing, and a member of the wrong type is an error
/// (`bad_arguments`), as in nats-server. Strings must be UTF-8. On error `into` is not to be used.
[[nodiscard]] result<void> parse_connect_request(std::string_view text, connect_request& into,
                                                 const limits& bounds = {});

} // namespace nats::wire

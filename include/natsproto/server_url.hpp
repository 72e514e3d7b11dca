// SPDX-License-Identifier: Apache-2.0
//
// Server URLs: `host`, `host:port`, `[v6]:port`, `nats://user:pass@host:port`, `tls://...`, and
// comma lists of them.

#pragma once

#include <natsproto/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nats {

/// Where a transport is to be opened. The host is a name or an address without brackets.
struct endpoint {
    std::string host;
    std::uint16_t port = 0;

    /// `host:port`, with brackets around an IPv6 address.
    [[nodiscard]] std::string text() const;
    friend bool operator==(const endpoint&, const endpoint&) = default;
};

/// One server of a list. User info is percent-decoded: `user@` alone is a token.
struct server_url {
    endpoint where;
    bool tls = false; ///< `tls://`
    std::string user;
    std::string password;
    std::string token;
};

/// Default port 4222; no scheme means `nats://`. Blanks around an entry and one trailing '/' are
/// ignored. Errors: `invalid_url`, which names the entry without its user info.
[[nodiscard]] result<server_url> parse_server_url(std::string_view text);

/// A comma list, in order, without repeated endpoints. At least one.
[[nodiscard]] result<std::vector<server_url>> parse_server_list(std::string_view text);

} // namespace nats

// SPDX-License-Identifier: Apache-2.0
//
// Server URLs: `host`, `host:port`, `[v6]:port`, `nats://user:pass@host:port`, `tls://...`, and
// comma lists of them.

#pragma once

#include <natsproto/result.hpp>

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <type_traits>
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

/// One server of a list. User info is percent-decoded: `user@` alone is a token. Password and token
/// are wiped when they are replaced by assignment, moved from, or destroyed. There is no
/// `operator<<`: show `where.text()`.
struct server_url {
    endpoint where;
    bool tls = false; ///< `tls://`
    std::string user;
    std::string password;
    std::string token;

    server_url() = default;
    server_url(const server_url&) = default;
    server_url(server_url&& other) noexcept;
    server_url& operator=(const server_url& other);
    server_url& operator=(server_url&& other) noexcept;
    ~server_url();

    [[nodiscard]] bool has_login() const noexcept {
        return !user.empty() || !password.empty() || !token.empty();
    }
    /// Takes user, password and token of another, and nothing else.
    void set_login(const server_url& other);

    /// What GoogleTest prints: it would show the bytes of the object otherwise, and so the
    /// password.
    template <class T>
        requires std::is_same_v<T, server_url>
    friend void PrintTo(const T& url, std::ostream* out) {
        *out << url.where.text();
    }

private:
    void wipe_login() noexcept;
};

/// Spaces and tabs around the text and one '/' at its end are ignored.
///
///     [scheme://][user:password@ | token@]host[:[port]]
///
/// The scheme is `nats` (if there is none), `tcp` (the same) or `tls`, in upper or lower case. The
/// port is 1 to 65535, or 4222. An IPv6 address needs its brackets. What is special in a URL
/// (`@ : / ? # [ ] %` and, in a list, `,`) is percent-encoded in user info: `%40`. Errors:
/// `invalid_url`, which names the text without its user info.
[[nodiscard]] result<server_url> parse_server_url(std::string_view text);

/// A comma list, in order; a repeated endpoint is left out, but for the `tls` that it asks for.
/// Entries that are blank are skipped, as nats.go does, so a comma at the end does no harm; there
/// must be one that is not. An error gives the number of the entry in place of its text when an '@'
/// follows in the list: the text may be the part of a password that stands before a comma.
[[nodiscard]] result<std::vector<server_url>> parse_server_list(std::string_view text);

} // namespace nats

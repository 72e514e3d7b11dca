// SPDX-License-Identifier: Apache-2.0
//
// The fields of CONNECT (specification 2.6), as a client chooses them.

#pragma once

#include <natsproto/result.hpp>
#include <natsproto/secret.hpp>

#include <string_view>
#include <type_traits>

namespace nats::wire {

/// Views must live until the call they are given to returns. Empty strings are left out of the
/// JSON.
struct connect_fields {
    bool verbose = false;
    bool pedantic = false;
    bool echo = true;
    bool tls_required = false;
    /// The two below are also what the server must be able to do; `client_connection` turns them
    /// off for one that cannot.
    bool headers = true;
    bool no_responders = true;
    int protocol = 1;
    std::string_view name{};
    std::string_view user{};
    std::string_view password{};
    std::string_view token{};
    std::string_view jwt{};
    std::string_view nkey{};
    std::string_view signature{};
    std::string_view lang = "cpp";
    std::string_view library_version{}; ///< empty: this library's
};
static_assert(std::is_trivially_destructible_v<connect_fields>);

/// The JSON of CONNECT; no other memory has held the credentials. Refuses strings that are not
/// UTF-8
/// (`invalid_argument`), since JSON cannot carry them.
[[nodiscard]] result<secret> write_connect_json(const connect_fields& fields);

} // namespace nats::wire

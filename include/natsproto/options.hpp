// SPDX-License-Identifier: Apache-2.0
//
// What a user chooses about a connection. All of it is copied by the call that takes it; it needs
// to live no longer.

#pragma once

#include <natsproto/limits.hpp>
#include <natsproto/result.hpp>
#include <natsproto/time.hpp>

#include <string_view>
#include <type_traits>

namespace nats {

/// Use designated initialisers: `{.servers = "nats://a,nats://b", .name = "billing"}` (every member
/// has an initialiser, so that compilers do not warn about those that are left out). Only views
/// and numbers, so that it can be written inside a coroutine's `co_await` (g++ 12 destroys other
/// temporaries there twice).
struct options {
    /// Comma list of URLs, tried in order: docs in server_url.hpp. User info of a URL beats the
    /// fields below.
    std::string_view servers = "nats://127.0.0.1:4222";
    std::string_view name{}; ///< shown by the server's monitoring
    std::string_view user{};
    std::string_view password{};
    std::string_view token{};
    /// The start of all inbox names.
    std::string_view inbox_prefix = "_INBOX";

    bool verbose = false;  ///< have the server answer +OK to every command
    bool pedantic = false; ///< have the server check more
    /// Do not receive what this connection publishes; needs a server with protocol 1.
    bool no_echo = false;

    /// For one server: name look-up, TCP, INFO and the first PONG together. Must be positive.
    duration connect_timeout = std::chrono::seconds(2);
    /// How often a PING asks whether the server is there. Must be positive.
    duration ping_interval = std::chrono::minutes(2);
    /// Unanswered PINGs that are allowed; at the next interval the connection is stale. Must be
    /// positive.
    int max_pings_out = 2;

    pending_limits pending{}; ///< of each subscription, unless it has its own
    limits bounds{};
};
static_assert(std::is_trivially_destructible_v<options>);

/// Checks everything that can be checked without a server; the same error that connecting would
/// give.
[[nodiscard]] result<void> check(const options& o);

} // namespace nats

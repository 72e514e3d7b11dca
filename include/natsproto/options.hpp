// SPDX-License-Identifier: Apache-2.0
//
// What a user chooses about a connection. All of it is copied by the call that takes it; it needs
// to live no longer.

#pragma once

#include <natsproto/auth/login.hpp>
#include <natsproto/limits.hpp>
#include <natsproto/reconnect_options.hpp>
#include <natsproto/result.hpp>
#include <natsproto/time.hpp>
#include <natsproto/tls_options.hpp>

#include <cstdint>
#include <string_view>
#include <type_traits>

namespace nats {

/// Use designated initialisers: `{.servers = "nats://a,nats://b", .name = "billing"}` (every member
/// has an initialiser, so that compilers do not warn about those that are left out). Only views
/// and numbers, so that it can be written inside a coroutine's `co_await` (g++ 12 destroys other
/// temporaries there twice).
struct options {
    /// Comma list of URLs: docs in server_url.hpp. User info of a URL beats the fields below.
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
    /// Have the server say when nobody is subscribed to the subject of a request. Without, such a
    /// request ends by its timeout.
    bool no_responders = true;

    /// For one server: name look-up, TCP, TLS, INFO, login and the first PONG together. Must be
    /// positive.
    duration connect_timeout = std::chrono::seconds(2);
    /// How often a PING asks whether the server is there. Must be positive.
    duration ping_interval = std::chrono::minutes(2);
    /// Unanswered PINGs that are allowed; at the next interval the connection is stale. Must be
    /// positive.
    int max_pings_out = 2;
    /// How long the transport may take nothing of what is to be written, before the connection is
    /// given up. Must be positive.
    duration write_timeout = std::chrono::minutes(1);
    /// How long a drain may take; then the connection is closed all the same. Must be positive.
    duration drain_timeout = std::chrono::seconds(30);

    // --- which server
    /// One URL that is tried before all of `servers`, whatever the shuffle. Empty: none.
    std::string_view first_server{};
    /// Shuffle the servers once, and what is discovered when it is; drivers shuffle the addresses
    /// of a name too.
    bool randomize = true;
    /// Keep to `servers`, whatever the cluster tells.
    bool ignore_discovered = false;

    // --- reconnecting
    /// When no server can be reached at first: go on as after a disconnect.
    bool retry_on_failed_connect = false;
    bool reconnect = true;
    /// Failed attempts in a row after which a server is tried no more; negative: never.
    int max_reconnects = 60;
    /// The wait after each pass over all servers. Must not be negative.
    duration reconnect_wait = std::chrono::seconds(2);
    /// Greater than `reconnect_wait`: the wait doubles with each pass, up to this.
    duration reconnect_wait_max{};
    /// Up to so much is added to the wait, at random; the second with TLS. Must not be negative.
    duration reconnect_jitter = std::chrono::milliseconds(100);
    duration reconnect_jitter_tls = std::chrono::seconds(1);
    /// Bytes of publishes that are kept while there is no connection, with their control lines;
    /// then a publish fails with `reconnect_buffer_full`. 0 or less: none is kept.
    std::int64_t reconnect_buffer = std::int64_t{8} * 1024 * 1024;
    /// When a connection breaks: keep the publishes that were not written completely, and send them
    /// on the next one. The server may get one of them twice.
    bool keep_unsent = false;
    /// When a connection breaks: end the requests that wait, instead of waiting on for replies.
    bool fail_requests_on_disconnect = false;
    /// Go on trying a server that has refused the same login twice.
    bool ignore_auth_error_abort = false;
    /// Move to another server when this one says that it is about to go.
    bool leave_lame_duck = false;
    /// Tell the observer of a runtime nothing any more after the user has closed.
    bool no_events_after_close = false;
    reconnect_handlers reconnecting{};

    // --- logging in; more than one kind may be given, and all are sent
    std::string_view nkey{};           ///< public key of a user, `U...`; needs `login.sign`
    std::string_view nkey_seed{};      ///< `SU...`
    std::string_view nkey_seed_file{}; ///< a file with such a seed
    std::string_view jwt{};
    std::string_view jwt_file{};
    std::string_view credentials{};      ///< the text of a .creds file
    std::string_view credentials_file{}; ///< read at each connect
    login_handlers login{};

    tls_options tls{};
    pending_limits pending{}; ///< of each subscription, unless it has its own
    limits bounds{};
};
static_assert(std::is_trivially_destructible_v<options>);

/// Checks everything that can be checked without a server; the same error that connecting would
/// give.
[[nodiscard]] result<void> check(const options& o);

} // namespace nats

// SPDX-License-Identifier: Apache-2.0
//
// What a user chooses about the embedded broker. Unlike the options of a connection these own their
// texts: a broker is made once.

#pragma once

#include <natsproto/secret.hpp>
#include <natsproto/time.hpp>
#include <natsproto/tls_options.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace nats {

/// Subjects with wildcards, as in nats-server. An empty `allow` allows everything that is not
/// denied. For subscriptions an entry may name a queue group behind a space (`"jobs workers"`,
/// wildcards too): then it is about that group only. An entry allows the subscriptions that match
/// nothing that it does not; messages that are denied are left out.
struct subject_permissions {
    std::vector<std::string> allow;
    std::vector<std::string> deny;
};

/// A responder may publish to the reply subject of what it was sent, whatever `publish` says. With
/// this, an empty `publish.allow` allows nothing else. At most 16 MiB of reply subjects are
/// remembered for each client; the oldest are forgotten first.
struct response_permission {
    std::uint64_t max_messages = 1;             ///< for each request; 0: no limit
    duration expires = std::chrono::minutes(2); ///< since the request; 0: never
};

struct permissions {
    subject_permissions publish;
    subject_permissions subscribe;
    std::optional<response_permission> responses;
};

/// Somebody who may log in: with name and password, or with an NKEY, whose seed signs the nonce.
struct broker_user {
    std::string name; ///< empty if there is an NKEY
    secret password;
    std::string nkey; ///< the public key, `U...`; needs a crypto provider
    permissions allowed;
};

/// TLS of a listener. PEM texts, not files: a broker does no I/O.
struct broker_tls {
    enum class mode : std::uint8_t {
        required,  ///< INFO in plain text says `tls_required`; then the handshake
        available, ///< INFO says `tls_available`: clients may go on in plain text
        first,     ///< the handshake comes before INFO (`handshake_first`)
    };
    mode how = mode::required;
    std::string certificate; ///< with its chain
    secret key;
    secret key_password;
    std::string ca;                          ///< authorities of client certificates
    bool require_client_certificate = false; ///< one of `ca` (`verify`)
    tls_version minimum = tls_version::v1_2;
    duration timeout = std::chrono::seconds(2); ///< for the handshake
};

/// The defaults are nats-server's, where it has such an option.
struct broker_options {
    /// What INFO says. The version is the generation of nats-server whose core this follows:
    /// clients decide by it what they may use.
    std::string server_name = "natsproto";
    std::string version = "2.10.27";
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;
    std::vector<std::string> connect_urls; ///< other servers that clients should know

    /// Who may log in. Nobody listed and no token: everybody.
    std::vector<broker_user> users;
    secret token;
    /// A user of `users` whose permissions a client without a login gets; INFO then does not say
    /// `auth_required`.
    std::string no_auth_user;
    /// Of users without permissions of their own, the holder of the token, and everybody when there
    /// are no users.
    permissions default_permissions;
    std::optional<broker_tls> tls;

    std::int64_t max_payload = 1024 * 1024; ///< bytes of headers and payload, at most 64 MiB
    std::size_t max_control_line = 4096;    ///< bytes
    std::size_t max_connections = 64 * 1024;
    std::size_t max_subscriptions = 0; ///< of one connection; 0: no limit
    /// Bytes that wait for one client. One that has more is cut off as a slow consumer.
    std::size_t max_pending = 64 * 1024 * 1024;
    /// A client that takes no byte of what waits for it in this time is cut off too.
    duration write_deadline = std::chrono::seconds(10);
    /// The first PING comes this long after CONNECT, the others each `ping_interval`.
    duration first_ping = std::chrono::seconds(2);
    duration ping_interval = std::chrono::minutes(2);
    int max_pings_out = 2;
    duration auth_timeout = std::chrono::seconds(2);
    /// Lame duck mode: clients are told, after `lame_duck_grace` they are closed one by one, over
    /// `lame_duck_duration` in all.
    duration lame_duck_grace = std::chrono::seconds(10);
    duration lame_duck_duration = std::chrono::minutes(2);
};

} // namespace nats

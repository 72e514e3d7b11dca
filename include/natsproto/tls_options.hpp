// SPDX-License-Identifier: Apache-2.0
//
// What a user chooses about TLS.

#pragma once

#include <natsproto/error.hpp>

#include <cstdint>
#include <string_view>
#include <type_traits>

namespace nats {

enum class tls_version : std::uint8_t { v1_2, v1_3 };

/// What a verifier is told about the certificate of the server.
struct tls_peer {
    std::string_view certificate; ///< the server's own, DER
    std::string_view name;        ///< that it must be for
    const error* problem;         ///< what verification found; null: nothing is wrong
};
/// True accepts the certificate, whatever was found; false refuses it.
using tls_verifier = bool (*)(void* context, const tls_peer& peer);

/// TLS is used when the server requires it, when a URL of the list says `tls://`, or when
/// `required` or `first` is set. PEM texts and files exclude each other. Files are read at each
/// connect.
struct tls_options {
    /// No connection without TLS: one to a server that does not offer it fails before anything was
    /// sent.
    bool required = false;
    /// The handshake comes before INFO (`handshake_first` of nats-server, since 2.10.4). Implies
    /// `required`.
    bool first = false;
    /// The driver does the handshake with a TLS stack of its own, when `action::start_tls` says so;
    /// from then on it gives the session plain bytes. All that is below is then the driver's.
    bool hand_over = false;
    /// Takes any certificate of anybody. Whoever is on the way can read and change everything.
    bool dangerously_accept_any_certificate = false;

    /// Certificate authorities, PEM. Instead of the system's, unless `system_roots` is set too.
    std::string_view ca{};
    std::string_view ca_file{};
    bool system_roots = false;
    /// The name that the server's certificate must be for, instead of the host of its URL.
    std::string_view expected_name{};
    /// The client's certificate with its chain, and its key, PEM.
    std::string_view certificate{};
    std::string_view certificate_file{};
    std::string_view key{};
    std::string_view key_file{};
    std::string_view key_password{};

    tls_version minimum = tls_version::v1_2;
    std::string_view ciphers{};       ///< of TLS 1.2, in OpenSSL's syntax
    std::string_view cipher_suites{}; ///< of TLS 1.3, in OpenSSL's syntax
    tls_verifier verify = nullptr;    ///< has the last word
    void* verify_context = nullptr;
};
static_assert(std::is_trivially_destructible_v<tls_options>);

} // namespace nats

// SPDX-License-Identifier: Apache-2.0
//
// The settings of a TLS client or server in the form in which OpenSSL wants them.

#pragma once

#include <natsproto/crypto.hpp>
#include <natsproto/result.hpp>

#include "openssl/handles.hpp"

namespace nats::openssl {

/// Versions, ciphers, authorities, certificate and key. Errors: `tls_configuration`.
[[nodiscard]] result<ssl_ctx_ptr> make_client_context(const tls_parameters& p);

/// Versions, ciphers, certificate and key, and the authorities of clients. Errors:
/// `tls_configuration`.
[[nodiscard]] result<ssl_ctx_ptr> make_server_context(const tls_server_parameters& p);

/// The name that the server is told and that its certificate is held against. Errors:
/// `tls_configuration`.
[[nodiscard]] result<void> set_server_name(SSL* ssl, const tls_parameters& p);

} // namespace nats::openssl

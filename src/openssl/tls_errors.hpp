// SPDX-License-Identifier: Apache-2.0
//
// What OpenSSL says went wrong, as our errors.

#pragma once

#include <natsproto/error.hpp>

#include "openssl/handles.hpp"

#include <string>
#include <string_view>

namespace nats::openssl {

/// How far the connection was when it failed: the same alert means different things.
struct failure_context {
    bool server = false;             ///< we are the server
    bool open = false;               ///< the handshake was done
    bool answered = false;           ///< the server had answered the client's hello with its own
    bool certificate_wanted = false; ///< the server had asked for our certificate
    bool certificate_given = false;  ///< and we have one
};

/// Of an entry of OpenSSL's error queue: an alert of the peer, or what we did not like.
[[nodiscard]] error tls_failure(unsigned long code, const failure_context& at);

/// Of the verification that has just failed. `name` is the one that was wanted.
[[nodiscard]] error certificate_failure(X509_STORE_CTX* verification, std::string_view name);

/// OpenSSL's words for the latest error of this thread.
[[nodiscard]] std::string openssl_reason();

} // namespace nats::openssl

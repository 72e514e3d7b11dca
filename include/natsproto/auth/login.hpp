// SPDX-License-Identifier: Apache-2.0
//
// How a user's own code takes part in logging in.

#pragma once

#include <natsproto/crypto.hpp>
#include <natsproto/result.hpp>
#include <natsproto/secret.hpp>
#include <natsproto/server_info.hpp>
#include <natsproto/server_url.hpp>

#include <string_view>
#include <type_traits>

namespace nats {

/// The connection that is to be logged in on. Lives during the call.
struct login_request {
    const endpoint& server;
    const server_info& info;
    std::string_view nonce; ///< what is to be signed; empty: the server wants no signature
};

/// Each is called at every connect and reconnect; those that are null are not. An error fails the
/// attempt, and is its reason. They must not call the session.
struct login_handlers {
    result<void> (*user)(void* context, const login_request& r, secret& user,
                         secret& password) = nullptr;
    result<void> (*token)(void* context, const login_request& r, secret& token) = nullptr;
    result<void> (*jwt)(void* context, const login_request& r, secret& jwt) = nullptr;
    /// Signs the bytes of `r.nonce` with the key that `options::nkey` or the JWT names. So the seed
    /// can stay where it is.
    result<void> (*sign)(void* context, const login_request& r,
                         ed25519_signature& signature) = nullptr;
    void* context = nullptr;
};
static_assert(std::is_trivially_destructible_v<login_handlers>);

} // namespace nats

// SPDX-License-Identifier: Apache-2.0
//
// The crypto provider of who was given none: OpenSSL's, where the library was built with it.

#pragma once

#include <natsproto/crypto.hpp>
#ifdef NATSPROTO_HAS_OPENSSL
#include <natsproto/openssl/provider.hpp>
#endif

#include <memory>

namespace nats {

[[nodiscard]] inline std::unique_ptr<crypto_provider> default_crypto() {
#ifdef NATSPROTO_HAS_OPENSSL
    return std::make_unique<openssl::provider>();
#else
    return nullptr;
#endif
}

} // namespace nats

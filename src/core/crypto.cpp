// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: what a provider says of what it does not have.

#include <natsproto/crypto.hpp>

namespace nats {

result<std::unique_ptr<sha256_hash>> crypto_provider::sha256() const {
    return error{errc::crypto_unavailable, "this crypto provider has no SHA-256"};
}

result<std::unique_ptr<tls_acceptor>> crypto_provider::tls_server(
    const tls_server_parameters&) const {
    return error{errc::tls_unavailable, "this crypto provider has no server's side of TLS"};
}

} // namespace nats

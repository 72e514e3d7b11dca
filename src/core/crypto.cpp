// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: what a provider that knows only the client's side of TLS says of the other.

#include <natsproto/crypto.hpp>

namespace nats {

result<std::unique_ptr<tls_acceptor>> crypto_provider::tls_server(
    const tls_server_parameters&) const {
    return error{errc::tls_unavailable, "this crypto provider has no server's side of TLS"};
}

} // namespace nats

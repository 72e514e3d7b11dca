// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: OpenSSL's context is made once; each connection counts as one of its owners,
// so that it may outlive the acceptor.

#include <natsproto/openssl/provider.hpp>

#include "openssl/tls_context.hpp"
#include "openssl/tls_link.hpp"

#include <utility>

namespace nats::openssl {

namespace {

class acceptor final : public tls_acceptor {
public:
    explicit acceptor(ssl_ctx_ptr context) noexcept : context_(std::move(context)) {}

    [[nodiscard]] result<std::unique_ptr<link>> accept() const override {
        return tls_link::accept(context_.get());
    }

private:
    ssl_ctx_ptr context_;
};

} // namespace

result<std::unique_ptr<tls_acceptor>> provider::tls_server(const tls_server_parameters& p) const {
    result<ssl_ctx_ptr> context = make_server_context(p);
    if (!context) return context.error();
    return std::unique_ptr<tls_acceptor>(std::make_unique<acceptor>(std::move(context).value()));
}

} // namespace nats::openssl

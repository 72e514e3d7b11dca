// SPDX-License-Identifier: Apache-2.0
//
// The client side of services (ADR-32) on any client: a line for each call. `nats::service_client`
// is this on the blocking client, where calls return `result<T>`; `nats::aio::service_client` on
// the Asio client, where they are initiating functions as those of JetStream. Shares the
// connection. Copyable.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/services/discovery.hpp>
#include <natsproto/services/service_config.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace nats {

template <class Client>
class basic_service_client {
public:
    using handle_type = typename Client::handle_type;

    /// `prefix`: where services listen that have another one than `$SRV`.
    explicit basic_service_client(const Client& c,
                                  std::string_view prefix = services::default_prefix)
        : client_(c.handle()), prefix_(prefix) {}

    // --- questions. They wait until no further answer has come for `query::stall`; nobody is no
    // error. Errors: `invalid_service_name`, `invalid_argument` and `invalid_subject`;
    // `invalid_response` when no answer could be read; those of a request.

    /// Which services there are: `std::vector<services::found_service>`, by name.
    template <class... Token>
    auto discover(const services::query& q = {}, Token&&... token) {
        return ask(services::verb::ping, q, services::discover, std::forward<Token>(token)...);
    }
    /// `std::vector<services::ping_response>`, as they come, each with its time.
    template <class... Token>
    auto ping(const services::query& q = {}, Token&&... token) {
        return ask(services::verb::ping, q, services::ping, std::forward<Token>(token)...);
    }
    /// `std::vector<services::info_response>`
    template <class... Token>
    auto info(const services::query& q = {}, Token&&... token) {
        return ask(services::verb::info, q, services::info, std::forward<Token>(token)...);
    }
    /// `std::vector<services::stats_response>`
    template <class... Token>
    auto stats(const services::query& q = {}, Token&&... token) {
        return ask(services::verb::stats, q, services::stats, std::forward<Token>(token)...);
    }

    /// A request to an endpoint: `message`. A service's error response is the error
    /// `service_error`, with its code as `status()`. Other errors: those of a request.
    template <class... Token>
    auto request(std::string_view subject, bytes payload = {},
                 const services::request_options& o = {}, Token&&... token) {
        return client_.run([c = services::outgoing_request(subject, payload, o)](
                               runtime& rt) mutable { return services::request(rt, std::move(c)); },
                           std::forward<Token>(token)...);
    }

private:
    template <class Op, class... Token>
    auto ask(services::verb v, const services::query& q, Op how, Token&&... token) {
        return client_.run([how, asked = services::encode_query(prefix_, v, q)](
                               runtime& rt) mutable { return how(rt, std::move(asked)); },
                           std::forward<Token>(token)...);
    }

    handle_type client_;
    std::string prefix_;
};

} // namespace nats

// SPDX-License-Identifier: Apache-2.0
//
// JetStream on any client: thin templates, a line for each call. What they do is compiled in the
// core, without I/O. `nats::jetstream` is this on the blocking client, where calls return
// `result<T>`; `nats::aio::jetstream` on the Asio client, where they are initiating functions that
// take a completion token as their last argument, `boost::asio::deferred` by default, and complete
// with `void(error_code, T)`; behind the token may stand an `error*` that gets the whole error.
//
// It shares the connection of the client that it was made from, and may outlive that. Copyable.
// Threads: as the client.

#pragma once

#include <natsproto/jetstream/api.hpp>
#include <natsproto/jetstream/api_code.hpp>
#include <natsproto/jetstream/consume_calls.hpp>
#include <natsproto/jetstream/context.hpp>
#include <natsproto/jetstream/direct_get_calls.hpp>
#include <natsproto/jetstream/management_calls.hpp>
#include <natsproto/jetstream/publish_calls.hpp>
#include <natsproto/result.hpp>

#include <memory>
#include <utility>

namespace nats {

template <class Client>
class basic_jetstream : public js::management_calls<basic_jetstream<Client>>,
                        public js::publish_calls<basic_jetstream<Client>>,
                        public js::direct_get_calls<basic_jetstream<Client>>,
                        public js::consume_calls<basic_jetstream<Client>> {
public:
    using handle_type = typename Client::handle_type;

    /// With the default context.
    explicit basic_jetstream(const Client& c)
        : client_(c.handle()), context_(std::make_shared<js::context>()) {}
    /// Errors: those of `js::context::make`.
    [[nodiscard]] static result<basic_jetstream> make(const Client& c,
                                                      const js::context_options& o) {
        result<js::context> made = js::context::make(o);
        if (!made) return made.error();
        return basic_jetstream(c, std::move(*made));
    }

    [[nodiscard]] const js::context& settings() const noexcept { return *context_; }
    [[nodiscard]] handle_type& client() noexcept { return client_; }

    /// For calls that are not here: sends `r`, and reads the answer with `decode`.
    template <class T, class... Token>
    auto call(result<js::api_request> r, Token&&... token) {
        return client_.run(
            [r = std::move(r)](runtime& rt) mutable { return js::call<T>(rt, std::move(r)); },
            std::forward<Token>(token)...);
    }

private:
    basic_jetstream(const Client& c, js::context made)
        : client_(c.handle()), context_(std::make_shared<js::context>(std::move(made))) {}

    handle_type client_;
    std::shared_ptr<const js::context> context_;
};

} // namespace nats

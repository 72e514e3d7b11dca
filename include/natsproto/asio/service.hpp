// SPDX-License-Identifier: Apache-2.0
//
// Services on the Asio client. A handler may be a function, or a coroutine:
//
//     boost::asio::awaitable<void> work(nats::aio::service_call call);
//
// One that is a coroutine is started on the client's executor for each request, up to
// `endpoint_config::max_concurrent` at a time; the rest waits. `stop`, and the connection's drain,
// wait until all have returned.

#pragma once

#include <natsproto/asio/client.hpp>
#include <natsproto/services/basic_service.hpp>
#include <natsproto/services/basic_service_client.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace nats::aio {

using service = basic_service<client>;
using service_group = basic_service_group<client_handle>;
/// What handlers get that are functions.
using service_request = basic_service_request<client_handle>;
/// What handlers get that are coroutines.
using service_call = basic_service_call<client_handle>;
/// Finds services, and asks them.
using service_client = basic_service_client<client>;

} // namespace nats::aio

namespace nats::services::detail {

/// An endpoint whose handler is a coroutine.
struct coroutine_home final : endpoint_home<aio::client_handle> {
    using function = std::function<boost::asio::awaitable<void>(aio::service_call)>;
    coroutine_home(home<aio::client_handle>& h, function f)
        : endpoint_home(h), handler(std::move(f)) {}

    static void tell_ready(void* context) {
        auto& e = *static_cast<coroutine_home*>(context);
        const auto self = e.owner->shared_from_this();
        while (std::optional<message> m = self->state.take_request(e.number))
            e.begin(self, std::move(*m));
    }

    void begin(const std::shared_ptr<home<aio::client_handle>>& self, message m) {
        if (self->client.muted()) return;
        auto record = std::make_shared<request_record>();
        const time_point begun = self->rt()->now();
        std::string reply(m.reply());
        boost::asio::co_spawn(
            self->client.get_executor(),
            [h = &handler, call = aio::service_call(std::move(m), self->client, record)]() mutable {
                return (*h)(std::move(call));
            },
            [self, record, begun, at = number,
             to = std::move(reply)](const std::exception_ptr& thrown) {
                if (self->client.muted()) return;
                if (thrown) self->fail(to, *record);
                self->state.finish_request(at, self->rt()->now() - begun, *record);
                self->client.touch();
                if (!thrown) return;
                boost::asio::post(self->client.get_executor(),
                                  [thrown] { std::rethrow_exception(thrown); });
            });
    }

    function handler;
    notice ready{&coroutine_home::tell_ready, this};
};

template <>
struct endpoint_starter<aio::client_handle> {
    using home_type = home<aio::client_handle>;
    using function = function_home<aio::client_handle>::function;

    static result<void> add(home_type& h, const endpoint_config& c, const scope& in, function f) {
        if (!f) return error{errc::invalid_argument, "no handler"};
        auto made = std::make_unique<function_home<aio::client_handle>>(h, std::move(f));
        result<std::size_t> number =
            h.state.add_endpoint(c, in, &function_home<aio::client_handle>::tell, made.get());
        return keep(h, std::move(made), number);
    }
    static result<void> add(home_type& h, const endpoint_config& c, const scope& in,
                            coroutine_home::function f) {
        if (!f) return error{errc::invalid_argument, "no handler"};
        auto made = std::make_unique<coroutine_home>(h, std::move(f));
        result<std::size_t> number = h.state.add_reader(c, in, made->ready);
        return keep(h, std::move(made), number);
    }

private:
    static result<void> keep(home_type& h, std::unique_ptr<endpoint_home<aio::client_handle>> made,
                             const result<std::size_t>& number) {
        h.client.touch();
        if (!number) return number.error();
        made->number = *number;
        h.endpoints.push_back(std::move(made));
        return {};
    }
};

} // namespace nats::services::detail

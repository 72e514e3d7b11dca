// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a request like any other; that nobody answers means that JetStream is off.

#include <natsproto/jetstream/api.hpp>

#include <utility>

namespace nats::js {

api_request::api_request(const context& c, std::string_view name, std::string b)
    : subject(c.prefix() + std::string(name)), body(std::move(b)), timeout(c.timeout()) {
    if (c.required_api_level())
        (void)fields.set("Nats-Required-Api-Level", std::to_string(*c.required_api_level()));
}

op<result<nats::message>> call_api(runtime& rt, api_request r) {
    const time_point deadline = deadline_after(rt.now(), r.timeout);
    const bytes body(r.body);
    const header_view fields = r.fields;
    result<nats::message> reply =
        co_await ops::request_message(rt, r.subject, body, fields, deadline);
    if (!reply && reply.error() == errc::no_responders)
        co_return error(errc::jetstream_not_enabled, 503, '"' + r.subject + '"');
    co_return std::move(reply);
}

} // namespace nats::js

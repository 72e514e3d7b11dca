// SPDX-License-Identifier: Apache-2.0
//
// A request to JetStream's API: a subject and a JSON body go out, and JSON comes back. What is
// particular to each is two pure functions: one that encodes an `api_request`, and `decode`.

#pragma once

#include <natsproto/client/ops.hpp>
#include <natsproto/headers.hpp>
#include <natsproto/jetstream/context.hpp>
#include <natsproto/message.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace nats::js {

struct api_request {
    api_request(const context& c, std::string_view name, std::string body = {});
    std::string subject;
    std::string body;
    headers fields;
    duration timeout;
};

/// The answer to a request. Errors: `jetstream_not_enabled` when nobody listens there, and those of
/// a request. What the JSON says is not looked at.
[[nodiscard]] op<result<nats::message>> call_api(runtime& rt, api_request r);

/// What an answer without content means.
struct done {};

/// `decode(json, into)`: reads an answer; `jetstream_error` and its relatives for one that is an
/// error, `invalid_response` for one that cannot be read. One overload for each type of answer,
/// beside that type.
[[nodiscard]] result<void> decode(std::string_view json, done& into);

/// A whole call. An `api_request` that could not be made is its result.
template <class T>
[[nodiscard]] op<result<T>> call(runtime& rt, result<api_request> r) {
    if (!r) co_return r.error();
    result<nats::message> reply = co_await call_api(rt, std::move(*r));
    if (!reply) co_return reply.error();
    T into;
    result<void> read = decode(reply->payload(), into);
    if (!read) co_return read.error();
    co_return std::move(into);
}

} // namespace nats::js

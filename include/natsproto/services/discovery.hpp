// SPDX-License-Identifier: Apache-2.0
//
// The client side of services (ADR-32): who is there, and requests whose errors are errors.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/headers.hpp>
#include <natsproto/message.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>
#include <natsproto/services/responses.hpp>
#include <natsproto/services/service_machine.hpp>
#include <natsproto/time.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace nats::services {

/// Who is asked, and how long answers are waited for.
struct query {
    std::string_view name{}; ///< empty: all services
    std::string_view id{};   ///< of one instance; only with `name`
    /// For all answers together. Must be positive.
    duration timeout = std::chrono::seconds(2);
    /// How long each answer may take after the one before it. Must be positive.
    duration stall = std::chrono::milliseconds(300);
    /// More are not waited for. Must not be 0.
    std::uint64_t max_answers = 10'000;
    /// Of all answers together, since anybody may answer: more are an error. Must not be 0.
    std::uint64_t max_bytes = std::uint64_t{64} * 1024 * 1024;
};
static_assert(std::is_trivially_destructible_v<query>);

/// A question that was checked.
struct question {
    question(std::string at, const query& q)
        : subject(std::move(at)),
          timeout(q.timeout),
          stall(q.stall),
          max_answers(q.name.empty() || q.id.empty() ? q.max_answers : 1),
          max_bytes(q.max_bytes) {}
    std::string subject;
    duration timeout;
    duration stall;
    std::uint64_t max_answers;
    std::uint64_t max_bytes;
};

/// Errors: `invalid_service_name`, also for an id that is no token; `invalid_subject` for the
/// prefix; `invalid_argument`.
[[nodiscard]] result<question> encode_query(std::string_view prefix, verb v, const query& q);

/// The instances of one service.
struct found_service {
    found_service() = default;
    explicit found_service(std::string_view called) : name(called) {}
    std::string name;
    std::vector<identity> instances; ///< by version and id
};

/// All answers, as they come; none is no error. An answer that cannot be read is left out, unless
/// there is no other: `invalid_response`, as for more than `query::max_bytes`. Errors: those of a
/// request, but for `no_responders`.
[[nodiscard]] op<result<std::vector<ping_response>>> ping(runtime& rt, result<question> q);
[[nodiscard]] op<result<std::vector<info_response>>> info(runtime& rt, result<question> q);
[[nodiscard]] op<result<std::vector<stats_response>>> stats(runtime& rt, result<question> q);
/// The answers to `ping`, by the name of the service.
[[nodiscard]] op<result<std::vector<found_service>>> discover(runtime& rt, result<question> q);

struct request_options {
    duration timeout = std::chrono::seconds(5); ///< must be positive
    header_view headers{};
};
static_assert(std::is_trivially_destructible_v<request_options>);

/// A request that owns what it sends.
struct outgoing_request {
    outgoing_request(std::string_view to, bytes body, const request_options& o);
    std::string subject;
    std::string payload;
    std::string headers;
    duration timeout;
};
/// The reply. Errors: `service_error`; those of a request.
[[nodiscard]] op<result<message>> request(runtime& rt, outgoing_request c);

} // namespace nats::services

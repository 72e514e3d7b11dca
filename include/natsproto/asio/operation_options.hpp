// SPDX-License-Identifier: Apache-2.0
//
// What the operations of the Asio client can be told. Only views and numbers, so that they can be
// written inside a `co_await` expression with g++ 12.

#pragma once

#include <natsproto/error.hpp>
#include <natsproto/headers.hpp>
#include <natsproto/time.hpp>

#include <type_traits>

namespace nats::aio {

// An operation completes with an error code, whose value tests as `ec == nats::errc::timeout`. What
// a code cannot carry, such as the subject that it is about or the server's text, is written to
// `why` before the handler is called, if it is given and there is an error; it must live until
// then.

struct wait_options {
    duration timeout = std::chrono::seconds(10); ///< must be positive
    error* why = nullptr;
};
static_assert(std::is_trivially_destructible_v<wait_options>);

struct next_options {
    /// 0: take what is there; `duration::max()`: wait for ever.
    duration timeout = duration::max();
    error* why = nullptr;
};
static_assert(std::is_trivially_destructible_v<next_options>);

struct request_options {
    duration timeout = std::chrono::seconds(5); ///< must be positive
    header_view headers{};
    error* why = nullptr;
};
static_assert(std::is_trivially_destructible_v<request_options>);

} // namespace nats::aio

// SPDX-License-Identifier: Apache-2.0
//
// Which client the integration tests mean by `client`: the blocking one, or in a second program the
// Asio client with the same calls.

#pragma once

#ifdef NATSPROTO_TEST_ON_ASIO

#include "integration/asio_client.hpp"

namespace nats::test {

using on_asio::client;
using on_asio::replies;
using on_asio::subscription;
inline constexpr bool through_asio = true;

} // namespace nats::test

#else

#include <natsproto/blocking/client.hpp>

namespace nats::test {

inline constexpr bool through_asio = false;

} // namespace nats::test

#endif

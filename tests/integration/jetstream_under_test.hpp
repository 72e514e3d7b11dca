// SPDX-License-Identifier: Apache-2.0
//
// JetStream on the client that client_under_test.hpp means.

#pragma once

#include <natsproto/jetstream/basic_jetstream.hpp>

#include "integration/client_under_test.hpp"

#ifdef NATSPROTO_TEST_ON_ASIO
#include "integration/asio_facade.hpp"
#endif

namespace nats::test {

using jetstream = basic_jetstream<client>;

} // namespace nats::test

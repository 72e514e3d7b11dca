// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <natsproto/asio/client.hpp>
#include <natsproto/jetstream/basic_jetstream.hpp>

namespace nats::aio {

/// JetStream on the Asio client.
using jetstream = basic_jetstream<client>;

} // namespace nats::aio

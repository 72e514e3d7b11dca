// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <natsproto/blocking/client.hpp>
#include <natsproto/jetstream/basic_jetstream.hpp>

namespace nats {

/// JetStream on the blocking client.
using jetstream = basic_jetstream<client>;

} // namespace nats

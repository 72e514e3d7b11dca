// SPDX-License-Identifier: Apache-2.0
//
// The driver of virtual time: a session and its runtime, as docs/drivers.md says it.

#pragma once

#include <natsproto/options.hpp>
#include <natsproto/result.hpp>

#include "driver/connection.hpp"

#include <memory>

namespace nats::test {

class virtual_world;

[[nodiscard]] result<std::unique_ptr<connection>> connect_virtually(virtual_world& world,
                                                                    const options& o,
                                                                    event_handler on_event);

} // namespace nats::test

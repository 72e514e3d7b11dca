// SPDX-License-Identifier: Apache-2.0
//
// The scripts that are disturbed: together they have every operation wait at each place where it
// can.

#pragma once

#include "asio/stage.hpp"

#include <vector>

namespace nats::test {

/// Every operation once, with a server that answers.
[[nodiscard]] script every_operation();
/// The same, with a way that takes a few bytes at a time.
[[nodiscard]] script every_operation_in_pieces();
/// Servers that are not there, and one that waits with its INFO and its PONG.
[[nodiscard]] script connecting();
/// No server at first, and the client is told to go on.
[[nodiscard]] script retrying();
/// The connection breaks while operations wait.
[[nodiscard]] script reconnecting();
/// The network takes nothing for a while.
[[nodiscard]] script full_output();
/// Ends by a drain that waits for handlers and a reader.
[[nodiscard]] script draining();

[[nodiscard]] std::vector<script> all_scripts();

} // namespace nats::test

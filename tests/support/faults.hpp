// SPDX-License-Identifier: Apache-2.0
//
// What a network can do to a connection: the words that the test drivers share.

#pragma once

#include <cstdint>

namespace nats::test {

/// How a byte stream is cut into reads or writes.
enum class cut : std::uint8_t { whole, bytes, random };
/// What becomes of an attempt to reach a server.
enum class reach : std::uint8_t { accepts, refused, unknown_host, silent };
/// How a connection breaks. `silence`: from then on nothing arrives on either side, and nobody says
/// so.
enum class fault : std::uint8_t { eof, io_error, silence };

} // namespace nats::test

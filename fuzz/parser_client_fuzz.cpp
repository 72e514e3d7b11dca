// SPDX-License-Identifier: Apache-2.0
// Invariant: whatever a client sends, cut in any way, gives the same frames and then one error or
// none, and never anything else.

#include "support/fuzz_parser.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { // NOLINT
    nats::test::check_parser(nats::wire::sender::client,
                             {reinterpret_cast<const char*>(data), size});
    return 0;
}

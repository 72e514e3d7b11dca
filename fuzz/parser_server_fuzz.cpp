// SPDX-License-Identifier: Apache-2.0
// Invariant: whatever a server sends, cut in any way, gives the same frames and then one error or
// none, and never anything else.

#include "support/fuzz_parser.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

/// A connection has a buffer of its own and reads messages without asking the parser first.
void check_connection(std::string_view bytes) {
    using namespace nats;
    const auto text = [](const test::conversation& c) {
        return c.events + "sent " + c.sent + " rest " + std::to_string(c.rest);
    };
    const test::conversation whole = test::converse({bytes});
    const test::chunks pieces = test::pieces_by_seed(bytes, test::hash_of(bytes));
    test::require_same(text(whole), text(test::converse(pieces)),
                       "through a connection, in pieces");
    const test::chunks small = test::pieces_of(bytes, 1);
    test::require_same(text(whole), text(test::converse(small)),
                       "through a connection, byte by byte");
    const test::parsed frames = test::parse(wire::sender::server, {bytes});
    test::require(frames.failed == whole.events.ends_with(test::failed(frames.why)),
                  "parser and connection agree about a failure");
    test::require(frames.rest == whole.rest, "parser and connection agree about the rest");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { // NOLINT
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    nats::test::check_parser(nats::wire::sender::server, bytes);
    check_connection(bytes);
    return 0;
}

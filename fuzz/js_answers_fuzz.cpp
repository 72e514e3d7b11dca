// SPDX-License-Identifier: Apache-2.0
// Invariant: what the quick scan of an acknowledgement accepts means the same to the JSON library,
// and what is read out of a direct get's answer is a whole message with well-formed headers.

#include <natsproto/jetstream/direct_get.hpp>
#include <natsproto/jetstream/publish.hpp>

#include "core/jetstream/ack_scan.hpp"
#include "support/fuzz_input.hpp"
#include "support/transcript.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

using namespace nats;
using test::require;

void check_ack(std::string_view bytes) {
    const test::exact_copy exact(bytes);
    js::pub_ack scanned;
    js::pub_ack decoded;
    if (js::scan_ack(exact.view(), scanned)) {
        require(js::decode(exact.view(), decoded).has_value(), "accepted by the scan only");
        require(scanned == decoded, "the scan reads something else");
    }
    nats::message_view m;
    m.payload = exact.view();
    if (js::read_ack(m, scanned)) {
        require(!scanned.stream.empty(), "an acknowledgement of no stream");
        require(scanned.seq != 0 || !scanned.batch.empty(), "an acknowledgement of nothing");
    }
}

/// The bytes are the header block, up to a zero, and the payload.
void check_direct(std::string_view bytes) {
    const test::exact_copy exact(bytes);
    const std::size_t end = exact.view().find('\0');
    nats::message_view m;
    m.headers = header_view(exact.view().substr(0, end));
    if (end != std::string_view::npos) m.payload = exact.view().substr(end + 1);
    js::stored_message one;
    if (js::read_direct(m, one)) {
        require(one.sequence != 0 && one.time, "half a message");
        require(one.payload == m.payload, "another payload");
        require(one.header_block.size() < m.headers.raw().size(), "headers grow");
        require(one.header_block.empty() || !m.headers.well_formed() || one.headers().well_formed(),
                "headers that were well formed are not");
    }
    js::direct_batch_machine machine(2);
    js::direct_batch all;
    for (int i = 0; i < 3; ++i) {
        if (machine.handle_message(m, all) != js::direct_batch_machine::verdict::more) break;
    }
    require(all.messages.size() <= 2, "more than was asked for");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check_ack(bytes);
    check_direct(bytes);
    return 0;
}

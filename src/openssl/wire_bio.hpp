// SPDX-License-Identifier: Apache-2.0
//
// The wire as OpenSSL sees it: a BIO that reads from and writes to buffers of ours.

#pragma once

#include <natsproto/wire/input_buffer.hpp>
#include <natsproto/wire/output_queue.hpp>

#include "openssl/handles.hpp"

#include <cstdint>

namespace nats::openssl {

/// What a wire BIO works on. It has to stay where it is while the BIO lives.
struct wire_buffers {
    wire::input_buffer input;
    wire::output_queue output;
    std::uint64_t written = 0;  ///< wire bytes that OpenSSL has ever written
    bool out_of_memory = false; ///< the output could not grow: what OpenSSL wrote is lost
};

/// Never blocks: without input it says "retry". Null: no memory.
[[nodiscard]] bio_ptr make_wire_bio(wire_buffers& buffers);

} // namespace nats::openssl

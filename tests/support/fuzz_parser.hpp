// SPDX-License-Identifier: Apache-2.0
//
// What the two parser targets check, each for its sender.

#pragma once

#include <natsproto/wire/encoder.hpp>

#include "support/fuzz_input.hpp"
#include "support/transcript.hpp"

#include <string>
#include <string_view>

namespace nats::test {

inline bool inside(std::string_view whole, std::string_view part) noexcept {
    return part.empty() || (part.data() >= whole.data() &&
                            part.data() + part.size() <= whole.data() + whole.size());
}

/// Goes over the frames of `bytes`: all views lie in the frame, and what is encoded again reads
/// back the same.
inline void check_frames(wire::sender from, std::string_view bytes, const limits& bounds) {
    const exact_copy exact(bytes);
    std::string_view rest = exact.view();
    wire::parser parser(from, bounds);
    wire::frame f;
    while (parser.next(rest, f) == wire::parser::status::frame) {
        require(f.size > 0 && f.size <= rest.size(), "the size of a frame");
        const std::string_view whole = rest.substr(0, f.size);
        rest.remove_prefix(f.size);
        if (f.kind != wire::op::msg && f.kind != wire::op::pub) continue;
        for (const std::string_view part : {f.subject, f.reply, f.headers.raw(), f.payload})
            require(inside(whole, part), "a view");
        require(f.headers.raw().size() + f.payload.size() + 2 < f.size,
                "the sizes of header and payload");
        if (f.has_headers == f.headers.raw().empty())
            continue; // HMSG with an empty block is written as MSG
        wire::output_queue q;
        if (f.kind == wire::op::msg) {
            wire::encode_msg(q, f.subject, f.sid_text, f.reply, f.headers.raw(), f.payload);
        } else {
            wire::encode_pub(q, f.subject, f.reply, f.headers.raw(), f.payload);
        }
        const_buffer piece[1];
        require(q.gather(piece) == 1, "one frame is one piece");
        const parsed again = parse(from, {{piece[0].data, piece[0].size}}, bounds);
        require_same(to_text(f), again.text, "encoded and parsed again");
    }
}

inline void check_parser(wire::sender from, std::string_view bytes, const limits& bounds) {
    const auto text = [](const parsed& p) { return p.text + "rest " + std::to_string(p.rest); };
    const std::string whole = text(parse(from, {bytes}, bounds));
    require_same(whole, text(parse(from, pieces_by_seed(bytes, hash_of(bytes)), bounds)),
                 "in pieces");
    const std::size_t half = bytes.empty() ? 0 : hash_of(bytes) % bytes.size();
    require_same(whole, text(parse(from, {bytes.substr(0, half), bytes.substr(half)}, bounds)),
                 "in two");
    if (bytes.size() <= 2000)
        require_same(whole, text(parse(from, pieces_of(bytes, 1), bounds)), "byte by byte");
    check_frames(from, bytes, bounds);
}

inline void check_parser(wire::sender from, std::string_view bytes) {
    check_parser(from, bytes, {});
    limits small; // so that small inputs reach them
    small.max_line = 30;
    small.max_info = 40;
    small.max_message = 50;
    small.max_header_block = 20;
    check_parser(from, bytes, small);
}

} // namespace nats::test

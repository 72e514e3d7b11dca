// SPDX-License-Identifier: Apache-2.0
//
// The vector runner: see feed.hpp.

#include "support/feed.hpp"

#include <gtest/gtest.h>

namespace nats::test {

namespace {

std::string split_name(std::string_view bytes, std::size_t at) {
    return "split: " + in_quotes(bytes.substr(0, at)) + " | " + in_quotes(bytes.substr(at));
}

/// Compares `run(chunks)` for every way to cut `bytes` with the whole.
template <class Run>
auto expect_same_for_all_cuts(std::string_view bytes, Run run) {
    auto whole = run(chunks{bytes});
    for (std::size_t at = 0; at <= bytes.size(); ++at) {
        if (run(chunks{bytes.substr(0, at), bytes.substr(at)}) == whole) continue;
        ADD_FAILURE() << split_name(bytes, at);
        break; // the others would say the same
    }
    EXPECT_EQ(run(pieces_of(bytes, 1)), whole) << "byte by byte: " << in_quotes(bytes);
    EXPECT_EQ(run(pieces_of(bytes, 3)), whole) << "in threes: " << in_quotes(bytes);
    return whole;
}

/// Enough bytes behind a vector that a parser may look at it in wide blocks.
constexpr int next_operations = 16;

std::string repeated(std::string_view text) {
    std::string out;
    for (int i = 0; i < next_operations; ++i) out += text;
    return out;
}

void expect_connection_agrees(std::string_view bytes, const parsed& frames, const limits& bounds) {
    const conversation talk = expect_same_for_all_cuts(
        bytes, [&bounds](const chunks& input) { return converse(input, bounds); });
    EXPECT_EQ(talk.rest, frames.rest);
    EXPECT_EQ(talk.events.ends_with(failed(frames.why)), frames.failed) << talk.events;
}

} // namespace

void expect_frames(wire::sender from, std::string_view bytes, std::string_view expected,
                   const limits& bounds) {
    const auto run = [&](const chunks& input) { return parse(from, input, bounds); };
    const parsed whole = expect_same_for_all_cuts(bytes, run);
    EXPECT_EQ(whole.text, expected) << "whole: " << in_quotes(bytes);
    if (whole.failed || whole.rest == 0) {
        const std::string two = std::string(bytes) + repeated("PING\r\n");
        const std::string more = std::string(expected) + (whole.failed ? "" : repeated("ping\n"));
        EXPECT_EQ(expect_same_for_all_cuts(two, run).text, more)
            << "with the next: " << in_quotes(two);
        const std::string part = std::string(bytes) + "PI";
        EXPECT_EQ(expect_same_for_all_cuts(part, run).text, expected)
            << "with a part of the next: " << in_quotes(part);
    }
    if (from == wire::sender::server) expect_connection_agrees(bytes, whole, bounds);
}

void expect_vectors(wire::sender from, const std::vector<wire_case>& all, const limits& bounds) {
    for (const wire_case& v : all) {
        SCOPED_TRACE(v.name);
        expect_frames(from, v.bytes, v.frames, bounds);
    }
}

void expect_events(std::string_view bytes, std::string_view expected, std::string_view sent,
                   const limits& bounds) {
    const auto run = [&](const chunks& input) { return converse(input, bounds); };
    const conversation whole = expect_same_for_all_cuts(bytes, run);
    EXPECT_EQ(whole.events, expected) << "whole: " << in_quotes(bytes);
    EXPECT_EQ(whole.sent, sent) << "whole: " << in_quotes(bytes);
    const bool closed = whole.events.find("failed: ") != std::string::npos;
    if (closed || whole.rest == 0) {
        const std::string two = std::string(bytes) + repeated("PONG\r\n");
        const std::string more = std::string(expected) + (closed ? "" : repeated("pong\n"));
        EXPECT_EQ(expect_same_for_all_cuts(two, run).events, more)
            << "with the next: " << in_quotes(two);
    }
}

void expect_fails_at_end(wire::sender from, std::string_view bytes, errc why,
                         const limits& bounds) {
    SCOPED_TRACE(in_quotes(bytes));
    ASSERT_FALSE(bytes.empty());
    const parsed before = parse(from, {bytes.substr(0, bytes.size() - 1)}, bounds);
    EXPECT_EQ(before.text, "") << "fails before the last byte";
    EXPECT_EQ(before.rest, bytes.size() - 1);
    expect_frames(from, bytes, failed(why), bounds);
}

void expect_served(const std::vector<served_case>& all, const server_info& info,
                   const wire::server_connection_options& o) {
    const auto run = [&](const chunks& input) { return serve(input, info, o); };
    for (const served_case& v : all) {
        SCOPED_TRACE(v.name);
        const served whole = expect_same_for_all_cuts(v.bytes, run);
        EXPECT_EQ(whole.events, v.events) << "whole: " << in_quotes(v.bytes);
        EXPECT_EQ(whole.sent, v.sent) << "whole: " << in_quotes(v.bytes);
        const bool closed = whole.state == wire::connection_state::closed;
        if (!closed && (whole.rest != 0 || whole.state != wire::connection_state::open)) continue;
        const std::string two = v.bytes + repeated("PING\r\n");
        const served more = expect_same_for_all_cuts(two, run);
        EXPECT_EQ(more.events, v.events + (closed ? "" : repeated("ping\n")));
        EXPECT_EQ(more.sent, v.sent + (closed ? "" : repeated("PONG\r\n")));
    }
}

} // namespace nats::test

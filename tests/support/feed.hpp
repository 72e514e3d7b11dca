// SPDX-License-Identifier: Apache-2.0
//
// The vector runner: one byte string, fed in every way in which a network can deliver it, must
// always give the same.

#pragma once

#include <natsproto/limits.hpp>

#include "support/server_transcript.hpp"
#include "support/transcript.hpp"

#include <string>
#include <string_view>

namespace nats::test {

/// Bytes, and the transcript (see `to_text`) of the frames in them.
struct wire_case {
    std::string name;
    std::string bytes;
    std::string frames;
};

/// Feeds `bytes` to a parser: whole, in two at every place, byte by byte, and with the start and
/// the whole of a next operation behind it. Each gives the transcript `expected`. Bytes of a server
/// go to an open client_connection in the same ways too, which must agree with the parser about
/// where and why they fail.
void expect_frames(wire::sender from, std::string_view bytes, std::string_view expected,
                   const limits& bounds = {});

/// The same for an open client_connection, its events and the bytes that it sends.
void expect_events(std::string_view bytes, std::string_view expected, std::string_view sent = {},
                   const limits& bounds = {});

/// `expect_frames` for each, with its name in the failures.
void expect_vectors(wire::sender from, const std::vector<wire_case>& all,
                    const limits& bounds = {});

/// As `expect_frames` of a failure without a frame before it, and: nothing is wrong until the last
/// byte of `bytes`, which is the first wrong one.
void expect_fails_at_end(wire::sender from, std::string_view bytes, errc why,
                         const limits& bounds = {});

/// What the client of a server's connection says, and what comes of it.
struct served_case {
    std::string name;
    std::string bytes;
    std::string events; ///< as of `drain_events`
    std::string sent;
};

/// Feeds each case to a started server_connection in all the ways of `expect_frames`.
void expect_served(const std::vector<served_case>& all, const server_info& info = plain_server(),
                   const wire::server_connection_options& o = {});

} // namespace nats::test

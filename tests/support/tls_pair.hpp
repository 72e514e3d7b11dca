// SPDX-License-Identifier: Apache-2.0
//
// A TLS link and a server, joined without a network: the test decides how the wire bytes are cut,
// and everything is counted.

#pragma once

#include <natsproto/crypto.hpp>
#include <natsproto/openssl/provider.hpp>

#include "support/certificates.hpp"
#include "support/tls_server.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace nats::test {

/// How many wire bytes travel at a time.
using wire_cut = std::function<std::size_t()>;
[[nodiscard]] wire_cut whole();
[[nodiscard]] wire_cut always(std::size_t n);
[[nodiscard]] wire_cut at_random(std::uint64_t seed);

/// A link for `p`. Fails the test, and throws, if there is none.
[[nodiscard]] std::unique_ptr<link> make_link(const tls_parameters& p);

/// Takes wire bytes that wait in `from`, at most `limit`. `completed`, if given, grows by what
/// `transmitted` says.
std::string take_wire(link& from, std::size_t limit = SIZE_MAX, std::size_t* completed = nullptr);
/// Wire bytes, as a transport would deliver them.
void give_wire(link& to, std::string_view bytes);
/// All that can be read now.
std::string read_all(link& from);
/// As a session does: one write of these pieces.
std::size_t write_text(link& to, std::string_view text);

struct tls_pair {
    tls_pair(const tls_parameters& p, const tls_server_options& o)
        : client(make_link(p)), server(o) {}

    /// Moves wire bytes both ways, and reads, until nothing moves any more.
    void exchange(const wire_cut& cut = whole());

    std::unique_ptr<link> client;
    tls_server server;
    std::string received;      ///< by the client, decrypted
    std::string from_server;   ///< all wire bytes that went to the client
    std::size_t completed = 0; ///< sum of what `transmitted` said
};

} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: what waits on one side is cut and given to the other, in turns, until both
// are silent.

#include "support/tls_pair.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>

namespace nats::test {

wire_cut whole() {
    return [] { return SIZE_MAX; };
}

wire_cut always(std::size_t n) {
    return [n] { return n; };
}

wire_cut at_random(std::uint64_t seed) {
    return [engine = std::mt19937_64(seed)]() mutable -> std::size_t {
        // Mostly small, now and then a lot.
        return engine() % 8 == 0 ? 1 + engine() % 20000 : 1 + engine() % 40;
    };
}

std::unique_ptr<link> make_link(const tls_parameters& p) {
    static const openssl::provider provider;
    auto made = provider.tls_client(p);
    EXPECT_TRUE(made) << made.error().message();
    return std::move(made).value();
}

std::string take_wire(link& from, std::size_t limit, std::size_t* completed) {
    std::string out;
    std::array<const_buffer, 3> pieces{};
    while (out.size() < limit) {
        const std::size_t before = from.untransmitted();
        const std::size_t n = from.poll_transmit(pieces);
        if (n == 0) break;
        std::size_t taken = 0;
        for (const const_buffer& piece : std::span(pieces).first(n)) {
            const std::size_t part = std::min(piece.size, limit - out.size());
            out.append(piece.data, part);
            taken += part;
        }
        const std::size_t done = from.transmitted(taken);
        if (completed != nullptr) *completed += done;
        EXPECT_EQ(from.untransmitted(), before - taken);
    }
    return out;
}

void give_wire(link& to, std::string_view bytes) {
    const std::span<char> space = to.prepare(std::max<std::size_t>(bytes.size(), 1));
    ASSERT_GE(space.size(), bytes.size());
    if (!bytes.empty()) std::memcpy(space.data(), bytes.data(), bytes.size());
    to.commit(bytes.size());
}

std::string read_all(link& from) {
    std::string out;
    std::array<char, 5000> block; // NOLINT(*-member-init): filled by read
    while (const std::size_t n = from.read(block)) out.append(block.data(), n);
    return out;
}

std::size_t write_text(link& to, std::string_view text) {
    const const_buffer piece{text.data(), text.size()};
    return to.write({&piece, 1});
}

void tls_pair::exchange(const wire_cut& cut) {
    for (;;) {
        const std::string up = take_wire(*client, cut(), &completed);
        if (!up.empty()) server.receive(up);
        const std::string down = server.take_output(cut());
        from_server += down;
        if (!down.empty()) give_wire(*client, down);
        const std::string plain = read_all(*client);
        received += plain;
        if (up.empty() && down.empty() && plain.empty()) return;
    }
}

} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: names of streams and consumers have no dots, so the number of tokens tells
// the two forms apart. Whoever can publish to an inbox can write such a subject, so numbers are
// read with care.

#include <natsproto/jetstream/metadata.hpp>

#include "core/text/ascii.hpp"

#include <array>
#include <cstddef>
#include <limits>

namespace nats::js {

namespace {

constexpr std::string_view ack_prefix = "$JS.ACK.";
constexpr std::size_t short_form = 7; // tokens behind the prefix
constexpr std::size_t long_form = 9;  // and at least so many in the form with domain and account

struct tokens {
    std::array<std::string_view, long_form> at;
    std::size_t count = 0; ///< may be more than there is place for
    bool empty_one = false;
};

tokens split(std::string_view s) noexcept {
    tokens t;
    while (true) {
        const std::size_t dot = s.find('.');
        const std::string_view token = s.substr(0, dot);
        t.empty_one = t.empty_one || token.empty();
        if (t.count < t.at.size()) t.at[t.count] = token;
        ++t.count;
        if (dot == std::string_view::npos) return t;
        s.remove_prefix(dot + 1);
    }
}

bool read_numbers(const std::string_view* at, metadata& m) noexcept {
    using text::parse_decimal;
    std::uint64_t ns = 0;
    if (!parse_decimal(at[0], m.delivered) || !parse_decimal(at[1], m.stream_sequence) ||
        !parse_decimal(at[2], m.consumer_sequence) || !parse_decimal(at[3], ns) ||
        !parse_decimal(at[4], m.pending))
        return false;
    if (ns > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return false;
    m.timestamp = std::chrono::sys_time<std::chrono::nanoseconds>(
        std::chrono::nanoseconds(static_cast<std::int64_t>(ns)));
    return true;
}

} // namespace

bool is_ack_subject(std::string_view reply) noexcept {
    return reply.starts_with(ack_prefix);
}

result<metadata> parse_metadata(std::string_view reply) {
    const auto broken = [&] {
        return error{errc::not_jetstream, "reply subject \"" + printable(reply) + '"'};
    };
    if (!is_ack_subject(reply)) return broken();
    const tokens t = split(reply.substr(ack_prefix.size()));
    if (t.empty_one || (t.count != short_form && t.count < long_form)) return broken();
    metadata m;
    std::size_t first = 0;
    if (t.count >= long_form) {
        if (t.at[0] != "_") m.domain = t.at[0];
        m.account_hash = t.at[1];
        first = 2;
    }
    m.stream = t.at[first];
    m.consumer = t.at[first + 1];
    if (!read_numbers(t.at.data() + first + 2, m)) return broken();
    return m;
}

} // namespace nats::js

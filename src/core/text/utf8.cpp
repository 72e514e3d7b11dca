// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the first byte says how many follow and what range the second may have
// (table 3-7 of the Unicode standard); all further ones are 80 to BF.

#include "core/text/utf8.hpp"

#include <cstddef>

namespace nats::text {

namespace {

struct sequence {
    std::size_t length = 0; ///< 0: no sequence begins with this byte
    unsigned char low = 0x80;
    unsigned char high = 0xbf;
};

constexpr sequence sequence_of(unsigned char first) noexcept {
    if (first < 0x80) return {1};
    if (first < 0xc2) return {}; // in the middle of one, or overlong
    if (first < 0xe0) return {2};
    if (first == 0xe0) return {3, 0xa0, 0xbf};
    if (first == 0xed) return {3, 0x80, 0x9f}; // surrogates lie behind
    if (first < 0xf0) return {3};
    if (first == 0xf0) return {4, 0x90, 0xbf};
    if (first < 0xf4) return {4};
    if (first == 0xf4) return {4, 0x80, 0x8f};
    return {};
}

} // namespace

bool is_utf8(std::string_view s) noexcept {
    std::size_t at = 0;
    const auto byte = [&s](std::size_t i) noexcept { return static_cast<unsigned char>(s[i]); };
    while (at < s.size()) {
        const sequence expected = sequence_of(byte(at));
        if (expected.length == 0 || expected.length > s.size() - at) return false;
        for (std::size_t i = 1; i < expected.length; ++i) {
            const unsigned char low = i == 1 ? expected.low : 0x80;
            const unsigned char high = i == 1 ? expected.high : 0xbf;
            if (byte(at + i) < low || byte(at + i) > high) return false;
        }
        at += expected.length;
    }
    return true;
}

} // namespace nats::text

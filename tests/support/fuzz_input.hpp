// SPDX-License-Identifier: Apache-2.0
//
// What the fuzz targets share: an input read piece by piece, and a check that ends the program and
// says what differs.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace nats::test {

/// Stops the program, as fuzzers want it, when an invariant does not hold.
inline void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
}

template <class T>
void require_same(const T& whole, const T& other, const char* what) {
    if (whole == other) return;
    std::fprintf(stderr, "--- whole\n%s\n--- %s\n%s\n", whole.c_str(), what, other.c_str());
    std::abort();
}

/// Numbers and strings out of arbitrary bytes; zeros and empty ones when there are no more.
class fuzz_input {
public:
    explicit fuzz_input(std::string_view bytes) noexcept : rest_(bytes) {}

    [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }
    [[nodiscard]] std::uint8_t byte() noexcept {
        if (rest_.empty()) return 0;
        const auto out = static_cast<std::uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        return out;
    }
    /// A byte says how long it is.
    [[nodiscard]] std::string_view text() noexcept {
        const std::size_t wanted = byte(); // first: it takes one of the bytes that are left
        const std::size_t n = std::min(wanted, rest_.size());
        const std::string_view out = rest_.substr(0, n);
        rest_.remove_prefix(n);
        return out;
    }

private:
    std::string_view rest_;
};

/// A number that depends on all of the bytes: it seeds how they are cut.
inline std::uint64_t hash_of(std::string_view bytes) noexcept {
    std::uint64_t hash = 14695981039346656037U;
    for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
    return hash;
}

} // namespace nats::test

// SPDX-License-Identifier: Apache-2.0
//
// Finds the bytes up to 0x20 (blanks, CR, LF, other control characters) of a line, 32 at a time. A
// control line of the protocol has about six of them, so looking at those alone replaces a loop
// over all its bytes.

#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace nats::text {

#if defined(__SSE2__)
inline constexpr bool has_wide_scan = true;

/// Bit i: `p[i]` is at most 0x20. Reads 16 bytes.
[[nodiscard]] inline std::uint64_t low_bytes_16(const char* p) noexcept {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x20)), bytes);
    return static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(low)));
}

/// Bit i: `p[i]` is `c`. Reads 16 bytes.
[[nodiscard]] inline std::uint64_t equal_bytes_16(const char* p, char c) noexcept {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i equal = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c));
    return static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(equal)));
}

[[nodiscard]] inline std::uint64_t low_bytes_32(const char* p) noexcept {
    return low_bytes_16(p) | (low_bytes_16(p + 16) << 16U);
}
#else
inline constexpr bool has_wide_scan = false; // the plain loops serve
inline std::uint64_t low_bytes_32(const char*) noexcept {
    return 0;
}
#endif

/// Yields the positions of low bytes in order, as long as whole blocks are there to read.
class control_scanner {
public:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);
    static constexpr std::size_t block = 32;

    /// `size` must be at least `block`.
    control_scanner(const char* data, std::size_t size) noexcept
        : data_(data), size_(size), mask_(low_bytes_32(data)) {}

    /// Passes over the first position, which must be in the first block.
    void skip_first() noexcept { mask_ &= mask_ - 1; }

    /// The next position, or `none` when the bytes that are left do not fill a block.
    [[nodiscard]] std::size_t next() noexcept {
        while (mask_ == 0) {
            base_ += block;
            if (size_ - base_ < block) return none;
            mask_ = low_bytes_32(data_ + base_);
        }
        const auto at = static_cast<std::size_t>(std::countr_zero(mask_));
        mask_ &= mask_ - 1;
        return base_ + at;
    }

private:
    const char* data_;
    std::size_t size_;
    std::size_t base_ = 0;
    std::uint64_t mask_;
};

} // namespace nats::text

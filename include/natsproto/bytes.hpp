// SPDX-License-Identifier: Apache-2.0
//
// `bytes`: a borrowed run of bytes, for arguments. Text and binary data convert to it without a
// cast.

#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace nats {

/// A view of bytes that the caller owns; used for arguments only, so that a string, a string
/// literal and a `std::span<const std::byte>` can all be a payload.
class bytes {
public:
    constexpr bytes() noexcept = default;
    constexpr bytes(const char* data, std::size_t size) noexcept : view_(data, size) {}
    constexpr bytes(std::string_view text) noexcept : view_(text) {}
    constexpr bytes(const char* text) noexcept : view_(text) {}
    bytes(const std::string& text) noexcept : view_(text) {}
    bytes(std::span<const std::byte> b) noexcept
        : view_(reinterpret_cast<const char*>(b.data()), b.size()) {}
    bytes(std::span<const unsigned char> b) noexcept
        : view_(reinterpret_cast<const char*>(b.data()), b.size()) {}

    [[nodiscard]] constexpr const char* data() const noexcept { return view_.data(); }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return view_.size(); }
    [[nodiscard]] constexpr bool empty() const noexcept { return view_.empty(); }
    [[nodiscard]] constexpr std::string_view text() const noexcept { return view_; }

private:
    std::string_view view_;
};

/// One piece of output: what `poll_transmit` fills and a gathering write takes.
struct const_buffer {
    const char* data = nullptr;
    std::size_t size = 0;
};

} // namespace nats

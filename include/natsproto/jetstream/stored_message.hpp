// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <natsproto/headers.hpp>
#include <natsproto/jetstream/wall_time.hpp>
#include <natsproto/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nats::js {

/// A message as it lies in a stream. Owns what it holds.
struct stored_message {
    stored_message() = default;

    std::string subject;
    std::string stream; ///< of a direct get, which a mirror may have answered; else empty
    std::uint64_t sequence = 0;
    std::string header_block; ///< as it was published; empty: no headers
    std::string payload;
    std::optional<wall_time> time; ///< when it was stored

    /// Valid until this object changes.
    [[nodiscard]] header_view headers() const noexcept { return header_view(header_block); }

    friend bool operator==(const stored_message&, const stored_message&) = default;
};

/// Of the answer to a request for a message.
[[nodiscard]] result<void> decode(std::string_view json, stored_message& into);
/// As the API has it: subject, seq, hdrs and data in Base64, time.
[[nodiscard]] result<std::string> to_json(const stored_message& m);

} // namespace nats::js

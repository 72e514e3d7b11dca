// SPDX-License-Identifier: Apache-2.0
//
// How objects are written and read.

#pragma once

#include <natsproto/result.hpp>
#include <natsproto/time.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace nats::obj {

inline constexpr std::uint32_t default_chunk_size = 128 * 1024;

/// How far a put or a get is.
struct transfer_progress {
    std::uint64_t bytes = 0;
    std::optional<std::uint64_t> total{}; ///< if it is known
};

/// Who is told of it: before each piece, and at the end.
struct progress_listener {
    using function = void (*)(void* context, const transfer_progress& p);
    function tell = nullptr; ///< null: nobody
    void* context = nullptr;

    void operator()(const transfer_progress& p) const {
        if (tell != nullptr) tell(context, p);
    }
};

struct put_options {
    /// Bytes of each chunk but the last. 0: 128 KiB. At most the server's `max_payload`, less what
    /// headers take.
    std::uint32_t chunk_size = 0;
    /// How many bytes may be on their way without the server's word that it has them; at least one
    /// chunk is. What a put takes of memory, about.
    std::uint64_t window = 2 * 1024 * 1024;
    /// How long the server's word for a chunk may take. Must be positive.
    duration timeout = std::chrono::seconds(30);
    /// Of calls that write a whole object. Its context must live as long as they take.
    progress_listener progress{};
};
static_assert(std::is_trivially_destructible_v<put_options>);

/// Errors: `invalid_argument`.
[[nodiscard]] result<void> check(const put_options& o);

/// How far an object has been read. With it a get that was interrupted goes on, also in another
/// process.
struct read_position {
    read_position() = default;

    std::string nuid;                ///< of the object: another one means that it was replaced
    std::uint64_t chunks = 0;        ///< that were read
    std::uint64_t size = 0;          ///< the bytes in them
    std::uint64_t last_sequence = 0; ///< of the last one, in the stream; 0: not known

    friend bool operator==(const read_position&, const read_position&) = default;
};

struct get_options {
    /// How many bytes may be on their way or wait to be read. What a get takes of memory, about; at
    /// least two chunks.
    std::uint64_t window = 2 * 1024 * 1024;
    /// How long each piece may take. Must be positive.
    duration timeout = std::chrono::seconds(30);
    /// Where to go on; null: at the beginning. Copied by the call.
    const read_position* from = nullptr;
    /// Also a deleted object's description is found; it has no bytes.
    bool show_deleted = false;
    /// Of calls that read a whole object. Its context must live as long as they take.
    progress_listener progress{};
    /// What `get_bytes` takes at most.
    std::uint64_t max_size = std::uint64_t{1} << 30U;
};
static_assert(std::is_trivially_destructible_v<get_options>);

/// Errors: `invalid_argument`.
[[nodiscard]] result<void> check(const get_options& o);

} // namespace nats::obj

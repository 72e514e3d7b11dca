// SPDX-License-Identifier: Apache-2.0
//
// What is known of an object besides its bytes (ADR-20). Text must be UTF-8.

#pragma once

#include <natsproto/jetstream/stored_message.hpp>
#include <natsproto/jetstream/stream_config.hpp>
#include <natsproto/jetstream/wall_time.hpp>
#include <natsproto/result.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nats::obj {

/// Headers that belong to an object; they are part of what describes it, and not those of a
/// message.
using header_map = std::map<std::string, std::vector<std::string>, std::less<>>;

/// What the user says of an object.
struct object_meta {
    object_meta() = default;
    /// By the name alone. Implicit, since mostly there is nothing else to say.
    object_meta(std::string object) : name(std::move(object)) {}
    object_meta(std::string_view object) : name(object) {}
    object_meta(const char* object) : name(object) {}

    std::string name; ///< any text but an empty one
    std::string description;
    header_map headers;
    js::metadata_map metadata;

    friend bool operator==(const object_meta&, const object_meta&) = default;
};

/// What an object is that stands for another one, or for a whole bucket.
struct object_link {
    object_link() = default;
    object_link(std::string of_bucket, std::string object)
        : bucket(std::move(of_bucket)), name(std::move(object)) {}

    std::string bucket;
    std::string name; ///< empty: the bucket itself
    std::string extra;

    friend bool operator==(const object_link&, const object_link&) = default;
};

struct object_options {
    object_options() = default;

    std::optional<object_link> link;
    std::uint64_t max_chunk_size = 0; ///< 0: its writer did not say
    std::string extra;

    friend bool operator==(const object_options&, const object_options&) = default;
};

struct object_info : object_meta {
    object_info() = default;
    explicit object_info(object_meta m) : object_meta(std::move(m)) {}

    std::optional<object_options> options;
    std::string bucket;
    std::string nuid;                   ///< of its chunks' subject
    std::uint64_t size = 0;             ///< in bytes
    std::uint64_t chunks = 0;           ///< messages that hold them
    std::optional<js::wall_time> mtime; ///< when it was written, by the server's clock
    std::string digest;                 ///< `SHA-256=` and a Base64 of the URL alphabet
    bool deleted = false;
    /// Members that this library does not know, as a JSON object; empty: none. They go back when
    /// the object is changed.
    std::string extra;

    /// What it stands for; null: it is an object itself.
    [[nodiscard]] const object_link* link() const noexcept {
        return options && options->link ? &*options->link : nullptr;
    }

    friend bool operator==(const object_info&, const object_info&) = default;
};

/// Reads what describes an object. Errors: `invalid_response` for what is no such thing, without a
/// name, or with a `nuid` that cannot be a part of a subject.
[[nodiscard]] result<void> decode(std::string_view json, object_info& into);
/// The same out of the message, which has the time.
[[nodiscard]] result<object_info> info_of(const js::stored_message& m);
/// Errors: `invalid_argument` for text that is not UTF-8.
[[nodiscard]] result<std::string> to_json(const object_info& i);

/// `SHA-256=` and the hash.
[[nodiscard]] std::string digest_text(const std::array<unsigned char, 32>& hash);
/// Whether two texts are the same digest: padding, and which alphabet of Base64, do not matter.
[[nodiscard]] bool same_digest(std::string_view a, std::string_view b) noexcept;

} // namespace nats::obj

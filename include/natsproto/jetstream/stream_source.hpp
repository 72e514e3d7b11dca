// SPDX-License-Identifier: Apache-2.0
//
// Where a stream takes messages from, besides its subjects.
//
// `extra`, here and in every other part of a configuration: a JSON object with the members that
// this library does not know, as the server sent them. It is sent back, so that a configuration
// that was read, changed and written loses nothing. Empty: none. A member that the library has
// written itself is not taken from there.

#pragma once

#include <natsproto/jetstream/wall_time.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nats::js {

/// Another name for the subjects that match.
struct subject_transform {
    subject_transform() = default;
    subject_transform(std::string source, std::string destination)
        : src(std::move(source)), dest(std::move(destination)) {}

    std::string src;  ///< which; may hold wildcards
    std::string dest; ///< what they become, as in `b.{{wildcard(1)}}`
    std::string extra;

    friend bool operator==(const subject_transform&, const subject_transform&) = default;
};

/// A stream of another account or domain.
struct external_stream {
    external_stream() = default;
    explicit external_stream(std::string api_prefix) : api(std::move(api_prefix)) {}

    std::string api;     ///< the prefix of its JetStream API: for a domain `$JS.<domain>.API`
    std::string deliver; ///< the prefix of the subjects that it delivers to
    std::string extra;

    friend bool operator==(const external_stream&, const external_stream&) = default;
};

/// A consumer that was made for a mirror or source beforehand (2.14).
struct source_consumer {
    source_consumer() = default;

    std::string name;
    std::string deliver_subject;
    std::string extra;

    friend bool operator==(const source_consumer&, const source_consumer&) = default;
};

/// A mirrored stream, or one of several sources.
struct stream_source {
    stream_source() = default;
    explicit stream_source(std::string stream) : name(std::move(stream)) {}
    /// A stream of another domain.
    stream_source(std::string stream, const std::string& domain)
        : name(std::move(stream)), external(external_stream("$JS." + domain + ".API")) {}

    std::string name;
    std::uint64_t opt_start_seq = 0; ///< 0: from the first message
    std::optional<wall_time> opt_start_time;
    std::string filter_subject;                        ///< only what matches
    std::vector<subject_transform> subject_transforms; ///< not with `filter_subject` (2.10)
    std::optional<external_stream> external;
    std::optional<source_consumer> consumer; ///< 2.14
    std::string extra;

    friend bool operator==(const stream_source&, const stream_source&) = default;
};

} // namespace nats::js

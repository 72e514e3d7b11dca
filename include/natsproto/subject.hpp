// SPDX-License-Identifier: Apache-2.0
//
// What may stand in a subject, a queue group and an inbox prefix.
//
// A subject is tokens joined by dots; any byte but white space and control characters may stand in
// a token, so UTF-8 does. nats-server drops a publish to a subject with an empty token without a
// word and never matches one with a wildcard as expected, so both are refused here (server 2.9
// to 2.15; specification 2.4).

#pragma once

#include <string_view>

namespace nats {

/// A subject that a message can be published to: no empty token, no wildcard token.
[[nodiscard]] bool is_publish_subject(std::string_view subject) noexcept;

/// A subject that can be subscribed to: no empty token, `>` only as the last token. `foo*` is an
/// ordinary token.
[[nodiscard]] bool is_subscribe_subject(std::string_view subject) noexcept;

/// Not empty, no white space and no control character.
[[nodiscard]] bool is_queue_group(std::string_view name) noexcept;

/// The start of inbox names: a subject without wildcards that does not end in a dot.
[[nodiscard]] bool is_inbox_prefix(std::string_view prefix) noexcept;

/// Whether `pattern`, which may hold wildcards, matches the concrete `subject`.
[[nodiscard]] bool subject_matches(std::string_view pattern, std::string_view subject) noexcept;

} // namespace nats

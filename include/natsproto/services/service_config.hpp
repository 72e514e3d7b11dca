// SPDX-License-Identifier: Apache-2.0
//
// What a service is made of (ADR-32): its own description, groups and endpoints. Any server will
// do, from 2.9 on: a service is subscriptions and answers.

#pragma once

#include <natsproto/result.hpp>
#include <natsproto/session.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace nats::services {

using metadata_map = std::map<std::string, std::string, std::less<>>;

/// In front of the subjects that services are found by.
inline constexpr std::string_view default_prefix = "$SRV";
/// The queue group of endpoints, unless another one or none is wanted.
inline constexpr std::string_view default_queue_group = "q";

struct service_config {
    service_config(std::string_view called, std::string_view of_version)
        : name(called), version(of_version) {}

    std::string name;        ///< letters, digits, `-` and `_`: what its instances have in common
    std::string version;     ///< by semantic versioning: `1.2.3`, `1.0.0-rc.1+build`
    std::string description; ///< for people
    metadata_map metadata;   ///< not to be changed later
    /// Of endpoints that neither they nor their group say otherwise of; unset: `q`.
    std::optional<std::string> queue_group;
    /// Their requests go to every instance instead.
    bool no_queue_group = false;
    /// Instead of `$SRV`. Who looks for it has to know.
    std::string prefix{default_prefix};
};

struct endpoint_config {
    explicit endpoint_config(std::string_view called) : name(called) {}

    std::string name;      ///< letters, digits, `-` and `_`
    std::string subject;   ///< behind those of its groups; may have wildcards. Empty: the name
    metadata_map metadata; ///< not to be changed later
    std::optional<std::string> queue_group; ///< unset: that of its group, or of the service
    bool no_queue_group = false;            ///< every instance gets each request
    /// Of requests that wait; unset: the connection's. What comes then is dropped, and told as
    /// `slow_consumer`.
    std::optional<pending_limits> pending;
    /// Only for handlers that are coroutines: how many may run at a time; the rest waits. From 1
    /// on.
    std::size_t max_concurrent = 64;
};

struct group_options {
    std::optional<std::string_view> queue_group{}; ///< unset: that of what it is in
    bool no_queue_group = false;
};
static_assert(std::is_trivially_destructible_v<group_options>);

/// Where an endpoint is added: below a prefix, with a queue group that it inherits.
struct scope {
    scope() = default;
    scope(std::string_view below, std::string_view group) : prefix(below), queue_group(group) {}

    std::string prefix;      ///< without the last dot; may be empty
    std::string queue_group; ///< empty: none
};

/// That of the service itself.
[[nodiscard]] scope scope_of(const service_config& c);
/// A group in it. Errors: `invalid_subject`, `invalid_queue_group`.
[[nodiscard]] result<scope> nested(const scope& in, std::string_view prefix,
                                   const group_options& o);

/// Letters, digits, `-` and `_`, and at least one of them.
[[nodiscard]] bool is_service_name(std::string_view name) noexcept;
/// By semver.org 2.0.0.
[[nodiscard]] bool is_semantic_version(std::string_view version) noexcept;

/// Errors: `invalid_service_name`, `invalid_argument` for the version, `invalid_queue_group`,
/// `invalid_subject` for the prefix.
[[nodiscard]] result<void> check(const service_config& c);
/// Errors: `invalid_service_name`, `invalid_queue_group`, `invalid_argument`.
[[nodiscard]] result<void> check(const endpoint_config& c);

} // namespace nats::services

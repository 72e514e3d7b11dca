// SPDX-License-Identifier: Apache-2.0
//
// What buckets and keys may be called (ADR-8, ADR-6), and which of a bucket's keys are meant.

#pragma once

#include <natsproto/result.hpp>

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nats::kv {

/// Letters, digits, `-` and `_`. Errors: `invalid_name`.
[[nodiscard]] result<void> check_bucket(std::string_view name);
/// Tokens of letters, digits and `- _ / =`, joined by dots. Errors: `invalid_key`.
[[nodiscard]] result<void> check_key(std::string_view key);
/// The same for one that is written to: those that begin with `_kv` are not for users.
[[nodiscard]] result<void> check_new_key(std::string_view key);
/// A key whose tokens may be `*`, for any one, and at the end `>`, for one or more.
[[nodiscard]] result<void> check_filter(std::string_view filter);

/// The stream that a bucket is: `KV_` and its name.
[[nodiscard]] std::string stream_name(std::string_view bucket);
/// The bucket that a stream is; empty for a stream that is none, by its name.
[[nodiscard]] std::string_view bucket_name(std::string_view stream) noexcept;

/// Keys, which may have wildcards; none: all keys of the bucket. More than one needs server 2.10,
/// and they must not overlap.
class key_filters {
public:
    key_filters() = default;
    template <std::convertible_to<std::string_view> Text>
    key_filters(const Text& one) : all_{std::string(std::string_view(one))} {}
    key_filters(std::initializer_list<std::string_view> some) : all_(some.begin(), some.end()) {}
    key_filters(std::vector<std::string> some) : all_(std::move(some)) {}

    [[nodiscard]] const std::vector<std::string>& all() const noexcept { return all_; }

private:
    std::vector<std::string> all_;
};

} // namespace nats::kv

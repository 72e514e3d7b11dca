// SPDX-License-Identifier: Apache-2.0
//
// Where JetStream's API is, and how it is asked.

#pragma once

#include <natsproto/result.hpp>
#include <natsproto/time.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace nats::js {

struct context_options {
    /// Of the API's subjects, without the last dot; empty: `$JS.API`.
    std::string_view api_prefix{};
    /// The JetStream domain, which makes the prefix `$JS.<domain>.API`. Not with `api_prefix`.
    std::string_view domain{};
    /// How long each request to the API waits for its answer. Must be positive.
    duration timeout = std::chrono::seconds(5);
    /// Sent with each request to the API: a server of a lower level refuses it (2.12; older ones
    /// ignore it).
    std::optional<std::uint32_t> required_api_level{};
    /// Has the server (2.11) refuse a configuration that it would otherwise correct.
    bool pedantic = false;
};
static_assert(std::is_trivially_destructible_v<context_options>);

class context {
public:
    /// With all defaults.
    context();
    /// Errors: `invalid_argument` for a prefix that is no subject, a prefix and a domain, or a
    /// timeout.
    [[nodiscard]] static result<context> make(const context_options& o);

    /// With the final dot: `$JS.API.`.
    [[nodiscard]] const std::string& prefix() const noexcept { return prefix_; }
    [[nodiscard]] duration timeout() const noexcept { return timeout_; }
    [[nodiscard]] std::optional<std::uint32_t> required_api_level() const noexcept {
        return required_api_level_;
    }
    [[nodiscard]] bool pedantic() const noexcept { return pedantic_; }

private:
    std::string prefix_;
    duration timeout_;
    std::optional<std::uint32_t> required_api_level_;
    bool pedantic_ = false;
};

/// Not empty, no white space or control character, none of `. * > / \`, at most 255 bytes.
/// `what` begins the error's detail, such as "stream".
[[nodiscard]] result<void> check_name(std::string_view what, std::string_view name);

} // namespace nats::js
